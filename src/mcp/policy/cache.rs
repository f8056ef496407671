//! Answers of tools that are kept for a while, so that an equal call needs no server.
//!
//! Pure; time comes as an argument. Bounded in entries and in bytes; what was not used for longest goes first. It never gives
//! an answer that is past its time, and never one of another server, principal, tool or other arguments. What may be kept at
//! all is decided by `host::dispatch`.

use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;

use crate::ids::{Moment, ServerName};
use crate::mcp::result::ToolResult;

/// What makes two calls the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The server.
    pub server: ServerName,
    /// Who asks, and how the server was started: an answer for one person is none for another.
    pub principal: String,
    /// The server's own name of the tool.
    pub tool: String,
    /// The arguments as one canonical line of JSON.
    pub arguments: String,
}

/// How much a cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Answers.
    pub entries: usize,
    /// Bytes of all, keys included.
    pub bytes: usize,
    /// Bytes of one; a larger one is not kept.
    pub each: usize,
}

/// The kept answers of all servers.
#[derive(Debug, Clone)]
pub struct Cache {
    held: LruCache<Key, Held>,
    bytes: usize,
    bounds: Bounds,
}

#[derive(Debug, Clone, PartialEq)]
struct Held {
    result: Arc<ToolResult>,
    bytes: usize,
    since: Moment,
    until: Moment,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            entries: 1_000,
            bytes: 8 << 20,
            each: 1 << 20,
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl PartialEq for Cache {
    fn eq(&self, other: &Self) -> bool {
        self.bounds == other.bounds && self.held.iter().eq(other.held.iter())
    }
}

impl Cache {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            held: LruCache::unbounded(),
            bytes: 0,
            bounds,
        }
    }

    /// The answer that is still good, and when it came from the server.
    pub fn get(&mut self, key: &Key, now: Moment) -> Option<(Arc<ToolResult>, Moment)> {
        let held = self.held.get(key)?;
        if held.until <= now {
            self.drop(key);
            return None;
        }
        Some((held.result.clone(), held.since))
    }

    /// Keeps an answer for this time. One that is too large is not kept, and neither is the one before it.
    pub fn put(&mut self, key: Key, result: &Arc<ToolResult>, ttl: Duration, now: Moment) {
        self.drop(&key);
        let bytes = size(&key, result);
        if ttl.is_zero() || bytes > self.bounds.each.min(self.bounds.bytes) {
            return;
        }
        let held = Held {
            result: result.clone(),
            bytes,
            since: now,
            until: now.plus(ttl),
        };
        self.bytes += bytes;
        self.held.put(key, held);
        while self.held.len() > self.bounds.entries || self.bytes > self.bounds.bytes {
            match self.held.pop_lru() {
                Some((_, oldest)) => self.bytes -= oldest.bytes,
                None => return,
            }
        }
    }

    /// Forgets what this holds for. Gives how many answers that were.
    pub fn forget(&mut self, gone: impl Fn(&Key) -> bool) -> usize {
        let keys = self.held.iter().map(|(key, _)| key);
        let keys: Vec<Key> = keys.filter(|key| gone(key)).cloned().collect();
        for key in &keys {
            self.drop(key);
        }
        keys.len()
    }

    /// Forgets what is past its time.
    pub fn expire(&mut self, now: Moment) {
        let stale = self.held.iter().filter(|(_, held)| held.until <= now);
        let stale: Vec<Key> = stale.map(|(key, _)| key.clone()).collect();
        for key in &stale {
            self.drop(key);
        }
    }

    /// Answers and bytes that are held of one server.
    pub fn held_of(&self, server: &ServerName) -> (usize, usize) {
        let of = self.held.iter().filter(|(key, _)| key.server == *server);
        of.fold((0, 0), |(entries, bytes), (_, held)| {
            (entries + 1, bytes + held.bytes)
        })
    }

    /// Answers that are held.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Bytes that are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn drop(&mut self, key: &Key) {
        if let Some(held) = self.held.pop(key) {
            self.bytes -= held.bytes;
        }
    }
}

