//! Questions of the server: requests of its own in the old era, inputs that a call requires in the new one. None is answered here.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::Session;
use super::calls::Stage;
use crate::ids::{AskId, CallId};
use crate::mcp::ask::{Ask, Reply};
use crate::mcp::connection::asks::{Heard, Open, Whose};
use crate::mcp::connection::messages;
use crate::mcp::event::ServerEvent;
use crate::mcp::result::{CallOutcome, OLD_ERA_HINT};
use crate::mcp::status::Era;

/// The metadata under which a server says to which task a request belongs.
const RELATED_TASK: &str = "/params/_meta/io.modelcontextprotocol~1related-task/taskId";

impl Session {
    /// A request of the server.
    pub(super) async fn asked(&mut self, message: &Value) {
        if self.voice.era == Era::Modern {
            return self.asked_in_the_wrong_era(message).await;
        }
        let task = message.pointer(RELATED_TASK).and_then(Value::as_str);
        let call = match task {
            Some(task) => self.call_of_task(task),
            None => self.only_call(),
        };
        match self.asks.hear(message, call) {
            Heard::Asked(ask, what) => self.report_ask(ask, call, what).await,
            Heard::Answer(answer) => self.tell(answer),
        }
    }

    /// A server of the new era sends no requests. A child that does anyway is told so, and so is the person: it has learnt to
    /// ask in the old era only. Over HTTP nothing may be posted but requests of our own.
    async fn asked_in_the_wrong_era(&mut self, message: &Value) {
        let method = message.get("method").and_then(Value::as_str);
        let method = method.unwrap_or_default();
        if self.link.is_child {
            let id = message.get("id").unwrap_or(&Value::Null);
            let reply = match method {
                "ping" => Reply::Result { value: json!({}) },
                _ => Reply::Error {
                    code: crate::mcp::convert::NO_METHOD,
                    message: format!("a server of 2026-07-28 may not send {method}"),
                },
            };
            self.tell(messages::answer(id, reply));
        }
        if method != "ping" {
            let text = format!(
                "the server sent the request {method}, which its era does not have; {OLD_ERA_HINT}"
            );
            let level = "warning".to_owned();
            self.reporter.event(ServerEvent::Log { level, text }).await;
        }
    }

    /// Puts the questions of a call.
    pub(super) async fn ask_all(
        &mut self,
        id: CallId,
        asks: Vec<(String, Ask)>,
        whose: fn(String) -> Whose,
    ) {
        for (key, what) in asks {
            let ask = self.asks.open(Open {
                whose: whose(key),
                call: Some(id),
                method: what.method(),
            });
            self.report_ask(ask, Some(id), what).await;
        }
    }

    /// Reports a question; meanwhile the time of those who wait for it stands still.
    pub(super) async fn report_ask(&mut self, ask: AskId, call: Option<CallId>, what: Ask) {
        let now = Instant::now();
        if call.is_none() {
            self.held.get_or_insert(now);
        }
        let waits = |id: &CallId| call.is_none_or(|call| call == *id);
        for (_, held) in self.calls.iter_mut().filter(|(id, _)| waits(id)) {
            held.held.get_or_insert(now);
        }
        let asked = ServerEvent::Asked { ask, call, what };
        self.reporter.event(asked).await;
    }

    /// Lets time run again where no question holds it any more.
    pub(super) fn release(&mut self) {
        for (id, call) in &mut self.calls {
            if !self.asks.hold(*id) {
                call.released();
            }
        }
        if !self.asks.hold_all()
            && let Some(since) = self.held.take()
        {
            let paused = since.elapsed();
            for deadline in self
                .pending
                .values_mut()
                .filter_map(|it| it.deadline.as_mut())
            {
                *deadline += paused;
            }
        }
    }

