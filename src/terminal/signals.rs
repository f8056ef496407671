//! The signals that end the program, and the one that wakes it from Ctrl-Z.
//!
//! Unix. Elsewhere only Ctrl-C of the console is known.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

/// How long a stop after Ctrl-Z may take to come. Where there is no shell to go back to, none comes.
const STOPS_WITHIN: Duration = Duration::from_millis(250);

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// End, because of the signal of this number.
    End(i32),
    /// It was stopped and goes on: whoever had the terminal meanwhile has left it in any state.
    Continued,
}

/// The signals that are listened to.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    quit: Signal,
    go_on: Signal,
}

impl Signals {
    /// Starts to listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            // Its usual end, a core, would leave the terminal as it is.
            quit: signal(SignalKind::quit())?,
            go_on: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next signal. Loses nothing when dropped.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::End(SignalKind::terminate().as_raw_value()),
            _ = self.hang_up.recv() => Told::End(SignalKind::hangup().as_raw_value()),
            _ = self.interrupt.recv() => Told::End(SignalKind::interrupt().as_raw_value()),
            _ = self.quit.recv() => Told::End(SignalKind::quit().as_raw_value()),
            _ = self.go_on.recv() => Told::Continued,
        }
    }

    /// Ctrl-Z: stops the program and waits until it goes on. The whole group is stopped, because `cargo run` and the like wait in
    /// front of the program.
    pub async fn stop(&mut self) {
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
        // The stop may come a moment later, on any thread; taking the terminal before it does would leave the shell with it.
        let _ = timeout(STOPS_WITHIN, self.go_on.recv()).await;
    }
}
