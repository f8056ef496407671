//! `mcpdeck` without a subcommand: the terminal program on the configured servers.
//!
//! Introduces the driver to the terminal: neither knows the other.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::agent::model::script::Script;
use crate::app::{App, Here};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::resume::ResumeArgs;
use crate::cli::setup;
use crate::config::{Config, Environment, Permitted, Provider, TrustBook};
use crate::driver::watching::Watch;
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
    let book = setup::trust_book();
    // Before the files are read: what is written from here on is news.
    let watch = Watch::begin(global.flags(), Environment::read(), book.clone());
    let permitted = setup::permitted_by(global, &book)?;
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(run(permitted, global, clock, (watch, book), begin))?;
    // A thread that still reads stdin must not hold the process.
    runtime.shutdown_background();
    Ok(match ended {
        Ended::Quit | Ended::Gone => ExitCode::SUCCESS,
        Ended::Signal(number) => ExitCode::from(u8::try_from(128 + number).unwrap_or(1)),
    })
}

async fn run(
    permitted: Permitted,
    global: &Global,
    clock: Clock,
    (watch, book): (Watch, TrustBook),
    begin: &ResumeArgs,
) -> Result<Ended, CliError> {
    let config = match &permitted {
        Permitted::Runs(config) => config.clone(),
        Permitted::Asks(asks) => asks.without.clone(),
    };
    setup::begin(&config);
    let mut app = app(&permitted, &config, begin)?;
    let script = RefCell::new(script(&config));
    let config = Arc::unwrap_or_clone(config);
    let (driver, mut receivers) = setup::driver(config, global, true, clock, begin.keeps())?;
    let driver = RefCell::new(driver);
    let (news, mut heard) = mpsc::channel(4);
    let watching = tokio::spawn(watch.run(news));
    let outside = Outside {
        events: &mut receivers.events,
        wire: &mut receivers.wire,
        suggest: &mut |last| {
            let script = script.borrow();
            script.as_ref()?.suggestion_after(last).map(str::to_owned)
        },
        news: &mut heard,
        configure: &mut |config| {
            script.replace(self::script(&config));
            setup::redactor(&config);
            driver.borrow_mut().reconfigure(config);
        },
        see: &mut |host| driver.borrow_mut().see(host),
        trust: &mut |folder| book.trust(folder).map_err(|error| error.to_string()),
        perform: &mut |effect| driver.borrow_mut().perform(effect),
        clock,
    };
    let ended = terminal::run(&mut app, outside).await;
    watching.abort();
    let mut driver = driver.into_inner();
    leave(&mut app, &mut driver, clock);
    let closed = driver.shutdown(receivers.events).await;
    let ended = ended.map_err(|error| {
        CliError::new(ErrorKind::Usage, format!("the terminal failed: {error}"))
    })?;
    closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
    Ok(ended)
}

/// The program before its first event.
fn app(permitted: &Permitted, config: &Config, begin: &ResumeArgs) -> Result<App, CliError> {
    let settings = Settings {
        keeps_sessions: begin.keeps(),
        ..setup::settings_that_stay(config)
    };
    let mut app = App::new(Host::new(config, settings), SIZE, config.ui.theme);
    app.notify = config.ui.notify;
    app.here = Here {
        folder: setup::folder(),
        home: std::env::home_dir(),
    };
    app.secrets = setup::redactor(config);
    app.opening = match permitted {
        Permitted::Runs(config) => begin.opening(config)?,
        Permitted::Asks(asks) => {
            app.ask_for_trust(asks.clone());
            begin.opening(&asks.with)?
        }
    };
    Ok(app)
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
