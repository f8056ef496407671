//! The tools that make and move: write a file, create a folder, move. Also the one way in which a file's content is replaced.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::changes::Turn;
use crate::servers::filesystem::changes::left::digest;
use crate::servers::filesystem::changes::put::{Made, Put};
use crate::servers::filesystem::changes::record::{Seen, Sort};
use crate::servers::filesystem::changes::spot::Spot;
use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::reading::read::PathArgs;
use crate::servers::filesystem::roots::{Place, kind_name};
use crate::servers::filesystem::{Files, attributes};
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
    /// The name of this change; `undo` takes it back.
    change: String,
}

/// `write_file`
pub fn write_file(
    files: &Files,
    args: WriteArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Written>, Refusal> {
    let mut turn = files.turn()?;
    let place = files.roots.find(&args.path)?;
    let made = replace(&mut turn, &place, args.content.as_bytes(), None)?;
    let written = Written {
        path: place.shown(),
        bytes: args.content.len(),
        created: made.kept.is_none(),
        previous: made.kept.map(|path| shown_path(&path)),
        change: made.id,
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

/// Gives the file this content. With `read`, only if the file is still the one that was read.
///
/// # Errors
/// No folder to hold it, something there that is no file, a file system that refuses.
pub fn replace(
    turn: &mut Turn<'_>,
    place: &Place<'_>,
    content: &[u8],
    read: Option<Seen>,
) -> Result<Made, Refusal> {
    let spot = Spot::of(&place.content()?)?;
    let old = replaceable(place, &spot)?;
    if read.is_some() && read != old {
        return Err(Refusal(format!(
            "`{}` was changed by somebody else at this moment. Nothing was changed. Read it again and repeat.",
            place.shown()
        )));
    }
    let make = |dir: &Dir, name: &OsStr| write_new(dir, name, content, old.map(|_| &*spot.name));
    turn.put(&Put {
        tool: if read.is_some() {
            "edit_file"
        } else {
            "write_file"
        },
        verb: "write",
        spot: &spot,
        old,
        make: Some(&make),
        sha256: Some(digest(content)),
        undoes: None,
    })
}

/// What a new content would replace: a regular file that may be written and has no other name, or nothing.
///
/// # Errors
/// Anything else is there.
pub fn replaceable(place: &Place<'_>, spot: &Spot) -> Result<Option<Seen>, Refusal> {
    let meta = match spot.dir.symlink_metadata(Path::new(&spot.name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        meta => meta.map_err(|error| place.failure("write", &error))?,
    };
    let path = place.shown();
    if !meta.is_file() {
        return Err(Refusal(format!(
            "`{path}` is a {}, not a regular file, so it cannot be written.",
            kind_name(meta.file_type())
        )));
    }
    if meta.nlink() > 1 {
        return Err(Refusal(format!(
            "`{path}` is one of {} names (hard links) of the same file, and others may lie outside the allowed folders, so it is \
             not written. Delete this name first and write the file anew, or write to another name.",
            meta.nlink()
        )));
    }
    // A rename would replace a write-protected file as well; the protection is meant for its content.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(flags.bits().cast_signed());
    let opened = spot.dir.open_with(&spot.name, &options);
    opened.map_err(|error| place.failure("write", &error))?;
    Ok(Some(Seen::from(&meta)))
}

/// Writes a new file, down to the disk. What takes a file's place has its owner and permissions, and is at no moment open to
/// more people than the file.
fn write_new(dir: &Dir, name: &OsStr, content: &[u8], old: Option<&OsStr>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if old.is_some() {
        options.mode(0o600);
    }
    let mut file = dir.open_with(name, &options)?;
    file.write_all(content)?;
    if let Some(old) = old {
        let meta = dir.symlink_metadata(Path::new(old))?;
        let mut reading = OpenOptions::new();
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
        reading.read(true).custom_flags(flags.bits().cast_signed());
        match dir.open_with(old, &reading) {
            Ok(old) => attributes::carry(&old, &meta, &file)?,
            // It may be written and not read.
            Err(_) => attributes::set_mode(&file, &meta, false)?,
        }
    }
    file.sync_all()
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
    /// The name of this change; `undo` takes it back.
    change: String,
}

/// `move_file`
pub fn move_file(
    files: &Files,
    args: MoveArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Moved>, Refusal> {
    let mut turn = files.turn()?;
    let source = files.roots.find(&args.source)?;
    let destination = files.roots.find(&args.destination)?;
    let (from, to) = (Spot::of(&source)?, Spot::of(&destination)?);
    let there = from.dir.symlink_metadata(Path::new(&from.name));
    let there = there.map_err(|error| source.failure("move", &error))?;
    files.holds_no_trash(&from)?;
    let change = turn.shift("move_file", &from, &to, Seen::from(&there), None)?;
    let moved = Moved {
        source: source.shown(),
        destination: destination.shown(),
        change,
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
    /// The name of this change; `undo` takes it back.
    change: Option<String>,
}

/// `create_directory`
pub fn create_directory(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Folder>, Refusal> {
    let mut turn = files.turn()?;
    let place = files.roots.find(&args.path)?;
    let path = place.shown();
    let change = match place.root.dir.metadata(place.way()) {
        Ok(meta) if meta.is_dir() => None,
        Ok(_) => {
            return Err(Refusal(format!(
                "`{path}` exists already and is no folder."
            )));
        }
        Err(_) => Some(make_folders(&mut turn, &place)?),
    };
    let text = match change {
        Some(_) => format!("Created the folder `{path}`."),
        None => format!("The folder `{path}` exists already."),
    };
    let created = change.is_some();
    Ok(Answer::new(
        Folder {
            path,
            created,
            change,
        },
        text,
    ))
}

/// Makes the missing folders of the path beside and gives them their name in one step.
fn make_folders(turn: &mut Turn<'_>, place: &Place<'_>) -> Result<String, Refusal> {
    let (top, below) = first_missing(place);
    let spot = Spot::of(&top)?;
    if let Some(seen) = spot
        .seen()
        .map_err(|error| place.failure("create", &error))?
    {
        let what = match seen.sort {
            Sort::Link => "a link that leads nowhere or out of the allowed folders",
            _ => "no folder that can be entered",
        };
        return Err(Refusal(format!(
            "Cannot create `{}`: `{}` is {what}.",
            place.shown(),
            top.shown()
        )));
    }
    let make = |dir: &Dir, name: &OsStr| {
        dir.create_dir(name)?;
        dir.create_dir_all(Path::new(name).join(&below))
    };
    let made = turn.put(&Put {
        tool: "create_directory",
        verb: "create",
        spot: &spot,
        old: None,
        make: Some(&make),
        sha256: None,
        undoes: None,
    })?;
    Ok(made.id)
}

/// The uppermost folder of the path that does not exist, and the way from there.
fn first_missing<'r>(place: &Place<'r>) -> (Place<'r>, PathBuf) {
    let mut top = PathBuf::new();
    for part in &place.rel {
        top.push(part);
        if place.root.dir.metadata(&top).is_err() {
            break;
        }
    }
    let below = place.rel.strip_prefix(&top).unwrap_or(Path::new(""));
    (place.at(top.clone()), below.to_owned())
}
