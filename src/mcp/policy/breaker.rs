//! The breaker of one server: open, nothing is sent to it.
//!
//! Pure; time comes as an argument. What counts as a failure is for the caller to say: the transport's, never a tool's own error,
//! which proves that the server lives.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::ids::Moment;

/// Failures in a row after which it opens.
const IN_A_ROW: u32 = 5;
/// The last calls that are looked at, and how many failures among them open it: the half.
const WINDOW: usize = 20;
const HALF: usize = WINDOW / 2;
/// The first time without a request; doubles each time that the probe, or the first call after it, fails.
const FIRST: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST: Duration = Duration::from_secs(60);

/// The breaker of one server.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Breaker {
    state: BreakerState,
    in_a_row: u32,
    /// The last calls, the newest last: whether each failed.
    recent: VecDeque<bool>,
    /// How often it has opened since a call was answered.
    opened: u32,
    /// A probe has closed it: the first call decides whether that was right.
    on_trial: bool,
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(tag = "breaker", rename_all = "snake_case")]
pub enum BreakerState {
    /// Calls pass.
    #[default]
    Closed,
    /// No call passes until then.
    Open {
        /// When one probe is let through.
        until: Moment,
    },
    /// One probe is under way; what it comes to decides.
    Probing,
}

impl Breaker {
    /// Where it stands.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// How long until the next try, where nothing passes; zero while that is under way.
    pub fn holds_for(&self, now: Moment) -> Option<Duration> {
        match self.state {
            BreakerState::Closed => None,
            BreakerState::Open { until } => Some(until.since(now)),
            BreakerState::Probing => Some(Duration::ZERO),
        }
    }

    /// A call was answered, well or not: the server lives.
    pub fn answered(&mut self) {
        if self.state != BreakerState::Closed {
            self.recent.clear();
        }
        self.remember(false);
        self.state = BreakerState::Closed;
        (self.in_a_row, self.opened, self.on_trial) = (0, 0, false);
    }

    /// The transport failed a call. Gives how long nothing passes, where that opens it.
    pub fn failed(&mut self, now: Moment) -> Option<Duration> {
        match self.state {
            BreakerState::Closed => {}
            // Sent before it opened; the probe alone decides now.
            BreakerState::Open { .. } | BreakerState::Probing => return None,
        }
        self.in_a_row += 1;
        self.remember(true);
        let failures = self.recent.iter().filter(|failed| **failed).count();
        let opens = self.on_trial || self.in_a_row >= IN_A_ROW || failures >= HALF;
        opens.then(|| self.open(now))
    }

    /// The time is over: whether one probe is to be sent now.
    pub fn probe(&mut self, now: Moment) -> bool {
        let is_due = matches!(self.state, BreakerState::Open { until } if until <= now);
        if is_due {
            self.state = BreakerState::Probing;
        }
        is_due
    }

    /// The probe was answered: calls pass, and the first one is on trial.
    pub fn probe_answered(&mut self) {
        if self.state != BreakerState::Closed {
            self.state = BreakerState::Closed;
            self.recent.clear();
            (self.in_a_row, self.on_trial) = (0, true);
        }
    }

    /// The probe was not answered. Gives how long nothing passes now.
    pub fn probe_failed(&mut self, now: Moment) -> Option<Duration> {
        (self.state == BreakerState::Probing).then(|| self.open(now))
    }

    /// The server was reached anew: what was says nothing of this connection.
    pub fn reconnected(&mut self) {
        *self = Self::default();
    }

    fn open(&mut self, now: Moment) -> Duration {
        let wait = FIRST.saturating_mul(1 << self.opened.min(8)).min(LONGEST);
        self.opened += 1;
        self.on_trial = false;
        self.state = BreakerState::Open {
            until: now.plus(wait),
        };
        wait
    }

