//! A bounded ring of wire records in their order, that ties answers to their requests. Pure; the host or the pane owns one.
//!
//! Whatever is asked of it by number costs a binary search, so that a pane may ask for each row that it shows.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::wire::about::About;
use crate::mcp::wire::record::{Carried, Direction, WireKind, WireRecord};

/// Records that are kept, and what they may weigh: texts, names, headers, and what each takes in the ring itself.
pub const KEPT: (usize, usize) = (100_000, 64 << 20);
/// About what an allocation takes beside what is in it.
const BLOCK: usize = 16;
/// How much the times of two records may be out of order: a number is given before the file has taken the line.
const SLACK: Duration = Duration::from_secs(1);

/// The ring. Both bounds hold at any time, save that the newest record always stays.
#[derive(Debug, Clone)]
pub struct WireLog {
    max_records: usize,
    max_bytes: usize,
    bytes: usize,
    /// By number: records of several connections may come a little out of order. Each in a place of its own: a ring of the records
    /// themselves takes up to twice what they weigh, and is copied as a whole, in one frame, when it grows.
    entries: VecDeque<Box<Entry>>,
    dropped: u64,
    open: HashMap<Asked, Seq>,
    /// The first and the last number that were seen, and how many came in all.
    seen: Option<(Seq, Seq)>,
    came: u64,
}

/// A record, and what is known of it by others.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What passed.
    pub record: WireRecord,
    /// The answer to this request, or the request of this answer, while it is kept.
    pub pair: Option<Seq>,
    /// How long the answer took, of either side of the pair; of the head of an HTTP answer, since its request.
    pub latency: Option<Duration>,
    /// What the request asks, also of its answer.
    pub about: Option<Arc<About>>,
    /// The HTTP status of the exchange, once it is known.
    pub status: Option<u16>,
    /// The record of the head of the exchange's answer.
    pub head: Option<Seq>,
}

/// What a push has changed beside what it let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The new record.
    pub seq: Seq,
    /// The record of which more is known now: the request that it answers.
    pub tied: Option<Seq>,
}

/// What an answer is looked up by. `from_us` tells a request of ours from one of the server that bears the same id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    server: ServerName,
    generation: Generation,
    from_us: bool,
    id: String,
}

impl Default for WireLog {
    fn default() -> Self {
        Self::new(KEPT.0, KEPT.1)
    }
}

impl WireLog {
    /// An empty ring for so many records and so many bytes.
    pub fn new(max_records: usize, max_bytes: usize) -> Self {
        Self {
            max_records: max_records.max(1),
            max_bytes,
            bytes: 0,
            entries: VecDeque::new(),
            dropped: 0,
            open: HashMap::new(),
            seen: None,
            came: 0,
        }
    }

    /// Adds a record at its place and lets go of the oldest ones that no longer fit.
    pub fn push(&mut self, record: WireRecord) -> Pushed {
        let seq = record.seq;
        self.count(seq);
        let mut entry = Entry {
            about: About::of(&record).map(Arc::new),
            status: record.carried.as_ref().and_then(|it| it.status()),
            record,
            pair: None,
            latency: None,
            head: None,
        };
        let tied = self.tie(&mut entry);
        self.bytes += entry.weight();
        let behind = self.entries.iter().rev();
        let behind = behind.take_while(|other| other.record.seq > seq).count();
        self.entries
            .insert(self.entries.len() - behind, Box::new(entry));
        while self.entries.len() > 1
            && (self.entries.len() > self.max_records || self.bytes > self.max_bytes)
        {
            self.drop_oldest();
        }
        Pushed { seq, tied }
    }

