//! `mcpdeck serve NAME`: one of our own MCP servers on stdin and stdout, or over HTTP.

mod database;
mod http;
mod replay;
mod rules;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use tokio::runtime::Builder;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::output;
use crate::servers::guard::Guard;
use crate::servers::{Access, ServeError, Serving, conformance, crm, filesystem, scripted};
use database::DatabaseArgs;
use http::HttpArgs;
use replay::ReplayArgs;
use rules::RuleArgs;

/// What `--help` says below the list of servers.
const OTHERS: &str = "\
To serve others, let them show tokens:
  mcpdeck token keygen --out key
  mcpdeck serve filesystem ROOT --http 0.0.0.0:8080 --token-alg EdDSA --token-key key.pub \\
      --token-issuer https://me.example --token-audience deck --token-deny revoked --audit audit
  mcpdeck token issue --key key --iss https://me.example --aud deck --sub ann \\
      --scope 'tool:list_directory resources' --ttl 12h
Scopes: `tool:NAME`, `tool:*`, `resources`, `prompts`. A line of the file `revoked` is a token's `jti` or `sub:NAME`.
`mcpdeck serve NAME --help` shows all flags; `mcpdeck audit verify FILE` checks the record of calls.";

/// `mcpdeck serve ...`
#[derive(Debug, Args)]
#[command(after_help = OTHERS)]
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
        common: Box<Common>,
    },
    /// A database: list tables, read schemas, query, explain, change rows, run scripts.
    Database(DatabaseArgs),
    /// A CRM: contacts, companies, opportunities, notes and activities in a store that is made when it is new.
    Crm {
        /// `sqlite:FILE` or `postgres://...`; a file in the data directory when absent.
        #[arg(env = "MCPDECK_DATABASE_URL", hide_env_values = true)]
        url: Option<String>,
        /// Offer only the tools that change nothing.
        #[arg(long)]
        read_only: bool,
        #[command(flatten)]
        common: Box<Common>,
    },
    /// The server that the official conformance suite is run against.
    #[command(hide = true)]
    Conformance {
        #[command(flatten)]
        common: Box<Common>,
    },
    /// A recorded server: answers as it did when a session was recorded, on stdin and stdout, with nothing of it there.
    Replay(ReplayArgs),
    /// A server that replays a script, well or badly behaved; for tests.
    #[command(hide = true)]
    Scripted {
        /// The script.
        script: PathBuf,
    },
}

/// What every served server takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Common {
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    rules: RuleArgs,
}

/// Runs the server until its clients are gone or it is told to end.
pub fn run(args: ServeArgs, global: &Global) -> Result<ExitCode, CliError> {
    match args.server {
        Served::Filesystem {
            roots,
            read_only,
            common,
        } => block_on(common, global, async |serving| {
            filesystem::serve(roots, access(read_only), serving).await
        }),
        Served::Database(DatabaseArgs { what, common }) => {
            block_on(common, global, async |serving| what.serve(serving).await)
        }
        Served::Crm {
            url,
            read_only,
            common,
        } => block_on(common, global, async |serving| {
            crm::serve(url.as_deref(), access(read_only), serving).await
        }),
        Served::Conformance { common } => block_on(common, global, conformance::serve),
        Served::Replay(what) => replay::run(&what),
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

/// One thread is enough for a pipe to one client, as the tools run on threads of their own; many clients want more.
fn block_on(
    common: Box<Common>,
    global: &Global,
    server: impl AsyncFnOnce(Serving) -> Result<(), ServeError>,
) -> Result<ExitCode, CliError> {
    let mut threads = match common.http.http {
        Some(_) => Builder::new_multi_thread(),
        None => Builder::new_current_thread(),
    };
    let secrets = [common.http.secret(), common.rules.secret()];
    for file in secrets.into_iter().flatten().filter(|f| is_open(f)) {
        let file = file.display();
        output::note(&format!(
            "warning: every user of this machine can read `{file}`; run `chmod 600 {file}`"
        ));
    }
    let runtime = threads
        .enable_all()
        .build()
        .map_err(|error| refusal(ServeError::Io(error)))?;
    let outcome = runtime.block_on(async {
        let guard = Guard::open(common.rules.options()).await;
        let guard = guard.map_err(|error| CliError::new(ErrorKind::Usage, error.to_string()))?;
        let transport = common.http.transport(global)?;
        server(Serving { transport, guard }).await.map_err(refusal)
    });
    // A thread that still waits on stdin must not hold the process.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Whether others than the owner and his group may read or write a file.
#[cfg(unix)]
fn is_open(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|data| data.permissions().mode() & 0o007 != 0)
}

/// Other systems have other rights.
#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
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
        ServeError::Bind { .. } => CliError::new(ErrorKind::Usage, message)
            .hint("give an address of this machine and a free port, or port 0 for any: `--http 127.0.0.1:0`"),
        ServeError::Unguarded(_) => CliError::new(ErrorKind::Usage, message)
            .hint("ask for tokens: `--token-alg EdDSA --token-key FILE --token-issuer ISSUER --token-audience AUDIENCE`")
            .hint("`mcpdeck token keygen` makes a key, `mcpdeck token issue` a token")
            .hint("or listen on loopback: `--http 127.0.0.1:PORT`"),
        ServeError::Http(_) => CliError::new(ErrorKind::Usage, message),
        ServeError::Store { .. } => CliError::new(ErrorKind::Usage, message).hint(
            "write `sqlite:FILE` or `postgres://...`: `mcpdeck serve crm URL`; nothing was changed",
        ),
        ServeError::Handshake(_) => CliError::new(ErrorKind::Server, message)
            .hint("this command speaks MCP on stdin and stdout; an MCP host starts it"),
        ServeError::Record(_) | ServeError::Io(_) => CliError::new(ErrorKind::Server, message),
    }
}
