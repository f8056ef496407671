//! Follow: the trail on show, moved through, opened, and gone on from to the wire.
//!
//! Pure.

use super::moved;
use crate::agent::transcript::Entry;
use crate::app::effect::AppEffect;
use crate::app::inspector::{FollowKey, InspectTab};
use crate::app::intent::{Inspecting, Move};
use crate::app::state::{Anchor, App, Overlay, Pane};
use crate::host::ToolCall;
use crate::host::trail::{From, Trail};
use crate::ids::{CallId, ServerName};

impl App {
    /// The trail that the Follow tab shows.
    pub fn trail(&self) -> Option<Trail> {
        let inspector = self.inspector.as_ref()?;
        let from = inspector.follow.from;
        let from = from.or_else(|| self.newest_of(&inspector.server))?;
        Trail::of(&self.host, &self.wire, from, self.now)
    }

    /// The newest call of a server, else the last thing on its wire.
    fn newest_of(&self, server: &ServerName) -> Option<From> {
        let is_its = |call: &&ToolCall| call.server.as_ref() == Some(server);
        let call = self.host.calls.iter().rev().find(is_its);
        let last = || {
            let mut records = self.wire.records().rev();
            records.find(|record| record.server == *server)
        };
        match call {
            Some(call) => Some(From::Call(call.id)),
            None => Some(From::Record(last()?.seq)),
        }
    }

    pub(super) fn follow_key(&mut self, key: FollowKey) -> Vec<AppEffect> {
        match key {
            FollowKey::This => self.follow_this(),
            FollowKey::Go(by) => self.go_in_trail(by),
            FollowKey::Open => self.open_row(),
            FollowKey::Wire => self.row_on_wire(),
            FollowKey::Newer => self.other_call(true),
            FollowKey::Older => self.other_call(false),
            FollowKey::Copy => self.copy_row(),
        }
    }

    /// What is marked in the tab or pane on show.
    fn origin_in_view(&self) -> Option<From> {
        let Some(inspector) = &self.inspector else {
            return self.call_to_follow().map(From::Call);
        };
        let found = match inspector.tab {
            InspectTab::Wire => {
                // Also while it goes along with the newest: that is the row with the mark then.
                let shown = inspector.wire.shown(&self.wire);
                shown.map(|entry| From::Record(entry.record.seq))
            }
            InspectTab::Tools | InspectTab::Resources | InspectTab::Prompts => {
                let at = self.scene();
                let on_show = at.and_then(|at| inspector.offers.call(&at));
                on_show.map(|call| From::Call(call.id))
            }
            InspectTab::Overview | InspectTab::Follow | InspectTab::Lab => None,
        };
        found.or_else(|| self.newest_of(&inspector.server))
    }

    /// Follows what is marked where the person is.
    fn follow_this(&mut self) -> Vec<AppEffect> {
        let from = self.origin_in_view();
        let Some(from) = from else {
            self.say("There is no call to follow yet.");
            return Vec::new();
        };
        let server = match from {
            From::Call(id) => self.host.call(id).and_then(|call| call.server.clone()),
            From::Record(seq) => self.wire.get(seq).map(|record| record.server.clone()),
        };
        let Some(server) = server else {
            self.say("No server has to do with this call: there is nothing to follow.");
            return Vec::new();
        };
        if matches!(self.overlay, Overlay::Detail { .. }) {
            self.overlay = Overlay::None;
        }
        let effects = self.inspect(Inspecting::Open(Some(server)));
        if let Some(inspector) = &mut self.inspector {
            inspector.tab = InspectTab::Follow;
            inspector.follow.from = Some(from);
            (inspector.follow.marked, inspector.follow.open) = (None, None);
        }
        effects
    }

    /// The call of the open detail, the one that is asked for, the marked one, or in the chat the first one in sight.
    fn call_to_follow(&self) -> Option<CallId> {
        let in_view = self.call_in_view().map(|call| call.id);
        let asked = || self.host.questions.front().and_then(|asked| asked.call());
        let in_chat = || match self.focus {
            Pane::Chat => self.call_in_sight(),
            Pane::Calls | Pane::Servers => None,
        };
        let newest = || self.host.calls.last().map(|call| call.id);
        in_view.or_else(asked).or_else(in_chat).or_else(newest)
    }

