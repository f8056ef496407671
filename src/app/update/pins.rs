//! What a server has changed in its tools: looked at first, accepted then.
//!
//! Pure.

use crate::app::effect::AppEffect;
use crate::app::state::{App, Detail, Overlay};
use crate::host::Command;
use crate::ids::ServerName;

impl App {
    /// Shows what changed; where that is on show already, accepts it.
    pub(super) fn look_or_accept(&mut self, named: Option<ServerName>) -> Vec<AppEffect> {
        let shown = self.changes_on_show();
        if let (None, Some(server)) = (&named, shown) {
            return self.accept_changes(server);
        }
        if let Some(server) = named.or_else(|| self.changed_server()) {
            let of = Detail::Changes(server);
            self.overlay = Overlay::Detail { of, scroll: 0 };
        }
        Vec::new()
    }

    fn accept_changes(&mut self, server: ServerName) -> Vec<AppEffect> {
        // Below what is in sight there may be more: that has to be looked at, too.
        let (rows, area) = self.chat.measured.detail;
        if let Overlay::Detail { scroll, .. } = &self.overlay
            && area > 0
            && scroll + area < rows
        {
            self.complain("There is more below: scroll to its end, then accept.");
            return Vec::new();
        }
        self.overlay = Overlay::None;
        self.say(format!("accepted the tools of {server}"));
        self.command(Command::AcceptTools {
            server,
            tools: None,
        })
    }

    /// Whether the changes of a server are on show.
    pub(super) fn shows_changes(&self) -> bool {
        self.changes_on_show().is_some()
    }

    fn changes_on_show(&self) -> Option<ServerName> {
        match &self.overlay {
            Overlay::Detail {
                of: Detail::Changes(name),
                ..
            } => Some(name.clone()),
            _ => None,
        }
    }

    /// The server in view, where it has changed something; among the tools of all servers, the first that has.
    pub(super) fn changed_server(&self) -> Option<ServerName> {
        let has = |name: &ServerName| {
            let server = self.host.server(name);
            server.is_some_and(|server| !server.held.is_empty())
        };
        if let Some(name) = self.changes_on_show() {
            return Some(name).filter(has);
        }
        if let Overlay::Detail {
            of: Detail::Tools, ..
        } = &self.overlay
        {
            let mut servers = self.host.servers.iter();
            let changed = servers.find(|server| !server.held.is_empty());
            return changed.map(|server| server.name.clone());
        }
        self.server_in_view().filter(has)
    }
}
