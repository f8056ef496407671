//! Calls: from the request to its one outcome, through the rounds in which a server asks for more before it answers.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Session;
use super::mismatch::HEADER_MISMATCH;
use super::tasks::Carried;
use crate::ids::CallId;
use crate::mcp::connection::asks::Whose;
use crate::mcp::connection::pending::{Answer, Purpose, without_result};
use crate::mcp::connection::rounds::{Rounds, Step, Visits};
use crate::mcp::connection::{CallRequest, messages};
use crate::mcp::convert::{self, Kind};
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Era;
use crate::mcp::transport::Gate;

/// The error by which a server of 2025-11-25 says that a person has to go to a URL first.
const VISIT_REQUIRED: i64 = -32042;

/// A call under way.
pub(super) struct Call {
    pub(super) request: CallRequest,
    began: Instant,
    /// When it is over without a further word.
    pub(super) deadline: Instant,
    /// When it is over whatever comes.
    last: Instant,
    /// Since when a person is asked for it: meanwhile its time stands still.
    pub(super) held: Option<Instant>,
    announced: bool,
    pub(super) rounds: Rounds,
    pub(super) visits: Visits,
    /// Whether it was sent as a task (2025-11-25).
    as_task: bool,
    /// Whether the tools were listed again for it.
    pub(super) relisted: bool,
    pub(super) stage: Stage,
}

/// Where a call stands.
pub(super) enum Stage {
    /// Its request is on the way.
    Sent(i64),
    /// The person is asked.
    Asking,
    /// Its request is sent again then.
    Again(Instant),
    /// Its headers were refused with these words: it is sent again once the tools are listed.
    Listing(String),
    /// The server carries it as a task.
    Task(Box<Carried>),
}

impl Call {
    pub(super) fn new(request: CallRequest) -> Self {
        let now = Instant::now();
        let last = now + request.max_total;
        Self {
            began: now,
            deadline: (now + request.timeout).min(last),
            last,
            held: None,
            announced: false,
            rounds: Rounds::default(),
            visits: Visits::default(),
            as_task: false,
            relisted: false,
            stage: Stage::Asking,
            request,
        }
    }

    /// When something is to be done about it.
    pub(super) fn alarms(&self) -> impl Iterator<Item = Instant> + use<> {
        let deadline = self.held.is_none().then_some(self.deadline);
        let due = match &self.stage {
            Stage::Again(at) => Some(*at),
            Stage::Task(carried) => carried.due,
            Stage::Sent(_) | Stage::Asking | Stage::Listing(_) => None,
        };
        deadline.into_iter().chain(due)
    }

    /// A word of the server has come: the time without one starts anew.
    pub(super) fn heard(&mut self) {
        self.deadline = (Instant::now() + self.request.timeout).min(self.last);
    }

    pub(super) fn released(&mut self) {
        if let Some(since) = self.held.take() {
            self.last += since.elapsed();
            self.heard();
        }
    }
}

impl Session {
    pub(super) async fn call(&mut self, request: CallRequest) {
        let id = request.call;
        let mut call = Call::new(request);
        let is_task = call.request.method == Method::Tool
            && self.task_tools.contains(&call.request.tool)
            && self.can_run_tasks();
        call.as_task = is_task;
        self.calls.insert(id, call);
        self.send_call(id).await;
    }

    /// Sends the request of a call, for the first time or once more.
    pub(super) async fn send_call(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let request = &call.request;
        let mut extras = call.rounds.extras();
        if call.as_task {
            let millis = u64::try_from(request.max_total.as_millis()).unwrap_or(u64::MAX);
            extras.insert("task".to_owned(), json!({ "ttl": millis }));
        }
        if let Some(trace) = &request.trace {
            let meta = json!({ "traceparent": trace });
            extras.insert("_meta".to_owned(), meta);
        }
        let (method, tool) = (request.method, request.tool.clone());
        let (arguments, voice) = (request.arguments.clone(), self.voice.clone());
        let put = self.put(Purpose::Call(id), None, |id| {
            voice.call(id, (method, &tool), arguments, extras)
        });
        match (put, self.calls.get_mut(&id)) {
            (Ok(request), Some(call)) => {
                call.stage = Stage::Sent(request);
                call.heard();
                self.tokens.insert(request, id);
            }
            (Ok(_), None) => {}
            (Err(why), _) => self.finish(id, CallOutcome::NotSent { why }).await,
        }
    }

