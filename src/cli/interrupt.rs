//! Ctrl-C, SIGTERM and SIGHUP for the headless subcommands: the first one asks for an orderly end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a headless run.
#[derive(Debug)]
pub struct Interrupt {
    signals: Vec<(u8, Signal)>,
}

impl Interrupt {
    /// Starts to listen. Where a signal cannot be listened to, it keeps its usual effect.
    pub fn listen() -> Self {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let listen = |kind: SignalKind| {
            let number = u8::try_from(kind.as_raw_value()).ok()?;
            Some((number, signal(kind).ok()?))
        };
        Self {
            signals: kinds.into_iter().filter_map(listen).collect(),
        }
    }

    /// Waits for one of them and gives its number.
    pub async fn wait(&mut self) -> u8 {
        if self.signals.is_empty() {
            return std::future::pending().await;
        }
        let waits = self.signals.iter_mut().map(|(number, signal)| {
            let number = *number;
            Box::pin(async move {
                signal.recv().await;
                number
            })
        });
        futures::future::select_all(waits).await.0
    }
}
