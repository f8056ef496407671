//! `mcpdeck call SERVER TOOL`: one tool call by hand, its result on stdout.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::interrupt::Interrupt;
use crate::cli::{failure, output, setup};
use crate::driver::headless::Headless;
use crate::host::{CallEnd, Command, Settings, ToolCall, arguments, outcome};
use crate::ids::{CallId, ServerName};
use crate::mcp::result::{Block, CallOutcome};
use crate::text::{clean, nearest};

/// `mcpdeck call ...`
#[derive(Debug, Args)]
pub struct CallArgs {
    /// The server
    pub server: String,
    /// The tool
    pub tool: String,
    /// Arguments: `key=value` by the tool's schema, `key:=JSON` as written
    #[arg(value_name = "KEY=VALUE")]
    pub pairs: Vec<String>,
    /// All arguments as one JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "pairs")]
    pub args: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Starts the server, calls the tool, and prints what came of it.
pub fn run(args: &CallArgs, global: &Global) -> Result<ExitCode, CliError> {
    let mut config = setup::config(global)?;
    failure::keep_only(&mut config, &args.server)?;
    config.model.provider = crate::config::Provider::None;
    let settings = Settings {
        probe_every: None,
        ..setup::settings(&config)
    };
    setup::block_on(async {
        let mut run = setup::headless(config, settings, global)?;
        // One listener from the start: a signal between two would be lost.
        let mut interrupt = Interrupt::listen();
        run.start();
        let outcome = call(args, &mut run, &mut interrupt).await;
        let closed = run.shutdown().await;
        let code = outcome?;
        closed.map_err(|error| CliError::new(ErrorKind::Server, error))?;
        Ok(code)
    })
}

async fn call(
    args: &CallArgs,
    run: &mut Headless,
    interrupt: &mut Interrupt,
) -> Result<ExitCode, CliError> {
    failure::settled(run, interrupt).await?;
    let name = ServerName::new(&args.server);
    let server = run
        .host
        .server(&name)
        .ok_or_else(|| CliError::new(ErrorKind::Server, "the server is gone"))?;
    if !server.status.is_ready() {
        return Err(failure::of(server));
    }
    let Some(tool) = server.tool(&args.tool) else {
        let error = CliError::new(
            ErrorKind::Usage,
            format!("server `{name}` has no tool `{}`", args.tool),
        );
        let near = nearest(
            &args.tool,
            server.tools.iter().map(|tool| tool.name.as_str()),
        );
        return Err(match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("`mcpdeck list {name}` shows its tools")),
        });
    };
    let arguments = match &args.args {
        Some(json) => json.clone(),
        None => arguments::from_pairs(&args.pairs, &tool.input_schema)
            .map_err(|why| CliError::new(ErrorKind::Usage, why))?,
    };
    run.command(Command::Call {
        server: name,
        tool: args.tool.clone(),
        arguments,
    });
    finish(run, interrupt).await?;
    match run.host.call(CallId(1)) {
        Some(call) => report(call, args.json, run),
        None => Err(CliError::new(ErrorKind::Server, "the call was not made")),
    }
}

async fn finish(run: &mut Headless, interrupt: &mut Interrupt) -> Result<(), CliError> {
    let signal = tokio::select! {
        () = run.until(|host| host.call(CallId(1)).is_some_and(|call| call.end().is_some())) => return Ok(()),
        signal = interrupt.wait() => signal,
    };
    run.command(Command::Interrupt);
    Err(failure::interrupted(signal))
}

fn report(call: &ToolCall, as_json: bool, run: &Headless) -> Result<ExitCode, CliError> {
    let Some(end) = call.end() else {
        return Err(CliError::new(ErrorKind::Server, "the call has no end"));
    };
    if as_json {
        output::data(&format!("{:#}\n", result_json(call, run.now())));
    }
    let Some(result) = call.result() else {
        return Err(CliError::new(error_kind(end), failure::cause(end)));
    };
    if !as_json {
        let mut text = clean::data(&result.as_text());
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        output::data(&text);
    }
    Ok(if result.is_error {
        ExitCode::from(ErrorKind::Tool.code())
    } else {
        ExitCode::SUCCESS
    })
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

/// The result of a call as JSON: the fields of the `tool_result` event.
pub fn result_json(call: &ToolCall, now: crate::ids::Moment) -> Value {
    let result = call.result();
    let words = call.end().filter(|_| result.is_none()).map(|end| {
        vec![Block::Text {
            text: outcome::words(end),
        }]
    });
    json!({
        "call": call.id,
        "server": call.server,
        "tool": call.tool,
        "outcome": call.end().map(CallEnd::word),
        "is_error": call.end().is_none_or(CallEnd::is_error),
        "content": words.as_ref().or(result.map(|result| &result.content)),
        "structured_content": result.and_then(|result| result.structured.clone()),
        "duration_ms": u64::try_from(call.elapsed(now).as_millis()).unwrap_or(u64::MAX),
    })
}
