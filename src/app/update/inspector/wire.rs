//! Keys in the tab of what passed on the wire, and the frames that come.
//!
//! Pure. What the tab itself does with them is in `app::inspector::wire`.

use super::super::chat::for_clipboard;
use crate::app::composer::Composer;
use crate::app::effect::AppEffect;
use crate::app::inspector::WireKey;
use crate::app::inspector::wire::{Asking, WireTab, detail, raw_frame};
use crate::app::intent::Move;
use crate::app::state::App;
use crate::ids::ServerName;
use crate::mcp::request::Errand;
use crate::mcp::wire::log::{Entry, WireLog};
use crate::mcp::wire::record::WireRecord;

impl App {
    /// A frame has passed.
    pub(in crate::app::update) fn frame_came(&mut self, record: WireRecord) {
        let pushed = self.wire.push(record);
        if let Some(inspector) = self.inspector.as_deref_mut() {
            inspector.wire.pushed(pushed, &self.wire);
        }
    }

    /// A filter is in force while it is written.
    pub(in crate::app::update) fn heed_wire_filter(&mut self) {
        if let Some(inspector) = self.inspector.as_deref_mut() {
            inspector.wire.written(&self.wire);
        }
    }

    /// The text at the foot of the tab.
    pub(in crate::app::update) fn wire_input(&mut self) -> Option<&mut Composer> {
        let prompt = self.inspector.as_deref_mut()?.wire.prompt.as_mut()?;
        Some(&mut prompt.input)
    }

    /// The tab, the log, and the rows of the list.
    fn at_wire(&mut self) -> Option<(&mut WireTab, &WireLog, usize)> {
        let height = self.chat.measured.wire[0];
        let tab = &mut self.inspector.as_deref_mut()?.wire;
        Some((tab, &self.wire, height))
    }

    /// Another program's server is only looked at: says so, where a key would do more.
    fn only_looks_on(&mut self, key: WireKey) -> bool {
        let attached = self.inspector.as_ref();
        let attached = attached.is_some_and(|open| open.attached.is_some());
        let refused = attached && matches!(key, WireKey::Raw | WireKey::ThisServer);
        if refused {
            self.say("This is the wire of another program's server: it can only be looked at.");
        }
        refused
    }

    pub(super) fn wire_key(&mut self, key: WireKey) -> Vec<AppEffect> {
        if self.only_looks_on(key) {
            return Vec::new();
        }
        let [height, cols, rows] = self.chat.measured.wire;
        let Some((tab, log, _)) = self.at_wire() else {
            return Vec::new();
        };
        match key {
            WireKey::Go(by) if tab.detail.has_keys => go_in_detail(tab, log, by, cols, rows),
            WireKey::Go(by) => tab.go(by, log, height),
            WireKey::Enter => enter(tab, log, cols),
            WireKey::Back => tab.detail.has_keys = false,
            WireKey::Pause => tab.pause(log),
            WireKey::Follow => tab.follow(),
            WireKey::Filter => tab.ask(Asking::Filter),
            WireKey::Search => tab.ask(Asking::Search),
            WireKey::Raw => tab.ask(Asking::Raw),
            WireKey::Leave => self.leave_prompt(),
            WireKey::FoldAll => fold_all(tab, log),
            WireKey::ClearFilter => self.put_filter(""),
            WireKey::ThisServer => self.only_this_server(),
            WireKey::Next => self.search_wire(true),
            WireKey::Previous => self.search_wire(false),
            WireKey::Pair => self.go_to_pair(),
            WireKey::Copy => return self.copy_frame(|entry| entry.record.text.clone()),
            WireKey::CopyPretty => return self.copy_frame(detail::pretty),
            WireKey::Submit => return self.take_prompt(),
        }
        Vec::new()
    }

    fn leave_prompt(&mut self) {
        if let Some((tab, log, _)) = self.at_wire() {
            tab.leave(log);
        }
    }

    fn put_filter(&mut self, text: &str) {
        let Some((tab, log, _)) = self.at_wire() else {
            return;
        };
        if let Err(why) = tab.set_filter(text, log) {
            self.complain(why);
        }
    }

    /// Between this server's frames and all.
    fn only_this_server(&mut self) {
        let Some(inspector) = self.inspector.as_deref() else {
            return;
        };
        let term = server_term(&inspector.server);
        let rest = without(&inspector.wire.filter, &term);
        let filter = match rest {
            Some(rest) => rest,
            None => format!("{term} {}", inspector.wire.filter),
        };
        self.put_filter(&filter);
    }

    fn search_wire(&mut self, onward: bool) {
        let Some((tab, log, height)) = self.at_wire() else {
            return;
        };
        if tab.search.is_empty() {
            tab.ask(Asking::Search);
        } else if !tab.find(onward, log, height) {
            let text = crate::text::clean::line(&tab.search);
            self.say(format!("No frame on show has `{text}`."));
        }
    }