    /// The first call in the chat from the first line on the screen on; at the end of the chat the newest one.
    fn call_in_sight(&self) -> Option<CallId> {
        let (first, _) = self.chat.measured.first;
        if self.chat.anchor == Anchor::Follow {
            return None;
        }
        let entries = self.host.transcript.entries().iter().skip(first);
        let mut calls = entries.filter_map(|entry| match entry {
            Entry::Assistant(step) => step.calls.first().copied(),
            Entry::Hand { call } => Some(*call),
            Entry::User { .. } | Entry::Note(_) | Entry::Told { .. } | Entry::Compacted(_) => None,
        });
        calls.next()
    }

    fn go_in_trail(&mut self, by: Move) -> Vec<AppEffect> {
        let Some(trail) = self.trail() else {
            return Vec::new();
        };
        let (total, page) = self.chat.measured.detail;
        let Some(inspector) = &mut self.inspector else {
            return Vec::new();
        };
        let tab = &mut inspector.follow;
        if let Some(line) = tab.open {
            tab.open = Some(moved(line, by, (total + 1).saturating_sub(page), page));
        } else {
            let marked = tab.marked(&trail);
            tab.marked = Some(moved(marked, by, trail.rows.len(), page));
        }
        Vec::new()
    }

    fn open_row(&mut self) -> Vec<AppEffect> {
        if let Some(inspector) = &mut self.inspector {
            let tab = &mut inspector.follow;
            tab.open = match tab.open {
                Some(_) => None,
                None => Some(0),
            };
        }
        Vec::new()
    }

    fn row_on_wire(&mut self) -> Vec<AppEffect> {
        let marked = self.trail().and_then(|trail| {
            let tab = &self.inspector.as_ref()?.follow;
            trail.rows.get(tab.marked(&trail))?.seq
        });
        let Some(seq) = marked else {
            self.say("This row was not on the wire: mcpdeck did it.");
            return Vec::new();
        };
        if let Some(inspector) = &mut self.inspector {
            inspector.wire.marked = Some(seq);
            inspector.tab = InspectTab::Wire;
        }
        Vec::new()
    }

    /// The call of the same server that was made after this one, or before.
    fn other_call(&mut self, newer: bool) -> Vec<AppEffect> {
        let Some(trail) = self.trail() else {
            return Vec::new();
        };
        let Some(inspector) = &self.inspector else {
            return Vec::new();
        };
        let server = trail.server.as_ref().unwrap_or(&inspector.server);
        let its = self.host.calls.iter();
        let its = its.filter(|call| call.server.as_ref() == Some(server));
        let at = |call: &ToolCall| (call.created, call.id);
        let here = match trail.call.and_then(|id| self.host.call(id)) {
            Some(call) => at(call),
            None => (trail.zero, CallId(0)),
        };
        let found = match newer {
            true => its
                .filter(|call| at(call) > here)
                .min_by_key(|call| at(call)),
            false => its
                .filter(|call| at(call) < here)
                .max_by_key(|call| at(call)),
        };
        let Some(id) = found.map(|call| call.id) else {
            let word = if newer { "after" } else { "before" };
            self.say(format!("No call of this server {word} this one."));
            return Vec::new();
        };
        if let Some(inspector) = &mut self.inspector {
            inspector.follow.from = Some(From::Call(id));
            (inspector.follow.marked, inspector.follow.open) = (None, None);
        }
        Vec::new()
    }

    fn copy_row(&mut self) -> Vec<AppEffect> {
        let text = self.trail().and_then(|trail| {
            let tab = &self.inspector.as_ref()?.follow;
            let row = trail.rows.get(tab.marked(&trail))?;
            trail.whole(&self.host, &self.wire, row)
        });
        text.map(AppEffect::Copy).into_iter().collect()
    }

    /// Closes what is open inside the tab; says whether there was anything.
    pub(super) fn follow_back(&mut self) -> bool {
        let open = self.inspector.as_mut().map(|it| &mut it.follow.open);
        open.is_some_and(|open| open.take().is_some())
    }
}
