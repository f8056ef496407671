//! What the model is told of servers and tools that are missing: one line, and another when that changes.
//!
//! Pure.

use crate::host::server::Server;
use crate::host::state::Host;
use crate::mcp::status::Status;
use crate::text::{clean, wrap};

/// Columns of one server's reason in the line for the model.
const REASON: usize = 160;

/// Why a server cannot be called, for the model and the person; no words of the server itself.
pub(in crate::host) fn absence(server: &Server) -> String {
    let why = match &server.status {
        Status::Ready { .. } => "is ready".to_owned(),
        Status::Disabled => "is switched off".to_owned(),
        Status::Starting { .. } => "is still starting".to_owned(),
        Status::Waiting { failure, .. } => {
            format!("is down and will be tried again ({})", failure.message)
        }
        Status::Failed { failure } => format!("failed ({})", failure.message),
    };
    format!(
        "server `{}` {}",
        server.name,
        wrap::truncate(&clean::line(&why), REASON)
    )
}

impl Host {
    /// The one line for the model on servers and tools that are missing; absent when none is.
    pub(in crate::host) fn missing(&self) -> Option<String> {
        let mut missing: Vec<String> = self
            .servers
            .iter()
            // A call waits for one that is expected.
            .filter(|server| !server.status.is_ready() && !server.is_expected())
            .map(absence)
            .collect();
        for server in self
            .servers
            .iter()
            .filter(|server| server.status.is_ready() && !server.rejected_tools().is_empty())
        {
            missing.push(unusable(server));
        }
        (!missing.is_empty()).then(|| format!("Not available now: {}.", missing.join("; ")))
    }

    /// Writes down what the model is told when it differs from what it was told before.
    pub(in crate::host) fn tell(&mut self) {
        let missing = self.missing();
        if missing == self.book.told {
            return;
        }
        let text = missing
            .clone()
            .unwrap_or_else(|| "All servers are available now.".to_owned());
        self.book.told = missing;
        self.transcript.tell(text);
    }
}

fn unusable(server: &Server) -> String {
    let names: Vec<_> = server
        .rejected_tools()
        .iter()
        .filter_map(|tool| tool.name.as_deref())
        .collect();
    if names.is_empty() {
        return format!("not all tools of server `{}` could be read", server.name);
    }
    let names = wrap::truncate(&clean::line(&names.join(", ")), REASON);
    format!(
        "server `{}` has tools that cannot be used: {names}",
        server.name
    )
}