    /// The records, oldest first.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &WireRecord> + ExactSizeIterator {
        self.entries.iter().map(|entry| &entry.record)
    }

    /// The records with what is known of them, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter().map(|entry| &**entry)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is kept weighs so much.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many have been let go.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many never came, by the numbers that are missing: what the tap could not hand over, and counted as dropped.
    pub fn missed(&self) -> u64 {
        let numbers = |(first, last): (Seq, Seq)| (last.0 - first.0).saturating_add(1);
        self.seen.map_or(0, numbers).saturating_sub(self.came)
    }

    /// The record at this place, the oldest at 0.
    pub fn nth(&self, place: usize) -> Option<&Entry> {
        Some(&**self.entries.get(place)?)
    }

    /// How many of those that are kept come before this number.
    pub fn place(&self, seq: Seq) -> usize {
        self.entries.partition_point(|entry| entry.record.seq < seq)
    }

    /// The record with this number and what is known of it, while it is kept.
    pub fn entry(&self, seq: Seq) -> Option<&Entry> {
        let entry = self.entries.get(self.place(seq))?;
        (entry.record.seq == seq).then_some(entry)
    }

    /// The record with this number, while it is kept.
    pub fn get(&self, seq: Seq) -> Option<&WireRecord> {
        Some(&self.entry(seq)?.record)
    }

    /// The answer to this request, or the request of this answer.
    pub fn pair_of(&self, seq: Seq) -> Option<Seq> {
        self.entry(seq)?.pair
    }

    /// How long the answer took, asked by either side of the pair.
    pub fn latency(&self, seq: Seq) -> Option<Duration> {
        self.entry(seq)?.latency
    }

    /// What passed from one moment to another, both included, oldest first.
    pub fn between(&self, from: Moment, to: Moment) -> impl Iterator<Item = &WireRecord> {
        let slack = u64::try_from(SLACK.as_micros()).unwrap_or(u64::MAX);
        let early = from.0.saturating_sub(slack);
        let late = to.0.saturating_add(slack);
        let first = self
            .entries
            .partition_point(|entry| entry.record.at.0 < early);
        self.entries
            .range(first..)
            .map(|entry| &entry.record)
            .take_while(move |record| record.at.0 <= late)
            .filter(move |record| (from..=to).contains(&record.at))
    }

    /// The stderr lines of a server from one moment to another, both included.
    pub fn stderr_between(&self, server: &ServerName, from: Moment, to: Moment) -> Vec<&str> {
        self.between(from, to)
            .filter(|record| record.direction == Direction::Stderr && record.server == *server)
            .map(|record| record.text.as_str())
            .collect()
    }

    fn count(&mut self, seq: Seq) {
        self.came += 1;
        self.seen = Some(match self.seen {
            Some((first, last)) => (first.min(seq), last.max(seq)),
            None => (seq, seq),
        });
    }

    fn at_mut(&mut self, seq: Seq) -> Option<&mut Entry> {
        let place = self.place(seq);
        let entry = self.entries.get_mut(place)?;
        (entry.record.seq == seq).then_some(entry)
    }

    /// Ties a new record to the one that it answers; gives that one's number.
    fn tie(&mut self, entry: &mut Entry) -> Option<Seq> {
        let record = &entry.record;
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
                None
            }
            WireKind::Response { id } | WireKind::Error { id, .. } => {
                let request = self.open.remove(&asked(id, !out));
                self.tie_http(entry);
                self.tie_pair(entry, request?)
            }
            WireKind::Notification { .. }
            | WireKind::NotMessage
            | WireKind::NotJson
            | WireKind::Stderr
            | WireKind::Fault { .. }
            | WireKind::Http { .. } => self.tie_http(entry),
        }
    }

    fn tie_pair(&mut self, answer: &mut Entry, request: Seq) -> Option<Seq> {
        let asked = self.at_mut(request)?;
        let latency = answer.record.at.since(asked.record.at);
        asked.pair = Some(answer.record.seq);
        asked.latency = Some(latency);
        answer.pair = Some(request);
        answer.latency = Some(latency);
        answer.about = asked.about.clone();
        Some(request)
    }

    /// What an exchange over HTTP has in common. Only the head of the answer says something new of the request.
    fn tie_http(&mut self, entry: &mut Entry) -> Option<Seq> {
        let carried = entry.record.carried.as_deref()?;
        let is_head = matches!(carried, Carried::Response { .. });
        let asked = self.at_mut(carried.request()?)?;
        if !is_head {
            entry.status = asked.status;
            entry.head = asked.head;
            return None;
        }
        asked.status = entry.status;
        asked.head = Some(entry.record.seq);
        entry.latency = Some(entry.record.at.since(asked.record.at));
        entry.about = asked.about.clone();
        Some(asked.record.seq)
    }

    fn drop_oldest(&mut self) {
        let Some(gone) = self.entries.pop_front() else {
            return;
        };
        self.dropped += 1;
        self.bytes -= gone.weight();
        if let Some(other) = gone.pair.and_then(|other| self.at_mut(other)) {
            other.pair = None;
        }
        let record = gone.record;
        if let WireKind::Request { id, .. } = &record.kind {
            let asked = Asked {
                server: record.server,
                generation: record.generation,
                from_us: record.direction == Direction::Out,
                id: id.clone(),
            };
            if self.open.get(&asked) == Some(&record.seq) {
                self.open.remove(&asked);
            }
        }
    }
}

impl Entry {
    /// About what it takes in memory; the same for as long as it is kept.
    fn weight(&self) -> usize {
        let record = &self.record;
        let words = match &record.kind {
            // Its id stands in the table of the open ones, too.
            WireKind::Request { id, method } => {
                2 * id.len() + 2 * method.len() + 6 * BLOCK + size_of::<Asked>()
            }
            WireKind::Response { id } | WireKind::Error { id, .. } => id.len() + BLOCK,
            WireKind::Notification { method } => 2 * method.len() + 3 * BLOCK,
            WireKind::Fault { id, .. } => id.as_ref().map_or(0, |id| id.len() + BLOCK),
            WireKind::NotMessage | WireKind::NotJson | WireKind::Stderr | WireKind::Http { .. } => {
                0
            }
        };
        let carried = record.carried.as_deref().map_or(0, weight_of);
        size_of::<Self>() + size_of::<Box<Self>>() + record.text.len() + 2 * BLOCK + words + carried
    }
}

