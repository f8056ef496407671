//! Ctrl-C, SIGTERM and SIGHUP for the headless subcommands: the first one asks for an orderly end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a headless run.
#[derive(Debug)]
pub struct Interrupt {
    signals: Vec<Signal>,
}

impl Interrupt {
    /// Starts to listen. Where a signal cannot be listened to, it keeps its usual effect.
    pub fn listen() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        Self {
            signals: kinds
                .into_iter()
                .filter_map(|kind| signal(kind).ok())
                .collect(),
        }
    }

    /// Waits for one of them.
    pub async fn wait(&mut self) {
        if self.signals.is_empty() {
            return std::future::pending().await;
        }
        let waits = self
            .signals
            .iter_mut()
            .map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(waits).await;
    }
}
