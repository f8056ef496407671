//! How messages get to a server and back: one [`Link`] for every transport, so that `connection` knows neither pipes nor HTTP.
//!
//! `stdio` starts and ends a child process (`child`), `http` speaks Streamable HTTP; `meddler` holds the faults of the lab. A transport never answers, repeats or
//! interprets a message; it reports what it saw, also what could not be read.

pub mod child;
pub mod confine;
mod group;
pub mod http;
mod keeper;
pub mod meddler;
mod reader;
pub mod stdio;
pub mod supervise;
pub mod usage;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::fault::FaultKind;
use crate::mcp::transport::group::Group;
use crate::mcp::wire::lines::head;

/// Messages that may wait for a server that does not read. One more is refused as not sent.
pub const OUT_QUEUE: usize = 256;
/// What may wait for the connection before a transport stops reading.
pub const IN_QUEUE: usize = 64;
/// The longest message: 16 MiB, as everywhere in this protocol's libraries.
pub const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;
/// Bytes for which one place in [`IN_QUEUE`] stands: a longer report waits until as many places are free.
pub const IN_PLACE: usize = 256 * 1024;
/// Bytes of a stray line that are kept.
const STRAY: usize = 4 * 1024;
/// Stray lines of one connection that are reported.
const STRAYS: usize = 20;
/// Lines of stderr that are kept.
const STDERR_LINES: usize = 100;
/// Lines of stderr that a failure shows.
const FAILURE_LINES: usize = 20;

/// A message on its way out.
#[derive(Debug)]
pub struct Outgoing {
    /// The id, when it is a request of ours.
    pub id: Option<i64>,
    /// The message.
    pub message: Value,
    /// Tells whether it may have left, and can still hold it back.
    pub gate: Gate,
    /// The message as it is to be written, where a person wrote it: nobody waits for its answer.
    pub raw: Option<String>,
}

impl Outgoing {
    /// What is written.
    pub fn text(&self) -> String {
        match &self.raw {
            Some(raw) => raw.clone(),
            None => self.message.to_string(),
        }
    }
}

/// Whether a message may have left. Both sides hold it, so that "cancelled before it was written" is certain.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicU8>);

const WAITING: u8 = 0;
const LEFT: u8 = 1;
const HELD_BACK: u8 = 2;

