//! Calls that are sent again after their connection was lost: only those of which the person's configuration, or a bundled server,
//! says that twice is once.
//!
//! Pure. A server's own annotations are hints and make nothing repeatable. What cannot be sent again ends with what is known.

use crate::host::book::Resend;
use crate::host::call::{CallEnd, CallState, ToolCall};
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::{CallId, Moment};
use crate::mcp::policy::retry;
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Status;

/// How often one call is sent again.
const MOST: u32 = 2;

impl Host {
    /// Whether a call may be sent twice without harm, by the word of somebody who is believed.
    pub fn is_repeatable(&self, call: &ToolCall) -> bool {
        let server = call.server.as_ref().and_then(|name| self.server(name));
        let Some((server, spec)) = server.and_then(|of| Some((of, of.spec.as_ref()?))) else {
            return false;
        };
        match call.method {
            Method::Tool => {
                let is_named = spec.policy.repeatable.contains(&call.tool);
                let tool = server.tool(&call.tool).map(|tool| &tool.annotations);
                let is_safe = tool
                    .is_some_and(|of| of.read_only == Some(true) || of.idempotent == Some(true));
                is_named || server.is_bundled() && is_safe
            }
            Method::Resource | Method::Prompt => server.is_bundled(),
        }
    }

    /// Puts a call whose connection was lost back into the line, where it may be sent again and its server may come back.
    pub(in crate::host) fn send_again(
        &mut self,
        id: CallId,
        end: &CallEnd,
        now: Moment,
    ) -> Option<Vec<Effect>> {
        let CallEnd::Outcome {
            outcome: outcome @ (CallOutcome::Lost { .. } | CallOutcome::NotSent { .. }),
        } = end
        else {
            return None;
        };
        let call = self.call(id)?;
        let CallState::Running { generation, .. } = call.state else {
            return None;
        };
        let times = self.book.resends.get(&id).map_or(0, |again| again.times);
        let server = self.server(call.server.as_ref()?)?;
        let may_come = matches!(
            server.status,
            Status::Ready { .. } | Status::Starting { .. } | Status::Waiting { .. }
        );
        // A task goes on without its connection and is followed, never begun anew.
        if times >= MOST || !may_come || call.task.is_some() || !self.is_repeatable(call) {
            return None;
        }
        let (name, timeout) = (server.name.clone(), server.tool_timeout());
        let effects = self.weigh_call(id, (&name, generation), end, now);
        let wait = retry::wait(times + 1, self.book.dice.roll());
        let known = self.book.resends.get(&id).map(|again| again.until);
        let again = Resend {
            times: times + 1,
            not_before: now.plus(wait),
            until: known.unwrap_or(now.plus(timeout)),
            outcome: outcome.clone(),
        };
        self.book.resends.insert(id, again);
        let why = words(outcome);
        self.step(id, now, Step::Again { why, wait });
        self.book.under_way.remove(&id);
        self.book.lines.entry(name).or_default().push_front(id);
        if let Some(call) = self.call_mut(id) {
            (call.resent, call.progress) = (times + 1, None);
            let place = 1;
            call.state = CallState::Queued { since: now, place };
        }
        Some(effects)
    }

    /// What a call comes to that was sent once and waits to be sent again, where it is given up.
    pub(in crate::host) fn end_of_resend(&mut self, id: CallId) -> Option<CallEnd> {
        let Resend { outcome, times, .. } = self.book.resends.remove(&id)?;
        let more = |why: String| match times {
            0 | 1 => format!("{why}; the server did not come back in time to send it again"),
            times => format!("{why}; it was sent {times} times"),
        };
        let outcome = match outcome {
            // One of the times it may have reached the server.
            CallOutcome::Lost { why } | CallOutcome::NotSent { why } => {
                CallOutcome::Lost { why: more(why) }
            }
            other => other,
        };
        Some(CallEnd::Outcome { outcome })
    }
}

/// Why nothing came of it.
fn words(outcome: &CallOutcome) -> String {
    match outcome {
        CallOutcome::Lost { why } | CallOutcome::NotSent { why } => why.clone(),
        _ => String::new(),
    }
}
