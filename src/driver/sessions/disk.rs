//! The folder of sessions on the disk: files made, opened and locked. Whoever tests the writer gives it a disk that fails.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::driver::sessions::journal::Durable;

/// A file that is written.
pub type Out = Box<dyn Durable + Send>;

/// Where files of sessions are made.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// Makes a new file, and the folder that it needs; nobody else may read them.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> io::Result<Out>;
}

/// The disk of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Disk for Machine {
    fn create(&self, path: &Path) -> io::Result<Out> {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        make_folder(folder)?;
        let mut options = OpenOptions::new();
        options.append(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(path)?;
        // A new file that nobody else knows of; a file system without locks does without.
        let _locked = lock(&file);
        // The name of the file is on the disk only when its folder is.
        if let Err(error) = sync_folder(folder) {
            let _stays = fs::remove_file(path);
            return Err(error);
        }
        Ok(Box::new(file))
    }
}

/// Some file systems have no such thing as the sync of a folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Tries within which a lock is given up: whoever makes a list holds one for a moment.
const TRIES: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(20);

/// Locks a file for this window; false when another one has it.
pub fn lock(file: &File) -> bool {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
            // A file system without locks: there is no telling.
            Err(TryLockError::Error(_)) => return true,
        }
    }
    false
}

/// Whether another window has it open.
pub fn is_locked(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => {
            let _closing_does_it_too = file.unlock();
            false
        }
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(_)) => false,
    }
}
