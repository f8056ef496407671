//! Health probes of servers that are ready.
//!
//! Pure. The next probe is planned when the last one is answered, so that a slow server never has two.

use std::time::Duration;

use crate::host::book::Purpose;
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};

impl Host {
    pub(super) fn probe_later(&mut self, name: &ServerName) -> Vec<Effect> {
        let (Some(after), Some(server)) = (self.settings.probe_every, self.server(name)) else {
            return Vec::new();
        };
        let purpose = Purpose::Probe(name.clone(), server.generation);
        let timer = self.book.numbers.timer();
        self.book.timers.insert(timer, purpose);
        vec![Effect::SetTimer { timer, after }]
    }

    /// Time to ask whether it lives.
    pub(in crate::host) fn probe(
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

    pub(super) fn probed(
        &mut self,
        name: &ServerName,
        millis: Option<u64>,
        now: Moment,
    ) -> Vec<Effect> {
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
}
