//! The machine of tool calls: made, checked, asked for, sent, resolved.
//!
//! Pure. Every call ends exactly once; what comes after its end is ignored.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::model::ModelCall;
use crate::agent::transcript::{Entry, Level};
use crate::agent::window;
use crate::config::AllowRule;
use crate::host::approval::Decision;
use crate::host::arguments;
use crate::host::call::{CallEnd, CallState, Origin, ToolCall};
use crate::host::effect::Effect;
use crate::host::outcome;
use crate::host::question::{Answer, Question};
use crate::host::state::Host;
use crate::ids::{CallId, Moment, QuestionId, ServerName, TurnId};
use crate::mcp::event::CallEvent;
use crate::mcp::result::CallOutcome;
use crate::text::nearest;

/// A call with progress may run this many times its timeout.
const PROGRESS_FACTOR: u32 = 10;

impl Host {
    /// Makes the calls of a step. Gives the numbers of all, of those without an end yet, and what is to be done.
    pub(super) fn propose(
        &mut self,
        turn: TurnId,
        written: Vec<ModelCall>,
        now: Moment,
    ) -> (Vec<CallId>, BTreeSet<CallId>, Vec<Effect>) {
        let mut effects = Vec::new();
        let mut all = Vec::new();
        for call in written {
            let id = self.make_model_call(turn, call, now);
            effects.extend(self.admit(id, now));
            all.push(id);
        }
        let open = all
            .iter()
            .copied()
            .filter(|id| self.call(*id).is_some_and(|call| call.end().is_none()));
        let open = open.collect();
        (all, open, effects)
    }

    fn make_model_call(&mut self, turn: TurnId, call: ModelCall, now: Moment) -> CallId {
        let found = self.book.catalog.find(&call.name);
        let (server, tool) = match found {
            Some(entry) => (Some(entry.server.clone()), entry.tool.clone()),
            None => (None, call.name.clone()),
        };
        let arguments = call.arguments.clone();
        self.push_call(Origin::Model { turn, call }, server, tool, arguments, now)
    }

    fn push_call(
        &mut self,
        origin: Origin,
        server: Option<ServerName>,
        tool: String,
        arguments: String,
        now: Moment,
    ) -> CallId {
        let id = CallId(self.calls.len() as u64 + 1);
        let state = CallState::Done {
            at: now,
            took: Duration::ZERO,
            end: CallEnd::Interrupted,
        };
        self.calls.push(ToolCall {
            id,
            origin,
            server,
            tool,
            arguments,
            state,
            progress: None,
            created: now,
            request_id: None,
            saved_to: None,
        });
        id
    }

    /// Checks a new call by the model and sends it, asks for it, or ends it.
    fn admit(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        if let Err(end) = self.prepare(id) {
            return self.finish(id, end, now);
        }
        if let Some(times) = self.count_repeat(id) {
            self.book.hushed = true;
            return self.finish(id, CallEnd::Repeated { times }, now);
        }
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let Some(server) = call.server.as_ref().and_then(|name| self.server(name)) else {
            return Vec::new();
        };
        match self.decide(server, &call.tool) {
            Decision::Allow => self.send(id, now),
            Decision::Refuse(why) => self.finish(id, CallEnd::Denied { reason: Some(why) }, now),
            Decision::Ask(why) => {
                self.ask(id, why, now);
                Vec::new()
            }
        }
    }

    /// Finds the tool, checks the arguments against its schema, and writes them as the line that will be sent.
    fn prepare(&mut self, id: CallId) -> Result<(), CallEnd> {
        let invalid = |complaint| CallEnd::Invalid { complaint };
        let Some(call) = self.call(id) else {
            return Err(CallEnd::Interrupted);
        };
        let Some(server) = call.server.as_ref().and_then(|name| self.server(name)) else {
            return Err(invalid(self.no_such_tool(call)));
        };
        if !server.status.is_ready() {
            return Err(CallEnd::Unavailable {
                why: super::servers::absence(server),
            });
        }
        let Some(tool) = server.tool(&call.tool) else {
            return Err(invalid(self.no_such_tool(call)));
        };
        let line = arguments::canonical(&call.arguments).map_err(invalid)?;
        arguments::check(&line, &tool.input_schema).map_err(invalid)?;
        if let Some(call) = self.call_mut(id) {
            call.arguments = line;
        }
        Ok(())
    }