impl Gate {
    /// The transport is about to write: whether it may.
    pub fn pass(&self) -> bool {
        self.0
            .compare_exchange(WAITING, LEFT, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Holds the message back: whether it had not left yet.
    pub fn hold_back(&self) -> bool {
        match self
            .0
            .compare_exchange(WAITING, HELD_BACK, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(state) => state == HELD_BACK,
        }
    }

    /// The message was turned away and waits to be sent again: whether it is still wanted.
    pub fn not_yet(&self) -> bool {
        self.0
            .compare_exchange(LEFT, WAITING, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Takes back that it left: the transport is certain that nothing reached the server.
    pub fn never_left(&self) {
        self.0.store(HELD_BACK, Ordering::Release);
    }
}

/// What a transport reports.
#[derive(Debug)]
pub enum Inbound {
    /// A JSON-RPC message.
    Message(Value),
    /// The same from [`stdio::start_verbatim`], with the line in which it came.
    Written {
        /// What it says.
        message: Value,
        /// The line.
        line: String,
    },
    /// A line that is no message: noise, or JSON of another shape.
    Stray(String),
    /// Something that may have been an answer and cannot be read.
    Unreadable {
        /// The request that it answers, where that can be told.
        id: Option<i64>,
        /// Why, as a sentence.
        why: String,
    },
    /// The request with this id is on the wire.
    Sent(i64),
    /// A fault of the lab has struck a message.
    Meddled(FaultKind),
    /// The request with this id failed alone; the link stands.
    Failed {
        /// Which.
        id: i64,
        /// Whether the server may have got it.
        may_have_left: bool,
        /// Why, as a sentence.
        why: String,
    },
    /// The link has ended. The last thing it reports.
    Closed(Box<Failure>),
}

/// Sends something heavy through a channel that counts places: it waits for as many as its bytes take, so that what waits in the
/// channel is bounded in bytes as well. `false` when nobody receives any more.
pub async fn send_heavy<T>(to: &mpsc::Sender<T>, what: T, bytes: usize, place: usize) -> bool {
    let places = (bytes / place.max(1) + 1).min(to.max_capacity());
    match to.reserve_many(places).await {
        Ok(mut permits) => {
            if let Some(permit) = permits.next() {
                permit.send(what);
            }
            true
        }
        Err(_) => false,
    }
}

/// A way to a server, whatever the transport. Dropping it ends the server.
#[derive(Debug)]
pub struct Link {
    /// Messages out.
    pub out: mpsc::Sender<Outgoing>,
    /// Reports in.
    pub inbound: mpsc::Receiver<Inbound>,
    /// What is known for a failure.
    pub notes: Notes,
    /// Ends the link.
    pub stop: CancellationToken,
    /// Whether the other side is a child process, which can be replaced by a fresh one.
    pub is_child: bool,
    /// Becomes true once no request of the server can be missed; absent where that is so from the start.
    pub settled: Option<watch::Receiver<bool>>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Link {
    /// Queues a message; `false` when the queue is full or the link gone, and then it has not left and never will.
    pub fn send(&self, id: Option<i64>, message: Value, gate: Gate) -> bool {
        self.queue(Outgoing {
            id,
            message,
            gate,
            raw: None,
        })
    }

    /// Queues a frame that a person wrote, as it stands; `message` is what it says.
    pub fn send_raw(&self, frame: String, message: Value) -> bool {
        self.queue(Outgoing {
            id: None,
            message,
            gate: Gate::default(),
            raw: Some(frame),
        })
    }

    fn queue(&self, outgoing: Outgoing) -> bool {
        match self.out.try_send(outgoing) {
            Ok(()) => true,
            Err(refused) => {
                let outgoing = refused.into_inner();
                !outgoing.gate.hold_back()
            }
        }
    }

    /// Waits until requests of the server can reach us, at most so long.
    pub async fn settled(&mut self, limit: Duration) {
        if let Some(settled) = &mut self.settled {
            let _as_good_as_it_gets = timeout(limit, settled.wait_for(|&settled| settled)).await;
        }
    }

    /// Ends the link and waits for its last word, which says how the process ended.
    pub async fn end(&mut self) -> Failure {
        self.stop.cancel();
        while let Some(inbound) = self.inbound.recv().await {
            if let Inbound::Closed(failure) = inbound {
                return *failure;
            }
        }
        self.notes
            .dress(Failure::new(FailureKind::Stopped, "the server was stopped"))
    }
}

/// What is known of a server when it fails: its target, the last lines of its stderr and the last stray line.
#[derive(Debug, Clone)]
pub struct Notes {
    target: Arc<str>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    stderr: VecDeque<String>,
    /// Lines of it in all.
    lines: u64,
    group: Option<Group>,
    stray: Option<String>,
    /// Stray lines that are still to be reported, and how many there were in all.
    strays: (Vec<String>, usize),
}

impl Notes {
    /// Notes on a command or URL.
    pub fn new(target: impl Into<Arc<str>>) -> Self {
        Self {
            target: target.into(),
            kept: Arc::default(),
        }
    }

    /// Keeps a line of stderr and lets go of the oldest.
    pub fn stderr(&self, line: String) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.stderr.len() == STDERR_LINES {
            kept.stderr.pop_front();
        }
        kept.stderr.push_back(line);
        kept.lines += 1;
    }

    /// Keeps the process group of a child.
    pub fn group(&self, group: Group) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.group = Some(group);
    }

    /// The child's process group and how many lines it has written to stderr; absent for what is no child.
    pub fn vitals(&self) -> Option<(Group, u64)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Some((kept.group?, kept.lines))
    }

    /// A stray line has come: it is kept as the last one, and the first ones are to be reported.
    pub fn stray(&self, line: &str) {
        self.blame(line);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.strays.1 += 1;
        if kept.strays.1 <= STRAYS {
            kept.strays.0.push(head(line, STRAY).to_owned());
        }
    }

    /// This line is what a failure would be put down to.
    pub fn blame(&self, line: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.stray = Some(head(line, STRAY).to_owned());
    }

    /// The stray lines that were not reported yet.
    pub fn fresh_strays(&self) -> Vec<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept.strays.0)
    }

    /// The last stray line.
    pub fn last_stray(&self) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.stray.clone()
    }

    /// The failure with target and the last stderr lines.
    pub fn dress(&self, mut failure: Failure) -> Failure {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        failure
            .target
            .get_or_insert_with(|| self.target.to_string());
        if !kept.stderr.is_empty() {
            let skip = kept.stderr.len().saturating_sub(FAILURE_LINES);
            failure.stderr = kept.stderr.iter().skip(skip).cloned().collect();
        }
        failure
    }
}
