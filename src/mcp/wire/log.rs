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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(seq: u64, direction: Direction, kind: WireKind, text: &str) -> WireRecord {
        WireRecord {
            seq: Seq(seq),
            at: Moment(seq * 1000),
            server: ServerName::new("s"),
            generation: Generation(1),
            direction,
            kind,
            bytes: text.len(),
            text: text.to_owned(),
        }
    }

    fn request(seq: u64, direction: Direction, id: &str) -> WireRecord {
        let (id, method) = (id.to_owned(), "m".to_owned());
        record(seq, direction, WireKind::Request { id, method }, "q")
    }

    fn response(seq: u64, direction: Direction, id: &str) -> WireRecord {
        record(
            seq,
            direction,
            WireKind::Response { id: id.to_owned() },
            "a",
        )
    }

    #[test]
    fn answers_find_their_requests_in_both_directions() {
        let mut log = WireLog::new(100, 10_000);
        log.push(request(1, Direction::Out, "0"));
        log.push(request(2, Direction::In, "0"));
        log.push(response(3, Direction::Out, "0"));
        log.push(response(5, Direction::In, "0"));
        log.push(response(6, Direction::In, "0"));
        let pairs: Vec<Option<Seq>> = [1, 2, 3, 5, 6].map(|seq| log.pair_of(Seq(seq))).into();
        assert_eq!(
            pairs,
            [Some(Seq(5)), Some(Seq(3)), Some(Seq(2)), Some(Seq(1)), None]
        );
        assert_eq!(log.latency(Seq(1)), Some(Duration::from_millis(4)));
        assert_eq!(log.latency(Seq(5)), log.latency(Seq(1)));
        assert_eq!(log.latency(Seq(6)), None);
    }

    #[test]
    fn another_connection_has_ids_of_its_own() {
        let mut log = WireLog::new(100, 10_000);
        log.push(request(1, Direction::Out, "0"));
        let mut other = response(2, Direction::In, "0");
        other.generation = Generation(2);
        log.push(other);
        assert_eq!(log.pair_of(Seq(1)), None);
    }

    #[test]
    fn stderr_of_one_server_in_a_span_of_time() {
        let mut log = WireLog::new(100, 10_000);
        for seq in 1..=4 {
            let text = format!("line {seq}");
            log.push(record(seq, Direction::Stderr, WireKind::Stderr, &text));
        }
        log.push(record(3, Direction::In, WireKind::NotJson, "noise"));
        let server = ServerName::new("s");
        let lines = log.stderr_between(&server, Moment(2000), Moment(3000));
        assert_eq!(lines, ["line 2", "line 3"]);
        let other = ServerName::new("other");
        assert!(
            log.stderr_between(&other, Moment(0), Moment(9999))
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn the_bounds_hold_and_every_pair_is_whole(
            steps in proptest::collection::vec((0u8..4, 0u8..6, 0usize..40), 0..200),
            max_records in 1usize..20,
            max_bytes in 0usize..200,
        ) {
            let mut log = WireLog::new(max_records, max_bytes);
            for (seq, (what, id, size)) in steps.iter().enumerate() {
                let direction = if what % 2 == 0 { Direction::Out } else { Direction::In };
                let mut record = match what / 2 {
                    0 => request(seq as u64, direction, &id.to_string()),
                    _ => response(seq as u64, direction, &id.to_string()),
                };
                record.text = "x".repeat(*size);
                log.push(record);
                let bytes: usize = log.records().map(|record| record.text.len()).sum();
                prop_assert!(log.records().len() <= max_records);
                prop_assert!(bytes <= max_bytes || log.records().len() == 1);
                prop_assert_eq!(log.records().len() as u64 + log.dropped(), seq as u64 + 1);
                for record in log.records() {
                    if let Some(other) = log.pair_of(record.seq) {
                        prop_assert!(log.get(other).is_some());
                        prop_assert_eq!(log.pair_of(other), Some(record.seq));
                    }
                }
            }
        }
    }
}
