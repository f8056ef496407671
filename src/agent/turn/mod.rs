//! One turn of the agent as a machine: ask the model, run its calls, ask again, until it has answered.
//!
//! Pure. The host drives it: it builds the requests, makes and resolves the calls, and carries the effects on. The machine
//! writes the transcript's assistant entries and decides on limits and retries.

mod desk;
mod ending;
mod state;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::model::ModelEvent;
use crate::agent::transcript::{Assistant, Entry};
use crate::ids::{CallId, StreamId, TimerId, TurnId};

pub use desk::{Desk, Numbers};
pub use state::{Change, StopReason, TurnEffect, TurnState};

impl TurnState {
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
        desk.transcript.push(Entry::User {
            text,
            at: desk.now,
            sent: true,
        });
        self.begin(patience, desk)
    }

    /// A turn begins on what stands in the conversation already.
    pub fn begin(&mut self, patience: Option<Duration>, desk: &mut Desk) -> Vec<TurnEffect> {
        if *self != Self::Idle {
            return Vec::new();
        }
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
    /// kept making the same call, and made one all the same; none of `all` was sent.
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
            desk.note_repeated();
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
        match desk.transcript.open_mut() {
            // A retry: nothing of the first try was shown but the call that it had begun.
            Some(entry) => entry.preparing = None,
            None => desk.transcript.push(Entry::Assistant(Assistant {
                turn,
                step,
                open: true,
                since: now,
                ..Assistant::default()
            })),
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
}
