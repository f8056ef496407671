//! The trash: what a change replaced or removed, each in a folder of its own with a note of where it came from.
//!
//! Lies in the data directory of the person (`MCPDECK_DATA_DIR`, else `$XDG_DATA_HOME/mcpdeck`, else `~/.local/share/mcpdeck`),
//! readable by them alone. Nothing here is ever removed by a tool.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use chrono::{SecondsFormat, Utc};
use rustix::fs::OFlags;
use rustix::io::Errno;
use serde_json::json;

use crate::servers::filesystem::names::shown;

/// The trash folder; made when it is first needed.
pub struct Trash {
    place: PathBuf,
}

/// The folder of one removed or replaced thing.
pub struct Slot {
    path: PathBuf,
    dir: Dir,
}

impl Trash {
    /// The trash of the person who runs the server.
    pub fn from_environment() -> Self {
        let folder = |name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let data = folder("MCPDECK_DATA_DIR")
            .or_else(|| folder("XDG_DATA_HOME").map(|data| data.join("mcpdeck")))
            .or_else(|| folder("HOME").map(|home| home.join(".local/share/mcpdeck")))
            .unwrap_or_else(|| std::env::temp_dir().join("mcpdeck"));
        Self {
            place: std::path::absolute(&data).unwrap_or(data).join("trash"),
        }
    }

