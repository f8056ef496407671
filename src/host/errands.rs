//! Errands: small requests of a front end, and what came of them.
//!
//! Pure.

use crate::host::effect::Effect;
use crate::host::state::{ErrandState, Host};
use crate::ids::{ErrandId, ServerName};
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
        while self.errands.len() > KEPT {
            self.errands.pop_front();
        }
        let effect = |generation| Effect::Errand {
            errand: id,
            server: name.clone(),
            generation,
            what,
        };
        generation.map(effect).into_iter().collect()
    }

    /// An errand is over.
    pub(in crate::host) fn errand_over(&mut self, id: ErrandId, end: ErrandEnd) {
        if let Some(errand) = self.errands.iter_mut().find(|errand| errand.id == id) {
            errand.end = Some(end);
        }
    }
}
