//! When to draw: at once when nothing was drawn lately, else as soon as the screen can show it; what comes between is one frame.
//!
//! Told the time, so that it can be tested; `run` owns the clock.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The least time between frames: sixty a second.
const FRAME: Duration = Duration::from_micros(16_667);

/// Sleeps until then; without a deadline for good.
pub(super) async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Whether something waits to be drawn, and when the last frame was.
#[derive(Debug, Default)]
pub struct Pace {
    dirty: bool,
    last: Option<Instant>,
}

impl Pace {
    /// Something changed.
    pub fn mark(&mut self) {
        self.dirty = true;
    }

    /// When the next frame is due; absent: nothing changed.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        self.dirty.then(|| match self.last {
            Some(last) => now.max(last + FRAME),
            None => now,
        })
    }

    /// Whether a frame is due.
    pub fn is_due(&self, now: Instant) -> bool {
        self.deadline(now).is_some_and(|deadline| deadline <= now)
    }

    /// A frame was drawn.
    pub fn drawn(&mut self, now: Instant) {
        self.dirty = false;
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_is_due_at_once_and_a_flood_is_sixty_frames_a_second() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.deadline(start), None);
        pace.mark();
        assert!(pace.is_due(start));
        pace.drawn(start);
        assert!(!pace.is_due(start), "nothing changed");
        let mut frames = 0;
        for tenth in 1..=10_000u64 {
            let now = start + Duration::from_micros(100 * tenth);
            pace.mark();
            if pace.is_due(now) {
                pace.drawn(now);
                frames += 1;
            }
        }
        assert!((55..=60).contains(&frames), "{frames} frames in a second");
    }

    #[test]
    fn after_a_quiet_while_the_next_frame_does_not_wait() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.drawn(start);
        let later = start + Duration::from_secs(1);
        pace.mark();
        assert_eq!(pace.deadline(later), Some(later));
    }
}
