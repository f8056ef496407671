//! The breaker of one server: open, nothing is sent to it.
//!
//! Pure; time comes as an argument.

use serde::Serialize;

use crate::ids::Moment;

/// The breaker of one server.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Breaker {
    state: BreakerState,
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
}
