//! Keys, pastes and the mouse on their way to what they mean: the table of keys, the text that is edited, the pane under the
//! pointer.
//!
//! Pure.

use unicode_normalization::UnicodeNormalization;

use crate::app::composer::Composer;
use crate::app::effect::AppEffect;
use crate::app::event::{Mouse, MouseKind};
use crate::app::intent::{Intent, Move};
use crate::app::key::{Code, Key};
use crate::app::keymap::{self, Context};
use crate::app::state::{App, Overlay, Pane, Spot};

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
            (MouseKind::Click, _) if !matches!(self.overlay, Overlay::None) => Vec::new(),
            (MouseKind::Click, Some(pane)) => self.click(pane, mouse.y),
            (MouseKind::Click, None) if self.inspector.is_some() => {
                self.click_spot(mouse.x, mouse.y)
            }
            (MouseKind::Click, _) => Vec::new(),
        }
    }

    fn pane_at(&self, x: u16, y: u16) -> Option<Pane> {
        let mut panes = self.chat.measured.panes.iter();
        panes.find_map(|(pane, area)| within(*area, x, y).then_some(*pane))
    }

    /// A tab is opened; a row is marked, and a marked one opened, by the keys that do. Not where those keys are another's: a click
    /// answers no question and sends no line that is being written.
    fn click_spot(&mut self, x: u16, y: u16) -> Vec<AppEffect> {
        let context = self.context();
        let open = self.inspector.as_ref();
        let spots = open.filter(|open| open.context() == context);
        let mut spots = spots.map_or(&[][..], |_| &self.chat.measured.spots).iter();
        let spot = spots.find(|(_, area)| within(*area, x, y)).copied();
        match spot {
            Some((Spot::Tab(tab), _)) => self.show_tab(tab),
            Some((Spot::Rows { marked, has_keys }, (_, top, ..)))
                if context != Context::WireFilter =>
            {
                self.click_row(usize::from(y - top), marked, has_keys)
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn click_row(&mut self, row: usize, marked: usize, has_keys: bool) -> Vec<AppEffect> {
        if has_keys && row == marked {
            return self.key(Key::new(Code::Enter));
        }
        let mut effects = match has_keys {
            true => Vec::new(),
            false => self.take_keys_across(),
        };
        let by = if row < marked { Move::Up } else { Move::Down };
        for _ in 0..row.abs_diff(marked) {
            effects.extend(self.move_in_inspector(by));
        }
        effects
    }
}

/// Whether a cell lies in the area: x, y, width, height.
fn within((left, top, width, height): (u16, u16, u16, u16), x: u16, y: u16) -> bool {
    let from = |from: u16, length: u16, at: u16| at >= from && at - from < length;
    from(left, width, x) && from(top, height, y)
}
