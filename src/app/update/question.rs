//! Keys in the question dialog. What is typed ahead answers nothing.
//!
//! Pure.

use std::time::Duration;

use super::overlay::scrolled;
use crate::app::composer::Composer;
use crate::app::effect::AppEffect;
use crate::app::intent::{Choice, Move};
use crate::app::key::{Code, Key};
use crate::app::keymap::Context;
use crate::app::state::{App, AskPane, Pane};
use crate::host::{Answer, Command};

/// Keys that follow the dialog's appearance, or each other, faster than this were meant for the input.
const TYPED_AHEAD: Duration = Duration::from_millis(400);

impl App {
    /// Brings the dialog in line with the question that is first in the queue.
    pub(super) fn meet_question(&mut self) {
        let first = self.host.questions.front().map(|question| question.id);
        if first != self.ask.question {
            let had_one = self.ask.question.is_some();
            self.ask = AskPane {
                question: first,
                ..AskPane::default()
            };
            if first.is_some() && !had_one {
                self.focus = Pane::Chat;
                self.tab = Pane::Chat;
            }
        }
        // Covered by something else it has not been seen: its time begins anew when it is.
        match self.context() {
            Context::Question if self.ask.shown.is_none() => self.ask.shown = Some(self.now),
            Context::Question | Context::Reason => {}
            Context::Chat
            | Context::Completing
            | Context::Fields
            | Context::Calls
            | Context::Servers
            | Context::Palette
            | Context::Detail
            | Context::Help => self.ask.shown = None,
        }
    }

    /// Whether this key was on its way to the input when the dialog came. A run of typing goes on until there is a pause.
    pub(super) fn is_typed_ahead(&mut self, key: Key) -> bool {
        let answers = key.typed().is_some() || key.code == Code::Enter;
        let early = self
            .ask
            .shown
            .is_none_or(|shown| self.now.since(shown) < TYPED_AHEAD);
        if answers && early {
            self.ask.shown = Some(self.now);
        }
        answers && early
    }

    pub(super) fn mark_answer(&mut self, by: usize) -> Vec<AppEffect> {
        self.ask.marked = (self.ask.marked + by) % Choice::ALL.len();
        Vec::new()
    }

    pub(super) fn answer_marked(&mut self) -> Vec<AppEffect> {
        match Choice::ALL.get(self.ask.marked) {
            Some(choice) => self.answer(*choice),
            None => Vec::new(),
        }
    }

    pub(super) fn answer(&mut self, choice: Choice) -> Vec<AppEffect> {
        let Some(question) = self.ask.question else {
            return Vec::new();
        };
        let answer = match (choice, self.ask.reason.take()) {
            (Choice::Once, _) => Answer::Once,
            (Choice::Session, _) => Answer::Session,
            (Choice::Always, _) => Answer::Always,
            (Choice::No, _) => Answer::No { reason: None },
            (Choice::Reason, None) => {
                self.ask.marked = Choice::ALL.len() - 1;
                self.ask.reason = Some(Composer::default());
                return Vec::new();
            }
            (Choice::Reason, Some(reason)) => {
                let reason = reason.text().trim();
                Answer::No {
                    reason: (!reason.is_empty()).then(|| reason.to_owned()),
                }
            }
        };
        self.command(Command::Answer(question, answer))
    }

    pub(super) fn leave_reason(&mut self) -> Vec<AppEffect> {
        self.ask.reason = None;
        Vec::new()
    }

    pub(super) fn scroll_arguments(&mut self, by: Move) -> Vec<AppEffect> {
        let (rows, area) = self.chat.measured.ask;
        self.ask.scroll = scrolled(self.ask.scroll, by, rows, area);
        Vec::new()
    }
}
