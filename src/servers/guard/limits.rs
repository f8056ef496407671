//! How often and how many at once: by subject, and by subject and tool. Called by the gate and by `Guard::call`.
//!
//! GCRA (the crate governor) with a bounded number of keys: a flood of subjects grows no memory. While a table is full of
//! subjects that all called just now, callers share what is left by the hash of their names, until there is room again. All calls
//! of a period may come at once; listing and handshakes are not counted.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::servers::guard::options::{Options, Rate};

/// The most keys of one table, beside 256 shared ones.
pub const MOST_KEYS: usize = 10_000;

/// What callers are counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Own(String),
    Shared(u8),
}

/// One rate over many keys.
pub struct Limiter<C: Clock + Clone = DefaultClock> {
    limiter: RateLimiter<Key, DefaultKeyedStateStore<Key>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    most: usize,
    hash: RandomState,
}

impl<C: Clock + Clone> std::fmt::Debug for Limiter<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl<C: Clock + Clone> Limiter<C> {
    /// A rate by `clock`, for at most `most` keys.
    pub fn new(rate: Rate, clock: C, most: usize) -> Self {
        let burst = NonZeroU32::new(rate.calls).unwrap_or(NonZeroU32::MIN);
        let one = (rate.per / burst.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(one).unwrap_or(Quota::per_second(burst));
        Self {
            limiter: RateLimiter::new(
                quota.allow_burst(burst),
                DefaultKeyedStateStore::default(),
                clock.clone(),
            ),
            clock,
            most,
            hash: RandomState::new(),
        }
    }

    /// Counts one call of `subject`.
    ///
    /// # Errors
    /// It is one too many; the time to wait.
    pub fn count(&self, subject: &str) -> Result<(), Duration> {
        if self.limiter.len() >= self.most {
            // Whoever has not called for so long that all is forgiven needs no place.
            self.limiter.retain_recent();
        }
        let key = if self.limiter.len() >= self.most {
            let [shared, ..] = self.hash.hash_one(subject).to_ne_bytes();
            Key::Shared(shared)
        } else {
            Key::Own(subject.to_owned())
        };
        let counted = self.limiter.check_key(&key);
        counted.map_err(|not| not.wait_time_from(self.clock.now()))
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Whether no key is held.
    pub fn is_empty(&self) -> bool {
        self.limiter.is_empty()
    }
}

/// All limits of a server.
#[derive(Debug, Default)]
pub struct Limits {
    subject: Option<Limiter>,
    tools: HashMap<String, Limiter>,
    all: Option<Places>,
    each: Option<(usize, Mutex<HashMap<String, usize>>)>,
}

#[derive(Debug)]
struct Places(Arc<Semaphore>);

/// A call under way: its places are free again when this goes.
#[derive(Debug)]
pub struct Place<'a> {
    _all: Option<OwnedSemaphorePermit>,
    each: Option<(&'a Mutex<HashMap<String, usize>>, String)>,
}

impl Limits {
    /// The limits that the options name.
    pub fn new(options: &Options) -> Self {
        let limiter = |rate| Limiter::new(rate, DefaultClock::default(), MOST_KEYS);
        let tools = options.rate_tools.iter();
        let places =
            |most: usize| Places(Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))));
        Self {
            subject: options.rate.map(limiter),
            tools: tools
                .map(|(tool, rate)| (tool.clone(), limiter(*rate)))
                .collect(),
            all: options.max_concurrent.map(places),
            each: options
                .max_concurrent_subject
                .map(|most| (most, Mutex::default())),
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// It is one too many; the time to wait.
    pub fn count(&self, subject: &str, tool: &str) -> Result<(), Duration> {
        if let Some(limiter) = self.tools.get(tool) {
            limiter.count(subject)?;
        }
        self.subject.as_ref().map_or(Ok(()), |l| l.count(subject))
    }

    /// A place for a call to run in.
    ///
    /// # Errors
    /// All are taken; a sentence.
    pub fn enter(&self, subject: &str) -> Result<Place<'_>, String> {
        let all = match &self.all {
            None => None,
            Some(Places(places)) => {
                let place = places.clone().try_acquire_owned();
                Some(place.map_err(|_| "the server runs as many calls as it may".to_owned())?)
            }
        };
        let each = match &self.each {
            None => None,
            Some((most, running)) => {
                let mut held = running.lock().unwrap_or_else(PoisonError::into_inner);
                let count = held.entry(subject.to_owned()).or_default();
                if *count >= *most {
                    return Err(format!(
                        "{most} of your calls are running, which is all you may"
                    ));
                }
                *count += 1;
                Some((running, subject.to_owned()))
            }
        };
        Ok(Place { _all: all, each })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some((running, subject)) = &self.each else {
            return;
        };
        let mut held = running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(subject) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(subject);
            }
        }
    }
}

/// Whole seconds, rounded up, at least one: what `Retry-After` says.
pub fn seconds(wait: Duration) -> u64 {
    let up = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(up).max(1)
}

/// How many denials are recorded for one subject, and for all strangers together: a flood of them must not fill the disk.
const DENIALS: Rate = Rate {
    calls: 60,
    per: Duration::from_secs(60),
};

/// Counts the denials that are recorded, and those that are not.
#[derive(Debug)]
pub struct Denials {
    limiter: Limiter,
    unrecorded: AtomicU64,
}

impl Default for Denials {
    fn default() -> Self {
        Self {
            limiter: Limiter::new(DENIALS, DefaultClock::default(), MOST_KEYS),
            unrecorded: AtomicU64::new(0),
        }
    }
}

impl Denials {
    /// Whether this denial is recorded; then with the number of those before it that were not.
    pub fn count(&self, subject: Option<&str>) -> Option<u64> {
        if self.limiter.count(subject.unwrap_or_default()).is_err() {
            self.unrecorded.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.unrecorded.swap(0, Ordering::Relaxed))
    }
}
