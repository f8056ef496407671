//! Carries what connections report to the host. A long report takes the places of several, so that what waits is bounded in bytes.

use tokio::sync::mpsc;

use crate::host::HostEvent;
use crate::ids::{Generation, ServerName};
use crate::mcp::connection;
use crate::mcp::event::ServerEvent;
use crate::mcp::transport::send_heavy;

/// A connection's reports, in the host's words.
pub(super) async fn forward(
    mut reports: mpsc::Receiver<(ServerName, Generation, ServerEvent)>,
    events: mpsc::Sender<HostEvent>,
) {
    while let Some((server, generation, event)) = reports.recv().await {
        let weight = event.weight();
        let event = HostEvent::Server {
            server,
            generation,
            event,
        };
        if !send_heavy(&events, event, weight, connection::REPORT_PLACE).await {
            return;
        }
    }
}
