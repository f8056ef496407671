//! The MCP servers that the binary carries. They import nothing of the layers above; only `cli::serve` starts them.
//!
//! A server is a `toolbox::Toolbox`: a state and a table of tools, each a plain blocking function from checked arguments to
//! an answer. `stdio` serves a toolbox to one client, in both eras of the protocol.

pub mod database;
pub mod filesystem;
pub mod scripted;

mod nearest;
mod stdio;
mod toolbox;

use std::path::PathBuf;

/// What a served server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only the tools that change nothing are listed and callable.
    ReadOnly,
    /// All tools.
    ReadWrite,
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
    /// The client broke the protocol before the first call.
    #[error("the client did not begin an MCP session: {0}")]
    Handshake(String),
    /// The runtime or a signal handler could not be had.
    #[error("cannot run the server: {0}")]
    Io(#[from] std::io::Error),
}
