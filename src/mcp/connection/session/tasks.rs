//! Calls that the server carries as tasks: reports are asked for until the end, and nothing but the end is the outcome.

use serde_json::Value;
use tokio::time::Instant;

use super::Session;
use super::calls::{Call, REPORT_TIMEOUT, Stage, no_arguments};
use crate::ids::CallId;
use crate::mcp::connection::asks::Whose;
use crate::mcp::connection::pending::{Answer, Purpose, failure};
use crate::mcp::connection::task::{Running, Word};
use crate::mcp::connection::{CallRequest, FollowRequest};
use crate::mcp::convert;
use crate::mcp::event::CallEvent;
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Era;

/// A task and the requests about it.
pub(super) struct Carried {
    pub(super) running: Running,
    /// When the next report is asked for; absent while one is on its way.
    pub(super) due: Option<Instant>,
    /// The request for the result (2025-11-25), while it is on its way.
    fetching: Option<i64>,
}

impl Session {
    /// The server has answered a call with a task.
    pub(super) async fn task_begun(&mut self, id: CallId, result: &Value) {
        match Running::created(self.voice.era, result) {
            Ok(running) => {
                let due = Instant::now() + running.poll();
                self.carry(id, running, due).await;
                // What the first report says already counts.
                if self.voice.era == Era::Modern && result.get("status").is_some() {
                    self.take_report(id, result).await;
                }
            }
            Err(why) => self.finish(id, CallOutcome::Unreadable { why }).await,
        }
    }

    /// Follows a task that an earlier connection began.
    pub(super) async fn follow(&mut self, request: FollowRequest) {
        let id = request.call;
        self.calls.insert(
            id,
            Call::new(CallRequest {
                call: id,
                method: Method::Tool,
                tool: String::new(),
                arguments: no_arguments(),
                timeout: request.timeout,
                max_total: request.max_total,
                trace: None,
            }),
        );
        let running = Running::known(self.voice.era, &request.task);
        self.carry(id, running, Instant::now()).await;
    }

    async fn carry(&mut self, id: CallId, running: Running, due: Instant) {
        let shown = running.shown.clone();
        if let Some(call) = self.calls.get_mut(&id) {
            call.stage = Stage::Task(Box::new(Carried {
                running,
                due: Some(due),
                fetching: None,
            }));
            self.reporter.call(id, CallEvent::Task(shown)).await;
        }
    }

    fn carried(&mut self, id: CallId) -> Option<&mut Carried> {
        match &mut self.calls.get_mut(&id)?.stage {
            Stage::Task(carried) => Some(carried),
            Stage::Sent(_) | Stage::Asking | Stage::Again(_) | Stage::Listing(_) => None,
        }
    }

    /// Asks for the next report when it is due.
    pub(super) async fn poll_task(&mut self, id: CallId, now: Instant) {
        let Some(carried) = self.carried(id) else {
            return;
        };
        if carried.due.take_if(|at| *at <= now).is_none() {
            return;
        }
        let task = carried.running.shown.id.clone();
        let voice = self.voice.clone();
        let deadline = Some(now + REPORT_TIMEOUT);
        let put = self.put(Purpose::Report(id), deadline, |id| {
            voice.task(id, "tasks/get", &task)
        });
        if let Err(why) = put {
            self.missed(id, why).await;
        }
    }

    /// A report did not come. The task goes on without us, so it is asked for again.
    async fn missed(&mut self, id: CallId, why: String) {
        let Some(carried) = self.carried(id) else {
            return;
        };
        if carried.running.missed() {
            carried.due = Some(Instant::now() + carried.running.poll());
            return;
        }
        let why = format!("the task goes on, but nothing is heard of it: {why}");
        self.finish(id, CallOutcome::Lost { why }).await;
    }

    /// A report was asked for.
    pub(super) async fn reported(&mut self, id: CallId, answer: Answer) {
        match answer {
            Answer::Result(result) => {
                if let Some(carried) = self.carried(id) {
                    carried.due = Some(Instant::now() + carried.running.poll());
                }
                match convert::complete_or_task(&result) {
                    Ok(()) => self.take_report(id, &result).await,
                    Err(why) => self.missed(id, why).await,
                }
            }
            Answer::Error {
                code: convert::BAD_PARAMS,
                words,
                ..
            } => {
                let why = format!("the server no longer knows the task: {words}");
                self.finish(id, CallOutcome::Lost { why }).await;
            }
            other => {
                let why = failure("tasks/get", other, "in time");
                self.missed(id, why).await;
            }
        }
    }

