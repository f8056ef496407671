//! Sees everything that passes: numbers it, classifies it, hands it to the live channel (which may drop) and to the file (which may not).
//!
//! Impure: reads the clock. Made once by the driver; each connection takes a [`ConnectionTap`] of its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::json;
use tokio::sync::mpsc;

use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::wire::file::WireFile;
use crate::mcp::wire::lines::head;
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};
use crate::mcp::wire::redact::{Lines, Redactor};
use crate::text::clean;

/// How much of a line the live channel carries.
const LIVE_TEXT: usize = 64 * 1024;
/// What is looked through beyond that, so that a secret at the cut is still known as one.
const BEYOND: usize = 8 * 1024;
/// Bytes that may wait on the live channel; what comes then is dropped and counted.
const LIVE_BYTES: usize = 8 * 1024 * 1024;

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
    live: Option<mpsc::Sender<WireRecord>>,
    /// Bytes that were sent on the live channel since it was last seen empty.
    live_bytes: AtomicUsize,
}

/// The tap of one connection.
#[derive(Debug, Clone)]
pub struct ConnectionTap {
    shared: Arc<Shared>,
    server: ServerName,
    generation: Generation,
    redactor: Arc<Redactor>,
    /// Where the server's stderr stands: a private key may come in lines.
    stderr: Arc<Mutex<Lines>>,
}

impl Tap {
    /// A tap whose moments count from `start`.
    pub fn new(
        start: Instant,
        wire_log: Option<WireFile>,
        live: Option<mpsc::Sender<WireRecord>>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                start,
                next: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                file: wire_log,
                live,
                live_bytes: AtomicUsize::new(0),
            }),
        }
    }

    /// A tap that keeps nothing.
    pub fn none() -> Self {
        Self::new(Instant::now(), None, None)
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
            redactor: Arc::new(redactor),
            stderr: Arc::default(),
        }
    }
}

impl Shared {
    /// Whether the live channel takes so many bytes more: whoever looks is behind by so much at most.
    fn has_room(&self, live: &mpsc::Sender<WireRecord>, bytes: usize) -> bool {
        if live.capacity() == live.max_capacity() {
            self.live_bytes.store(0, Ordering::Relaxed);
        }
        let before = self.live_bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= LIVE_BYTES
    }
}

impl ConnectionTap {
    /// Learns a secret that came after the connection was made. Every clone knows it from then on.
    pub fn learn(&self, secret: &str) {
        self.redactor.learn(secret);
    }

    /// A text without the secrets of this connection.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor.redact(text).into_owned()
    }

    /// A line of stderr without the secrets of this connection, as it is recorded and shown. Each line once, in order.
    pub fn redacted_stderr(&self, line: &str) -> String {
        let mut lines = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        lines.next(&self.redactor, line).into_owned()
    }

    /// Records one line or body of `bytes` bytes; waits only while the file is behind.
    pub async fn record(&self, direction: Direction, kind: WireKind, bytes: usize, text: &str) {
        let shared = &self.shared;
        if shared.file.is_none() && shared.live.is_none() {
            return;
        }
        // Both are exits: what the file may not hold is not shown in the pane either.
        let looked_at = match shared.file {
            Some(_) => text,
            None => head(text, LIVE_TEXT + BEYOND),
        };
        let text = self.redactor.redact(looked_at);
        let seq = Seq(shared.next.fetch_add(1, Ordering::Relaxed));
        if let Some(file) = &shared.file {
            file.line(self.file_line(seq, direction, &kind, bytes, &text))
                .await;
        }
        if let Some(live) = &shared.live {
            let record = WireRecord {
                seq,
                at: Moment::from_start(shared.start.elapsed()),
                server: self.server.clone(),
                generation: self.generation,
                direction,
                kind,
                bytes,
                text: head(&text, LIVE_TEXT).to_owned(),
            };
            if !shared.has_room(live, record.text.len()) || live.try_send(record).is_err() {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn file_line(
        &self,
        seq: Seq,
        direction: Direction,
        kind: &WireKind,
        bytes: usize,
        text: &str,
    ) -> String {
        let mut line = json!({
            "time": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "seq": seq,
            "server": self.server,
            "generation": self.generation,
            "direction": direction,
        });
        if let (Some(line), Ok(serde_json::Value::Object(kind))) =
            (line.as_object_mut(), serde_json::to_value(kind))
        {
            line.extend(kind);
            line.insert("bytes".to_owned(), bytes.into());
            line.insert("text".to_owned(), text.into());
        }
        clean::json(line.to_string())
    }
}
