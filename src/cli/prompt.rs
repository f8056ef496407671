//! `mcpdeck prompt SERVER PROMPT`: the messages of one prompt, with its arguments filled in. Nothing is sent to a model.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::hand::{self, Hand};
use crate::cli::output;
use crate::cli::replies::ReplyArgs;
use crate::cli::target::{RunArgs, Target};
use crate::host::{CallEnd, Command};
use crate::mcp::prompt::Prompt;
use crate::mcp::result::Block;
use crate::text::clean;

/// `mcpdeck prompt ...`
#[derive(Debug, Args)]
pub struct PromptArgs {
    /// The server: its name in the configuration, or a URL
    pub server: String,
    /// The prompt; `mcpdeck list SERVER` shows them
    pub prompt: String,
    /// Its arguments
    #[arg(value_name = "KEY=VALUE")]
    pub pairs: Vec<String>,
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

/// Gets the prompt and prints its messages.
pub fn run(args: &PromptArgs, global: &Global) -> Result<ExitCode, CliError> {
    let target = Target::of(&args.server, &args.run);
    hand::with(&target, &args.replies, global, async |hand| {
        prompt(args, hand).await
    })
}

async fn prompt(args: &PromptArgs, hand: &mut Hand) -> Result<ExitCode, CliError> {
    hand.listed().await?;
    let prompts = &hand.server()?.prompts;
    let Some(known) = prompts.iter().find(|known| known.name == args.prompt) else {
        let names = prompts.iter().map(|known| known.name.as_str());
        return Err(hand::unknown(hand.name(), "prompt", &args.prompt, names));
    };
    let arguments = arguments(&args.pairs, known)?;
    let command = Command::GetPrompt {
        server: hand.name().clone(),
        prompt: args.prompt.clone(),
        arguments: Value::Object(arguments).to_string(),
        send: false,
    };
    let call = hand.call(command).await?;
    if args.json {
        let messages = call
            .result()
            .map(|result| result.content.iter().map(message).collect::<Vec<_>>());
        let document = json!({
            "server": call.server,
            "prompt": args.prompt,
            "outcome": call.end().map(CallEnd::word),
            "messages": messages,
            "duration_ms": hand::millis(&call, hand.now()),
        });
        output::json(&document);
    }
    let result = hand::answer(&call)?;
    if !args.json {
        for block in &result.content {
            output::lines(&clean::data(&block.as_text()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn message(block: &Block) -> Value {
    match block {
        Block::Said { role, block } => json!({ "role": role, "content": block }),
        other => json!(other),
    }
}

/// The arguments, all of them texts. What the prompt requires must be there: the server would only say so less well.
fn arguments(pairs: &[String], prompt: &Prompt) -> Result<Map<String, Value>, CliError> {
    let mut given = Map::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(CliError::new(
                ErrorKind::Usage,
                format!("`{pair}` is not `key=value`"),
            ));
        };
        given.insert(key.to_owned(), Value::String(value.to_owned()));
    }
    let missing = |argument: &&crate::mcp::prompt::PromptArgument| {
        argument.required && !given.contains_key(&argument.name)
    };
    match prompt.arguments.iter().find(missing) {
        None => Ok(given),
        Some(lacking) => {
            let name = clean::line(&lacking.name);
            let error = CliError::new(
                ErrorKind::Usage,
                format!("the prompt needs the argument `{name}`"),
            );
            let about = lacking
                .description
                .as_deref()
                .map(clean::line)
                .unwrap_or_default();
            Err(error.hint(format!("{name}=...  {about}").trim_end()))
        }
    }
}
