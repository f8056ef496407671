//! What the machine works on, lent by the host for one event; and the notes that it writes for the person.
//!
//! Pure.

use crate::agent::model::Completion;
use crate::agent::transcript::{Assistant, Level, Transcript};
use crate::config::Limits;
use crate::ids::{Moment, StreamId, TimerId, TurnId};

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

    pub(super) fn turn(&mut self) -> TurnId {
        self.turn = self.turn.next();
        self.turn
    }
}

impl Desk<'_> {
    pub(super) fn grow(&mut self, change: impl FnOnce(&mut Assistant)) {
        if let Some(entry) = self.transcript.open_mut() {
            change(entry);
        }
    }

    pub(super) fn close(&mut self, completion: Option<&Completion>) {
        let usage = completion.and_then(|completion| completion.usage);
        self.grow(|entry| {
            entry.open = false;
            entry.preparing = None;
            entry.usage = usage;
        });
    }

    pub(super) fn note_cut(&mut self, in_a_call: bool) {
        let text = if in_a_call {
            "The answer was cut at max_tokens in the middle of a tool call; nothing of it was run"
        } else {
            "The answer was cut at max_tokens"
        };
        let hint = "say `go on`, or raise `max_tokens` in [model]";
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
    }

    pub(super) fn note_step_limit(&mut self) {
        let text = format!(
            "The turn was ended after {} steps; the last calls were not run",
            self.limits.steps_per_turn
        );
        let hint = "say `go on`, or raise `steps_per_turn` in [limits]";
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
    }
}
