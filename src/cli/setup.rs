//! From arguments to a running host: the configuration, the driver, and the folder for data.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use directories::ProjectDirs;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::logs;
use crate::cli::output;
use crate::cli::recorded;
use crate::config::{self, Config, Environment, Permitted, TrustBook};
use crate::driver::headless::Headless;
use crate::driver::metrics::{self, Metrics, OpenError};
use crate::driver::sessions::Place;
use crate::driver::{Clock, Driver, Options, Receivers, Records, traces};
use crate::host::{Host, Settings};
use crate::mcp::auth::Store;
use crate::mcp::pins::Pins;
use crate::mcp::wire::file::WireFile;
use crate::mcp::wire::redact::Redactor;
use crate::mcp::wire::secrets;
use crate::record::{Kind, Sink};
use crate::text::clean;

/// Reads the configuration of a headless run; its warnings go to stderr. A folder's file that nobody has agreed to is refused.
pub fn config(global: &Global) -> Result<Config, CliError> {
    config_by(global, &trust_book())
}

/// The same with this book of trust, which a yes for this run is written into.
pub fn config_by(global: &Global, book: &TrustBook) -> Result<Config, CliError> {
    match permitted_by(global, book)? {
        Permitted::Runs(config) => {
            begin(&config);
            Ok(Arc::unwrap_or_clone(config))
        }
        Permitted::Asks(asks) => Err(super::trust::refused(&asks)),
    }
}

/// Reads the configuration for a command that starts nothing and sends nothing: a folder's file needs no trust.
pub fn config_to_read(global: &Global) -> Result<Config, CliError> {
    let config = config::load(&global.flags(), &Environment::read())
        .map_err(|error| crate::cli::config::refused(&error))?;
    begin(&config);
    Ok(config)
}

/// Reads the configuration as far as it may run. `--trust` is a yes for what is there now, and for this run.
pub fn permitted(global: &Global) -> Result<Permitted, CliError> {
    permitted_by(global, &trust_book())
}

/// The same with this book of trust, which a yes for this run is written into.
pub fn permitted_by(global: &Global, book: &TrustBook) -> Result<Permitted, CliError> {
    let permitted = config::load_permitted(&global.flags(), &Environment::read(), book)
        .map_err(|error| crate::cli::config::refused(&error))?;
    match permitted {
        Permitted::Asks(asks) if global.trust => {
            book.trust_now(&asks.folder);
            Ok(Permitted::Runs(asks.with.clone()))
        }
        permitted => Ok(permitted),
    }
}

/// The folders' files that the person has agreed to.
pub fn trust_book() -> TrustBook {
    TrustBook::in_folder(&data_dir())
}

/// What a run begins with once its configuration is known: secrets are hidden, the log is open, and what is doubtful is said.
pub fn begin(config: &Config) {
    let redactor = redactor(config);
    output::hide(redactor.clone());
    logs::begin(data_dir().join("logs"), config.log, redactor);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        process = std::process::id(),
        "started"
    );
    for file in &config.files {
        tracing::info!(file = %file.display(), "configuration read");
    }
    for warning in &config.warnings {
        tracing::warn!(warning, "configuration");
        output::note(&format!("warning: {}", clean::block(warning)));
    }
}

/// The host's settings as this configuration and this machine give them.
pub fn settings(config: &Config) -> Settings {
    Settings {
        limits: config.limits.clone(),
        mode: config.model.mode,
        results_dir: data_dir()
            .join("results")
            .join(std::process::id().to_string()),
        eras: crate::driver::eras::load(&eras_file()),
        eras_file: Some(eras_file()),
        seed: seed(),
        pins: pins(),
        pins_file: Some(pins_file()),
        ..Settings::default()
    }
}

/// Knows every secret of the configuration. There is one for the whole program, which learns those of each further configuration:
/// that of a folder once it is trusted, and one that was read again.
pub fn redactor(config: &Config) -> Arc<Redactor> {
    static KNOWN: OnceLock<Arc<Redactor>> = OnceLock::new();
    let known = KNOWN.get_or_init(Arc::default);
    for secret in secrets::of_all(config, |name| std::env::var(name).ok()) {
        known.learn(&secret);
    }
    known.clone()
}

/// The record of calls of this person.
pub fn audit_file() -> PathBuf {
    data_dir().join("audit").join("calls.jsonl")
}

/// What is recorded, counted and traced. Must be called inside a tokio runtime.
fn records(config: &Config, global: &Global) -> Result<Records, CliError> {
    let metrics = match global.metrics {
        Some(address) => Some(open_metrics(address, global.metrics_any_host)?),
        None => None,
    };
    Ok(Records {
        audit: Some(audit_file()),
        redactor: redactor(config),
        metrics,
        traces: traces::begin(),
    })
}

fn open_metrics(address: SocketAddr, any_host: bool) -> Result<Arc<Metrics>, CliError> {
    let metrics = Arc::new(Metrics::new());
    let opened = metrics::open(address, any_host, metrics.clone());
    let place = opened.map_err(|error| no_metrics(&error))?;
    output::note(&format!("metrics: http://{place}/metrics"));
    if !metrics::is_loopback(place.ip()) {
        output::note(
            "warning: other machines can read these metrics, which name your servers and tools",
        );
    }
    Ok(metrics)
}

/// What is to be done about an address for figures that cannot be had.
pub fn no_metrics(error: &OpenError) -> CliError {
    let hint = match error {
        OpenError::NotLoopback(_) => {
            "give an address of this machine, such as 127.0.0.1:9464, or say --metrics-any-host as well"
        }
        OpenError::Listen(..) => {
            "another program may have the port: give another one, or 0 for any"
        }
    };
    CliError::new(ErrorKind::Usage, format!("--metrics: {error}")).hint(hint)
}

