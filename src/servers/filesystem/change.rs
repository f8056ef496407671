//! The tools that make and move: write a file, create a folder, move. Also the one way in which a file's content is replaced.
//!
//! A file is replaced by writing a new one beside it and renaming it over, so that nobody ever sees half of it, and only after
//! what it holds has been copied to the trash.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt, Permissions};
use rustix::fs::{OFlags, RenameFlags};
use rustix::io::Errno;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::read::PathArgs;
use crate::servers::filesystem::roots::{Place, kind_name};
use crate::servers::toolbox::{Answer, Refusal};

/// Arguments of `write_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteArgs {
    /// The file; the folder that holds it must exist.
    path: String,
    /// Its whole new content.
    content: String,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Written {
    /// The file.
    path: String,
    /// Bytes written.
    bytes: usize,
    /// Whether the file is new.
    created: bool,
    /// Where the earlier content lies in the trash.
    previous: Option<String>,
}

/// `write_file`
pub fn write_file(
    files: &Files,
    args: WriteArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Written>, Refusal> {
    let _turn = files.change();
    let place = files.roots.find(&args.path)?;
    let previous = replace(files, &place, args.content.as_bytes())?;
    let written = Written {
        path: place.shown(),
        bytes: args.content.len(),
        created: previous.is_none(),
        previous,
    };
    let text = match &written.previous {
        None => format!("Created `{}` ({} bytes).", written.path, written.bytes),
        Some(trash) => format!(
            "Replaced `{}` ({} bytes). The earlier content is in the trash: {trash}",
            written.path, written.bytes
        ),
    };
    Ok(Answer::new(written, text))
}

/// Gives the file this content, and tells where its earlier content lies, if it had any.
///
/// # Errors
/// No folder to hold it, something there that is no file, a file system that refuses.
pub fn replace(
    files: &Files,
    place: &Place<'_>,
    content: &[u8],
) -> Result<Option<String>, Refusal> {
    let target = place.content()?;
    let (dir, name) = target.parent()?;
    let failed = |error: io::Error| place.failure("write", &error);
    let mode = match dir.symlink_metadata(Path::new(&name)) {
        Ok(meta) if meta.is_file() => Some(meta.permissions()),
        Ok(meta) => {
            return Err(Refusal(format!(
                "`{}` is a {}, not a regular file, so it cannot be written.",
                place.shown(),
                kind_name(meta.file_type())
            )));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let temporary = write_beside(&dir, content, mode.clone()).map_err(failed)?;
    let outcome = if mode.is_some() {
        exchange(files, &target, &dir, &temporary, &name)
    } else {
        rename_new(&dir, temporary.as_ref(), &dir, &name)
            .map(|()| None)
            .map_err(|error| failed(error.into()))
    };
    if outcome.is_err() {
        let _already_gone = dir.remove_file(&temporary);
    }
    settle(&dir);
    outcome
}

/// Copies the old file to the trash, then renames the new one over it.
fn exchange(
    files: &Files,
    target: &Place<'_>,
    dir: &Dir,
    temporary: &str,
    name: &OsStr,
) -> Result<Option<String>, Refusal> {
    must_be_writable(dir, name).map_err(|error| target.failure("write", &error))?;
    let slot = files.trash.slot(&target.absolute());
    let kept = slot.and_then(|slot| slot.keep(dir, name));
    let kept = kept.map_err(|error| {
        Refusal(format!(
            "`{}` was not changed, because its content could not be kept in the trash at `{}`: {error}.",
            target.shown(),
            files.trash.place().display()
        ))
    })?;
    dir.rename(temporary, dir, name)
        .map_err(|error| target.failure("write", &error))?;
    Ok(Some(kept.display().to_string()))
}

/// A rename would replace a write-protected file as well; the protection is meant for its content.
fn must_be_writable(dir: &Dir, name: &OsStr) -> io::Result<()> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(flags.bits().cast_signed());
    dir.open_with(name, &options).map(drop)
}

/// Writes a new file with a name of its own into the folder, down to the disk. What takes a file's place is at no moment open to
/// more people than the file.
fn write_beside(dir: &Dir, content: &[u8], mode: Option<Permissions>) -> io::Result<String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if mode.is_some() {
        options.mode(0o600);
    }
    let (name, mut file) = new_beside(dir, &options)?;
    let written = (|| {
        file.write_all(content)?;
        if let Some(mode) = mode {
            file.set_permissions(mode)?;
        }
        file.sync_all()
    })();
    if let Err(error) = written {
        let _already_gone = dir.remove_file(&name);
        return Err(error);
    }
    Ok(name)
}

/// A new file under a name that is free. A process that was killed may have left one behind, and in a container the next process
/// has the same number.
fn new_beside(dir: &Dir, options: &OpenOptions) -> io::Result<(String, File)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!(".mcpdeck-{}-{number}.tmp", std::process::id());
        match dir.open_with(&name, options) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return Ok((name, opened?)),
        }
    }
}