    /// Where it lies.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// A new folder for what lay at `original`, with the note in it.
    ///
    /// # Errors
    /// The trash cannot be written.
    pub fn slot(&self, original: &Path) -> io::Result<Slot> {
        let private = |recursive| {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(recursive).mode(0o700);
            builder
        };
        private(true).create(&self.place)?;
        let now = Utc::now();
        let stamp = now.format("%Y%m%dT%H%M%SZ");
        let mut number = 1_u32;
        let path = loop {
            let path = self.place.join(format!("{stamp}-{number}"));
            match private(false).create(&path) {
                Ok(()) => break path,
                // Another server made this one in the same second.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        };
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        let note = json!({
            "original_path": shown(original.as_os_str()),
            "time": now.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        // The note steps aside for a file of the same name.
        let own = original
            .file_name()
            .is_some_and(|name| name.eq_ignore_ascii_case("info.json"));
        let note_name = if own { "info.trash.json" } else { "info.json" };
        dir.write(note_name, format!("{note:#}\n"))?;
        Ok(Slot { path, dir })
    }
}

impl Slot {
    /// Moves a file, link or folder in here; copies, compares and then removes where a rename cannot cross devices. Takes its
    /// folder away again when nothing came of it.
    ///
    /// # Errors
    /// The thing is still whole in its place, or, where removing it after a copy failed, whole in here.
    pub fn take(self, from: &Dir, name: &OsStr) -> io::Result<PathBuf> {
        match rustix::fs::renameat(from, name, &self.dir, name) {
            Ok(()) => Ok(self.path.join(name)),
            Err(Errno::XDEV) => self.take_by_copy(from, name),
            Err(error) => {
                self.discard();
                Err(error.into())
            }
        }
    }

    fn take_by_copy(self, from: &Dir, name: &OsStr) -> io::Result<PathBuf> {
        if let Err(error) = copy(from, name, &self.dir) {
            self.discard();
            return Err(error);
        }
        let taken = self.path.join(name);
        // The copy is on the disk before anything of the original goes.
        settle(&self.dir)?;
        remove_copied(from, name, &self.dir).map_err(|error| {
            let kept = taken.display();
            io::Error::new(
                error.kind(),
                format!("{error}; what could not be removed is still there, and a copy of it lies in {kept}"),
            )
        })?;
        Ok(taken)
    }

    /// Keeps a copy of a file that is about to be replaced.
    ///
    /// # Errors
    /// The copy could not be made whole; nothing of it is left then.
    pub fn keep(self, from: &Dir, name: &OsStr) -> io::Result<PathBuf> {
        if let Err(error) = copy_file(from, name, &self.dir) {
            self.discard();
            return Err(error);
        }
        Ok(self.path.join(name))
    }

    fn discard(self) {
        let _left_behind = fs::remove_dir_all(&self.path);
    }
}

/// Copies a file, link or folder with all that is in it, and compares as it goes.
fn copy(from: &Dir, name: &OsStr, to: &Dir) -> io::Result<()> {
    let meta = from.symlink_metadata(Path::new(name))?;
    if meta.is_symlink() {
        let target = from.read_link_contents(name)?;
        return to.symlink_contents(target, name);
    }
    if meta.is_file() {
        return copy_file(from, name, to);
    }
    if !meta.is_dir() {
        let what = format!("`{}` is a pipe, socket or device", shown(name));
        return Err(io::Error::new(io::ErrorKind::Unsupported, what));
    }
    to.create_dir(name)?;
    let (inner_from, inner_to) = (from.open_dir(name)?, to.open_dir(name)?);
    for entry in inner_from.entries()? {
        copy(&inner_from, &entry?.file_name(), &inner_to)?;
    }
    settle(&inner_to)?;
    to.set_permissions(name, meta.permissions())
}

/// Brings the names in a folder down to the disk.
fn settle(dir: &Dir) -> io::Result<()> {
    dir.open(".")?.sync_all()
}

/// Removes what was copied, and nothing that came or changed since: a program may be writing there at this moment.
fn remove_copied(from: &Dir, name: &OsStr, copied: &Dir) -> io::Result<()> {
    let meta = copied.symlink_metadata(Path::new(name))?;
    if meta.is_file() {
        let mut reading = OpenOptions::new();
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        reading.read(true).custom_flags(flags.bits().cast_signed());
        let mut now = from.open_with(name, &reading)?;
        if !same_content(&mut now, &mut copied.open(name)?)? {
            let what = format!("`{}` changed while it was moved", shown(name));
            return Err(io::Error::other(what));
        }
    }
    if !meta.is_dir() {
        return from.remove_file(name);
    }
    let (inner_from, inner_copied) = (from.open_dir(name)?, copied.open_dir(name)?);
    for entry in inner_copied.entries()? {
        remove_copied(&inner_from, &entry?.file_name(), &inner_copied)?;
    }
    from.remove_dir(name)
}

fn copy_file(from: &Dir, name: &OsStr, to: &Dir) -> io::Result<()> {
    let mut reading = OpenOptions::new();
    // Never waits for the other end of a pipe that took the file's place.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    reading.read(true).custom_flags(flags.bits().cast_signed());
    let mut source = from.open_with(name, &reading)?;
    let mut writing = OpenOptions::new();
    writing.read(true).write(true).create_new(true).mode(0o600);
    let mut copy = to.open_with(name, &writing)?;
    io::copy(&mut source, &mut copy)?;
    copy.flush()?;
    copy.set_permissions(source.metadata()?.permissions())?;
    copy.sync_all()?;
    let same = same_content(&mut from.open_with(name, &reading)?, &mut to.open(name)?)?;
    if same {
        Ok(())
    } else {
        Err(io::Error::other("the file changed while it was copied"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(path: &Path) -> Dir {
        Dir::open_ambient_dir(path, ambient_authority()).unwrap()
    }

    #[test]
    fn a_folder_taken_by_copy_is_whole_in_the_trash_and_gone_from_its_place() {
        let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let trash = Trash {
            place: home.path().join("trash"),
        };
        fs::create_dir_all(work.path().join("a/b")).unwrap();
        fs::write(work.path().join("a/b/c.txt"), vec![7; 200_000]).unwrap();
        std::os::unix::fs::symlink("/nowhere", work.path().join("a/link")).unwrap();
        let slot = trash.slot(&work.path().join("a")).unwrap();
        let taken = slot
            .take_by_copy(&dir(work.path()), OsStr::new("a"))
            .unwrap();
        assert!(!work.path().join("a").exists());
        assert_eq!(fs::read(taken.join("b/c.txt")).unwrap(), vec![7; 200_000]);
        assert_eq!(
            fs::read_link(taken.join("link")).unwrap(),
            Path::new("/nowhere")
        );
    }

    #[test]
    fn a_folder_that_cannot_be_copied_stays_where_it_is() {
        let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let trash = Trash {
            place: home.path().join("trash"),
        };
        fs::create_dir(work.path().join("a")).unwrap();
        fs::write(work.path().join("a/file"), "kept").unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(work.path().join("a/socket")).unwrap();
        let slot = trash.slot(&work.path().join("a")).unwrap();
        assert!(
            slot.take_by_copy(&dir(work.path()), OsStr::new("a"))
                .is_err()
        );
        assert_eq!(
            fs::read_to_string(work.path().join("a/file")).unwrap(),
            "kept"
        );
        assert_eq!(fs::read_dir(trash.place()).unwrap().count(), 0);
    }

    #[test]
    fn what_came_or_changed_after_the_copy_is_not_removed() {
        let (copied, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for place in [&copied, &work] {
            fs::create_dir_all(place.path().join("a/b")).unwrap();
            fs::write(place.path().join("a/b/same"), "same").unwrap();
        }
        let remove = || remove_copied(&dir(work.path()), OsStr::new("a"), &dir(copied.path()));
        fs::write(work.path().join("a/b/new"), "new").unwrap();
        assert!(remove().is_err());
        assert_eq!(fs::read(work.path().join("a/b/new")).unwrap(), b"new");

        fs::remove_file(work.path().join("a/b/new")).unwrap();
        fs::write(work.path().join("a/b/same"), "else").unwrap();
        assert!(remove().is_err());
        assert_eq!(fs::read(work.path().join("a/b/same")).unwrap(), b"else");

        fs::write(work.path().join("a/b/same"), "same").unwrap();
        remove().unwrap();
        assert!(!work.path().join("a").exists());
    }

    #[test]
    fn the_note_never_overwrites_a_file_of_its_name() {
        let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let trash = Trash {
            place: home.path().join("trash"),
        };
        fs::write(work.path().join("info.json"), "mine").unwrap();
        let slot = trash.slot(&work.path().join("info.json")).unwrap();
        let taken = slot
            .take(&dir(work.path()), OsStr::new("info.json"))
            .unwrap();
        assert_eq!(fs::read_to_string(taken).unwrap(), "mine");
    }
}
