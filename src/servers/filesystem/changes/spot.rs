//! A name in an open folder beneath a root: all that a change touches is named through one of these.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::fs::{AtFlags, CWD, RenameFlags};
use rustix::io::Errno;

use crate::servers::filesystem::changes::record::{Seen, Sort, Where};
use crate::servers::filesystem::roots::Place;
use crate::servers::toolbox::Refusal;

/// A name in an open folder.
pub struct Spot {
    /// Where that is, for the journal.
    pub place: Where,
    /// The folder, open.
    pub dir: Dir,
    /// The name in it.
    pub name: OsString,
    /// The path as it is told.
    pub shown: String,
}

impl Spot {
    /// The spot of a place; the folder that holds it must exist.
    ///
    /// # Errors
    /// The root itself, or a folder that is missing.
    pub fn of(place: &Place<'_>) -> Result<Self, Refusal> {
        let (dir, rel) = place.parent()?;
        Ok(Self {
            name: rel.file_name().unwrap_or_default().to_owned(),
            place: Where {
                root: place.root.path.clone(),
                rel,
            },
            dir,
            shown: place.shown(),
        })
    }

    /// Where it lies on the disk.
    pub fn absolute(&self) -> PathBuf {
        self.place.absolute()
    }

    /// What has the name now.
    ///
    /// # Errors
    /// The system cannot say.
    pub fn seen(&self) -> io::Result<Option<Seen>> {
        seen(&self.dir, &self.name)
    }

    /// A sentence about what the system said.
    pub fn failure(&self, verb: &str, error: &io::Error) -> Refusal {
        Refusal(match error.kind() {
            io::ErrorKind::PermissionDenied => format!(
                "Cannot {verb} `{}`: the system denies permission.",
                self.shown
            ),
            _ => format!("Cannot {verb} `{}`: {error}.", self.shown),
        })
    }
}

/// What has this name in a folder; links are not followed.
///
/// # Errors
/// The system cannot say.
pub fn seen(dir: &Dir, name: &OsStr) -> io::Result<Option<Seen>> {
    match dir.symlink_metadata(Path::new(name)) {
        Ok(meta) => Ok(Some(Seen::from(&meta))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<&Metadata> for Seen {
    fn from(meta: &Metadata) -> Self {
        let sort = if meta.is_file() {
            Sort::File
        } else if meta.is_dir() {
            Sort::Folder
        } else if meta.is_symlink() {
            Sort::Link
        } else {
            Sort::Other
        };
        let file = sort == Sort::File;
        let mtime = meta.mtime().saturating_mul(1_000_000_000);
        let mtime = mtime.saturating_add(meta.mtime_nsec());
        Self {
            sort,
            ino: meta.ino(),
            size: if file { meta.len() } else { 0 },
            mtime: if file { mtime } else { 0 },
        }
    }
}

impl Seen {
    /// Whether both are one thing, whatever was written into it since.
    pub fn is(&self, other: &Self) -> bool {
        (self.sort, self.ino) == (other.sort, other.ino)
    }
}

/// Renames, unless something has the new name already.
///
/// # Errors
/// `EXIST` when it has; what the system says else.
pub fn rename_new(from: &Dir, name: &OsStr, to: &Dir, new: &OsStr) -> Result<(), Errno> {
    match rename_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Err(error) if is_unknown_way(error) => rename_plainly(from, name, to, new),
        outcome => outcome,
    }
}

/// Where the file system does not know such a renaming: a second name never replaces anything either, and then the first goes.
/// Folders have no second name; there a look first is the best there is, and a plain rename replaces empty folders only.
fn rename_plainly(from: &Dir, name: &OsStr, to: &Dir, new: &OsStr) -> Result<(), Errno> {
    let is_folder = matches!(seen(from, name), Ok(Some(seen)) if seen.sort == Sort::Folder);
    if !is_folder {
        match rustix::fs::linkat(from, name, to, new, AtFlags::empty()) {
            Ok(()) => return rustix::fs::unlinkat(from, name, AtFlags::empty()),
            Err(Errno::EXIST) => return Err(Errno::EXIST),
            // No second names there.
            Err(_) => {}
        }
    }
    match to.symlink_metadata(Path::new(new)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            rustix::fs::renameat(from, name, to, new)
        }
        Err(_) => Err(Errno::ACCESS),
        Ok(_) => Err(Errno::EXIST),
    }
}

/// The renaming that some file systems do not know.
fn rename_with(
    from: &Dir,
    name: &OsStr,
    to: &Dir,
    new: &OsStr,
    flags: RenameFlags,
) -> Result<(), Errno> {
    #[cfg(test)]
    if plain::is_on() {
        return Err(Errno::INVAL);
    }
    rustix::fs::renameat_with(from, name, to, new, flags)
}

/// Whether the file system does not know the way of renaming that was asked for.
pub fn is_unknown_way(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

/// Two names change places, in one step.
///
/// # Errors
/// What the system says.
pub fn swap(dir: &Dir, one: &OsStr, other: &OsStr) -> Result<(), Errno> {
    rename_with(dir, one, dir, other, RenameFlags::EXCHANGE)
}

/// Brings the names in a folder down to the disk, where the file system can.
pub fn settle(dir: &Dir) {
    if let Ok(dir) = dir.open(".") {
        let _not_supported = dir.sync_all();
    }
}

/// Brings the names in a folder of ours down to the disk.
///
/// # Errors
/// It cannot be opened.
pub fn settle_path(path: &Path) -> io::Result<()> {
    let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    let dir = rustix::fs::openat(CWD, path, flags, rustix::fs::Mode::empty())?;
    let _not_supported = rustix::fs::fsync(dir);
    Ok(())
}

/// Makes this thread's file systems as plain as the plainest, for tests.
#[cfg(test)]
pub mod plain {
    use std::cell::Cell;

    thread_local!(static ON: Cell<bool> = const { Cell::new(false) });

    /// Whether it is so now.
    pub fn is_on() -> bool {
        ON.get()
    }

    /// From here on in this thread.
    pub fn set(on: bool) {
        ON.set(on);
    }
}
