//! Notices that the machine has slept: the wall clock has gone on while the clock of our timers stood still.
//!
//! A connection that stood before may be dead without a word, so the host is told to ask.

use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;

use crate::host::HostEvent;

/// How often the two clocks are compared.
const EVERY: Duration = Duration::from_secs(5);
/// A smaller difference is a clock that was set right.
const SLEPT: Duration = Duration::from_secs(15);

/// Watches until nobody listens any more.
pub async fn watch(events: mpsc::Sender<HostEvent>) {
    let (mut wall, mut own) = (SystemTime::now(), Instant::now());
    loop {
        tokio::time::sleep(EVERY).await;
        let by_wall = wall.elapsed().unwrap_or_default();
        let slept = by_wall.saturating_sub(own.elapsed());
        (wall, own) = (SystemTime::now(), Instant::now());
        if slept >= SLEPT && events.send(HostEvent::Woke { slept }).await.is_err() {
            return;
        }
    }
}
