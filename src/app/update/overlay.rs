//! Keys in what lies on top: help, palette, details.
//!
//! Pure.

use super::lists::moved;
use crate::app::dialog::Dialog;
use crate::app::effect::AppEffect;
use crate::app::intent::Move;
use crate::app::palette::Palette;
use crate::app::state::{App, Detail, Overlay};
use crate::host::Command;

/// Rows that a page of the palette is taken for.
const PALETTE_PAGE: usize = 10;

impl App {
    pub(super) fn toggle_help(&mut self) -> Vec<AppEffect> {
        self.overlay = match self.overlay {
            Overlay::Help { .. } => Overlay::None,
            Overlay::None
            | Overlay::Palette(_)
            | Overlay::Fields(_)
            | Overlay::Detail { .. }
            | Overlay::Folders(_)
            | Overlay::SignIn(_) => Overlay::Help { scroll: 0 },
        };
        Vec::new()
    }

    pub(super) fn toggle_palette(&mut self) -> Vec<AppEffect> {
        self.overlay = match self.overlay {
            Overlay::Palette(_) => Overlay::None,
            Overlay::None
            | Overlay::Help { .. }
            | Overlay::Fields(_)
            | Overlay::Detail { .. }
            | Overlay::Folders(_)
            | Overlay::SignIn(_) => Overlay::Palette(Palette::open(&self.host)),
        };
        Vec::new()
    }

    pub(super) fn show_tools(&mut self) -> Vec<AppEffect> {
        self.show(Detail::Tools);
        self.command(Command::Look)
    }

    pub(super) fn show(&mut self, of: Detail) {
        self.overlay = Overlay::Detail { of, scroll: 0 };
    }

    pub(super) fn run_marked(&mut self) -> Vec<AppEffect> {
        let chosen = match &self.overlay {
            Overlay::Palette(palette) => palette.chosen().cloned(),
            Overlay::None
            | Overlay::Help { .. }
            | Overlay::Fields(_)
            | Overlay::Detail { .. }
            | Overlay::Folders(_)
            | Overlay::SignIn(_) => None,
        };
        match chosen {
            Some(intent) => {
                self.overlay = Overlay::None;
                self.intend(intent)
            }
            None => Vec::new(),
        }
    }

    pub(super) fn mark_row(&mut self, by: Move) {
        if let Overlay::Palette(palette) = &mut self.overlay {
            palette.marked = moved(palette.marked, by, palette.rows.len(), PALETTE_PAGE);
        }
    }

    pub(super) fn scroll_text(&mut self, by: Move) {
        let (rows, area) = self.chat.measured.detail;
        if let Overlay::Help { scroll } | Overlay::Detail { scroll, .. } = &mut self.overlay {
            *scroll = scrolled(*scroll, by, rows, area);
        } else if let Overlay::SignIn(sign_in) = &mut self.overlay {
            sign_in.scroll = scrolled(sign_in.scroll, by, rows, area);
        }
    }

    /// What became shorter, or the screen larger, since the last frame.
    pub(super) fn clamp_texts(&mut self) {
        let (rows, area) = self.chat.measured.detail;
        if let Overlay::Help { scroll } | Overlay::Detail { scroll, .. } = &mut self.overlay
            && area > 0
        {
            *scroll = (*scroll).min(rows.saturating_sub(area));
        }
        if let Overlay::SignIn(sign_in) = &mut self.overlay
            && area > 0
        {
            sign_in.scroll = sign_in.scroll.min(rows.saturating_sub(area));
        }
        let (rows, area) = self.chat.measured.ask;
        if !self.ask.free && area > 0 && !matches!(self.ask.dialog, Dialog::Call) {
            self.ask.scroll = self.chat.measured.ask_first;
        }
        if area > 0 {
            self.ask.scroll = self.ask.scroll.min(rows.saturating_sub(area));
        }
    }
}

/// The first line on show of a text after a move.
pub(super) fn scrolled(scroll: usize, by: Move, rows: usize, area: usize) -> usize {
    let lines = rows.saturating_sub(area) + 1;
    moved(scroll, by, lines, area)
}
