//! The gate between a call that may run and its server: what the cache answers, what the breaker holds back, what waits for
//! its turn, and what is sent.
//!
//! Pure. In this order: the wait for a server that starts, cache, breaker, limits, the wire.

mod again;
mod breaker;
mod cache;
mod hold;
mod limits;

pub(in crate::host) use cache::Kept;

use crate::host::call::{CallEnd, CallState};
use crate::host::effect::Effect;
use crate::host::servers::absence;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Moment};

impl Host {
    /// Sends a call that may run to its server, or ends it, or lets it wait for its turn.
    pub(in crate::host) fn dispatch(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        if let Some(effects) = self.wait_for_server(id, now) {
            return effects;
        }
        if let Some(effects) = self.is_away(id, now) {
            return effects;
        }
        if let Some(effects) = self.ask_cache(id, now) {
            return effects;
        }
        if let Some(effects) = self.held_back(id, now) {
            return effects;
        }
        if self.waits_for_its_turn(id, now) {
            return Vec::new();
        }
        self.send(id, now)
    }

    /// Ends a call whose server is not there.
    fn is_away(&mut self, id: CallId, now: Moment) -> Option<Vec<Effect>> {
        let call = self.call(id)?;
        let found = call.server.as_ref().and_then(|name| self.server(name));
        let why = match found {
            Some(server) if server.status.is_ready() => return None,
            Some(server) => absence(server),
            None => "its server is gone".to_owned(),
        };
        Some(self.finish(id, CallEnd::Unavailable { why }, now))
    }

    /// Puts a call on the wire.
    fn send(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let Some(server) = call.server.as_ref().and_then(|name| self.server(name)) else {
            return Vec::new();
        };
        let generation = server.generation;
        let max_total = server.call_limit();
        let effect = Effect::Call {
            call: id,
            server: server.name.clone(),
            generation,
            method: call.method,
            tool: call.tool.clone(),
            arguments: call.arguments.clone(),
            timeout: server.tool_timeout().min(max_total),
            max_total,
        };
        let (name, most) = (server.name.clone(), server.most_calls());
        let limiter = self.book.limiters.entry(name).or_default();
        limiter.begins(most, now);
        self.book.under_way.insert(id);
        let again = self.call(id).map_or(0, |call| call.resent);
        self.step(id, now, Step::Sent { generation, again });
        if let Some(call) = self.call_mut(id) {
            call.request_id = None;
            call.state = CallState::Running {
                since: now,
                generation,
            };
        }
        vec![effect]
    }
}
