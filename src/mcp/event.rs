//! What a connection reports: the only words that come from the impure half of this layer to the host.
//!
//! Every event carries, outside, the server's name and the connection's generation; a stale one is dropped by those alone.

use serde::{Deserialize, Serialize};

use crate::ids::CallId;
use crate::mcp::failure::Failure;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Hello;
use crate::mcp::tool::Listing;

/// Something a server did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ServerEvent {
    /// The handshake is done.
    Connected(Box<Hello>),
    /// `tools/list` was read to its last page.
    Listed(Listing),
    /// `tools/list` failed; the connection stands.
    ListFailed(String),
    /// The server says that its tools have changed.
    ToolsChanged,
    /// A log message of the server (`notifications/message`).
    Log {
        /// Its level, as the server wrote it.
        level: String,
        /// Its text.
        text: String,
    },
    /// The answer to a health probe, or that there was none.
    Probed {
        /// How long it took; absent when it failed.
        millis: Option<u64>,
    },
    /// Something about a call.
    Call(CallId, CallEvent),
    /// The connection has ended, or was never made. The last event of its generation; every call under way has been
    /// reported as finished before it.
    Ended(Box<Failure>),
}

/// Something that happened to one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CallEvent {
    /// The request is on the wire.
    Sent {
        /// The JSON-RPC id, as JSON text.
        request_id: String,
    },
    /// `notifications/progress`.
    Progress(Progress),
    /// It is over.
    Finished(CallOutcome),
}

/// How far a call says it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Done so far, in the server's unit.
    pub done: f64,
    /// All of it, where known.
    pub total: Option<f64>,
    /// The server's words.
    pub message: Option<String>,
}
