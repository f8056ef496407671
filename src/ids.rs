//! The names and numbers that tie events, effects and state together, and the time that the core is told.
//!
//! Newtypes only: no behaviour, no clock. Everything above imports these.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A server's name, as its table in `mcp.toml` is called. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerName(Arc<str>);

impl ServerName {
    /// Wraps a name; the configuration has checked its characters.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(Arc::from(name.as_ref()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerName({:?})", &*self.0)
    }
}

impl From<&str> for ServerName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number! {
    /// Which connection of a server an event belongs to: one more at each dial, so that a late word of an old one is dropped.
    Generation
}
number! {
    /// One request of the person to the agent, with all its steps.
    TurnId
}
number! {
    /// One tool call, by the model or by hand.
    CallId
}
number! {
    /// One question of a server, counted on each connection.
    AskId
}
number! {
    /// One errand: a small request of a front end.
    ErrandId
}
number! {
    /// One question put to the person.
    QuestionId
}
number! {
    /// One request to the model: a retry has a number of its own, so that a late word of the first try is dropped.
    StreamId
}
number! {
    /// One timer that the host asked for.
    TimerId
}
number! {
    /// The place of a record in the order in which things happened on the wire.
    Seq
}

/// A point in time as the core knows it: microseconds since the program started. The driver maps it to the wall clock.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment that lies this long after the start.
    pub fn from_start(elapsed: Duration) -> Self {
        Self(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    /// The time between an earlier moment and this one; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The moment this long after.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}
