//! `delete_file`: moves a file or folder into the trash. Nothing is ever removed for good.

use std::path::Path;

use cap_std::fs::Dir;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::change::settle;
use crate::servers::filesystem::read::PathArgs;
use crate::servers::toolbox::{Answer, Refusal};

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deleted {
    /// What it was.
    path: String,
    /// Where it lies now.
    trashed_to: String,
    /// How many files that are: 1, or all in a folder.
    files: usize,
}

/// `delete_file`
pub fn delete_file(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Deleted>, Refusal> {
    let _turn = files.change();
    let place = files.roots.find(&args.path)?;
    let (dir, name) = place.parent()?;
    let failed = |error: std::io::Error| place.failure("delete", &error);
    let meta = dir.symlink_metadata(Path::new(&name)).map_err(failed)?;
    if files.trash.place().starts_with(place.absolute()) {
        return Err(Refusal(format!(
            "`{}` holds the trash of this server, so it cannot be moved into it.",
            place.shown()
        )));
    }
    let count = if meta.is_dir() {
        dir.open_dir(&name).map_or(0, |inner| count(&inner))
    } else {
        1
    };
    let slot = files.trash.slot(&place.absolute()).map_err(|error| {
        Refusal(format!(
            "`{}` was not deleted, because the trash at `{}` cannot be written: {error}.",
            place.shown(),
            files.trash.place().display()
        ))
    })?;
    let taken = slot.take(&dir, &name).map_err(failed)?;
    settle(&dir);
    let deleted = Deleted {
        path: place.shown(),
        trashed_to: taken.display().to_string(),
        files: count,
    };
    let text = deleted.text(meta.is_dir());
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

/// Files and links below a folder; what cannot be read is not counted.
fn count(dir: &Dir) -> usize {
    let Ok(entries) = dir.entries() else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => entry.open_dir().map_or(0, |inner| count(&inner)),
            Ok(_) | Err(_) => 1,
        })
        .sum()
}
