//! The MCP servers that the binary carries. They import nothing of the layers above; only `cli::serve` starts them.
//!
//! A server is a `toolbox::Toolbox`: a state and a table of tools, each a plain blocking function from checked arguments to
//! an answer. `stdio` serves a toolbox to one client, in both eras of the protocol; every call passes the `guard`.

pub mod database;
pub mod filesystem;
pub mod guard;
pub mod scripted;

mod nearest;
#[cfg(feature = "postgres")]
mod postgres;
mod stdio;
mod toolbox;

use std::path::PathBuf;
use std::sync::Arc;

use guard::Guard;
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
}

/// Serves a toolbox until its clients are gone or the process is told to end.
async fn serve<S: Send + Sync + 'static>(
    toolbox: Toolbox<S>,
    serving: Serving,
) -> Result<(), ServeError> {
    let toolbox = toolbox.guarded(serving.guard);
    match serving.transport {
        Transport::Stdio => stdio::serve(toolbox).await,
    }
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
    /// The runtime or a signal handler could not be had.
    #[error("cannot run the server: {0}")]
    Io(#[from] std::io::Error),
}
