//! What the machine works on, lent by the host for one event; and the notes that it writes for the person.
//!
//! Pure.

use crate::agent::model::Completion;
use crate::agent::transcript::{Assistant, Level, Transcript};
use crate::agent::turn::state::Change;
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
    /// What has not been changed yet about this step's request: each change is tried once.
    pub changes: Vec<Change>,
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

    /// The turns of a conversation that was begun in an earlier run keep their numbers.
    pub fn go_past(&mut self, turn: TurnId) {
        self.turn = self.turn.max(turn);
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

    /// Closes the open entry; gives whether it says nothing.
    pub(super) fn close(&mut self, completion: Option<&Completion>) -> bool {
        let usage = completion.and_then(|completion| completion.usage);
        let mut is_empty = true;
        self.grow(|entry| {
            entry.open = false;
            entry.preparing = None;
            entry.usage = usage;
            is_empty = entry.text.trim().is_empty();
        });
        is_empty
    }

    /// Says to both that the call was cut and is asked for once more: without a word the model would only repeat itself.
    pub(super) fn note_more_tokens(&mut self) {
        let text = "The answer was cut at max_tokens in the middle of a tool call; nothing of it was run, and the model is asked \
                    once more with twice as many";
        self.transcript.note(Level::Info, text, None);
        let text = "Your last answer was cut at its token limit in the middle of a tool call, and nothing of it was run. Make \
                    the call again, whole, or in smaller pieces.";
        self.transcript.tell(text.to_owned());
    }

    pub(super) fn note_no_answer(&mut self) {
        let hint = "ask again in other words, or try another model";
        self.transcript.note(
            Level::Warning,
            "The model ended its turn without an answer",
            Some(hint.to_owned()),
        );
    }

    pub(super) fn note_filtered(&mut self) {
        self.transcript.note(
            Level::Warning,
            "The endpoint's content filter cut the answer; calls in it were not run",
            Some("ask in other words".to_owned()),
        );
    }

    pub(super) fn note_repeated(&mut self) {
        self.transcript.note(
            Level::Warning,
            "The model kept making the same call, so the turn was ended",
            Some("say what you want in other words, or in smaller steps".to_owned()),
        );
    }

    pub(super) fn note_cut(&mut self, in_a_call: bool) {
        let text = if in_a_call {
            "The answer was cut at max_tokens in the middle of a tool call again; nothing of it was run"
        } else {
            "The answer was cut at max_tokens, or at the end of the model's context"
        };
        let hint = if in_a_call {
            "raise `max_tokens` in [model], or ask for less at once"
        } else {
            "say `go on`, or raise `max_tokens` in [model]"
        };
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
    }

    pub(super) fn note_step_limit(&mut self) {
        let text = format!(
            "The turn was ended after {} steps; the calls of the last one were not run",
            self.limits.steps_per_turn
        );
        let hint = "say `go on`, or raise `steps_per_turn` in [limits]";
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
    }
}
