//! A call that may have run and of which nobody knows: said to the person, with a look by a tool that only reads.
//!
//! Pure. It is never sent again from here; what is offered goes into the person's own hands. `app` and `view` ask.

use serde_json::{Map, Value};

use crate::agent::transcript::Level;
use crate::host::call::{CallEnd, ToolCall};
use crate::host::outcome;
use crate::host::server::Server;
use crate::host::state::Host;
use crate::ids::CallId;
use crate::mcp::request::Method;
use crate::mcp::result::CallOutcome;
use crate::mcp::tool::Tool;

/// A look at what a call may have done: a tool of the same server that says of itself that it only reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The tool.
    pub tool: String,
    /// Its arguments so far as the call gives them, one line of JSON.
    pub arguments: String,
}

impl Host {
    /// Whether this call may have changed something although there is no answer.
    pub fn is_unknown(&self, call: &ToolCall) -> bool {
        let Some(CallEnd::Outcome { outcome }) = call.end() else {
            return false;
        };
        let server = call.server.as_ref().and_then(|name| self.server(name));
        let reads = server.is_some_and(|server| {
            let tool = server.tool(&call.tool);
            server.is_bundled() && tool.is_some_and(|of| of.annotations.read_only == Some(true))
        });
        outcome.is_unknown() && call.method == Method::Tool && !reads
    }

    /// The tool by which a person can look what became of a call, its arguments filled in from the call's own.
    pub fn check_of(&self, call: &ToolCall) -> Option<Look> {
        let server = self.server(call.server.as_ref()?)?;
        let given: Map<String, Value> = serde_json::from_str(&call.arguments).unwrap_or_default();
        let looks = server.tools.iter().filter_map(|tool| look(tool, &given));
        let (_, look) = looks.max_by_key(|(shared, _)| *shared)?;
        Some(look)
    }

    /// What the model can be asked, where no tool offers itself for the look.
    pub fn question_after(&self, call: &ToolCall) -> String {
        format!(
            "Nobody knows whether the call {} {} has run. Find out with tools that only read; do not call it again. Then say what you found.",
            call.title(),
            call.arguments.chars().take(500).collect::<String>()
        )
    }

    /// Says once that the outcome of a call is unknown, and what can be done about it. What the person cancelled needs no word.
    pub(in crate::host) fn say_unknown(&mut self, id: CallId) {
        let Some(call) = self.call(id).filter(|call| self.is_unknown(call)) else {
            return;
        };
        let Some(CallEnd::Outcome { outcome: end }) = call.end() else {
            return;
        };
        let why = match end {
            CallOutcome::Cancelled => return,
            CallOutcome::TimedOut { after } => format!(
                "there was no answer within {}",
                crate::text::human::duration(*after)
            ),
            CallOutcome::Lost { why } | CallOutcome::Unreadable { why } => why.clone(),
            CallOutcome::Answered { .. }
            | CallOutcome::Refused { .. }
            | CallOutcome::NotSent { .. } => return,
        };
        let text = format!(
            "{}: outcome unknown, because {why}. It may have run, so it is not repeated by itself.",
            call.title()
        );
        let hint = match self.settings.headless {
            true => "look with a tool that only reads before it is called again",
            false => "in the tool calls (F3), c looks what became of it and x sends it again",
        };
        self.transcript
            .note(Level::Warning, text, Some(hint.to_owned()));
    }
}

/// A tool that claims to read only, when what it needs can be filled in; with the number of arguments that it shares.
fn look(tool: &Tool, given: &Map<String, Value>) -> Option<(usize, Look)> {
    if tool.annotations.read_only != Some(true) {
        return None;
    }
    let schema = &tool.input_schema;
    let known = schema.get("properties").and_then(Value::as_object);
    let filled: Map<String, Value> = given
        .iter()
        .filter(|(name, value)| {
            let is_short = value.as_str().is_none_or(|text| text.len() <= 1_000);
            is_short && known.is_some_and(|known| known.contains_key(*name))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let required = schema.get("required").and_then(Value::as_array);
    let has = |name: &Value| name.as_str().is_some_and(|name| filled.contains_key(name));
    let fits = required.is_none_or(|names| names.iter().all(has));
    fits.then(|| {
        let look = Look {
            tool: tool.name.clone(),
            arguments: Value::Object(filled.clone()).to_string(),
        };
        (filled.len(), look)
    })
}

impl Server {
    /// Whether any of its tools claims to read only.
    pub fn has_reads(&self) -> bool {
        let mut tools = self.tools.iter();
        tools.any(|tool| tool.annotations.read_only == Some(true))
    }
}

/// The end of an unknown call on one line, for the card: without its warning, which stands there in full.
pub fn why(call: &ToolCall) -> String {
    let words = call.end().map(outcome::words).unwrap_or_default();
    let words = words.trim_start_matches("outcome unknown: ");
    let end = words.find("; it may have run").unwrap_or(words.len());
    words[..end].to_owned()
}
