//! What a call would do, as far as that can be told before it is allowed: SQL with its kind, rows that it would touch, a file as
//! a diff, a tree of what moves or goes, and whether it can be taken back.
//!
//! Pure. A preview is shown and never sent: what runs is the call as the model wrote it. Only mcpdeck's own servers are asked
//! for one, by calls of theirs that change nothing, and not longer than a second; of others nothing is believed but the text.

mod look;
pub mod sql;
mod told;

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::{Bundled, Launch};
use crate::host::approval::Decision;
use crate::host::arguments;
use crate::host::book::Purpose;
use crate::host::call::{CallState, ToolCall};
use crate::host::effect::Effect;
use crate::host::server::Server;
use crate::host::state::Host;
use crate::ids::{CallId, ErrandId, Moment};
use crate::mcp::request::{ErrandEnd, Method};
use crate::text::diff::Side;

pub use sql::Kind;

/// How long a question waits for its preview.
const PATIENCE: Duration = Duration::from_secs(1);
/// Characters of SQL that are shown apart from the arguments.
const SQL: usize = 20_000;

/// What a call would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Preview {
    /// The parts, in the order in which they are read.
    pub parts: Vec<Part>,
    /// Whether it can be taken back, where that is known.
    pub undo: Option<Undo>,
}

/// A part of a preview. Texts are raw.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum Part {
    /// SQL among the arguments.
    Sql {
        /// Under which key.
        key: String,
        /// The text; a very long one is cut, the arguments below are whole.
        text: String,
        /// The kind of each statement.
        kinds: Vec<Kind>,
        /// What vouches for that.
        by: Vouch,
    },
    /// Something said, in our words.
    Says {
        /// The words.
        text: String,
        /// Whether it should give one pause.
        warns: bool,
    },
    /// A change of a text, line by line; absent lines are a gap.
    Diff {
        /// The lines with three around each change.
        lines: Vec<Option<(Side, String)>>,
        /// Lines that come.
        added: usize,
        /// Lines that go.
        removed: usize,
    },
    /// What moves, comes or goes.
    Tree {
        /// Sign (`+`, `-`, `→` or a blank) and path, one a row.
        rows: Vec<(char, String)>,
    },
}

/// What vouches for the kind of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vouch {
    /// Our database server runs nothing but what reads.
    Engine,
    /// Only the words of the text.
    Text,
}

/// Whether a change can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// By `/undo` and `mcpdeck undo`.
    Yes,
    /// No.
    No,
}

/// A question that waits for its preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Looking {
    /// The errand that it waits for.
    errand: ErrandId,
}

/// One of our own servers, by what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    Files,
    Database,
}

fn ours(server: &Server) -> Option<Ours> {
    match server.spec.as_ref().map(|spec| &spec.launch) {
        Some(Launch::Bundled(Bundled::Filesystem { .. })) => Some(Ours::Files),
        Some(Launch::Bundled(Bundled::Database { .. })) => Some(Ours::Database),
        Some(Launch::Bundled(Bundled::Crm { .. }) | Launch::Stdio(_) | Launch::Http(_)) | None => {
            None
        }
    }
}