    fn go_to_pair(&mut self) {
        let Some((tab, log, height)) = self.at_wire() else {
            return;
        };
        if let Err(why) = tab.to_pair(log, height) {
            self.say(format!("No pair to go to: {why}."));
        }
    }

    fn copy_frame(&mut self, text: impl FnOnce(&Entry) -> String) -> Vec<AppEffect> {
        let entry = self.at_wire().and_then(|(tab, log, _)| tab.shown(log));
        match entry.map(text) {
            Some(text) => vec![AppEffect::Copy(for_clipboard(&text))],
            None => {
                self.say("There is no frame to copy.");
                Vec::new()
            }
        }
    }

    /// Enter at the foot of the tab.
    fn take_prompt(&mut self) -> Vec<AppEffect> {
        let Some((tab, _, _)) = self.at_wire() else {
            return Vec::new();
        };
        let Some(prompt) = &mut tab.prompt else {
            return Vec::new();
        };
        let text = prompt.input.text().to_owned();
        match prompt.what {
            // It is in force already, or it is said what is wrong with it.
            Asking::Filter if prompt.wrong.is_some() => {}
            Asking::Filter => tab.prompt = None,
            Asking::Search => {
                tab.prompt = None;
                tab.search = text;
                if !tab.search.is_empty() {
                    self.search_wire(true);
                }
            }
            Asking::Raw => match raw_frame(&text) {
                Err(why) => prompt.wrong = Some(why),
                Ok(frame) => {
                    tab.prompt = None;
                    tab.raw.clone_from(&frame);
                    return self.send_raw(frame);
                }
            },
        }
        Vec::new()
    }

    /// The person's own hand: no approval, and no server that is not up gets it.
    fn send_raw(&mut self, frame: String) -> Vec<AppEffect> {
        match self.inspector.as_deref().map(|open| open.server.clone()) {
            Some(server) => self.do_errand(server, Errand::Raw { frame }),
            None => Vec::new(),
        }
    }

    /// Closes what is open inside the tab; says whether there was anything.
    pub(super) fn wire_back(&mut self) -> bool {
        let Some((tab, _, _)) = self.at_wire() else {
            return false;
        };
        std::mem::take(&mut tab.detail.has_keys)
    }
}

/// The term of a filter that lets through one server alone.
fn server_term(server: &ServerName) -> String {
    format!("server:={server}")
}

/// A filter without this term; nothing when it has none.
fn without(filter: &str, term: &str) -> Option<String> {
    let has_it = filter.split_whitespace().any(|word| word == term);
    let rest = filter.split_whitespace().filter(|word| *word != term);
    has_it.then(|| rest.collect::<Vec<_>>().join(" "))
}

fn go_in_detail(tab: &mut WireTab, log: &WireLog, by: Move, cols: usize, rows: usize) {
    let Some(entry) = tab.shown(log) else {
        return;
    };
    let seq = entry.record.seq;
    let lines = detail::lines(entry, log, &tab.folded(seq), cols).len();
    let line = super::moved(tab.line(seq), by, lines, rows.max(1));
    tab.look_at(seq).line = line;
}

/// Into the detail; in it, folds and unfolds.
fn enter(tab: &mut WireTab, log: &WireLog, cols: usize) {
    let Some(entry) = tab.shown(log) else {
        return;
    };
    let seq = entry.record.seq;
    if !tab.detail.has_keys {
        // What is looked at stays, whatever comes.
        tab.marked = Some(seq);
        tab.look_at(seq).has_keys = true;
        return;
    }
    let folded = tab.folded(seq);
    let lines = detail::lines(entry, log, &folded, cols);
    let row = lines.get(tab.line(seq)).and_then(|line| line.row);
    let Some(container) = row.and_then(|row| detail::container(entry, row)) else {
        return;
    };
    let part = tab.look_at(seq);
    if !part.folded.remove(&container) {
        part.folded.insert(container);
    }
    let folded = part.folded.clone();
    // The line goes to where the container begins.
    let lines = detail::lines(entry, log, &folded, cols);
    let begins = lines.iter().position(|line| line.row == Some(container));
    if let Some(line) = begins {
        tab.look_at(seq).line = line;
    }
}

fn fold_all(tab: &mut WireTab, log: &WireLog) {
    let Some(entry) = tab.shown(log) else {
        return;
    };
    let seq = entry.record.seq;
    let part = tab.look_at(seq);
    part.folded = match part.folded.is_empty() {
        true => detail::all_folds(entry),
        false => std::collections::BTreeSet::new(),
    };
    part.line = 0;
}