    /// Calls that wait for the person to come back from a URL are sent again now that the server says so.
    pub(super) fn visit_done(&mut self, key: &str) {
        for call in self.calls.values_mut() {
            if matches!(call.stage, Stage::Again(_)) && call.visits.knows(key) {
                call.stage = Stage::Again(Instant::now());
            }
        }
    }

    /// The host has answered a question.
    pub(super) async fn reply(&mut self, ask: AskId, reply: Reply) {
        let Some(Open {
            whose,
            call,
            method,
        }) = self.asks.close(ask)
        else {
            return;
        };
        self.release();
        match (whose, call) {
            (Whose::Request(id), _) => self.tell(messages::answer(&id, reply)),
            (Whose::Round(key), Some(call)) => match reply {
                Reply::Result { value } => {
                    let waiting = self.calls.get_mut(&call);
                    if let Some(step) = waiting.map(|call| call.rounds.answered(&key, value)) {
                        self.step(call, Ok(step), Whose::Round).await;
                    }
                }
                Reply::Error { code, message } => {
                    self.unanswered(call, method, code, message).await
                }
            },
            (Whose::Task(key), Some(call)) => match reply {
                Reply::Result { value } => self.update_task(call, &key, value).await,
                Reply::Error { code, message } => {
                    self.unanswered(call, method, code, message).await
                }
            },
            (Whose::Visit(key), Some(call)) => self.visit_answered(call, &key, reply).await,
            // Only a request of the server can be of nobody's call.
            (Whose::Round(_) | Whose::Task(_) | Whose::Visit(_), None) => {}
        }
    }

    /// There is no answer to give, and the era has no word to say so: the call goes no further.
    async fn unanswered(&mut self, call: CallId, method: &str, code: i64, why: String) {
        self.let_go(call, &why);
        let message = format!("the server needs {method} for this, and it was not answered: {why}");
        self.finish(call, CallOutcome::Refused { code, message })
            .await;
    }

    async fn visit_answered(&mut self, id: CallId, key: &str, reply: Reply) {
        let agreed = matches!(&reply, Reply::Result { value } if value["action"] == "accept");
        let Some(call) = self
            .calls
            .get_mut(&id)
            .filter(|call| matches!(call.stage, Stage::Asking))
        else {
            return;
        };
        if agreed {
            let step = call.visits.accepted(key);
            return self.step(id, Ok(step), Whose::Visit).await;
        }
        let why = "the user did not go to the URL".to_owned();
        self.unanswered(id, "a visit to a URL", -32042, why).await;
    }

    /// A call is over: nobody waits for its questions any more. The server is still told what became of a request of its own,
    /// but for the roots, which it may well want for more than this call.
    pub(super) async fn withdraw_asks(&mut self, call: CallId) {
        for ask in self.asks.of_call(call) {
            if self.asks.concerns_more(ask) {
                self.asks.disown(ask);
                continue;
            }
            let Some(open) = self.asks.close(ask) else {
                continue;
            };
            if let Whose::Request(id) = &open.whose {
                self.tell(messages::answer(id, never_mind(open.method)));
            }
            self.reporter.event(ServerEvent::AskWithdrawn(ask)).await;
        }
        self.release();
    }

    /// The server takes a request of its own back.
    pub(super) async fn ask_cancelled(&mut self, id: &Value) {
        if let Some(ask) = self.asks.of_request(id) {
            self.asks.close(ask);
            self.reporter.event(ServerEvent::AskWithdrawn(ask)).await;
            self.release();
        }
    }

    pub(super) fn roots_changed(&mut self) {
        // The era without this word asks anew each time.
        if self.voice.era == Era::Legacy {
            self.tell(messages::roots_changed());
        }
    }
}

/// The answer to a question that is not put any more.
fn never_mind(method: &str) -> Reply {
    match method {
        "elicitation/create" => Reply::Result {
            value: json!({ "action": "cancel" }),
        },
        _ => Reply::Error {
            code: -1,
            message: "the call that it was for is over".to_owned(),
        },
    }
}
