//! The end of a child process: waited for or brought about, with all that the child has started, and told as a failure.
//!
//! One task for each child of `stdio`. Knows nothing of messages.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::child;
use crate::mcp::transport::group::{self, GRACE, Group};
use crate::mcp::transport::{Inbound, Notes};

/// How long the pipes may stay open after the process has gone; a grandchild can hold them.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a process may live after it has closed its stdout or stdin.
const SILENT: Duration = Duration::from_secs(1);

/// The error number with which the system refused to start the program, as its supervisor told.
pub type Refused = Arc<OnceLock<i32>>;

/// Who brought the end about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ender {
    Itself,
    Us,
    /// Its stdout was closed, so it could no longer answer.
    Silence,
    /// Its stdin was closed, so it could no longer be asked.
    Deafness,
}

/// Waits for the end of the child, or brings it about, and reports it.
pub struct Keeper {
    /// The child, or its supervisor.
    pub child: Child,
    /// Its group.
    pub group: Group,
    /// Its file, and the whole command for people.
    pub program: (PathBuf, String),
    /// Why it was not started, where that comes out.
    pub refused: Refused,
    /// Ours: end it.
    pub stop: CancellationToken,
    /// Ours: close its stdin.
    pub close_stdin: CancellationToken,
    /// The child's: it has closed its stdin.
    pub deaf: CancellationToken,
    /// What is known for its failure.
    pub notes: Notes,
    /// Where its end is told.
    pub reports: mpsc::Sender<Inbound>,
}

impl Keeper {
    /// Runs until the child has ended, and what it has left behind; its pipes are read by these two tasks.
    pub async fn keep(
        mut self,
        mut read: tokio::task::JoinHandle<()>,
        mut drained: tokio::task::JoinHandle<()>,
    ) {
        let mut ender = Ender::Itself;
        let mut read_over = false;
        let status = tokio::select! {
            biased;
            status = self.child.wait() => status.ok(),
            () = self.stop.cancelled() => {
                ender = Ender::Us;
                self.close_stdin.cancel();
                group::end(&mut self.child, self.group, GRACE).await
            }
            _ = &mut read => {
                read_over = true;
                self.without_pipe(&mut ender, Ender::Silence).await
            }
            () = self.deaf.cancelled() => self.without_pipe(&mut ender, Ender::Deafness).await,
        };
        // What the server wrote last still stands in the pipes.
        if !read_over && timeout(DRAIN, &mut read).await.is_err() {
            read.abort();
        }
        self.group.sweep().await;
        self.close_stdin.cancel();
        if timeout(DRAIN, &mut drained).await.is_err() {
            drained.abort();
        }
        let failure = Box::new(self.failure(status, ender));
        let _connection_gone = self.reports.send(Inbound::Closed(failure)).await;
    }

    /// The child has closed its stdout or its stdin: it can no longer answer or be asked, so it is ended when it does not end
    /// by itself.
    async fn without_pipe(&mut self, ender: &mut Ender, cause: Ender) -> Option<ExitStatus> {
        tokio::select! {
            status = self.child.wait() => return status.ok(),
            () = self.stop.cancelled() => *ender = Ender::Us,
            () = tokio::time::sleep(SILENT) => *ender = cause,
        }
        if *ender == cause && self.group.is_ending() {
            // It has ended by itself, and what it has left behind is being ended.
            *ender = Ender::Itself;
            if let Ok(status) = timeout(3 * GRACE, self.child.wait()).await {
                return status.ok();
            }
        }
        self.close_stdin.cancel();
        group::end(&mut self.child, self.group, GRACE).await
    }

    fn failure(&self, status: Option<ExitStatus>, ender: Ender) -> Failure {
        if let Some(number) = self.refused.get() {
            let error = std::io::Error::from_raw_os_error(*number);
            return child::not_started(&error, &self.program.0, self.program.1.clone());
        }
        let (kind, message) = match ender {
            Ender::Itself => (FailureKind::Exited, "the server's process ended"),
            Ender::Us => (FailureKind::Stopped, "the server was stopped"),
            Ender::Silence => (
                FailureKind::Exited,
                "the server closed its stdout but went on running, so it was ended",
            ),
            Ender::Deafness => (
                FailureKind::Exited,
                "the server closed its stdin but went on running, so it was ended",
            ),
        };
        let mut failure = self.notes.dress(Failure::new(kind, message));
        failure.exit = status.map(group::describe);
        failure
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The runtime ends before it did: there is a process of ours left only where nobody has waited for it.
        if self.child.id().is_some() {
            self.group.abandon();
        }
    }
}
