//! `mcpdeck` without a subcommand: the terminal program on the configured servers.
//!
//! Introduces the driver to the terminal: neither knows the other.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::agent::model::script::Script;
use crate::app::recorded::{Inspected, Start};
use crate::app::{App, Here};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::recorded;
use crate::cli::resume::ResumeArgs;
use crate::cli::setup;
use crate::config::{Config, Environment, News, Permitted, Provider, TrustBook};
use crate::driver::touched::Sources;
use crate::driver::watching::Watch;
use crate::driver::{Clock, Driver};
use crate::host::{Command, Settings};
use crate::record::form::name;
use crate::record::{Kind, Said, Sink};
use crate::terminal::{self, Ended, Outside, Recording};

/// Columns and rows until the terminal has been asked.
const SIZE: (u16, u16) = (80, 24);

/// What the terminal program is opened on.
pub struct Deck<'a> {
    /// The configuration, as far as it may run.
    pub permitted: Permitted,
    /// What may run is written into it.
    pub book: TrustBook,
    /// The files whose changes are news.
    pub files: Files,
    /// Which conversation it begins with.
    pub begin: &'a ResumeArgs,
    /// The host's settings of that configuration.
    pub settings: fn(&Config) -> Settings,
    /// The last word before the first frame.
    pub prepare: Box<dyn FnOnce(&mut App) + 'a>,
}

/// The files whose changes are news.
pub enum Files {
    /// Those of the configuration.
    Config(Box<Watch>),
    /// Those that a server is made of.
    Sources(Sources),
}

impl Files {
    fn spawn(self, news: mpsc::Sender<News>) -> tokio::task::JoinHandle<()> {
        match self {
            Self::Config(watch) => tokio::spawn(watch.run(news)),
            Self::Sources(sources) => tokio::spawn(sources.run(news)),
        }
    }
}

/// Opens the terminal program on the configuration.
pub fn open(global: &Global, begin: &ResumeArgs) -> Result<ExitCode, CliError> {
    let clock = Clock::start();
    in_terminal(
        "without one, use `mcpdeck ask PROMPT`, `mcpdeck list` or `mcpdeck call SERVER TOOL`",
    )?;
    let book = setup::trust_book();
    // Before the files are read: what is written from here on is news.
    let watch = Watch::begin(global.flags(), Environment::read(), book.clone());
    let permitted = setup::permitted_by(global, &book)?;
    setup::begin(&running(&permitted));
    let deck = Deck {
        permitted,
        book,
        files: Files::Config(Box::new(watch)),
        begin,
        settings: setup::settings_that_stay,
        prepare: Box::new(|_| {}),
    };
    show(deck, global, clock)
}

/// Whether there is a terminal to open it in.
pub fn in_terminal(hint: &str) -> Result<(), CliError> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(CliError::new(ErrorKind::Usage, "stdin and stdout must be a terminal").hint(hint))
}

/// Opens it on this.
pub fn show(deck: Deck<'_>, global: &Global, clock: Clock) -> Result<ExitCode, CliError> {
    let runtime = setup::runtime()?;
    let ended = runtime.block_on(run(deck, global, clock))?;
    // A thread that still reads stdin must not hold the process.
    runtime.shutdown_background();
    Ok(exit_code(ended))
}

/// What the program's end says to a shell.
pub fn exit_code(ended: Ended) -> ExitCode {
    match ended {
        Ended::Quit => ExitCode::SUCCESS,
        // As if the signal that tells of it had come.
        Ended::Gone => ExitCode::from(129),
        Ended::Signal(number) => ExitCode::from(u8::try_from(128 + number).unwrap_or(1)),
    }
}

async fn run(deck: Deck<'_>, global: &Global, clock: Clock) -> Result<Ended, CliError> {
    let (config, mut start) = start(&deck)?;
    let mut app = start.app();
    app.secrets = setup::redactor(&config);
    let (book, files, keeps) = (deck.book, deck.files, deck.begin.keeps());
    (deck.prepare)(&mut app);
    start.inspect = Inspected::of(&app);
    let secrets = app.secrets.clone();
    let sink = recorded::begin(global, &start, Kind::Terminal, clock, secrets)?;
    let script = RefCell::new(script(&config));
    let config = Arc::unwrap_or_clone(config);
    let recording = Recording(sink.clone());
    let (driver, mut receivers) = setup::driver(config, global, true, clock, keeps, sink.clone())?;
    let driver = RefCell::new(driver);
    let (news, mut heard) = mpsc::channel(4);
    let watching = files.spawn(news);
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
        recording,
        see: &mut |host| driver.borrow_mut().see(host),
        trust: &mut |folder| book.trust(folder).map_err(|error| error.to_string()),
        perform: &mut |effect| driver.borrow_mut().perform(effect),
        clock,
    };
    let ended = terminal::run(&mut app, outside).await;
    watching.abort();
    let mut driver = driver.into_inner();
    leave(&mut app, &mut driver, sink.as_ref(), clock);
    let closed = driver.shutdown(receivers.events).await;
    finish(ended, recorded::end(sink, closed, clock))
}

/// What the run came to: the terminal's failure first, then the driver's.
fn finish(ended: std::io::Result<Ended>, closed: Result<(), String>) -> Result<Ended, CliError> {
    let ended = ended.map_err(|error| no_terminal(&error))?;
    closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
    Ok(ended)
}

/// What may run of a configuration before anybody has said more.
fn running(permitted: &Permitted) -> Arc<Config> {
    match permitted {
        Permitted::Runs(config) => config.clone(),
        Permitted::Asks(asks) => asks.without.clone(),
    }
}

/// The terminal did not do as it was told.
pub fn no_terminal(error: &std::io::Error) -> CliError {
    CliError::new(ErrorKind::Usage, format!("the terminal failed: {error}"))
}

/// The configuration, and what the program begins with.
fn start(deck: &Deck<'_>) -> Result<(Arc<Config>, Start), CliError> {
    let Deck {
        permitted,
        begin,
        settings,
        ..
    } = deck;
    let config = running(permitted);
    let settings = Settings {
        keeps_sessions: begin.keeps(),
        ..settings(&config)
    };
    let (opening, asks) = match permitted {
        Permitted::Runs(config) => (begin.opening(config)?, None),
        Permitted::Asks(asks) => (begin.opening(&asks.with)?, Some(asks.clone())),
    };
    let start = Start {
        config: config.clone(),
        settings,
        size: SIZE,
        here: Here {
            folder: setup::folder(),
            home: std::env::home_dir(),
        },
        opening,
        inspect: None,
        attached: None,
        asks,
    };
    Ok((config, start))
}

/// What the model has said so far is kept, and its calls are cancelled.
fn leave(app: &mut App, driver: &mut Driver, recording: Option<&Sink>, clock: Clock) {
    if app.host.is_busy() {
        let now = clock.now();
        if let Some(recording) = recording {
            recording.put(name::COMMAND, now, &Command::Interrupt, Said::Whole);
        }
        let effects = app.host.command(Command::Interrupt, now);
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
