//! The tools of a server held against what was pinned of them, and against the tools of all others.
//!
//! Pure. What a tool is is pinned when it is first met; a tool that is described otherwise later is held back until the person
//! has looked at the change and accepted it. What strikes the eye is flagged and said once: a flag blocks nothing. Called when
//! a list of tools comes, before a call is sent, and by the person's command.

mod odd;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::agent::transcript::Level;
use crate::host::call::{CallEnd, Origin, Ruler, ToolCall};
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::state::Host;
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::pins::{Difference, PinChange, PinChanges, Pinned, differences};
use crate::mcp::request::Method;
use crate::mcp::tool::Tool;

pub use odd::Flags;

/// Names that are told in one note.
const NAMES: usize = 6;

/// A tool that is described otherwise than when the person accepted it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Held {
    /// As it was accepted.
    pub before: Pinned,
    /// As the server has it now.
    pub after: Pinned,
}

impl Held {
    /// What changed, to be read.
    pub fn differences(&self) -> Vec<Difference> {
        differences(&self.before, &self.after)
    }
}

/// What one list of tools comes to.
#[derive(Default)]
struct Weighed {
    changes: PinChanges,
    held: BTreeMap<String, Held>,
    /// New since the server was met.
    new: Vec<String>,
    /// Accepted because that was said beforehand.
    accepted: Vec<String>,
    /// The digests of all.
    all: String,
    /// Not pinned in this form before: what strikes the eye in them is to be said.
    fresh: BTreeSet<String>,
}

impl Host {
    /// Holds a list of tools, before the configuration filters it, against what is pinned.
    pub(in crate::host) fn weigh_tools(
        &mut self,
        name: &ServerName,
        tools: &[Tool],
    ) -> Vec<Effect> {
        let Some(server) = self.server(name) else {
            return Vec::new();
        };
        // The definitions of our own servers are part of this very program: they change with its version, and with nothing else.
        if server.is_bundled() {
            return Vec::new();
        }
        let Some(launch) = server.spec.as_ref().map(|spec| spec.launch.identity()) else {
            return Vec::new();
        };
        let mut weighed = self.weighed(name, &launch, tools);
        let told = self.look_once(name, tools, &weighed);
        self.note_weighed(name, &weighed);
        if let Some(told) = told {
            let record = self.book.pins.record(name, &launch);
            if record.and_then(|record| record.told.as_ref()) != Some(&told) {
                self.note_instructions(name);
                weighed.changes.told = Some(told);
            }
        }
        if let Some(server) = self.server_mut(name) {
            server.held = weighed.held;
        }
        self.keep_pins(name, &launch, weighed.changes)
    }

    fn weighed(&self, name: &ServerName, launch: &str, tools: &[Tool]) -> Weighed {
        let record = self.book.pins.record(name, launch);
        let accepts = &self.settings.accept_tools;
        let accepts = accepts.iter().any(|of| of == "*" || of == name.as_str());
        let mut out = Weighed::default();
        let mut seen = BTreeSet::new();
        // Of two tools with one name the first is the one that is called.
        for tool in tools.iter().filter(|tool| seen.insert(tool.name.as_str())) {
            let pin = Pinned::of(tool);
            out.all.push_str(&format!("{:?}{}", tool.name, pin.digest));
            let known = record.and_then(|record| record.tools.get(&tool.name));
            let (key, name) = (tool.name.clone(), tool.name.clone());
            match known {
                None => {
                    out.new.extend(record.is_some().then(|| name.clone()));
                    out.fresh.insert(name);
                    out.changes.tools.insert(key, PinChange::First(pin));
                }
                Some(known) if known.is_same(&pin) => {
                    if known.gone {
                        out.changes.tools.insert(key, PinChange::Gone(false));
                    }
                }
                Some(_) if accepts => {
                    out.accepted.push(name.clone());
                    out.fresh.insert(name);
                    out.changes.tools.insert(key, PinChange::Accepted(pin));
                }
                Some(known) => {
                    out.fresh.insert(name);
                    let before = known.clone();
                    out.held.insert(key, Held { before, after: pin });
                }
            }
        }
        out
    }

    /// What was pinned and is not in a list that has just come whole: noted, and remembered as gone.
    pub(in crate::host) fn weigh_missing(
        &mut self,
        name: &ServerName,
        tools: &[Tool],
    ) -> Vec<Effect> {
        let spec = self.server(name).and_then(|server| server.spec.as_ref());
        let Some(launch) = spec.map(|spec| spec.launch.identity()) else {
            return Vec::new();
        };
        let Some(record) = self.book.pins.record(name, &launch) else {
            return Vec::new();
        };
        let there: BTreeSet<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        let pins = record.tools.iter();
        let missing = pins.filter(|(tool, pin)| !pin.gone && !there.contains(tool.as_str()));
        let missing: Vec<String> = missing.map(|(tool, _)| tool.clone()).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let text = format!("Server `{name}` no longer offers {}", names(&missing));
        self.transcript.note(Level::Info, text, None);
        let gone = |tool| (tool, PinChange::Gone(true));
        let changes = PinChanges {
            tools: missing.into_iter().map(gone).collect(),
            told: None,
        };
        self.keep_pins(name, &launch, changes)
    }

