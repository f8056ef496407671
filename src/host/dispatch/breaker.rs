//! The breaker between calls and a server whose transport fails: what is not sent, and when one probe is.
//!
//! Pure. `mcp::policy::breaker` decides; this feeds it, and says to the model what it has instead.

use crate::host::book::Purpose;
use crate::host::call::CallEnd;
use crate::host::effect::Effect;
use crate::host::server::Server;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Generation, Moment, ServerName};
use crate::mcp::result::CallOutcome;
use crate::text::human;

impl Host {
    /// Ends a call whose server gets no request now.
    pub(super) fn held_back(&mut self, id: CallId, now: Moment) -> Option<Vec<Effect>> {
        let why = self.open_circuit(id, now)?;
        self.step(id, now, Step::HeldBack { why: why.clone() });
        Some(self.finish(id, CallEnd::Unavailable { why }, now))
    }

    /// Why the server of a call gets no request now, and what else there is: for the model and the person.
    pub(super) fn open_circuit(&self, id: CallId, now: Moment) -> Option<String> {
        let server = self.server(self.call(id)?.server.as_ref()?)?;
        let wait = server.breaker.holds_for(now)?;
        let next = match wait.as_secs_f64().ceil() {
            seconds if seconds < 1.0 => "a try is under way".to_owned(),
            seconds => format!("next try in {seconds} s"),
        };
        let others = self.other_servers(server, now);
        Some(format!(
            "the transport of server `{}` failed too often: circuit open, {next}; do not retry, {others}",
            server.name
        ))
    }

    /// What is there beside this server.
    fn other_servers(&self, but: &Server, now: Moment) -> String {
        let is_usable = |server: &&Server| {
            server.name != but.name
                && server.status.is_ready()
                && server.breaker.holds_for(now).is_none()
                && !server.tools.is_empty()
        };
        let names = self.servers.iter().filter(is_usable);
        let names: Vec<String> = names.map(|server| format!("`{}`", server.name)).collect();
        match names.as_slice() {
            [] => "answer with what you have: no other server is there".to_owned(),
            names => format!("use the tools of {} or answer", names.join(", ")),
        }
    }

    /// What this call came to, and the call knows when it was the one that opened the breaker.
    pub(in crate::host) fn weigh_call(
        &mut self,
        id: CallId,
        (name, from): (&ServerName, Generation),
        end: &CallEnd,
        now: Moment,
    ) -> Vec<Effect> {
        let opened = self.weigh(name, from, end, now);
        if !opened.is_empty() {
            self.step(id, now, Step::BreakerOpened);
        }
        opened
    }

    /// What a call came to says something of the way to its server. A word of an earlier connection does not.
    pub(in crate::host) fn weigh(
        &mut self,
        name: &ServerName,
        from: Generation,
        end: &CallEnd,
        now: Moment,
    ) -> Vec<Effect> {
        let CallEnd::Outcome { outcome } = end else {
            return Vec::new();
        };
        let Some(server) = self
            .server_mut(name)
            .filter(|server| server.generation == from)
        else {
            return Vec::new();
        };
        let opened = match outcome {
            CallOutcome::Answered { .. } | CallOutcome::Refused { .. } => {
                server.breaker.answered();
                None
            }
            CallOutcome::Lost { .. }
            | CallOutcome::NotSent { .. }
            | CallOutcome::TimedOut { .. }
            | CallOutcome::Unreadable { .. } => server.breaker.failed(now),
            CallOutcome::Cancelled => None,
        };
        let Some(wait) = opened else {
            return Vec::new();
        };
        let words = human::duration(wait);
        let text = format!(
            "its transport failed too often: circuit open, nothing is sent for {words}, then one probe"
        );
        self.log_ours(name, text, now);
        self.probe_circuit_after(name, wait)
    }

    fn probe_circuit_after(
        &mut self,
        name: &ServerName,
        after: std::time::Duration,
    ) -> Vec<Effect> {
        let timer = self.book.numbers.timer();
        let purpose = Purpose::Breaker(name.clone());
        self.book.timers.insert(timer, purpose);
        vec![Effect::SetTimer { timer, after }]
    }

    /// The time without a request is over: one probe. A server that is not connected is dialled by its lifecycle, and a good
    /// dial closes the breaker.
    pub(in crate::host) fn probe_circuit(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let Some(server) = self.server_mut(name) else {
            return Vec::new();
        };
        if !server.status.is_ready() || !server.breaker.probe(now) {
            return Vec::new();
        }
        let generation = server.generation;
        if server.probing.is_some() {
            // The one that is under way will do.
            return Vec::new();
        }
        self.book.breaker_probes.insert(name.clone());
        self.probe(name, generation, now)
    }

    /// A probe has come to its end. Gives what follows where it was sent for the breaker alone, for such a one is followed by
    /// no other.
    pub(in crate::host) fn circuit_probed(
        &mut self,
        name: &ServerName,
        is_good: bool,
        now: Moment,
    ) -> Option<Vec<Effect>> {
        let is_ours = self.book.breaker_probes.remove(name);
        let server = self.server_mut(name)?;
        if is_ours {
            server.probing = None;
        }
        if is_good {
            server.breaker.probe_answered();
            return is_ours.then(Vec::new);
        }
        let opened = server.breaker.probe_failed(now);
        let effects = opened.map_or_else(Vec::new, |wait| self.probe_circuit_after(name, wait));
        match is_ours {
            true => Some(effects),
            // The probes go on as they were planned; the timer of the breaker is set beside them.
            false if !effects.is_empty() => {
                let mut effects = effects;
                effects.extend(self.probed_in_vain(name, now));
                Some(effects)
            }
            false => None,
        }
    }
}
