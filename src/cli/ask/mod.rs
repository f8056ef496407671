//! `mcpdeck ask PROMPT`: one turn of the agent without panes. The answer streams to stdout; `--json` prints one event a line.

mod approve;
mod events;
mod questions;
mod watch;
mod words;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use clap::Args;

use crate::agent::transcript::{Entry, Level};
use crate::agent::turn::StopReason;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::replies::ReplyArgs;
use crate::cli::resume::{self, AskSession};
use crate::cli::{failure, setup};
use crate::config::Config;
use crate::driver::headless::Headless;
use crate::host::{Command, Host, ModelState, Settings};

/// What an interrupt without a signal of its own counts as.
const SIGINT: u8 = 2;

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
    /// Which conversation it is asked in.
    #[command(flatten)]
    pub session: AskSession,
    /// What is answered to servers.
    #[command(flatten)]
    pub replies: ReplyArgs,
}

/// Whoever prints what happens, by looking at the host after each event.
trait Reporter {
    /// What a saved session holds is not new.
    fn pass_over(&mut self, host: &Host);
    /// Prints what is new.
    fn look(&mut self, host: &Host, now: crate::ids::Moment);
    /// Prints the end; without a host where not even the servers were started.
    fn end(&mut self, host: Option<&Host>, error: Option<&CliError>);
}

/// What there is to do, once the arguments and the configuration have been understood.
struct Job {
    prompt: String,
    config: Config,
    settings: Settings,
    session: Option<String>,
}

/// Starts the servers and the model, runs the turn, and prints it.
pub fn run(args: &AskArgs, global: &Global) -> Result<ExitCode, CliError> {
    let mut reporter: Box<dyn Reporter> = if args.json {
        Box::<events::Events>::default()
    } else {
        Box::<words::Words>::default()
    };
    let reporter = reporter.as_mut();
    let job = job(args, global).inspect_err(|error| reporter.end(None, Some(error)))?;
    setup::block_on(async {
        let mut run = setup::headless(job.config, job.settings, global)
            .inspect_err(|error| reporter.end(None, Some(error)))?;
        let outcome = turn(job.prompt, job.session, &mut run, reporter).await;
        let closed = run.shutdown().await;
        outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn job(args: &AskArgs, global: &Global) -> Result<Job, CliError> {
    let prompt = prompt(args)?;
    let mut config = setup::config(global)?;
    let can_ask = !args.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let approve = if args.approve_all {
        vec!["*".to_owned()]
    } else {
        args.approve.clone()
    };
    check_globs(&approve)?;
    let session = args.session.id(&config)?;
    let mut settings = Settings {
        headless: !can_ask,
        keeps_sessions: !args.session.no_save,
        approve,
        probe_every: None,
        ..setup::settings(&config)
    };
    args.replies.apply(&mut settings, &mut config)?;
    Ok(Job {
        prompt,
        config,
        settings,
        session,
    })
}

async fn turn(
    prompt: String,
    session: Option<String>,
    run: &mut Headless,
    reporter: &mut dyn Reporter,
) -> Result<(), CliError> {
    let mut interrupt = Interrupt::listen();
    run.start();
    // Before the first event: a server that fails at once has been starting too.
    reporter.look(&run.host, run.now());
    let outcome = tokio::select! {
        outcome = answer(prompt, session, run, reporter) => outcome,
        signal = interrupt.wait() => Err(failure::interrupted(signal)),
    };
    let is_interrupted = |error: &CliError| matches!(error.kind, ErrorKind::Interrupted(_));
    if outcome.as_ref().is_err_and(is_interrupted) {
        run.command(Command::Interrupt);
        resume::settle(run).await;
        reporter.look(&run.host, run.now());
    }
    reporter.end(Some(&run.host), outcome.as_ref().err());
    outcome
}

async fn answer(
    prompt: String,
    session: Option<String>,
    run: &mut Headless,
    reporter: &mut dyn Reporter,
) -> Result<(), CliError> {
    if let Some(id) = session {
        resume::resume(id, run).await?;
        reporter.pass_over(&run.host);
        reporter.look(&run.host, run.now());
    }
    ready(run, reporter).await?;
    run.command(Command::Submit(prompt));
    reporter.look(&run.host, run.now());
    while run.host.is_busy() {
        match run.host.questions.front().cloned() {
            Some(question) => run.command(approve::ask(&question, &run.host).await),
            None => run.step().await,
        }
        reporter.look(&run.host, run.now());
    }
    resume::settle(run).await;
    reporter.look(&run.host, run.now());
    verdict(&run.host)
}

/// Waits for the servers and the model; without a required one or a model, there is no turn.
async fn ready(run: &mut Headless, reporter: &mut dyn Reporter) -> Result<(), CliError> {
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
        return Err(no_model(why));
    }
    Ok(())
}

/// What the end of the turn means for the exit code.
fn verdict(host: &Host) -> Result<(), CliError> {
    let without = |what: &str| Err(CliError::new(ErrorKind::Model, what));
    match host.stopped {
        Some(StopReason::Answered) | None => Ok(()),
        Some(StopReason::ModelFailed) => Err(last_error(host)),
        Some(StopReason::Interrupted) => Err(failure::interrupted(SIGINT)),
        Some(StopReason::StepLimit) => without("the turn ended at the limit of steps"),
        Some(StopReason::Length) => {
            without("the answer is not complete: it was cut for its length")
        }
        Some(StopReason::Filtered) => without("the answer is not complete: it was filtered"),
        Some(StopReason::Repeated) => without("the turn ended without an answer"),
    }
}

/// The endpoint's failure, as the transcript has it.
fn last_error(host: &Host) -> CliError {
    let mut notes = host.transcript.entries().iter().rev();
    let note = notes.find_map(|entry| match entry {
        Entry::Note(note) if note.level == Level::Error => Some(note),
        _ => None,
    });
    let Some(note) = note else {
        return CliError::new(ErrorKind::Model, "the model did not answer");
    };
    let error = CliError::new(ErrorKind::Model, note.text.clone());
    match &note.hint {
        Some(hint) => error.hint(hint.clone()),
        None => error,
    }
}

/// The first line says why there is none, the others how to get one.
fn no_model(why: &str) -> CliError {
    let (first, rest) = why.split_once('\n').unwrap_or((why, ""));
    let error = CliError::new(ErrorKind::Model, first);
    if rest.trim().is_empty() {
        error.hint("set [model] in mcp.toml, or OPENAI_API_KEY, or give --model-url URL")
    } else {
        error.hint(rest)
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
