//! The one clock: moments since the program started, and what they are on the wall.

use std::time::{Instant, SystemTime};

use crate::ids::Moment;

/// The clock that the whole program goes by.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    wall: SystemTime,
}

impl Default for Clock {
    fn default() -> Self {
        Self::start()
    }
}

impl Clock {
    /// Starts it.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// The time.
    pub fn now(&self) -> Moment {
        Moment::from_start(self.start.elapsed())
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.start
    }

    /// A moment as wall-clock time.
    pub fn wall(&self, moment: Moment) -> SystemTime {
        self.wall + moment.since(Moment(0))
    }
}
