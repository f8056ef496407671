//! Copies, weighs, compares and removes a file, link or folder with all that is in it, beneath open folders.
//!
//! Links are never followed, special files are refused, and neither depth nor a folder copied into itself leads on for ever.
//! Called by `changes` and by `copy`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;

use cap_std::fs::{Dir, File, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::{OFlags, Timespec, Timestamps};

use crate::servers::filesystem::attributes;
use crate::servers::filesystem::names::shown;

/// Levels of folders that are walked: each costs open handles.
const MAX_DEPTH: usize = 200;

/// What a copy keeps of the original beside content and permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Everything that the system permits: owner, times, extended attributes.
    All,
    /// No more, as for a copy that somebody asked for.
    Mode,
}

/// How much there is of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weight {
    /// Files and links.
    pub files: u64,
    /// Folders.
    pub folders: u64,
    /// Bytes in files.
    pub bytes: u64,
}

/// Weighs a file, link or folder. Refuses when the folder `avoid` (device and number) is in it.
///
/// # Errors
/// It cannot be read, is too deep, or holds `avoid`.
pub fn weigh(dir: &Dir, name: &OsStr, avoid: Option<(u64, u64)>) -> io::Result<Weight> {
    let mut weight = Weight::default();
    add_weight(dir, name, avoid, MAX_DEPTH, &mut weight)?;
    Ok(weight)
}

fn add_weight(
    dir: &Dir,
    name: &OsStr,
    avoid: Option<(u64, u64)>,
    depth: usize,
    sum: &mut Weight,
) -> io::Result<()> {
    let meta = dir.symlink_metadata(Path::new(name))?;
    if !meta.is_dir() {
        sum.files += 1;
        sum.bytes += if meta.is_file() { meta.len() } else { 0 };
        return Ok(());
    }
    if avoid == Some((meta.dev(), meta.ino())) {
        return Err(io::Error::other("it would be copied into itself"));
    }
    sum.folders += 1;
    let (inner, names) = enter(dir, name, depth)?;
    for name in names {
        match add_weight(&inner, &name, avoid, depth - 1, sum) {
            // Somebody removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Opens a folder and tells the names in it.
fn enter(dir: &Dir, name: &OsStr, depth: usize) -> io::Result<(Dir, Vec<OsString>)> {
    if depth == 0 {
        let what = format!("there are more than {MAX_DEPTH} folders within each other");
        return Err(io::Error::other(what));
    }
    let inner = dir.open_dir(name)?;
    let names = inner.entries()?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    Ok((inner, names))
}

/// Copies a file, link or folder with all that is in it under a new name, compares as it goes, and brings it to the disk.
///
/// # Errors
/// Something in it cannot be read or is special. What was copied by then is still there.
pub fn copy(from: &Dir, name: &OsStr, to: &Dir, new: &OsStr, keep: Keep) -> io::Result<()> {
    copy_within(from, name, to, new, keep, MAX_DEPTH)
}

fn copy_within(
    from: &Dir,
    name: &OsStr,
    to: &Dir,
    new: &OsStr,
    keep: Keep,
    depth: usize,
) -> io::Result<()> {
    let meta = from.symlink_metadata(Path::new(name))?;
    if meta.is_symlink() {
        return to.symlink_contents(from.read_link_contents(name)?, new);
    }
    if meta.is_file() {
        return copy_file(from, name, to, new, keep);
    }
    if !meta.is_dir() {
        let what = format!("`{}` is a pipe, socket or device", shown(name));
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    let (inner_from, names) = enter(from, name, depth)?;
    to.create_dir(new)?;
    let inner_to = to.open_dir(new)?;
    for name in names {
        copy_within(&inner_from, &name, &inner_to, &name, keep, depth - 1)?;
    }
    inner_to.open(".")?.sync_all()?;
    finish(&inner_from.open(".")?, &meta, &inner_to.open(".")?, keep)
}

fn copy_file(from: &Dir, name: &OsStr, to: &Dir, new: &OsStr, keep: Keep) -> io::Result<()> {
    let mut source = open_file(from, name)?;
    let meta = source.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::other("it changed while it was copied"));
    }
    let mut writing = OpenOptions::new();
    writing.read(true).write(true).create_new(true).mode(0o600);
    let mut copy = to.open_with(new, &writing)?;
    io::copy(&mut source, &mut copy)?;
    copy.flush()?;
    finish(&source, &meta, &copy, keep)?;
    copy.sync_all()?;
    if same_content(&mut open_file(from, name)?, &mut open_file(to, new)?)? {
        Ok(())
    } else {
        Err(io::Error::other("the file changed while it was copied"))
    }
}

/// Opens for reading without following a link, and without waiting for the other end of a pipe that took the file's place.
fn open_file(dir: &Dir, name: &OsStr) -> io::Result<File> {
    let mut reading = OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    reading.read(true).custom_flags(flags.bits().cast_signed());
    dir.open_with(name, &reading)
}

/// Gives the copy what it keeps of the original.
fn finish(original: &File, meta: &Metadata, copy: &File, keep: Keep) -> io::Result<()> {
    if keep == Keep::Mode {
        return attributes::set_mode(copy, meta, false);
    }
    attributes::carry(original, meta, copy)?;
    let time = |seconds, nanoseconds: i64| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds as _,
    };
    let times = Timestamps {
        last_access: time(meta.atime(), meta.atime_nsec()),
        last_modification: time(meta.mtime(), meta.mtime_nsec()),
    };
    let _not_permitted = rustix::fs::futimens(copy, &times);
    Ok(())
}

/// Whether two things are equal: kinds, names, targets of links, content of files. What is in the second and not in the
/// first makes them unequal too.
///
/// # Errors
/// Something cannot be read.
pub fn same(a: &Dir, name: &OsStr, b: &Dir, other: &OsStr) -> io::Result<bool> {
    same_within(a, name, b, other, MAX_DEPTH)
}

fn same_within(a: &Dir, name: &OsStr, b: &Dir, other: &OsStr, depth: usize) -> io::Result<bool> {
    let left = a.symlink_metadata(Path::new(name))?;
    let right = b.symlink_metadata(Path::new(other))?;
    if left.is_dir() && right.is_dir() {
        let (inner_a, mut names) = enter(a, name, depth)?;
        let (inner_b, mut others) = enter(b, other, depth)?;
        names.sort();
        others.sort();
        if names != others {
            return Ok(false);
        }
        for name in names {
            if !same_within(&inner_a, &name, &inner_b, &name, depth - 1)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if left.is_symlink() && right.is_symlink() {
        return Ok(a.read_link_contents(name)? == b.read_link_contents(other)?);
    }
    if left.is_file() && right.is_file() && left.len() == right.len() {
        return same_content(&mut open_file(a, name)?, &mut open_file(b, other)?);
    }
    Ok(false)
}

/// Removes a file, link or folder for good. Only for what we made ourselves, or what lies whole in the trash.
///
/// # Errors
/// The system refuses.
pub fn remove(dir: &Dir, name: &OsStr) -> io::Result<()> {
    if dir.symlink_metadata(Path::new(name))?.is_dir() {
        dir.remove_dir_all(name)
    } else {
        dir.remove_file(name)
    }
}

fn same_content(a: &mut impl Read, b: &mut impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let (n, m) = (fill(a, &mut left)?, fill(b, &mut right)?);
        if left.get(..n) != right.get(..m) {
            return Ok(false);
        }
        if n == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut full = 0;
    while let Some(rest) = buffer.get_mut(full..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            n => full += n,
        }
    }
    Ok(full)
}
