//! A server's tools: asked for after the handshake and when they change, filtered by the configuration, named for the model.
//!
//! Pure. A storm of `list_changed` costs one further listing.

use crate::host::effect::Effect;
use crate::host::server::Listing;
use crate::host::state::Host;
use crate::ids::{Moment, ServerName};
use crate::mcp::catalog::Catalog;
use crate::mcp::status::{Hello, Status};
use crate::mcp::tool::{Listing as Tools, Rejected};

impl Host {
    pub(super) fn greeted(
        &mut self,
        name: &ServerName,
        hello: Box<Hello>,
        now: Moment,
    ) -> Vec<Effect> {
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

    pub(super) fn listed(&mut self, name: &ServerName, tools: Tools, now: Moment) -> Vec<Effect> {
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

    pub(super) fn list_failed(
        &mut self,
        name: &ServerName,
        why: String,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        server.health.last_error = Some(why.clone());
        // What it offered before is the best that is known.
        let known = if server.status.is_ready() {
            std::mem::take(&mut server.tools)
        } else {
            Vec::new()
        };
        let rejected = vec![Rejected { name: None, why }];
        self.listed(
            name,
            Tools {
                tools: known,
                rejected,
            },
            now,
        )
    }

    pub(super) fn tools_changed(&mut self, name: &ServerName) -> Vec<Effect> {
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
