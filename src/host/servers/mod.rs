//! The machine of servers: dialled and ended (`connect`), listed (`listing`), asked whether they live (`probe`), judged
//! (`judging`; without the time in which they wait for a person: `held`), taken over from a configuration that was read again
//! (`reload`), and what the model is told of those that are missing (`missing`).
//!
//! Pure. A status event of an earlier connection is dropped by its generation.

mod connect;
mod freshness;
mod held;
mod judging;
mod listing;
mod missing;
mod probe;
mod reload;
mod restore;

pub(super) use held::Held;
pub(super) use missing::absence;
pub use reload::Taken;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::config::{BrokenServer, ServerSpec};
use crate::host::asks::Asker;
use crate::host::effect::Effect;
use crate::host::pins::Flags;
use crate::host::server::{CacheUse, Load, Server};
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::health::Health;
use crate::mcp::policy::breaker::Breaker;
use crate::mcp::start::Start;
use crate::mcp::status::Status;
use crate::mcp::verdict::Verdict;

impl Server {
    pub(in crate::host) fn new(spec: ServerSpec) -> Self {
        let status = if spec.enabled {
            Status::Starting { since: Moment(0) }
        } else {
            Status::Disabled
        };
        Self {
            required: spec.required,
            log_level: spec.log_level.clone(),
            ..Self::blank(spec.name.clone(), Some(spec), status)
        }
    }

    pub(in crate::host) fn broken(broken: &BrokenServer) -> Self {
        let failure = Failure {
            hint: Some(
                "mend the configuration; the terminal program reads it again by itself".to_owned(),
            ),
            ..Failure::new(FailureKind::Config, broken.error.clone())
        };
        let status = match broken.enabled {
            true => Status::Failed {
                failure: Box::new(failure),
            },
            false => Status::Disabled,
        };
        Self {
            required: broken.required,
            ..Self::blank(broken.name.clone(), None, status)
        }
    }

    fn blank(name: ServerName, spec: Option<ServerSpec>, status: Status) -> Self {
        Self {
            name,
            spec,
            required: false,
            status,
            generation: Generation(0),
            tools: Vec::new(),
            held: BTreeMap::new(),
            flags: Flags::default(),
            resources: Vec::new(),
            templates: Vec::new(),
            prompts: Vec::new(),
            rejected: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            log_level: None,
            health: Health::default(),
            verdict: Verdict::default(),
            breaker: Breaker::default(),
            load: Load::default(),
            cache: CacheUse::default(),
            processes: None,
            tool_tokens: 0,
            stderr_lines: 0,
            confined: None,
            log: VecDeque::new(),
            restarts: 0,
            probing: None,
            hello: None,
            start: Start::default(),
            stray: Vec::new(),
            losing: Vec::new(),
            last_end: None,
            undeclared: BTreeMap::new(),
            told_changes: BTreeSet::new(),
            listing: BTreeMap::new(),
            lists: BTreeMap::new(),
        }
    }
}

impl Host {
    /// A connection reports. What a call came to counts whichever connection is the current one; so does the end, for the calls.
    pub(in crate::host) fn server_event(
        &mut self,
        name: &ServerName,
        from: Generation,
        event: ServerEvent,
        now: Moment,
    ) -> Vec<Effect> {
        if let Some(effects) = self.lab_event(name, from, &event, now) {
            return effects;
        }
        let ended = match &event {
            ServerEvent::Ended(failure) => Some(failure.message.clone()),
            _ => None,
        };
        let is_open = |server: &Server| {
            matches!(
                server.status,
                Status::Starting { .. } | Status::Ready { .. }
            )
        };
        let is_current = self
            .server(name)
            .is_some_and(|server| server.generation == from && is_open(server));
        let mut effects = match event {
            ServerEvent::Call(id, event) => self.call_event(id, from, event, now),
            ServerEvent::Errand(id, end) => self.errand_over(id, end, now),
            ServerEvent::AskWithdrawn(ask) => self.ask_withdrawn(name, from, ask),
            ServerEvent::Asked { ask, call, what } if is_current => {
                self.asked_in_calls(name, from, call);
                let asker = Asker {
                    server: name.clone(),
                    generation: from,
                    ask,
                    call,
                };
                self.asked(asker, what, now)
            }
            event if is_current => self.status_event(name, event, now),
            // An earlier connection, or one that was closed from here.
            _ => Vec::new(),
        };
        // After the status, so that a turn that goes on does not count on this server.
        if let Some(why) = ended {
            effects.extend(self.asks_ended(name, from));
            effects.extend(self.looks_ended(now));
            effects.extend(self.lose_calls(name, from, &why, now));
        }
        effects
    }

