//! Health probes of servers that are ready.
//!
//! Pure. The next probe is planned when the last one is answered, so that a slow server never has two. While nobody calls a
//! server, the waits grow.

use std::time::Duration;

use crate::host::book::{Probes, Purpose};
use crate::host::call::CallState;
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::status::Status;

/// Probes without an answer in a row, after which a connection that has answered before is believed dead.
const MISSED: u32 = 3;
/// How soon a connection that has come up is asked for the first time.
const FIRST: Duration = Duration::from_secs(2);
/// How many times the usual wait the longest one is.
const IDLE: u32 = 10;

impl Host {
    /// Plans the next probe: in the usual time, and later and later while there is nothing else.
    pub(super) fn probe_later(&mut self, name: &ServerName) -> Vec<Effect> {
        let Some(every) = self.settings.probe_every else {
            return Vec::new();
        };
        let probes = self.probes(name);
        let after = match probes.waited {
            None => every.min(FIRST),
            Some(_) if probes.active || probes.missed > 0 => every,
            Some(last) => last
                .saturating_mul(2)
                .clamp(every, every.saturating_mul(IDLE)),
        };
        probes.active = false;
        self.probe_in(name, after)
    }

    fn probe_in(&mut self, name: &ServerName, after: Duration) -> Vec<Effect> {
        let Some(server) = self.server(name) else {
            return Vec::new();
        };
        let purpose = Purpose::Probe(name.clone(), server.generation);
        let timer = self.book.numbers.timer();
        let probes = self.probes(name);
        probes.waited = Some(after);
        let before = probes.timer.replace(timer);
        // One that was planned before is not wanted any more.
        before.map(|before| self.book.timers.remove(&before));
        self.book.timers.insert(timer, purpose);
        vec![Effect::SetTimer { timer, after }]
    }

    /// A call to it has ended: a probe that waits longer than usual waits no longer than that.
    pub(super) fn active(&mut self, name: &ServerName) -> Vec<Effect> {
        let ready = self.server(name).filter(|s| s.status.is_ready());
        let is_waiting = ready.is_some_and(|server| server.probing.is_none());
        let probes = self.probes(name);
        probes.active = true;
        let probes = *probes;
        let is_long = |every: &Duration| probes.waited.is_some_and(|waited| waited > *every);
        match self.settings.probe_every.filter(is_long) {
            Some(every) if is_waiting => self.probe_in(name, every),
            _ => Vec::new(),
        }
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

    /// The person wants to know now.
    pub(in crate::host) fn probe_now(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        match self.server(name) {
            Some(server) if server.probing.is_none() => self.probe(name, server.generation, now),
            _ => Vec::new(),
        }
    }

    pub(super) fn probed(
        &mut self,
        name: &ServerName,
        millis: Option<u64>,
        now: Moment,
    ) -> Vec<Effect> {
        // Whoever wanted to know, an answer is a sample.
        if let (Some(millis), Some(server)) = (millis, self.server_mut(name)) {
            server.health.probe(Duration::from_millis(millis), now);
        }
        if let Some(effects) = self.circuit_probed(name, millis.is_some(), now) {
            return effects;
        }
        if let Some(server) = self.server_mut(name) {
            match (millis, server.probing.take()) {
                (Some(_), _) => self.probes(name).heard(),
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
            let error = format!("no answer to a health probe within {words}");
            server.health.missed(error);
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
