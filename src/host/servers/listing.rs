//! A server's lists: asked for after the handshake and when they change, filtered by the configuration; its tools named for the
//! model.
//!
//! Pure. A server is ready when its tools are known; the other lists come when they come. A storm of `list_changed` costs one
//! further listing.

use crate::host::effect::Effect;
use crate::host::server::Listing;
use crate::host::state::Host;
use crate::ids::{Moment, ServerName};
use crate::mcp::catalog::Catalog;
use crate::mcp::request::ListKind;
use crate::mcp::status::{Hello, Status};
use crate::mcp::tool::{Listed, Listing as Items, Rejected, Tool};

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
        let mut effects = Vec::new();
        if !kinds.contains(&ListKind::Tools) {
            effects = self.tools_known(name, Items::default(), now);
        }
        effects.extend(kinds.into_iter().flat_map(|kind| self.list(name, kind)));
        effects
    }

    /// Asks for a list.
    fn list(&mut self, name: &ServerName, kind: ListKind) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.listing.insert(kind, Listing::Running);
        vec![Effect::List {
            server: name.clone(),
            generation: server.generation,
            kind,
        }]
    }

    pub(super) fn listed(&mut self, name: &ServerName, listed: Listed, now: Moment) -> Vec<Effect> {
        let kind = listed.kind();
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let before = server.listing.insert(kind, Listing::Quiet);
        let mut effects = match listed {
            Listed::Tools(tools) => self.tools_known(name, tools, now),
            Listed::Resources(list) => {
                server.rejected.insert(kind, list.rejected);
                server.resources = list.items;
                Vec::new()
            }
            Listed::Templates(list) => {
                server.rejected.insert(kind, list.rejected);
                server.templates = list.items;
                Vec::new()
            }
            Listed::Prompts(list) => {
                server.rejected.insert(kind, list.rejected);
                server.prompts = list.items;
                Vec::new()
            }
        };
        if before == Some(Listing::Stale) {
            effects.extend(self.list(name, kind));
        }
        effects
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
        let rejected = vec![Rejected {
            name: None,
            why: why.clone(),
        }];
        if kind != ListKind::Tools {
            // Announced and not there is common, and no fault that matters: what was known stays.
            server.listing.insert(kind, Listing::Quiet);
            server.rejected.insert(kind, rejected);
            return Vec::new();
        }
        server.health.last_error = Some(why);
        // What it offered before is the best that is known.
        let known = if server.status.is_ready() {
            std::mem::take(&mut server.tools)
        } else {
            Vec::new()
        };
        let tools = Items {
            items: known,
            rejected,
        };
        self.listed(name, Listed::Tools(tools), now)
    }

    pub(super) fn list_changed(&mut self, name: &ServerName, kind: ListKind) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        match server.listing.get(&kind).copied().unwrap_or_default() {
            // Some servers say so before they have answered the handshake; the first listing comes after it anyway.
            Listing::Quiet if server.hello.is_none() => Vec::new(),
            Listing::Quiet => self.list(name, kind),
            Listing::Running | Listing::Stale => {
                server.listing.insert(kind, Listing::Stale);
                Vec::new()
            }
        }
    }

    pub(super) fn resource_updated(
        &mut self,
        name: &ServerName,
        uri: String,
        now: Moment,
    ) -> Vec<Effect> {
        if let Some(server) = self.server_mut(name)
            && let Some(last) = server.subscriptions.get_mut(&uri)
        {
            *last = Some(now);
        }
        Vec::new()
    }

    fn tools_known(&mut self, name: &ServerName, tools: Items<Tool>, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        let offered = |tool: &str| server.spec.as_ref().is_none_or(|spec| spec.offers(tool));
        server.tools = tools
            .items
            .into_iter()
            .filter(|tool| offered(&tool.name))
            .collect();
        server.rejected.insert(ListKind::Tools, tools.rejected);
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

    /// Names the tools of the servers that are ready.
    pub(super) fn rename_tools(&mut self) {
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
}
