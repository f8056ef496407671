//! One server as the host knows it: its configuration, its state, its tools and its health.
//!
//! Plain state; `servers` moves it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;

use crate::config::{Enforcement, ServerSpec};
use crate::host::pins::{Flags, Held};
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::failure::Failure;
use crate::mcp::health::Health;
pub use crate::mcp::health::ProcessUse;
use crate::mcp::listing::Rejected;
use crate::mcp::policy::breaker::{Breaker, BreakerState};
use crate::mcp::policy::limiter::Most;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::ListKind;
use crate::mcp::resource::{Resource, Template};
use crate::mcp::start::Start;
use crate::mcp::status::{Hello, Status};
use crate::mcp::tool::Tool;
use crate::mcp::verdict::{Cause, Verdict};
use crate::text::human;

/// Without a limit of its own, a call with progress may run this many times its timeout.
const PROGRESS_FACTOR: u32 = 10;
/// Log lines kept for each server.
pub const LOG_LINES: usize = 200;

/// One configured server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Server {
    /// Its name.
    pub name: ServerName,
    /// Its configuration; absent when the configuration could not be read, which its status says.
    pub spec: Option<ServerSpec>,
    /// A headless run fails when it is not there.
    pub required: bool,
    /// Where it stands.
    pub status: Status,
    /// The connection that counts.
    pub generation: Generation,
    /// The tools that it offers and the configuration lets through; kept while it is away, so that a person can still read them.
    pub tools: Vec<Tool>,
    /// Those of them that are described otherwise than when the person accepted them: not offered, and not called by the model.
    pub held: BTreeMap<String, Held>,
    /// What strikes the eye in what it says.
    pub flags: Flags,
    /// Its resources, so far as they were listed.
    pub resources: Vec<Resource>,
    /// Its resource templates.
    pub templates: Vec<Template>,
    /// Its prompts.
    pub prompts: Vec<Prompt>,
    /// The things of its lists that could not be used.
    pub rejected: BTreeMap<ListKind, Vec<Rejected>>,
    /// The resources of whose changes we asked to be told, and when the last change of each was.
    pub subscriptions: BTreeMap<String, Option<Moment>>,
    /// The least level of its log messages that we asked for.
    pub log_level: Option<String>,
    /// Samples.
    pub health: Health,
    /// What they come to.
    pub verdict: Verdict,
    /// Whether calls are let through to it.
    pub breaker: Breaker,
    /// Its calls under way and in line.
    pub load: Load,
    /// What its caches hold and spared.
    pub cache: CacheUse,
    /// Memory and processes of its process group; absent for a server at a URL and where the system does not tell.
    pub processes: Option<ProcessUse>,
    /// A cautious estimate of the tokens that its tools cost in each request to the model.
    pub tool_tokens: u64,
    /// Lines on its stderr that have been counted on this connection.
    pub stderr_lines: u64,
    /// How much of what its table closes the system holds, on this connection.
    pub confined: Option<Enforcement>,
    /// Its log messages (`notifications/message`), oldest first; at most [`LOG_LINES`].
    pub log: VecDeque<LogLine>,
    /// Dials since the program started, less one.
    pub restarts: u32,
    /// When the running probe was sent.
    pub probing: Option<Moment>,
    /// What it said at the handshake of this connection; its tools may still be on the way.
    pub hello: Option<Box<Hello>>,
    /// How this connection came up, step by step.
    pub start: Start,
    /// The first lines on its stdout that were no messages, on this connection.
    pub stray: Vec<String>,
    /// Tools whose calls this connection has lost: its end follows.
    pub losing: Vec<String>,
    /// How it ended last while it was ready; kept while it is back.
    pub last_end: Option<Box<LastEnd>>,
    /// Lists that it does not announce and that it was asked for all the same.
    pub undeclared: BTreeMap<ListKind, Undeclared>,
    /// The lists of which it has said that they changed.
    pub told_changes: BTreeSet<ListKind>,
    /// Where each of its lists stands.
    pub listing: BTreeMap<ListKind, Listing>,
    /// How far each of its lists can be believed.
    pub lists: BTreeMap<ListKind, ListState>,
}

/// How a server ended that was ready.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LastEnd {
    /// When.
    pub at: Moment,
    /// Why.
    pub failure: Failure,
    /// The tools that it was working on.
    pub during: Vec<String>,
}

