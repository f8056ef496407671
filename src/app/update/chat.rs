//! Keys in the chat: writing, sending, scrolling, copying, and the ways out.
//!
//! Pure.

use super::AGAIN;
use crate::agent::transcript::Entry;
use crate::app::composer::{Edit, Motion};
use crate::app::dialog::Dialog;
use crate::app::effect::AppEffect;
use crate::app::inspector::OffersKey;
use crate::app::intent::{Inspecting, Intent, Move, Reaching};
use crate::app::keymap::Context;
use crate::app::slash;
use crate::app::state::{Anchor, App, Measured, Overlay, Pane};
use crate::app::viewport;
use crate::config::ThemeChoice;
use crate::host::{Answer, Command};
use crate::ids::ServerName;
use crate::text::clean;

impl App {
    pub(super) fn submit(&mut self) -> Vec<AppEffect> {
        if self.composer.text().trim().is_empty() {
            return self.submit_suggestion();
        }
        match slash::parse(self.composer.text(), &self.host) {
            // What cannot go now stays written.
            Some(Ok(Intent::Reach(Reaching::GetPrompt { .. }))) if !self.can_prompt() => Vec::new(),
            Some(Ok(intent)) => {
                self.composer.submit();
                self.intend(intent)
            }
            Some(Err(complaint)) => {
                self.complain(complaint);
                Vec::new()
            }
            None => {
                let text = self.composer.submit();
                self.send(text)
            }
        }
    }

    fn submit_suggestion(&mut self) -> Vec<AppEffect> {
        let Some(text) = self.suggestion.take() else {
            return Vec::new();
        };
        self.composer.remember(&text);
        self.send(text)
    }

    fn send(&mut self, text: String) -> Vec<AppEffect> {
        self.chat.anchor = Anchor::Follow;
        self.suggestion = None;
        if !self.can_send() {
            self.queue(text);
            return Vec::new();
        }
        self.command(Command::Submit(text))
    }

    pub(super) fn call_by_hand(
        &mut self,
        server: ServerName,
        tool: String,
        arguments: String,
    ) -> Vec<AppEffect> {
        self.chat.anchor = Anchor::Follow;
        self.command(Command::Call {
            server,
            tool,
            arguments,
        })
    }

    pub(super) fn clear(&mut self) -> Vec<AppEffect> {
        self.chat.anchor = Anchor::Follow;
        self.visits.clear();
        self.say("A new conversation.");
        self.command(Command::Clear)
    }

    pub(super) fn find_model(&mut self) -> Vec<AppEffect> {
        if self.host.is_busy() {
            self.say("A turn is running: Esc interrupts it.");
            return Vec::new();
        }
        self.say("Looking for a model.");
        self.command(Command::FindModel)
    }

    pub(super) fn choose_theme(&mut self, theme: ThemeChoice) -> Vec<AppEffect> {
        if theme == ThemeChoice::Auto {
            return vec![AppEffect::DetectTheme];
        }
        self.theme = theme;
        Vec::new()
    }

    pub(super) fn compose(&mut self, text: &str) -> Vec<AppEffect> {
        self.composer.set(text);
        self.reach.suggest.awake = true;
        self.focus(Pane::Chat)
    }

    pub(super) fn newline(&mut self) -> Vec<AppEffect> {
        if let Some(input) = self.input() {
            input.insert('\n');
        }
        Vec::new()
    }

    pub(super) fn edit(&mut self, edit: Edit) -> Vec<AppEffect> {
        if let Overlay::Palette(palette) = &mut self.overlay {
            palette.edit(edit, &self.host);
        } else if self.types_in_offers() {
            return self.inspect(Inspecting::Offers(OffersKey::Edit(edit)));
        } else if let Some(input) = self.input() {
            input.edit(edit);
        }
        Vec::new()
    }

    /// Ctrl-D: as in a shell, it deletes what is after the caret, and in an empty input it ends.
    pub(super) fn end_of_input(&mut self) -> Vec<AppEffect> {
        if self.composer.is_empty() {
            return self.quit();
        }
        self.edit(Edit::Delete(Motion::Right))
    }

    /// Up and down in the input; on its first and last row, through what was sent.
    pub(super) fn move_in_input(&mut self, up: bool) {
        let cols = match self.chat.measured.input {
            0 => usize::MAX,
            cols => cols,
        };
        let is_chat = matches!(self.context(), Context::Chat | Context::Completing);
        let Some(input) = self.input() else {
            return;
        };
        let moved = if up { input.up(cols) } else { input.down(cols) };
        if moved || !is_chat {
            return;
        }
        let takes_back = up && input.is_empty() && self.queued.is_some();
        if takes_back {
            self.unqueue();
            return;
        }
        let Some(input) = self.input() else {
            return;
        };
        let shown = if up { input.older() } else { input.newer() };
        if !shown {
            let edge = if up {
                Motion::LineStart
            } else {
                Motion::LineEnd
            };
            input.edit(Edit::Move(edge));
        }
    }

