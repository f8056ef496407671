//! Sees everything that passes: numbers it, stamps it, hands it to the live channel (which may drop) and to the file (which may not).
//!
//! Impure: reads the clock. Made once by the driver; each connection takes a [`ConnectionTap`] of its own. Every call goes through
//! here twice, so no more is done than must be: secrets are taken out by those who read, before anybody sees anything.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::wire::file::WireFile;
use crate::mcp::wire::hiding::Hiding;
use crate::mcp::wire::lines::head;
use crate::mcp::wire::live::Live;
use crate::mcp::wire::passed::{BEYOND, Passed};
use crate::mcp::wire::record::{Carried, Direction, LIVE_TEXT, WireKind, WireRecord};
use crate::mcp::wire::redact::{Lines, Redactor};
use crate::record::form::name;
use crate::record::{Said, Sink};

/// How much of a line a recording carries.
const RECORDED_TEXT: usize = 8 * 1024 * 1024;

/// The tap of the whole program. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tap {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    start: Instant,
    next: AtomicU64,
    dropped: AtomicU64,
    file: Option<WireFile>,
    live: Option<Live>,
    recording: Option<Sink>,
    program: Arc<Redactor>,
}

/// The tap of one connection.
#[derive(Debug, Clone)]
pub struct ConnectionTap {
    shared: Arc<Shared>,
    server: ServerName,
    generation: Generation,
    hiding: Hiding,
    /// Where the server's stderr stands: a private key may come in lines.
    stderr: Arc<Mutex<Lines>>,
}

impl Tap {
    /// A tap whose moments count from `start`.
    pub fn new(start: Instant, wire_log: Option<WireFile>, live: Option<Live>) -> Self {
        Self::recorded(start, wire_log, live, None, Arc::default())
    }

    /// The same, and what passes goes into the recording of the session as well. `program` knows its secrets, and learns those
    /// that connections learn.
    pub fn recorded(
        start: Instant,
        wire_log: Option<WireFile>,
        live: Option<Live>,
        recording: Option<Sink>,
        program: Arc<Redactor>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                start,
                next: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                file: wire_log,
                live,
                recording,
                program,
            }),
        }
    }

    /// A tap that keeps nothing.
    pub fn none() -> Self {
        Self::new(Instant::now(), None, None)
    }

    /// Writes an entry into the recording of the session, if there is one.
    pub fn note<T: Serialize>(&self, name: &'static str, body: impl FnOnce() -> T) {
        if let Some(recording) = &self.shared.recording {
            recording.put(name, self.now(), &body(), Said::Whole);
        }
    }

    /// How many records the live channel could not take.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// The moment that is now.
    pub fn now(&self) -> Moment {
        Moment::from_start(self.shared.start.elapsed())
    }

    /// Waits until the file holds everything so far.
    ///
    /// # Errors
    /// What the system says of the file.
    pub async fn flush(&self) -> Result<(), String> {
        match &self.shared.file {
            Some(file) => file.flush().await,
            None => Ok(()),
        }
    }

    /// The tap of one connection; `redactor` knows its secrets.
    pub fn connection(
        &self,
        server: ServerName,
        generation: Generation,
        redactor: Redactor,
    ) -> ConnectionTap {
        ConnectionTap {
            shared: self.shared.clone(),
            server,
            generation,
            hiding: Hiding::new(redactor, self.shared.program.clone()),
            stderr: Arc::default(),
        }
    }
}

impl ConnectionTap {
    /// Learns a secret that came after the connection was made. Every clone knows it from then on.
    pub fn learn(&self, secret: &str) {
        self.hiding.learn(secret);
    }

    /// A text without the secrets of this connection and of the program.
    pub fn redacted(&self, text: &str) -> String {
        self.hiding.redact(text).into_owned()
    }

    /// A line of stderr without the secrets of this connection, as it is recorded and shown. Each line once, in order.
    pub fn redacted_stderr(&self, line: &str) -> String {
        let mut lines = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        self.hiding.line(&mut lines, line).into_owned()
    }

    /// Records one line or body of `bytes` bytes; waits only while the file is behind.
    pub async fn record(&self, direction: Direction, kind: WireKind, bytes: usize, text: &str) {
        self.carried(direction, kind, bytes, text, None).await;
    }

    /// Records what HTTP carried, with what stands beside it, and gives its number: the name of the exchange if it is a request.
    pub async fn carried(
        &self,
        direction: Direction,
        kind: WireKind,
        bytes: usize,
        text: &str,
        carried: Option<Carried>,
    ) -> Seq {
        let shared = &self.shared;
        if shared.file.is_none() && shared.live.is_none() && shared.recording.is_none() {
            return Seq(0);
        }
        let mut record = WireRecord {
            seq: Seq(shared.next.fetch_add(1, Ordering::Relaxed)),
            at: Moment::from_start(shared.start.elapsed()),
            server: self.server.clone(),
            generation: self.generation,
            direction,
            kind,
            bytes,
            text: String::new(),
            carried: carried.map(Box::new),
        };
        let seq = record.seq;
        if let Some(file) = &shared.file {
            let mut whole = record.clone();
            whole.text = text.to_owned();
            file.put(Passed::new(whole, self.hiding.clone())).await;
        }
        if shared.live.is_none() && shared.recording.is_none() {
            return seq;
        }
        let most = match shared.recording {
            Some(_) => RECORDED_TEXT,
            None => LIVE_TEXT,
        };
        record.text = head(text, most + BEYOND).to_owned();
        let mut passed = Passed::new(record, self.hiding.clone());
        if let Some(recording) = &shared.recording {
            let record = passed.seen(RECORDED_TEXT);
            // Before it is shown: whoever sees it can say which one it was.
            recording.put(name::WIRE, record.at, &record, Said::Whole);
            passed = Passed::known(record);
        }
        if shared.live.as_ref().is_some_and(|live| !live.send(passed)) {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        seq
    }
}
