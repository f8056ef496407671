//! `mcpdeck status`: the servers as they are now, with a verdict and its figures; `--watch` goes on and tells each change.

mod figures;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, output, setup};
use crate::config::{Config, Environment, News, Permitted, Provider};
use crate::driver::headless::Headless;
use crate::driver::watching::Watch;
use crate::host::{Command, Host, Server, Settings};
use crate::ids::{Moment, ServerName};
use crate::mcp::verdict::{Cause, Grade};
use crate::text::{clean, human};

/// How long what the system tells of processes may come after the answer to a probe.
const VITALS: Duration = Duration::from_millis(500);

/// `mcpdeck status ...`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this server
    pub server: Option<String>,
    /// Print one JSON object a line: for each server, and with --watch for each change
    #[arg(long)]
    pub json: bool,
    /// Go on until Ctrl-C, and print a line for each change
    #[arg(long)]
    pub watch: bool,
}

/// Which verdicts have been told.
#[derive(Debug, Default)]
pub struct Verdicts {
    seen: BTreeMap<ServerName, Cause>,
}

impl Verdicts {
    /// Whether a server is judged otherwise than when this was asked last. That one comes up well is no news of its own.
    pub fn is_news(&mut self, server: &Server) -> bool {
        let cause = server.verdict.cause;
        let before = self.seen.insert(server.name.clone(), cause);
        let is_start = matches!(before, None | Some(Cause::Starting | Cause::Off));
        match cause {
            Cause::Starting => false,
            Cause::Off | Cause::Well if is_start => false,
            _ => before != Some(cause),
        }
    }

    /// The same, and a server that comes up well, or is switched off, is told too.
    fn is_change(&mut self, server: &Server) -> bool {
        let cause = server.verdict.cause;
        let before = self.seen.insert(server.name.clone(), cause);
        before != Some(cause) && cause != Cause::Starting
    }
}

/// Starts the servers, asks each whether it lives, and prints what they come to.
pub fn run(args: &StatusArgs, global: &Global) -> Result<ExitCode, CliError> {
    let book = setup::trust_book();
    // Before the files are read: what is written from here on is news.
    let files = Watch::begin(global.flags(), Environment::read(), book.clone());
    let config = setup::config_by(global, &book)?;
    let config = narrowed(args, config)?;
    setup::block_on(async {
        let mut run = started(config, global)?;
        let mut interrupt = Interrupt::listen();
        let outcome = match args.watch {
            true => watch(args, files, &mut run, &mut interrupt).await,
            false => once(args, &mut run, &mut interrupt).await,
        };
        let closed = run.shutdown().await;
        let code = outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(code)
    })
}

/// What is watched of a configuration: no model, and one server where that was asked for.
fn narrowed(args: &StatusArgs, mut config: Config) -> Result<Config, CliError> {
    if let Some(name) = &args.server {
        failure::keep_only(&mut config, name)?;
    }
    config.model.provider = Provider::None;
    Ok(config)
}

/// The servers of a configuration, started, with nobody in front.
pub fn started(config: Config, global: &Global) -> Result<Headless, CliError> {
    let settings = Settings {
        headless: true,
        ..setup::settings(&config)
    };
    let mut run = setup::headless(config, settings, global)?;
    run.start();
    Ok(run)
}

/// Waits until all that was announced is listed, and has each server that is there answer a probe, or not.
pub async fn probed(run: &mut Headless, interrupt: &mut Interrupt) -> Result<(), CliError> {
    failure::listed(run, interrupt).await?;
    let ready = run.host.servers.iter().filter(|s| s.status.is_ready());
    let names: Vec<ServerName> = ready.map(|server| server.name.clone()).collect();
    for name in &names {
        run.command(Command::Probe(name.clone()));
    }
    let is_answered = |host: &Host| {
        let waits = |server: &Server| server.status.is_ready() && server.probing.is_some();
        !host.servers.iter().any(waits)
    };
    let is_told = |host: &Host| {
        let lacks = |server: &Server| {
            server.status.is_ready() && is_child(server) && server.processes.is_none()
        };
        !host.servers.iter().any(lacks)
    };
    tokio::select! {
        () = run.until(is_answered) => {}
        signal = interrupt.wait() => return Err(failure::interrupted(signal)),
    }
    // Where the system does not tell, none comes.
    let _told = tokio::time::timeout(VITALS, run.until(is_told)).await;
    Ok(())
}

fn is_child(server: &Server) -> bool {
    let spec = server.spec.as_ref();
    spec.is_some_and(|spec| !matches!(spec.launch, crate::config::Launch::Http(_)))
}

async fn once(
    args: &StatusArgs,
    run: &mut Headless,
    interrupt: &mut Interrupt,
) -> Result<ExitCode, CliError> {
    probed(run, interrupt).await?;
    let (host, now) = (&run.host, run.now());
    if args.json {
        let lines = host.servers.iter().map(|server| line(server, now));
        output::data(&lines.collect::<String>());
    } else {
        output::data(&figures::table(&host.servers, now));
        if host.servers.is_empty() {
            output::note(super::list::NONE);
        }
    }
    let ill = host
        .servers
        .iter()
        .filter(|s| s.verdict.grade > Grade::Slow);
    match ill.count() {
        0 => Ok(ExitCode::SUCCESS),
        count => {
            let all = host.servers.len();
            let text = format!("{count} of {all} servers not well");
            Err(CliError::new(ErrorKind::Server, text)
                .hint("`mcpdeck check` says why, and what to do"))
        }
    }
}

fn line(server: &Server, now: Moment) -> String {
    clean::json(format!("{}\n", figures::json(server, now)))
}

/// Prints each change until an interrupt. A configuration that was edited comes to count as in the terminal program.
async fn watch(
    args: &StatusArgs,
    files: Watch,
    run: &mut Headless,
    interrupt: &mut Interrupt,
) -> Result<ExitCode, CliError> {
    let mut verdicts = Verdicts::default();
    let (news, mut heard) = mpsc::channel(4);
    let _ends_with_the_program = tokio::spawn(files.run(news));
    loop {
        let now = run.now();
        for server in &run.host.servers {
            if !verdicts.is_change(server) {
                continue;
            }
            output::data(&match args.json {
                true => line(server, now),
                false => change(server, now),
            });
        }
        tokio::select! {
            () = run.step() => {}
            Some(news) = heard.recv() => match taken_over(args, news, run) {
                Ok(()) => output::note("the configuration was read again"),
                Err(error) => {
                    output::error(&error);
                    output::note("what ran goes on");
                }
            },
            signal = interrupt.wait() => return Err(failure::interrupted(signal)),
        }
    }
}

/// Takes over what the files say now; only the servers that changed are touched.
fn taken_over(args: &StatusArgs, news: News, run: &mut Headless) -> Result<(), CliError> {
    let config = match news {
        News::Read(Permitted::Runs(config)) => Arc::unwrap_or_clone(config),
        News::Read(Permitted::Asks(asks)) => return Err(super::trust::refused(&asks)),
        // Nobody watches a server's own files here.
        News::Touched(_) => return Ok(()),
        News::Wrong(why) => return Err(CliError::new(ErrorKind::Usage, why)),
    };
    let config = narrowed(args, config)?;
    setup::redactor(&config);
    run.reload(Arc::new(config));
    Ok(())
}

/// `12 s  shop  slow: p95 4.1 s, was 300 ms`
fn change(server: &Server, now: Moment) -> String {
    let at = human::duration(now.since(Moment(0)));
    let words = clean::line(&server.verdict_words(now));
    format!("{at:>12}  {}  {words}\n", server.name)
}
