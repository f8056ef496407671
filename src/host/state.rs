//! The host's state: what every front end reads.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use serde::Serialize;

use crate::agent::model::Usage;
use crate::agent::transcript::Transcript;
use crate::config::{AllowRule, Limits, ModelMode};
use crate::host::call::ToolCall;
use crate::host::event::ModelLabel;
use crate::host::question::Question;
use crate::host::server::Server;
use crate::ids::{CallId, Moment, ServerName, StreamId, TimerId, TurnId};

/// Everything that is the case.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// The servers, in the order of the configuration.
    pub servers: Vec<Server>,
    /// The calls, oldest first; a call's number is its place, from 1.
    pub calls: Vec<ToolCall>,
    /// The conversation.
    pub transcript: Transcript,
    /// Where the agent stands.
    pub turn: TurnState,
    /// The questions that wait, the one to show first.
    pub questions: VecDeque<Question>,
    /// The model.
    pub model: ModelState,
    /// Tokens since the conversation began.
    pub usage: Usage,
    /// What does not change while it runs.
    pub settings: Settings,
}

/// What does not change while the host runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The agent's limits.
    pub limits: Limits,
    /// How tools are offered.
    pub mode: ModelMode,
    /// Where results that are too long for the model go.
    pub results_dir: PathBuf,
    /// Nobody can be asked: what would be asked is refused.
    pub headless: bool,
    /// Headless: these may run without a question, `SERVER.TOOL` with globs.
    pub approve: Vec<String>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum ModelState {
    /// Being looked for.
    Searching {
        /// Since when.
        since: Moment,
    },
    /// There.
    Ready {
        /// Which.
        label: ModelLabel,
    },
    /// None: everything but the chat works.
    Absent {
        /// Why, and how to get one: at most two lines.
        why: String,
    },
}

/// Where the agent stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TurnState {
    /// Nothing runs.
    Idle,
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
        /// The first byte has come.
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

impl Host {
    /// The server of this name.
    pub fn server(&self, name: &ServerName) -> Option<&Server> {
        self.servers.iter().find(|server| &server.name == name)
    }

    /// The call of this number.
    pub fn call(&self, id: CallId) -> Option<&ToolCall> {
        self.calls.get(usize::try_from(id.0.checked_sub(1)?).ok()?)
    }

    /// Whether a turn is running.
    pub fn is_busy(&self) -> bool {
        self.turn != TurnState::Idle
    }
}

impl TurnState {
    /// The turn that runs, if one does.
    pub fn id(&self) -> Option<TurnId> {
        match self {
            Self::Idle => None,
            Self::Streaming { turn, .. }
            | Self::Backoff { turn, .. }
            | Self::Calling { turn, .. } => Some(*turn),
        }
    }
}

/// Answers that let a call run without a question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// From the user's configuration.
    pub always: Vec<AllowRule>,
    /// Since the program started.
    pub session: BTreeSet<(ServerName, String)>,
    /// Recent calls for the loop guard: arguments by how often in a row.
    pub repeats: BTreeMap<String, u32>,
}