    /// The request with this id is on the wire.
    pub(super) async fn sent(&mut self, id: i64) {
        let Some(call) = self.tokens.get(&id).and_then(|id| self.calls.get_mut(id)) else {
            return;
        };
        if !call.announced {
            call.announced = true;
            let request_id = id.to_string();
            let sent = CallEvent::Sent { request_id };
            self.reporter.call(call.request.call, sent).await;
        }
    }

    /// Reports how a call ended. Its questions are no longer asked.
    pub(super) async fn finish(&mut self, id: CallId, outcome: CallOutcome) {
        let Some(call) = self.calls.remove(&id) else {
            return;
        };
        if let Stage::Task(carried) = &call.stage {
            self.forget_fetching(carried);
        }
        self.tokens.retain(|_, of| *of != id);
        self.withdraw_asks(id).await;
        // The server was asked before and may have done something then.
        let outcome = match outcome {
            CallOutcome::NotSent { why } if call.rounds.count() > 0 => CallOutcome::Lost { why },
            outcome => outcome,
        };
        if self.voice.era == Era::Modern
            && let Some(hint) = outcome.era_hint()
        {
            let text = format!("`{}` failed: {hint}", call.request.tool);
            let level = "warning".to_owned();
            self.reporter.event(ServerEvent::Log { level, text }).await;
        }
        self.reporter.finished(id, outcome).await;
    }

    pub(super) async fn call_answered(&mut self, id: CallId, gate: &Gate, answer: Answer) {
        let (may_be_task, may_relist) = (self.wants_a_task(id), self.may_relist(id));
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.heard();
        match answer {
            Answer::Result(result) => self.call_result(id, result).await,
            Answer::Error {
                code: VISIT_REQUIRED,
                words,
                data,
            } => {
                let step = call.visits.required(data.as_ref());
                let refused = |why: String| CallOutcome::Refused {
                    code: VISIT_REQUIRED,
                    message: format!("{words} ({why})"),
                };
                self.step(id, step.map_err(refused), Whose::Visit).await;
            }
            Answer::Error {
                code: convert::NO_METHOD,
                ..
            } if may_be_task => self.call_as_task(id).await,
            Answer::Error {
                code: HEADER_MISMATCH,
                words,
                ..
            } if may_relist => self.relist(id, words).await,
            other => {
                let waited = call.began.elapsed();
                let outcome = without_result(other, gate, waited);
                self.finish(id, outcome).await;
            }
        }
    }

