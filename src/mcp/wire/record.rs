//! One thing seen on the wire, classified.
//!
//! Pure. Made by the tap from raw bytes, so that what a protocol library drops silently is seen all the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::fault::FaultKind;

/// How much of a text comes to whoever looks at the wire.
pub const LIVE_TEXT: usize = 64 * 1024;

/// One message, or one line that is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireRecord {
    /// Its place in the order over all servers.
    pub seq: Seq,
    /// When it passed the tap.
    pub at: Moment,
    /// Whose wire.
    pub server: ServerName,
    /// Which connection of that server.
    pub generation: Generation,
    /// Which way, or which pipe.
    pub direction: Direction,
    /// What it is.
    pub kind: WireKind,
    /// Its size in bytes, before any cut.
    pub bytes: usize,
    /// The line or body itself; cut at 64 KiB in the ring, whole in `--wire-log`. Raw: clean it at the exits.
    pub text: String,
    /// How HTTP carried it; absent over pipes. Without secrets: the tap takes them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<Box<Carried>>,
}

impl WireRecord {
    /// Whether its text was cut. One that is no longer than what is shown has lost its secrets at most.
    pub fn is_cut(&self) -> bool {
        self.bytes > LIVE_TEXT && self.bytes > self.text.len()
    }
}

/// The names and values of headers, in the order in which they stand.
pub type Headers = Vec<(String, String)>;

/// How HTTP carried a record: what stands beside the message and is not in it. An exchange is known by the record of its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum Carried {
    /// It is the request, or the body of one.
    Request {
        /// The HTTP method.
        method: String,
        /// Where to, without what may be a key.
        url: String,
        /// Those that we set; what the connection adds (`host`, `content-length`) is not among them.
        headers: Headers,
    },
    /// It is the head of an answer.
    Response {
        /// The record of the request.
        request: Seq,
        /// The status.
        status: u16,
        /// All that came.
        headers: Headers,
    },
    /// It came as the body of an answer.
    Body {
        /// The record of the request.
        request: Seq,
    },
    /// It came as an event of the stream that an answer is.
    Event {
        /// The record of the request.
        request: Seq,
        /// The event's kind; absent for a message.
        name: Option<String>,
        /// The place in the stream to resume from.
        id: Option<String>,
        /// How long to wait before the stream is asked for again, in milliseconds.
        retry_ms: Option<u64>,
    },
}

impl Carried {
    /// The record of the request that this belongs to; absent for the request itself.
    pub fn request(&self) -> Option<Seq> {
        match self {
            Self::Request { .. } => None,
            Self::Response { request, .. }
            | Self::Body { request }
            | Self::Event { request, .. } => Some(*request),
        }
    }

    /// The status, in the head of an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Response { status, .. } => Some(*status),
            Self::Request { .. } | Self::Body { .. } | Self::Event { .. } => None,
        }
    }
}

/// Which way, or which pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From us to the server.
    Out,
    /// From the server to us.
    In,
    /// The server's stderr.
    Stderr,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WireKind {
    /// A request.
    Request {
        /// The JSON-RPC id as JSON text.
        id: String,
        /// Its method.
        method: String,
    },
    /// An answer.
    Response {
        /// The JSON-RPC id as JSON text.
        id: String,
    },
    /// An error answer.
    Error {
        /// The JSON-RPC id as JSON text (`null` when the server could not tell).
        id: String,
        /// JSON-RPC error code.
        code: i64,
    },
    /// A notification.
    Notification {
        /// Its method.
        method: String,
    },
    /// JSON, but no JSON-RPC message (`42`, `{}`, a batch).
    NotMessage,
    /// Not JSON at all: noise on stdout.
    NotJson,
    /// A line of stderr.
    Stderr,
    /// No message: what a fault of the lab did to the one with this id, or of no id.
    Fault {
        /// Which fault.
        fault: FaultKind,
        /// The JSON-RPC id as JSON text.
        id: Option<String>,
    },
    /// An HTTP exchange: method, URL and status.
    Http {
        /// The status, where there was an answer.
        status: Option<u16>,
    },
}

/// What a line is, by the line alone.
pub fn classify(direction: Direction, line: &str) -> WireKind {
    if direction == Direction::Stderr {
        return WireKind::Stderr;
    }
    match serde_json::from_str::<Value>(line) {
        Ok(value) => classify_value(&value),
        Err(_) => WireKind::NotJson,
    }
}

/// What a JSON value is as a JSON-RPC message. `jsonrpc` itself is not asked for: servers that leave it out are understood.
pub fn classify_value(value: &Value) -> WireKind {
    let id = value.get("id").map(Value::to_string);
    let method = value.get("method").and_then(Value::as_str);
    if let Some(method) = method {
        let method = method.to_owned();
        return match id {
            Some(id) => WireKind::Request { id, method },
            None => WireKind::Notification { method },
        };
    }
    if let Some(error) = value.get("error").filter(|error| error.is_object()) {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
        let id = id.unwrap_or_else(|| "null".to_owned());
        return WireKind::Error { id, code };
    }
    match id {
        Some(id) if value.get("result").is_some() => WireKind::Response { id },
        _ => WireKind::NotMessage,
    }
}

/// A record for tests, a millisecond after the one before.
#[cfg(test)]
pub(crate) fn example(seq: u64, direction: Direction, text: &str) -> WireRecord {
    WireRecord {
        seq: Seq(seq),
        at: Moment(seq * 1000),
        server: "s".into(),
        generation: Generation(1),
        direction,
        kind: classify(direction, text),
        bytes: text.len(),
        text: text.to_owned(),
        carried: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart() {
        let kinds: Vec<WireKind> = [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":"a","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#,
            "42",
            "{}",
            "[]",
            "Server started",
            "",
        ]
        .iter()
        .map(|line| classify(Direction::In, line))
        .collect();
        let method = |m: &str| m.to_owned();
        assert_eq!(
            kinds,
            [
                WireKind::Request {
                    id: "1".into(),
                    method: method("tools/list")
                },
                WireKind::Notification {
                    method: method("notifications/initialized")
                },
                WireKind::Response { id: "\"a\"".into() },
                WireKind::Error {
                    id: "2".into(),
                    code: -32601
                },
                WireKind::Error {
                    id: "null".into(),
                    code: -32700
                },
                WireKind::NotMessage,
                WireKind::NotMessage,
                WireKind::NotMessage,
                WireKind::NotJson,
                WireKind::NotJson,
            ]
        );
        assert_eq!(classify(Direction::Stderr, "{}"), WireKind::Stderr);
    }
}
