//! `delete_file`: moves a file or folder into the trash.

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::changes::put::Put;
use crate::servers::filesystem::changes::record::{Seen, Sort};
use crate::servers::filesystem::changes::spot::Spot;
use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::reading::read::PathArgs;
use crate::servers::toolbox::{Answer, Refusal};

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deleted {
    /// What it was.
    path: String,
    /// Where it lies now.
    trashed_to: String,
    /// How many files that are: 1, or all in a folder.
    files: u64,
    /// The name of this change; `undo` takes it back.
    change: String,
}

/// `delete_file`
pub fn delete_file(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Deleted>, Refusal> {
    let mut turn = files.turn()?;
    let place = files.roots.find(&args.path)?;
    let spot = Spot::of(&place)?;
    let meta = spot.dir.symlink_metadata(std::path::Path::new(&spot.name));
    let seen = Seen::from(&meta.map_err(|error| place.failure("delete", &error))?);
    files.holds_no_trash(&spot)?;
    let made = turn.put(&Put {
        tool: "delete_file",
        verb: "delete",
        spot: &spot,
        old: Some(seen),
        make: None,
        sha256: None,
        undoes: None,
    })?;
    let deleted = Deleted {
        path: place.shown(),
        trashed_to: shown_path(&made.kept.unwrap_or_default()),
        files: made.weight.files,
        change: made.id,
    };
    let text = deleted.text(seen.sort == Sort::Folder);
    Ok(Answer::new(deleted, text))
}

impl Deleted {
    fn text(&self, folder: bool) -> String {
        let what = match (folder, self.files) {
            (false, _) => String::new(),
            (true, 1) => " with 1 file".to_owned(),
            (true, n) => format!(" with {n} files"),
        };
        format!(
            "Moved `{}`{what} into the trash: {}",
            self.path, self.trashed_to
        )
    }
}
