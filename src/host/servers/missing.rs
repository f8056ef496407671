//! What the model is told of servers and tools that are missing: one line, and another when that changes.
//!
//! Pure.

use crate::host::server::Server;
use crate::host::state::Host;
use crate::mcp::status::Status;
use crate::mcp::verdict::Cause;
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
        let ready = || self.servers.iter().filter(|s| s.status.is_ready());
        missing.extend(ready().filter_map(shut));
        let ill: Vec<String> = ready().filter_map(ill).collect();
        let sentence = |what: &str, of: &[String]| {
            (!of.is_empty()).then(|| format!("{what}: {}.", of.join("; ")))
        };
        let sentences: Vec<String> = [
            sentence("Not available now", &missing),
            sentence("There, but not well", &ill),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
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

/// A server that stands and answers nothing now. The words hold still, so that the model is not told each figure.
fn shut(server: &Server) -> Option<String> {
    let name = &server.name;
    match server.verdict.cause {
        Cause::Circuit => Some(format!(
            "server `{name}` gets no calls for a while, because too many came to nothing: do not retry, use what else there is"
        )),
        Cause::Silent => Some(format!("server `{name}` does not answer any more")),
        _ => None,
    }
}

/// A server that answers, but not as it should.
fn ill(server: &Server) -> Option<String> {
    let name = &server.name;
    match server.verdict.cause {
        Cause::Slow => Some(format!("server `{name}` answers much later than it did")),
        Cause::Failing => Some(format!("many calls to server `{name}` come to no answer")),
        Cause::Unsteady => Some(format!("server `{name}` keeps ending and coming back")),
        // The model reads the errors of tools itself, and a busy server is one that it has called.
        _ => None,
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
