//! From arguments to a running host: the configuration, the driver, and the folder for data.

use std::path::PathBuf;
use std::sync::Arc;

use directories::ProjectDirs;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::output;
use crate::config::{self, Config, Environment};
use crate::driver::headless::Headless;
use crate::driver::{Clock, Driver, Options, Receivers};
use crate::host::{Host, Settings};
use crate::mcp::auth::Store;
use crate::mcp::pins::Pins;
use crate::mcp::wire::file::WireFile;
use crate::text::clean;

/// Reads the configuration; its warnings go to stderr.
pub fn config(global: &Global) -> Result<Config, CliError> {
    let config = config::load(&global.flags(), &Environment::read())
        .map_err(|error| crate::cli::config::refused(&error))?;
    for warning in &config.warnings {
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
        pins: pins(),
        pins_file: Some(pins_file()),
        ..Settings::default()
    }
}

/// Which era each server spoke last.
fn eras_file() -> PathBuf {
    data_dir().join("eras.json")
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
    driver_with(config, global, live_wire, clock, credentials())
}

fn driver_with(
    config: Config,
    global: &Global,
    live_wire: bool,
    clock: Clock,
    credentials: Store,
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
        clock,
    }))
}

/// A host and its driver without panes.
pub fn headless(config: Config, settings: Settings, global: &Global) -> Result<Headless, CliError> {
    headless_with(config, settings, global, credentials())
}

/// The same, with sign-ins kept elsewhere.
pub fn headless_with(
    config: Config,
    settings: Settings,
    global: &Global,
    credentials: Store,
) -> Result<Headless, CliError> {
    let clock = Clock::start();
    let host = Host::new(&config, settings);
    let (driver, receivers) = driver_with(config, global, false, clock, credentials)?;
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
