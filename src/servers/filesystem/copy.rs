//! `copy_file`: a copy of a file or folder under another name.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use cap_std::fs::{Dir, MetadataExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::change::replaceable;
use crate::servers::filesystem::changes::put::Put;
use crate::servers::filesystem::changes::record::Seen;
use crate::servers::filesystem::changes::spot::Spot;
use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::roots::Place;
use crate::servers::filesystem::tree::{self, Keep, Weight};
use crate::servers::toolbox::{Answer, Refusal};

/// Files and folders that are copied at once.
const MAX_THINGS: u64 = 100_000;

/// Arguments of `copy_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyArgs {
    /// What is copied: a file, or a folder with all that is in it. Links are copied as links.
    source: String,
    /// The path of the copy, with its name.
    destination: String,
    /// Replace what is at the destination; that goes to the trash. Without it an existing destination is refused.
    #[serde(default)]
    overwrite: bool,
}

/// What was copied.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Copied {
    /// The original.
    source: String,
    /// The copy.
    destination: String,
    /// Files and links in it.
    files: u64,
    /// Bytes in it.
    bytes: u64,
    /// Where what was replaced lies in the trash.
    previous: Option<String>,
    /// The name of this change; `undo` takes it back.
    change: String,
}

/// `copy_file`
pub fn copy_file(
    files: &Files,
    args: CopyArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Copied>, Refusal> {
    let mut turn = files.turn()?;
    let source = files.roots.find(&args.source)?;
    let destination = files.roots.find(&args.destination)?;
    let (from, to) = (Spot::of(&source)?, Spot::of(&destination)?);
    let old = replaced(&source, &destination, &from, &to, args.overwrite)?;
    files.holds_no_trash(&from)?;
    if old.is_some() {
        files.holds_no_trash(&to)?;
    }
    let weight = weighed(files, &source, &from, &to)?;
    let make = |dir: &Dir, name: &OsStr| tree::copy(&from.dir, &from.name, dir, name, Keep::Mode);
    let made = turn.put(&Put {
        tool: "copy_file",
        verb: "copy to",
        spot: &to,
        old,
        make: Some(&make),
        sha256: None,
        undoes: None,
    })?;
    let copied = Copied {
        source: source.shown(),
        destination: destination.shown(),
        files: weight.files,
        bytes: weight.bytes,
        previous: made.kept.map(|path| shown_path(&path)),
        change: made.id,
    };
    let mut text = format!("Copied `{}` to `{}`.", copied.source, copied.destination);
    if let Some(trash) = &copied.previous {
        text.push_str(&format!(" What was there is in the trash: {trash}"));
    }
    Ok(Answer::new(copied, text))
}

/// What the copy would replace, where that is permitted.
fn replaced(
    source: &Place<'_>,
    destination: &Place<'_>,
    from: &Spot,
    to: &Spot,
    overwrite: bool,
) -> Result<Option<Seen>, Refusal> {
    let meta = from.dir.symlink_metadata(Path::new(&from.name));
    let meta = meta.map_err(|error| source.failure("copy", &error))?;
    let there = match to.dir.symlink_metadata(Path::new(&to.name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        there => there.map_err(|error| destination.failure("copy to", &error))?,
    };
    let target = destination.shown();
    if (there.dev(), there.ino()) == (meta.dev(), meta.ino()) {
        return Err(Refusal(format!(
            "`{}` and `{target}` are the same, so there is nothing to copy. Choose another name.",
            source.shown()
        )));
    }
    if !overwrite {
        return Err(Refusal(format!(
            "`{target}` exists already. Nothing was changed. Choose another name, or say overwrite: what is there goes to the trash."
        )));
    }
    if there.is_file() {
        return replaceable(destination, to);
    }
    Ok(Some(Seen::from(&there)))
}

/// How much is copied. No more than the trash could take back, never a folder into itself, and never the folder that it is in
/// over that one.
fn weighed(files: &Files, source: &Place<'_>, from: &Spot, to: &Spot) -> Result<Weight, Refusal> {
    let failed = |error: io::Error| source.failure("copy", &error);
    let holder = to.dir.dir_metadata().map_err(failed)?;
    let weight = tree::weigh(&from.dir, &from.name, Some((holder.dev(), holder.ino())));
    let weight = weight.map_err(failed)?;
    if from.absolute().starts_with(to.absolute()) {
        return Err(Refusal(format!(
            "`{}` lies in `{}`, so it cannot take its place.",
            from.shown, to.shown
        )));
    }
    let most = files.changes.trash().max_bytes;
    if weight.bytes > most || weight.files + weight.folders > MAX_THINGS {
        return Err(Refusal(format!(
            "`{}` has {} files and {} bytes; at most {MAX_THINGS} files and {most} bytes are copied at once. Copy it in parts.",
            source.shown(),
            weight.files,
            weight.bytes
        )));
    }
    Ok(weight)
}