    fn remember(&mut self, failed: bool) {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(failed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    fn opened(breaker: &mut Breaker, now: Moment) -> Option<Duration> {
        (0..IN_A_ROW).find_map(|_| breaker.failed(now))
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert_eq!(breaker.failed(at(1)), None);
        }
        breaker.answered();
        for _ in 0..4 {
            assert_eq!(breaker.failed(at(1)), None);
        }
        assert_eq!(breaker.failed(at(1)), Some(FIRST));
        assert_eq!(breaker.state(), BreakerState::Open { until: at(6) });
        assert_eq!(breaker.holds_for(at(2)), Some(Duration::from_secs(4)));
    }

    #[test]
    fn half_of_the_last_twenty_open_it_and_less_does_not() {
        let mut every_second = Breaker::default();
        let opened = (1..=40).find(|_| {
            every_second.answered();
            every_second.failed(at(1)).is_some()
        });
        assert_eq!(opened, Some(10), "the tenth failure among twenty calls");
        let mut every_third = Breaker::default();
        for _ in 0..100 {
            every_third.answered();
            every_third.answered();
            assert_eq!(every_third.failed(at(1)), None);
        }
    }

    #[test]
    fn one_probe_after_five_seconds_and_the_wait_doubles_to_a_minute() {
        let mut breaker = Breaker::default();
        let mut now = at(0);
        let mut waits = vec![opened(&mut breaker, now).unwrap()];
        for _ in 0..6 {
            let wait = *waits.last().unwrap();
            assert!(!breaker.probe(now.plus(wait - Duration::from_millis(1))));
            now = now.plus(wait);
            assert!(breaker.probe(now), "it is due");
            assert!(!breaker.probe(now), "one probe and no second");
            waits.push(breaker.probe_failed(now).unwrap());
        }
        let seconds: Vec<_> = waits.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn an_answered_probe_lets_calls_through_and_the_first_one_decides() {
        let mut breaker = Breaker::default();
        opened(&mut breaker, at(0));
        assert!(breaker.probe(at(5)));
        breaker.probe_answered();
        assert_eq!(breaker.state(), BreakerState::Closed);
        // It answers a ping and no call: the wait goes on growing.
        assert_eq!(breaker.failed(at(6)), Some(Duration::from_secs(10)));
        assert!(breaker.probe(at(16)));
        breaker.probe_answered();
        breaker.answered();
        assert_eq!(opened(&mut breaker, at(20)), Some(FIRST), "all is forgiven");
    }

    #[test]
    fn a_reconnect_or_an_answer_that_was_late_closes_it() {
        let mut breaker = Breaker::default();
        opened(&mut breaker, at(0));
        breaker.reconnected();
        assert_eq!(breaker, Breaker::default());
        opened(&mut breaker, at(0));
        breaker.answered();
        assert_eq!(breaker.holds_for(at(0)), None);
    }

    proptest! {
        #[test]
        fn nothing_passes_while_it_is_open_and_every_wait_is_within_its_bounds(
            steps in proptest::collection::vec((0u8..6, 0u64..20), 0..300),
        ) {
            let mut breaker = Breaker::default();
            let mut now = at(0);
            let mut probes = 0;
            for (step, seconds) in steps {
                now = now.plus(Duration::from_secs(seconds));
                let before = breaker.state();
                let wait = match step {
                    0 => { breaker.answered(); None }
                    1 | 2 => breaker.failed(now),
                    3 => { probes += u32::from(breaker.probe(now)); None }
                    4 => { breaker.probe_answered(); None }
                    _ => breaker.probe_failed(now),
                };
                if let Some(wait) = wait {
                    prop_assert!((FIRST..=LONGEST).contains(&wait));
                    prop_assert_eq!(breaker.state(), BreakerState::Open { until: now.plus(wait) });
                }
                if let (BreakerState::Open { until }, BreakerState::Probing) = (before, breaker.state()) {
                    prop_assert!(until <= now, "a probe before its time");
                }
                prop_assert_eq!(breaker.holds_for(now).is_none(), breaker.state() == BreakerState::Closed);
                prop_assert!(breaker.recent.len() <= WINDOW);
            }
            prop_assert!(probes <= 300);
        }
    }
}
