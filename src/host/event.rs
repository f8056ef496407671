//! What happens to the host: the driver's reports. Plain data, so that a run can be written down and played again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::ModelEvent;
use crate::host::session::SessionEvent;
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
    /// What came of writing, listing, reading or deleting sessions.
    Session(SessionEvent),
    /// A timer ran out.
    Timer(TimerId),
    /// The machine has slept: what stood before may be dead without a word.
    Woke {
        /// For about how long.
        slept: Duration,
    },
    /// A sign-in has come further.
    SignIn {
        /// At which server.
        server: ServerName,
        /// How far.
        event: SignInEvent,
    },
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

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sign_in", rename_all = "snake_case")]
pub enum SignInEvent {
    /// The person has to go to this address.
    Visit {
        /// The address, at the server's authorization server.
        url: String,
        /// Whether the browser is sent back to us; else the address that it ends at must be given by hand.
        comes_back: bool,
    },
    /// There are credentials now: the server can be dialled again.
    Done,
    /// It did not come about.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
    /// The credentials were forgotten.
    SignedOut,
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
    /// Tokens of its context, where the endpoint tells.
    #[serde(default)]
    pub context: Option<u64>,
    /// What the person should know of it, as sentences.
    pub notes: Vec<String>,
}
