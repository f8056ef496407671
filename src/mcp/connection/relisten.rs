//! When a server of the new era is asked again to tell of changes, after the stream on which it told them has ended.
//!
//! Plain data for `session`. A stream that ends at once again and again is let go, so that nobody asks for ever.

use std::time::Duration;

use tokio::time::Instant;

/// The first wait; doubles with each short stream.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A stream that lived so long was a good one: what stands between ends silent ones after 15 s to a minute, again and again.
const GOOD: Duration = Duration::from_secs(10);
/// Short streams in a row after which the server is not asked again.
const MOST: u32 = 5;

/// The memory of the streams that ended.
#[derive(Debug, Default)]
pub struct Relisten {
    short: u32,
    at: Option<Instant>,
}

impl Relisten {
    /// When to ask again, if at all.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// A stream that was asked for at `asked` has ended.
    pub fn over(&mut self, asked: Instant, now: Instant) {
        if now.duration_since(asked) >= GOOD {
            self.short = 0;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.short.min(10));
        self.short += 1;
        self.at = (self.short <= MOST).then(|| now + wait);
    }

    /// Whether it is time to ask; true once for each stream that ended.
    pub fn is_due(&mut self, now: Instant) -> bool {
        self.at.take_if(|at| *at <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_streams_are_asked_for_with_growing_waits_and_then_let_go() {
        let mut relisten = Relisten::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..20 {
            relisten.over(now, now);
            let Some(at) = relisten.at() else { break };
            waits.push((at - now).as_secs());
            assert!(!relisten.is_due(now));
            now = at;
            assert!(relisten.is_due(now) && !relisten.is_due(now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn a_good_stream_makes_up_for_short_ones() {
        let mut relisten = Relisten::default();
        let now = Instant::now();
        for _ in 0..5 {
            relisten.over(now, now);
        }
        let later = now + GOOD;
        relisten.over(now, later);
        assert_eq!(relisten.at(), Some(later + FIRST_WAIT));
    }
}
