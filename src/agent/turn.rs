//! One turn of the agent as a machine: ask the model, run its calls, ask again, until it has answered.
//!
//! Pure. The host drives it: it builds the requests, makes and resolves the calls, and carries the effects on. The machine
//! writes the transcript's assistant entries and decides on limits and retries.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::{Completion, Finish, ModelCall, ModelError, ModelErrorKind, ModelEvent};
use crate::agent::transcript::{Assistant, Entry, Level, Transcript};
use crate::config::Limits;
use crate::ids::{CallId, Moment, StreamId, TimerId, TurnId};

/// Tries of one step after the first.
const RETRIES: u32 = 4;
/// What an endpoint may ask to wait before the turn is given up instead.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Where the agent stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TurnState {
    /// Nothing runs.
    #[default]
    Idle,
    /// The person has spoken; servers that are still starting get a moment.
    Gathering {
        /// The turn.
        turn: TurnId,
        /// Since when.
        since: Moment,
        /// The timer that ends the wait.
        timer: TimerId,
    },
    /// The model is being asked.
    Streaming {
        /// The turn.
        turn: TurnId,
        /// The step, from 1.
        step: u32,
        /// The stream that counts.
        stream: StreamId,
        /// When the request was sent.
        since: Moment,
        /// How often this step has been tried before.
        retries: u32,
        /// The endpoint has answered.
        opened: bool,
        /// Something of it was shown.
        shown: bool,
    },
    /// The endpoint asked to wait, or could not be reached.
    Backoff {
        /// The turn.
        turn: TurnId,
        /// The step, from 1.
        step: u32,
        /// When it is tried again.
        until: Moment,
        /// The timer that ends it.
        timer: TimerId,
        /// How often this step has been tried before.
        retries: u32,
        /// Why, as a sentence.
        why: String,
    },
    /// The calls of a step are under way.
    Calling {
        /// The turn.
        turn: TurnId,
        /// The step, from 1.
        step: u32,
        /// The calls without a result yet.
        waiting: BTreeSet<CallId>,
    },
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model has answered.
    Answered,
    /// The person interrupted it.
    Interrupted,
    /// The limit of steps was reached.
    StepLimit,
    /// `max_tokens` or the context cut the answer.
    Length,
    /// A filter of the endpoint cut the answer.
    Filtered,
    /// The model kept making the same call.
    Repeated,
    /// The endpoint failed.
    ModelFailed,
}

/// What the machine wants of the host.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEffect {
    /// Build the request and ask.
    Ask(StreamId),
    /// Drop the stream.
    Abort(StreamId),
    /// Make these calls, then say [`TurnState::proposed`].
    Propose(Vec<ModelCall>),
    /// Report the timer after this time.
    Wait(TimerId, Duration),
    /// Offer tools in another way, then ask again.
    Adapt(ModelErrorKind, StreamId),
    /// The turn is over.
    Ended(StopReason),
}

/// What the machine works on: lent by the host for one event.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The conversation.
    pub transcript: &'a mut Transcript,
    /// The limits.
    pub limits: &'a Limits,
    /// Where new numbers come from.
    pub numbers: &'a mut Numbers,
    /// The time.
    pub now: Moment,
}

/// The next free numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numbers {
    turn: TurnId,
    stream: StreamId,
    timer: TimerId,
}

impl Numbers {
    /// A new stream's number.
    pub fn stream(&mut self) -> StreamId {
        self.stream = self.stream.next();
        self.stream
    }

    /// A new timer's number.
    pub fn timer(&mut self) -> TimerId {
        self.timer = self.timer.next();
        self.timer
    }

    fn turn(&mut self) -> TurnId {
        self.turn = self.turn.next();
        self.turn
    }
}

impl TurnState {
    /// The turn that runs, if one does.
    pub fn id(&self) -> Option<TurnId> {
        match self {
            Self::Idle => None,
            Self::Gathering { turn, .. }
            | Self::Streaming { turn, .. }
            | Self::Backoff { turn, .. }
            | Self::Calling { turn, .. } => Some(*turn),
        }
    }

