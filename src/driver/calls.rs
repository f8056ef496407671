//! The connections that stand, and the calls that go to them.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::host::HostEvent;
use crate::ids::{CallId, Generation, ServerName};
use crate::mcp::connection::{CallRequest, Connection};
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;

/// Every connection that has not been closed.
#[derive(Debug, Default)]
pub struct Connections {
    open: HashMap<(ServerName, Generation), Connection>,
    closing: JoinSet<()>,
}

impl Connections {
    /// Keeps a new connection.
    pub fn add(&mut self, server: ServerName, generation: Generation, connection: Connection) {
        self.open.insert((server, generation), connection);
    }

    /// The connection of this number.
    pub fn get(&self, server: &ServerName, generation: Generation) -> Option<&Connection> {
        self.open.get(&(server.clone(), generation))
    }

    /// Ends a connection in the background.
    pub fn close(&mut self, server: ServerName, generation: Generation) {
        if let Some(connection) = self.open.remove(&(server, generation)) {
            connection.close();
            self.closing.spawn(connection.closed());
        }
    }

    /// Ends every connection and waits until their processes are gone.
    pub async fn close_all(mut self) {
        for (_, connection) in self.open.drain() {
            connection.close();
            self.closing.spawn(connection.closed());
        }
        while self.closing.join_next().await.is_some() {}
    }
}

/// A call on its way to a connection.
#[derive(Debug)]
pub struct Outgoing {
    /// The call's number.
    pub call: CallId,
    /// The server.
    pub server: ServerName,
    /// The connection.
    pub generation: Generation,
    /// What is asked for.
    pub method: Method,
    /// The server's own name of the tool or prompt, or the resource's URI.
    pub tool: String,
    /// The arguments, one line of JSON.
    pub arguments: String,
    /// Without progress.
    pub timeout: Duration,
    /// With progress.
    pub max_total: Duration,
    /// What it carries, so that the server joins the trace.
    pub trace: Option<String>,
}

/// Sends a call; one that has no connection any more is reported as not sent.
pub fn send(
    connections: &Connections,
    out: Outgoing,
    events: &mpsc::Sender<HostEvent>,
    tasks: &mut JoinSet<()>,
) {
    let request = serde_json::from_str(&out.arguments).map(|arguments| CallRequest {
        call: out.call,
        method: out.method,
        tool: out.tool,
        arguments,
        timeout: out.timeout,
        max_total: out.max_total,
        trace: out.trace,
    });
    let why = match (connections.get(&out.server, out.generation), request) {
        (Some(connection), Ok(request)) => return connection.call(request),
        (Some(_), Err(error)) => format!("its arguments are no JSON object: {error}"),
        (None, _) => format!("server `{}` is not connected", out.server),
    };
    let event = ServerEvent::Call(out.call, CallEvent::Finished(CallOutcome::NotSent { why }));
    let event = HostEvent::Server {
        server: out.server,
        generation: out.generation,
        event,
    };
    let events = events.clone();
    tasks.spawn(async move {
        let _gone = events.send(event).await;
    });
}
