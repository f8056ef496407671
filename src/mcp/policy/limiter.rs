//! How many calls one server gets at a time, and within a minute.
//!
//! Pure; time comes as an argument. It only says whether one more may begin: the line of those that wait is the host's.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ids::Moment;

/// The window of calls a minute.
const MINUTE: Duration = Duration::from_secs(60);

/// The memory of one server's calls: when those of the last minute began. Kept only where they are counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limiter {
    begun: VecDeque<Moment>,
}

/// What one server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Calls under way at a time.
    pub at_once: u32,
    /// Calls begun within any minute; absent: as many as come.
    pub a_minute: Option<u32>,
}

/// Whether one more call may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Now.
    Now,
    /// When one of those that run is over.
    AfterOne,
    /// Not before then.
    NotBefore(Moment),
}

impl Limiter {
    /// Whether one more call may begin beside those that run. A limit of nothing would be for ever, so it counts as one.
    pub fn admits(&self, most: Most, running: usize, now: Moment) -> Admission {
        if running >= usize::try_from(most.at_once.max(1)).unwrap_or(usize::MAX) {
            return Admission::AfterOne;
        }
        let Some(a_minute) = most.a_minute else {
            return Admission::Now;
        };
        let a_minute = usize::try_from(a_minute.max(1)).unwrap_or(usize::MAX);
        // The call that has to leave the window before the next one may enter it.
        let blocking = self.begun.len().checked_sub(a_minute);
        match blocking.and_then(|at| self.begun.get(at)) {
            Some(begun) if now.since(*begun) < MINUTE => Admission::NotBefore(begun.plus(MINUTE)),
            Some(_) | None => Admission::Now,
        }
    }

    /// A call begins.
    pub fn begins(&mut self, most: Most, now: Moment) {
        if most.a_minute.is_some() {
            self.begun.push_back(now);
        }
        let is_over = |begun: &Moment| now.since(*begun) >= MINUTE;
        while self.begun.front().is_some_and(is_over) {
            self.begun.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn so_many_at_a_time_and_the_next_when_one_is_over() {
        let most = Most {
            at_once: 2,
            a_minute: None,
        };
        let limiter = Limiter::default();
        let admitted = [0, 1, 2, 3].map(|running| limiter.admits(most, running, at(0)));
        let (now, later) = (Admission::Now, Admission::AfterOne);
        assert_eq!(admitted, [now, now, later, later]);
    }

    #[test]
    fn so_many_a_minute_and_the_next_when_the_first_is_a_minute_old() {
        let most = Most {
            at_once: 8,
            a_minute: Some(2),
        };
        let mut limiter = Limiter::default();
        limiter.begins(most, at(0));
        limiter.begins(most, at(10));
        assert_eq!(
            limiter.admits(most, 0, at(20)),
            Admission::NotBefore(at(60))
        );
        assert_eq!(limiter.admits(most, 0, at(60)), Admission::Now);
        limiter.begins(most, at(60));
        assert_eq!(
            limiter.admits(most, 0, at(61)),
            Admission::NotBefore(at(70))
        );
    }

    #[test]
    fn a_limit_of_nothing_counts_as_one() {
        let most = Most {
            at_once: 0,
            a_minute: Some(0),
        };
        assert_eq!(Limiter::default().admits(most, 0, at(0)), Admission::Now);
    }

    proptest! {
        #[test]
        fn no_minute_sees_more_than_allowed_and_a_call_that_may_come_then_comes_then(
            gaps in proptest::collection::vec(0u64..40, 1..80),
            a_minute in 1u32..6,
        ) {
            let most = Most { at_once: 1000, a_minute: Some(a_minute) };
            let mut limiter = Limiter::default();
            let (mut now, mut begun) = (at(0), Vec::new());
            for gap in gaps {
                now = now.plus(Duration::from_secs(gap));
                if let Admission::NotBefore(then) = limiter.admits(most, 0, now) {
                    prop_assert!(then > now);
                    now = then;
                }
                prop_assert_eq!(limiter.admits(most, 0, now), Admission::Now);
                limiter.begins(most, now);
                begun.push(now);
                let recent = begun.iter().filter(|then| now.since(**then) < MINUTE).count();
                prop_assert!(recent <= a_minute as usize);
                prop_assert!(limiter.begun.len() <= a_minute as usize);
            }
        }
    }
}
