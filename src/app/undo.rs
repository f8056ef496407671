//! `/undo`: takes back a change by the file server's own tool, called by hand.
//!
//! Pure.

use serde_json::json;

use crate::app::intent::Intent;
use crate::app::slash::word;
use crate::host::{Host, Server};

/// The tool.
const TOOL: &str = "undo";

/// The call that a line means: `/undo`, `/undo CHANGE`, `/undo SERVER`, `/undo SERVER CHANGE`.
pub(super) fn undo(rest: &str, host: &Host) -> Result<Intent, String> {
    let (server, change) = meant(rest, host)?;
    let arguments = match change.trim() {
        "" => json!({}),
        change => json!({ "change": change }),
    };
    Ok(Intent::Call {
        server: server.name.clone(),
        tool: TOOL.to_owned(),
        arguments: arguments.to_string(),
    })
}

/// The server that is named, or the only one that can; and the change.
fn meant<'a>(rest: &'a str, host: &'a Host) -> Result<(&'a Server, &'a str), String> {
    let can = |server: &&Server| server.is_bundled() && server.tool(TOOL).is_some();
    let (first, after) = word(rest);
    let named = host
        .servers
        .iter()
        .find(|server| server.name.as_str() == first);
    match named {
        Some(server) if can(&server) => return Ok((server, after)),
        Some(server) => {
            return Err(format!(
                "Server `{}` has nothing that can be taken back from here.",
                server.name
            ));
        }
        None => {}
    }
    let mut able = host.servers.iter().filter(can);
    match (able.next(), able.next()) {
        (Some(server), None) => Ok((server, rest)),
        (Some(one), Some(other)) => Err(format!(
            "Several servers can take changes back: say `/undo {}` or `/undo {}`.",
            one.name, other.name
        )),
        (None, _) => Err(
            "No file server that can take changes back is ready; `mcpdeck undo` works without one."
                .to_owned(),
        ),
    }
}
