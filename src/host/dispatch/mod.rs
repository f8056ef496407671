//! The gate between a call that may run and its server: what the cache answers, what the breaker holds back, what waits for
//! its turn, and what is sent.
//!
//! Pure. In this order: the wait for a server that starts, cache, breaker, limits, the wire.

mod cache;
mod hold;

pub(in crate::host) use cache::Kept;

use crate::host::call::{CallEnd, CallState};
use crate::host::effect::Effect;
use crate::host::servers::absence;
use crate::host::state::Host;
use crate::ids::{CallId, Moment};

/// A call with progress may run this many times its timeout.
pub(in crate::host) const PROGRESS_FACTOR: u32 = 10;

impl Host {
    /// Sends a call that may run to its server.
    pub(in crate::host) fn dispatch(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        if let Some(effects) = self.wait_for_server(id, now) {
            return effects;
        }
        let is_there = self
            .call(id)
            .and_then(|call| self.server(call.server.as_ref()?));
        if is_there.is_some_and(|server| server.status.is_ready())
            && let Some(effects) = self.ask_cache(id, now)
        {
            return effects;
        }
        self.send(id, now)
    }

    fn send(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let found = call.server.as_ref().and_then(|name| self.server(name));
        let Some(server) = found.filter(|server| server.status.is_ready()) else {
            let why = found.map_or_else(|| "its server is gone".to_owned(), absence);
            return self.finish(id, CallEnd::Unavailable { why }, now);
        };
        let timeout = server.tool_timeout();
        let generation = server.generation;
        let effect = Effect::Call {
            call: id,
            server: server.name.clone(),
            generation,
            method: call.method,
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
            timeout,
            max_total: timeout.saturating_mul(PROGRESS_FACTOR),
        };
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Running {
                since: now,
                generation,
            };
        }
        vec![effect]
    }
}
