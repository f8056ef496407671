//! A prompt that was sent while something else ran: it waits, and goes out by itself when that is over well.
//!
//! Pure. What ended badly, or was interrupted, gives the prompt back to the input: it may no longer be what is wanted.

use crate::app::effect::AppEffect;
use crate::app::state::App;
use crate::host::{Command, ModelState, StopReason};

impl App {
    /// Whether a prompt can go out now.
    pub(super) fn can_send(&self) -> bool {
        let waits = matches!(self.host.model, ModelState::Searching { .. });
        !self.host.is_busy() && !waits && !self.host.session.opening
    }

    /// Keeps a prompt until it can go out; a second one joins the first.
    pub(super) fn queue(&mut self, text: String) {
        match &mut self.queued {
            Some(queued) => {
                queued.push('\n');
                queued.push_str(&text);
            }
            None => self.queued = Some(text),
        }
    }

    /// Gives what waits back to the input, before what is written there.
    pub(super) fn unqueue(&mut self) -> bool {
        let Some(queued) = self.queued.take() else {
            return false;
        };
        let written = self.composer.text();
        let text = if written.is_empty() {
            queued
        } else {
            format!("{queued}\n{written}")
        };
        self.composer.set(&text);
        true
    }

    /// Sends what waits, once it can.
    pub(super) fn send_queued(&mut self, was_busy: bool) -> Vec<AppEffect> {
        if self.queued.is_none() || !self.can_send() {
            return Vec::new();
        }
        let has_failed = was_busy && self.host.stopped == Some(StopReason::ModelFailed);
        if has_failed {
            self.unqueue();
            return Vec::new();
        }
        match self.queued.take() {
            Some(text) => self.command(Command::Submit(text)),
            None => Vec::new(),
        }
    }
}
