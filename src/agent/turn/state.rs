//! Where a turn stands, why it ended, and what the machine wants: plain data.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::ModelCall;
use crate::ids::{CallId, Moment, StreamId, TimerId, TurnId};

/// Where the agent stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TurnState {
    /// Nothing runs.
    #[default]
    Idle,
    /// The person has spoken; servers that are still starting get a moment.
    Gathering {
        /// The turn.
        turn: TurnId,
        /// Since when.
        since: Moment,
        /// The timer that ends the wait.
        timer: TimerId,
    },
    /// The model is being asked.
    Streaming {
        /// The turn.
        turn: TurnId,
        /// The step, from 1.
        step: u32,
        /// The stream that counts.
        stream: StreamId,
        /// When the request was sent.
        since: Moment,
        /// How often this step has been tried before.
        retries: u32,
        /// The endpoint has answered.
        opened: bool,
        /// Something of it was shown.
        shown: bool,
    },
    /// The endpoint asked to wait, or could not be reached.
    Backoff {
        /// The turn.
        turn: TurnId,
        /// The step, from 1.
        step: u32,
        /// When it is tried again.
        until: Moment,
        /// The timer that ends it.
        timer: TimerId,
        /// How often this step has been tried before.
        retries: u32,
        /// Why, as a sentence.
        why: String,
    },
    /// The calls of a step are under way.
    Calling {
        /// The turn.
        turn: TurnId,
        /// The step, from 1.
        step: u32,
        /// The calls without a result yet.
        waiting: BTreeSet<CallId>,
    },
}

/// Why a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model has answered.
    Answered,
    /// The person interrupted it.
    Interrupted,
    /// The limit of steps was reached.
    StepLimit,
    /// `max_tokens` or the context cut the answer.
    Length,
    /// A filter of the endpoint cut the answer.
    Filtered,
    /// The model kept making the same call.
    Repeated,
    /// The endpoint failed.
    ModelFailed,
}

/// What can be changed about a request that came to nothing as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Describe the tools in the prompt: the endpoint takes none.
    Prompt,
    /// Offer the tools with plain schemas: the endpoint choked on one.
    PlainSchemas,
    /// Show the model less of what was said: it was longer than its context.
    Shorter,
    /// Let this step's answer be longer: it was cut in the middle of a call.
    MoreTokens,
}

/// What the machine wants of the host.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEffect {
    /// Build the request and ask.
    Ask(StreamId),
    /// Drop the stream.
    Abort(StreamId),
    /// Make these calls, then say [`TurnState::proposed`].
    Propose(Vec<ModelCall>),
    /// Report the timer after this time.
    Wait(TimerId, Duration),
    /// Make the request otherwise, then ask again.
    Adapt(Change, StreamId),
    /// The turn is over.
    Ended(StopReason),
}

impl TurnState {
    /// The turn that runs, if one does.
    pub fn id(&self) -> Option<TurnId> {
        match self {
            Self::Idle => None,
            Self::Gathering { turn, .. }
            | Self::Streaming { turn, .. }
            | Self::Backoff { turn, .. }
            | Self::Calling { turn, .. } => Some(*turn),
        }
    }

    /// The step that runs, from 1; 0 before the first.
    pub fn step(&self) -> u32 {
        match self {
            Self::Idle | Self::Gathering { .. } => 0,
            Self::Streaming { step, .. }
            | Self::Backoff { step, .. }
            | Self::Calling { step, .. } => *step,
        }
    }
}
