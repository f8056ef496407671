//! `mcpdeck proxy`: mcpdeck between another client and its server, so that `mcpdeck attach`, `--record` and `--wire-log` see what
//! they say.
//!
//! With `--stdio` a client starts this in place of its server; with `--listen` it is given a URL. The passing on is `mcp::proxy`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use tokio_util::sync::CancellationToken;

use crate::cli::address::address;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::target::Target;
use crate::cli::{output, recorded, setup};
use crate::config::{Launch, ServerSpec};
use crate::driver::Clock;
use crate::ids::Generation;
use crate::mcp::connection::launch;
use crate::mcp::failure::Failure;
use crate::mcp::proxy::bridge::{Bridge, Source};
use crate::mcp::proxy::listen::{Behind, Door, OpenError};
use crate::mcp::proxy::token::Token;
use crate::mcp::proxy::upstream::Upstream;
use crate::mcp::proxy::{pipes, watch};
use crate::mcp::transport::child::Program;
use crate::mcp::wire::live::{self, LiveRecords};
use crate::mcp::wire::redact::Redactor;
use crate::mcp::wire::secrets;
use crate::mcp::wire::tap::Tap;
use crate::record::{Kind, Sink};
use crate::text::clean;

/// The variable with a token that stays the same, for clients whose configuration is written once.
const TOKEN: &str = "MCPDECK_PROXY_TOKEN";
/// Characters that such a token has at least.
const TOKEN_LENGTH: usize = 16;

/// `mcpdeck proxy ...`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("way").required(true)))]
pub struct ProxyArgs {
    /// Let clients in over HTTP at this address of this machine; a port alone will do, 0 is any
    #[arg(long, group = "way", value_name = "ADDR", value_parser = address)]
    pub listen: Option<SocketAddr>,
    /// Stand on stdin and stdout in place of the server: for a client that starts it
    #[arg(long, group = "way")]
    pub stdio: bool,
    /// The server.
    #[command(flatten)]
    pub target: Target,
}

/// What there is to stand in front of.
struct Server {
    spec: ServerSpec,
    /// For people.
    shown: String,
    /// Our whole environment is the server's, as if the client had started it.
    whole_environment: bool,
}

/// Stands between until one side ends.
pub fn run(args: &ProxyArgs, global: &Global) -> Result<ExitCode, CliError> {
    let server = server(&args.target, global)?;
    if args.stdio {
        return stdio(&server, global);
    }
    let address = args.listen.unwrap_or_else(|| ([127, 0, 0, 1], 0).into());
    setup::block_on(listen(&server, address, global))
}

fn server(target: &Target, global: &Global) -> Result<Server, CliError> {
    if target.protocol().is_some() {
        let what = "--protocol is of no use here: a proxy passes on what its client speaks";
        return Err(CliError::new(ErrorKind::Usage, what));
    }
    let config = target.config(global)?;
    if let Some(broken) = config.broken.first() {
        return Err(CliError::new(ErrorKind::Usage, broken.error.clone()));
    }
    let Some(mut spec) = config.servers.into_iter().next() else {
        return Err(CliError::new(ErrorKind::Usage, "there is no server"));
    };
    let shown = match &spec.launch {
        Launch::Http(http) => secrets::masked_url(http.shown_url()),
        launch => launch.identity(),
    };
    let whole_environment = !target.is_named();
    if let (Launch::Stdio(stdio), true) = (&mut spec.launch, whole_environment) {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        stdio.env_vars = names.collect();
    }
    // The shell has put variables into the command; those who look on see it, and so does the recording.
    let redactor = Redactor::new(secrets_of(&spec.launch).iter().map(String::as_str));
    Ok(Server {
        shown: clean::line(&redactor.redact(&shown)),
        spec,
        whole_environment,
    })
}

/// Where what passes is kept.
struct Kept {
    tap: Tap,
    recording: Option<Sink>,
    clock: Clock,
}

impl Kept {
    /// With the channel of those who look on.
    fn open(server: &Server, global: &Global) -> Result<(Self, LiveRecords), CliError> {
        let clock = Clock::start();
        let wire_log = global.wire_log.as_deref();
        let wire_log = wire_log.map(setup::create_wire_log).transpose()?;
        // Whoever replays it sees what `mcpdeck attach` would have shown.
        let start = recorded::attached(server.shown.clone());
        let redactor = setup::redactor(&start.config);
        let recording = recorded::begin(global, &start, Kind::Headless, clock, redactor.clone())?;
        let (live, records) = live::channel(watch::LIVE);
        let tap = Tap::recorded(
            clock.started(),
            wire_log,
            Some(live),
            recording.clone(),
            redactor,
        );
        let kept = Self {
            tap,
            recording,
            clock,
        };
        Ok((kept, records))
    }

    /// All that has been seen is in the files.
    async fn close(self) {
        let flushed = self.tap.flush().await;
        if let Err(why) = recorded::end(self.recording, flushed, self.clock) {
            output::note(&format!("warning: {why}"));
        }
    }
}

fn secrets_of(launch: &Launch) -> Vec<String> {
    secrets::of(launch, |name| std::env::var(name).ok())
}

