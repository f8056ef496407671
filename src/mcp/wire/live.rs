//! The live channel, from the tap to whoever looks at the wire. What does not fit is turned away, and the tap counts it.
//!
//! Impure: its reader rests. To send costs a copy of the text and no more: secrets are taken out where it is read, and a reader that
//! has just read is not woken for each record. Made by the driver, by a proxy, and by whoever attaches to one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::mcp::wire::passed::Passed;
use crate::mcp::wire::record::{LIVE_TEXT, WireRecord};

/// Bytes that may wait in it.
const LIVE_BYTES: usize = 8 * 1024 * 1024;
/// How long a reader that has read does not wait for more: half a frame of the screen.
const REST: Duration = Duration::from_millis(8);

/// Where the tap sends.
#[derive(Debug)]
pub struct Live {
    to: mpsc::Sender<Passed>,
    waiting: Arc<AtomicUsize>,
}

/// Where it is read, without secrets.
#[derive(Debug)]
pub struct LiveRecords {
    from: mpsc::Receiver<Passed>,
    /// Bytes that wait in the channel.
    waiting: Arc<AtomicUsize>,
    rests_until: Option<Instant>,
}

/// A channel for so many records.
pub fn channel(records: usize) -> (Live, LiveRecords) {
    let (to, from) = mpsc::channel(records);
    let waiting = Arc::<AtomicUsize>::default();
    let live = Live {
        to,
        waiting: waiting.clone(),
    };
    let records = LiveRecords {
        from,
        waiting,
        rests_until: None,
    };
    (live, records)
}

impl Live {
    /// Sends what there is room for: whether there was.
    pub(super) fn send(&self, passed: Passed) -> bool {
        let weight = passed.weight();
        let before = self.waiting.fetch_add(weight, Ordering::Relaxed);
        let is_sent = before + weight <= LIVE_BYTES && self.to.try_send(passed).is_ok();
        if !is_sent {
            self.waiting.fetch_sub(weight, Ordering::Relaxed);
        }
        is_sent
    }

    /// Sends a record that another tap has seen, which took its secrets out; waits for room. `false` when nobody reads any more.
    pub async fn hand_on(&self, record: WireRecord) -> bool {
        let passed = Passed::known(record);
        self.waiting.fetch_add(passed.weight(), Ordering::Relaxed);
        self.to.send(passed).await.is_ok()
    }
}

impl LiveRecords {
    /// The next record; absent once the tap is gone and all is read. Given up while it waits, it has taken nothing.
    pub async fn recv(&mut self) -> Option<WireRecord> {
        if let Some(until) = self.rests_until.filter(|_| self.from.is_empty()) {
            sleep_until(until).await;
            self.rests_until = None;
        }
        let passed = self.from.recv().await?;
        self.rests_until = Some(Instant::now() + REST);
        Some(self.seen(passed))
    }

    /// The next record, if it is there already.
    pub fn try_recv(&mut self) -> Option<WireRecord> {
        let passed = self.from.try_recv().ok()?;
        Some(self.seen(passed))
    }

    fn seen(&self, passed: Passed) -> WireRecord {
        self.waiting.fetch_sub(passed.weight(), Ordering::Relaxed);
        passed.seen(LIVE_TEXT)
    }
}
