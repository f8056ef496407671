//! Serves a handler, mostly a toolbox, on stdin and stdout until the client closes stdin or the process is told to end.
//!
//! rmcp answers both eras: `initialize` of the revisions up to 2025-11-25 and `server/discover` of 2026-07-28.

use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::servers::ServeError;
use crate::servers::served::Served;

/// How long calls under way may take to finish after the client has gone.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until stdin closes or SIGTERM or SIGINT comes; both are a good end.
pub async fn serve(handler: Served, running: TaskTracker) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let session = async {
        match handler.serve(rmcp::transport::stdio_pipes()).await {
            Ok(service) => {
                let _how_it_ended = service.waiting().await;
                Ok(())
            }
            // A client that leaves before it says anything is no failure.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(ServeError::Handshake(error.to_string())),
        }
    };
    let outcome = tokio::select! {
        outcome = session => outcome,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    running.close();
    // A change half done is worse than a late end; an endless query must not hold the process.
    let _late = tokio::time::timeout(GRACE, running.wait()).await;
    outcome
}
