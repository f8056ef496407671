//! What has happened since the prompt, read back from the conversation: the results so far and where each step begins.
//!
//! Pure; used by `answer` alone.

use serde_json::Value;

use crate::agent::model::request::Message;

/// How a tool message begins whose call did not do what it should.
const FAILURES: [&str; 10] = [
    "error",
    "denied",
    "refused",
    "declined",
    "not run",
    "not allowed",
    "cancelled",
    "interrupted",
    "failed",
    "unknown tool",
];

/// What has happened since the prompt.
#[derive(Default)]
pub(super) struct Played {
    /// The results of all calls, in order.
    pub results: Vec<Outcome>,
    /// Where the results of each step begin that called something.
    pub steps: Vec<usize>,
}

/// What came of one call.
#[derive(serde::Serialize)]
pub(super) struct Outcome {
    /// The tool's offered name.
    pub tool: String,
    /// What the model reads.
    pub text: String,
    /// Left out when absent, so that a template that asks for a field of it fails instead of finding nothing there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
    /// Whether the call did not do what it should.
    pub error: bool,
}

impl Played {
    /// Reads it from the messages behind the prompt.
    pub fn since(messages: &[Message]) -> Self {
        let mut played = Self::default();
        for message in messages {
            match message {
                Message::Assistant { calls, .. } if !calls.is_empty() => {
                    played.steps.push(played.results.len());
                }
                Message::Tool { name, text, .. } => played.results.push(Outcome::new(name, text)),
                Message::Assistant { .. } | Message::System { .. } | Message::User { .. } => {}
            }
        }
        played
    }
}

impl Outcome {
    fn new(name: &str, text: &str) -> Self {
        let structured = serde_json::from_str::<Value>(text)
            .ok()
            .filter(|value| value.is_object() || value.is_array());
        let start = text.trim_start().to_lowercase();
        let error = match &structured {
            Some(value) => value.get("error").is_some_and(Value::is_string),
            None => FAILURES.iter().any(|word| start.starts_with(word)),
        };
        Self {
            tool: name.to_owned(),
            text: text.to_owned(),
            structured,
            error,
        }
    }
}
