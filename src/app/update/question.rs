//! Keys in the question dialog. What is typed ahead answers nothing.
//!
//! Pure.

use std::time::Duration;

use super::overlay::scrolled;
use crate::app::composer::Composer;
use crate::app::dialog::Dialog;
use crate::app::effect::AppEffect;
use crate::app::intent::{Choice, Move};
use crate::app::key::{Code, Key};
use crate::app::keymap::Context;
use crate::app::state::{App, AskPane, Overlay, Pane};
use crate::host::{Answer, Command};

/// Keys that follow the dialog's appearance, or each other, faster than this were meant for the input.
pub(super) const TYPED_AHEAD: Duration = Duration::from_millis(400);

impl AskPane {
    /// Who gets the keys while the chat has the focus.
    pub(super) fn context(&self) -> Context {
        match &self.dialog {
            Dialog::Call if self.reason.is_some() => Context::Reason,
            Dialog::Call => Context::Question,
            Dialog::Form(form) if form.types() => Context::Form,
            Dialog::Form(_) => Context::Pick,
            Dialog::Folders(_) => Context::Form,
            Dialog::Visit(_) => Context::Visit,
            Dialog::Sampling => Context::Sampling,
        }
    }
}

impl App {
    /// Brings the dialog in line with the question that is first in the queue.
    pub(super) fn meet_question(&mut self) {
        let first = self.host.questions.front();
        let id = first.map(|question| question.id);
        if id != self.ask.question {
            let (roots, here) = (self.host.roots.as_deref(), &self.here);
            let dialog = first.map(|question| Dialog::of(question, roots, here));
            let next = AskPane {
                question: id,
                dialog: dialog.unwrap_or_default(),
                free: true,
                ..AskPane::default()
            };
            let before = std::mem::replace(&mut self.ask, next);
            if id.is_some() && before.question.is_none() {
                self.focus = Pane::Chat;
                self.tab = Pane::Chat;
            }
            if !before.answered && !matches!(before.dialog, Dialog::Call) {
                self.complain("The server no longer waits for that answer.");
            }
        }
        // Covered by something else it has not been seen: its time begins anew when it is.
        let context = self.context();
        let on_show = context.asks() && matches!(self.overlay, Overlay::None);
        match (on_show, context) {
            (true, Context::Reason) => {}
            (true, _) if self.ask.shown.is_none() => self.ask.shown = Some(self.now),
            (true, _) => {}
            (false, _) => self.ask.shown = None,
        }
    }

    /// Whether this key was on its way to the input when the dialog came. A run of typing goes on until there is a pause.
    pub(super) fn is_typed_ahead(&mut self, context: Context, key: Key) -> bool {
        if context == Context::Trust {
            return self.is_trust_typed_ahead(key);
        }
        if context == Context::Offers && (key.typed().is_some() || key.code == Code::Enter) {
            return self.is_for_closed_form();
        }
        let dialogs = context.asks() && context != Context::Reason;
        if !dialogs || !matches!(self.overlay, Overlay::None) {
            return false;
        }
        let edits = matches!(key.code, Code::Esc | Code::Backspace | Code::Delete);
        // Escape at a question about a call interrupts the turn, as it does without one.
        let answers = key.typed().is_some()
            || key.code == Code::Enter
            || (context != Context::Question && (edits || key == Key::char('x').ctrl()));
        answers && self.is_early()
    }

    /// A key for a form that closed under it must not open and call what lies below; as long as one follows the other.
    fn is_for_closed_form(&mut self) -> bool {
        let now = self.now;
        let closed = self.inspector.as_mut().map(|open| &mut open.offers.closed);
        let Some(Some(at)) = closed else {
            return false;
        };
        let is_early = now.since(*at) < TYPED_AHEAD;
        if is_early {
            *at = now;
        }
        is_early
    }

    /// The same for what is pasted.
    pub(super) fn is_pasted_ahead(&mut self) -> bool {
        let form = matches!(self.context(), Context::Form);
        form && matches!(self.overlay, Overlay::None) && self.is_early()
    }

    fn is_early(&mut self) -> bool {
        let shown = self.ask.shown;
        let early = shown.is_none_or(|shown| self.now.since(shown) < TYPED_AHEAD);
        if early {
            self.ask.shown = Some(self.now);
        }
        early
    }

    pub(super) fn mark_answer(&mut self, on: bool) -> Vec<AppEffect> {
        let count = self.ask.dialog.choices().len().max(1);
        let by = if on { 1 } else { count - 1 };
        self.ask.marked = (self.ask.marked + by) % count;
        Vec::new()
    }

    pub(super) fn answer_marked(&mut self) -> Vec<AppEffect> {
        match self.ask.dialog.choices().get(self.ask.marked) {
            Some(choice) => self.answer(*choice),
            None => Vec::new(),
        }
    }

    pub(super) fn answer(&mut self, choice: Choice) -> Vec<AppEffect> {
        if matches!(self.overlay, Overlay::Folders(_)) {
            return self.end_folders(choice);
        }
        let answer = match (choice, self.ask.reason.take()) {
            (Choice::Once, _) => Answer::Once,
            (Choice::Session, _) => Answer::Session,
            (Choice::Always, _) => Answer::Always,
            (Choice::No, _) => Answer::No { reason: None },
            (Choice::Dismiss, _) => Answer::Dismissed,
            (Choice::Accept, _) => return self.accept_form(),
            (Choice::Open, _) => return self.open_visit(),
            (Choice::Copy, _) => return self.copy_visit(),
            (Choice::Elsewhere, _) => return self.agree_to_visit(),
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
        self.reply(answer)
    }

    /// Gives an answer to the question on show.
    pub(super) fn reply(&mut self, answer: Answer) -> Vec<AppEffect> {
        let Some(question) = self.ask.question else {
            return Vec::new();
        };
        self.ask.answered = true;
        let effects = self.command(Command::Answer(question, answer));
        let first = self.host.questions.front().map(|first| first.id);
        if first == Some(question) {
            // The host is the last to look at what is filled in.
            self.ask.answered = false;
            self.complain("That answer was not sent: the chat says why.");
        }
        effects
    }

    pub(super) fn leave_reason(&mut self) -> Vec<AppEffect> {
        self.ask.reason = None;
        Vec::new()
    }

    pub(super) fn scroll_arguments(&mut self, by: Move) -> Vec<AppEffect> {
        let (rows, area) = self.chat.measured.ask;
        self.ask.scroll = scrolled(self.ask.scroll, by, rows, area);
        self.ask.free = true;
        Vec::new()
    }
}
