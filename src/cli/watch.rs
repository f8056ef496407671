//! `mcpdeck watch SERVER URI...`: one line for each change of a resource, until Ctrl-C.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::hand::{self, Hand};
use crate::cli::output;
use crate::cli::replies::ReplyArgs;
use crate::cli::target::{RunArgs, Target};
use crate::mcp::request::Errand;
use crate::text::clean;

/// `mcpdeck watch ...`
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The server
    pub server: String,
    /// The resources' URIs
    #[arg(required = true, value_name = "URI")]
    pub uris: Vec<String>,
    /// End after so many changes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Print one JSON event a line
    #[arg(long)]
    pub json: bool,
    /// What is answered to the server.
    #[command(flatten)]
    pub replies: ReplyArgs,
}

/// Subscribes and prints.
pub fn run(args: &WatchArgs, global: &Global) -> Result<ExitCode, CliError> {
    let target = Target::of(&args.server, &RunArgs::default());
    hand::with(&target, &args.replies, global, async |hand| {
        watch(args, hand).await
    })
}

async fn watch(args: &WatchArgs, hand: &mut Hand) -> Result<ExitCode, CliError> {
    for uri in &args.uris {
        let what = Errand::Subscribe { uri: uri.clone() };
        hand.errand(what).await?;
    }
    let count = args.uris.len();
    let of = if count == 1 {
        "1 resource".to_owned()
    } else {
        format!("{count} resources")
    };
    output::note(&format!("watching {of} of {}", hand.name()));
    let mut left = args.count;
    while left != Some(0) {
        let uri = hand.change().await?;
        left = left.map(|left| left - 1);
        if args.json {
            let event = json!({ "type": "resource_updated", "server": hand.name(), "uri": uri });
            if !output::event(&event) {
                break;
            }
        } else {
            output::lines(&clean::line(&uri));
        }
    }
    Ok(ExitCode::SUCCESS)
}
