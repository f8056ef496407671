//! One thing asked by hand of one server: started for it alone, waited for, ended. Under `call`, `read`, `prompt`, `complete` and
//! `watch`.
//!
//! What the server says meanwhile goes to stderr: notes of the host, and its log messages where they are wanted.

use std::collections::VecDeque;
use std::process::ExitCode;

use crate::agent::transcript::{Entry, Level};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::replies::{self, ReplyArgs};
use crate::cli::target::Target;
use crate::cli::{failure, output, setup};
use crate::config::{Config, Provider};
use crate::driver::headless::Headless;
use crate::host::{CallEnd, Command, Host, HostEvent, ModelState, Server, Settings, ToolCall};
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::event::ServerEvent;
use crate::mcp::pins::Pins;
use crate::mcp::request::{Errand, ErrandEnd};
use crate::mcp::result::{CallOutcome, ToolResult};
use crate::text::{clean, nearest};

/// A server under one's hand.
#[derive(Debug)]
pub struct Hand {
    run: Headless,
    name: ServerName,
    // One listener from the start: a signal between two would be lost.
    interrupt: Interrupt,
    /// Entries of the transcript that have been looked at.
    seen: usize,
    log_level: Option<String>,
    /// What is only good to know is not said.
    terse: bool,
    changed: VecDeque<String>,
}

/// Starts the server, does the work with it, and ends it in an orderly way.
pub fn with(
    target: &Target,
    replies: &ReplyArgs,
    global: &Global,
    work: impl AsyncFnOnce(&mut Hand) -> Result<ExitCode, CliError>,
) -> Result<ExitCode, CliError> {
    let mut config = target.config(global)?;
    let named = target.server.clone().unwrap_or_default();
    let name = config.servers.first().map(|spec| spec.name.to_string());
    let name = name.unwrap_or(named);
    if !replies.allow_sampling {
        config.model.provider = Provider::None;
    }
    let mut settings = Settings {
        headless: true,
        probe_every: None,
        ..setup::settings(&config)
    };
    if !target.is_named() {
        // What is looked at for a moment is not met.
        settings.pins = Pins::default();
        settings.pins_file = None;
    }
    replies.apply(&mut settings, &mut config)?;
    setup::block_on(async {
        let level = replies.log_level.clone();
        let mut hand = Hand::start(config, settings, &name, level, global)?;
        let outcome = match hand.ready().await {
            Ok(()) => work(&mut hand).await,
            Err(error) => Err(error),
        };
        let closed = hand.close().await;
        let code = outcome?;
        closed?;
        Ok(code)
    })
}

impl Hand {
    /// Starts the server of this name, the only one of the configuration. Must be called inside a tokio runtime.
    pub fn start(
        config: Config,
        settings: Settings,
        name: &str,
        log_level: Option<String>,
        global: &Global,
    ) -> Result<Self, CliError> {
        let mut run = setup::headless(config, settings, global)?;
        let interrupt = Interrupt::listen();
        run.start();
        Ok(Self {
            run,
            name: ServerName::new(name),
            interrupt,
            seen: 0,
            log_level,
            terse: false,
            changed: VecDeque::new(),
        })
    }

    /// From now on only what is odd or wrong is said.
    pub fn be_terse(&mut self) {
        self.terse = true;
    }