    /// A report on a task has come, asked for or not.
    pub(super) async fn take_report(&mut self, id: CallId, report: &Value) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.heard();
        let Stage::Task(carried) = &mut call.stage else {
            return;
        };
        let (changed, word) = match carried.running.report(report) {
            Ok(heard) => heard,
            Err(why) => {
                self.let_go(id, &why);
                return self.finish(id, CallOutcome::Unreadable { why }).await;
            }
        };
        if changed {
            let shown = carried.running.shown.clone();
            self.reporter.call(id, CallEvent::Task(shown)).await;
        }
        match word {
            Word::Working => {}
            Word::Ask(asks) => self.ask_all(id, asks, Whose::Task).await,
            Word::Fetch => self.fetch(id).await,
            Word::Done(result) => self.task_done(id, &result).await,
            Word::Failed(code, message) => {
                self.finish(id, CallOutcome::Refused { code, message })
                    .await;
            }
            // Nobody here has cancelled it, and it may have run in part.
            Word::Ended(why) => self.finish(id, CallOutcome::Lost { why }).await,
        }
    }

    async fn task_done(&mut self, id: CallId, result: &Value) {
        let outcome = match convert::result(Method::Tool, result) {
            Ok(result) => CallOutcome::Answered {
                result: result.into(),
            },
            Err(why) => CallOutcome::Unreadable { why },
        };
        self.finish(id, outcome).await;
    }

    /// Asks for the result, which waits for the end; a server that needs something asks for it meanwhile.
    async fn fetch(&mut self, id: CallId) {
        let Some(carried) = self.carried(id) else {
            return;
        };
        if carried.fetching.is_some() {
            return;
        }
        let task = carried.running.shown.id.clone();
        let voice = self.voice.clone();
        let put = self.put(Purpose::Fetch(id), None, |id| {
            voice.task(id, "tasks/result", &task)
        });
        match put {
            Ok(request) => {
                if let Some(carried) = self.carried(id) {
                    carried.fetching = Some(request);
                }
            }
            Err(why) => self.missed(id, why).await,
        }
    }

    /// The result was asked for.
    pub(super) async fn fetched(&mut self, id: CallId, answer: Answer) {
        if let Some(carried) = self.carried(id) {
            carried.fetching = None;
        }
        match answer {
            Answer::Result(result) => self.task_done(id, &result).await,
            Answer::Error { code, words, .. } => {
                let message = words;
                self.finish(id, CallOutcome::Refused { code, message })
                    .await;
            }
            Answer::Unreadable(why) => self.finish(id, CallOutcome::Unreadable { why }).await,
            // The next report calls for it again.
            other => {
                let why = failure("tasks/result", other, "in time");
                self.missed(id, why).await;
            }
        }
    }

    /// Sends the answers to a task's questions.
    pub(super) async fn update_task(&mut self, id: CallId, key: &str, value: Value) {
        let Some(carried) = self.carried(id) else {
            return;
        };
        let Some(responses) = carried.running.answered(key, value) else {
            return;
        };
        let task = carried.running.shown.id.clone();
        let voice = self.voice.clone();
        let deadline = Some(Instant::now() + REPORT_TIMEOUT);
        let put = self.put(Purpose::Update(id), deadline, |id| {
            voice.update_task(id, &task, responses)
        });
        if let Err(why) = put {
            self.finish(id, CallOutcome::Lost { why }).await;
        }
    }

    /// The answers were sent. What came of them the next report says; that they were refused would be lost otherwise.
    pub(super) async fn updated(&mut self, id: CallId, answer: Answer) {
        match answer {
            Answer::Result(_) | Answer::Ended(_) => {}
            other => {
                let why = failure("tasks/update", other, "in time");
                self.let_go(id, &why);
                self.finish(id, CallOutcome::Lost { why }).await;
            }
        }
    }

    /// Tells the server that a task is no longer wanted.
    pub(super) fn cancel_task(&mut self, id: CallId, reason: &str) {
        let Some(carried) = self.carried(id) else {
            return;
        };
        let task = carried.running.shown.id.clone();
        let fetching = carried.fetching.take();
        self.withdraw_fetching(fetching, reason);
        let cancels =
            self.voice.era == Era::Modern || self.capabilities.pointer("/tasks/cancel").is_some();
        if cancels {
            let voice = self.voice.clone();
            let deadline = Some(Instant::now() + REPORT_TIMEOUT);
            let _not_queued = self.put(Purpose::Nothing, deadline, |id| {
                voice.task(id, "tasks/cancel", &task)
            });
        }
    }

    fn withdraw_fetching(&mut self, fetching: Option<i64>, reason: &str) {
        if let Some(request) = fetching
            && let Some(pending) = self.pending.remove(&request)
        {
            self.withdraw(request, &pending.gate, reason);
        }
    }

    /// The call is over, and nobody waits for the result that was asked for: nothing else would ever end that request.
    pub(super) fn forget_fetching(&mut self, carried: &Carried) {
        self.withdraw_fetching(carried.fetching, "the task is over");
    }

    /// The call that a task carries.
    pub(super) fn call_of_task(&self, task: &str) -> Option<CallId> {
        let carries = |call: &Call| matches!(&call.stage, Stage::Task(carried) if carried.running.shown.id == task);
        let found = self.calls.iter().find(|(_, call)| carries(call));
        found.map(|(id, _)| *id)
    }
}
