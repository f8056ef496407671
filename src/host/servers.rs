//! The machine of servers: dialled, greeted, listed, ended, dialled again; and what the model is told of those that are missing.
//!
//! Pure. A status event of an earlier connection is dropped by its generation.

use std::time::Duration;

use crate::config::{BrokenServer, ServerSpec};
use crate::host::book::Purpose;
use crate::host::effect::Effect;
use crate::host::server::{LOG_LINES, Listing, LogLine, Server};
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::catalog::Catalog;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::health::Health;
use crate::mcp::lifecycle::Next;
use crate::mcp::status::{Hello, Status};
use crate::mcp::tool::{Listing as Tools, Rejected};
use crate::text::{clean, wrap};

/// Columns of one server's reason in the line for the model.
const REASON: usize = 160;

/// Why a server cannot be called, for the model and the person; no words of the server itself.
pub(super) fn absence(server: &Server) -> String {
    let why = match &server.status {
        Status::Ready { .. } => "is ready".to_owned(),
        Status::Disabled => "is switched off".to_owned(),
        Status::Starting { .. } => "is still starting".to_owned(),
        Status::Waiting { failure, .. } => {
            format!("is down and will be tried again ({})", failure.message)
        }
        Status::Failed { failure } => format!("failed ({})", failure.message),
    };
    format!(
        "server `{}` {}",
        server.name,
        wrap::truncate(&clean::line(&why), REASON)
    )
}

impl Server {
    pub(super) fn new(spec: ServerSpec) -> Self {
        let status = if spec.enabled {
            Status::Starting { since: Moment(0) }
        } else {
            Status::Disabled
        };
        Self {
            required: spec.required,
            ..Self::blank(spec.name.clone(), Some(spec), status)
        }
    }

    pub(super) fn broken(broken: &BrokenServer) -> Self {
        let failure = Failure {
            hint: Some("mend the configuration, then start mcpdeck again".to_owned()),
            ..Failure::new(FailureKind::Config, broken.error.clone())
        };
        let status = Status::Failed {
            failure: Box::new(failure),
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
            rejected: Vec::new(),
            health: Health::default(),
            log: std::collections::VecDeque::new(),
            restarts: 0,
            probing: None,
            hello: None,
            listing: Listing::Quiet,
        }
    }
}

