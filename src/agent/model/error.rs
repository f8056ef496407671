//! Why a model step failed, as something that the turn can decide on and a person can act on.
//!
//! Pure data; the adapters make it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A failed step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What sort.
    pub kind: ModelErrorKind,
    /// What failed, on which endpoint, why: one sentence.
    pub message: String,
    /// What to do next: one sentence.
    pub hint: Option<String>,
    /// What the endpoint asked to wait, capped at an hour.
    pub retry_after: Option<Duration>,
}

/// What sort of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelErrorKind {
    /// 401, 403: the key.
    Key,
    /// 429.
    RateLimit,
    /// 429 or 402 that waiting does not mend: no credit.
    Quota,
    /// 5xx, or an error inside the stream that says as much.
    Server,
    /// No connection, or no first byte in time.
    Unreachable,
    /// The stream ended before its end.
    Cut,
    /// The conversation is longer than the model's context.
    ContextTooLong,
    /// The endpoint or the model cannot take `tools`: try [`crate::config::ModelMode::Prompt`].
    ToolsUnsupported,
    /// The endpoint cannot take a schema: try `plain_schemas`.
    SchemaRefused,
    /// 404 or "model not found".
    NoSuchModel,
    /// Another 4xx.
    Request,
    /// 200, but not the protocol.
    Malformed,
    /// The script has no answer (scripted models only).
    Script,
}

impl ModelErrorKind {
    /// Whether the same request may be sent once more, as long as nothing of this one was shown.
    pub fn may_retry(self) -> bool {
        matches!(
            self,
            Self::RateLimit | Self::Server | Self::Unreachable | Self::Cut
        )
    }
}
