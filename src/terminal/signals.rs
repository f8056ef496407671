//! The signals that end the program, and the one that wakes it from Ctrl-Z.
//!
//! Unix. Elsewhere only Ctrl-C of the console is known.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

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

    /// Waits until the program goes on after it was stopped.
    pub async fn continued(&mut self) {
        self.go_on.recv().await;
    }
}