impl Host {
    /// Dials a server anew under a new generation; a connection that stands is closed.
    pub(super) fn dial(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name).filter(|server| server.spec.is_some()) else {
            return Vec::new();
        };
        let old = server.generation;
        let is_open = matches!(
            server.status,
            Status::Starting { .. } | Status::Ready { .. }
        );
        let remembered = server.hello.take().map(|hello| hello.era);
        server.generation = old.next();
        server.restarts += u32::from(old != Generation(0));
        server.status = Status::Starting { since: now };
        (server.listing, server.probing) = (Listing::Quiet, None);
        let generation = server.generation;
        let mut effects = Vec::new();
        if is_open && old != Generation(0) {
            effects.push(Effect::Close {
                server: name.clone(),
                generation: old,
            });
        }
        effects.push(Effect::Dial {
            server: name.clone(),
            generation,
            remembered,
        });
        effects
    }

    /// The person wants it anew, or on: earlier failures are forgotten.
    pub(super) fn restart(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        self.book
            .lifecycles
            .entry(name.clone())
            .or_default()
            .reset();
        self.dial(name, now)
    }

    /// The person wants it off.
    pub(super) fn disable(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name).filter(|server| server.spec.is_some()) else {
            return Vec::new();
        };
        let is_open = matches!(
            server.status,
            Status::Starting { .. } | Status::Ready { .. }
        );
        server.status = Status::Disabled;
        server.tools.clear();
        let generation = server.generation;
        self.rename_tools();
        let mut effects = self.gathered_if_settled(now);
        if is_open {
            effects.push(Effect::Close {
                server: name.clone(),
                generation,
            });
        }
        effects
    }

    /// A connection reports.
    pub(super) fn server_event(
        &mut self,
        name: &ServerName,
        from: Generation,
        event: ServerEvent,
        now: Moment,
    ) -> Vec<Effect> {
        if let ServerEvent::Call(id, event) = event {
            return self.call_event(id, from, event, now);
        }
        let Some(server) = self
            .server_mut(name)
            .filter(|server| server.generation == from)
        else {
            return Vec::new();
        };
        if server.status == Status::Disabled {
            return Vec::new();
        }
        match event {
            ServerEvent::Connected(hello) => self.greeted(name, hello, now),
            ServerEvent::Listed(tools) => self.listed(name, tools, now),
            ServerEvent::ListFailed(why) => self.list_failed(name, why, now),
            ServerEvent::ToolsChanged => self.tools_changed(name),
            ServerEvent::Log { level, text } => {
                server.log.push_back(LogLine {
                    at: now,
                    level,
                    text,
                });
                while server.log.len() > LOG_LINES {
                    server.log.pop_front();
                }
                Vec::new()
            }
            ServerEvent::Probed { millis } => self.probed(name, millis, now),
            ServerEvent::Ended(failure) => self.ended(name, failure, now),
            // Handled above, whatever the server's generation.
            ServerEvent::Call(..) => Vec::new(),
        }
    }

    fn greeted(&mut self, name: &ServerName, hello: Box<Hello>, now: Moment) -> Vec<Effect> {
        let has_tools = hello.capabilities.get("tools").is_some();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.hello = Some(hello);
        if !has_tools {
            return self.ready(name, Tools::default(), now);
        }
        server.listing = Listing::Running;
        vec![Effect::ListTools {
            server: name.clone(),
            generation: server.generation,
        }]
    }

    fn listed(&mut self, name: &ServerName, tools: Tools, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let again = server.listing == Listing::Stale;
        server.listing = if again {
            Listing::Running
        } else {
            Listing::Quiet
        };
        let generation = server.generation;
        let mut effects = self.ready(name, tools, now);
        if again {
            effects.push(Effect::ListTools {
                server: name.clone(),
                generation,
            });
        }
        effects
    }

    fn list_failed(&mut self, name: &ServerName, why: String, now: Moment) -> Vec<Effect> {
        let rejected = vec![Rejected {
            name: None,
            why: format!("tools/list failed: {why}"),
        }];
        if let Some(server) = self.server_mut(name) {
            server.health.last_error = Some(format!("tools/list failed: {why}"));
        }
        self.listed(
            name,
            Tools {
                tools: Vec::new(),
                rejected,
            },
            now,
        )
    }

    fn tools_changed(&mut self, name: &ServerName) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        match server.listing {
            // Some servers say so before they have answered the handshake; the first listing comes after it anyway.
            Listing::Quiet if server.hello.is_none() => Vec::new(),
            Listing::Quiet => {
                server.listing = Listing::Running;
                vec![Effect::ListTools {
                    server: name.clone(),
                    generation: server.generation,
                }]
            }
            Listing::Running | Listing::Stale => {
                server.listing = Listing::Stale;
                Vec::new()
            }
        }
    }

    fn ready(&mut self, name: &ServerName, tools: Tools, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let offered = |tool: &str| server.spec.as_ref().is_none_or(|spec| spec.offers(tool));
        server.tools = tools
            .tools
            .into_iter()
            .filter(|tool| offered(&tool.name))
            .collect();
        server.rejected = tools.rejected;
        let mut effects = Vec::new();
        if let (false, Some(hello)) = (server.status.is_ready(), server.hello.clone()) {
            server.status = Status::Ready { since: now, hello };
            self.book
                .lifecycles
                .entry(name.clone())
                .or_default()
                .ready();
            effects.extend(self.probe_later(name));
        }
        self.rename_tools();
        effects.extend(self.gathered_if_settled(now));
        effects
    }

    fn ended(&mut self, name: &ServerName, failure: Box<Failure>, now: Moment) -> Vec<Effect> {
        let next = self
            .book
            .lifecycles
            .entry(name.clone())
            .or_default()
            .ended(failure.kind, now);
        let timer = self.book.numbers.timer();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.health.last_error = Some(failure.headline());
        (server.listing, server.probing) = (Listing::Quiet, None);
        let generation = server.generation;
        let mut effects = Vec::new();
        match next {
            Next::Stay => server.status = Status::Failed { failure },
            Next::Redial { after, attempt } => {
                server.status = Status::Waiting {
                    until: now.plus(after),
                    attempt,
                    failure,
                };
                self.book
                    .timers
                    .insert(timer, Purpose::Redial(name.clone(), generation));
                effects.push(Effect::SetTimer { timer, after });
            }
        }
        self.rename_tools();
        effects.extend(self.gathered_if_settled(now));
        effects
    }

    /// The wait of a server is over.
    pub(super) fn redial(
        &mut self,
        name: &ServerName,
        from: Generation,
        now: Moment,
    ) -> Vec<Effect> {
        match self.server(name) {
            Some(server)
                if server.generation == from && matches!(server.status, Status::Waiting { .. }) =>
            {
                self.dial(name, now)
            }
            _ => Vec::new(),
        }
    }

    fn probe_later(&mut self, name: &ServerName) -> Vec<Effect> {
        let (Some(after), Some(server)) = (self.settings.probe_every, self.server(name)) else {
            return Vec::new();
        };
        let purpose = Purpose::Probe(name.clone(), server.generation);
        let timer = self.book.numbers.timer();
        self.book.timers.insert(timer, purpose);
        vec![Effect::SetTimer { timer, after }]
    }

    /// Time to ask whether it lives.
    pub(super) fn probe(
        &mut self,
        name: &ServerName,
        from: Generation,
        now: Moment,
    ) -> Vec<Effect> {
        match self.server_mut(name) {
            Some(server) if server.generation == from && server.status.is_ready() => {
                server.probing = Some(now);
                vec![Effect::Probe {
                    server: name.clone(),
                    generation: from,
                }]
            }
            _ => Vec::new(),
        }
    }

    fn probed(&mut self, name: &ServerName, millis: Option<u64>, now: Moment) -> Vec<Effect> {
        if let Some(server) = self.server_mut(name) {
            match (millis, server.probing.take()) {
                (Some(millis), _) => server.health.probe(Duration::from_millis(millis)),
                (None, since) => {
                    let waited = since.map_or(Duration::ZERO, |since| now.since(since));
                    let words = crate::text::human::duration(waited);
                    server.health.last_error =
                        Some(format!("no answer to a health probe within {words}"));
                }
            }
        }
        self.probe_later(name)
    }

    /// Names the tools of the servers that are ready.
    fn rename_tools(&mut self) {
        let ready = self
            .servers
            .iter()
            .filter(|server| server.status.is_ready());
        let tools = ready.flat_map(|server| {
            server
                .tools
                .iter()
                .map(|tool| (&server.name, tool.name.as_str()))
        });
        self.book.catalog = Catalog::of(tools, &self.book.catalog);
    }

    /// The one line for the model on servers and tools that are missing; absent when none is.
    pub(super) fn missing(&self) -> Option<String> {
        let mut missing: Vec<String> = self
            .servers
            .iter()
            .filter(|server| !server.status.is_ready())
            .map(absence)
            .collect();
        for server in self
            .servers
            .iter()
            .filter(|server| server.status.is_ready() && !server.rejected.is_empty())
        {
            let names: Vec<_> = server
                .rejected
                .iter()
                .filter_map(|tool| tool.name.as_deref())
                .collect();
            let names = wrap::truncate(&clean::line(&names.join(", ")), REASON);
            missing.push(format!(
                "server `{}` has {} unusable tools ({names})",
                server.name,
                server.rejected.len()
            ));
        }
        (!missing.is_empty()).then(|| format!("Not available now: {}.", missing.join("; ")))
    }

    /// Writes down what the model is told when it differs from what it was told before.
    pub(super) fn tell(&mut self) {
        let missing = self.missing();
        if missing == self.book.told {
            return;
        }
        let text = missing
            .clone()
            .unwrap_or_else(|| "All servers are available now.".to_owned());
        self.book.told = missing;
        self.transcript.tell(text);
    }

    fn gathered_if_settled(&mut self, now: Moment) -> Vec<Effect> {
        if self.servers.iter().all(|server| server.status.is_settled()) {
            self.turn_step(now, |turn, desk| turn.gathered(desk))
        } else {
            Vec::new()
        }
    }

    pub(super) fn server_mut(&mut self, name: &ServerName) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| &server.name == name)
    }
}
