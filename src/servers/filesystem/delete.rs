//! `delete_file`: moves a file or folder into the trash. Nothing is ever removed for good.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::change::settle;
use crate::servers::filesystem::read::PathArgs;
use crate::servers::filesystem::roots::Place;
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
    let meta = dir
        .symlink_metadata(Path::new(&name))
        .map_err(|error| place.failure("delete", &error))?;
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
    let taken = take(files, &place, &dir, &name)?;
    settle(&dir);
    let trashed_to = taken.display().to_string();
    let with = match (meta.is_dir(), count) {
        (false, _) => String::new(),
        (true, 1) => " with 1 file".to_owned(),
        (true, n) => format!(" with {n} files"),
    };
    let path = place.shown();
    Ok(Answer {
        text: format!("Moved `{path}`{with} into the trash: {trashed_to}"),
        data: Deleted {
            path,
            trashed_to,
            files: count,
        },
    })
}

/// Moves it into a slot of its own in the trash; gives the path there.
fn take(files: &Files, place: &Place, dir: &Dir, name: &OsStr) -> Result<PathBuf, Refusal> {
    let slot = files.trash.slot(&place.absolute()).map_err(|error| {
        Refusal(format!(
            "`{}` was not deleted, because the trash at `{}` cannot be written: {error}.",
            place.shown(),
            files.trash.place().display()
        ))
    })?;
    slot.take(dir, name).map_err(|error| {
        // While anything of it is still in its place, what was copied is only a copy.
        if dir
            .symlink_metadata(Path::new(name))
            .is_ok_and(|m| !m.is_dir())
        {
            slot.discard();
        }
        place.failure("delete", &error)
    })
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
