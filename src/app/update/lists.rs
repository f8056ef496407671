//! Keys in the lists of calls and servers, and what moves in whichever list or text has the keys.
//!
//! Pure.

use super::chat::for_clipboard;
use crate::app::effect::AppEffect;
use crate::app::intent::Move;
use crate::app::keymap::Context;
use crate::app::state::{App, Detail, Overlay, Pane};
use crate::app::viewport;
use crate::host::outcome::words;
use crate::host::{Command, ToolCall};
use crate::ids::{CallId, ServerName};

/// Lines that one notch of the wheel scrolls.
const WHEEL: usize = 3;

impl App {
    pub(super) fn go(&mut self, by: Move) -> Vec<AppEffect> {
        match (self.context(), by) {
            (Context::Chat | Context::Reason, Move::Up) => self.move_in_input(true),
            (Context::Chat | Context::Reason, Move::Down) => self.move_in_input(false),
            (Context::Completing, Move::Up | Move::Down) => self.mark_suggestion(by),
            (Context::Chat | Context::Completing | Context::Question | Context::Reason, _) => {
                self.scroll_chat(by);
            }
            (Context::Fields, _) => self.move_in_fields(by),
            (Context::SignIn, _) => self.scroll_text(by),
            (Context::Trust, _) => self.scroll_trust(by),
            // Their keys have meanings of their own.
            (Context::Form | Context::Pick | Context::Visit | Context::Sampling, _) => {}
            (Context::Calls, _) => self.mark_call(by),
            (Context::Servers, _) => self.mark_server(by),
            (Context::Palette, _) => self.mark_row(by),
            (Context::Detail | Context::Help, _) => self.scroll_text(by),
            // Keys of their own, which come as intents of the inspector.
            (
                Context::Overview
                | Context::Offers
                | Context::OffersSearch
                | Context::CallForm
                | Context::Wire
                | Context::WireFilter
                | Context::Follow
                | Context::Lab,
                _,
            ) => {}
        }
        Vec::new()
    }

    pub(super) fn wheel(&mut self, up: bool, pane: Option<Pane>) -> Vec<AppEffect> {
        let by = if up { Move::Up } else { Move::Down };
        match (&self.overlay, pane) {
            (Overlay::Palette(_), _) => self.mark_row(by),
            (Overlay::Folders(_) | Overlay::Fields(_), _) => {}
            (Overlay::Help { .. } | Overlay::Detail { .. } | Overlay::SignIn(_), _) => {
                (0..WHEEL).for_each(|_| self.scroll_text(by));
            }
            (Overlay::None, None) if self.inspector.is_some() => {
                return (0..WHEEL)
                    .flat_map(|_| self.move_in_inspector(by))
                    .collect();
            }
            (Overlay::None, Some(Pane::Calls)) => self.mark_call(by),
            (Overlay::None, Some(Pane::Servers)) => self.mark_server(by),
            (Overlay::None, Some(Pane::Chat) | None) => {
                let (chat, entries) = (&mut self.chat, self.host.transcript.entries().len());
                chat.anchor = if up {
                    viewport::back(chat.anchor, &chat.measured, WHEEL)
                } else {
                    viewport::on(chat.anchor, &chat.measured, entries, WHEEL)
                };
            }
        }
        Vec::new()
    }

    pub(super) fn focus(&mut self, pane: Pane) -> Vec<AppEffect> {
        self.overlay = Overlay::None;
        if self.inspector.as_ref().is_some_and(|open| !open.alone) {
            self.inspector = None;
        }
        self.focus = pane;
        self.tab = pane;
        Vec::new()
    }

    /// A click gives the keys to the pane and marks the row it hits; on the row that is marked already, it opens it.
    pub(super) fn click(&mut self, pane: Pane, y: u16) -> Vec<AppEffect> {
        let had_keys = self.focus == pane;
        let mut effects = self.focus(pane);
        let Some(row) = self.row_at(pane, y) else {
            return effects;
        };
        let was_marked = match pane {
            Pane::Chat => return effects,
            Pane::Calls => {
                let Some(call) = self.host.calls.get(row).map(|call| call.id) else {
                    return effects;
                };
                let before = self.marked_call().map(|call| call.id);
                // The newest is followed, as it is with keys.
                let is_newest = row + 1 == self.host.calls.len();
                self.calls.marked = (!is_newest).then_some(call);
                before == Some(call)
            }
            Pane::Servers if row < self.host.servers.len() => {
                let before = std::mem::replace(&mut self.servers.marked, row);
                before == row
            }
            Pane::Servers => return effects,
        };
        if had_keys && was_marked {
            effects.extend(self.open());
        }
        effects
    }

    /// The row of a list under the pointer, by what the view measured.
    fn row_at(&self, pane: Pane, y: u16) -> Option<usize> {
        let measured = &self.chat.measured;
        let list = match pane {
            Pane::Chat => return None,
            Pane::Calls => measured.lists[0],
            Pane::Servers => measured.lists[1],
        };
        let mut panes = measured.panes.iter();
        // A pane of one row has no title above its rows and is as likely the tab that leads to it.
        let (top, _) = panes.find_map(|(of, (_, top, _, height))| {
            (*of == pane && *height > 1).then_some((*top, *height))
        })?;
        let row = usize::from(y.checked_sub(top)?.checked_sub(1)?);
        (row < list.1).then_some(list.0 + row)
    }

