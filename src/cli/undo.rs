//! `mcpdeck undo [CHANGE]`: takes back what the file server changed, without a server. Works on the journal in the data
//! directory: that of the command line, of the configuration's file server, or the usual one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::{output, setup};
use crate::config::{Bundled, Launch, Permitted};
use crate::servers::filesystem::history::{Entry, History, Undone};
use crate::text::clean;

/// Changes that are listed unless it is said how many.
const USUAL: usize = 20;

/// `mcpdeck undo ...`
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The change, as `--list` names it; without it the last one
    pub change: Option<String>,
    /// List the changes, newest first, and undo nothing
    #[arg(long, conflicts_with_all = ["change", "force"])]
    pub list: bool,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = USUAL, requires = "list")]
    pub limit: usize,
    /// Undo it even though something else lies there by now, which goes to the trash
    #[arg(long)]
    pub force: bool,
    /// The data directory that holds the journal; without it that of the configuration's file server, else the usual one
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Lists the changes, or takes one back.
pub fn run(args: &UndoArgs, global: &Global) -> Result<ExitCode, CliError> {
    let data = match &args.data_dir {
        Some(data) => Some(data.clone()),
        None => configured(global)?,
    };
    let history = History::open(data.as_deref());
    let history = history.map_err(|why| CliError::new(ErrorKind::Usage, why))?;
    let failed = |why: String| CliError::new(ErrorKind::Tool, why);
    if args.list {
        let (entries, foreign) = history.list(args.limit).map_err(failed)?;
        list(&entries, args.json);
        if let Some(foreign) = foreign {
            output::note(&clean::line(&foreign));
        }
    } else {
        let undone = history.undo(args.change.as_deref(), args.force);
        let undone = undone.map_err(|why| {
            let hint = "`mcpdeck undo --list` shows what can be undone, `--force` puts what is there now into the trash";
            failed(why).hint(hint)
        })?;
        tell(&undone, args.json);
    }
    Ok(ExitCode::SUCCESS)
}

/// The data directory that the file servers of the configuration name, if it is one. A journal moves files: one that a folder
/// brings along counts only once the folder's file is trusted.
fn configured(global: &Global) -> Result<Option<PathBuf>, CliError> {
    let config = match setup::permitted(global) {
        Ok(Permitted::Runs(config)) => config,
        Ok(Permitted::Asks(asks)) => {
            output::note(
                "this folder's `mcp.toml` is not trusted and was left alone (see `mcpdeck trust`)",
            );
            asks.without.clone()
        }
        // A change is taken back without a configuration as well, but not by guessing past the one that was named.
        Err(error) if global.config.is_some() => return Err(error),
        Err(_) => return Ok(None),
    };
    let named = config
        .servers
        .iter()
        .filter_map(|server| match &server.launch {
            Launch::Bundled(Bundled::Filesystem { data_dir, .. }) => data_dir.clone(),
            Launch::Bundled(_) | Launch::Stdio(_) | Launch::Http(_) => None,
        });
    let named: BTreeSet<PathBuf> = named.collect();
    if named.len() > 1 {
        let dirs: Vec<String> = named
            .iter()
            .map(|dir| format!("`{}`", dir.display()))
            .collect();
        let what = format!(
            "the configuration has several data directories: {}",
            dirs.join(", ")
        );
        return Err(CliError::new(ErrorKind::Usage, clean::line(&what))
            .hint("name one by `--data-dir DIR`"));
    }
    Ok(named.into_iter().next())
}

fn list(entries: &[Entry], as_json: bool) {
    if as_json {
        output::json(&json!({ "changes": entries }));
        return;
    }
    for entry in entries {
        output::data(&format!("{}\n", clean::line(&entry.line())));
    }
    if entries.is_empty() {
        output::note("the file server has changed nothing yet, or it was too long ago");
    }
}

fn tell(undone: &Undone, as_json: bool) {
    if as_json {
        output::json(&json!(undone));
        return;
    }
    let words = clean::line(&undone.undone.words());
    output::data(&format!("undid {words}\n"));
    if let Some(trash) = &undone.previous {
        let trash = clean::line(trash);
        output::note(&format!("what lay there is in the trash: {trash}"));
    }
    let again = &undone.change;
    output::note(&format!("to have it again: mcpdeck undo {again}"));
}
