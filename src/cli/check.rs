//! `mcpdeck check`: every configured server and the model's endpoint tried, with the true cause and one fix for each that does
//! not work. For people before a demo, and for CI by its exit code.

mod calls;
mod model;
mod servers;

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, output, setup, status};
use crate::config::ModelSettings;
use crate::driver::headless::Headless;
use crate::host::{Host, ModelState};
use crate::text::{clean, wrap};

/// `mcpdeck check ...`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Call this tool as well, and say when its server ends by it; without arguments it gets none
    #[arg(long, value_name = "SERVER.TOOL[=JSON]", value_parser = calls::wanted)]
    pub call: Vec<calls::Wanted>,
}

/// What a try came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    /// It works, and something about it wants a look.
    Odd,
    Failed,
    /// There is nothing to try.
    Skipped,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tried {
    name: String,
    outcome: Outcome,
    /// What was found, or the true cause; raw.
    what: String,
    /// What to do about it.
    fix: Option<String>,
}

/// Tries everything and prints what came of it.
pub fn run(args: &CheckArgs, global: &Global) -> Result<ExitCode, CliError> {
    let config = setup::config(global)?;
    let endpoint = config.model.clone();
    setup::block_on(async {
        let mut run = status::started(config, global)?;
        let tried = try_all(&mut run, endpoint, &args.call).await;
        let closed = run.shutdown().await;
        let (mut tried, model) = tried?;
        let code = code(&tried, &model);
        tried.push(model);
        output::data(&match args.json {
            true => clean::json(format!("{:#}\n", as_json(&tried, code))),
            false => as_text(&tried),
        });
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(ExitCode::from(code))
    })
}

/// The servers, and the model, side by side.
async fn try_all(
    run: &mut Headless,
    endpoint: ModelSettings,
    calls: &[calls::Wanted],
) -> Result<(Vec<Tried>, Tried), CliError> {
    let mut interrupt = Interrupt::listen();
    let settings = endpoint.clone();
    let listing = tokio::spawn(async move { model::listed(&settings).await });
    status::probed(run, &mut interrupt).await?;
    let listed = tokio::select! {
        listed = listing => listed.ok().flatten(),
        signal = interrupt.wait() => return Err(failure::interrupted(signal)),
    };
    let searched = |host: &Host| !matches!(host.model, ModelState::Searching { .. });
    run.until(searched).await;
    let called = calls::made(run, calls, &mut interrupt).await?;
    let mut tried: Vec<Tried> = run.host.servers.iter().map(servers::tried).collect();
    tried.extend(called);
    let model = model::tried(&endpoint, &run.host.model, listed);
    Ok((tried, model))
}

/// A server that fails weighs more than the model.
fn code(servers: &[Tried], model: &Tried) -> u8 {
    let failed = |tried: &Tried| tried.outcome == Outcome::Failed;
    if servers.iter().any(failed) {
        ErrorKind::Server.code()
    } else if failed(model) {
        ErrorKind::Model.code()
    } else {
        0
    }
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "odd",
            Self::Failed => "failed",
            Self::Skipped => "–",
        }
    }
}

fn as_text(tried: &[Tried]) -> String {
    let name = |tried: &Tried| wrap::width(&clean::line(&tried.name));
    let wide = tried.iter().map(name).max().unwrap_or(0);
    let mut text = String::new();
    for one in tried {
        let name = wrap::pad(&clean::line(&one.name), wide);
        let what = clean::line(&one.what);
        text.push_str(&format!("{:<6}  {name}  {what}\n", one.outcome.word()));
        if let Some(fix) = &one.fix {
            text.push_str(&format!("        fix: {}\n", clean::line(fix)));
        }
    }
    text
}

fn as_json(tried: &[Tried], code: u8) -> Value {
    let one = |tried: &Tried| {
        json!({
            "name": tried.name,
            "outcome": match tried.outcome {
                Outcome::Skipped => "skipped",
                other => other.word(),
            },
            "what": tried.what,
            "fix": tried.fix,
        })
    };
    let (model, servers) = match tried.split_last() {
        Some((model, servers)) => (one(model), servers),
        None => (Value::Null, tried),
    };
    json!({
        "servers": servers.iter().map(one).collect::<Vec<_>>(),
        "model": model,
        "exit_code": code,
    })
}
