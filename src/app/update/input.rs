//! Keys, pastes and the mouse on their way to what they mean: the table of keys, the text that is edited, the pane under the
//! pointer.
//!
//! Pure.

use unicode_normalization::UnicodeNormalization;

use crate::app::composer::Composer;
use crate::app::effect::AppEffect;
use crate::app::event::{Mouse, MouseKind};
use crate::app::intent::{Intent, Move};
use crate::app::key::Key;
use crate::app::keymap::{self, Context};
use crate::app::state::{App, Overlay, Pane};

impl App {
    pub(super) fn key(&mut self, key: Key) -> Vec<AppEffect> {
        let context = self.context();
        if self.is_typed_ahead(context, key) {
            return Vec::new();
        }
        let binding = keymap::lookup(context, key);
        if binding.is_none_or(|binding| binding.intent != Intent::Cancel) {
            self.cancelled = None;
        }
        let typed = binding.is_none() && context.types();
        if typed || binding.is_some() {
            self.stir(context, binding.map(|binding| &binding.intent));
        }
        match (binding, key.typed()) {
            (Some(binding), _) => self.intend(binding.intent.clone()),
            (None, Some(typed)) if context.types() => {
                self.type_in(typed);
                Vec::new()
            }
            (None, _) => Vec::new(),
        }
    }

    fn type_in(&mut self, typed: char) {
        if let Overlay::Palette(palette) = &mut self.overlay {
            palette.query = palette.query.chars().chain([typed]).nfc().collect();
            palette.filter(&self.host);
        } else if self.types_in_offers() {
            self.offers_typed(typed);
        } else if let Some(input) = self.input() {
            input.insert(typed);
        }
    }

    pub(super) fn paste(&mut self, text: &str) -> Vec<AppEffect> {
        self.cancelled = None;
        if self.trust.is_some() || self.is_pasted_ahead() {
            return Vec::new();
        }
        if let Overlay::Palette(palette) = &mut self.overlay {
            palette.query.push_str(&crate::text::clean::line(text));
            palette.filter(&self.host);
        } else if self.types_in_offers() {
            self.offers_pasted(text);
        } else if let Some(input) = self.input() {
            let lost = input.paste(text);
            if lost > 0 {
                let lost = crate::text::human::bytes(u64::try_from(lost).unwrap_or(u64::MAX));
                self.complain(format!(
                    "The input is full: the last {lost} of the paste were left out."
                ));
            }
        }
        Vec::new()
    }

    /// The text that keys edit now, if there is one.
    pub(super) fn input(&mut self) -> Option<&mut Composer> {
        match self.context() {
            Context::Chat | Context::Completing => Some(&mut self.composer),
            Context::Fields => {
                let fields = self.fields()?;
                let at = fields.at;
                Some(&mut fields.rows.get_mut(at)?.value)
            }
            Context::Reason => self.ask.reason.as_mut(),
            Context::Form => self.field_input(),
            Context::SignIn => self.redirect(),
            Context::WireFilter => self.wire_input(),
            Context::Calls
            | Context::Servers
            | Context::Question
            | Context::Pick
            | Context::Visit
            | Context::Sampling
            | Context::Trust
            | Context::Palette
            | Context::Detail
            | Context::Overview
            | Context::Offers
            | Context::OffersSearch
            | Context::CallForm
            | Context::Wire
            | Context::Follow
            | Context::Lab
            | Context::Help => None,
        }
    }

    pub(super) fn mouse(&mut self, mouse: Mouse) -> Vec<AppEffect> {
        if self.context() == Context::Trust {
            match mouse.kind {
                MouseKind::WheelUp => self.scroll_trust(Move::Up),
                MouseKind::WheelDown => self.scroll_trust(Move::Down),
                MouseKind::Click => {}
            }
            return Vec::new();
        }
        let pane = self.pane_at(mouse.x, mouse.y);
        match (mouse.kind, pane) {
            (MouseKind::WheelUp, pane) => self.wheel(true, pane),
            (MouseKind::WheelDown, pane) => self.wheel(false, pane),
            (MouseKind::Click, Some(pane)) if matches!(self.overlay, Overlay::None) => {
                self.click(pane, mouse.y)
            }
            (MouseKind::Click, _) => Vec::new(),
        }
    }

    fn pane_at(&self, x: u16, y: u16) -> Option<Pane> {
        let within = |from: u16, length: u16, at: u16| at >= from && at - from < length;
        let mut panes = self.chat.measured.panes.iter();
        panes.find_map(|(pane, (left, top, width, height))| {
            (within(*left, *width, x) && within(*top, *height, y)).then_some(*pane)
        })
    }
}
