//! The state of one server, whole: what travels with each status event and what every front end shows.
//!
//! Plain data without a clock; `lifecycle` is the machine that moves it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Moment;
use crate::mcp::failure::{Failure, FailureKind};

/// Where a server stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    /// The configuration or the person has switched it off.
    Disabled,
    /// Dialled; handshake or first listing under way.
    Starting {
        /// Since when.
        since: Moment,
    },
    /// Its tools are known and it can be called.
    Ready {
        /// Since when.
        since: Moment,
        /// What it said of itself.
        hello: Box<Hello>,
    },
    /// It ended or failed, and will be dialled again.
    Waiting {
        /// When.
        until: Moment,
        /// How many dials have failed in a row.
        attempt: u32,
        /// Why.
        failure: Box<Failure>,
    },
    /// It failed and is not dialled again by itself.
    Failed {
        /// Why.
        failure: Box<Failure>,
    },
}

/// What a server said of itself at the handshake or in `server/discover`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The era.
    pub era: Era,
    /// The protocol revision agreed on, such as `2025-11-25`.
    pub revision: String,
    /// The server's name for itself.
    pub name: String,
    /// The server's version of itself.
    pub version: String,
    /// The server's words for the model.
    pub instructions: Option<String>,
    /// Its capabilities as they came.
    pub capabilities: Value,
}

/// The two protocol eras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// `initialize`, up to 2025-11-25.
    Legacy,
    /// Stateless, 2026-07-28.
    Modern,
}

impl Status {
    /// The state as one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Starting { .. } => "starting",
            Self::Ready { .. } => "ready",
            Self::Waiting { .. } => "waiting",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether calls can be sent.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    /// Whether nothing more happens by itself: ready, failed or disabled.
    pub fn is_settled(&self) -> bool {
        matches!(
            self,
            Self::Ready { .. } | Self::Failed { .. } | Self::Disabled
        )
    }

    /// Whether it is not there because a person has to sign in first.
    pub fn needs_sign_in(&self) -> bool {
        self.failure()
            .is_some_and(|failure| failure.kind == FailureKind::NeedsSignIn)
    }

    /// The failure, where there is one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Waiting { failure, .. } | Self::Failed { failure } => Some(failure),
            Self::Disabled | Self::Starting { .. } | Self::Ready { .. } => None,
        }
    }
}
