//! A question that the host puts to the person, and the answers that there are.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AskId, CallId, Generation, Moment, QuestionId, ServerName};
use crate::mcp::ask::Ask;

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its number.
    pub id: QuestionId,
    /// What is asked.
    pub about: About,
    /// Since when.
    pub since: Moment,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// May this call run?
    Call {
        /// The call that waits for it; its arguments are what will be sent.
        call: CallId,
        /// Why it is asked, as a short sentence (`write_file may change something`).
        why: String,
    },
    /// A server asks something.
    Server {
        /// Which.
        server: ServerName,
        /// On which connection.
        generation: Generation,
        /// The number of its question there.
        ask: AskId,
        /// The call that waits for it, where that is known.
        call: Option<CallId>,
        /// What.
        what: Ask,
    },
}

/// What the person says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Yes, this once: the call runs; the model writes what the server asks for; the URL is opened by the person.
    Once,
    /// Yes, and this tool of this server (or this kind of question of it) until the program ends.
    Session,
    /// Yes, and this tool of this server from now on: written to the user's configuration.
    Always,
    /// No.
    No {
        /// Words for the model.
        reason: Option<String>,
    },
    /// What was filled in: a form's object, or the list of roots.
    Filled {
        /// The value, which fits what was asked for.
        value: Value,
    },
    /// Neither yes nor no: the question was closed. A server is told that apart from a no.
    Dismissed,
}

impl Question {
    /// The call that is asked for, where the question is about one.
    pub fn call(&self) -> Option<CallId> {
        match &self.about {
            About::Call { call, .. } => Some(*call),
            About::Server { .. } => None,
        }
    }
}
