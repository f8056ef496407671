//! What strikes the eye in what a server says of its tools: words that speak to the model instead of describing, characters
//! that hide, and tools that pass for another server's.
//!
//! Pure. A flag is a hint for the person: it blocks nothing and hides nothing. `hidden` looks at characters, `words` at what is
//! said, `alike` at the tools of all servers together. Called by the host whenever a list of tools comes.

mod alike;
mod hidden;
mod words;

use serde::Serialize;
use serde_json::Value;

use crate::ids::ServerName;
use crate::mcp::tool::Tool;

pub use alike::{Alike, Named, alike, skeleton};

/// Flags of one tool or one server that are kept.
const MOST: usize = 12;
/// Bytes of all texts of one tool that are looked at: what is longer strikes the eye by that alone.
const BYTES: usize = 64 << 10;
/// Levels of a schema that are looked into.
const DEPTH: usize = 24;

/// One thing that strikes the eye.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "flag", rename_all = "snake_case")]
pub enum Flag {
    /// A text speaks to the model.
    Speaks {
        /// What it seems to want, in our words: `tells the model to ignore what it was told`.
        what: String,
        /// Where: `description`, `input.properties.x.description`.
        part: String,
        /// Its words, raw.
        words: String,
    },
    /// A text holds characters that do not show.
    Hides {
        /// Which, in our words: `12 tag characters, which spell "…"`.
        what: String,
        /// Where.
        part: String,
    },
    /// A tool passes for another.
    Alike {
        /// How, in our words: `the same name`.
        how: String,
        /// The other one's server.
        server: ServerName,
        /// The other one.
        tool: String,
    },
}

impl Flag {
    /// The flag as a sentence without its full stop; the server's words in it are raw.
    pub fn sentence(&self) -> String {
        match self {
            Self::Speaks { what, part, words } => format!("{part} {what}: \"{words}\""),
            Self::Hides { what, part } => format!("{part} hides {what}"),
            Self::Alike { how, server, tool } => format!("{how} as {server}.{tool}"),
        }
    }
}

/// What strikes the eye in one tool by itself.
pub fn of_tool(tool: &Tool) -> Vec<Flag> {
    let mut eye = Eye::default();
    eye.name("name", &tool.name);
    for (part, text) in [("title", &tool.title), ("description", &tool.description)] {
        if let Some(text) = text {
            eye.text(part, text);
        }
    }
    eye.schema("input", &tool.input_schema, 0);
    if let Some(output) = &tool.output_schema {
        eye.schema("output", output, 0);
    }
    eye.seen()
}

/// What strikes the eye in what a server says of itself.
pub fn of_instructions(text: &str) -> Vec<Flag> {
    let mut eye = Eye::default();
    eye.text("instructions", text);
    eye.seen()
}

/// What does not show in the words of something else that is offered: a prompt, a resource, a template. Each part with its name.
pub fn of_words<'a>(words: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Flag> {
    let mut eye = Eye::default();
    for (part, text) in words {
        eye.hidden(part, text);
    }
    eye.seen()
}

#[derive(Default)]
struct Eye {
    flags: Vec<Flag>,
    read: usize,
}

impl Eye {
    fn seen(mut self) -> Vec<Flag> {
        self.flags.sort();
        self.flags.dedup();
        self.flags.truncate(MOST);
        self.flags
    }

    /// A name: one word, in which no sentence is expected.
    fn name(&mut self, part: &str, text: &str) {
        self.hidden(part, text);
        if alike::mixes_scripts(text) {
            let what = "letters of another script that look like Latin ones".to_owned();
            let part = part.to_owned();
            self.flags.push(Flag::Hides { what, part });
        }
    }

    fn text(&mut self, part: &str, text: &str) {
        let left = BYTES.saturating_sub(self.read);
        self.read = self.read.saturating_add(text.len());
        let mut end = left.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        self.hidden(part, text);
        for (what, words) in words::speaks(text) {
            self.flags.push(Flag::Speaks {
                what: what.to_owned(),
                part: part.to_owned(),
                words,
            });
        }
    }

    fn hidden(&mut self, part: &str, text: &str) {
        for what in hidden::hides(text) {
            let part = part.to_owned();
            self.flags.push(Flag::Hides { what, part });
        }
    }

    /// Every text of a schema: a model reads them all, whatever key they stand under.
    fn schema(&mut self, path: &str, of: &Value, depth: usize) {
        if depth > DEPTH || self.read > BYTES || self.flags.len() > MOST * 4 {
            return;
        }
        match of {
            Value::Object(object) => {
                for (key, value) in object {
                    let path = format!("{path}.{key}");
                    self.name(&path, key);
                    if key.contains(' ') {
                        self.text(&path, key);
                    }
                    self.schema(&path, value, depth + 1);
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.schema(&format!("{path}[{at}]"), item, depth + 1);
                }
            }
            // A pattern is made of signs.
            Value::String(text) if !path.ends_with(".pattern") => self.text(path, text),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
