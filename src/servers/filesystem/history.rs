//! The changes of all file servers of this person, seen from outside of them: `mcpdeck undo` works through this.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use crate::servers::filesystem::changes::record::{Action, Where};
use crate::servers::filesystem::changes::{Change, Changes, End};
use crate::servers::filesystem::ground::Recorded;
use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::roots::Roots;
use crate::servers::filesystem::trash::Trash;

/// A change as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entry {
    /// What undoes it.
    pub change: String,
    /// When it was made.
    pub time: String,
    /// The tool that made it.
    pub tool: String,
    /// What was changed.
    pub path: String,
    /// Where it was moved to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Whether it can be undone.
    pub can_undo: bool,
    /// Why not: `undone`, `cut short`, or `not in effect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The change that it took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// Bytes that it holds in the trash.
    pub kept_bytes: u64,
}

impl Entry {
    /// As a server on these roots tells it.
    pub(super) fn of(change: &Change, roots: &Roots) -> Self {
        let single = roots.iter().count() == 1;
        Self::told(change, |place| {
            let path = place.absolute();
            let below = roots.iter().find_map(|r| path.strip_prefix(&r.path).ok());
            match below {
                Some(rel) if single => shown_path(rel),
                _ => shown_path(&path),
            }
        })
    }

    fn told(change: &Change, path: impl Fn(&Where) -> String) -> Self {
        let begun = &change.begun;
        let (place, destination) = match &begun.action {
            Action::Put { place, .. } => (place, None),
            Action::Move { from, to, .. } => (from, Some(path(to))),
        };
        let state = match &change.end {
            _ if change.undone_by.is_some() => Some("undone"),
            End::Open => Some("cut short"),
            End::Abandoned => Some("not in effect"),
            End::Done(_) => None,
        };
        Self {
            change: begun.id.clone(),
            time: begun.time.clone(),
            tool: begun.tool.clone(),
            path: path(place),
            destination,
            can_undo: change.stands(),
            state: state.map(str::to_owned),
            undoes: begun.undoes.clone(),
            kept_bytes: change.kept(),
        }
    }

    /// What it did, in a few words.
    pub fn words(&self) -> String {
        let to = self.destination.as_ref();
        let to = to.map_or_else(String::new, |to| format!(" to `{to}`"));
        format!("`{}` ({} of `{}`{to})", self.change, self.tool, self.path)
    }

    /// One line of a list.
    pub fn line(&self) -> String {
        let state = self.state.as_deref();
        let state = state.map_or_else(String::new, |state| format!("  ({state})"));
        let to = self.destination.as_deref();
        let to = to.map_or_else(String::new, |to| format!(" -> {to}"));
        format!("{}  {}  {}{to}{state}", self.change, self.tool, self.path)
    }
}

/// A change that was taken back from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// The change that was taken back.
    pub undone: Entry,
    /// The change that did it.
    pub change: String,
    /// Where what lay there before is now in the trash.
    pub previous: Option<String>,
}

/// All changes that the data directory knows of.
pub struct History {
    changes: Changes,
}

impl History {
    /// That of the person who runs this.
    ///
    /// # Errors
    /// A bound in the environment that is no number.
    pub fn open(data: Option<&Path>) -> Result<Self, String> {
        let trash = Trash::found(data).map_err(|error| error.to_string())?;
        let changes = Changes::new(trash);
        Ok(Self { changes })
    }

    /// The changes, newest first, at most so many; and a sentence about what else the journal holds, if anything.
    ///
    /// # Errors
    /// A sentence: the data directory cannot be used.
    pub fn list(&self, limit: usize) -> Result<(Vec<Entry>, Option<String>), String> {
        let listed = self.changes.listed(&Recorded, limit);
        let (listed, foreign) = listed.map_err(|refusal| refusal.0)?;
        Ok((listed.iter().map(outside).collect(), foreign))
    }

    /// Takes back the named change, or the last one that stands, beneath the root that it was made in.
    ///
    /// # Errors
    /// A sentence with what to do; nothing was changed.
    pub fn undo(&self, id: Option<&str>, force: bool) -> Result<Undone, String> {
        let turn = self.changes.turn(&Recorded);
        let undone = turn.and_then(|mut turn| turn.undo(&Recorded, id, force));
        let undone = undone.map_err(|refusal| refusal.0)?;
        Ok(Undone {
            undone: outside(&undone.change),
            change: undone.id,
            previous: undone.kept.map(|path| shown_path(&path)),
        })
    }
}

fn outside(change: &Change) -> Entry {
    Entry::told(change, |place| shown_path(&place.absolute()))
}
