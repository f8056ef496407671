//! What a server that is a child of ours uses: told with each probe, read beside the loop.

use super::Session;
use crate::mcp::event::ServerEvent;
use crate::mcp::transport::usage;

impl Session {
    /// Has it read and reported. What comes after the connection's end is stale, and is dropped by the host as such.
    pub(super) fn report_vitals(&self) {
        let Some((group, stderr_lines)) = self.link.notes.vitals() else {
            return;
        };
        let reporter = self.reporter.clone();
        tokio::spawn(async move {
            let read = tokio::task::spawn_blocking(move || usage::of(group)).await;
            let vitals = ServerEvent::Vitals {
                processes: read.ok().flatten(),
                stderr_lines,
            };
            reporter.event(vitals).await;
        });
    }
}
