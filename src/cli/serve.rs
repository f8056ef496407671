//! `mcpdeck serve NAME`: one of our own MCP servers on stdin and stdout.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::error::{CliError, ErrorKind};
use crate::servers::database::Level;
use crate::servers::{Access, ServeError, Serving, database, filesystem, scripted};

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
    /// A database: list tables, read schemas, query, explain, change rows, run scripts.
    Database {
        /// `sqlite:FILE`, `sqlite::memory:`, a path to an SQLite file, or `postgres://USER@HOST/DATABASE`. A password in
        /// it shows in the list of processes: let PGPASSWORD or ~/.pgpass hold it.
        url: String,
        /// What the tools may do.
        #[arg(long, value_enum, value_name = "ACCESS", default_value_t = DatabaseAccess::Changes)]
        access: DatabaseAccess,
        /// The same as `--access read-only`.
        #[arg(long, conflicts_with = "access")]
        read_only: bool,
        /// Serve PostgreSQL even to a role that no read-only transaction binds: a superuser, or one that reaches files or programs.
        #[arg(long)]
        allow_superuser: bool,
    },
    /// A server that replays a script, well or badly behaved; for tests.
    #[command(hide = true)]
    Scripted {
        /// The script.
        script: PathBuf,
    },
}

/// What the tools of the database server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatabaseAccess {
    /// Read: no tool changes anything.
    ReadOnly,
    /// Read, and insert, update and delete rows. An SQLite file is put into WAL mode by the first change.
    Changes,
    /// All of it, and run scripts of any SQL: tables can be made, altered and dropped.
    ReadWrite,
}

/// Runs the server until its stdin closes.
pub fn run(args: ServeArgs) -> Result<ExitCode, CliError> {
    match args.server {
        Served::Filesystem { roots, read_only } => block_on(filesystem::serve(
            roots,
            access(read_only),
            Serving::default(),
        )),
        Served::Database {
            url,
            access,
            read_only,
            allow_superuser,
        } => block_on(database::serve(
            &url,
            level(access, read_only),
            allow_superuser,
            Serving::default(),
        )),
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

fn level(access: DatabaseAccess, read_only: bool) -> Level {
    match access {
        _ if read_only => Level::ReadOnly,
        DatabaseAccess::ReadOnly => Level::ReadOnly,
        DatabaseAccess::Changes => Level::Changes,
        DatabaseAccess::ReadWrite => Level::ReadWrite,
    }
}

/// One thread is enough for a pipe to one client: the tools run on threads of their own.
fn block_on(server: impl Future<Output = Result<(), ServeError>>) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
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
            .hint("write `sqlite:FILE`, a path to an SQLite file, or `postgres://USER@HOST/DATABASE`"),
        ServeError::Remote { .. } => CliError::new(ErrorKind::Server, message)
            .hint("the password may stand in PGPASSWORD or ~/.pgpass; `sslmode` in the URL says how the way is protected"),
        ServeError::Database { .. } => CliError::new(ErrorKind::Usage, message)
            .hint("give a file that exists and is an SQLite database"),
        ServeError::Handshake(_) => CliError::new(ErrorKind::Server, message)
            .hint("this command speaks MCP on stdin and stdout; an MCP host starts it"),
        ServeError::Io(_) => CliError::new(ErrorKind::Server, message),
    }
}
