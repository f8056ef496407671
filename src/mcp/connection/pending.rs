//! Requests under way and what comes of them. Plain data and pure functions for `session`.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::ids::{CallId, ErrandId};
use crate::mcp::listing::{ListHints, Listed};
use crate::mcp::request::{Errand, ListKind};
use crate::mcp::result::CallOutcome;
use crate::mcp::transport::Gate;

/// How long a listing may take, all its pages, once the server is up. Progress does not extend it.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// A request under way.
pub struct Pending {
    pub purpose: Purpose,
    pub gate: Gate,
    pub asked: Instant,
    /// Absent where the call keeps the time, or nothing does.
    pub deadline: Option<Instant>,
}

pub enum Purpose {
    /// The call's own request; the rest stands in the call.
    Call(CallId),
    /// A report on the task of a call.
    Report(CallId),
    /// The result of the task of a call.
    Fetch(CallId),
    /// The answers to a task's questions.
    Update(CallId),
    List(Pages),
    Probe,
    Errand(ErrandId, Errand),
    /// Changes, in the era where they must be asked for. Never over; late only until it is acknowledged.
    Listen,
    /// Nobody waits for the answer.
    Nothing,
}

/// A listing under way.
pub struct Pages {
    pub listed: Listed,
    pub cursors: Vec<String>,
    /// How long it is good by the pages so far; absent before the first.
    pub hints: Option<ListHints>,
    /// When the last page must have come.
    pub deadline: Instant,
    /// It belongs to the start: a server that does not answer it has not come up.
    pub is_first: bool,
    /// The bytes of the pages so far, about.
    pub weight: usize,
}

/// What came of a request.
pub enum Answer {
    Result(Value),
    Error {
        code: i64,
        words: String,
        data: Option<Value>,
    },
    Unreadable(String),
    /// It failed alone; whether the server may have got it is told.
    Failed(bool, String),
    /// The link has ended.
    Ended(String),
    TimedOut,
}

/// What a call came to whose request has no result.
pub fn without_result(answer: Answer, gate: &Gate, waited: Duration) -> CallOutcome {
    match answer {
        Answer::Result(_) => CallOutcome::Unreadable {
            why: "the result is none".to_owned(),
        },
        Answer::Error { code, words, .. } => CallOutcome::Refused {
            code,
            message: words,
        },
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
    let within = format!("within {} s", LIST_TIMEOUT.as_secs());
    failure(kind.wire(), answer, &within)
}

/// Why a request failed, as a sentence.
pub fn failure(method: &str, answer: Answer, within: &str) -> String {
    match answer {
        Answer::Error { code, words, .. } => {
            format!("the server refused {method} with error {code}: {words}")
        }
        Answer::TimedOut => format!("the server did not answer {method} {within}"),
        Answer::Unreadable(why) | Answer::Failed(_, why) | Answer::Ended(why) => {
            format!("{method} failed: {why}")
        }
        Answer::Result(_) => format!("{method} failed"),
    }
}
