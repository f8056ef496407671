//! The scripted model's script: a small TOML format that anybody can write, and its checks.
//!
//! Pure; `scripted` paces what [`Script::answer`] says. A script makes real calls and builds its texts from their real results; it
//! must never pretend to be a language model. The format, by example:
//!
//! ```toml
//! opening = "I am a script that plays a model."      # templates are minijinja; `prompts` lists what the script knows
//! fallback = "I do not know that one. I know: {{ prompts|join(', ') }}"
//! pace_ms = 15                                       # between pieces of text; 0: all at once
//!
//! [[reply]]
//! prompt = "List the files here"                     # how it is offered; it always matches
//! when = ["list|show (me) (all) (the) files *"]      # further phrases, see below
//! suggest = "Read README.md"                         # the prompt to offer next
//!
//! [[reply.step]]
//! call = { tool = "files.list_directory", arguments = { path = "." } }   # several at once: calls = [{...}, {...}]
//! on_error = "That went wrong: {{ results[0].text }}"                    # said when a call of this step failed
//!
//! [[reply.step]]                                     # the last step only speaks
//! say = "There are {{ results[0].structured.total|count('entry', 'entries') }}."
//! ```
//!
//! A call may carry `each = "results[0].structured.contacts"`: it is made once for each entry, which its arguments see as `item`; and
//! `if = "not results[1].structured.total"`: it is made only where that is true. A step of which no call is left is passed over.
//!
//! A phrase fits the whole prompt: `*` is any words, `{name}` one word that templates can use, `a|b` either, `(word)` optional.
//! Templates see `prompt`, `prompts`, the caught words, and `results`: each has `tool`, `text`, `structured` (parsed JSON) and `error`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

mod answer;
mod check;
mod phrase;
mod played;
mod render;

use phrase::Phrase;

/// A script that was read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    opening: String,
    fallback: String,
    pace_ms: u64,
    replies: Vec<Reply>,
}

/// Why a script cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line in the file, from 1.
    pub line: usize,
    /// What is wrong there and what was expected.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Reply {
    prompt: String,
    when: Vec<Phrase>,
    suggest: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    say: Option<String>,
    calls: Vec<Call>,
    on_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Call {
    server: String,
    tool: String,
    arguments: Value,
    /// An expression: the list for whose entries it is made, each for itself.
    each: Option<String>,
    /// An expression: whether it is made.
    condition: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptFile {
    opening: Spanned<String>,
    fallback: Spanned<String>,
    #[serde(default = "usual_pace")]
    pace_ms: u64,
    reply: Vec<Spanned<ReplyFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyFile {
    prompt: Spanned<String>,
    #[serde(default)]
    when: Vec<Spanned<String>>,
    suggest: Option<String>,
    #[serde(default)]
    step: Vec<Spanned<StepFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFile {
    say: Option<Spanned<String>>,
    call: Option<Spanned<CallFile>>,
    #[serde(default)]
    calls: Vec<Spanned<CallFile>>,
    on_error: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallFile {
    tool: String,
    #[serde(default)]
    arguments: serde_json::Map<String, Value>,
    each: Option<String>,
    #[serde(rename = "if")]
    condition: Option<String>,
}

fn usual_pace() -> u64 {
    15
}

impl Script {
    /// Reads and checks a script: also its phrases and the syntax of its templates.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        check::script(text)
    }

    /// What the script says of itself before anything was asked.
    pub fn opening(&self) -> String {
        self.speak(&self.opening, &BTreeMap::new(), "")
    }

    /// What it says to a prompt that it does not know.
    pub fn fallback(&self, prompt: &str) -> String {
        self.speak(&self.fallback, &BTreeMap::new(), prompt)
    }

    /// The prompts that it offers, in order.
    pub fn prompts(&self) -> impl Iterator<Item = &str> {
        self.replies.iter().map(|reply| reply.prompt.as_str())
    }

    /// The prompt to offer next: the first one at the start and after an unknown prompt, nothing after the last.
    pub fn suggestion_after(&self, last_prompt: Option<&str>) -> Option<&str> {
        match last_prompt.and_then(|prompt| self.find(prompt)) {
            Some((reply, _)) => reply.suggest.as_deref(),
            None => self.prompts().next(),
        }
    }

    /// The pause between two pieces of text.
    pub fn pace(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.pace_ms)
    }

    /// The same script with another pace, in milliseconds.
    pub fn with_pace(mut self, pace_ms: u64) -> Self {
        self.pace_ms = pace_ms;
        self
    }

    /// The reply for a prompt, and the words that its phrase caught.
    fn find(&self, prompt: &str) -> Option<(&Reply, BTreeMap<String, String>)> {
        self.replies.iter().find_map(|reply| {
            let caught = reply
                .when
                .iter()
                .find_map(|phrase| phrase.matches(prompt))?;
            Some((reply, caught))
        })
    }
}

#[cfg(test)]
mod tests;