/// A number that no other start of the program shares.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    // Each state has random keys of its own.
    RandomState::new().hash_one(std::process::id())
}

/// Which era each server spoke last.
fn eras_file() -> PathBuf {
    data_dir().join("eras.json")
}

/// The same for a front end that stays open: the lists of the last run are known at once, and kept for the next.
pub fn settings_that_stay(config: &Config) -> Settings {
    let folder = lists_dir();
    Settings {
        lists: crate::driver::lists::load(&folder, config),
        lists_dir: Some(folder),
        ..settings(config)
    }
}

/// What the servers offered last.
pub fn lists_dir() -> PathBuf {
    data_dir().join("lists")
}

/// What is pinned of the tools of each server; what is wrong with the file is said.
fn pins() -> Pins {
    let (pins, said) = crate::driver::pins::load(&pins_file());
    if let Some(said) = said {
        output::note(&format!("warning: {}", clean::block(&said)));
    }
    pins
}

/// Where that is.
pub fn pins_file() -> PathBuf {
    data_dir().join("pins.json")
}

/// Where mcpdeck keeps what it must not lose.
pub fn data_dir() -> PathBuf {
    match std::env::var_os("MCPDECK_DATA_DIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => match ProjectDirs::from("", "", "mcpdeck") {
            Some(dirs) => dirs.data_local_dir().to_owned(),
            None => std::env::temp_dir().join("mcpdeck"),
        },
    }
}

/// Where the conversations are kept.
fn sessions(config: &Config, clock: Clock) -> Place {
    let mut place = Place::new(data_dir(), folder(), config.files.last().cloned(), clock);
    place.redactor = redactor(config);
    place
}

/// The folder in which mcpdeck runs.
pub fn folder() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// Where sign-ins are kept: in the system's keyring, unless the person has named a folder for everything.
pub fn credentials() -> Store {
    let named = std::env::var_os("MCPDECK_DATA_DIR").is_some_and(|folder| !folder.is_empty());
    Store::folder(data_dir().join("credentials"), !named)
}

/// A driver for this configuration. Must be called inside a tokio runtime.
pub fn driver(
    config: Config,
    global: &Global,
    live_wire: bool,
    clock: Clock,
    keeps_sessions: bool,
    recording: Option<Sink>,
) -> Result<(Driver, Receivers), CliError> {
    let kept = Kept {
        credentials: credentials(),
        records: records(&config, global)?,
        sessions: keeps_sessions,
        recording,
    };
    driver_with(config, global, live_wire, clock, kept)
}

/// The program's own file, for the processes that are the same program.
pub fn own_binary() -> Result<PathBuf, CliError> {
    std::env::current_exe().map_err(|error| {
        let what = format!("cannot find the program's own file: {error}");
        CliError::new(ErrorKind::Server, what)
    })
}

/// What is kept of a run, and where.
struct Kept {
    credentials: Store,
    records: Records,
    sessions: bool,
    recording: Option<Sink>,
}

fn driver_with(
    config: Config,
    global: &Global,
    live_wire: bool,
    clock: Clock,
    kept: Kept,
) -> Result<(Driver, Receivers), CliError> {
    let own_binary = own_binary()?;
    let wire_log = global
        .wire_log
        .as_deref()
        .map(create_wire_log)
        .transpose()?;
    let sessions = kept.sessions.then(|| sessions(&config, clock));
    Ok(Driver::new(Options {
        sessions,
        config: Arc::new(config),
        own_binary,
        wire_log,
        live_wire,
        credentials: kept.credentials,
        records: kept.records,
        recording: kept.recording,
        clock,
    }))
}

/// A host and its driver without panes.
pub fn headless(config: Config, settings: Settings, global: &Global) -> Result<Headless, CliError> {
    let kept = Kept {
        credentials: credentials(),
        records: records(&config, global)?,
        sessions: settings.keeps_sessions,
        recording: None,
    };
    start(config, settings, global, kept)
}

/// The same, with sign-ins kept elsewhere and nothing recorded.
pub fn headless_with(
    config: Config,
    settings: Settings,
    global: &Global,
    credentials: Store,
) -> Result<Headless, CliError> {
    let kept = Kept {
        credentials,
        records: Records::default(),
        sessions: settings.keeps_sessions,
        recording: None,
    };
    start(config, settings, global, kept)
}

fn start(
    config: Config,
    settings: Settings,
    global: &Global,
    mut kept: Kept,
) -> Result<Headless, CliError> {
    let clock = Clock::start();
    // Whoever runs it wants the cause and an exit code, and can run it again.
    let settings = Settings {
        redials_at_start: false,
        ..settings
    };
    let begins = recorded::headless(&config, &settings);
    kept.recording = recorded::begin(global, &begins, Kind::Headless, clock, redactor(&config))?;
    let recording = kept.recording.clone();
    let host = Host::new(&config, settings);
    let (driver, receivers) = driver_with(config, global, false, clock, kept)?;
    Ok(Headless::new(host, driver, receivers, clock).recorded(recording))
}

/// Runs a headless subcommand to its end on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(work);
    // A thread that still reads an answer from stdin must not hold the process.
    runtime.shutdown_background();
    outcome
}

/// The runtime of every subcommand that talks to servers.
pub fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            CliError::new(
                ErrorKind::Server,
                format!("cannot start the runtime: {error}"),
            )
        })
}

/// Opens `--wire-log FILE`.
pub fn create_wire_log(path: &std::path::Path) -> Result<WireFile, CliError> {
    WireFile::create(path).map_err(|error| {
        CliError::new(
            ErrorKind::Usage,
            format!("cannot write the wire log {}: {error}", path.display()),
        )
        .hint("give --wire-log a file in a folder that exists and can be written to")
    })
}