    fn keep_pins(&mut self, name: &ServerName, launch: &str, changes: PinChanges) -> Vec<Effect> {
        if changes.is_empty() {
            return Vec::new();
        }
        self.book.pins.change(name, launch, &changes);
        let Some(path) = self.settings.pins_file.clone() else {
            return Vec::new();
        };
        vec![Effect::Keep(Keep::Pins {
            path,
            server: name.clone(),
            launch: launch.to_owned(),
            changes,
        })]
    }

    fn note_weighed(&mut self, name: &ServerName, weighed: &Weighed) {
        let known = self.server(name).map(|server| &server.held);
        let is_news = |(tool, held): &(&String, &Held)| {
            let before = known.and_then(|known| known.get(*tool));
            before.is_none_or(|before| !before.after.is_same(&held.after))
        };
        let held: Vec<String> = weighed
            .held
            .iter()
            .filter(is_news)
            .map(|(tool, _)| tool.clone())
            .collect();
        if !weighed.new.is_empty() {
            let text = format!("Server `{name}` has new tools: {}", names(&weighed.new));
            self.transcript.note(Level::Info, text, None);
        }
        if !weighed.accepted.is_empty() {
            let text = format!(
                "Server `{name}` describes {} otherwise than before; accepted by --accept-tools",
                names(&weighed.accepted)
            );
            self.transcript.note(Level::Warning, text, None);
        }
        if !held.is_empty() {
            let text = format!(
                "Server `{name}` describes {} otherwise than when you accepted it: blocked until you have looked",
                names(&held)
            );
            let hint = match self.settings.headless {
                true => format!(
                    "`mcpdeck pins show {name}` shows what changed, `mcpdeck pins accept {name}` accepts it"
                ),
                false => format!("`/pins {name}` shows what changed, and accepts it"),
            };
            self.transcript.note(Level::Warning, text, Some(hint));
        }
    }

    /// The change for which a call of this tool is held back.
    pub fn held(&self, call: &ToolCall) -> Option<&Held> {
        let server = self.server(call.server.as_ref()?)?;
        let is_tool = call.method == Method::Tool;
        server.held.get(&call.tool).filter(|_| is_tool)
    }

    /// Why a call by the model is not sent, where its tool is held back.
    pub(in crate::host) fn why_held(&self, call: &ToolCall) -> Option<String> {
        self.held(call)?;
        let server = call.server.as_ref()?;
        let how = match self.settings.headless {
            true => format!(
                "`mcpdeck pins show {server}` shows them the change, --accept-tools {server} accepts it"
            ),
            false => format!("`/pins {server}` shows them the change"),
        };
        Some(format!(
            "the server has changed what it says of this tool since the person accepted it, and they have not looked at that yet; {how}"
        ))
    }

    /// Sends a call that was decided about, unless the model made it and its tool has been changed meanwhile.
    pub(in crate::host) fn send_decided(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let by_model = |call: &&ToolCall| matches!(call.origin, Origin::Model { .. });
        let why = self
            .call(id)
            .filter(by_model)
            .and_then(|call| self.why_held(call));
        match why {
            Some(why) => self.refuse(id, why, now),
            None => self.dispatch(id, now),
        }
    }

    pub(in crate::host) fn refuse(&mut self, id: CallId, why: String, now: Moment) -> Vec<Effect> {
        self.rule(id, Ruler::Mcpdeck, why.clone(), now);
        self.finish(id, CallEnd::Refused { why }, now)
    }

    /// The person accepts what has changed in these tools of a server, or in all; `kept` for the next start, too.
    pub(in crate::host) fn accept_tools(
        &mut self,
        name: &ServerName,
        only: Option<&[String]>,
        kept: bool,
    ) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let Some(launch) = server.spec.as_ref().map(|spec| spec.launch.identity()) else {
            return Vec::new();
        };
        let is_meant = |tool: &String| only.is_none_or(|only| only.contains(tool));
        let meant: Vec<String> = server
            .held
            .keys()
            .filter(|tool| is_meant(tool))
            .cloned()
            .collect();
        let take = |tool: String| {
            Some((
                tool.clone(),
                PinChange::Accepted(server.held.remove(&tool)?.after),
            ))
        };
        let changes = PinChanges {
            tools: meant.iter().cloned().filter_map(take).collect(),
            told: None,
        };
        if changes.is_empty() {
            return Vec::new();
        }
        let text = format!(
            "Accepted as server `{name}` describes it now: {}",
            names(&meant)
        );
        self.transcript.note(Level::Info, text, None);
        if kept {
            return self.keep_pins(name, &launch, changes);
        }
        self.book.pins.change(name, &launch, &changes);
        Vec::new()
    }
}

/// `a, b and 3 more`.
fn names(all: &[String]) -> String {
    let shown: Vec<String> = all
        .iter()
        .take(NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match all.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
