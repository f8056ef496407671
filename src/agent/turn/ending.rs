//! The end of a step: completed or failed, and whether it is tried again.
//!
//! Pure. A step is repeated only while nothing of it was shown.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::model::{Completion, Finish, ModelError, ModelErrorKind};
use crate::agent::transcript::Level;
use crate::agent::turn::desk::Desk;
use crate::agent::turn::state::{StopReason, TurnEffect, TurnState};
use crate::ids::TurnId;

/// Tries of one step after the first.
const RETRIES: u32 = 4;
/// What an endpoint may ask to wait before the turn is given up instead.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl TurnState {
    pub(super) fn completed(&mut self, completion: Completion, desk: &mut Desk) -> Vec<TurnEffect> {
        let (turn, step) = (self.id().unwrap_or_default(), self.step());
        desk.close(Some(&completion));
        for note in completion.notes {
            desk.transcript.note(Level::Info, note, None);
        }
        match (completion.finish, completion.calls.is_empty()) {
            (Finish::Stop, true) => self.end(StopReason::Answered, desk),
            (Finish::Length, none) => {
                desk.note_cut(!none);
                self.end(StopReason::Length, desk)
            }
            (Finish::Filtered, _) => {
                desk.transcript.note(
                    Level::Warning,
                    "The endpoint's content filter cut the answer",
                    None,
                );
                self.end(StopReason::Filtered, desk)
            }
            (Finish::Stop, false) if step >= desk.limits.steps_per_turn => {
                desk.note_step_limit();
                self.end(StopReason::StepLimit, desk)
            }
            (Finish::Stop, false) => {
                *self = Self::Calling {
                    turn,
                    step,
                    waiting: BTreeSet::new(),
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
        if !shown
            && matches!(
                error.kind,
                ModelErrorKind::ToolsUnsupported | ModelErrorKind::SchemaRefused
            )
            && retries == 0
        {
            let asked = self.ask(turn, step, retries + 1, desk);
            let adapt = |effect| match effect {
                TurnEffect::Ask(stream) => TurnEffect::Adapt(error.kind, stream),
                other => other,
            };
            return asked.into_iter().map(adapt).collect();
        }
        let wait = error.retry_after.unwrap_or_else(|| backoff(turn, retries));
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
        desk.transcript
            .note(Level::Error, error.message, error.hint);
        self.end(StopReason::ModelFailed, desk)
    }
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
