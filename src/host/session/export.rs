//! A session for people, as Markdown, and for programs, as one JSON document.
//!
//! Pure: `time` says what a moment of the record is called. What servers and models wrote is cleaned on its way into Markdown,
//! and no text of theirs ends the block in which it stands; JSON escapes it.

use serde_json::{Value, json};

use crate::agent::transcript::{Assistant, Entry};
use crate::host::outcome;
use crate::host::session::line::{CallLine, Stage};
use crate::host::session::record::Record;
use crate::ids::{CallId, Moment};
use crate::mcp::result::CallOutcome;
use crate::text::{clean, human};

use crate::host::call::CallEnd;

impl Record {
    /// The session as Markdown.
    pub fn markdown(&self, time: impl Fn(Moment) -> String) -> String {
        let mut out = format!("# {}\n\n", escaped(&self.name()));
        let mut fact = |name: &str, value: String| {
            out.push_str(&format!("- {name}: {}\n", clean::line(&value)));
        };
        fact("Session", format!("`{}`", self.id));
        if let Some(header) = &self.header {
            fact("Begun", time(header.started));
            fact("Folder", format!("`{}`", header.folder.display()));
        }
        if !self.models.is_empty() {
            fact("Model", self.models.join(", "));
        }
        let (sent, told) = (self.usage.prompt, self.usage.completion);
        if sent + told > 0 {
            let (sent, told) = (human::count(sent), human::count(told));
            fact("Tokens", format!("{sent} in, {told} out"));
        }
        if let Some(trouble) = &self.trouble {
            fact("Not as it should be", trouble.clone());
        }
        for entry in &self.entries {
            out.push_str(&self.entry(entry, &time));
        }
        out
    }

    fn entry(&self, entry: &Entry, time: &impl Fn(Moment) -> String) -> String {
        match entry {
            Entry::User { text, at, .. } => {
                format!(
                    "\n## You, {}\n\n{}\n",
                    time(*at),
                    clean::block(text).trim_end()
                )
            }
            Entry::Assistant(step) => self.step(step, time),
            Entry::Note(note) => format!("\n> {}\n", clean::line(&note.text)),
            Entry::Told { text } => format!("\n> mcpdeck to the model: {}\n", clean::line(text)),
            Entry::Compacted(compacted) => format!(
                "\n> From here on the model saw less of what stands above: {} tokens instead of {}\n",
                compacted.after, compacted.before
            ),
            Entry::Hand { call } => format!("\n## Your call\n{}", self.call(*call)),
        }
    }

    fn step(&self, step: &Assistant, time: &impl Fn(Moment) -> String) -> String {
        let mut out = format!("\n## Model, {}\n", time(step.since));
        if !step.text.trim().is_empty() {
            out.push_str(&format!("\n{}\n", clean::block(&step.text).trim_end()));
        }
        for call in &step.calls {
            out.push_str(&self.call(*call));
        }
        out
    }

    fn call(&self, id: CallId) -> String {
        let Some(call) = self.calls.iter().find(|call| call.call == id.0) else {
            return String::new();
        };
        let title = clean::line(&title(call)).replace('`', "'");
        let (word, text) = ended(call);
        let arguments = fenced("json", &clean::block(&call.arguments));
        let text = fenced("text", &clean::block(&text));
        format!("\n### Call {id}: `{title}`, {word}\n\n{arguments}\n{text}")
    }

    /// The session as JSON.
    pub fn json(&self, time: impl Fn(Moment) -> String) -> Value {
        let header = self.header.as_ref();
        let entries: Vec<Value> = self
            .entries
            .iter()
            .map(|entry| self.entry_json(entry, &time))
            .collect();
        json!({
            "id": self.id,
            "title": self.name(),
            "folder": header.map(|header| &header.folder),
            "config": header.and_then(|header| header.config.as_ref()),
            "started": header.map(|header| time(header.started)),
            "last": self.last.map(&time),
            "mcpdeck": header.map(|header| &header.mcpdeck),
            "copy_of": header.and_then(|header| header.from.as_ref()),
            "models": self.models,
            "turns": self.turns(),
            "usage": { "prompt_tokens": self.usage.prompt, "completion_tokens": self.usage.completion },
            "trouble": self.trouble,
            "entries": entries,
        })
    }

    fn entry_json(&self, entry: &Entry, time: &impl Fn(Moment) -> String) -> Value {
        match entry {
            Entry::User { text, at, sent } => {
                json!({ "entry": "user", "text": text, "at": time(*at), "sent": sent })
            }
            Entry::Assistant(step) => json!({
                "entry": "step",
                "turn": step.turn,
                "step": step.step,
                "text": step.text,
                "at": time(step.since),
                "usage": step.usage,
                "calls": step.calls.iter().map(|id| self.call_json(*id, time)).collect::<Vec<_>>(),
            }),
            Entry::Note(note) => json!({
                "entry": "note", "level": note.level, "text": note.text, "hint": note.hint,
            }),
            Entry::Told { text } => json!({ "entry": "told", "text": text }),
            Entry::Compacted(compacted) => json!({
                "entry": "compacted",
                "summary": compacted.summary.as_ref().map(|summary| &summary.text),
                "before": compacted.before,
                "after": compacted.after,
            }),
            Entry::Hand { call } => {
                json!({ "entry": "hand", "call": self.call_json(*call, time) })
            }
        }
    }

    fn call_json(&self, id: CallId, time: &impl Fn(Moment) -> String) -> Value {
        let Some(call) = self.calls.iter().find(|call| call.call == id.0) else {
            return Value::Null;
        };
        let arguments = serde_json::from_str(&call.arguments)
            .unwrap_or_else(|_| Value::String(call.arguments.clone()));
        let took = match &call.stage {
            Stage::Over { took, .. } => Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            Stage::Made | Stage::Sent { .. } => None,
        };
        let result = match &call.stage {
            Stage::Over {
                how:
                    CallEnd::Outcome {
                        outcome: CallOutcome::Answered { result },
                    },
                ..
            } => Some(result),
            _ => None,
        };
        let (word, text) = ended(call);
        json!({
            "call": call.call,
            "server": call.server,
            "method": call.method,
            "tool": call.tool,
            "arguments": arguments,
            "made": time(call.made),
            "end": word,
            "took_ms": took,
            "text": text,
            "result": result,
            "ruling": call.ruling,
        })
    }
}

/// How a call ended, as a word and as the words that the model reads.
fn ended(call: &CallLine) -> (&'static str, String) {
    match &call.stage {
        Stage::Over { how, .. } => (how.word(), outcome::words(how).into_owned()),
        Stage::Sent { .. } => {
            let text = "it was with its server when the record ends; it may have run";
            ("outcome unknown", text.to_owned())
        }
        Stage::Made => (
            "not sent",
            "it was not sent when the record ends".to_owned(),
        ),
    }
}

fn title(call: &CallLine) -> String {
    match &call.server {
        Some(server) => format!("{server}.{}", call.tool),
        None => call.tool.clone(),
    }
}

/// A block that no line of its text ends.
fn fenced(kind: &str, text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{kind}\n{}\n{fence}\n", text.trim_end())
}

fn escaped(line: &str) -> String {
    line.replace(['#', '\n'], " ").trim().to_owned()
}
