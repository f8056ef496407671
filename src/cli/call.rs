//! `mcpdeck call SERVER TOOL`: one tool call by hand, its result on stdout.

use std::borrow::Cow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::hand::{self, Hand};
use crate::cli::replies::ReplyArgs;
use crate::cli::target::{RunArgs, Target};
use crate::cli::{output, save};
use crate::host::{CallEnd, CallState, Command, ToolCall, arguments, outcome};
use crate::ids::{CallId, Moment, ServerName};
use crate::mcp::result::Block;
use crate::text::clean;

/// `mcpdeck call ...`
#[derive(Debug, Args)]
pub struct CallArgs {
    /// The server: its name in the configuration, or a URL
    pub server: String,
    /// The tool
    pub tool: String,
    /// Arguments: `key=value` by the tool's schema, `key:=JSON` as written
    #[arg(value_name = "KEY=VALUE")]
    pub pairs: Vec<String>,
    /// All arguments as one JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "pairs")]
    pub args: Option<String>,
    /// Write images, sound and other binary content of the result to files in this folder
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// How the server is started, where the configuration does not say it.
    #[command(flatten)]
    pub run: RunArgs,
    /// What is answered to the server.
    #[command(flatten)]
    pub replies: ReplyArgs,
}

/// Starts the server, calls the tool, and prints what came of it.
pub fn run(args: &CallArgs, global: &Global) -> Result<ExitCode, CliError> {
    let target = Target::of(&args.server, &args.run);
    hand::with(&target, &args.replies, global, async |hand| {
        call(args, hand).await
    })
}

async fn call(args: &CallArgs, hand: &mut Hand) -> Result<ExitCode, CliError> {
    let server = hand.server()?;
    let tools = &server.tools;
    let Some(tool) = tools.iter().find(|tool| tool.name == args.tool) else {
        let rejected = server.rejected_tools().iter();
        let mut refused = rejected.filter(|it| it.name.is_none() && tools.is_empty());
        if let Some(refused) = refused.next() {
            let (name, tool) = (hand.name(), &args.tool);
            let what = format!("server `{name}` has no tool `{tool}`: {}", refused.why);
            let hint = "what it says of its tools is on the wire: give --wire-log FILE";
            return Err(CliError::new(ErrorKind::Server, what).hint(hint));
        }
        let names = tools.iter().map(|tool| tool.name.as_str());
        return Err(hand::unknown(hand.name(), "tool", &args.tool, names));
    };
    let arguments = match &args.args {
        Some(json) => json.clone(),
        None => arguments::from_pairs(&args.pairs, &tool.input_schema)
            .map_err(|why| CliError::new(ErrorKind::Usage, why))?,
    };
    let command = Command::Call {
        server: hand.name().clone(),
        tool: args.tool.clone(),
        arguments,
    };
    let call = hand.call(command).await?;
    report(args, &call, hand)
}

fn report(args: &CallArgs, call: &ToolCall, hand: &Hand) -> Result<ExitCode, CliError> {
    // The tool has run: what it said is printed whether it can be saved or not.
    let (saved, unsaved) = match (&args.output, call.result()) {
        (Some(folder), Some(result)) => match save::all(folder, &args.tool, result) {
            Ok(saved) => (saved, None),
            Err(error) => (Vec::new(), Some(error)),
        },
        _ => (Vec::new(), None),
    };
    let hint = hand.era_hint(call);
    if args.json {
        let document = result_json(call, hand.now());
        output::json(&ResultJson {
            saved: args.output.is_some().then_some(&saved),
            ..document
        });
    }
    let result = hand::answer(call).map_err(|error| match hint {
        Some(hint) => error.hint(hint),
        None => error,
    })?;
    if !args.json {
        output::lines(&clean::data(&result.as_text()));
        for file in &saved {
            output::note(&format!("saved {}", clean::line(&file.to_string_lossy())));
        }
    }
    if let Some(hint) = hint {
        output::note(&format!("hint: {hint}"));
    }
    if let Some(error) = unsaved {
        return Err(error);
    }
    Ok(if result.is_error {
        ExitCode::from(ErrorKind::Tool.code())
    } else {
        ExitCode::SUCCESS
    })
}

/// The result of a call as JSON: the fields of the `tool_result` event. Borrowed: it may be of many megabytes.
#[derive(Debug, Serialize)]
pub struct ResultJson<'a> {
    /// `tool_result`, where it is an event.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    call: CallId,
    server: &'a Option<ServerName>,
    tool: &'a str,
    outcome: Option<&'static str>,
    is_error: bool,
    content: Option<Cow<'a, [Block]>>,
    structured_content: Option<&'a Value>,
    duration_ms: u64,
    /// How old the answer was that stood for the server's; only where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_ms: Option<u128>,
    /// Files that blocks were saved to, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<&'a Vec<PathBuf>>,
}

/// What came of a call, to be printed.
pub fn result_json(call: &ToolCall, now: Moment) -> ResultJson<'_> {
    let result = call.result();
    let words = |end: &CallEnd| {
        let text = outcome::words(end).into_owned();
        Cow::Owned(vec![Block::Text { text }])
    };
    let content = match result {
        Some(result) => Some(Cow::Borrowed(&*result.content)),
        None => call.end().map(words),
    };
    let cached_ms = match (call.cached, &call.state) {
        (Some(since), CallState::Done { at, .. }) => Some(at.since(since).as_millis()),
        _ => None,
    };
    ResultJson {
        kind: None,
        call: call.id,
        server: &call.server,
        tool: &call.tool,
        outcome: call.end().map(CallEnd::word),
        is_error: call.end().is_none_or(CallEnd::is_error),
        content,
        structured_content: result.and_then(|result| result.structured.as_ref()),
        duration_ms: hand::millis(call, now),
        cached_ms,
        saved: None,
    }
}