    fn no_such_tool(&self, call: &ToolCall) -> String {
        let names = self.book.catalog.entries().iter();
        let near = match &call.server {
            Some(server) => {
                let own = names
                    .filter(|entry| &entry.server == server)
                    .map(|entry| entry.tool.as_str());
                nearest(&call.tool, own)
            }
            None => nearest(&call.tool, names.map(|entry| entry.name.as_str())),
        };
        let hint = near
            .map(|name| format!("; did you mean `{name}`?"))
            .unwrap_or_default();
        format!("there is no tool `{}`{hint}", call.title())
    }

    /// The loop guard: gives the count when this call has now been made too often in a row.
    fn count_repeat(&mut self, id: CallId) -> Option<u32> {
        let call = self.call(id)?;
        let key = (
            call.server.clone(),
            call.tool.clone(),
            call.arguments.clone(),
        );
        let times = match self.book.repeated.take() {
            Some((last, times)) if last == key => times + 1,
            _ => 1,
        };
        self.book.repeated = Some((key, times));
        (self.book.hushed || times >= self.settings.limits.same_call).then_some(times)
    }

    fn ask(&mut self, id: CallId, why: String, now: Moment) {
        self.book.question = self.book.question.next();
        let question = self.book.question;
        if let Some(call) = self.call_mut(id) {
            call.state = CallState::Asking { question };
        }
        self.questions.push_back(Question {
            id: question,
            call: id,
            why,
            since: now,
        });
    }

