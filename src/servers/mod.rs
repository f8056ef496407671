//! The MCP servers that the binary carries. They import nothing of the layers above; only `cli::serve` starts them.
//!
//! A server is a `toolbox::Toolbox`: a state and a table of tools, each a plain blocking function from checked arguments to
//! an answer. `stdio` serves a toolbox to one client and `http` to any number, in both eras of the protocol; every call passes the
//! `guard`.

pub mod conformance;
pub mod crm;
pub mod database;
pub mod filesystem;
pub mod guard;
pub mod http;
pub mod replay;
pub mod scripted;

mod nearest;
#[cfg(feature = "postgres")]
mod postgres;
mod served;
mod sqlite;
mod stdio;
mod toolbox;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use guard::Guard;
use served::Served;
use toolbox::Toolbox;

/// What a served server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only the tools that change nothing are listed and callable.
    ReadOnly,
    /// All tools.
    ReadWrite,
}

/// How a server reaches its clients, and under which rules.
#[derive(Debug, Default)]
pub struct Serving {
    /// The way to the clients.
    pub transport: Transport,
    /// What every call passes.
    pub guard: Arc<Guard>,
}

/// The way to the clients.
#[derive(Debug, Default)]
pub enum Transport {
    /// One client, on stdin and stdout.
    #[default]
    Stdio,
    /// Any number of clients, over Streamable HTTP.
    Http(Box<http::Options>),
}

/// Serves a toolbox until its clients are gone or the process is told to end.
async fn serve<S: Send + Sync + 'static>(
    toolbox: Toolbox<S>,
    serving: Serving,
) -> Result<(), ServeError> {
    let guard = serving.guard;
    let (running, ready) = (toolbox.running(), toolbox.readiness());
    let toolbox = toolbox.guarded(guard.clone());
    let work = http::Work {
        handler: Served::new(match serving.transport {
            Transport::Stdio => toolbox.for_one_client(),
            Transport::Http(_) => toolbox,
        }),
        guard,
        running,
        ready,
    };
    serve_work(work, serving.transport).await
}

/// Serves any handler.
async fn serve_work(work: http::Work, transport: Transport) -> Result<(), ServeError> {
    let guard = work.guard.clone();
    let served = match transport {
        Transport::Stdio => stdio::serve(work.handler, work.running).await,
        Transport::Http(options) => http::serve(work, *options).await,
    };
    let recorded = guard.flush().await.map_err(ServeError::Record);
    served.and(recorded)
}

/// Why a server did not start, or stopped before its client left.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A folder that cannot be served.
    #[error("cannot serve the folder `{}`: {source}", path.display())]
    Root {
        /// The folder as given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A database URL of a kind that is not served.
    #[error("cannot serve the database `{url}`: {why}")]
    Url {
        /// The URL as given, without its password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A database that cannot be opened.
    #[error("cannot open the database `{}`: {why}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An address that cannot be listened on.
    #[error("cannot listen on `{address}`: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address that others can reach, and nobody is asked who he is.
    #[error("`{0}` can be reached from other machines, and no token is asked for")]
    Unguarded(SocketAddr),
    /// Something that serving over HTTP was given is not good.
    #[error("cannot serve over HTTP: {0}")]
    Http(String),
    /// A CRM's store that cannot be opened.
    #[error("cannot open the CRM's store `{store}`: {why}")]
    Store {
        /// The store, without its password.
        store: String,
        /// What is wrong with it.
        why: String,
    },
    /// A database server that does not let us in, or not as this role.
    #[error("cannot serve the database `{shown}`: {why}")]
    Remote {
        /// The URL without its password.
        shown: String,
        /// What the server or we have against it.
        why: String,
    },
    /// The client broke the protocol before the first call.
    #[error("the client did not begin an MCP session: {0}")]
    Handshake(String),
    /// The last calls could not be recorded.
    #[error("{0}")]
    Record(String),
    /// The runtime or a signal handler could not be had.
    #[error("cannot run the server: {0}")]
    Io(#[from] std::io::Error),
}
