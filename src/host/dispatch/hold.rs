//! Calls to a server that still starts: its tools are known from the last time, so the call waits for it instead of failing.
//!
//! Pure. The wait ends with the start, which has a timeout of its own. A call whose tool turns out to be another than the one
//! that was approved is not sent.

use crate::host::call::{CallEnd, CallState};
use crate::host::effect::Effect;
use crate::host::servers::absence;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::request::Method;
use crate::mcp::status::Status;
use crate::mcp::tool::Tool;

impl Host {
    /// Lets a call wait for its server; absent: the server is there, or does not come.
    pub(super) fn wait_for_server(&mut self, id: CallId, now: Moment) -> Option<Vec<Effect>> {
        let call = self.call(id)?;
        let server = call.server.as_ref().and_then(|name| self.server(name))?;
        if !server.is_expected() {
            return None;
        }
        let tool = server.tool(&call.tool).cloned();
        self.book.expecting.insert(id, tool);
        self.step(id, now, Step::WaitsForServer);
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Queued {
                since: now,
                place: 0,
            };
        }
        Some(Vec::new())
    }

    /// A server has come up, or will not: what waited for it goes on.
    pub(in crate::host) fn release_held(&mut self, name: &ServerName, now: Moment) -> Vec<Effect> {
        let still_starts = |status: &Status| matches!(status, Status::Starting { .. });
        let server = self.server(name);
        if server.is_some_and(|server| still_starts(&server.status)) {
            return Vec::new();
        }
        let is_its = |id: &CallId| {
            let call = self.call(*id);
            call.is_some_and(|call| call.server.as_ref() == Some(name))
        };
        let held: Vec<CallId> = self.book.expecting.keys().copied().filter(is_its).collect();
        let mut effects = Vec::new();
        for id in held {
            let before = self.book.expecting.remove(&id).flatten();
            if self.call(id).is_none_or(|call| call.end().is_some()) {
                continue;
            }
            effects.extend(match self.why_not(id, name, before.as_ref()) {
                Some(end) => self.finish(id, end, now),
                None => self.dispatch(id, now),
            });
        }
        effects
    }

    fn why_not(&self, id: CallId, name: &ServerName, before: Option<&Tool>) -> Option<CallEnd> {
        let server = self.server(name)?;
        if !server.status.is_ready() {
            let why = absence(server);
            return Some(CallEnd::Unavailable { why });
        }
        let call = self.call(id).filter(|call| call.method == Method::Tool)?;
        let complaint = match server.tool(&call.tool) {
            None => format!("there is no tool `{}` any more", call.title()),
            Some(tool) if Some(tool) != before => format!(
                "the definition of `{}` is another than the one from the last time, by which this call was made; make it again",
                call.title()
            ),
            Some(_) => return None,
        };
        Some(CallEnd::Invalid { complaint })
    }
}
