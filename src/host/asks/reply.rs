//! The answers that need no thought, in the words that each method has for them.
//!
//! Pure. A no, a question that was closed and a question that is too much are different answers.

use serde_json::{Map, Value, json};

use crate::mcp::ask::{Ask, Reply};

/// What the specification uses for a request that the person refused.
const REFUSED: i64 = -1;
/// JSON-RPC: the parameters are not as they should be.
pub(super) const BAD: i64 = -32602;
/// JSON-RPC: it could not be done here.
pub(super) const FAILED: i64 = -32603;

pub(super) fn error(code: i64, message: impl Into<String>) -> Reply {
    Reply::Error {
        code,
        message: message.into(),
    }
}

fn action(action: &str) -> Reply {
    Reply::Result {
        value: json!({ "action": action }),
    }
}

/// The person, or the rule, says no.
pub(super) fn no(what: &Ask) -> Reply {
    match what {
        Ask::Form { .. } | Ask::Url { .. } => action("decline"),
        Ask::Roots => error(REFUSED, "User rejected the request for roots"),
        Ask::Sampling(_) => error(REFUSED, "User rejected sampling request"),
    }
}

/// Neither yes nor no: the person closed the question, or what it was for is over.
pub(super) fn cancelled(what: &Ask) -> Reply {
    match what {
        Ask::Form { .. } | Ask::Url { .. } => action("cancel"),
        Ask::Roots => error(REFUSED, "User closed the request for roots"),
        Ask::Sampling(_) => no_more_writing(),
    }
}

/// What was being written is given up.
pub(super) fn no_more_writing() -> Reply {
    error(REFUSED, "User cancelled sampling request")
}

/// Too many at once.
pub(super) fn busy(what: &Ask) -> Reply {
    match what {
        Ask::Form { .. } | Ask::Url { .. } => action("cancel"),
        Ask::Roots | Ask::Sampling(_) => {
            error(FAILED, "too many requests of this server wait for the user")
        }
    }
}

/// The person goes where the server wants them.
pub(super) fn accepted() -> Reply {
    action("accept")
}

/// What was filled in.
pub(super) fn filled(content: Map<String, Value>) -> Reply {
    Reply::Result {
        value: json!({ "action": "accept", "content": content }),
    }
}
