//! Where keys come from, and how they stay fresh: a set is read again when a token names a key that is not in it, and now and
//! then so that a key that was taken out stops working. Neither lets a stranger's tokens cause traffic: once in a while at most.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::servers::guard::keys::{KeySet, fetch};
use crate::servers::guard::options::{Algorithm, KeySource};

/// The shortest time between two readings.
const PAUSE: Duration = Duration::from_secs(30);
/// The age at which a set is read again, and the age at which it is no longer trusted when that fails.
const FRESH: Duration = Duration::from_secs(10 * 60);
const OLDEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A source of keys with the last good set.
#[derive(Debug)]
pub struct Source {
    algorithm: Algorithm,
    place: Place,
    held: RwLock<Held>,
    tried: Mutex<Instant>,
}

#[derive(Debug)]
enum Place {
    Fixed,
    File(std::path::PathBuf),
    Url(Url),
}

#[derive(Debug, Clone)]
struct Held {
    keys: Arc<KeySet>,
    read: Instant,
}

impl Source {
    /// Reads the keys for the first time.
    ///
    /// # Errors
    /// There are none, or none that are fit; a sentence that names the file or URL.
    pub async fn open(algorithm: Algorithm, from: &KeySource) -> Result<Self, String> {
        let (place, keys) = match from {
            KeySource::File(path) => {
                let keys = KeySet::from_file(algorithm, &file(path)?);
                let keys = keys.map_err(|why| named(path, &why))?;
                (Place::Fixed, keys)
            }
            KeySource::JwksFile(path) => {
                let place = Place::File(path.clone());
                let keys = place.read(algorithm).await?;
                (place, keys)
            }
            KeySource::JwksUrl(url) => {
                let place = Place::Url(fetch::allowed(url)?);
                let keys = place.read(algorithm).await?;
                (place, keys)
            }
        };
        let now = Instant::now();
        let held = Held {
            keys: Arc::new(keys),
            read: now,
        };
        Ok(Self {
            algorithm,
            place,
            held: RwLock::new(held),
            tried: Mutex::new(now),
        })
    }

    /// The keys, none when they are too old to be trusted.
    pub async fn keys(&self) -> Option<Arc<KeySet>> {
        let held = self.held();
        if matches!(self.place, Place::Fixed) || held.read.elapsed() < FRESH {
            return Some(held.keys);
        }
        // An issuer that does not answer holds up the one who asks, and not everybody else.
        if self.tried.try_lock().is_ok() {
            self.refresh().await;
        }
        let held = self.held();
        (held.read.elapsed() < OLDEST).then_some(held.keys)
    }

    /// Reads the keys again if that was not tried just now; whether there may be others than before.
    pub async fn refresh(&self) -> bool {
        if matches!(self.place, Place::Fixed) {
            return false;
        }
        // Whoever comes while another reads waits for that reading, and does not read once more.
        let asked = Instant::now();
        let mut tried = self.tried.lock().await;
        if *tried >= asked {
            return true;
        }
        if tried.elapsed() < PAUSE {
            return false;
        }
        let read = self.place.read(self.algorithm).await;
        *tried = Instant::now();
        // What cannot be read leaves the last good set in force until that is too old.
        let Ok(keys) = read else {
            return false;
        };
        let keys = Arc::new(keys);
        let read = *tried;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Held { keys, read };
        true
    }

    fn held(&self) -> Held {
        let held = self.held.read();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Place {
    async fn read(&self, algorithm: Algorithm) -> Result<KeySet, String> {
        match self {
            Self::Fixed => Err("these keys do not change".to_owned()),
            Self::File(path) => {
                KeySet::from_jwks(algorithm, &file(path)?).map_err(|why| named(path, &why))
            }
            Self::Url(url) => {
                let body = fetch::get(url).await?;
                KeySet::from_jwks(algorithm, &body).map_err(|why| format!("`{url}`: {why}"))
            }
        }
    }
}

/// A key file; what is larger than 1 MiB is none.
fn file(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable =
        |e: std::io::Error| format!("cannot read the keys in `{}`: {e}", path.display());
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > 1024 * 1024 {
        return Err(named(path, "it is larger than any key file"));
    }
    std::fs::read(path).map_err(unreadable)
}

fn named(path: &Path, why: &str) -> String {
    format!("the keys in `{}` are not usable: {why}", path.display())
}
