//! The turn as JSON lines: one event a line, the last one `turn_end`. Every control character is escaped, so whoever reads the
//! JSON gets the texts as they came.

use serde_json::{Value, json};

use super::Reporter;
use super::watch::{News, Watch};
use crate::agent::model::Usage;
use crate::agent::transcript::{Entry, Level};
use crate::cli::call::result_json;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output;
use crate::host::{CallEnd, Host, Origin, Saving, Server, ToolCall};
use crate::ids::Moment;

/// Prints events.
#[derive(Debug, Default)]
pub struct Events {
    watch: Watch,
    /// An `error` event has been printed.
    told: bool,
}

impl Reporter for Events {
    fn pass_over(&mut self, host: &Host) {
        self.watch.pass_over(host);
    }

    fn look(&mut self, host: &Host, now: Moment) {
        for news in self.watch.news(host) {
            match news {
                News::Server(server) => print(&server_event(server)),
                News::Verdict(server) => print(&verdict_event(server)),
                News::Text(delta) => print(&json!({ "type": "text", "delta": delta })),
                News::TextEnd => {}
                News::Call(call) => print(&call_event(call)),
                News::Result(call) => {
                    approval_event(call).iter().for_each(print);
                    let mut event = result_json(call, now);
                    event.kind = Some("tool_result");
                    output::event(&event);
                }
                News::Note(note) if note.level == Level::Error => {
                    self.told = true;
                    print(&error_event(&note.text, note.hint.as_deref()));
                }
                News::Note(note) => print(&json!({
                    "type": "note", "level": note.level, "message": note.text, "hint": note.hint,
                })),
            }
        }
    }

    fn end(&mut self, host: Option<&Host>, error: Option<&CliError>) {
        let stopped = host.and_then(|host| host.stopped);
        if let Some(error) = error
            && stopped.is_none()
            && !self.told
            && !matches!(error.kind, ErrorKind::Interrupted(_))
        {
            let hint = (!error.hints.is_empty()).then(|| error.hints.join("\n"));
            print(&error_event(&error.message, hint.as_deref()));
        }
        let (steps, usage) = host.map(of_this_run).unwrap_or_default();
        let mut end = json!({
            "type": "turn_end",
            "stop_reason": stopped.map_or_else(|| json!(error.map(why_not_begun)), |stopped| json!(stopped)),
            "steps": steps,
            "usage": { "prompt_tokens": usage.prompt, "completion_tokens": usage.completion },
        });
        if let Some((host, id)) = host.and_then(|host| Some((host, host.session.id.as_ref()?))) {
            let saved = host.session.saving == Saving::Saved;
            end["session"] = json!({ "id": id, "saved": saved });
        }
        print(&end);
    }
}

/// The steps and tokens of this run, without those of the session that it goes on with.
fn of_this_run(host: &Host) -> (usize, Usage) {
    let (mut steps, mut usage) = (0, Usage::default());
    for entry in host
        .transcript
        .entries()
        .iter()
        .skip(host.session.restored.0)
    {
        if let Entry::Assistant(step) = entry {
            let tokens = step.usage.unwrap_or_default();
            steps += 1;
            usage.prompt += tokens.prompt;
            usage.completion += tokens.completion;
        }
    }
    (steps, usage)
}

/// The stop reason of a turn that never began.
fn why_not_begun(error: &CliError) -> &'static str {
    match error.kind {
        ErrorKind::Usage => "usage",
        ErrorKind::Server | ErrorKind::Tool => "server_failed",
        ErrorKind::Model => "model_failed",
        ErrorKind::Interrupted(_) => "interrupted",
    }
}

fn error_event(message: &str, hint: Option<&str>) -> Value {
    json!({ "type": "error", "message": message, "hint": hint })
}

fn print(event: &Value) {
    output::event(event);
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

/// The words of a failure stand in the `server` event, raw; these are ours.
fn verdict_event(server: &Server) -> Value {
    json!({
        "type": "verdict",
        "server": server.name,
        "grade": server.verdict.grade,
        "cause": server.verdict.cause,
        "words": server.verdict.words,
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
