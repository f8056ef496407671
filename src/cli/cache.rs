//! `mcpdeck cache`: the lists of servers that are kept between runs, shown or removed. Answers of tools are kept in memory alone.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::{output, setup};
use crate::driver::lists;
use crate::text::{clean, human};

/// `mcpdeck cache ...`
#[derive(Debug, Args)]
pub struct CacheArgs {
    /// What to do; without it, the lists are shown.
    #[command(subcommand)]
    pub what: Option<What>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Remove the lists of one server, or of all
    Clear {
        /// The server, as the configuration names it
        server: Option<String>,
    },
}

/// Shows or removes them.
pub fn run(args: &CacheArgs) -> Result<ExitCode, CliError> {
    let folder = setup::lists_dir();
    if let Some(What::Clear { server }) = &args.what {
        let gone = lists::clear(&folder, server.as_deref()).map_err(|error| {
            let why = format!(
                "cannot remove the kept lists in {}: {error}",
                folder.display()
            );
            CliError::new(ErrorKind::Usage, why)
        })?;
        if args.json {
            output::data(&format!("{:#}\n", json!({ "removed": gone })));
        } else {
            output::lines(&format!(
                "removed {gone} file{}",
                if gone == 1 { "" } else { "s" }
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let all = lists::all(&folder);
    if args.json {
        output::data(&format!("{:#}\n", json!({ "lists": all })));
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        output::note("no lists are kept; the terminal program keeps them as servers come up");
    }
    for kept in all {
        let age = human::duration(std::time::Duration::from_secs(kept.age_sec));
        output::lines(&format!(
            "{}  {} items  {}  {age} old  {}",
            clean::line(kept.server.as_str()),
            human::count(kept.items as u64),
            human::bytes(kept.bytes),
            clean::line(&kept.launch),
        ));
    }
    Ok(ExitCode::SUCCESS)
}
