//! Where sign-ins are kept: the system's keyring, else a file for each server that only its owner can read.
//!
//! Windows of the program share it: who renews a token holds the server's lock and reads again first. It shows nothing to anybody.

use std::collections::HashMap;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::keyring;

/// How long another window may take to renew a token: its own exchanges have limits, and are over before.
const PATIENCE: Duration = Duration::from_secs(100);
/// How often the lock is tried.
const AGAIN: Duration = Duration::from_millis(20);

/// Where sign-ins are kept. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    place: Arc<Place>,
}

enum Place {
    Memory(Mutex<HashMap<String, String>>),
    Folder { folder: PathBuf, keyring: bool },
}

/// Holds a server's lock until it is dropped.
pub struct Lock {
    _file: Option<File>,
}

impl Store {
    /// Keeps everything until the program ends, and nothing longer.
    pub fn memory() -> Self {
        Self {
            place: Arc::new(Place::Memory(Mutex::default())),
        }
    }

    /// Keeps everything in this folder; with `keyring` in the system's keyring, and here only what that does not take.
    pub fn folder(folder: impl Into<PathBuf>, keyring: bool) -> Self {
        let folder = folder.into();
        Self {
            place: Arc::new(Place::Folder { folder, keyring }),
        }
    }

    /// What is kept under this key.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn load(&self, key: &str) -> Result<Option<String>, String> {
        match &*self.place {
            Place::Memory(kept) => {
                let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(kept.get(key).cloned())
            }
            Place::Folder { folder, keyring } => {
                if let Some(text) = keyring.then(|| keyring::load(key)).flatten() {
                    return Ok(Some(text));
                }
                let file = path(folder, key, "json");
                match std::fs::read_to_string(&file) {
                    Ok(text) => Ok(Some(text)),
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(format!("cannot read {}: {error}", file.display())),
                }
            }
        }
    }

    /// Keeps a text under this key. It is there whole or not at all.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn save(&self, key: &str, text: &str) -> Result<(), String> {
        match &*self.place {
            Place::Memory(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert(key.to_owned(), text.to_owned());
                Ok(())
            }
            Place::Folder { folder, keyring } => {
                let file = path(folder, key, "json");
                if *keyring && keyring::save(key, text) {
                    let _was_not_there = std::fs::remove_file(&file);
                    return Ok(());
                }
                write(folder, &file, text)
                    .map_err(|error| format!("cannot write {}: {error}", file.display()))
            }
        }
    }

    /// Forgets what is kept under this key.
    ///
    /// # Errors
    /// What the system says of the file.
    pub fn remove(&self, key: &str) -> Result<(), String> {
        match &*self.place {
            Place::Memory(kept) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.remove(key);
                Ok(())
            }
            Place::Folder { folder, keyring } => {
                if *keyring {
                    keyring::remove(key);
                }
                let file = path(folder, key, "json");
                match std::fs::remove_file(&file) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        Err(format!("cannot remove {}: {error}", file.display()))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Where this key's text lies, in words.
    pub fn whereabouts(&self, key: &str) -> String {
        match &*self.place {
            Place::Memory(_) => "memory".to_owned(),
            Place::Folder { folder, keyring } => match *keyring && keyring::load(key).is_some() {
                true => "the system's keyring".to_owned(),
                false => path(folder, key, "json").display().to_string(),
            },
        }
    }

    /// Waits until no other window renews this server's token.
    ///
    /// # Errors
    /// What the system says of the lock's file, or that another window holds it for too long.
    pub async fn lock(&self, key: &str) -> Result<Lock, String> {
        let Place::Folder { folder, .. } = &*self.place else {
            return Ok(Lock { _file: None });
        };
        let name = path(folder, key, "lock");
        let cannot = |error: std::io::Error| format!("cannot lock {}: {error}", name.display());
        make(folder).map_err(cannot)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&name)
            .map_err(cannot)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: Some(file) }),
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < until => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(format!(
                        "another window has held {} for too long",
                        name.display()
                    ));
                }
            }
        }
    }
}

/// A name that says nothing and fits every file system.
fn path(folder: &Path, key: &str, ending: &str) -> PathBuf {
    folder.join(format!("{}.{ending}", short(key)))
}

/// The key, as a name of letters and digits.
pub(super) fn short(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn write(folder: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    make(folder)?;
    // Made with mode 0600, and in the same folder, so that the new name takes the place of the old one in a single step.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.place {
            Place::Memory(_) => f.write_str("Store(memory)"),
            Place::Folder { folder, .. } => write!(f, "Store({})", folder.display()),
        }
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}
