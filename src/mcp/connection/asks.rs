//! The questions of a server that are open: who waits for each answer, and in which form it wants it.
//!
//! Plain data for `handshake` and `session`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::messages;
use crate::ids::{AskId, CallId};
use crate::mcp::ask::{Ask, Reply};
use crate::mcp::convert;
use crate::mcp::weight;

/// The error for a question that is not put: the one that the specification shows for a refusal.
const REFUSED: i64 = -1;

/// The most questions that may be open at once, against a server that asks for ever.
pub const MOST_OPEN: usize = 100;
/// Bytes of all of them.
const MOST_WEIGHT: usize = 16 * 1024 * 1024;

/// Who waits for an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Whose {
    /// The server, under this id of its own request.
    Request(Value),
    /// A call's next round, under this key.
    Round(String),
    /// A call's task, under this key.
    Task(String),
    /// A call that was refused until the person has gone to a URL.
    Visit(String),
}

/// One open question.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    /// Who waits.
    pub whose: Whose,
    /// The call that waits, where that is known.
    pub call: Option<CallId>,
    /// The method of the question.
    pub method: &'static str,
}

/// What a request of the server came to.
pub enum Heard {
    /// A question for the host.
    Asked(AskId, Ask),
    /// Nothing that the host has to know of: this is the answer.
    Answer(Value),
}

/// All open questions of one connection.
#[derive(Debug, Default)]
pub struct Asks {
    last: AskId,
    open: BTreeMap<AskId, Open>,
    /// What the server's own requests among them take.
    weights: BTreeMap<AskId, usize>,
}

impl Asks {
    /// Takes a request of the server in, which a call waits for where that is known.
    pub fn hear(&mut self, message: &Value, call: Option<CallId>) -> Heard {
        let id = message.get("id").cloned().unwrap_or(Value::Null);
        if message.get("method").and_then(Value::as_str) == Some("ping") {
            let reply = Reply::Result { value: json!({}) };
            return Heard::Answer(messages::answer(&id, reply));
        }
        if self.open.len() >= MOST_OPEN {
            let message =
                format!("{MOST_OPEN} questions of this server wait for an answer already");
            let code = REFUSED;
            return Heard::Answer(messages::answer(&id, Reply::Error { code, message }));
        }
        let weight = weight::of_value(message);
        let open: usize = self.weights.values().sum();
        if open + weight > MOST_WEIGHT {
            let message = "the questions of this server that wait for an answer are too long";
            let (code, message) = (REFUSED, message.to_owned());
            return Heard::Answer(messages::answer(&id, Reply::Error { code, message }));
        }
        match convert::ask(message) {
            Ok(what) => {
                let method = what.method();
                let whose = Whose::Request(id);
                let ask = self.open(Open {
                    whose,
                    call,
                    method,
                });
                self.weights.insert(ask, weight);
                Heard::Asked(ask, what)
            }
            Err((code, message)) => {
                Heard::Answer(messages::answer(&id, Reply::Error { code, message }))
            }
        }
    }

    /// Opens one and numbers it.
    pub fn open(&mut self, open: Open) -> AskId {
        self.last = self.last.next();
        self.open.insert(self.last, open);
        self.last
    }

    /// Closes one; nothing when it was withdrawn before.
    pub fn close(&mut self, ask: AskId) -> Option<Open> {
        self.weights.remove(&ask);
        self.open.remove(&ask)
    }

    /// The question that a request of the server put.
    pub fn of_request(&self, id: &Value) -> Option<AskId> {
        let is_it = |open: &Open| matches!(&open.whose, Whose::Request(of) if of == id);
        let found = self.open.iter().find(|(_, open)| is_it(open));
        found.map(|(ask, _)| *ask)
    }

    /// The questions for which a call waits.
    pub fn of_call(&self, call: CallId) -> Vec<AskId> {
        let waits = self.open.iter().filter(|(_, open)| open.call == Some(call));
        waits.map(|(ask, _)| *ask).collect()
    }

    /// Whether a question may concern more than the call that seems to wait for it: the roots, which are asked for at any time.
    pub fn concerns_more(&self, ask: AskId) -> bool {
        let open = self.open.get(&ask);
        open.is_some_and(|it| it.method == "roots/list" && matches!(it.whose, Whose::Request(_)))
    }

    /// The call is over, and the question is not.
    pub fn disown(&mut self, ask: AskId) {
        if let Some(open) = self.open.get_mut(&ask) {
            open.call = None;
        }
    }

    /// Whether a call waits for a person: for a question of its own or for one of which nobody knows whose it is.
    pub fn hold(&self, call: CallId) -> bool {
        let holds = |open: &Open| open.call.is_none_or(|of| of == call);
        self.open.values().any(holds)
    }

    /// Whether there is a question of which nobody knows whose it is.
    pub fn hold_all(&self) -> bool {
        self.open.values().any(|open| open.call.is_none())
    }

    /// Closes all.
    pub fn clear(&mut self) -> Vec<AskId> {
        std::mem::take(&mut self.open).into_keys().collect()
    }
}
