//! What came of a case, in the form that the judge looks at. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::transcript::Entry;
use crate::agent::turn::StopReason;
use crate::cli::failure;
use crate::host::{CallEnd, Host, Origin, ToolCall};
use crate::mcp::result::CallOutcome;

/// What came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Came {
    /// Why there is no answer at all.
    pub nothing: Option<String>,
    /// The server refused with this code.
    pub error_code: Option<i64>,
    /// The tool says that it failed.
    pub is_error: bool,
    /// The answer as text, or the refusal's message.
    pub text: String,
    /// The structured content, or the text read as JSON.
    pub content: Option<Value>,
    /// The whole result, as `mcpdeck call --json` has it.
    pub result: Value,
    /// How the answer does not fit the schema that the tool gives for it.
    pub mismatch: Option<String>,
    /// The calls that the model made: tool and arguments.
    pub calls: Vec<(String, Value)>,
    /// How long it took.
    pub took: Duration,
}

impl Came {
    /// Of a call, a read or a prompt.
    pub fn of_call(call: &ToolCall, took: Duration) -> Self {
        let mut came = Self {
            took,
            mismatch: call.mismatch.clone(),
            ..Self::default()
        };
        if let Some(result) = call.result() {
            came.is_error = result.is_error;
            came.text = result.as_text().into_owned();
            came.content = match &result.structured {
                Some(value) => Some(value.clone()),
                None => serde_json::from_str(&came.text).ok(),
            };
            came.result = json!({
                "content": result.content,
                "structured_content": result.structured,
                "is_error": result.is_error,
            });
            return came;
        }
        match call.end() {
            Some(CallEnd::Outcome {
                outcome: CallOutcome::Refused { code, message },
            }) => {
                came.error_code = Some(*code);
                came.text.clone_from(message);
            }
            Some(end) => came.nothing = Some(failure::cause(end)),
            None => came.nothing = Some("it has no end".to_owned()),
        }
        came
    }

    /// Of words to the model; `before` calls had been made before.
    pub fn of_turn(host: &Host, before: usize, took: Duration) -> Self {
        let made = host.calls.get(before..).unwrap_or_default().iter();
        let by_model = made.filter(|call| matches!(call.origin, Origin::Model { .. }));
        let call = |call: &ToolCall| {
            let arguments = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
            (call.tool.clone(), arguments)
        };
        let said = host.transcript.entries().iter().rev();
        let text = said.into_iter().find_map(|entry| match entry {
            Entry::Assistant(step) if !step.text.is_empty() => Some(step.text.clone()),
            _ => None,
        });
        Self {
            nothing: not_answered(host),
            text: text.unwrap_or_default(),
            calls: by_model.map(call).collect(),
            took,
            ..Self::default()
        }
    }
}

fn not_answered(host: &Host) -> Option<String> {
    let why = match host.stopped.as_ref()? {
        StopReason::Answered => return None,
        StopReason::Interrupted => "the turn was interrupted",
        StopReason::StepLimit => "the turn ended at the limit of steps",
        StopReason::Length => "the answer was cut for its length",
        StopReason::Filtered => "the answer was filtered",
        StopReason::Repeated => "the same call was made again and again",
        StopReason::ModelFailed => "the model failed",
    };
    let mut notes = host.transcript.entries().iter().rev();
    let note = notes.find_map(|entry| match entry {
        Entry::Note(note) => Some(note.text.as_str()),
        _ => None,
    });
    Some(match note {
        Some(note) => format!("{why}: {note}"),
        None => why.to_owned(),
    })
}