    /// The step that runs, from 1; 0 before the first.
    pub fn step(&self) -> u32 {
        match self {
            Self::Idle | Self::Gathering { .. } => 0,
            Self::Streaming { step, .. }
            | Self::Backoff { step, .. }
            | Self::Calling { step, .. } => *step,
        }
    }

    /// The person has spoken. With `patience`, servers get that long to be ready before the model is asked.
    pub fn submit(
        &mut self,
        text: String,
        patience: Option<Duration>,
        desk: &mut Desk,
    ) -> Vec<TurnEffect> {
        if *self != Self::Idle {
            return Vec::new();
        }
        desk.transcript.push(Entry::User { text, at: desk.now });
        let turn = desk.numbers.turn();
        match patience {
            Some(wait) => {
                let timer = desk.numbers.timer();
                *self = Self::Gathering {
                    turn,
                    since: desk.now,
                    timer,
                };
                vec![TurnEffect::Wait(timer, wait)]
            }
            None => self.ask(turn, 1, 0, desk),
        }
    }

    /// The servers are ready, or there is no more waiting for them.
    pub fn gathered(&mut self, desk: &mut Desk) -> Vec<TurnEffect> {
        match self {
            Self::Gathering { turn, .. } => {
                let turn = *turn;
                self.ask(turn, 1, 0, desk)
            }
            Self::Idle | Self::Streaming { .. } | Self::Backoff { .. } | Self::Calling { .. } => {
                Vec::new()
            }
        }
    }

    /// A timer of the turn has run out.
    pub fn timer(&mut self, id: TimerId, desk: &mut Desk) -> Vec<TurnEffect> {
        match self {
            Self::Gathering { timer, .. } if *timer == id => self.gathered(desk),
            Self::Backoff {
                timer,
                turn,
                step,
                retries,
                ..
            } if *timer == id => {
                let (turn, step, retries) = (*turn, *step, *retries);
                self.ask(turn, step, retries + 1, desk)
            }
            // A timer of a wait that has ended otherwise.
            Self::Idle
            | Self::Gathering { .. }
            | Self::Backoff { .. }
            | Self::Streaming { .. }
            | Self::Calling { .. } => Vec::new(),
        }
    }

    /// The model said something. What belongs to another stream is stale.
    pub fn model(&mut self, from: StreamId, event: ModelEvent, desk: &mut Desk) -> Vec<TurnEffect> {
        let Self::Streaming {
            stream,
            opened,
            shown,
            ..
        } = self
        else {
            return Vec::new();
        };
        if *stream != from {
            return Vec::new();
        }
        match event {
            ModelEvent::Opened => *opened = true,
            ModelEvent::Text(delta) => {
                (*opened, *shown) = (true, true);
                desk.grow(|entry| entry.text.push_str(&delta));
            }
            ModelEvent::Reasoning(delta) => {
                (*opened, *shown) = (true, true);
                desk.grow(|entry| entry.reasoning.push_str(&delta));
            }
            ModelEvent::Preparing { name, bytes } => {
                *opened = true;
                desk.grow(|entry| entry.preparing = Some((name, bytes)));
            }
            ModelEvent::Done(completion) => return self.completed(completion, desk),
            ModelEvent::Failed(error) => return self.failed(error, desk),
        }
        Vec::new()
    }

    /// The host has made the calls; those in `open` have no result yet. `is_last`: the model had been given no tools because it
    /// kept making the same call, and made one all the same.
    pub fn proposed(
        &mut self,
        all: Vec<CallId>,
        open: BTreeSet<CallId>,
        is_last: bool,
        desk: &mut Desk,
    ) -> Vec<TurnEffect> {
        let Self::Calling { waiting, .. } = self else {
            return Vec::new();
        };
        *waiting = open;
        if let Some(entry) = desk.transcript.last_step_mut() {
            entry.calls = all;
        }
        if is_last {
            let text = "The model kept making the same call; the turn was ended";
            desk.transcript.note(
                Level::Warning,
                text,
                Some("say it in other words".to_owned()),
            );
            return self.end(StopReason::Repeated, desk);
        }
        self.next_step(desk)
    }