    /// Ends the server in an orderly way.
    pub async fn close(self) -> Result<(), CliError> {
        let closed = self.run.shutdown().await;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))
    }

    /// The host, to be looked at.
    pub fn host(&self) -> &Host {
        &self.run.host
    }

    /// Says something to the model in a conversation of its own, and waits for the end of the turn.
    pub async fn say(&mut self, text: &str) -> Result<(), CliError> {
        let searching = |host: &Host| matches!(host.model, ModelState::Searching { .. });
        self.until(|host| !searching(host)).await?;
        if let ModelState::Absent { why } = &self.run.host.model {
            return Err(CliError::new(ErrorKind::Model, why.clone()));
        }
        self.run.command(Command::Clear);
        self.run.command(Command::Submit(text.to_owned()));
        self.until(|host| !host.is_busy()).await
    }

    /// The server's name.
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// The time.
    pub fn now(&self) -> Moment {
        self.run.now()
    }

    /// The server.
    pub fn server(&self) -> Result<&Server, CliError> {
        let server = self.run.host.server(&self.name);
        server.ok_or_else(|| CliError::new(ErrorKind::Server, "the server is gone"))
    }

    /// What may help with a call that failed as in the wrong era.
    pub fn era_hint(&self, call: &ToolCall) -> Option<&'static str> {
        self.run.host.era_hint(call)
    }

    /// Waits until the server is there, or tells why it is not.
    pub async fn ready(&mut self) -> Result<(), CliError> {
        self.until(failure::is_settled).await?;
        match self.server()? {
            server if server.status.is_ready() => Ok(()),
            server => Err(failure::of(server)),
        }
    }

    /// Waits until all lists of the server have been read.
    pub async fn listed(&mut self) -> Result<(), CliError> {
        self.until(failure::is_listed).await
    }

    /// Lets the host go on until it is as wished; an interrupt ends it.
    pub async fn until(&mut self, wish: impl Fn(&Host) -> bool) -> Result<(), CliError> {
        self.look();
        while !wish(&self.run.host) {
            self.step().await?;
        }
        Ok(())
    }

    /// Waits for the next event and shows what it brought.
    async fn step(&mut self) -> Result<(), CliError> {
        let heard = tokio::select! {
            heard = self.run.heard() => heard,
            signal = self.interrupt.wait() => {
                self.run.command(Command::Interrupt);
                return Err(failure::interrupted(signal));
            }
        };
        if let Some(HostEvent::Server { event, .. }) = heard {
            match event {
                ServerEvent::ResourceUpdated { uri } => self.changed.push_back(uri),
                ServerEvent::Log { level, text } if self.shows(&level) => output::note(&format!(
                    "{} {}: {}",
                    self.name,
                    clean::line(&level),
                    clean::block(&text)
                )),
                _ => {}
            }
        }
        self.look();
        Ok(())
    }

    fn shows(&self, level: &str) -> bool {
        let wanted = self.log_level.as_deref();
        wanted.is_some_and(|least| replies::is_at_least(level, least))
    }

    /// Notes of the host.
    fn look(&mut self) {
        let entries = self.run.host.transcript.entries();
        for entry in entries.get(self.seen..).into_iter().flatten() {
            if let Entry::Note(note) = entry
                && !(self.terse && note.level == Level::Info)
            {
                output::note(&clean::block(&note.text));
            }
        }
        self.seen = entries.len();
    }

    /// The next resource that changed. Fails when the server is not there any more.
    pub async fn change(&mut self) -> Result<String, CliError> {
        loop {
            if let Some(uri) = self.changed.pop_front() {
                return Ok(uri);
            }
            let server = self.server()?;
            if server.status.is_settled() && !server.status.is_ready() {
                return Err(failure::of(server));
            }
            self.step().await?;
        }
    }

    /// Makes a call and waits for its end.
    pub async fn call(&mut self, command: Command) -> Result<ToolCall, CliError> {
        self.run.command(command);
        let id = CallId(self.run.host.calls.len() as u64);
        let is_over = |host: &Host| host.call(id).is_some_and(|call| call.end().is_some());
        self.until(is_over).await?;
        let call = self.run.host.call(id).cloned();
        call.ok_or_else(|| CliError::new(ErrorKind::Server, "the call was not made"))
    }

    /// Gives up the turn and the calls that are under way, and waits until each has its end.
    pub async fn give_up(&mut self) -> Result<(), CliError> {
        self.run.command(Command::Interrupt);
        let is_over = |host: &Host| {
            let mut calls = host.calls.iter();
            !host.is_busy() && calls.all(|call| call.end().is_some())
        };
        self.until(is_over).await
    }

    /// Does an errand and waits for its end.
    pub async fn errand(&mut self, what: Errand) -> Result<ErrandEnd, CliError> {
        let server = self.name.clone();
        self.run.command(Command::Errand { server, what });
        let Some(id) = self.run.host.errands.back().map(|errand| errand.id) else {
            return Err(CliError::new(ErrorKind::Server, "the errand was not done"));
        };
        let end = |host: &Host| {
            let mut errands = host.errands.iter();
            errands
                .find(|errand| errand.id == id)
                .and_then(|errand| errand.end.clone())
        };
        self.until(|host| end(host).is_some()).await?;
        match end(&self.run.host) {
            Some(ErrandEnd::Failed { why }) => Err(CliError::new(ErrorKind::Server, why)),
            Some(end) => Ok(end),
            None => Err(CliError::new(ErrorKind::Server, "the errand has no end")),
        }
    }
}

/// The answer to a call, or why there is none.
pub fn answer(call: &ToolCall) -> Result<&ToolResult, CliError> {
    match (call.result(), call.end()) {
        (Some(result), _) => Ok(result),
        (None, Some(end)) => Err(CliError::new(error_kind(end), failure::cause(end))),
        (None, None) => Err(CliError::new(ErrorKind::Server, "the call has no end")),
    }
}

fn error_kind(end: &CallEnd) -> ErrorKind {
    match end {
        CallEnd::Invalid { .. } => ErrorKind::Usage,
        CallEnd::Outcome {
            outcome: CallOutcome::Refused { .. },
        } => ErrorKind::Tool,
        CallEnd::Outcome { .. }
        | CallEnd::Denied { .. }
        | CallEnd::Refused { .. }
        | CallEnd::Unavailable { .. }
        | CallEnd::Interrupted
        | CallEnd::Repeated { .. } => ErrorKind::Server,
    }
}

/// A server without the thing that was named: with the nearest name, or where the names are shown.
pub fn unknown<'a>(
    server: &ServerName,
    kind: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> CliError {
    let error = CliError::new(
        ErrorKind::Usage,
        format!("server `{server}` has no {kind} `{name}`"),
    );
    match nearest(name, known) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("`mcpdeck list {server}` shows its {kind}s")),
    }
}

/// A duration in whole milliseconds, as JSON has it.
pub fn millis(call: &ToolCall, now: Moment) -> u64 {
    u64::try_from(call.elapsed(now).as_millis()).unwrap_or(u64::MAX)
}
