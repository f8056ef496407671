//! Names of sessions for programs: UUIDs of version 7, which sort by the time at which they were made.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A new name.
pub fn new(now: SystemTime) -> String {
    let millis = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(millis.as_millis()).unwrap_or(u64::MAX) & 0xffff_ffff_ffff;
    let (a, b) = (random(), random());
    let first = millis >> 16;
    let second = millis & 0xffff;
    let third = 0x7000 | (a & 0x0fff);
    let fourth = 0x8000 | ((a >> 16) & 0x3fff);
    let fifth = b & 0xffff_ffff_ffff;
    format!("{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}")
}

/// Numbers that do not come again; they are no secret.
fn random() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// Whether this can be a name, or the beginning of one: nothing else may become part of a path.
pub fn is_part_of_one(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_hexdigit() || c == '-';
    !text.is_empty() && text.len() <= 36 && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_sort_by_time_and_do_not_come_twice() {
        let at = |millis| UNIX_EPOCH + Duration::from_millis(millis);
        let early = new(at(1_700_000_000_000));
        let late = new(at(1_700_000_000_001));
        assert!(early < late, "{early} {late}");
        assert_eq!(early.len(), 36);
        assert!(early.starts_with("018bcfe5-6800-7"), "{early}");
        assert!(is_part_of_one(&early) && is_part_of_one("018b"));
        assert!(!is_part_of_one("") && !is_part_of_one("../x") && !is_part_of_one("a/b"));
        let many: std::collections::BTreeSet<String> = (0..1000).map(|_| new(at(5))).collect();
        assert_eq!(many.len(), 1000);
    }
}