/// Renames, unless something has the new name already.
fn rename_new(from: &Dir, name: &OsStr, to: &Dir, new_name: &OsStr) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE) {
        // File systems without this way of renaming: a look first is the best there is.
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata(Path::new(new_name)).is_err() => {
            rustix::fs::renameat(from, name, to, new_name)
        }
        outcome => outcome,
    }
}

/// Brings the names in a folder down to the disk, where the file system can.
pub fn settle(dir: &Dir) {
    if let Ok(dir) = dir.open(".") {
        let _not_supported = dir.sync_all();
    }
}

/// Arguments of `move_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveArgs {
    /// What is moved.
    source: String,
    /// Its new path, with its new name; must not exist.
    destination: String,
}

/// What was moved.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Moved {
    /// Where it was.
    source: String,
    /// Where it is.
    destination: String,
}

/// `move_file`
pub fn move_file(
    files: &Files,
    args: MoveArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Moved>, Refusal> {
    let _turn = files.change();
    let source = files.roots.find(&args.source)?;
    let destination = files.roots.find(&args.destination)?;
    let (from, name) = source.parent()?;
    let (to, new_name) = destination.parent()?;
    let there = from.symlink_metadata(Path::new(&name));
    there.map_err(|error| source.failure("move", &error))?;
    rename_new(&from, &name, &to, &new_name).map_err(|errno| {
        let target = destination.shown();
        match errno {
            Errno::EXIST | Errno::NOTEMPTY => Refusal(format!(
                "`{target}` exists already, and a move never overwrites. Choose another name, or delete it first."
            )),
            Errno::INVAL => Refusal(format!(
                "`{}` cannot be moved into itself (`{target}`).",
                source.shown()
            )),
            Errno::XDEV => Refusal(format!(
                "`{}` and `{target}` lie on different file systems. Write the content to the new place, then delete the old one.",
                source.shown()
            )),
            other => source.failure("move", &other.into()),
        }
    })?;
    settle(&from);
    settle(&to);
    let moved = Moved {
        source: source.shown(),
        destination: destination.shown(),
    };
    let text = format!("Moved `{}` to `{}`.", moved.source, moved.destination);
    Ok(Answer::new(moved, text))
}

/// What was created.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Folder {
    /// The folder.
    path: String,
    /// Whether it is new.
    created: bool,
}

/// `create_directory`
pub fn create_directory(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Folder>, Refusal> {
    let _turn = files.change();
    let place = files.roots.find(&args.path)?;
    let created = match place.root.dir.metadata(place.way()) {
        Ok(meta) if meta.is_dir() => false,
        Ok(_) => {
            return Err(Refusal(format!(
                "`{}` exists already and is no folder.",
                place.shown()
            )));
        }
        Err(_) => {
            let made = place.root.dir.create_dir_all(place.way());
            made.map_err(|error| place.failure("create", &error))?;
            true
        }
    };
    let path = place.shown();
    let text = if created {
        format!("Created the folder `{path}`.")
    } else {
        format!("The folder `{path}` exists already.")
    };
    let data = Folder { path, created };
    Ok(Answer::new(data, text))
}