    async fn call_result(&mut self, id: CallId, result: Value) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let method = call.request.method;
        let unreadable = |why: String| CallOutcome::Unreadable { why };
        match convert::kind(&result) {
            Err(why) => self.finish(id, unreadable(why)).await,
            Ok(Kind::InputRequired) => {
                let step = call.rounds.required(&result).map_err(unreadable);
                self.step(id, step, Whose::Round).await;
            }
            Ok(Kind::Task) if method == Method::Tool => self.task_begun(id, &result).await,
            Ok(Kind::Complete) if call.as_task && result.get("task").is_some() => {
                self.task_begun(id, &result).await;
            }
            Ok(Kind::Complete | Kind::Task) => {
                let outcome = match convert::result(method, &result) {
                    Ok(result) => CallOutcome::Answered {
                        result: result.into(),
                    },
                    Err(why) => unreadable(why),
                };
                // It may be long, and the report may have to wait.
                drop(result);
                self.finish(id, outcome).await;
            }
        }
    }

    /// Does the next step of a call that a server does not answer yet.
    pub(super) async fn step(
        &mut self,
        id: CallId,
        step: Result<Step, CallOutcome>,
        whose: fn(String) -> Whose,
    ) {
        let stage = match step {
            Err(outcome) => return self.finish(id, outcome).await,
            Ok(Step::Again(wait)) if wait.is_zero() => return self.send_call(id).await,
            Ok(Step::Again(wait)) => Stage::Again(Instant::now() + wait),
            Ok(Step::Wait) => Stage::Asking,
            Ok(Step::Ask(asks)) => {
                self.ask_all(id, asks, whose).await;
                Stage::Asking
            }
        };
        if let Some(call) = self.calls.get_mut(&id) {
            if let Stage::Again(at) = stage {
                call.deadline = (at + call.request.timeout).min(call.last);
            }
            call.stage = stage;
        }
    }

    pub(super) async fn cancel(&mut self, id: CallId) {
        if self.calls.contains_key(&id) {
            self.let_go(id, &messages::cancel_reason(id));
            self.finish(id, CallOutcome::Cancelled).await;
        }
    }

    /// Tells the server that a call is no longer wanted: whether its request had not even left.
    pub(super) fn let_go(&mut self, id: CallId, reason: &str) -> bool {
        let Some(call) = self.calls.get(&id) else {
            return false;
        };
        match &call.stage {
            Stage::Sent(request) => {
                let request = *request;
                let Some(pending) = self.pending.remove(&request) else {
                    return false;
                };
                let held_back = pending.gate.hold_back();
                self.withdraw(request, &pending.gate, reason);
                held_back
            }
            Stage::Task(_) => {
                self.cancel_task(id, reason);
                false
            }
            Stage::Asking | Stage::Again(_) | Stage::Listing(_) => false,
        }
    }

    /// Calls whose time is over, and those whose next request is due.
    pub(super) async fn expire_calls(&mut self, now: Instant) {
        let is_due = |call: &Call| call.alarms().any(|at| at <= now);
        let due = self.calls.iter().filter(|(_, call)| is_due(call));
        let due: Vec<CallId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(call) = self.calls.get(&id) else {
                continue;
            };
            if call.held.is_none() && call.deadline <= now {
                self.time_out(id).await;
            } else if matches!(call.stage, Stage::Again(at) if at <= now) {
                self.send_call(id).await;
            } else {
                self.poll_task(id, now).await;
            }
        }
    }

    async fn time_out(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let waited = call.began.elapsed();
        let never_left = self.let_go(id, "no answer in time");
        let gate = Gate::default();
        if !never_left {
            gate.pass();
        }
        let outcome = without_result(Answer::TimedOut, &gate, waited);
        self.finish(id, outcome).await;
    }

    /// The link has ended: so have all calls.
    pub(super) async fn end_calls(&mut self, why: &str) {
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            let stage = self.calls.get(&id).map(|call| &call.stage);
            let why = why.to_owned();
            let never_left = match stage {
                Some(Stage::Sent(request)) => self
                    .pending
                    .get(request)
                    .is_some_and(|pending| pending.gate.hold_back()),
                // It was refused, so it has not run.
                Some(Stage::Listing(_)) => true,
                _ => false,
            };
            let outcome = match never_left {
                true => CallOutcome::NotSent { why },
                false => CallOutcome::Lost { why },
            };
            self.finish(id, outcome).await;
        }
    }

    /// Whether a tool that was refused may be one that runs only as a task, and could be told so by nobody.
    fn wants_a_task(&self, id: CallId) -> bool {
        let call = self.calls.get(&id);
        let plain = |call: &Call| !call.as_task && call.request.method == Method::Tool;
        call.is_some_and(plain) && self.can_run_tasks()
    }

    async fn call_as_task(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.as_task = true;
            self.send_call(id).await;
        }
    }

    /// Whether the server runs tools as tasks in the form of 2025-11-25.
    fn can_run_tasks(&self) -> bool {
        self.voice.era == Era::Legacy
            && self
                .capabilities
                .pointer("/tasks/requests/tools/call")
                .is_some_and(Value::is_object)
    }

    /// The only call under way, where there is one.
    pub(super) fn only_call(&self) -> Option<CallId> {
        let mut ids = self.calls.keys();
        ids.next().copied().filter(|_| ids.next().is_none())
    }
}

/// Nothing besides the call's own parameters.
pub(super) fn no_arguments() -> Map<String, Value> {
    Map::new()
}

/// The time of one question about a task, which is not the time of the task.
pub(super) const REPORT_TIMEOUT: Duration = Duration::from_secs(30);
