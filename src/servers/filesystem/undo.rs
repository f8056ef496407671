//! `undo` and `list_changes`: the journal as tools. They know only the changes below the folders that this server may touch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::history::Entry;
use crate::servers::filesystem::names::shown_path;
use crate::servers::toolbox::{Answer, Refusal};

/// Changes that are listed unless it is said how many.
const USUAL: usize = 20;

/// Arguments of `undo`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoArgs {
    /// The change to take back, as list_changes names it; without it the last one.
    change: Option<String>,
    /// Undo it even though something else lies there by now; that goes to the trash then.
    #[serde(default)]
    force: bool,
}

/// What was undone.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undone {
    /// The change that was taken back.
    undone: Entry,
    /// The name of this change; undoing it makes the other one again.
    change: String,
    /// Where what lay there before is now in the trash.
    previous: Option<String>,
}

/// `undo`
pub fn undo(
    files: &Files,
    args: UndoArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Undone>, Refusal> {
    files.some_root()?;
    let mut turn = files.turn()?;
    let undone = turn.undo(&files.roots, args.change.as_deref(), args.force)?;
    let entry = Entry::of(&undone.change, &files.roots);
    let mut text = format!("Undid {}.", entry.words());
    let previous = undone.kept.map(|path| shown_path(&path));
    if let Some(trash) = &previous {
        text.push_str(&format!(" What lay there is in the trash: {trash}"));
    }
    let data = Undone {
        undone: entry,
        change: undone.id,
        previous,
    };
    Ok(Answer::new(data, text))
}

/// Arguments of `list_changes`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListChangesArgs {
    /// How many; 20 when not given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
}

/// The changes, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeList {
    /// Each change.
    changes: Vec<Entry>,
}

/// `list_changes`
pub fn list_changes(
    files: &Files,
    args: ListChangesArgs,
    _stop: &CancellationToken,
) -> Result<Answer<ChangeList>, Refusal> {
    files.some_root()?;
    let limit = args.limit.unwrap_or(USUAL);
    let (changes, foreign) = files.changes.listed(&files.roots, limit)?;
    let entry = |change| Entry::of(change, &files.roots);
    let changes: Vec<Entry> = changes.iter().map(entry).collect();
    let lines: Vec<String> = changes.iter().map(Entry::line).collect();
    let mut text = if lines.is_empty() {
        "Nothing was changed yet.".to_owned()
    } else {
        lines.join("\n")
    };
    if let Some(foreign) = foreign {
        text = format!("{text}\n{foreign}");
    }
    Ok(Answer::new(ChangeList { changes }, text))
}
