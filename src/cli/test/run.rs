//! Runs one file: its server is started once, its cases follow one another, and each is judged as soon as it has ended.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::hand::Hand;
use crate::cli::test::TestArgs;
use crate::cli::test::came::Came;
use crate::cli::test::judge::{Failure, judge};
use crate::cli::test::prepare::Job;
use crate::cli::test::report::{self, Judged, Report, Verdict};
use crate::cli::{output, setup};
use crate::config::cases::{Act, Case};
use crate::host::{CallEnd, Command, ToolCall};
use crate::mcp::result::CallOutcome;
use crate::mcp::wire::redact::Redactor;
use crate::text::clean;

/// Runs the cases of one file. An interrupt is an error, and so is what makes all files useless; a server that is not there is
/// part of the report.
pub async fn suite(job: Job, args: &TestArgs, global: &Global) -> Result<Report, CliError> {
    let start = Instant::now();
    let mut report = Report {
        file: job.suite.shown.display().to_string(),
        server: job.server().to_owned(),
        broken: None,
        cases: Vec::new(),
        took: start.elapsed(),
    };
    if job.suite.cases.is_empty() {
        return Ok(report);
    }
    let redactor = setup::redactor(&job.config);
    if !args.json {
        output::lines(&clean::line(&report.file));
    }
    let level = args.replies.log_level.clone();
    let mut hand = Hand::start(job.config, job.settings, &report.server, level, global)?;
    hand.be_terse();
    let outcome = match hand.ready().await {
        Ok(()) => all(&mut hand, &job.suite.cases, &redactor, args, &mut report).await,
        Err(error) if matches!(error.kind, ErrorKind::Interrupted(_)) => Err(error),
        Err(error) => {
            broken(&mut report, &job.suite.cases, &error, args);
            Ok(())
        }
    };
    let closed = hand.close().await;
    outcome?;
    closed?;
    report.took = start.elapsed();
    Ok(report)
}

/// The server is not there: no case can be run.
fn broken(report: &mut Report, cases: &[Case], error: &CliError, args: &TestArgs) {
    let _its_code_is_the_end_of_the_run = output::error(error);
    report.broken = Some(error.message.clone());
    for case in cases {
        let verdict = match &case.skip {
            Some(why) => Verdict::Skipped(why.clone()),
            None => Verdict::Broken,
        };
        add(report, args, case, verdict, Duration::ZERO);
    }
}

async fn all(
    hand: &mut Hand,
    cases: &[Case],
    redactor: &Redactor,
    args: &TestArgs,
    report: &mut Report,
) -> Result<(), CliError> {
    for case in cases {
        if let Some(why) = &case.skip {
            let verdict = Verdict::Skipped(why.clone());
            add(report, args, case, verdict, Duration::ZERO);
            continue;
        }
        let start = Instant::now();
        let came = match act(hand, case).await {
            Ok(came) => came,
            Err(error) if matches!(error.kind, ErrorKind::Interrupted(_)) => return Err(error),
            Err(error) => Came {
                nothing: Some(error.message),
                took: start.elapsed(),
                ..Came::default()
            },
        };
        let failures = judge(&case.expect, &came);
        let verdict = match failures.is_empty() {
            true => Verdict::Passed,
            false => Verdict::Failed(hidden(failures, redactor)),
        };
        add(report, args, case, verdict, came.took);
    }
    Ok(())
}

/// What is written to a file of a build server holds no secret of the configuration.
fn hidden(failures: Vec<Failure>, redactor: &Redactor) -> Vec<Failure> {
    let hide = |failure: Failure| Failure {
        expected: redactor.redact(&failure.expected).into_owned(),
        came: redactor.redact(&failure.came).into_owned(),
    };
    failures.into_iter().map(hide).collect()
}

fn add(report: &mut Report, args: &TestArgs, case: &Case, verdict: Verdict, took: Duration) {
    let judged = Judged {
        name: case.name.clone(),
        verdict,
        took,
    };
    if !args.json {
        output::lines(&report::words(&judged));
    }
    report.cases.push(judged);
}

async fn act(hand: &mut Hand, case: &Case) -> Result<Came, CliError> {
    // The case before may have ended it: that is no failure of this one where it comes back.
    hand.ready().await?;
    let server = hand.name().clone();
    let command = match &case.act {
        Act::Call { tool, arguments } => Command::Call {
            server,
            tool: tool.clone(),
            arguments: arguments.clone(),
        },
        Act::Read { uri } => Command::Read {
            server,
            uri: uri.clone(),
        },
        Act::Prompt { prompt, arguments } => Command::GetPrompt {
            server,
            prompt: prompt.clone(),
            arguments: arguments.clone(),
            send: false,
        },
        Act::Ask { text } => return ask(hand, text, case.expect.within).await,
    };
    let limit = case.expect.within;
    let again = command.clone();
    let mut call = within(hand, limit, async |hand| hand.call(command).await).await?;
    if never_left(&call) {
        // The case before has ended the server, which is known only now.
        hand.ready().await?;
        call = within(hand, limit, async |hand| hand.call(again).await).await?;
    }
    Ok(Came::of_call(&call, call.elapsed(hand.now())))
}

/// Whether nothing at all has happened.
fn never_left(call: &ToolCall) -> bool {
    matches!(
        call.end(),
        Some(CallEnd::Outcome {
            outcome: CallOutcome::NotSent { .. }
        })
    )
}

/// Does something, and gives it up once it has taken longer than it may: nobody waits for the timeout of a call that hangs.
async fn within<T>(
    hand: &mut Hand,
    limit: Option<Duration>,
    work: impl AsyncFnOnce(&mut Hand) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let Some(limit) = limit else {
        return work(hand).await;
    };
    if let Ok(ended) = timeout(limit, work(hand)).await {
        return ended;
    }
    hand.give_up().await?;
    let why = "none so far, and it was cancelled";
    Err(CliError::new(ErrorKind::Tool, why))
}

async fn ask(hand: &mut Hand, text: &str, limit: Option<Duration>) -> Result<Came, CliError> {
    hand.listed().await?;
    let before = hand.host().calls.len();
    let start = hand.now();
    within(hand, limit, async |hand| hand.say(text).await).await?;
    let took = hand.now().since(start);
    Ok(Came::of_turn(hand.host(), before, took))
}
