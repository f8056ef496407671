//! The faults of one connection as its transport and the driver share them: switched from outside, asked at each message.
//!
//! With none on, all that a message costs is one look at an atomic flag. `stdio` and `http` carry out what it says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::mcp::fault::{FaultKind, Faults, Meddling, Plan};
use crate::mcp::wire::record::{Direction, WireKind};
use crate::mcp::wire::tap::ConnectionTap;

/// How long a message waits for the one that is to overtake it.
pub const OVERTAKEN: Duration = Duration::from_secs(1);

/// The faults of one connection. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Meddler(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    on: AtomicBool,
    meddling: Mutex<Meddling>,
    /// A message has passed that was not held back.
    passed: Notify,
}

impl Meddler {
    /// With these faults on.
    pub fn new(faults: Faults) -> Self {
        let meddler = Self::default();
        meddler.set(faults);
        meddler
    }

    /// Other faults are on from now on.
    pub fn set(&self, faults: Faults) {
        let mut meddling = self.meddling();
        meddling.set(faults);
        self.0.on.store(meddling.is_on(), Ordering::Release);
    }

    /// Whether any is on.
    pub fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Relaxed)
    }

    /// A message goes out. With no fault on, nothing is remembered of it.
    pub fn sent(&self, message: &Value) {
        if self.is_on() {
            self.meddling().sent(message);
        }
    }

    /// Which of these faults strikes a request on its way out.
    pub fn at_request(&self, message: &Value, kinds: &[FaultKind]) -> Option<FaultKind> {
        let mut meddling = self.meddling();
        let struck = meddling.at_request(message, kinds);
        self.0.on.store(meddling.is_on(), Ordering::Release);
        struck
    }

    /// What becomes of a message from the server; absent: it passes.
    pub fn at_answer(&self, message: &Value) -> Option<(Plan, Vec<FaultKind>)> {
        let mut meddling = self.meddling();
        let (plan, struck) = meddling.at_answer(message);
        self.0.on.store(meddling.is_on(), Ordering::Release);
        (!struck.is_empty()).then_some((plan, struck))
    }

    /// A message has passed: one that waits to be overtaken may come.
    pub fn passed(&self) {
        self.0.passed.notify_waiters();
    }

    /// Waits until another message has passed, for a second at most.
    pub async fn overtaken(&self) {
        let _nobody_came = timeout(OVERTAKEN, self.0.passed.notified()).await;
    }

    fn meddling(&self) -> MutexGuard<'_, Meddling> {
        let lock = self.0.meddling.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes on the time line what a fault does to a message, next to the message as it was.
pub async fn record(
    tap: &ConnectionTap,
    direction: Direction,
    fault: FaultKind,
    message: &Value,
    words: &str,
) {
    let id = message.get("id").map(Value::to_string);
    let kind = WireKind::Fault { fault, id };
    let text = format!("{}: {words}", fault.word());
    tap.record(direction, kind, 0, &text).await;
}

/// Waits as long as a message of so many bytes drips, piece by piece.
pub async fn dripped(plan: &Plan, bytes: usize) {
    if let Some((piece, wait)) = plan.pieces(bytes) {
        for _ in 0..bytes.div_ceil(piece) {
            sleep(wait).await;
        }
    }
}
