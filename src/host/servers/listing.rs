//! A server's lists: asked for after the handshake and when they change, filtered by the configuration; its tools named for the
//! model.
//!
//! Pure. A server is ready when its tools are known; the other lists come when they come, and a turn that begins waits for them. A storm of `list_changed` costs one
//! further listing.

use std::time::Duration;

use crate::host::book::Purpose;
use crate::host::effect::Effect;
use crate::host::server::{Listing, Server, Undeclared};
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::catalog::Catalog;
use crate::mcp::listing::{Listed, Listing as Items, Rejected};
use crate::mcp::request::ListKind;
use crate::mcp::start::StepEnd;
use crate::mcp::status::{Hello, Status};
use crate::mcp::tool::Tool;
use crate::text::human;

/// The least time between two listings of the same kind, so that a storm of changes costs one a second.
const ONCE_IN: Duration = Duration::from_secs(1);

impl Server {
    /// A list has failed: whether that is no news, because it is not announced.
    fn has_not_listed(&mut self, kind: ListKind, why: &str, now: Moment) -> bool {
        if self.undeclared_is(kind, Undeclared::NotThere) {
            return true;
        }
        let why = why.to_owned();
        self.start.listed(kind, StepEnd::Failed { why }, now);
        false
    }

    /// Takes the answer where the list was asked for although it is not announced: what it holds is not taken over, because the
    /// server does not say that it has it.
    fn undeclared_is(&mut self, kind: ListKind, end: Undeclared) -> bool {
        let asked = self.undeclared.get_mut(&kind);
        match asked.filter(|asked| **asked == Undeclared::Asked) {
            Some(asked) => {
                *asked = end;
                self.listing.insert(kind, Listing::Quiet);
                true
            }
            None => false,
        }
    }
}

impl Host {
    pub(super) fn greeted(
        &mut self,
        name: &ServerName,
        hello: Box<Hello>,
        now: Moment,
    ) -> Vec<Effect> {
        let offers = |kind: ListKind| hello.capabilities.get(kind.capability()).is_some();
        let kinds: Vec<ListKind> = ListKind::ALL.into_iter().filter(|k| offers(*k)).collect();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.hello = Some(hello);
        server.health.connected(now);
        // What it had before it came back, and does not announce any more, is gone.
        for kind in ListKind::ALL
            .into_iter()
            .filter(|kind| !kinds.contains(kind))
        {
            server.rejected.remove(&kind);
            server.lists.remove(&kind);
            match kind {
                ListKind::Tools => {}
                ListKind::Resources => server.resources.clear(),
                ListKind::Templates => server.templates.clear(),
                ListKind::Prompts => server.prompts.clear(),
            }
        }
        let others = kinds.iter().filter(|kind| **kind != ListKind::Tools);
        let unlisted = (server.generation, others.copied().collect());
        self.book.unlisted.insert(name.clone(), unlisted);
        let mut effects = Vec::new();
        if !kinds.contains(&ListKind::Tools) {
            effects = self.tools_known(name, Items::default(), now);
        }
        effects.extend(
            kinds
                .into_iter()
                .flat_map(|kind| self.list(name, kind, now)),
        );
        effects
    }

    /// The person wants to know what a server has without announcing it: each such list is asked for once, and only counted.
    pub(in crate::host) fn list_undeclared(&mut self, name: &ServerName) -> Vec<Effect> {
        let Some(server) = self.server_mut(name).filter(|it| it.status.is_ready()) else {
            return Vec::new();
        };
        let Some(hello) = &server.hello else {
            return Vec::new();
        };
        let capabilities = hello.capabilities.clone();
        let silent = |kind: &ListKind| capabilities.get(kind.capability()).is_none();
        let mut effects = Vec::new();
        for kind in ListKind::ALL.into_iter().filter(silent) {
            server.undeclared.insert(kind, Undeclared::Asked);
            server.listing.insert(kind, Listing::Running);
            effects.push(Effect::List {
                server: name.clone(),
                generation: server.generation,
                kind,
            });
        }
        effects
    }

    /// Asks for a list.
    pub(super) fn list(&mut self, name: &ServerName, kind: ListKind, now: Moment) -> Vec<Effect> {
        self.book.listed.insert((name.clone(), kind), now);
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.listing.insert(kind, Listing::Running);
        server.start.listing(kind, now);
        vec![Effect::List {
            server: name.clone(),
            generation: server.generation,
            kind,
        }]
    }

    /// Asks for a list that has changed, at once or when a second has passed since the last time.
    fn list_soon(&mut self, name: &ServerName, kind: ListKind, now: Moment) -> Vec<Effect> {
        let last = self.book.listed.get(&(name.clone(), kind));
        let passed = last.map_or(ONCE_IN, |last| now.since(*last));
        let Some(after) = ONCE_IN.checked_sub(passed).filter(|after| !after.is_zero()) else {
            return self.list(name, kind, now);
        };
        let timer = self.book.numbers.timer();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.listing.insert(kind, Listing::Planned);
        let purpose = Purpose::List(name.clone(), server.generation, kind);
        self.book.timers.insert(timer, purpose);
        vec![Effect::SetTimer { timer, after }]
    }

    /// The planned time has come.
    pub(in crate::host) fn list_again(
        &mut self,
        name: &ServerName,
        from: Generation,
        kind: ListKind,
        now: Moment,
    ) -> Vec<Effect> {
        let is_due = self.server(name).is_some_and(|server| {
            let planned = server.listing.get(&kind) == Some(&Listing::Planned);
            server.generation == from && planned
        });
        if is_due {
            self.list(name, kind, now)
        } else {
            Vec::new()
        }
    }

