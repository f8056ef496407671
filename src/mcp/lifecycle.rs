//! When an ended server is dialled again, and when it is left alone.
//!
//! Pure. A server that never came up stays down with its cause: nothing has changed since. One that was up is brought back with
//! a growing wait, until it has fallen over too often within a minute, or too often without coming up in between. Where it is the
//! network that is away, it is tried for as long as the program runs.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::ids::Moment;
use crate::mcp::failure::FailureKind;

/// The first wait; doubles with each try.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Ends within [`WITHIN`], or in a row, after which a server is left alone.
const TOO_OFTEN: usize = 5;
/// The window of [`TOO_OFTEN`].
const WITHIN: Duration = Duration::from_secs(60);

/// The memory of one server's ends.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Lifecycle {
    ends: VecDeque<Moment>,
    /// Ends since it was up last; a slow failure never fills the window.
    in_a_row: usize,
    has_been_ready: bool,
}

/// What is done about an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Dial again after this wait.
    Redial {
        /// From now.
        after: Duration,
        /// Which try this is, from 1.
        attempt: u32,
    },
    /// Leave it until the person says otherwise.
    Stay,
}

impl Lifecycle {
    /// The server has come up.
    pub fn ready(&mut self) {
        self.has_been_ready = true;
        self.in_a_row = 0;
    }

    /// The person wants it anew: what was is forgotten.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The connection has ended, or was never made.
    pub fn ended(&mut self, kind: FailureKind, now: Moment) -> Next {
        self.ends.retain(|end| now.since(*end) < WITHIN);
        self.ends.push_back(now);
        self.in_a_row += 1;
        let ends = self.ends.len().max(self.in_a_row);
        let hopeless = match kind {
            FailureKind::Config
            | FailureKind::Spawn
            | FailureKind::NeedsSignIn
            | FailureKind::Stopped => true,
            FailureKind::Exited
            | FailureKind::Timeout
            | FailureKind::Protocol
            | FailureKind::Network
            | FailureKind::Http => false,
        };
        // The way there comes back by itself, however long it takes: a laptop sleeps, a server is put up anew.
        let is_patient = matches!(kind, FailureKind::Network | FailureKind::Http);
        let too_often = ends >= TOO_OFTEN && !is_patient;
        if hopeless || !self.has_been_ready || too_often {
            return Next::Stay;
        }
        let attempt = u32::try_from(ends).unwrap_or(u32::MAX);
        let after = FIRST_WAIT
            .saturating_mul(1 << (attempt - 1).min(10))
            .min(LONGEST_WAIT);
        Next::Redial { after, attempt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn a_server_that_never_came_up_stays_down() {
        assert_eq!(
            Lifecycle::default().ended(FailureKind::Exited, at(1)),
            Next::Stay
        );
    }

    #[test]
    fn one_that_was_up_comes_back_with_a_growing_wait_until_it_falls_too_often() {
        let mut server = Lifecycle::default();
        server.ready();
        let waits: Vec<_> = (1..=5)
            .map(|second| server.ended(FailureKind::Exited, at(second)))
            .collect();
        let redial = |ms, attempt| Next::Redial {
            after: Duration::from_millis(ms),
            attempt,
        };
        assert_eq!(
            waits,
            [
                redial(200, 1),
                redial(400, 2),
                redial(800, 3),
                redial(1600, 4),
                Next::Stay
            ]
        );
    }

    #[test]
    fn ends_long_ago_do_not_count() {
        let mut server = Lifecycle::default();
        server.ready();
        (0..4).for_each(|second| {
            server.ended(FailureKind::Exited, at(second));
            server.ready();
        });
        let later = server.ended(FailureKind::Exited, at(100));
        assert_eq!(
            later,
            Next::Redial {
                after: FIRST_WAIT,
                attempt: 1
            }
        );
    }

    #[test]
    fn one_that_fails_slowly_is_left_alone_too() {
        let mut server = Lifecycle::default();
        server.ready();
        let slow = |n: u64| server.ended(FailureKind::Timeout, at(n * 90));
        let stays: Vec<bool> = (1..=5).map(slow).map(|next| next == Next::Stay).collect();
        assert_eq!(stays, [false, false, false, false, true]);
    }

    #[test]
    fn a_network_that_is_away_is_waited_for_with_a_bounded_wait() {
        let mut server = Lifecycle::default();
        server.ready();
        let away = |n: u64| server.ended(FailureKind::Network, at(n * 30));
        let last = (1..=40).map(away).last();
        let after = LONGEST_WAIT;
        assert_eq!(last, Some(Next::Redial { after, attempt: 40 }));
    }

    #[test]
    fn what_waiting_does_not_mend_is_not_tried_again() {
        let mut server = Lifecycle::default();
        server.ready();
        assert_eq!(server.ended(FailureKind::NeedsSignIn, at(1)), Next::Stay);
    }
}
