//! A bounded ring of wire records that ties answers to their requests. Pure; the host or the pane owns one.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};

/// The ring. Both bounds hold at any time, save that the newest record always stays.
#[derive(Debug, Clone)]
pub struct WireLog {
    max_records: usize,
    max_bytes: usize,
    bytes: usize,
    records: VecDeque<WireRecord>,
    dropped: u64,
    open: HashMap<Asked, Seq>,
    pairs: HashMap<Seq, Seq>,
}

/// What an answer is looked up by. `from_us` tells a request of ours from one of the server that bears the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    server: ServerName,
    generation: Generation,
    from_us: bool,
    id: String,
}

/// Records and bytes that the terminal program keeps.
const KEPT: (usize, usize) = (10_000, 8 * 1024 * 1024);

impl Default for WireLog {
    fn default() -> Self {
        Self::new(KEPT.0, KEPT.1)
    }
}

impl WireLog {
    /// An empty ring for so many records and so many bytes of text.
    pub fn new(max_records: usize, max_bytes: usize) -> Self {
        Self {
            max_records: max_records.max(1),
            max_bytes,
            bytes: 0,
            records: VecDeque::new(),
            dropped: 0,
            open: HashMap::new(),
            pairs: HashMap::new(),
        }
    }

    /// Adds a record and lets go of the oldest ones that no longer fit.
    pub fn push(&mut self, record: WireRecord) {
        self.tie(&record);
        self.bytes += record.text.len();
        self.records.push_back(record);
        while self.records.len() > 1
            && (self.records.len() > self.max_records || self.bytes > self.max_bytes)
        {
            self.drop_oldest();
        }
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &WireRecord> + ExactSizeIterator {
        self.records.iter()
    }

    /// How many have been let go.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The record with this number, while it is kept.
    pub fn get(&self, seq: Seq) -> Option<&WireRecord> {
        // Records of several connections may come a little out of order, so the number is looked for, not computed.
        self.records.iter().find(|record| record.seq == seq)
    }

    /// The answer to this request, or the request of this answer.
    pub fn pair_of(&self, seq: Seq) -> Option<Seq> {
        self.pairs.get(&seq).copied()
    }

    /// How long the answer took, asked by either side of the pair.
    pub fn latency(&self, seq: Seq) -> Option<Duration> {
        let one = self.get(seq)?.at;
        let other = self.get(self.pair_of(seq)?)?.at;
        Some(one.since(other).max(other.since(one)))
    }

    /// The stderr lines of a server from one moment to another, both included.
    pub fn stderr_between(&self, server: &ServerName, from: Moment, to: Moment) -> Vec<&str> {
        let wanted = |record: &&WireRecord| {
            record.direction == Direction::Stderr
                && record.server == *server
                && (from..=to).contains(&record.at)
        };
        let lines = self.records.iter().filter(wanted);
        lines.map(|record| record.text.as_str()).collect()
    }

    fn tie(&mut self, record: &WireRecord) {
        let out = record.direction == Direction::Out;
        let asked = |id: &String, from_us| Asked {
            server: record.server.clone(),
            generation: record.generation,
            from_us,
            id: id.clone(),
        };
        match &record.kind {
            WireKind::Request { id, .. } => {
                self.open.insert(asked(id, out), record.seq);
            }
            WireKind::Response { id } | WireKind::Error { id, .. } => {
                if let Some(request) = self.open.remove(&asked(id, !out)) {
                    self.pairs.insert(request, record.seq);
                    self.pairs.insert(record.seq, request);
                }
            }
            WireKind::Notification { .. }
            | WireKind::NotMessage
            | WireKind::NotJson
            | WireKind::Stderr
            | WireKind::Http { .. } => {}
        }
    }

    fn drop_oldest(&mut self) {
        let Some(gone) = self.records.pop_front() else {
            return;
        };
        self.dropped += 1;
        self.bytes -= gone.text.len();
        if let Some(other) = self.pairs.remove(&gone.seq) {
            self.pairs.remove(&other);
        }
        if let WireKind::Request { id, .. } = &gone.kind {
            let asked = Asked {
                server: gone.server,
                generation: gone.generation,
                from_us: gone.direction == Direction::Out,
                id: id.clone(),
            };
            if self.open.get(&asked) == Some(&gone.seq) {
                self.open.remove(&asked);
            }
        }
    }
}