    pub(super) fn scroll_chat(&mut self, by: Move) {
        let entries = self.host.transcript.entries().len();
        self.chat.anchor = viewport::scroll(self.chat.anchor, &self.chat.measured, entries, by);
    }

    /// The view clamps what lies beyond the end; from there one scrolls on.
    pub(super) fn drawn(&mut self, measured: Measured) -> Vec<AppEffect> {
        if let Anchor::At { .. } = self.chat.anchor
            && measured.rows > 0
        {
            let (entry, line) = measured.first;
            self.chat.anchor = Anchor::At { entry, line };
        }
        self.chat.measured = measured;
        if self.trust.is_some() && !matches!(self.overlay, Overlay::Help { .. }) {
            // What lies below keeps its place.
            self.trust_drawn();
            return Vec::new();
        }
        self.clamp_texts();
        Vec::new()
    }

    /// Escape: what lies on top, else what runs, else the way back to the chat.
    pub(super) fn back(&mut self) -> Vec<AppEffect> {
        if !matches!(self.overlay, Overlay::None) {
            self.overlay = Overlay::None;
            return Vec::new();
        }
        if self.is_running() {
            self.say("Interrupted.");
            self.unqueue();
            return self.command(Command::Interrupt);
        }
        self.focus(Pane::Chat)
    }

    /// Ctrl-C: the nearest thing that can be given up; twice, the program.
    pub(super) fn cancel(&mut self) -> Vec<AppEffect> {
        let again = self
            .cancelled
            .is_some_and(|before| self.now.since(before) < AGAIN);
        if again {
            return self.quit();
        }
        self.cancelled = Some(self.now);
        self.say("Press Ctrl-C again to quit.");
        if self.trust.is_some() && matches!(self.overlay, Overlay::None) {
            return Vec::new();
        }
        if !matches!(self.overlay, Overlay::None) {
            self.overlay = Overlay::None;
        } else if self.context() == Context::Reason {
            return self.leave_reason();
        } else if matches!(self.context(), Context::Chat | Context::Completing)
            && !self.composer.is_empty()
        {
            self.composer.set("");
            self.say("Cleared, Ctrl-_ brings it back. Press Ctrl-C again to quit.");
        } else if self.is_running() {
            self.unqueue();
            self.say("Interrupted. Press Ctrl-C again to quit.");
            return self.command(Command::Interrupt);
        } else if self.context().asks() && !matches!(self.ask.dialog, Dialog::Call) {
            self.say("Closed. Press Ctrl-C again to quit.");
            return self.reply(Answer::Dismissed);
        }
        Vec::new()
    }

    pub(super) fn quit(&mut self) -> Vec<AppEffect> {
        self.quitting = true;
        vec![AppEffect::Quit]
    }

    pub(super) fn toggle_reasoning(&mut self) -> Vec<AppEffect> {
        self.chat.reasoning = !self.chat.reasoning;
        self.say(if self.chat.reasoning {
            "Reasoning is shown."
        } else {
            "Reasoning is folded."
        });
        Vec::new()
    }

    pub(super) fn copy_answer(&mut self) -> Vec<AppEffect> {
        let mut entries = self.host.transcript.entries().iter().rev();
        let answer = entries.find_map(|entry| match entry {
            Entry::Assistant(step) if !step.text.trim().is_empty() => Some(step.text.as_str()),
            Entry::Assistant(_)
            | Entry::User { .. }
            | Entry::Note(_)
            | Entry::Told { .. }
            | Entry::Compacted(_)
            | Entry::Hand { .. } => None,
        });
        match answer {
            Some(text) => vec![AppEffect::Copy(for_clipboard(text))],
            None => {
                self.say("There is no answer to copy.");
                Vec::new()
            }
        }
    }

    pub(super) fn copied(&mut self, outcome: Result<usize, String>) -> Vec<AppEffect> {
        match outcome {
            Ok(characters) => self.say(format!("Copied {characters} characters.")),
            Err(why) => self.complain(format!("Not copied: {why}")),
        }
        Vec::new()
    }
}

/// Foreign text on its way to the clipboard may be pasted into a shell: no control characters, but tabs stay.
pub(super) fn for_clipboard(text: &str) -> String {
    let pieces: Vec<String> = text.split('\t').map(clean::block).collect();
    pieces.join("\t")
}
