//! The turn as JSON lines: one event a line, the last one `turn_end`. JSON escapes every control character, so the texts go out
//! as they came.

use serde_json::{Value, json};

use super::Reporter;
use super::watch::{News, Watch};
use crate::cli::call::result_json;
use crate::cli::output;
use crate::host::{CallEnd, Host, Origin, Server, ToolCall};
use crate::ids::Moment;

/// Prints events.
#[derive(Debug, Default)]
pub struct Events {
    watch: Watch,
}

impl Reporter for Events {
    fn look(&mut self, host: &Host, now: Moment) {
        for news in self.watch.news(host) {
            match news {
                News::Server(server) => print(&server_event(server)),
                News::Text(delta) => print(&json!({ "type": "text", "delta": delta })),
                News::TextEnd => {}
                News::Call(call) => print(&call_event(call)),
                News::Result(call) => {
                    approval_event(call).iter().for_each(print);
                    print(&with_type("tool_result", result_json(call, now)));
                }
                News::Note(note) => {
                    let kind = if note.level == crate::agent::transcript::Level::Error {
                        "error"
                    } else {
                        "note"
                    };
                    print(
                        &json!({ "type": kind, "message": note.text, "hint": note.hint, "level": note.level }),
                    );
                }
            }
        }
    }

    fn end(&mut self, host: &Host) {
        let steps = host.transcript.steps();
        print(&json!({
            "type": "turn_end",
            "stop_reason": host.stopped,
            "steps": steps,
            "usage": { "prompt_tokens": host.usage.prompt, "completion_tokens": host.usage.completion },
        }));
    }
}

fn print(event: &Value) {
    output::data(&format!("{event}\n"));
}

fn with_type(kind: &str, mut event: Value) -> Value {
    if let Value::Object(fields) = &mut event {
        fields.shift_insert(0, "type".to_owned(), Value::String(kind.to_owned()));
    }
    event
}

fn server_event(server: &Server) -> Value {
    json!({
        "type": "server",
        "server": server.name,
        "state": server.status.word(),
        "tools": server.tools.len(),
        "failure": server.status.failure(),
    })
}

fn call_event(call: &ToolCall) -> Value {
    let arguments = serde_json::from_str(&call.arguments)
        .unwrap_or_else(|_| Value::String(call.arguments.clone()));
    json!({
        "type": "tool_call",
        "call": call.id,
        "server": call.server,
        "tool": call.tool,
        "arguments": arguments,
    })
}

/// A refusal is an event of its own, so that a script can tell it from an error of the tool.
fn approval_event(call: &ToolCall) -> Option<Value> {
    let reason = match (&call.origin, call.end()?) {
        (Origin::Model { .. }, CallEnd::Denied { reason }) => reason.as_deref(),
        (Origin::Model { .. }, CallEnd::Refused { why }) => Some(why.as_str()),
        _ => return None,
    };
    Some(json!({
        "type": "approval",
        "call": call.id,
        "server": call.server,
        "tool": call.tool,
        "decision": "refused",
        "reason": reason,
    }))
}
