//! One thing seen on the wire, classified.
//!
//! Pure. Made by the tap from raw bytes, so that what a protocol library drops silently is seen all the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Generation, Moment, Seq, ServerName};

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
