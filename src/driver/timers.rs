//! The host's timers, as tasks that sleep and report.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::host::HostEvent;
use crate::ids::TimerId;

/// Starts a timer; it ends with the set of tasks.
pub fn set(
    tasks: &mut JoinSet<()>,
    timer: TimerId,
    after: Duration,
    events: mpsc::Sender<HostEvent>,
) {
    tasks.spawn(async move {
        tokio::time::sleep(after).await;
        // Nobody listens any more: the program is ending.
        let _gone = events.send(HostEvent::Timer(timer)).await;
    });
}
