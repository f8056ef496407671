//! Which records the wire shows: all, or those for which the filter holds, by place and by number.
//!
//! Pure. A new record costs one test (two when it answers another), a new filter is tested once on all, and a row that is drawn
//! costs a search of some twenty steps: nothing here grows with what the log holds while frames are drawn.

use std::collections::VecDeque;

use crate::app::inspector::wire::filter::Filter;
use crate::ids::Seq;
use crate::mcp::wire::log::{Entry, Pushed, WireLog};

/// The rows. Every question wants the log that they were made of.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    filter: Filter,
    /// The numbers of those for which it holds, in order; unused while it holds for all.
    found: VecDeque<Seq>,
    /// While the wire is paused: the last record that is shown.
    paused: Option<Seq>,
}

impl Rows {
    /// Shows what this filter lets through.
    pub fn set(&mut self, filter: Filter, log: &WireLog) {
        self.found.clear();
        if !filter.is_empty() {
            let found = log.entries().filter(|entry| filter.matches(entry));
            self.found.extend(found.map(|entry| entry.record.seq));
        }
        self.filter = filter;
    }

    /// Takes in what a push has changed.
    pub fn pushed(&mut self, pushed: Pushed, log: &WireLog) {
        if self.filter.is_empty() {
            return;
        }
        for seq in pushed.tied.into_iter().chain([pushed.seq]) {
            self.test(seq, log);
        }
        let first = log.nth(0).map(|entry| entry.record.seq);
        while self.found.front().copied() < first && !self.found.is_empty() {
            self.found.pop_front();
        }
    }

    fn test(&mut self, seq: Seq, log: &WireLog) {
        let holds = log.entry(seq).is_some_and(|it| self.filter.matches(it));
        let place = self.found.partition_point(|found| *found < seq);
        let is_found = self.found.get(place) == Some(&seq);
        match (holds, is_found) {
            (true, false) => self.found.insert(place, seq),
            (false, true) => drop(self.found.remove(place)),
            (true, true) | (false, false) => {}
        }
    }

    /// Whether a filter is set.
    pub fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    /// Stops at what there is now.
    pub fn pause(&mut self, log: &WireLog) {
        self.paused = log.entries().next_back().map(|entry| entry.record.seq);
    }

    /// Goes on.
    pub fn resume(&mut self) {
        self.paused = None;
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// How many came since it stands still.
    pub fn since(&self, log: &WireLog) -> usize {
        self.paused
            .map_or(0, |last| log.len() - log.place(last.next()))
    }

    /// How many rows there are.
    pub fn len(&self, log: &WireLog) -> usize {
        match self.paused {
            Some(last) => self.place(last.next(), log),
            None if self.is_filtered() => self.found.len(),
            None => log.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self, log: &WireLog) -> bool {
        self.len(log) == 0
    }

    /// The row at this place.
    pub fn at<'a>(&self, place: usize, log: &'a WireLog) -> Option<&'a Entry> {
        match self.is_filtered() {
            true => log.entry(*self.found.get(place)?),
            false => log.nth(place),
        }
    }

    /// How many rows come before this number.
    pub fn place(&self, seq: Seq, log: &WireLog) -> usize {
        match self.is_filtered() {
            true => self.found.partition_point(|found| *found < seq),
            false => log.place(seq),
        }
    }

    /// Whether this record has a row.
    pub fn has(&self, seq: Seq, log: &WireLog) -> bool {
        let place = self.place(seq, log);
        place < self.len(log)
            && self
                .at(place, log)
                .is_some_and(|entry| entry.record.seq == seq)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{Generation, Moment};
    use crate::mcp::wire::record::{Direction, WireKind, WireRecord};

    /// A step of the wire: what, its id, and how far ahead of its turn it comes.
    fn record(seq: u64, what: u8, id: u8) -> WireRecord {
        let id = id.to_string();
        let method = "tools/call".to_owned();
        let (direction, kind) = match what {
            0 => (Direction::Out, WireKind::Request { id, method }),
            1 => (Direction::In, WireKind::Response { id }),
            2 => (Direction::In, WireKind::Error { id, code: -1 }),
            3 => (Direction::Stderr, WireKind::Stderr),
            _ => (Direction::In, WireKind::NotJson),
        };
        WireRecord {
            seq: Seq(seq),
            at: Moment(seq * 40_000),
            server: if what == 4 { "b".into() } else { "a".into() },
            generation: Generation(1),
            direction,
            kind,
            bytes: usize::from(what) * 1000,
            text: format!("text {what}"),
            carried: None,
        }
    }

    fn numbers(rows: &Rows, log: &WireLog) -> Vec<u64> {
        (0..rows.len(log))
            .filter_map(|place| rows.at(place, log))
            .map(|entry| entry.record.seq.0)
            .collect()
    }

    #[test]
    fn a_pause_keeps_the_rows_and_counts_what_comes() {
        let mut log = WireLog::new(100, 1 << 20);
        let mut rows = Rows::default();
        rows.set(Filter::parse("kind:stderr").unwrap(), &log);
        for seq in 0..6 {
            let pushed = log.push(record(seq, 3, 0));
            rows.pushed(pushed, &log);
            if seq == 2 {
                rows.pause(&log);
            }
        }
        assert_eq!(numbers(&rows, &log), [0, 1, 2]);
        assert_eq!(rows.since(&log), 3);
        rows.resume();
        assert_eq!(numbers(&rows, &log), [0, 1, 2, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn rows_that_grow_are_those_of_a_fresh_look(
            steps in prop::collection::vec((0u8..5, 0u8..4, 0u64..3), 0..120),
            most in 1usize..40,
            filter in prop::sample::select(vec![
                "", "kind:open", "kind:request", ">100ms", "<100ms", "-kind:open a", "server:b", "tool:x", "method:call",
                "size:>1kB", "id:2", "dir:in", "kind:error,noise", "-text",
            ]),
        ) {
            let mut log = WireLog::new(most, 1 << 20);
            let mut rows = Rows::default();
            let filter = Filter::parse(filter).unwrap();
            rows.set(filter.clone(), &log);
            for (seq, (what, id, ahead)) in steps.iter().enumerate() {
                let seq = seq as u64 * 4 + ahead * 5;
                let pushed = log.push(record(seq, *what, *id));
                rows.pushed(pushed, &log);
                let mut fresh = Rows::default();
                fresh.set(filter.clone(), &log);
                let mut expected = numbers(&fresh, &log);
                expected.dedup();
                let mut found = numbers(&rows, &log);
                found.dedup();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
