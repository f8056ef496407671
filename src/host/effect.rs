//! What the host wants done. Plain data without secrets; the driver carries it out and never decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::ModelRequest;
use crate::host::keep::Keep;
use crate::host::session::SessionWish;
use crate::ids::{AskId, CallId, ErrandId, Generation, ServerName, StreamId, TimerId};
use crate::mcp::ask::Reply;
use crate::mcp::fault::Faults;
use crate::mcp::request::{Errand, ListKind, Method};
use crate::mcp::status::Era;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Starts or dials a server.
    Dial {
        /// Which.
        server: ServerName,
        /// The number of the new connection.
        generation: Generation,
        /// The era that it spoke last time.
        remembered: Option<Era>,
    },
    /// Ends a connection in an orderly way.
    Close {
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
    },
    /// Reads a list, all pages.
    List {
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
        /// Which list.
        kind: ListKind,
    },
    /// Does an errand.
    Errand {
        /// Its number.
        errand: ErrandId,
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
        /// What.
        what: Errand,
    },
    /// Answers a question of a server.
    Reply {
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
        /// The number of its question there.
        ask: AskId,
        /// What it is answered.
        reply: Reply,
    },
    /// Tells a server that the roots have changed.
    TellRoots {
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
    },
    /// Follows the task of a call that an earlier connection began.
    FollowTask {
        /// Which call.
        call: CallId,
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
        /// The server's id of the task.
        task: String,
        /// Without a word from the task.
        timeout: Duration,
        /// At all.
        max_total: Duration,
    },
    /// Starts a sign-in at a server; reports [`crate::host::HostEvent::SignIn`].
    SignIn {
        /// Which server.
        server: ServerName,
    },
    /// Goes on with a sign-in by the address to which the browser was sent, where it could not reach us.
    FinishSignIn {
        /// Which server.
        server: ServerName,
        /// The address, with its code.
        redirect: String,
    },
    /// Gives up a sign-in that is under way.
    AbortSignIn {
        /// Which server.
        server: ServerName,
    },
    /// Forgets what was kept of a sign-in.
    SignOut {
        /// Which server.
        server: ServerName,
    },
    /// Puts these faults, and no others, between the host and a server, on this connection and the next ones.
    SetFaults {
        /// Which server.
        server: ServerName,
        /// All that are on.
        faults: Faults,
    },
    /// Asks whether it lives, in the way that its era allows.
    Probe {
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
    },
    /// Sends a tool call.
    Call {
        /// Which call.
        call: CallId,
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
        /// What is asked for.
        method: Method,
        /// The server's own name of the tool or prompt, or the resource's URI.
        tool: String,
        /// The arguments, one line of JSON, sent byte for byte.
        arguments: String,
        /// Without progress.
        timeout: Duration,
        /// With progress.
        max_total: Duration,
    },
    /// Cancels a call that may be under way.
    CancelCall {
        /// Which call.
        call: CallId,
        /// Which server.
        server: ServerName,
        /// Which connection.
        generation: Generation,
    },
    /// Asks the model.
    StreamModel {
        /// The number of the stream.
        stream: StreamId,
        /// What is asked.
        request: ModelRequest,
    },
    /// Drops a stream.
    AbortModel {
        /// Which.
        stream: StreamId,
    },
    /// Lists, reads or deletes saved sessions.
    Session(SessionWish),
    /// Looks for a model by the configuration, the environment and on loopback.
    FindModel,
    /// Reports [`crate::host::event::HostEvent::Timer`] after this time.
    SetTimer {
        /// Which.
        timer: TimerId,
        /// From now.
        after: Duration,
    },
    /// Writes something down.
    Keep(Keep),
}