    pub(super) fn next_pane(&mut self) -> Vec<AppEffect> {
        let takes = self.context() == Context::Chat && self.composer.is_empty();
        if let (true, Some(suggestion)) = (takes, &self.suggestion) {
            self.composer.set(suggestion);
            return Vec::new();
        }
        self.focus(match self.focus {
            Pane::Chat => Pane::Calls,
            Pane::Calls => Pane::Servers,
            Pane::Servers => Pane::Chat,
        })
    }

    pub(super) fn previous_pane(&mut self) -> Vec<AppEffect> {
        self.focus(match self.focus {
            Pane::Chat => Pane::Servers,
            Pane::Calls => Pane::Chat,
            Pane::Servers => Pane::Calls,
        })
    }

    /// The newest call is followed while none is marked; going down from the newest, or to the end, follows again.
    fn mark_call(&mut self, by: Move) {
        let count = self.host.calls.len();
        let newest = count.saturating_sub(1);
        let marked = self.calls.marked.and_then(place_of).unwrap_or(newest);
        let is_down = matches!(by, Move::Down | Move::PageDown);
        let to = moved(marked, by, count, self.chat.measured.lists[0].1);
        let follows = by == Move::Bottom || count == 0 || (is_down && marked == newest);
        self.calls.marked = if follows {
            None
        } else {
            self.host.calls.get(to).map(|call| call.id)
        };
    }

    fn mark_server(&mut self, by: Move) {
        let (count, page) = (self.host.servers.len(), self.chat.measured.lists[1].1);
        self.servers.marked = moved(self.servers.marked, by, count, page);
    }

    pub(super) fn open(&mut self) -> Vec<AppEffect> {
        let of = match self.focus {
            Pane::Servers => self.marked_server().map(Detail::Server),
            Pane::Calls | Pane::Chat => self.marked_call().map(|call| Detail::Call(call.id)),
        };
        if let Some(of) = of {
            self.overlay = Overlay::Detail { of, scroll: 0 };
        }
        Vec::new()
    }

    pub(super) fn show_server(&mut self, server: ServerName) -> Vec<AppEffect> {
        let of = Detail::Server(server);
        self.overlay = Overlay::Detail { of, scroll: 0 };
        Vec::new()
    }

    /// Sends a command about the server that is named, open or marked.
    pub(super) fn tell_server(
        &mut self,
        named: Option<ServerName>,
        command: fn(ServerName) -> Command,
        doing: &str,
    ) -> Vec<AppEffect> {
        let Some(server) = named.or_else(|| self.server_in_view()) else {
            return Vec::new();
        };
        self.say(format!("{server}: {doing}."));
        self.command(command(server))
    }

    pub(super) fn copy_result(&mut self) -> Vec<AppEffect> {
        let Some(call) = self.call_in_view() else {
            self.say("There is nothing to copy here.");
            return Vec::new();
        };
        let text = match (call.result(), call.end()) {
            (Some(result), _) => result.as_text().into_owned(),
            (None, Some(end)) => words(end).into_owned(),
            (None, None) => {
                self.say("There is no result yet.");
                return Vec::new();
            }
        };
        vec![AppEffect::Copy(for_clipboard(&text))]
    }

    /// The call that is open, or else marked.
    pub(super) fn call_in_view(&self) -> Option<&ToolCall> {
        match &self.overlay {
            Overlay::Detail {
                of: Detail::Call(id),
                ..
            } => self.host.call(*id),
            Overlay::None if self.focus == Pane::Calls => self.marked_call(),
            Overlay::None
            | Overlay::Detail { .. }
            | Overlay::Help { .. }
            | Overlay::Palette(_)
            | Overlay::Fields(_)
            | Overlay::Folders(_)
            | Overlay::SignIn(_) => None,
        }
    }

    /// The server that is open, or else marked.
    pub(super) fn server_in_view(&self) -> Option<ServerName> {
        match &self.overlay {
            Overlay::Detail {
                of: Detail::Server(name),
                ..
            } => Some(name.clone()),
            Overlay::None if self.inspector.is_some() => {
                let inspector = self.inspector.as_ref()?;
                Some(inspector.server.clone())
            }
            Overlay::None if self.focus == Pane::Servers => self.marked_server(),
            Overlay::None
            | Overlay::Detail { .. }
            | Overlay::Help { .. }
            | Overlay::Palette(_)
            | Overlay::Fields(_)
            | Overlay::Folders(_)
            | Overlay::SignIn(_) => None,
        }
    }

    fn marked_call(&self) -> Option<&ToolCall> {
        match self.calls.marked {
            Some(id) => self.host.call(id),
            None => self.host.calls.last(),
        }
    }

    fn marked_server(&self) -> Option<ServerName> {
        let server = self.host.servers.get(self.servers.marked)?;
        Some(server.name.clone())
    }
}

fn place_of(call: CallId) -> Option<usize> {
    usize::try_from(call.0.checked_sub(1)?).ok()
}

/// A place in a list after a move.
pub(super) fn moved(at: usize, by: Move, count: usize, page: usize) -> usize {
    let last = count.saturating_sub(1);
    let page = page.saturating_sub(1).max(1);
    match by {
        Move::Up => at.saturating_sub(1),
        Move::Down => at.saturating_add(1),
        Move::PageUp => at.saturating_sub(page),
        Move::PageDown => at.saturating_add(page),
        Move::Top => 0,
        Move::Bottom => last,
    }
    .min(last)
}
