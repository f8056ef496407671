//! `mcpdeck serve NAME`: one of our own MCP servers on stdin and stdout, or over HTTP.

mod http;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tokio::runtime::Builder;

use crate::cli::error::{CliError, ErrorKind};
use crate::servers::{Access, ServeError, conformance, database, filesystem, scripted};
use http::HttpArgs;

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
        #[command(flatten)]
        http: HttpArgs,
    },
    /// A database: list tables, read schemas, query, insert.
    Database {
        /// `sqlite:FILE`, or a path to an SQLite file.
        url: String,
        /// Offer only the tools that change nothing.
        #[arg(long)]
        read_only: bool,
        #[command(flatten)]
        http: HttpArgs,
    },
    /// The server that the official conformance suite is run against.
    #[command(hide = true)]
    Conformance {
        #[command(flatten)]
        http: HttpArgs,
    },
    /// A server that replays a script, well or badly behaved; for tests.
    #[command(hide = true)]
    Scripted {
        /// The script.
        script: PathBuf,
    },
}

/// Runs the server until its clients are gone or it is told to end.
pub fn run(args: ServeArgs) -> Result<ExitCode, CliError> {
    match args.server {
        Served::Filesystem {
            roots,
            read_only,
            http,
        } => {
            let threads = http.threads();
            let server = filesystem::serve(roots, access(read_only), http.serving());
            block_on(threads, server)
        }
        Served::Database {
            url,
            read_only,
            http,
        } => {
            let threads = http.threads();
            let server = database::serve(&url, access(read_only), http.serving());
            block_on(threads, server)
        }
        Served::Conformance { http } => {
            block_on(http.threads(), conformance::serve(http.serving()))
        }
        Served::Scripted { script } => scripted::run(&script)
            .map(ExitCode::from)
            .map_err(|why| CliError::new(ErrorKind::Usage, why)),
    }
}

fn access(read_only: bool) -> Access {
    if read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    }
}

fn block_on(
    mut threads: Builder,
    server: impl Future<Output = Result<(), ServeError>>,
) -> Result<ExitCode, CliError> {
    let runtime = threads
        .enable_all()
        .build()
        .map_err(|error| refusal(ServeError::Io(error)))?;
    let outcome = runtime.block_on(server);
    // A thread that still waits on stdin must not hold the process.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS).map_err(refusal)
}

fn refusal(error: ServeError) -> CliError {
    let message = error.to_string();
    match error {
        ServeError::Root { .. } => CliError::new(ErrorKind::Usage, message)
            .hint("give folders that exist: `mcpdeck serve filesystem ROOT...`"),
        ServeError::Url { .. } => CliError::new(ErrorKind::Usage, message)
            .hint("write `sqlite:FILE`, or a path to an SQLite file"),
        ServeError::Database { .. } => CliError::new(ErrorKind::Usage, message)
            .hint("give a file that exists and is an SQLite database"),
        ServeError::Bind { .. } => CliError::new(ErrorKind::Usage, message)
            .hint("give an address of this machine and a free port, or port 0 for any: `--http 127.0.0.1:0`"),
        ServeError::Handshake(_) => CliError::new(ErrorKind::Server, message)
            .hint("this command speaks MCP on stdin and stdout; an MCP host starts it"),
        ServeError::Io(_) => CliError::new(ErrorKind::Server, message),
    }
}