    fn status_event(&mut self, name: &ServerName, event: ServerEvent, now: Moment) -> Vec<Effect> {
        match event {
            ServerEvent::Connected(hello) => self.greeted(name, hello, now),
            ServerEvent::Confined(how) => self.seen(name, |server| server.confined = Some(how)),
            ServerEvent::Start(word) => self.seen(name, |server| server.start.word(word, now)),
            ServerEvent::Stray { line } => self.seen(name, |server| server.stray.push(line)),
            ServerEvent::Listed(listed) => self.listed(name, listed, now),
            ServerEvent::Hints(kind, hints) => {
                self.book.hints.insert((name.clone(), kind), hints);
                Vec::new()
            }
            ServerEvent::ListFailed(kind, why) => self.list_failed(name, kind, why, now),
            ServerEvent::Changed(kind) => self.list_changed(name, kind, now),
            ServerEvent::ResourceUpdated { uri } => {
                self.resource_updated(name, &uri, now);
                Vec::new()
            }
            ServerEvent::Log { level, text } => {
                self.log(name, level, text, now);
                Vec::new()
            }
            ServerEvent::Meddled(fault) => self.meddled(name, fault),
            ServerEvent::Probed { millis } => self.probed(name, millis, now),
            ServerEvent::Vitals {
                processes,
                stderr_lines,
            } => {
                self.vitals(name, processes, stderr_lines, now);
                Vec::new()
            }
            ServerEvent::Ended(failure) => self.ended(name, failure, now),
            ServerEvent::UrlDone { .. } => {
                let from = self.server(name).map(|server| server.generation);
                self.visits_over(name, from.unwrap_or_default());
                let text = "it is done with what it sent you to a URL for".to_owned();
                self.log_ours(name, text, now);
                Vec::new()
            }
            // Handled above, whatever the server's generation.
            ServerEvent::Call(..)
            | ServerEvent::Asked { .. }
            | ServerEvent::AskWithdrawn(_)
            | ServerEvent::Errand(..) => Vec::new(),
        }
    }

    /// Notes a fact about a server from which nothing follows.
    fn seen(&mut self, name: &ServerName, note: impl FnOnce(&mut Server)) -> Vec<Effect> {
        if let Some(server) = self.server_mut(name) {
            note(server);
        }
        Vec::new()
    }

    fn gathered_if_settled(&mut self, now: Moment) -> Vec<Effect> {
        if self.book.attaching.is_some() {
            return self.attach(now);
        }
        if self.is_gathered() {
            self.turn_step(now, |turn, desk| turn.gathered(desk))
        } else {
            Vec::new()
        }
    }

    /// Whether a turn that begins has nothing to wait for: each server is there, with all that it announced, or does not come.
    pub(in crate::host) fn is_gathered(&self) -> bool {
        let is_listed = |server: &Server| {
            let unlisted = self.book.unlisted.get(&server.name);
            unlisted.is_none_or(|(of, kinds)| *of != server.generation || kinds.is_empty())
        };
        self.servers.iter().all(|server| {
            let is_settled = server.status.is_settled() || server.is_expected();
            is_settled && (!server.status.is_ready() || is_listed(server))
        })
    }

    pub(in crate::host) fn server_mut(&mut self, name: &ServerName) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| &server.name == name)
    }
}
