//! The last quarter of an hour, minute by minute: what was finished, lost, ended and said on stderr.
//!
//! Pure, bounded by its minutes. A histogram holds latencies to two digits.

use std::collections::VecDeque;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::ids::Moment;
use crate::mcp::health::{Finish, Latency, Quarter};

/// Minutes that are kept, the one that runs among them.
const KEPT: u64 = 15;
/// Digits of a latency.
const DIGITS: u8 = 2;
/// The longest latency that is told apart: an hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// The minutes in which something happened, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Minutes {
    kept: VecDeque<Minute>,
}

#[derive(Debug, Clone, PartialEq)]
struct Minute {
    number: u64,
    took: Option<Histogram<u32>>,
    sums: Quarter,
}

fn number(at: Moment) -> u64 {
    at.since(Moment(0)).as_secs() / 60
}

impl Minutes {
    pub(super) fn call(&mut self, now: Moment, took: Duration, end: Finish) {
        let minute = self.minute(now);
        minute.sums.calls += 1;
        minute.sums.errors += u64::from(end != Finish::Good);
        if end != Finish::Lost {
            let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST);
            if minute.took.is_none() {
                minute.took = Histogram::new(DIGITS).ok();
            }
            if let Some(took) = &mut minute.took {
                // It grows with what it is given, and what it is given is bounded.
                let _fits = took.record(micros.min(LONGEST)).is_ok();
            }
        }
    }

    pub(super) fn exited(&mut self, now: Moment) {
        self.minute(now).sums.exits += 1;
    }

    pub(super) fn stderr(&mut self, now: Moment, lines: u64) {
        let sums = &mut self.minute(now).sums;
        sums.stderr = sums.stderr.saturating_add(lines);
    }

    pub(super) fn exits(&self, now: Moment) -> u64 {
        let kept = self.kept.iter().filter(|minute| is_kept(minute, now));
        kept.map(|minute| minute.sums.exits).sum()
    }

    pub(super) fn quarter(&self, now: Moment) -> Quarter {
        let mut all = Histogram::<u32>::new(DIGITS).ok();
        let mut quarter = Quarter::default();
        for minute in self.kept.iter().filter(|minute| is_kept(minute, now)) {
            quarter.calls += minute.sums.calls;
            quarter.errors += minute.sums.errors;
            quarter.exits += minute.sums.exits;
            quarter.stderr = quarter.stderr.saturating_add(minute.sums.stderr);
            if let (Some(all), Some(took)) = (&mut all, &minute.took) {
                let _fits = all.add(took).is_ok();
            }
        }
        quarter.latency = all.filter(|all| !all.is_empty()).map(|all| {
            let at = |share| Duration::from_micros(all.value_at_quantile(share));
            Latency {
                p50: at(0.5),
                p95: at(0.95),
                p99: at(0.99),
            }
        });
        quarter
    }

    fn minute(&mut self, now: Moment) -> &mut Minute {
        let number = number(now);
        // Time that went backwards counts to the newest minute.
        if self.kept.back().is_none_or(|last| last.number < number) {
            self.kept.push_back(Minute {
                number,
                took: None,
                sums: Quarter::default(),
            });
        }
        while self.kept.len() > KEPT as usize {
            self.kept.pop_front();
        }
        let last = self.kept.len() - 1;
        &mut self.kept[last]
    }
}

fn is_kept(minute: &Minute, now: Moment) -> bool {
    number(now).saturating_sub(minute.number) < KEPT
}
