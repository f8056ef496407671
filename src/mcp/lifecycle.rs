//! When an ended server is dialled again, and when it is left alone.
//!
//! Pure. It is brought back after a random wait below a growing limit (`policy::retry`), until it has fallen over too often within
//! a minute, or too often without coming up in between. What waiting does not mend, such as a program that is not there, is left at
//! once. Where a server was up and it is the network that is away, it is tried for as long as the program runs.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

use crate::ids::Moment;
use crate::mcp::failure::FailureKind;
use crate::mcp::policy::retry;

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

    /// Whether it has been up since it was begun with.
    pub fn has_been_ready(&self) -> bool {
        self.has_been_ready
    }

    /// The connection has ended, or was never made. The random number spreads the wait.
    pub fn ended(&mut self, kind: FailureKind, now: Moment, random: u64) -> Next {
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
        // The way there comes back by itself, however long it takes: a laptop sleeps, a server is put up anew. An address at which
        // nobody has answered yet may be a wrong one.
        let is_away = matches!(kind, FailureKind::Network | FailureKind::Http);
        let is_patient = is_away && self.has_been_ready;
        if hopeless || ends >= TOO_OFTEN && !is_patient {
            return Next::Stay;
        }
        let attempt = u32::try_from(ends).unwrap_or(u32::MAX);
        Next::Redial {
            after: retry::wait(attempt, random),
            attempt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::policy::retry::{LONGEST, SHORTEST, ceiling};

    fn at(seconds: u64) -> Moment {
        Moment::from_start(Duration::from_secs(seconds))
    }

    /// Whatever the dice say, the wait lies within the limit of its try.
    fn tries(server: &mut Lifecycle, kind: FailureKind, gap: u64) -> Vec<u32> {
        let mut made = Vec::new();
        for n in 1..=12 {
            match server.ended(kind, at(n * gap), n * 7_919) {
                Next::Stay => break,
                Next::Redial { after, attempt } => {
                    assert!(after >= SHORTEST && after <= ceiling(attempt), "{after:?}");
                    made.push(attempt);
                }
            }
        }
        made
    }

    #[test]
    fn one_that_falls_over_is_tried_again_until_the_fifth_time_in_a_minute() {
        for came_up in [false, true] {
            let mut server = Lifecycle::default();
            if came_up {
                server.ready();
            }
            assert_eq!(tries(&mut server, FailureKind::Exited, 1), [1, 2, 3, 4]);
        }
    }

    #[test]
    fn ends_long_ago_do_not_count() {
        let mut server = Lifecycle::default();
        for second in 0..4 {
            server.ended(FailureKind::Exited, at(second), 0);
            server.ready();
        }
        let later = server.ended(FailureKind::Exited, at(100), 0);
        let after = SHORTEST;
        assert_eq!(later, Next::Redial { after, attempt: 1 });
    }

    #[test]
    fn one_that_fails_slowly_is_left_alone_too() {
        let mut server = Lifecycle::default();
        assert_eq!(tries(&mut server, FailureKind::Timeout, 90), [1, 2, 3, 4]);
    }

    #[test]
    fn a_network_that_is_away_is_waited_for_where_the_server_was_there_once() {
        let mut server = Lifecycle::default();
        assert_eq!(tries(&mut server, FailureKind::Network, 30), [1, 2, 3, 4]);
        server.reset();
        server.ready();
        let away = |n: u64| server.ended(FailureKind::Network, at(n * 30), u64::MAX);
        let Some(Next::Redial { after, attempt: 40 }) = (1..=40).map(away).last() else {
            panic!("it is left alone");
        };
        assert!(after <= LONGEST);
    }

    #[test]
    fn what_waiting_does_not_mend_is_not_tried_again() {
        use FailureKind::{Config, NeedsSignIn, Spawn, Stopped};
        for kind in [Config, Spawn, NeedsSignIn, Stopped] {
            let mut server = Lifecycle::default();
            server.ready();
            assert_eq!(server.ended(kind, at(1), 0), Next::Stay, "{kind:?}");
        }
    }
}
