//! What a connection reports: the only words that come from the impure half of this layer to the host.
//!
//! Every event carries, outside, the server's name and the connection's generation; a stale one is dropped by those alone.

use serde::{Deserialize, Serialize};

use crate::config::Enforcement;
use crate::ids::{AskId, CallId, ErrandId};
use crate::mcp::ask::Ask;
use crate::mcp::failure::Failure;
use crate::mcp::fault::FaultKind;
use crate::mcp::health::ProcessUse;
use crate::mcp::listing::{ListHints, Listed};
use crate::mcp::request::{ErrandEnd, ListKind};
use crate::mcp::result::CallOutcome;
use crate::mcp::start::StartWord;
use crate::mcp::status::Hello;
use crate::mcp::weight;

/// Something a server did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ServerEvent {
    /// The handshake is done.
    Connected(Box<Hello>),
    /// Its process is started with only what its table names in reach; before the handshake.
    Confined(Enforcement),
    /// A word of the handshake.
    Start(StartWord),
    /// A line on the stdout of a child that is no message; the first ones of a connection, cut when they are long.
    Stray {
        /// The very line.
        line: String,
    },
    /// A list was read to its last page.
    Listed(Listed),
    /// How long the list is good that comes next, by the server's word.
    Hints(ListKind, ListHints),
    /// A list could not be read; the connection stands.
    ListFailed(ListKind, String),
    /// The server says that a list has changed.
    Changed(ListKind),
    /// The server says that a resource has changed to which we have subscribed.
    ResourceUpdated {
        /// Which.
        uri: String,
    },
    /// The server asks something. It waits until [`crate::mcp::connection::Connection::reply`].
    Asked {
        /// The number of the question on this connection.
        ask: AskId,
        /// The call that waits for it, where that is known.
        call: Option<CallId>,
        /// What.
        what: Ask,
    },
    /// The server no longer waits for an answer.
    AskWithdrawn(AskId),
    /// The server says that a question in URL mode is done with (`notifications/elicitation/complete`).
    UrlDone {
        /// The server's name for the question.
        id: String,
    },
    /// An errand is over.
    Errand(ErrandId, ErrandEnd),
    /// A log message of the server (`notifications/message`).
    Log {
        /// Its level, as the server wrote it.
        level: String,
        /// Its text.
        text: String,
    },
    /// A fault of the lab has struck a message of this connection.
    Meddled(FaultKind),
    /// The answer to a health probe, or that there was none.
    Probed {
        /// How long it took; absent when it failed.
        millis: Option<u64>,
    },
    /// What a server that is a child of ours uses, and what it has written to stderr since it was started; told with each probe.
    Vitals {
        /// Its process group, where the system tells of it.
        processes: Option<ProcessUse>,
        /// Lines on its stderr.
        stderr_lines: u64,
    },
    /// Something about a call.
    Call(CallId, CallEvent),
    /// The connection has ended, or was never made. The last event of its generation; every call under way has been
    /// reported as finished before it.
    Ended(Box<Failure>),
}

impl ServerEvent {
    /// The bytes that it takes, about, where that can be many.
    pub fn weight(&self) -> usize {
        match self {
            Self::Listed(_)
            | Self::Asked { .. }
            | Self::Errand(..)
            | Self::Call(_, CallEvent::Finished(_)) => weight::of_written(self),
            // Short, or cut short where they are made.
            Self::Connected(_)
            | Self::ListFailed(..)
            | Self::Changed(_)
            | Self::ResourceUpdated { .. }
            | Self::AskWithdrawn(_)
            | Self::UrlDone { .. }
            | Self::Log { .. }
            | Self::Probed { .. }
            | Self::Meddled(_)
            | Self::Hints(..)
            | Self::Confined(_)
            | Self::Start(_)
            | Self::Stray { .. }
            | Self::Vitals { .. }
            | Self::Call(..)
            | Self::Ended(_) => 0,
        }
    }
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
    /// The call goes on as a task, or that task says where it is.
    Task(Task),
    /// It is over.
    Finished(CallOutcome),
}

/// A task that carries a call. It outlives the connection: another one can follow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The server's id of it.
    pub id: String,
    /// `working`, `input_required` and the like.
    pub status: String,
    /// The server's words.
    pub message: Option<String>,
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
