//! A server's log: its own messages, and what we write beside them.
//!
//! Pure, bounded.

use crate::host::server::{LOG_LINES, LogLine};
use crate::host::state::Host;
use crate::ids::{Moment, ServerName};
use crate::mcp::wire::lines::head;

/// Bytes of one line that are kept; the wire log has all of it.
const LINE: usize = 4 * 1024;
/// The level under which our own lines stand among a server's.
const OURS: &str = "mcpdeck";

impl Host {
    pub(in crate::host) fn log(
        &mut self,
        name: &ServerName,
        level: String,
        text: String,
        now: Moment,
    ) {
        if let Some(server) = self.server_mut(name) {
            server.log.push_back(LogLine {
                at: now,
                level: head(&level, 40).to_owned(),
                text: head(&text, LINE).to_owned(),
            });
            while server.log.len() > LOG_LINES {
                server.log.pop_front();
            }
        }
    }

    /// A line of our own.
    pub(in crate::host) fn log_ours(&mut self, name: &ServerName, text: String, now: Moment) {
        self.log(name, OURS.to_owned(), text, now);
    }
}