/// What came of asking for a list that is not announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undeclared {
    /// It is asked.
    Asked,
    /// It is there, with so many things in it.
    There(usize),
    /// It is not there either.
    NotThere,
}

/// How far a list can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ListState {
    /// When the server gave it; absent: it is from an earlier run, or it is known to have changed.
    pub read: Option<Moment>,
    /// How long it is good, by the server's own word.
    pub ttl: Option<Duration>,
    /// The server says that it is the same for everybody.
    pub public: bool,
    /// The connection that stands has given it.
    pub confirmed: bool,
}

/// A server's calls under way and in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Load {
    /// With the server.
    pub running: usize,
    /// Waiting for their turn.
    pub waiting: usize,
}

/// What a server's caches hold and spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CacheUse {
    /// Calls that were answered without the server.
    pub hits: u64,
    /// Calls that could have been, and were sent.
    pub misses: u64,
    /// Results held.
    pub entries: usize,
    /// Bytes of them.
    pub bytes: usize,
}

/// Where a listing stands. A storm of `list_changed` costs one further listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// None is under way.
    #[default]
    Quiet,
    /// One is under way.
    Running,
    /// One is under way, and the server has said since that it is stale.
    Stale,
    /// The next one is planned: a list is asked for once a second at most.
    Planned,
}

/// One log message of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it came.
    pub at: Moment,
    /// Its level, as the server wrote it.
    pub level: String,
    /// Its text.
    pub text: String,
}

impl Server {
    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    /// The tools that could not be used.
    pub fn rejected_tools(&self) -> &[Rejected] {
        self.rejected
            .get(&ListKind::Tools)
            .map_or(&[], Vec::as_slice)
    }

    /// How long a call to it may go without a word.
    pub fn tool_timeout(&self) -> Duration {
        let spec = self.spec.as_ref();
        spec.map_or(Duration::from_secs(120), |spec| spec.tool_timeout)
    }

    /// The verdict in words, with what counts on by itself.
    pub fn verdict_words(&self, now: Moment) -> String {
        let words = &self.verdict.words;
        let until = match (&self.status, self.breaker.state()) {
            (Status::Ready { .. }, BreakerState::Open { until }) => Some(until),
            (Status::Waiting { until, .. }, _) => Some(*until),
            _ => None,
        };
        match (until, self.verdict.cause, self.health.last_good) {
            (Some(until), _, _) => {
                let left = human::countdown(until.since(now));
                format!("{words}, next try in {left}")
            }
            (None, Cause::Silent, Some(last)) => {
                let silent = human::duration(now.since(last));
                format!("{words}, last answer {silent} ago")
            }
            (None, _, _) => words.clone(),
        }
    }

    /// Whether a list of it is from an earlier connection or run, and not confirmed by this one.
    pub fn is_unconfirmed(&self, kind: ListKind) -> bool {
        self.lists.get(&kind).is_some_and(|list| !list.confirmed)
    }

    /// Whether it still starts while its tools are known from the last time: they are offered, and calls wait for it.
    pub fn is_expected(&self) -> bool {
        let starts = matches!(self.status, Status::Starting { .. });
        starts && !self.tools.is_empty() && self.is_unconfirmed(ListKind::Tools)
    }

    /// Whether a list is past its time.
    pub fn is_stale(&self, kind: ListKind, now: Moment) -> bool {
        let Some(list) = self.lists.get(&kind) else {
            return false;
        };
        let usual = self.spec.as_ref().map(|spec| spec.policy.list_ttl);
        let ttl = list.ttl.or(usual).unwrap_or_default();
        list.read.is_none_or(|read| now.since(read) >= ttl)
    }

    /// How long a call to it may take at all, whatever its progress.
    pub fn call_limit(&self) -> Duration {
        let spec = self.spec.as_ref();
        let limit = spec.and_then(|spec| spec.policy.call_limit);
        limit.unwrap_or_else(|| self.tool_timeout().saturating_mul(PROGRESS_FACTOR))
    }

    /// How many calls it takes.
    pub fn most_calls(&self) -> Most {
        let policy = self.spec.as_ref().map(|spec| &spec.policy);
        Most {
            at_once: policy.map_or(u32::MAX, |policy| policy.calls_at_once),
            a_minute: policy.and_then(|policy| policy.calls_per_minute),
        }
    }

    /// Whether it is one of mcpdeck's own.
    pub fn is_bundled(&self) -> bool {
        self.spec.as_ref().is_some_and(ServerSpec::is_bundled)
    }
}