    pub(super) fn listed(&mut self, name: &ServerName, listed: Listed, now: Moment) -> Vec<Effect> {
        let kind = listed.kind();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let count = listed.count();
        if server.undeclared_is(kind, Undeclared::There(count)) {
            return Vec::new();
        }
        let says = Some(human::count(count as u64));
        server.start.listed(kind, StepEnd::Done { says }, now);
        let before = server.listing.insert(kind, Listing::Quiet);
        self.confirm(name, kind, now);
        let mut effects = self.take_list(name, listed, now);
        if before == Some(Listing::Stale) {
            effects.extend(self.list_soon(name, kind, now));
        }
        effects.extend(self.heard_of_list(name, kind, now));
        effects.extend(self.keep_lists(name));
        effects
    }

    /// What a list holds is what the server has from now on.
    fn take_list(&mut self, name: &ServerName, listed: Listed, now: Moment) -> Vec<Effect> {
        let kind = listed.kind();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        match listed {
            Listed::Tools(tools) => {
                self.warn_of_names(name, &tools.items);
                self.forget_changed_tools(name, &tools.items);
                let mut effects = self.weigh_missing(name, &tools.items);
                effects.extend(self.tools_known(name, tools, now));
                return effects;
            }
            Listed::Resources(list) => {
                server.rejected.insert(kind, list.rejected);
                server.resources = list.items;
            }
            Listed::Templates(list) => {
                server.rejected.insert(kind, list.rejected);
                server.templates = list.items;
            }
            Listed::Prompts(list) => {
                server.rejected.insert(kind, list.rejected);
                server.prompts = list.items;
            }
        }
        Vec::new()
    }

    /// A list has come or failed: a turn may wait for just that.
    fn heard_of_list(&mut self, name: &ServerName, kind: ListKind, now: Moment) -> Vec<Effect> {
        let unlisted = self.book.unlisted.get_mut(name);
        match unlisted.is_some_and(|(_, kinds)| kinds.remove(&kind)) {
            true => self.gathered_if_settled(now),
            false => Vec::new(),
        }
    }

    pub(super) fn list_failed(
        &mut self,
        name: &ServerName,
        kind: ListKind,
        why: String,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        if server.has_not_listed(kind, &why, now) {
            return Vec::new();
        }
        let rejected = vec![Rejected {
            name: None,
            why: why.clone(),
        }];
        let before = server.listing.insert(kind, Listing::Quiet);
        if let Some(list) = server.lists.get_mut(&kind) {
            // It is asked for again after its time, not at every turn.
            list.read = Some(now);
        }
        let again = before == Some(Listing::Stale);
        if kind != ListKind::Tools {
            // Announced and not there is common, and no fault that matters: what was known stays.
            server.rejected.insert(kind, rejected);
            let mut effects = match again {
                true => self.list_soon(name, kind, now),
                false => Vec::new(),
            };
            effects.extend(self.heard_of_list(name, kind, now));
            effects.extend(self.keep_lists(name));
            return effects;
        }
        server.health.went_wrong(why);
        // What it offered before is the best that is known.
        let items = match server.status.is_ready() {
            true => std::mem::take(&mut server.tools),
            false => Vec::new(),
        };
        let mut effects = self.tools_known(name, Items { items, rejected }, now);
        if again {
            effects.extend(self.list_soon(name, kind, now));
        }
        effects.extend(self.heard_of_list(name, kind, now));
        effects
    }

    pub(super) fn list_changed(
        &mut self,
        name: &ServerName,
        kind: ListKind,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.told_changes.insert(kind);
        if let Some(list) = server.lists.get_mut(&kind) {
            (list.confirmed, list.read) = (false, None);
        }
        match server.listing.get(&kind).copied().unwrap_or_default() {
            // Some servers say so before they have answered the handshake; the first listing comes after it anyway.
            Listing::Quiet if server.hello.is_none() => Vec::new(),
            Listing::Quiet => self.list_soon(name, kind, now),
            Listing::Planned => Vec::new(),
            Listing::Running | Listing::Stale => {
                server.listing.insert(kind, Listing::Stale);
                Vec::new()
            }
        }
    }

    fn tools_known(&mut self, name: &ServerName, tools: Items<Tool>, now: Moment) -> Vec<Effect> {
        let mut effects = self.weigh_tools(name, &tools.items);
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let offered = |tool: &str| server.spec.as_ref().is_none_or(|spec| spec.offers(tool));
        server.tools = tools
            .items
            .into_iter()
            .filter(|tool| offered(&tool.name))
            .collect();
        server.weigh();
        server.rejected.insert(ListKind::Tools, tools.rejected);
        if let (false, Some(hello)) = (server.status.is_ready(), server.hello.clone()) {
            server.status = Status::Ready { since: now, hello };
            self.book
                .lifecycles
                .entry(name.clone())
                .or_default()
                .ready();
            if let Some(server) = self.server_mut(name) {
                server.breaker.reconnected();
            }
            effects.extend(self.probe_later(name));
            effects.extend(self.restore(name, now));
            effects.extend(self.release_held(name, now));
        }
        self.rename_tools();
        self.compare_tools(name);
        effects.extend(self.gathered_if_settled(now));
        effects
    }

    /// Names the tools of the servers that are ready, and of those that start and whose tools are known from the last time.
    pub(super) fn rename_tools(&mut self) {
        let ready = self
            .servers
            .iter()
            .filter(|server| server.status.is_ready() || server.is_expected());
        let tools = ready.flat_map(|server| {
            server
                .tools
                .iter()
                .map(|tool| (&server.name, tool.name.as_str()))
        });
        self.book.catalog = Catalog::of(tools, &self.book.catalog);
    }
}
