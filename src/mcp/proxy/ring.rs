//! What passed lately, for those who look on: each at a place of its own, so that a slow one holds up nobody. Pure.
//!
//! Records have places from 0 on, in the order in which they were added. Whoever comes too late for some is told how many.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::mcp::wire::record::WireRecord;

/// Records and bytes of text that are kept.
const KEPT: (usize, usize) = (10_000, 16 * 1024 * 1024);
/// Records given at once.
const BATCH: usize = 256;

/// The ring.
#[derive(Debug)]
pub struct Ring {
    most: (usize, usize),
    records: VecDeque<Arc<WireRecord>>,
    bytes: usize,
    /// The place of the oldest that is kept.
    first: u64,
    /// Never came here, because the tap could not hand them over in time.
    missed: u64,
}

/// What there is for somebody who looks on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// How many were lost since the last one.
    pub lost: u64,
    /// Records in order.
    pub records: Vec<Arc<WireRecord>>,
}

/// Where somebody who looks on stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    next: u64,
    missed: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self::new(KEPT.0, KEPT.1)
    }
}

impl Ring {
    /// An empty ring for so many records and so many bytes of text.
    pub fn new(most_records: usize, most_bytes: usize) -> Self {
        Self {
            most: (most_records.max(1), most_bytes),
            records: VecDeque::new(),
            bytes: 0,
            first: 0,
            missed: 0,
        }
    }

    /// Adds a record and lets go of the oldest ones that no longer fit.
    pub fn push(&mut self, record: WireRecord) {
        self.bytes += record.text.len();
        self.records.push_back(Arc::new(record));
        while self.records.len() > 1
            && (self.records.len() > self.most.0 || self.bytes > self.most.1)
        {
            if let Some(gone) = self.records.pop_front() {
                self.bytes -= gone.text.len();
                self.first += 1;
            }
        }
    }

    /// How many records in all the tap could not hand over.
    pub fn missed(&mut self, in_all: u64) {
        self.missed = in_all;
    }

    /// What is new at a place, which moves on; empty when there is nothing.
    pub fn after(&self, place: &mut Place) -> Batch {
        let gone = self.first.saturating_sub(place.next);
        let start = place.next.max(self.first);
        let from = usize::try_from(start - self.first).unwrap_or(usize::MAX);
        let records: Vec<_> = self
            .records
            .iter()
            .skip(from)
            .take(BATCH)
            .cloned()
            .collect();
        let missed = self.missed - place.missed;
        place.next = start + records.len() as u64;
        place.missed = self.missed;
        Batch {
            lost: gone + missed,
            records,
        }
    }
}

impl Batch {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.lost == 0 && self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{Generation, Moment, Seq, ServerName};
    use crate::mcp::wire::record::{Direction, WireKind};

    fn record(seq: u64, size: usize) -> WireRecord {
        WireRecord {
            seq: Seq(seq),
            at: Moment(seq),
            server: ServerName::new("s"),
            generation: Generation(1),
            direction: Direction::In,
            kind: WireKind::NotJson,
            bytes: size,
            text: "x".repeat(size),
            carried: None,
        }
    }

    proptest! {
        /// Whatever is pushed and whenever it is looked at: what is seen and what is told lost are together all there was, in order.
        #[test]
        fn nothing_is_lost_without_being_counted(
            steps in proptest::collection::vec((0usize..30, any::<bool>(), 0u64..2), 0..200),
            most_records in 1usize..20,
            most_bytes in 0usize..200,
        ) {
            let mut ring = Ring::new(most_records, most_bytes);
            let (mut place, mut seen, mut lost, mut last, mut missed) = (Place::default(), 0, 0, None, 0);
            for (at, (size, looks, misses)) in steps.iter().enumerate() {
                ring.push(record(at as u64, *size));
                missed += misses;
                ring.missed(missed);
                if !looks { continue; }
                loop {
                    let batch = ring.after(&mut place);
                    if batch.is_empty() { break; }
                    lost += batch.lost;
                    seen += batch.records.len() as u64;
                    for record in &batch.records {
                        prop_assert!(last < Some(record.seq));
                        last = Some(record.seq);
                    }
                }
                prop_assert_eq!(seen + lost, at as u64 + 1 + missed);
            }
        }
    }
}
