//! What comes back from a model during one step.
//!
//! Every stream ends with exactly one `Done` or `Failed`. Text is the model's: clean it at the exits.

use serde::{Deserialize, Serialize};

use crate::agent::model::error::ModelError;
use crate::agent::model::request::ModelCall;

/// One item of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ModelEvent {
    /// The endpoint has accepted the request and the stream is open.
    Opened,
    /// More of the answer.
    Text(String),
    /// More of the reasoning: shown dimmed, never sent back.
    Reasoning(String),
    /// A call is being written; for "preparing call".
    Preparing {
        /// The model-safe name so far.
        name: String,
        /// Bytes of arguments so far.
        bytes: usize,
    },
    /// The step is complete.
    Done(Completion),
    /// The step failed.
    Failed(ModelError),
}

/// The end of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// Why the model stopped.
    pub finish: Finish,
    /// Whole calls, in order. When `finish` is `Length` the last one may be cut and none may run.
    pub calls: Vec<ModelCall>,
    /// Tokens, where the endpoint told them.
    pub usage: Option<Usage>,
    /// What was odd and handled, as sentences for the person (a call written as text, a context that was cut silently).
    pub notes: Vec<String>,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It had said what it wanted, or made calls.
    Stop,
    /// `max_tokens` or the context ended it.
    Length,
    /// A filter of the endpoint ended it.
    Filtered,
}

/// Tokens of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Of the request.
    pub prompt: u64,
    /// Of the answer.
    pub completion: u64,
}