/// The command, with its own environment beside ours or with what its table names.
fn program(server: &Server, own_binary: &Path) -> Result<Program, CliError> {
    let program = launch::program(&server.spec, own_binary).map_err(|failure| failed(&failure))?;
    let Some(program) = program else {
        let what = "--stdio stands in front of a command, and this one has a URL";
        return Err(CliError::new(ErrorKind::Usage, what).hint("use --listen 0 in front of a URL"));
    };
    if !server.whole_environment {
        return Ok(program);
    }
    // Also variables whose names or values are no Unicode.
    let mut env: BTreeMap<_, _> = std::env::vars_os().collect();
    env.extend(program.env);
    // It opens our own door, and is nothing to the server.
    env.remove(OsStr::new(TOKEN));
    Ok(Program { env, ..program })
}

fn failed(failure: &Failure) -> CliError {
    let error = CliError::new(ErrorKind::Server, failure.message.clone());
    match &failure.hint {
        Some(hint) => error.hint(hint.clone()),
        None => error,
    }
}

/// Where proxies tell that they run.
pub fn folder() -> PathBuf {
    setup::data_dir().join("proxies")
}

/// Opens the door of `mcpdeck attach`. A proxy that cannot be looked into still is one.
async fn watched(
    server: &Server,
    listen: Option<SocketAddr>,
    tap: &Tap,
    records: LiveRecords,
) -> Option<watch::Door> {
    let shown = server.shown.clone();
    match watch::Door::open(&folder(), shown, listen, tap.clone(), records).await {
        Ok(door) => Some(door),
        Err(why) => {
            tracing::warn!(why, "nobody can look on");
            // stderr is the server's where we stand in its place.
            if listen.is_some() {
                output::note(&format!("warning: `mcpdeck attach` cannot look on: {why}"));
            }
            None
        }
    }
}

fn stdio(server: &Server, global: &Global) -> Result<ExitCode, CliError> {
    let own = setup::own_binary()?;
    let program = program(server, &own)?.watched(&own);
    let status = setup::block_on(async {
        let (kept, records) = Kept::open(server, global)?;
        let door = watched(server, None, &kept.tap, records).await;
        let secrets = secrets_of(&server.spec.launch);
        let redactor = Redactor::new(secrets.iter().map(String::as_str));
        let tap = &kept.tap;
        let connection = tap.connection(server.spec.name.clone(), Generation(1), redactor);
        let ran = pipes::run(&program, &connection).await;
        kept.close().await;
        if let Some(door) = door {
            door.close().await;
        }
        ran.map_err(|failure| failed(&failure))
    })?;
    Ok(ExitCode::from(pipes::end_like(status)))
}

fn token() -> Result<Token, CliError> {
    let Some(given) = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()) else {
        return Token::random().map_err(|why| CliError::new(ErrorKind::Server, why));
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if given.len() < TOKEN_LENGTH || !given.chars().all(is_plain) {
        let what = format!("{TOKEN} must be at least {TOKEN_LENGTH} letters, digits, `-` or `_`");
        return Err(CliError::new(ErrorKind::Usage, what)
            .hint("leave it out for a random one, or make one: openssl rand -hex 24"));
    }
    Ok(Token::known(given))
}

async fn listen(
    server: &Server,
    address: SocketAddr,
    global: &Global,
) -> Result<ExitCode, CliError> {
    let (kept, records) = Kept::open(server, global)?;
    let behind = behind(server, &kept.tap)?;
    let door = Door::open(address, token()?, behind).await;
    let door = door.map_err(|error| not_open(&error))?;
    let watched = watched(server, Some(door.address()), &kept.tap, records).await;
    output::lines(&door.url());
    output::note(&format!("in front of: {}", server.shown));
    if let Some(watched) = &watched {
        let pid = watched.running.pid;
        output::note(&format!("look on with: mcpdeck attach {pid}"));
    }
    let stop = CancellationToken::new();
    let mut interrupt = Interrupt::listen();
    let asked = stop.clone();
    tokio::spawn(async move {
        interrupt.wait().await;
        asked.cancel();
    });
    door.serve(stop).await;
    kept.close().await;
    if let Some(watched) = watched {
        watched.close().await;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the door leads to.
fn behind(server: &Server, tap: &Tap) -> Result<Behind, CliError> {
    let secrets = secrets_of(&server.spec.launch);
    if let Launch::Http(launch) = &server.spec.launch {
        let redactor = Redactor::new(secrets.iter().map(String::as_str));
        let tap = tap.connection(server.spec.name.clone(), Generation(1), redactor);
        let upstream = Upstream::new(launch, tap);
        let upstream = upstream.map_err(|why| CliError::new(ErrorKind::Usage, why))?;
        return Ok(Behind::Url(upstream));
    }
    let own = setup::own_binary()?;
    Ok(Behind::Pipes(Bridge::new(Source {
        // A child of ours ends with us, whatever happens.
        program: program(server, &own)?.supervised(&own),
        tap: tap.clone(),
        name: server.spec.name.clone(),
        secrets,
    })))
}

fn not_open(error: &OpenError) -> CliError {
    let hint = match error {
        OpenError::NotLoopback(_) => {
            "give an address of this machine, such as 127.0.0.1:9000; from elsewhere, use a tunnel (ssh -L)"
        }
        OpenError::Listen(..) => {
            "another program may have the port: give another one, or 0 for any"
        }
    };
    CliError::new(ErrorKind::Usage, format!("--listen: {error}")).hint(hint)
}
