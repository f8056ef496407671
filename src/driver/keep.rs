//! Writes down what the host wants kept: each kind goes to the file that knows its place. Never waits.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::driver::sessions::Sessions;
use crate::driver::{eras, lists, pins, saving};
use crate::host::{HostEvent, Keep};
use crate::mcp::wire::redact::Redactor;

/// Where things are written down, and how.
#[derive(Debug)]
pub struct To<'a> {
    /// Names the user's own file.
    pub config: &'a Config,
    /// What no file may hold.
    pub redactor: &'a Arc<Redactor>,
    /// The sessions, if they are kept.
    pub sessions: Option<&'a Sessions>,
}

/// Starts the writing of one thing; a failure that matters is reported.
pub fn keep(what: Keep, to: To<'_>, events: &mpsc::Sender<HostEvent>, tasks: &mut JoinSet<()>) {
    match what {
        // Its order counts: `perform` hands it to the one who writes them all.
        Keep::Audit(_) | Keep::Frame(_) => {}
        Keep::Rule(rule) => {
            let saving = saving::rule(to.config.user_file.clone(), rule, events.clone());
            tasks.spawn(saving);
        }
        Keep::Session(write) => {
            if let Some(sessions) = to.sessions {
                sessions.write(write);
            }
        }
        Keep::Era {
            path,
            server,
            remembered,
        } => {
            tasks.spawn(eras::keep(path, server, remembered));
        }
        Keep::Lists { path, lists: of } => {
            tasks.spawn(lists::keep(path, of));
        }

        Keep::Pins {
            path,
            server,
            launch,
            changes,
        } => {
            let of = (server, launch);
            tasks.spawn(pins::keep(path, of, changes, events.clone()));
        }
        Keep::Result { call, path, text } => {
            let redactor = to.redactor.clone();
            tasks.spawn(saving::result(call, path, text, redactor, events.clone()));
        }
    }
}