    /// A call has its result.
    pub fn resolved(&mut self, call: CallId, desk: &mut Desk) -> Vec<TurnEffect> {
        match self {
            Self::Calling { waiting, .. } => {
                let counted = waiting.remove(&call);
                if counted {
                    self.next_step(desk)
                } else {
                    Vec::new()
                }
            }
            // A call by hand, or one of a turn that was interrupted.
            Self::Idle | Self::Gathering { .. } | Self::Streaming { .. } | Self::Backoff { .. } => {
                Vec::new()
            }
        }
    }

    /// Ends the turn at once; the host resolves the calls.
    pub fn interrupt(&mut self, desk: &mut Desk) -> Vec<TurnEffect> {
        let mut effects = Vec::new();
        match self {
            Self::Idle => return effects,
            Self::Streaming { stream, .. } => effects.push(TurnEffect::Abort(*stream)),
            Self::Gathering { .. } | Self::Backoff { .. } | Self::Calling { .. } => {}
        }
        effects.extend(self.end(StopReason::Interrupted, desk));
        effects
    }

    /// Ends the turn with this reason: closes the open entry and goes idle.
    pub fn end(&mut self, reason: StopReason, desk: &mut Desk) -> Vec<TurnEffect> {
        desk.close(None);
        *self = Self::Idle;
        vec![TurnEffect::Ended(reason)]
    }

    fn ask(&mut self, turn: TurnId, step: u32, retries: u32, desk: &mut Desk) -> Vec<TurnEffect> {
        let stream = desk.numbers.stream();
        let now = desk.now;
        if desk.transcript.open_mut().is_none() {
            desk.transcript.push(Entry::Assistant(Assistant {
                turn,
                step,
                open: true,
                since: now,
                ..Assistant::default()
            }));
        }
        *self = Self::Streaming {
            turn,
            step,
            stream,
            since: now,
            retries,
            opened: false,
            shown: false,
        };
        vec![TurnEffect::Ask(stream)]
    }

    fn next_step(&mut self, desk: &mut Desk) -> Vec<TurnEffect> {
        match self {
            Self::Calling {
                turn,
                step,
                waiting,
            } if waiting.is_empty() => {
                let (turn, step) = (*turn, *step);
                self.ask(turn, step + 1, 0, desk)
            }
            Self::Calling { .. }
            | Self::Idle
            | Self::Gathering { .. }
            | Self::Streaming { .. }
            | Self::Backoff { .. } => Vec::new(),
        }
    }

    fn completed(&mut self, completion: Completion, desk: &mut Desk) -> Vec<TurnEffect> {
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

    fn failed(&mut self, error: ModelError, desk: &mut Desk) -> Vec<TurnEffect> {
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

impl Desk<'_> {
    fn grow(&mut self, change: impl FnOnce(&mut Assistant)) {
        if let Some(entry) = self.transcript.open_mut() {
            change(entry);
        }
    }

    fn close(&mut self, completion: Option<&Completion>) {
        let usage = completion.and_then(|completion| completion.usage);
        self.grow(|entry| {
            entry.open = false;
            entry.preparing = None;
            entry.usage = usage;
        });
    }

    fn note_cut(&mut self, in_a_call: bool) {
        let text = if in_a_call {
            "The answer was cut at max_tokens in the middle of a tool call; nothing of it was run"
        } else {
            "The answer was cut at max_tokens"
        };
        let hint = "say `go on`, or raise `max_tokens` in [model]";
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
    }

    fn note_step_limit(&mut self) {
        let text = format!(
            "The turn was ended after {} steps; the last calls were not run",
            self.limits.steps_per_turn
        );
        let hint = "say `go on`, or raise `steps_per_turn` in [limits]";
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
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