    /// Sends a call to its server.
    fn send(&mut self, id: CallId, now: Moment) -> Vec<Effect> {
        let Some(call) = self.call(id) else {
            return Vec::new();
        };
        let found = call.server.as_ref().and_then(|name| self.server(name));
        let Some(server) = found.filter(|server| server.status.is_ready()) else {
            let why =
                found.map_or_else(|| "its server is gone".to_owned(), super::servers::absence);
            return self.finish(id, CallEnd::Unavailable { why }, now);
        };
        let timeout = server
            .spec
            .as_ref()
            .map_or(Duration::from_secs(120), |spec| spec.tool_timeout);
        let generation = server.generation;
        let effect = Effect::Call {
            call: id,
            server: server.name.clone(),
            generation,
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

    /// A call by the person: checked and sent without a question. Always makes a call, so that there is something to see.
    pub(super) fn call_by_hand(
        &mut self,
        server: &ServerName,
        tool: &str,
        written: &str,
        now: Moment,
    ) -> Vec<Effect> {
        let id = self.push_call(
            Origin::Hand,
            Some(server.clone()),
            tool.to_owned(),
            written.to_owned(),
            now,
        );
        self.transcript.push(Entry::Hand { call: id });
        match self.prepare(id) {
            Ok(()) => self.send(id, now),
            Err(end) => self.finish(id, end, now),
        }
    }

    /// The person has answered. The same answer settles the other questions that it covers.
    pub(super) fn answer(
        &mut self,
        question: QuestionId,
        answer: Answer,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(place) = self.questions.iter().position(|asked| asked.id == question) else {
            return Vec::new();
        };
        let Some(asked) = self.questions.remove(place) else {
            return Vec::new();
        };
        match answer {
            Answer::No { reason } => self.finish(asked.call, CallEnd::Denied { reason }, now),
            Answer::Once => self.send(asked.call, now),
            Answer::Session => {
                self.allow_for_session(asked.call);
                let mut effects = self.send(asked.call, now);
                effects.extend(self.send_allowed(now));
                effects
            }
            Answer::Always => {
                let rule = self.allow_for_session(asked.call);
                let mut effects: Vec<_> = rule.into_iter().map(Effect::SaveRule).collect();
                effects.extend(self.send(asked.call, now));
                effects.extend(self.send_allowed(now));
                effects
            }
        }
    }

    fn allow_for_session(&mut self, id: CallId) -> Option<AllowRule> {
        let call = self.call(id)?;
        let (server, tool) = (call.server.clone()?, call.tool.clone());
        let launch = self.server(&server)?.spec.as_ref()?.launch.identity();
        self.book.session.insert((server.clone(), tool.clone()));
        Some(AllowRule {
            server,
            tool,
            launch,
        })
    }

    fn send_allowed(&mut self, now: Moment) -> Vec<Effect> {
        let allowed = |question: &&Question| {
            let call = self.call(question.call)?;
            let key = (call.server.clone()?, call.tool.clone());
            self.book.session.contains(&key).then_some(())
        };
        let ids: Vec<_> = self
            .questions
            .iter()
            .filter(|asked| allowed(asked).is_some())
            .map(|asked| asked.call)
            .collect();
        self.questions.retain(|asked| !ids.contains(&asked.call));
        ids.into_iter().flat_map(|id| self.send(id, now)).collect()
    }

    /// A connection says something about a call. What concerns another connection, or a call that has ended, is stale.
    pub(super) fn call_event(
        &mut self,
        id: CallId,
        from: crate::ids::Generation,
        event: CallEvent,
        now: Moment,
    ) -> Vec<Effect> {
        let Some(call) = self.call_mut(id) else {
            return Vec::new();
        };
        match &call.state {
            CallState::Running { generation, .. } if *generation == from => {}
            CallState::Running { .. } | CallState::Asking { .. } | CallState::Done { .. } => {
                return Vec::new();
            }
        }
        match event {
            CallEvent::Sent { request_id } => call.request_id = Some(request_id),
            CallEvent::Progress(progress) => call.progress = Some(progress),
            CallEvent::Finished(outcome) => {
                return self.finish(id, CallEnd::Outcome { outcome }, now);
            }
        }
        Vec::new()
    }

    /// Ends a call, takes the sample, saves what is too long for the model, and lets the turn go on.
    pub(super) fn finish(&mut self, id: CallId, end: CallEnd, now: Moment) -> Vec<Effect> {
        let Some(call) = self.call_mut(id) else {
            return Vec::new();
        };
        let was_sent = matches!(call.state, CallState::Running { .. });
        let took = call.elapsed(now);
        call.state = CallState::Done {
            at: now,
            took,
            end: end.clone(),
        };
        if let (true, Some(name)) = (was_sent, call.server.clone()) {
            self.sample(&name, took, &end);
        }
        let mut effects = self.save_if_long(id, &end);
        let resolved = self.turn_step(now, |turn, desk| turn.resolved(id, desk));
        effects.extend(resolved);
        effects
    }

    fn sample(&mut self, name: &ServerName, took: Duration, end: &CallEnd) {
        let cancelled = matches!(
            end,
            CallEnd::Outcome {
                outcome: CallOutcome::Cancelled
            }
        );
        let error = end.is_error().then(|| outcome::words(end));
        if let Some(server) = self.server_mut(name)
            && !cancelled
        {
            server.health.call(took, error);
        }
    }

    fn save_if_long(&mut self, id: CallId, end: &CallEnd) -> Vec<Effect> {
        let limit = self.settings.limits.result_tokens;
        let from_model = self
            .call(id)
            .is_some_and(|call| matches!(call.origin, Origin::Model { .. }));
        let text = outcome::words(end);
        if !from_model || !window::is_too_long(&text, limit) {
            return Vec::new();
        }
        let path = self.settings.results_dir.join(format!("call-{id}.txt"));
        if let Some(call) = self.call_mut(id) {
            call.saved_to = Some(path.clone());
        }
        vec![Effect::SaveResult {
            call: id,
            path,
            text,
        }]
    }

    /// The file of a result could not be written: the model is no longer sent there.
    pub(super) fn save_failed(&mut self, call: Option<CallId>, why: String) {
        if let Some(call) = call.and_then(|id| self.call_mut(id)) {
            call.saved_to = None;
        }
        self.transcript.note(Level::Warning, why, None);
    }

    /// Ends every call that has not ended: asked ones are dropped, running ones cancelled.
    pub(super) fn cancel_calls(&mut self, now: Moment) -> Vec<Effect> {
        self.questions.clear();
        let mut effects = Vec::new();
        for call in &mut self.calls {
            match (&call.state, &call.server) {
                (CallState::Asking { .. }, _) => {
                    call.state = CallState::Done {
                        at: now,
                        took: Duration::ZERO,
                        end: CallEnd::Interrupted,
                    };
                }
                (CallState::Running { since, generation }, Some(server)) => {
                    let (took, generation) = (now.since(*since), *generation);
                    effects.push(Effect::CancelCall {
                        call: call.id,
                        server: server.clone(),
                        generation,
                    });
                    let end = CallEnd::Outcome {
                        outcome: CallOutcome::Cancelled,
                    };
                    call.state = CallState::Done { at: now, took, end };
                }
                (CallState::Running { .. }, None) | (CallState::Done { .. }, _) => {}
            }
        }
        effects
    }

    pub(super) fn call_mut(&mut self, id: CallId) -> Option<&mut ToolCall> {
        self.calls
            .get_mut(usize::try_from(id.0.checked_sub(1)?).ok()?)
    }
}
