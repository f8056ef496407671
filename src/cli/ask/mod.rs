//! `mcpdeck ask PROMPT`: one turn of the agent without panes. The answer streams to stdout; `--json` prints one event a line.

mod approve;
mod events;
mod watch;
mod words;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use clap::Args;

use crate::agent::turn::StopReason;
use crate::cli::args::Global;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, setup};
use crate::driver::headless::Headless;
use crate::host::{Command, Host, ModelState, Settings};

/// `mcpdeck ask ...`
#[derive(Debug, Args)]
pub struct AskArgs {
    /// What to ask; `-` or nothing reads stdin
    pub prompt: Option<String>,
    /// Print one JSON event a line
    #[arg(long)]
    pub json: bool,
    /// Let these calls run without a question: SERVER.TOOL, with globs; may be given several times
    #[arg(long, value_name = "SERVER.TOOL")]
    pub approve: Vec<String>,
    /// Let every call run without a question
    #[arg(long)]
    pub approve_all: bool,
}

/// Whoever prints what happens, by looking at the host after each event.
trait Reporter {
    /// Prints what is new.
    fn look(&mut self, host: &Host, now: crate::ids::Moment);
    /// Prints the end.
    fn end(&mut self, host: &Host);
}

/// Starts the servers and the model, runs the turn, and prints it.
pub fn run(args: &AskArgs, global: &Global) -> Result<ExitCode, CliError> {
    let prompt = prompt(args)?;
    let config = setup::config(global)?;
    let can_ask = !args.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let approve = if args.approve_all {
        vec!["*".to_owned()]
    } else {
        args.approve.clone()
    };
    check_globs(&approve)?;
    let settings = Settings {
        headless: !can_ask,
        approve,
        probe_every: None,
        ..setup::settings(&config)
    };
    setup::runtime()?.block_on(async {
        let mut run = setup::headless(config, settings, global)?;
        let mut reporter: Box<dyn Reporter> = if args.json {
            Box::<events::Events>::default()
        } else {
            Box::<words::Words>::default()
        };
        let outcome = turn(prompt, &mut run, reporter.as_mut()).await;
        let closed = run.shutdown().await;
        outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn turn(
    prompt: String,
    run: &mut Headless,
    reporter: &mut dyn Reporter,
) -> Result<(), CliError> {
    let mut interrupt = Interrupt::listen();
    run.start();
    let outcome = tokio::select! {
        outcome = answer(prompt, run, reporter) => outcome,
        () = interrupt.wait() => Err(failure::interrupted()),
    };
    if outcome
        .as_ref()
        .is_err_and(|error| error.kind == ErrorKind::Interrupted)
    {
        run.command(Command::Interrupt);
        reporter.look(&run.host, run.now());
    }
    reporter.end(&run.host);
    outcome
}

async fn answer(
    prompt: String,
    run: &mut Headless,
    reporter: &mut dyn Reporter,
) -> Result<(), CliError> {
    let is_ready = |host: &Host| {
        let has_searched = !matches!(host.model, ModelState::Searching { .. });
        has_searched && host.servers.iter().all(|server| server.status.is_settled())
    };
    while !is_ready(&run.host) {
        run.step().await;
        reporter.look(&run.host, run.now());
    }
    let missing = run
        .host
        .servers
        .iter()
        .find(|server| server.required && server.status.failure().is_some());
    if let Some(server) = missing {
        return Err(failure::of(server));
    }
    if let ModelState::Absent { why } = &run.host.model {
        return Err(CliError::new(ErrorKind::Model, why.clone()));
    }
    run.command(Command::Submit(prompt));
    reporter.look(&run.host, run.now());
    while run.host.is_busy() {
        match run.host.questions.front().cloned() {
            Some(question) => run.command(approve::ask(&question, &run.host).await),
            None => run.step().await,
        }
        reporter.look(&run.host, run.now());
    }
    verdict(&run.host)
}

/// What the end of the turn means for the exit code; the words have been printed as a note.
fn verdict(host: &Host) -> Result<(), CliError> {
    match host.stopped {
        Some(StopReason::ModelFailed) => {
            Err(CliError::new(ErrorKind::Model, "the model did not answer"))
        }
        Some(StopReason::Interrupted) => Err(failure::interrupted()),
        Some(
            StopReason::Answered
            | StopReason::StepLimit
            | StopReason::Length
            | StopReason::Filtered
            | StopReason::Repeated,
        )
        | None => Ok(()),
    }
}

fn prompt(args: &AskArgs) -> Result<String, CliError> {
    let text = match args.prompt.as_deref() {
        Some("-") | None => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    CliError::new(
                        ErrorKind::Usage,
                        format!("cannot read the prompt from stdin: {error}"),
                    )
                })?;
            text
        }
        Some(text) => text.to_owned(),
    };
    if text.trim().is_empty() {
        return Err(CliError::new(ErrorKind::Usage, "the prompt is empty")
            .hint("mcpdeck ask \"list the files here\""));
    }
    Ok(text)
}

fn check_globs(globs: &[String]) -> Result<(), CliError> {
    for glob in globs {
        globset::Glob::new(glob).map_err(|error| {
            CliError::new(ErrorKind::Usage, format!("--approve {glob}: {error}"))
                .hint("give SERVER.TOOL, such as `files.write_file` or `files.*`")
        })?;
    }
    Ok(())
}
