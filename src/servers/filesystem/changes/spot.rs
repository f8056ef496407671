//! A name in an open folder beneath a root: all that a change touches is named through one of these.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::fs::{CWD, RenameFlags};
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
        let (dir, name) = place.parent()?;
        Ok(Self {
            place: Where {
                root: place.root.path.clone(),
                rel: place.rel.clone(),
            },
            dir,
            name,
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
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        // File systems without this way of renaming: a look first is the best there is.
        Err(error) if is_unknown_way(error) && to.symlink_metadata(Path::new(new)).is_err() => {
            rustix::fs::renameat(from, name, to, new)
        }
        outcome => outcome,
    }
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
    rustix::fs::renameat_with(dir, one, dir, other, RenameFlags::EXCHANGE)
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
