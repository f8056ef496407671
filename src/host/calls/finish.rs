//! The end of a call: the sample for the server's health, the file of a result that is too long, and the turn that goes on.
//!
//! Pure.

use crate::agent::transcript::Level;
use crate::agent::window;
use crate::host::arguments;
use crate::host::call::{CallEnd, CallState, Origin, ToolCall};
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::outcome;
use crate::host::state::Host;
use crate::ids::{CallId, Generation, Moment, ServerName};
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;

/// Lost calls of one connection that are named.
const LOSING: usize = 8;

impl Host {
    /// Ends a call, takes the sample, saves what is too long for the model, and lets the turn go on.
    pub(in crate::host) fn finish(&mut self, id: CallId, end: CallEnd, now: Moment) -> Vec<Effect> {
        if let Some(effects) = self.send_again(id, &end, now) {
            return effects;
        }
        let Some(call) = self.call_mut(id) else {
            return Vec::new();
        };
        let sent_on = match call.state {
            CallState::Running { generation, .. } => Some(generation),
            CallState::Asking { .. } | CallState::Queued { .. } | CallState::Done { .. } => None,
        };
        // What the cache answered says nothing of the server.
        let sent_on = sent_on.filter(|_| call.cached.is_none());
        let took = call.elapsed(now);
        let mut effects = match sent_on {
            Some(generation) => self.told_of_server(id, generation, &end, now),
            None => Vec::new(),
        };
        if let Some(call) = self.call_mut(id) {
            let end = end.clone();
            call.state = CallState::Done { at: now, took, end };
        }
        self.book.resends.remove(&id);
        self.check_output(id);
        self.say_unknown(id);
        self.let_go_of_results(id);
        effects.extend(self.asks_of_calls_over(|call| call == id));
        self.previews.remove(&id);
        effects.extend(self.save_if_long(id));
        effects.extend(self.settle_cache(id, &end, now));
        let resolved = self.turn_step(now, |turn, desk| turn.resolved(id, desk));
        effects.extend(resolved);
        if self.book.attached.contains(&id) {
            effects.extend(self.attach(now));
        }
        if self.book.to_send.remove(&id) {
            effects.extend(self.prompt_arrived(id, now));
        }
        effects
    }

    /// What the end of a call says of the server that it was sent to.
    fn told_of_server(
        &mut self,
        id: CallId,
        from: Generation,
        end: &CallEnd,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let (Some(name), tool) = (call.server.clone(), call.tool.clone()) else {
            return Vec::new();
        };
        let mut effects = self.sample(id, end, now);
        effects.extend(self.weigh_call(id, (&name, from), end, now));
        self.note_lost(&name, from, end, tool);
        effects
    }

    /// A call was lost with its connection, whose end is told next: it may be what the server ended by.
    fn note_lost(&mut self, name: &ServerName, from: Generation, end: &CallEnd, tool: String) {
        let is_lost = matches!(
            end,
            CallEnd::Outcome {
                outcome: CallOutcome::Lost { .. }
            }
        );
        let server = self.server_mut(name);
        let server = server.filter(|it| it.generation == from && it.losing.len() < LOSING);
        if let (true, Some(server)) = (is_lost, server) {
            server.losing.push(tool);
        }
    }

    /// Holds a tool to what it promised of its answer. What does not fit is kept and shown all the same.
    fn check_output(&mut self, id: CallId) {
        let Some(call) = self.call(id).filter(|call| call.method == Method::Tool) else {
            return;
        };
        let (Some(result), Some(name)) = (call.result().filter(|r| !r.is_error), &call.server)
        else {
            return;
        };
        let tool = self.server(name).and_then(|server| server.tool(&call.tool));
        let Some(schema) = tool.and_then(|tool| tool.output_schema.as_ref()) else {
            return;
        };
        let why = match &result.structured {
            Some(value) => arguments::check_output(value, schema).err(),
            None => Some("there is none".to_owned()),
        };
        let Some(why) = why else {
            return;
        };
        let key = (name.clone(), call.tool.clone());
        let title = call.title();
        if self.book.mismatched.insert(key) {
            let text = format!(
                "The structured answer of {title} does not fit the schema that the tool gives for it: {why}"
            );
            self.transcript.note(Level::Warning, text, None);
        }
        if let Some(call) = self.call_mut(id) {
            call.mismatch = Some(why);
        }
    }

    /// A connection has ended: what it still owed will never come. It reports every call that it took; one that it has not
    /// reported reached it after its end.
    pub(in crate::host) fn lose_calls(
        &mut self,
        server: &ServerName,
        from: Generation,
        why: &str,
        now: Moment,
    ) -> Vec<Effect> {
        let is_lost = |call: &&ToolCall| {
            call.server.as_ref() == Some(server)
                && matches!(&call.state, CallState::Running { generation, .. } if *generation == from)
        };
        let lost: Vec<_> = self
            .calls
            .iter()
            .filter(is_lost)
            .map(|call| (call.id, call.request_id.is_some(), call.task.is_some()))
            .collect();
        let finish = |(id, was_sent, has_task): (CallId, bool, bool)| {
            let why = format!("the connection to server `{server}` ended: {why}");
            if has_task {
                return self.set_adrift(id, why, now);
            }
            let outcome = if was_sent {
                CallOutcome::Lost { why }
            } else {
                CallOutcome::NotSent { why }
            };
            self.finish(id, CallEnd::Outcome { outcome }, now)
        };
        lost.into_iter().flat_map(finish).collect()
    }

    fn save_if_long(&mut self, id: CallId) -> Vec<Effect> {
        let limit = self.settings.limits.result_tokens;
        let call = self.call(id);
        let Some(call) = call.filter(|call| matches!(call.origin, Origin::Model { .. })) else {
            return Vec::new();
        };
        let text = outcome::words_of(call);
        if !window::is_too_long(&text, limit) {
            return Vec::new();
        }
        let text = text.into_owned();
        let path = self.settings.results_dir.join(format!("call-{id}.txt"));
        if let Some(call) = self.call_mut(id) {
            call.saved_to = Some(path.clone());
        }
        vec![Effect::Keep(Keep::Result {
            call: id,
            path,
            text,
        })]
    }

    /// The file of a result could not be written: the model is no longer sent there.
    pub(in crate::host) fn save_failed(&mut self, call: Option<CallId>, why: String) {
        if let Some(call) = call.and_then(|id| self.call_mut(id)) {
            call.saved_to = None;
        }
        self.transcript.note(Level::Warning, why, None);
    }
}
