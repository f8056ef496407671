//! Samples taken in and servers judged, after whatever has happened.
//!
//! Pure. What a call takes is the server's time alone: not the wait for its turn, not the time in which a person was asked
//! for it (`held`).

use std::collections::BTreeSet;

use crate::agent::window;
use crate::host::call::{CallEnd, CallState};
use crate::host::effect::Effect;
use crate::host::outcome;
use crate::host::server::{ProcessUse, Server};
use crate::host::state::Host;
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::health::Finish;
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;
use crate::mcp::tool::Tool;
use crate::mcp::verdict::{self, Cause, Facts};
use crate::mcp::wire::lines::head;

/// Bytes of an error that a server's health keeps.
const ERROR: usize = 2 * 1024;

impl Host {
    /// What follows from every event: the clocks of calls whose servers wait for a person, and the verdicts.
    pub(in crate::host) fn look_after(&mut self, now: Moment) {
        self.hold_calls(now);
        let running = self.calls.iter().filter_map(|call| match call.state {
            CallState::Running { .. } => call.server.clone(),
            CallState::Asking { .. } | CallState::Queued { .. } | CallState::Done { .. } => None,
        });
        let busy: BTreeSet<ServerName> = running.collect();
        for server in &mut self.servers {
            let is_busy = busy.contains(&server.name);
            server.judge(is_busy, now);
        }
    }

    /// Takes in a call that was sent and is over.
    pub(in crate::host) fn sample(
        &mut self,
        id: CallId,
        end: &CallEnd,
        now: Moment,
    ) -> Vec<Effect> {
        let waited = self.waited(id, now);
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let (Some(name), Some(finish)) = (call.server.clone(), finish(end)) else {
            return Vec::new();
        };
        let took = call.elapsed(now).saturating_sub(waited);
        // Resources and prompts are each of a sort; their URIs say nothing of how long they take.
        let tool = match call.method {
            Method::Tool => call.tool.clone(),
            Method::Resource | Method::Prompt => call.approval_key().into_owned(),
        };
        let error = end
            .is_error()
            .then(|| head(&outcome::words(end), ERROR).to_owned());
        if let Some(server) = self.server_mut(&name) {
            server.health.call(&tool, took, finish, error, now);
        }
        self.active(&name)
    }

    pub(super) fn vitals(
        &mut self,
        name: &ServerName,
        processes: Option<ProcessUse>,
        stderr_lines: u64,
        now: Moment,
    ) {
        if let Some(server) = self.server_mut(name) {
            let news = stderr_lines.saturating_sub(server.stderr_lines);
            server.health.stderr(news, now);
            (server.processes, server.stderr_lines) = (processes, stderr_lines);
        }
    }
}

impl Server {
    /// Judges it by what is known now. The host does so after every event.
    pub fn judge(&mut self, busy: bool, now: Moment) {
        let facts = Facts {
            status: &self.status,
            health: &self.health,
            breaker: self.breaker.state(),
            busy,
            before: &self.verdict,
        };
        self.verdict = verdict::judge(facts, now);
        let is_slow = self.verdict.cause == Cause::Slow;
        self.health.judged(is_slow, now);
    }

    /// Estimates what its tools cost in each request.
    pub(super) fn weigh(&mut self) {
        self.tool_tokens = self.tools.iter().map(weight).sum();
    }

    /// What belongs to a connection goes with it.
    pub(super) fn disconnected(&mut self) {
        (self.processes, self.stderr_lines) = (None, 0);
    }
}

fn weight(tool: &Tool) -> u64 {
    let description = tool.description.as_deref().unwrap_or_default();
    let schema = tool.input_schema.to_string();
    [tool.name.as_str(), description, &schema]
        .map(window::tokens)
        .iter()
        .sum()
}

/// What an end says of the server; absent where it says nothing.
fn finish(end: &CallEnd) -> Option<Finish> {
    let CallEnd::Outcome { outcome } = end else {
        return None;
    };
    match outcome {
        CallOutcome::Answered { result } if result.is_error => Some(Finish::Error),
        CallOutcome::Answered { .. } => Some(Finish::Good),
        CallOutcome::Refused { .. } => Some(Finish::Error),
        CallOutcome::TimedOut { .. }
        | CallOutcome::Lost { .. }
        | CallOutcome::Unreadable { .. } => Some(Finish::Lost),
        CallOutcome::Cancelled | CallOutcome::NotSent { .. } => None,
    }
}
