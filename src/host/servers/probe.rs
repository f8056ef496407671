//! Health probes of servers that are ready.
//!
//! Pure. The next probe is planned when the last one is answered, so that a slow server never has two.

use std::time::Duration;

use crate::host::book::{Probes, Purpose};
use crate::host::call::CallState;
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::status::Status;

/// Probes without an answer in a row, after which a connection that has answered before is believed dead.
const MISSED: u32 = 3;

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
        // While its breaker is open nothing is sent but the breaker's own probe.
        let is_ours = self.book.breaker_probes.contains(name);
        match self.server_mut(name) {
            Some(server)
                if server.generation == from
                    && server.status.is_ready()
                    && server.breaker.holds_for(now).is_some()
                    && !is_ours =>
            {
                self.probe_later(name)
            }
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
        if let Some(effects) = self.circuit_probed(name, millis.is_some(), now) {
            return effects;
        }
        if let Some(server) = self.server_mut(name) {
            match (millis, server.probing.take()) {
                (Some(millis), _) => {
                    server.health.probe(Duration::from_millis(millis));
                    self.probes(name).heard();
                }
                (None, since) => {
                    server.probing = since;
                    return self.probed_in_vain(name, now);
                }
            }
        }
        self.probe_later(name)
    }

    /// A probe had no answer: a connection that has answered before is believed dead after some.
    pub(in crate::host) fn probed_in_vain(
        &mut self,
        name: &ServerName,
        now: Moment,
    ) -> Vec<Effect> {
        if let Some(server) = self.server_mut(name) {
            let since = server.probing.take();
            let waited = since.map_or(Duration::ZERO, |since| now.since(since));
            let words = crate::text::human::duration(waited);
            server.health.last_error = Some(format!("no answer to a health probe within {words}"));
            if self.is_silent(name) {
                let text = "it does not answer any more, so it is dialled again";
                self.log_ours(name, text.to_owned(), now);
                return self.dial(name, now);
            }
        }
        self.probe_later(name)
    }

    /// How the current connection's probes went.
    fn probes(&mut self, name: &ServerName) -> &mut Probes {
        let generation = self.server(name).map(|server| server.generation);
        let probes = self.book.probes.entry(name.clone()).or_default();
        if Some(probes.generation) != generation {
            *probes = Probes {
                generation: generation.unwrap_or_default(),
                ..Probes::default()
            };
        }
        probes
    }

    /// Counts a probe without an answer; gives whether the connection is to be believed dead. One with a call under way is not:
    /// a busy server may have no time for a probe, and the call has a limit of its own.
    fn is_silent(&mut self, name: &ServerName) -> bool {
        let is_busy = self.calls.iter().any(|call| {
            call.server.as_ref() == Some(name) && matches!(call.state, CallState::Running { .. })
        });
        let probes = self.probes(name);
        probes.missed += 1;
        let is_dead = probes.doubted || probes.answered && probes.missed >= MISSED;
        is_dead && !is_busy
    }

    /// The machine has slept: every connection is asked whether it lives, and servers that wait are dialled at once.
    pub(in crate::host) fn woke(&mut self, now: Moment) -> Vec<Effect> {
        let states = self.servers.iter().map(|server| {
            let waits = matches!(server.status, Status::Waiting { .. });
            let asks = server.status.is_ready() && server.probing.is_none();
            (server.name.clone(), server.generation, waits, asks)
        });
        let states: Vec<_> = states.collect();
        let mut effects = Vec::new();
        for (name, generation, waits, asks) in states {
            if waits {
                effects.extend(self.dial(&name, now));
            } else if asks {
                let probes = self.probes(&name);
                probes.doubted = probes.answered;
                effects.extend(self.probe(&name, generation, now));
            }
        }
        effects
    }
}

impl Probes {
    fn heard(&mut self) {
        (self.answered, self.missed, self.doubted) = (true, 0, false);
    }
}