fn weight_of(carried: &Carried) -> usize {
    let of = |headers: &[(String, String)]| {
        let one = |(name, value): &(String, String)| name.len() + value.len() + 5 * BLOCK;
        headers.iter().map(one).sum::<usize>()
    };
    let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() + BLOCK);
    let words = match carried {
        Carried::Request {
            method,
            url,
            headers,
        } => method.len() + url.len() + 2 * BLOCK + of(headers),
        Carried::Response { headers, .. } => of(headers),
        Carried::Body { .. } => 0,
        Carried::Event { name, id, .. } => text(name) + text(id),
    };
    size_of::<Carried>() + BLOCK + words
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
            carried: None,
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

    #[test]
    fn what_was_not_handed_over_is_counted_by_its_numbers() {
        let mut log = WireLog::new(2, 10_000);
        for seq in [10, 11, 14, 13] {
            log.push(record(seq, Direction::In, WireKind::NotJson, "x"));
        }
        assert_eq!((log.missed(), log.dropped()), (1, 2));
        let kept: Vec<u64> = log.records().map(|record| record.seq.0).collect();
        assert_eq!(kept, [13, 14]);
    }

    #[test]
    fn what_a_request_asks_and_how_long_it_took_is_known_of_its_answer_also_when_it_is_gone() {
        let mut log = WireLog::new(1, 10_000);
        let call =
            r#"{"id":1,"method":"tools/call","params":{"arguments":{"name":"no"},"name":"échos"}}"#;
        let (id, method) = ("1".to_owned(), "tools/call".to_owned());
        log.push(record(
            1,
            Direction::Out,
            WireKind::Request { id, method },
            call,
        ));
        let pushed = log.push(response(3, Direction::In, "1"));
        let tied = Some(Seq(1));
        assert_eq!(pushed, Pushed { seq: Seq(3), tied });
        let entry = log.entry(Seq(3)).unwrap();
        let about = entry.about.as_deref().unwrap();
        assert_eq!(
            (&*about.method, about.name.as_deref()),
            ("tools/call", Some("échos"))
        );
        assert_eq!(
            (entry.pair, entry.latency),
            (None, Some(Duration::from_millis(2)))
        );
    }

    #[test]
    fn an_exchange_over_http_has_one_status() {
        let carry = |seq, direction, kind, carried| {
            let mut record = record(seq, direction, kind, "{}");
            record.carried = Some(Box::new(carried));
            record
        };
        let head = |seq, request, status| {
            let kind = WireKind::Http {
                status: Some(status),
            };
            let carried = Carried::Response {
                request: Seq(request),
                status,
                headers: Vec::new(),
            };
            carry(seq, Direction::In, kind, carried)
        };
        let mut log = WireLog::new(100, 100_000);
        let kind = request(1, Direction::Out, "0").kind;
        let carried = Carried::Request {
            method: "POST".to_owned(),
            url: String::new(),
            headers: Vec::new(),
        };
        log.push(carry(1, Direction::Out, kind, carried));
        assert_eq!(log.push(head(2, 1, 404)).tied, Some(Seq(1)));
        let body = Carried::Body { request: Seq(1) };
        log.push(carry(4, Direction::In, WireKind::NotJson, body));
        let statuses: Vec<Option<u16>> = log.entries().map(|entry| entry.status).collect();
        assert_eq!(statuses, [Some(404); 3]);
        assert_eq!(log.latency(Seq(2)), Some(Duration::from_millis(1)));
        // One whose request is not kept is no trouble.
        assert_eq!(log.push(head(6, 5, 200)).tied, None);
    }

    #[test]
    fn a_span_of_time_is_found_in_the_middle() {
        let mut log = WireLog::new(100, 100_000);
        for seq in 0..50 {
            log.push(record(seq, Direction::In, WireKind::NotJson, "x"));
        }
        let found: Vec<u64> = log
            .between(Moment(10_000), Moment(12_500))
            .map(|record| record.seq.0)
            .collect();
        assert_eq!(found, [10, 11, 12]);
    }

    proptest! {
        #[test]
        fn in_whatever_order_they_come_they_stand_in_their_own(
            seqs in proptest::collection::vec(0u64..60, 0..80),
            most in 1usize..20,
        ) {
            let mut log = WireLog::new(most, 1 << 20);
            for seq in &seqs {
                log.push(record(*seq, Direction::In, WireKind::NotJson, "x"));
                let kept: Vec<u64> = log.records().map(|record| record.seq.0).collect();
                prop_assert!(kept.is_sorted());
                for (place, seq) in kept.iter().enumerate() {
                    prop_assert_eq!(log.get(Seq(*seq)).map(|record| record.seq.0), Some(*seq));
                    prop_assert!(log.place(Seq(*seq)) <= place);
                }
                prop_assert_eq!(log.get(Seq(99)), None);
            }
        }

        #[test]
        fn the_bounds_hold_and_every_pair_is_whole(
            steps in proptest::collection::vec((0u8..4, 0u8..6, 0usize..40), 0..200),
            max_records in 1usize..20,
            max_bytes in 0usize..5000,
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
                let bytes: usize = log.entries().map(Entry::weight).sum();
                prop_assert_eq!(log.bytes(), bytes);
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