impl Host {
    /// Puts the question about a call, once it is known what the call would do or a second has passed.
    pub(super) fn look_and_ask(&mut self, id: CallId, why: String, now: Moment) -> Vec<Effect> {
        let Some((call, server)) = self.call_and_server(id) else {
            self.ask(id, why, now);
            return Vec::new();
        };
        let given = arguments::object(&call.arguments);
        let whose = ours(server);
        let preview = told::preview(call, &given, whose);
        let look = whose.and_then(|whose| look::errand(whose, &call.tool, &given));
        let (name, is_tool) = (server.name.clone(), call.method == Method::Tool);
        if !preview.parts.is_empty() || preview.undo.is_some() {
            self.previews.insert(id, preview);
        }
        let Some(look) = look.filter(|_| is_tool) else {
            self.ask(id, why, now);
            return Vec::new();
        };
        self.book.question = self.book.question.next();
        let question = self.book.question;
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Asking { question };
        }
        let mut effects = self.errand(&name, look);
        let errand = self.book.errand;
        self.book.looking.insert(id, Looking { errand });
        let timer = self.book.numbers.timer();
        self.book.timers.insert(timer, Purpose::Preview(id));
        let after = PATIENCE;
        effects.push(Effect::SetTimer { timer, after });
        effects
    }

    fn call_and_server(&self, id: CallId) -> Option<(&ToolCall, &Server)> {
        let call = self.call(id)?;
        Some((call, self.server(call.server.as_ref()?)?))
    }

    /// What was asked for a preview has come to its end.
    pub(super) fn looked(&mut self, errand: ErrandId, end: &ErrandEnd, now: Moment) -> Vec<Effect> {
        let mut waiting = self.book.looking.iter();
        let found = waiting.find(|(_, looking)| looking.errand == errand);
        let Some(id) = found.map(|(id, _)| *id) else {
            // Too late: the question is on show, or gone.
            self.errands.retain(|known| known.id != errand);
            return Vec::new();
        };
        if let Some((call, server)) = self.call_and_server(id) {
            let given = arguments::object(&call.arguments);
            let parts = ours(server).map(|whose| look::parts(whose, &call.tool, &given, end));
            let preview = self.previews.entry(id).or_default();
            preview.parts.extend(parts.unwrap_or_default());
        }
        self.ask_after_look(id, now)
    }

    /// A preview takes too long: the question comes without it.
    pub(super) fn looked_too_long(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        if !self.book.looking.contains_key(&id) {
            return Vec::new();
        }
        self.unlooked(
            id,
            "what it would do could not be looked up within a second",
            now,
        )
    }

    fn unlooked(&mut self, id: CallId, why: &str, now: Moment) -> Vec<Effect> {
        let preview = self.previews.entry(id).or_default();
        preview.parts.push(Part::says(why));
        self.ask_after_look(id, now)
    }

    /// The connection has ended that previews were asked of.
    pub(super) fn looks_ended(&mut self, now: Moment) -> Vec<Effect> {
        let is_over = |errand: ErrandId| {
            let found = self.errands.iter().find(|known| known.id == errand);
            found.is_none_or(|errand| errand.end.is_some())
        };
        let over = self
            .book
            .looking
            .iter()
            .filter(|(_, looking)| is_over(looking.errand));
        let over: Vec<CallId> = over.map(|(id, _)| *id).collect();
        let why = "what it would do could not be looked up";
        over.into_iter()
            .flat_map(|id| self.unlooked(id, why, now))
            .collect()
    }

    /// The question itself. Another answer may have settled it meanwhile.
    fn ask_after_look(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        if let Some(looking) = self.book.looking.remove(&id) {
            // What it brought may be a whole file: it is not kept among the errands.
            self.errands.retain(|errand| errand.id != looking.errand);
        }
        let Some((call, server)) = self.call_and_server(id) else {
            return Vec::new();
        };
        if !matches!(call.state, CallState::Asking { .. }) {
            self.previews.remove(&id);
            return Vec::new();
        }
        match self.decide(server, call) {
            Decision::Allow(ruling) => {
                self.rule(id, ruling.by, ruling.why, now);
                self.send_decided(id, now)
            }
            Decision::Refuse(why) => self.refuse(id, why, now),
            Decision::Ask(why) => {
                self.ask(id, why, now);
                Vec::new()
            }
        }
    }
}

impl Part {
    fn says(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Says { text, warns: false }
    }

    fn warns(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::Says { text, warns: true }
    }
}

/// A text among the arguments.
fn text<'a>(given: &'a Map<String, Value>, key: &str) -> &'a str {
    given.get(key).and_then(Value::as_str).unwrap_or_default()
}
