//! One thing seen on the wire, classified.
//!
//! Pure. Made by the tap from raw bytes, so that what a protocol library drops silently is seen all the same.

use serde::{Deserialize, Serialize};

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
