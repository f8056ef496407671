//! From arguments to a running host: the configuration, the driver, and the folder for data.

use std::path::PathBuf;
use std::sync::Arc;

use directories::ProjectDirs;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::logs;
use crate::cli::output;
use crate::config::{self, Config, Environment};
use crate::driver::headless::Headless;
use crate::driver::metrics::{self, Metrics, OpenError};
use crate::driver::{Clock, Driver, Options, Receivers, Records, traces};
use crate::host::{Host, Settings};
use crate::mcp::auth::Store;
use crate::mcp::wire::file::WireFile;
use crate::mcp::wire::redact::Redactor;
use crate::mcp::wire::secrets;
use crate::text::clean;

/// Reads the configuration; its warnings go to stderr.
pub fn config(global: &Global) -> Result<Config, CliError> {
    let config = config::load(&global.flags(), &Environment::read())
        .map_err(|error| crate::cli::config::refused(&error))?;
    let redactor = redactor(&config);
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
    Ok(config)
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
        ..Settings::default()
    }
}

/// Knows every secret of the configuration.
pub fn redactor(config: &Config) -> Arc<Redactor> {
    Arc::new(secrets::redactor(config, |name| std::env::var(name).ok()))
}

/// The record of calls of this person.
pub fn audit_file() -> PathBuf {
    data_dir().join("audit").join("calls.jsonl")
}

/// What is recorded, counted and traced. Must be called inside a tokio runtime.
fn records(config: &Config, global: &Global) -> Result<Records, CliError> {
    let metrics = match &global.metrics {
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

fn open_metrics(address: &str, any_host: bool) -> Result<Arc<Metrics>, CliError> {
    let metrics = Arc::new(Metrics::new());
    let place = metrics::open(address, any_host, metrics.clone()).map_err(|error| {
        let hint = match &error {
            OpenError::NotLoopback(_) => {
                "give an address of this machine, such as 127.0.0.1:9464, or say --metrics-any-host as well"
            }
            OpenError::NoAddress(_) => "write it as HOST:PORT or as a port, such as 9464",
            OpenError::Listen(..) => "another program may have the port: give another one, or 0 for any",
        };
        CliError::new(ErrorKind::Usage, format!("--metrics: {error}")).hint(hint)
    })?;
    output::note(&format!("metrics: http://{place}/metrics"));
    if !metrics::is_loopback(place.ip()) {
        output::note(
            "warning: other machines can read these metrics, which name your servers and tools",
        );
    }
    Ok(metrics)
}

/// Which era each server spoke last.
fn eras_file() -> PathBuf {
    data_dir().join("eras.json")
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
) -> Result<(Driver, Receivers), CliError> {
    let records = records(&config, global)?;
    driver_with(config, global, live_wire, clock, (credentials(), records))
}

fn driver_with(
    config: Config,
    global: &Global,
    live_wire: bool,
    clock: Clock,
    (credentials, records): (Store, Records),
) -> Result<(Driver, Receivers), CliError> {
    let own_binary = std::env::current_exe().map_err(|error| {
        CliError::new(
            ErrorKind::Server,
            format!("cannot find the program's own file: {error}"),
        )
    })?;
    let wire_log = global
        .wire_log
        .as_deref()
        .map(create_wire_log)
        .transpose()?;
    Ok(Driver::new(Options {
        config: Arc::new(config),
        own_binary,
        wire_log,
        live_wire,
        credentials,
        records,
        clock,
    }))
}

/// A host and its driver without panes.
pub fn headless(config: Config, settings: Settings, global: &Global) -> Result<Headless, CliError> {
    let records = records(&config, global)?;
    start(config, settings, global, (credentials(), records))
}

/// The same, with sign-ins kept elsewhere and nothing recorded.
pub fn headless_with(
    config: Config,
    settings: Settings,
    global: &Global,
    credentials: Store,
) -> Result<Headless, CliError> {
    start(config, settings, global, (credentials, Records::default()))
}

fn start(
    config: Config,
    settings: Settings,
    global: &Global,
    kept: (Store, Records),
) -> Result<Headless, CliError> {
    let clock = Clock::start();
    let host = Host::new(&config, settings);
    let (driver, receivers) = driver_with(config, global, false, clock, kept)?;
    Ok(Headless::new(host, driver, receivers, clock))
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

fn create_wire_log(path: &std::path::Path) -> Result<WireFile, CliError> {
    WireFile::create(path).map_err(|error| {
        CliError::new(
            ErrorKind::Usage,
            format!("cannot write the wire log {}: {error}", path.display()),
        )
        .hint("give --wire-log a file in a folder that exists and can be written to")
    })
}
