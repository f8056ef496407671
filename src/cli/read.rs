//! `mcpdeck read SERVER URI`: one resource. Text to stdout, bytes to a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::hand::{self, Hand};
use crate::cli::replies::ReplyArgs;
use crate::cli::target::{RunArgs, Target};
use crate::cli::{output, save};
use crate::host::{CallEnd, Command};
use crate::mcp::result::{Block, ToolResult};
use crate::text::clean;

/// `mcpdeck read ...`
#[derive(Debug, Args)]
pub struct ReadArgs {
    /// The server: its name in the configuration, or a URL
    pub server: String,
    /// The resource's URI; `mcpdeck list SERVER` shows them
    pub uri: String,
    /// Write the content to this file, byte for byte; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
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

/// Reads the resource and prints it.
pub fn run(args: &ReadArgs, global: &Global) -> Result<ExitCode, CliError> {
    let target = Target::of(&args.server, &args.run);
    hand::with(&target, &args.replies, global, async |hand| {
        read(args, hand).await
    })
}

async fn read(args: &ReadArgs, hand: &mut Hand) -> Result<ExitCode, CliError> {
    let command = Command::Read {
        server: hand.name().clone(),
        uri: args.uri.clone(),
    };
    let call = hand.call(command).await?;
    if args.json {
        let document = json!({
            "server": call.server,
            "uri": args.uri,
            "outcome": call.end().map(CallEnd::word),
            "contents": call.result().map(|result| &result.content),
            "duration_ms": hand::millis(&call, hand.now()),
        });
        output::json(&document);
    }
    let result = hand::answer(&call)?;
    match &args.out {
        Some(file) => write(file, result)?,
        None if args.json => {}
        None => print(result)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Text as it is, cleaned for a terminal; bytes are no text.
fn print(result: &ToolResult) -> Result<(), CliError> {
    for block in &result.content {
        match block {
            Block::Resource {
                text: None, mime, ..
            } => {
                let kind = mime.as_deref().unwrap_or("no type given");
                let what = format!("the content is not text ({})", clean::line(kind));
                return Err(CliError::new(ErrorKind::Usage, what)
                    .hint("give --out FILE to write it to a file, or --json for base64"));
            }
            block => output::lines(&clean::data(&block.as_text())),
        }
    }
    Ok(())
}

fn write(file: &Path, result: &ToolResult) -> Result<(), CliError> {
    let [block] = result.content.as_slice() else {
        let count = result.content.len();
        return Err(CliError::new(
            ErrorKind::Usage,
            format!("the resource has {count} parts, and --out is one file"),
        )
        .hint("--json prints all of them"));
    };
    let bytes = save::bytes(block)?;
    match file.to_str() {
        Some("-") => output::bytes(&bytes),
        _ => std::fs::write(file, &bytes).map_err(|error| {
            CliError::new(
                ErrorKind::Usage,
                format!("cannot write {}: {error}", file.display()),
            )
        })?,
    }
    Ok(())
}
