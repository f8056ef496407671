//! Whether a server is slow, or failing, by its newest samples.
//!
//! Pure. Both hold on a little: a server that was ill is well again only when it is clearly better, so that no figure at the
//! edge makes it flap.

use std::time::Duration;

use super::{Finish, Health, Sample, nearest};
use crate::ids::Moment;

/// Calls by which it is judged whether a server fails, the newest.
pub(super) const JUDGED: usize = 10;
/// Answers by which it is judged whether a server is slow, the newest.
const RECENT: usize = 20;
/// The fewest of them that say anything.
const FEW: usize = 5;
/// What is older is not judged by any more.
const STALE: Duration = Duration::from_secs(15 * 60);
/// This many times what is usual is slow, and a server that is slow stays so down to the second number.
const SLOW: (u32, u32) = (3, 2);
/// What is faster is not slow, whatever is usual; the second number holds for a server that is slow.
const QUICK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(700));

/// A server that answers later than it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowness {
    /// What 95 of 100 take no longer than now.
    pub now: Duration,
    /// What they took no longer than before.
    pub was: Duration,
}

/// A server whose calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// How many went wrong.
    pub wrong: usize,
    /// Of how many.
    pub of: usize,
    /// They were answered: the tools say so.
    pub by_its_word: bool,
}

/// Whether a time is much longer than usual.
pub(super) fn is_slow(took: Duration, usual: Duration, was_slow: bool) -> bool {
    let (factor, floor) = match was_slow {
        false => (SLOW.0, QUICK.0),
        true => (SLOW.1, QUICK.1),
    };
    took >= floor && took >= usual.saturating_mul(factor)
}

impl Health {
    /// Whether it answers much later than is usual for what it is asked. One that was slow has to get well to be so no more.
    pub fn slowness(&self, was_slow: bool, now: Moment) -> Option<Slowness> {
        let fresh = |s: &&Sample| s.end == Finish::Good && now.since(s.at) <= STALE;
        let all = self.calls_kept.iter().chain(&self.probes).filter(fresh);
        let known = |s: &Sample| Some((s.at, s.took, s.usual?));
        let mut recent: Vec<_> = all.filter_map(known).collect();
        recent.sort_unstable();
        let skip = recent.len().saturating_sub(RECENT);
        let recent = &recent[skip..];
        if recent.len() < FEW {
            return None;
        }
        let is_slow = |took, usual| is_slow(took, usual, was_slow);
        // A single one that takes its time says nothing.
        let slow = recent
            .iter()
            .filter(|(_, took, usual)| is_slow(*took, *usual));
        let slow = slow.count();
        let at_p95 =
            |of: &mut dyn Iterator<Item = Duration>| nearest(&mut of.collect::<Vec<_>>(), 0.95);
        let took = at_p95(&mut recent.iter().map(|(_, took, _)| *took))?;
        let usual = at_p95(&mut recent.iter().map(|(_, _, usual)| *usual))?;
        (slow >= 2 && is_slow(took, usual)).then_some(Slowness {
            now: took,
            was: usual,
        })
    }

    /// Whether many of the last calls fail. One that was failing has to answer some in a row to be so no more.
    pub fn failing(&self, was_failing: bool, now: Moment) -> Option<Failing> {
        let fresh = |s: &&Sample| now.since(s.at) <= STALE;
        let last = self.calls_kept.iter().rev().take(JUDGED).filter(fresh);
        let ends: Vec<Finish> = last.map(|s| s.end).collect();
        let of = ends.len();
        let count = |what: &dyn Fn(Finish) -> bool| ends.iter().filter(|end| what(**end)).count();
        let (lost, wrong) = (
            count(&|end| end == Finish::Lost),
            count(&|end| end != Finish::Good),
        );
        let answered_in_a_row = ends.iter().take_while(|end| **end != Finish::Lost).count();
        let good_in_a_row = ends.iter().take_while(|end| **end == Finish::Good).count();
        if lost >= 3 && (lost * 2 >= of || was_failing && answered_in_a_row < 3) {
            return Some(Failing {
                wrong: lost,
                of,
                by_its_word: false,
            });
        }
        // A model tries things out: some errors of tools are its own.
        let many = of == JUDGED && wrong >= 8 || was_failing && wrong >= 5 && good_in_a_row < 3;
        many.then_some(Failing {
            wrong,
            of,
            by_its_word: true,
        })
    }
}
