//! `mcpdeck` without a subcommand: the terminal program on the configured servers.
//!
//! Introduces the driver to the terminal: neither knows the other.

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::agent::model::script::Script;
use crate::app::{App, Here, Opening};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::resume::ResumeArgs;
use crate::cli::setup;
use crate::config::{Config, Provider};
use crate::driver::{Clock, Driver};
use crate::host::{Command, Host, Settings};
use crate::terminal::{self, Ended, Outside};

/// Columns and rows until the terminal has been asked.
const SIZE: (u16, u16) = (80, 24);

/// Opens the terminal program.
pub fn open(global: &Global, begin: &ResumeArgs) -> Result<ExitCode, CliError> {
    let clock = Clock::start();
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CliError::new(ErrorKind::Usage, "stdin and stdout must be a terminal")
            .hint("without one, use `mcpdeck ask PROMPT`, `mcpdeck list` or `mcpdeck call SERVER TOOL`"));
    }
    let config = setup::config(global)?;
    let opening = begin.opening(&config)?;
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(run(config, global, clock, begin.keeps(), opening))?;
    // A thread that still reads stdin must not hold the process.
    runtime.shutdown_background();
    Ok(match ended {
        Ended::Quit | Ended::Gone => ExitCode::SUCCESS,
        Ended::Signal(number) => ExitCode::from(u8::try_from(128 + number).unwrap_or(1)),
    })
}

async fn run(
    config: Config,
    global: &Global,
    clock: Clock,
    keeps_sessions: bool,
    opening: Option<Opening>,
) -> Result<Ended, CliError> {
    let script = script(&config);
    let settings = Settings {
        keeps_sessions,
        ..setup::settings(&config)
    };
    let host = Host::new(&config, settings);
    let mut app = App::new(host, SIZE, config.ui.theme);
    app.opening = opening;
    app.here = Here {
        folder: setup::folder(),
        home: std::env::home_dir(),
    };
    let (mut driver, mut receivers) = setup::driver(config, global, true, clock, keeps_sessions)?;
    let outside = Outside {
        events: &mut receivers.events,
        wire: &mut receivers.wire,
        suggest: &mut |last| script.as_ref()?.suggestion_after(last).map(str::to_owned),
        perform: &mut |effect| driver.perform(effect),
        clock,
    };
    let ended = terminal::run(&mut app, outside).await;
    leave(&mut app, &mut driver, clock);
    let closed = driver.shutdown(receivers.events).await;
    let ended = ended.map_err(|error| {
        CliError::new(ErrorKind::Usage, format!("the terminal failed: {error}"))
    })?;
    closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
    Ok(ended)
}

/// What the model has said so far is kept, and its calls are cancelled.
fn leave(app: &mut App, driver: &mut Driver, clock: Clock) {
    if app.host.is_busy() {
        let effects = app.host.command(Command::Interrupt, clock.now());
        effects
            .into_iter()
            .for_each(|effect| driver.perform(effect));
    }
}

/// The script's next prompts; one that cannot be read is reported by the search for a model.
fn script(config: &Config) -> Option<Script> {
    let path = config
        .model
        .script
        .as_ref()
        .filter(|_| config.model.provider == Provider::Scripted)?;
    Script::parse(&std::fs::read_to_string(path).ok()?).ok()
}
