//! What servers ask: put to the person, answered by rule, or declined.
//!
//! Pure. Nothing is granted by itself; a question of a connection that has ended is gone with it.

use serde_json::json;

use crate::host::effect::Effect;
use crate::host::question::{About, Answer};
use crate::host::state::Host;
use crate::ids::{AskId, CallId, Generation, Moment, ServerName};
use crate::mcp::ask::{Ask, Reply};

impl Host {
    /// A server asks something.
    pub(in crate::host) fn asked(
        &mut self,
        server: &ServerName,
        generation: Generation,
        ask: AskId,
        _call: Option<CallId>,
        what: &Ask,
        _now: Moment,
    ) -> Vec<Effect> {
        vec![Effect::Reply {
            server: server.clone(),
            generation,
            ask,
            reply: no(what),
        }]
    }

    /// The server no longer waits.
    pub(in crate::host) fn ask_withdrawn(
        &mut self,
        name: &ServerName,
        from: Generation,
        number: AskId,
    ) {
        self.questions.retain(|question| {
            !matches!(&question.about, About::Server { server, generation, ask, .. }
                if server == name && *generation == from && *ask == number)
        });
    }

    /// The person has answered a server's question.
    pub(in crate::host) fn answer_server(
        &mut self,
        server: ServerName,
        generation: Generation,
        ask: AskId,
        what: Ask,
        _answer: Answer,
        _now: Moment,
    ) -> Vec<Effect> {
        vec![Effect::Reply {
            server,
            generation,
            ask,
            reply: no(&what),
        }]
    }
}

/// No, in the words that its method has for it.
fn no(what: &Ask) -> Reply {
    match what {
        Ask::Form { .. } | Ask::Url { .. } => Reply::Result {
            value: json!({ "action": "decline" }),
        },
        Ask::Roots | Ask::Sampling(_) => Reply::Error {
            code: -1,
            message: "the user declined".to_owned(),
        },
    }
}
