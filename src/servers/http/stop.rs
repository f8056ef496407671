//! The order of the end: not ready any more, nothing new, what runs finishes, and at the last what still runs is cancelled.
//!
//! SIGTERM and SIGINT begin it, a second one cuts it short. Asked by `door` and `health`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long connections may take to say goodbye after the last call has ended.
const GOODBYE: Duration = Duration::from_secs(1);

/// How far the end has come.
#[derive(Debug, Clone)]
pub struct Stop {
    asked: CancellationToken,
    urged: CancellationToken,
    now: CancellationToken,
    calls: TaskTracker,
    running: TaskTracker,
    _listener: Arc<Listener>,
}

/// Ends the task that waits for signals.
#[derive(Debug)]
struct Listener(tokio::task::JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stop {
    /// Listens to the signals from now on. `running` is the blocking work of the server.
    pub fn listen(running: TaskTracker) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (asked, urged) = (CancellationToken::new(), CancellationToken::new());
        let told = [asked.clone(), urged.clone()];
        let task = tokio::spawn(async move {
            for token in told {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                token.cancel();
            }
        });
        Ok(Self {
            asked,
            urged,
            now: CancellationToken::new(),
            calls: TaskTracker::new(),
            running,
            _listener: Arc::new(Listener(task)),
        })
    }

    /// Whether the end has begun.
    pub fn has_begun(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Waits for the end to begin and for a load balancer to notice.
    pub async fn drained(&self, drain: Duration) {
        self.asked.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(drain) => {}
            () = self.urged.cancelled() => {}
        }
    }

    /// What ends everything that still runs.
    pub fn now(&self) -> CancellationToken {
        self.now.clone()
    }

    /// The calls under way, each a token of it.
    pub fn calls(&self) -> &TaskTracker {
        &self.calls
    }

    /// Waits for the connections, none of which takes a new request any more, and for what runs. At most `grace`; then all
    /// is cancelled. A stream that nobody ends is not waited for once no call runs.
    pub async fn finish(&self, connections: &TaskTracker, grace: Duration) {
        connections.close();
        self.calls.close();
        self.running.close();
        let calls = async {
            self.calls.wait().await;
            self.running.wait().await;
            tokio::time::sleep(GOODBYE).await;
        };
        tokio::select! {
            () = connections.wait() => {}
            () = calls => {}
            () = tokio::time::sleep(grace) => {}
            () = self.urged.cancelled() => {}
        }
        self.now.cancel();
        let last = async {
            connections.wait().await;
            self.running.wait().await;
        };
        let _late = tokio::time::timeout(GOODBYE, last).await;
    }
}
