//! What happens to the host: the driver's reports. Plain data, so that a run can be written down and played again.

use serde::{Deserialize, Serialize};

use crate::agent::model::ModelEvent;
use crate::ids::{CallId, Generation, ServerName, StreamId, TimerId};
use crate::mcp::event::ServerEvent;

/// One report of the driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum HostEvent {
    /// A server did something.
    Server {
        /// Which.
        server: ServerName,
        /// On which connection; a stale one is dropped.
        generation: Generation,
        /// What.
        event: ServerEvent,
    },
    /// The model said something.
    Model {
        /// In which stream; a stale one is dropped.
        stream: StreamId,
        /// What.
        event: ModelEvent,
    },
    /// A timer ran out.
    Timer(TimerId),
    /// The search for a model has ended.
    ModelFound(Result<ModelLabel, String>),
    /// A result file or a rule could not be written.
    SaveFailed {
        /// The call whose result it was, if it was one.
        call: Option<CallId>,
        /// Why, as a sentence.
        why: String,
    },
}

/// Which model answers: for the status line and the first line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelLabel {
    /// The model's name at its endpoint.
    pub model: String,
    /// Where: `Ollama at 127.0.0.1:11434`, `api.openai.com`, `script demo`.
    pub place: String,
    /// A script plays it: the screen never pretends otherwise.
    pub scripted: bool,
    /// What the person should know of it, as sentences.
    pub notes: Vec<String>,
}
