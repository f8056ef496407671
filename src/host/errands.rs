//! Errands: small requests of a front end, and what came of them; subscriptions and log levels follow from their ends.
//!
//! Pure. Each errand ends once: with the connection's report, or with the connection.

use crate::host::effect::Effect;
use crate::host::state::{ErrandState, Host};
use crate::ids::{ErrandId, Moment, ServerName};
use crate::mcp::request::{Errand, ErrandEnd};

/// Errands that are kept after their end.
const KEPT: usize = 32;

impl Host {
    /// Does an errand at a server that is ready.
    pub(in crate::host) fn errand(&mut self, name: &ServerName, what: Errand) -> Vec<Effect> {
        self.book.errand = self.book.errand.next();
        let id = self.book.errand;
        let ready = self.server(name).filter(|server| server.status.is_ready());
        let generation = ready.map(|server| server.generation);
        let end = match generation {
            Some(_) => None,
            // There is nobody to tell, and nothing to take up again later.
            None if self.forget_subscription(name, &what) => Some(ErrandEnd::Done),
            None => Some(ErrandEnd::Failed {
                why: format!("server `{name}` is not ready"),
            }),
        };
        self.errands.push_back(ErrandState {
            id,
            server: name.clone(),
            what: what.clone(),
            end,
        });
        self.drop_old_errands();
        let Some(generation) = generation else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        if let Errand::Raw { frame } = &what {
            effects.push(self.frame_written_down(id, name, frame));
        }
        effects.push(Effect::Errand {
            errand: id,
            server: name.clone(),
            generation,
            what,
        });
        effects
    }

    /// The oldest that are over go first; one under way is never dropped.
    fn drop_old_errands(&mut self) {
        while self.errands.len() > KEPT {
            let over = self.errands.iter().position(|errand| errand.end.is_some());
            match over {
                Some(place) => self.errands.remove(place),
                None => return,
            };
        }
    }

    /// An errand is over.
    pub(in crate::host) fn errand_over(
        &mut self,
        id: ErrandId,
        end: ErrandEnd,
        now: Moment,
    ) -> Vec<Effect> {
        let mut errands = self.errands.iter_mut();
        let open = errands.find(|errand| errand.id == id && errand.end.is_none());
        let Some(errand) = open else {
            return Vec::new();
        };
        errand.end = Some(end.clone());
        if matches!(errand.what, Errand::Preview { .. }) {
            return self.looked(id, &end, now);
        }
        let (name, what) = (errand.server.clone(), errand.what.clone());
        match end {
            ErrandEnd::Done => self.errand_done(&name, what),
            ErrandEnd::Failed { why } => self.errand_failed(&name, &what, &why, now),
            ErrandEnd::Completed { .. } | ErrandEnd::Previewed { .. } => {}
        }
        Vec::new()
    }

    fn errand_done(&mut self, name: &ServerName, what: Errand) {
        let Some(server) = self.server_mut(name) else {
            return;
        };
        match what {
            Errand::Subscribe { uri } => {
                server.subscriptions.entry(uri).or_insert(None);
            }
            Errand::Unsubscribe { uri } => {
                server.subscriptions.remove(&uri);
            }
            Errand::SetLogLevel { level } => server.log_level = Some(level),
            Errand::Complete { .. } | Errand::Preview { .. } | Errand::Raw { .. } => {}
        }
    }

    fn errand_failed(&mut self, name: &ServerName, what: &Errand, why: &str, now: Moment) {
        let text = match what {
            Errand::Complete { .. } | Errand::Preview { .. } | Errand::Raw { .. } => return,
            Errand::Subscribe { uri } => format!("subscribing to {uri} failed: {why}"),
            Errand::Unsubscribe { uri } => format!("unsubscribing from {uri} failed: {why}"),
            Errand::SetLogLevel { level } => format!("setting the log level {level} failed: {why}"),
        };
        // One that was taken up again after a reconnect and failed holds no more, unless the connection is what failed.
        let is_ready = self
            .server(name)
            .is_some_and(|server| server.status.is_ready());
        if let (Errand::Subscribe { uri }, true, Some(server)) =
            (what, is_ready, self.server_mut(name))
        {
            server.subscriptions.remove(uri);
        }
        self.log_ours(name, text, now);
    }

    fn forget_subscription(&mut self, name: &ServerName, what: &Errand) -> bool {
        let Errand::Unsubscribe { uri } = what else {
            return false;
        };
        let server = self.server_mut(name);
        server.is_some_and(|server| server.subscriptions.remove(uri).is_some())
    }

    /// A connection has ended: what it still owed will never come.
    pub(in crate::host) fn errands_ended(&mut self, name: &ServerName) {
        for errand in &mut self.errands {
            if &errand.server == name && errand.end.is_none() {
                let why = format!("the connection to server `{name}` ended");
                errand.end = Some(ErrandEnd::Failed { why });
            }
        }
    }

    /// A server says that a resource has changed: one to which we have subscribed, or a part of one.
    pub(in crate::host) fn resource_updated(&mut self, name: &ServerName, uri: &str, now: Moment) {
        let Some(server) = self.server_mut(name) else {
            return;
        };
        let is_part = |of: &str| {
            let rest = uri.strip_prefix(of);
            rest.is_some_and(|rest| of.ends_with('/') || rest.starts_with(['/', '#', '?']))
        };
        let subscriptions = server.subscriptions.iter_mut();
        let mut news = false;
        for (of, last) in subscriptions {
            if of == uri || is_part(of) {
                *last = Some(now);
                news = true;
            }
        }
        if news {
            self.log_ours(name, format!("the resource {uri} has changed"), now);
        }
    }
}