/// About what an answer and its key take.
fn size(key: &Key, result: &ToolResult) -> usize {
    let words =
        key.server.as_str().len() + key.principal.len() + key.tool.len() + key.arguments.len();
    words + serde_json::to_string(result).map_or(0, |text| text.len())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        entries: 5,
        bytes: 600,
        each: 200,
    };

    fn key(server: u8, who: u8, tool: u8) -> Key {
        Key {
            server: format!("s{server}").as_str().into(),
            principal: format!("p{who}"),
            tool: format!("t{tool}"),
            arguments: "{}".into(),
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(Key, usize, u64),
        Get(Key),
        Forget(u8),
        Expire,
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || (0u8..2, 0u8..2, 0u8..4).prop_map(|(s, w, t)| key(s, w, t));
        prop_oneof![
            6 => (key(), 0usize..250, 0u64..8).prop_map(|(k, n, t)| Step::Put(k, n, t)),
            6 => key().prop_map(Step::Get),
            1 => (0u8..2).prop_map(Step::Forget),
            1 => Just(Step::Expire),
            3 => (0u64..5).prop_map(Step::Wait),
        ]
    }

    proptest! {
        /// Against a map that forgets nothing by itself: what the cache gives is what was put there last under just this key,
        /// within its time; it may forget, but never beyond its bounds, and what it holds adds up.
        #[test]
        fn it_is_never_over_its_bounds_never_stale_and_never_another_s(
            steps in proptest::collection::vec(step(), 0..200)
        ) {
            let mut cache = Cache::new(BOUNDS);
            let mut naive: HashMap<Key, (String, u64, u64)> = HashMap::new();
            let mut now = 0;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Put(key, length, ttl) => {
                        let text = format!("{number} {}", "x".repeat(length));
                        cache.put(key.clone(), &ToolResult::text(&text).into(), Duration::from_secs(ttl), at(now));
                        naive.insert(key, (text, now, now + ttl));
                    }
                    Step::Get(key) => {
                        let good = naive.get(&key).filter(|(_, _, until)| now < *until);
                        if let Some((result, since)) = cache.get(&key, at(now)) {
                            let (text, put, _) = good.expect("it gave what is past its time");
                            prop_assert_eq!(&*result, &ToolResult::text(text));
                            prop_assert_eq!(since, at(*put));
                        }
                    }
                    Step::Forget(server) => {
                        let name = ServerName::new(format!("s{server}"));
                        cache.forget(|key| key.server == name);
                        naive.retain(|key, _| key.server != name);
                        prop_assert_eq!(cache.held_of(&name), (0, 0));
                    }
                    Step::Expire => cache.expire(at(now)),
                    Step::Wait(seconds) => now += seconds,
                }
                prop_assert!(cache.len() <= BOUNDS.entries && cache.bytes() <= BOUNDS.bytes);
                let (a, b) = (cache.held_of(&"s0".into()), cache.held_of(&"s1".into()));
                prop_assert_eq!((a.0 + b.0, a.1 + b.1), (cache.len(), cache.bytes()));
            }
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_a_second_answer_takes_the_place_of_the_first() {
        let mut cache = Cache::new(BOUNDS);
        let put = |cache: &mut Cache, tool, text: &str| {
            cache.put(
                key(0, 0, tool),
                &ToolResult::text(text).into(),
                Duration::from_secs(9),
                at(0),
            );
        };
        (0..5).for_each(|tool| put(&mut cache, tool, "a"));
        assert!(cache.get(&key(0, 0, 0), at(1)).is_some());
        put(&mut cache, 5, "b");
        assert_eq!(cache.get(&key(0, 0, 1), at(1)), None);
        assert!(cache.get(&key(0, 0, 0), at(1)).is_some());
        put(&mut cache, 0, "c");
        let (result, _) = cache
            .get(&key(0, 0, 0), at(1))
            .expect("it was just put there");
        assert_eq!(*result, ToolResult::text("c"));
        assert_eq!(cache.len(), 5);
        put(&mut cache, 0, &"x".repeat(500));
        assert_eq!(
            cache.get(&key(0, 0, 0), at(1)),
            None,
            "what stood there is not it any more"
        );
    }
}
