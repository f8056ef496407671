//! What a change left at its place, and whether that is still what lies there: the condition for taking a change back.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use crate::servers::filesystem::changes::record::{Left, Seen, Sort};
use crate::servers::filesystem::changes::spot::{Spot, seen};

/// Things in a folder that are looked at.
const MAX_INSIDE: usize = 200_000;

/// Levels of folders that are looked at.
const MAX_DEPTH: usize = 200;

/// What lies at the spot now; `sha256` where the content that was put there is known.
///
/// # Errors
/// It cannot be looked at.
pub fn left(spot: &Spot, sha256: Option<&str>) -> io::Result<Left> {
    let Some(seen) = spot.seen()? else {
        return Ok(Left::Nothing);
    };
    if let (Sort::File, Some(sha256)) = (seen.sort, sha256) {
        let sha256 = sha256.to_owned();
        let size = seen.size;
        return Ok(Left::Content { size, sha256 });
    }
    let inside = inside(&spot.dir, &spot.name, &seen)?;
    Ok(Left::Thing { seen, inside })
}

/// Whether what the change left is still there, unchanged. What came back from a trash on another file system has another number
/// there, but the same size and time.
///
/// # Errors
/// It cannot be looked at.
pub fn is_still(left: &Left, spot: &Spot) -> io::Result<bool> {
    let now = spot.seen()?;
    match (left, now) {
        (Left::Nothing, now) => Ok(now.is_none()),
        (_, None) => Ok(false),
        (Left::Content { size, sha256 }, Some(now)) => Ok(now.sort == Sort::File
            && now.size == *size
            && digest_of(&spot.dir, &spot.name)? == *sha256),
        (Left::Thing { seen, inside: was }, Some(now)) => {
            let same = (now.sort, now.size, now.mtime) == (seen.sort, seen.size, seen.mtime);
            Ok(same && inside(&spot.dir, &spot.name, &now)? == *was)
        }
    }
}

/// The digest of a content.
pub fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// The digest of a file's content.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn digest_of(dir: &Dir, name: &OsStr) -> io::Result<String> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    options.read(true).custom_flags(flags.bits().cast_signed());
    let mut file = dir.open_with(name, &options)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            n => digest.update(buffer.get(..n).unwrap_or_default()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A digest of the names, sorts, sizes and times in a folder, or of where a link leads; none for anything else.
fn inside(dir: &Dir, name: &OsStr, seen: &Seen) -> io::Result<Option<String>> {
    match seen.sort {
        Sort::Folder => {}
        Sort::Link => {
            let target = dir.read_link_contents(name)?;
            return Ok(Some(digest(target.as_os_str().as_encoded_bytes())));
        }
        Sort::File | Sort::Other => return Ok(None),
    }
    let mut digest = Sha256::new();
    let mut room = MAX_INSIDE;
    add(dir, name, MAX_DEPTH, &mut room, &mut digest)?;
    Ok(Some(hex(&digest.finalize())))
}

fn add(
    dir: &Dir,
    name: &OsStr,
    depth: usize,
    room: &mut usize,
    digest: &mut Sha256,
) -> io::Result<()> {
    let inner = dir.open_dir(Path::new(name))?;
    let names = inner.entries()?.map(|entry| Ok(entry?.file_name()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    for name in names {
        let Some(seen) = seen(&inner, &name)? else {
            continue;
        };
        if *room == 0 || depth == 0 {
            return Err(io::Error::other("there is too much in it"));
        }
        *room -= 1;
        let line = (name.as_encoded_bytes(), seen.sort, seen.size, seen.mtime);
        digest.update(format!("{line:?}\n").as_bytes());
        if seen.sort == Sort::Folder {
            add(&inner, &name, depth - 1, room, digest)?;
        } else if let Some(target) = inside(&inner, &name, &seen)? {
            digest.update(target.as_bytes());
        }
        digest.update(b"/\n");
    }
    Ok(())
}
