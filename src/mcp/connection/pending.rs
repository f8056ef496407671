//! Requests under way and what comes of them. Plain data and pure functions for `session`.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::ids::CallId;
use crate::mcp::convert;
use crate::mcp::request::{ListKind, Method};
use crate::mcp::result::CallOutcome;
use crate::mcp::tool::Listed;
use crate::mcp::transport::Gate;

/// How long a listing may take, all its pages, once the server is up. Progress does not extend it.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(30);
/// A request under way.
pub struct Pending {
    pub purpose: Purpose,
    pub gate: Gate,
    pub asked: Instant,
    pub deadline: Instant,
}

pub enum Purpose {
    Call(UnderWay),
    List(Pages),
    Probe,
    /// Changes of the tools, in the era where they must be asked for. Never over, never late.
    Listen,
}

pub struct UnderWay {
    pub call: CallId,
    pub method: Method,
    pub announced: bool,
    pub idle: Duration,
    pub last: Instant,
}

/// A listing under way.
pub struct Pages {
    pub listed: Listed,
    pub cursors: Vec<String>,
    /// When the last page must have come.
    pub deadline: Instant,
    /// It belongs to the start: a server that does not answer it has not come up.
    pub is_first: bool,
}

/// What came of a request.
pub enum Answer {
    Result(Value),
    Error(i64, String),
    Unreadable(String),
    /// It failed alone; whether the server may have got it is told.
    Failed(bool, String),
    /// The link has ended.
    Ended(String),
    TimedOut,
}

/// What a call came to.
pub fn outcome(answer: Answer, method: Method, gate: &Gate, waited: Duration) -> CallOutcome {
    match answer {
        Answer::Result(result) => match convert::result(method, &result) {
            Ok(result) => CallOutcome::Answered { result },
            Err(why) => CallOutcome::Unreadable { why },
        },
        Answer::Error(code, message) => CallOutcome::Refused { code, message },
        Answer::Unreadable(why) => CallOutcome::Unreadable { why },
        Answer::Failed(true, why) => CallOutcome::Lost { why },
        Answer::Failed(false, why) => CallOutcome::NotSent { why },
        Answer::Ended(why) if gate.hold_back() => CallOutcome::NotSent { why },
        Answer::Ended(why) => CallOutcome::Lost { why },
        Answer::TimedOut if gate.hold_back() => CallOutcome::NotSent {
            why: format!(
                "the server did not read the request within {:.1} s",
                waited.as_secs_f64()
            ),
        },
        Answer::TimedOut => CallOutcome::TimedOut { after: waited },
    }
}

/// Why a listing failed, as a sentence.
pub fn list_failure(kind: ListKind, answer: Answer) -> String {
    let method = kind.wire();
    match answer {
        Answer::Error(code, words) => {
            format!("the server refused {method} with error {code}: {words}")
        }
        Answer::TimedOut => format!(
            "the server did not answer {method} within {} s",
            LIST_TIMEOUT.as_secs()
        ),
        Answer::Unreadable(why) | Answer::Failed(_, why) | Answer::Ended(why) => {
            format!("{method} failed: {why}")
        }
        Answer::Result(_) => format!("{method} failed"),
    }
}
