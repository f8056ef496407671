//! Writes down what the host wants kept: each kind goes to the file that knows its place. Never waits.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::driver::sessions::Sessions;
use crate::driver::{eras, lists, pins, saving};
use crate::host::{HostEvent, Keep};

/// Starts the writing of one thing; a failure that matters is reported.
pub fn keep(
    what: Keep,
    config: &Config,
    sessions: Option<&Sessions>,
    events: &mpsc::Sender<HostEvent>,
    tasks: &mut JoinSet<()>,
) {
    match what {
        // Its order counts: `perform` hands it to the one who writes them all.
        Keep::Audit(_) => {}
        Keep::Rule(rule) => {
            let saving = saving::rule(config.user_file.clone(), rule, events.clone());
            tasks.spawn(saving);
        }
        Keep::Session(write) => {
            if let Some(sessions) = sessions {
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
            tasks.spawn(saving::result(call, path, text, events.clone()));
        }
    }
}
