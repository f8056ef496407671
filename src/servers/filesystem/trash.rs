//! The trash: what a change replaced or removed, each in a folder of its own with a note of where it came from; beside them the
//! journal of changes and its lock.
//!
//! Lies in the data directory of the person (`MCPDECK_DATA_DIR`, else `$XDG_DATA_HOME/mcpdeck`, else `~/.local/share/mcpdeck`),
//! readable by them alone. What is in it is forgotten by age and size (`changes::prune`), the oldest first.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use chrono::{SecondsFormat, Utc};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde_json::json;

use crate::servers::filesystem::changes::spot::{settle, settle_path};
use crate::servers::filesystem::names::shown_path;

/// Days that something is kept, unless `MCPDECK_TRASH_MAX_DAYS` says otherwise.
pub const MAX_DAYS: u64 = 30;

/// Bytes that are kept, unless `MCPDECK_TRASH_MAX_BYTES` says otherwise.
pub const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// How long a change waits for those of other processes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The trash folder; made when it is first needed.
#[derive(Debug, Clone)]
pub struct Trash {
    place: PathBuf,
    /// Days that something is kept.
    pub max_days: u64,
    /// Bytes that are kept.
    pub max_bytes: u64,
}

/// The folder of what one change replaced.
pub struct Slot {
    /// The folder.
    pub path: PathBuf,
    /// The same, open.
    pub dir: Dir,
}

impl Trash {
    /// The trash of the person who runs the server.
    ///
    /// # Errors
    /// A bound that is no number.
    pub fn from_environment() -> io::Result<Self> {
        Self::found(None)
    }

    /// The same in another data directory.
    ///
    /// # Errors
    /// A bound in the environment that is no number.
    pub fn found(data: Option<&Path>) -> io::Result<Self> {
        let word = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let folder = |name: &str| word(name).map(PathBuf::from);
        let data = data
            .map(Path::to_path_buf)
            .or_else(|| folder("MCPDECK_DATA_DIR"))
            .or_else(|| folder("XDG_DATA_HOME").map(|data| data.join("mcpdeck")))
            .or_else(|| folder("HOME").map(|home| home.join(".local/share/mcpdeck")))
            .unwrap_or_else(|| std::env::temp_dir().join("mcpdeck"));
        let bound = |name: &str, default| {
            let Some(word) = word(name) else {
                return Ok(default);
            };
            let number = word.to_str().and_then(|word| word.parse().ok());
            number.ok_or_else(|| {
                let what = format!("{name} must be a whole number, not {}", word.display());
                io::Error::new(io::ErrorKind::InvalidInput, what)
            })
        };
        let mut trash = Self::below(&std::path::absolute(&data).unwrap_or(data));
        trash.max_days = bound("MCPDECK_TRASH_MAX_DAYS", MAX_DAYS)?;
        trash.max_bytes = bound("MCPDECK_TRASH_MAX_BYTES", MAX_BYTES)?;
        Ok(trash)
    }

    /// The trash of this data directory, with the usual bounds.
    pub fn below(data: &Path) -> Self {
        Self {
            place: data.join("trash"),
            max_days: MAX_DAYS,
            max_bytes: MAX_BYTES,
        }
    }

    /// Where it lies.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Where it lies without links, as far down as it exists.
    pub fn real(&self) -> PathBuf {
        for known in self.place.ancestors() {
            if let (Ok(real), Ok(rest)) = (known.canonicalize(), self.place.strip_prefix(known)) {
                return real.join(rest);
            }
        }
        self.place.clone()
    }

    /// The file of the journal.
    pub fn journal(&self) -> PathBuf {
        self.place.join("journal.jsonl")
    }

    /// The bounds in words.
    pub fn bounds(&self) -> String {
        let (days, bytes) = (self.max_days, self.max_bytes);
        match bytes >> 20 {
            0 => format!("{days} days and {bytes} bytes"),
            size => format!("{days} days and {size} MiB"),
        }
    }

    /// Makes the folder and waits until no other process changes anything. The file is the lock.
    ///
    /// # Errors
    /// The folder cannot be written, or the others take too long.
    pub fn lock(&self) -> io::Result<File> {
        private(true).create(&self.place)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let name = self.place.join("lock");
        let mut file = options.open(&name)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_at(&file, &name)? => return Ok(file),
                // Somebody emptied the trash meanwhile: that file is no longer the lock.
                Ok(()) => {
                    private(true).create(&self.place)?;
                    file = options.open(&name)?;
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(io::Error::other(
                        "another process has been changing files for too long",
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A new folder for what lay at `original`, with the note in it.
    ///
    /// # Errors
    /// There is one of this name, or the trash cannot be written.
    pub fn slot(&self, id: &str, original: &Path) -> io::Result<Slot> {
        let path = self.place.join(id);
        private(false).create(&path)?;
        let slot = self.open(id)?;
        let note = json!({
            "original_path": shown_path(original),
            "time": Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        // The note steps aside for a file of the same name.
        let own = original
            .file_name()
            .is_some_and(|name| name.eq_ignore_ascii_case("info.json"));
        let note_name = if own { "info.trash.json" } else { "info.json" };
        if let Err(error) = slot.dir.write(note_name, format!("{note:#}\n")) {
            slot.discard();
            return Err(error);
        }
        Ok(slot)
    }

    /// Brings a slot and what is in it down to the disk.
    pub fn settle(&self, slot: &Slot) {
        settle(&slot.dir);
        let _not_supported = settle_path(&self.place);
    }

    /// The folder of a change.
    ///
    /// # Errors
    /// There is none.
    pub fn open(&self, id: &str) -> io::Result<Slot> {
        let path = self.place.join(id);
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        Ok(Slot { path, dir })
    }

    /// Removes the folder of a change with all that is in it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn discard(&self, id: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.place.join(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }

    /// The folders that hold something, by the names of their changes.
    pub fn slots(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.place) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }
}

impl Slot {
    /// Whether a rename can bring something here from the folder.
    pub fn is_near(&self, dir: &Dir) -> bool {
        let device = |dir: &Dir| {
            dir.dir_metadata()
                .map(|meta| cap_std::fs::MetadataExt::dev(&meta))
        };
        match (device(dir), fs::metadata(&self.path)) {
            (Ok(theirs), Ok(ours)) => theirs == ours.dev(),
            _ => false,
        }
    }

    /// Whether something of this name is kept here.
    pub fn holds(&self, name: &OsStr) -> bool {
        self.dir.symlink_metadata(Path::new(name)).is_ok()
    }

    /// Removes the folder; whatever is in it is not needed.
    pub fn discard(self) {
        let _left_behind = fs::remove_dir_all(&self.path);
    }
}

/// Whether this open file is what has the name.
fn is_at(file: &File, name: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(name) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A builder of folders that only their owner can enter.
fn private(recursive: bool) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(recursive).mode(0o700);
    builder
}
