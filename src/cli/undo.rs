//! `mcpdeck undo [CHANGE]`: takes back what the file server changed, without a server. Works on the journal in the data
//! directory.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output;
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
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Lists the changes, or takes one back.
pub fn run(args: &UndoArgs) -> Result<ExitCode, CliError> {
    let history = History::from_environment();
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

fn list(entries: &[Entry], as_json: bool) {
    if as_json {
        output::data(&format!("{:#}\n", json!({ "changes": entries })));
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
        output::data(&format!("{:#}\n", json!(undone)));
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
