//! Writes down what the host wants kept: each kind goes to the file that knows its place. Never waits.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::driver::{eras, pins, saving};
use crate::host::{HostEvent, Keep};

/// Starts the writing of one thing; a failure that matters is reported.
pub fn keep(
    what: Keep,
    config: &Config,
    events: &mpsc::Sender<HostEvent>,
    tasks: &mut JoinSet<()>,
) {
    match what {
        Keep::Rule(rule) => {
            let saving = saving::rule(config.user_file.clone(), rule, events.clone());
            tasks.spawn(saving);
        }
        Keep::Era {
            path,
            server,
            remembered,
        } => {
            tasks.spawn(eras::keep(path, server, remembered));
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
