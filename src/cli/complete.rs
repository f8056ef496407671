//! `mcpdeck complete SERVER prompt|template NAME ARGUMENT [VALUE]`: what could stand there, one a line.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::hand::{self, Hand};
use crate::cli::output;
use crate::cli::replies::ReplyArgs;
use crate::cli::target::{RunArgs, Target};
use crate::mcp::request::{Errand, ErrandEnd, Reference};
use crate::text::clean;

/// `mcpdeck complete ...`
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// The server
    pub server: String,
    /// Of what the argument is
    pub of: Of,
    /// The prompt's name, or the URI template
    pub name: String,
    /// The argument, or the template's variable
    pub argument: String,
    /// What is written so far
    #[arg(default_value = "")]
    pub value: String,
    /// Another argument that is known already; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// What is answered to the server.
    #[command(flatten)]
    pub replies: ReplyArgs,
}

/// What has arguments.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Of {
    /// A prompt.
    Prompt,
    /// A resource template.
    Template,
}

/// Asks the server and prints its proposals.
pub fn run(args: &CompleteArgs, global: &Global) -> Result<ExitCode, CliError> {
    let context = context(&args.context)?;
    let target = Target::of(&args.server, &RunArgs::default());
    hand::with(&target, &args.replies, global, async |hand| {
        complete(args, context, hand).await
    })
}

async fn complete(
    args: &CompleteArgs,
    context: BTreeMap<String, String>,
    hand: &mut Hand,
) -> Result<ExitCode, CliError> {
    let of = match args.of {
        Of::Prompt => Reference::Prompt {
            name: args.name.clone(),
        },
        Of::Template => Reference::Template {
            uri_template: args.name.clone(),
        },
    };
    let what = Errand::Complete {
        of,
        argument: args.argument.clone(),
        value: args.value.clone(),
        context,
    };
    let ErrandEnd::Completed {
        values,
        total,
        more,
    } = hand.errand(what).await?
    else {
        return Err(CliError::new(
            ErrorKind::Server,
            "the server proposed nothing that can be read",
        ));
    };
    if args.json {
        let document = json!({ "values": values, "total": total, "more": more });
        output::json(&document);
    } else {
        values
            .iter()
            .for_each(|value| output::lines(&clean::line(value)));
        if more {
            output::note("there are more; write more of the value to see them");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn context(pairs: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let read = |pair: &String| match pair.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(CliError::new(
            ErrorKind::Usage,
            format!("--context {pair}: not KEY=VALUE"),
        )),
    };
    pairs.iter().map(read).collect()
}
