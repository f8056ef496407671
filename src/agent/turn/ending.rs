//! The end of a step: completed or failed, and whether it is tried again.
//!
//! Pure. A step is repeated only while nothing of it was shown.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::model::{Completion, Finish, ModelError, ModelErrorKind};
use crate::agent::transcript::Level;
use crate::agent::turn::desk::Desk;
use crate::agent::turn::state::{Change, StopReason, TurnEffect, TurnState};
use crate::ids::TurnId;

/// Tries of one step after the first.
const RETRIES: u32 = 4;
/// What an endpoint may ask to wait before the turn is given up instead.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl TurnState {
    pub(super) fn completed(&mut self, completion: Completion, desk: &mut Desk) -> Vec<TurnEffect> {
        let (turn, step) = (self.id().unwrap_or_default(), self.step());
        let is_empty = desk.close(Some(&completion));
        for note in completion.notes {
            desk.transcript.note(Level::Info, note, None);
        }
        match (completion.finish, completion.calls.is_empty()) {
            (Finish::Stop, true) => {
                if is_empty {
                    desk.note_no_answer();
                }
                self.end(StopReason::Answered, desk)
            }
            (Finish::Length, false) if desk.changes.contains(&Change::MoreTokens) => {
                desk.note_more_tokens();
                self.change(Change::MoreTokens, turn, step, 0, desk)
            }
            (Finish::Length, none) => {
                desk.note_cut(!none);
                self.end(StopReason::Length, desk)
            }
            (Finish::Filtered, _) => {
                desk.note_filtered();
                self.end(StopReason::Filtered, desk)
            }
            (Finish::Stop, false) if step >= desk.limits.steps_per_turn => {
                desk.note_step_limit();
                self.end(StopReason::StepLimit, desk)
            }
            (Finish::Stop, false) => {
                let waiting = BTreeSet::new();
                *self = Self::Calling {
                    turn,
                    step,
                    waiting,
                };
                vec![TurnEffect::Propose(completion.calls)]
            }
        }
    }

    pub(super) fn failed(&mut self, error: ModelError, desk: &mut Desk) -> Vec<TurnEffect> {
        let Self::Streaming {
            turn,
            step,
            retries,
            shown,
            ..
        } = self
        else {
            return Vec::new();
        };
        let (turn, step, retries, shown) = (*turn, *step, *retries, *shown);
        if let Some(change) = remedy(error.kind)
            && !shown
            && desk.changes.contains(&change)
        {
            return self.change(change, turn, step, retries, desk);
        }
        let wait = wait(&error, turn, retries);
        if !shown && error.kind.may_retry() && retries < RETRIES && wait <= LONGEST_WAIT {
            let timer = desk.numbers.timer();
            *self = Self::Backoff {
                turn,
                step,
                until: desk.now.plus(wait),
                timer,
                retries,
                why: error.message,
            };
            return vec![TurnEffect::Wait(timer, wait)];
        }
        desk.close(None);
        desk.transcript
            .note(Level::Error, error.message, error.hint);
        self.end(StopReason::ModelFailed, desk)
    }

    /// Asks again with a request that is made otherwise.
    fn change(
        &mut self,
        change: Change,
        turn: TurnId,
        step: u32,
        retries: u32,
        desk: &mut Desk,
    ) -> Vec<TurnEffect> {
        let asked = self.ask(turn, step, retries, desk);
        let adapt = |effect| match effect {
            TurnEffect::Ask(stream) => TurnEffect::Adapt(change, stream),
            other => other,
        };
        asked.into_iter().map(adapt).collect()
    }
}

/// What may mend a failure of this kind.
fn remedy(kind: ModelErrorKind) -> Option<Change> {
    match kind {
        ModelErrorKind::ToolsUnsupported => Some(Change::Prompt),
        ModelErrorKind::SchemaRefused => Some(Change::PlainSchemas),
        ModelErrorKind::ContextTooLong => Some(Change::Shorter),
        ModelErrorKind::Key
        | ModelErrorKind::RateLimit
        | ModelErrorKind::Quota
        | ModelErrorKind::Server
        | ModelErrorKind::Unreachable
        | ModelErrorKind::Cut
        | ModelErrorKind::NoSuchModel
        | ModelErrorKind::Request
        | ModelErrorKind::Malformed
        | ModelErrorKind::Script => None,
    }
}

/// What the endpoint asked for, or our own; "at once" is no wait that a struggling endpoint can mean.
fn wait(error: &ModelError, turn: TurnId, retries: u32) -> Duration {
    error
        .retry_after
        .filter(|wait| !wait.is_zero())
        .unwrap_or_else(|| backoff(turn, retries))
}

/// 0.5 s doubling to 8 s, less up to a quarter so that several programs do not come back together.
fn backoff(turn: TurnId, retries: u32) -> Duration {
    let full = 500u64 << retries.min(4);
    let spread = turn
        .0
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(retries)
        % (full / 4);
    Duration::from_millis(full - spread)
}
