//! What can stand in a script. Plain data, read from TOML by the scripted server alone.
//!
//! ```toml
//! era = "legacy"                    # "legacy" (default), "modern" or "both"
//! revision = "2024-11-05"           # the answer to initialize (2025-11-25 by default)
//! capabilities = { tools = {} }     # instead of tools that tell when they change
//! more_tools = 5000                 # so many tools `tool0`, `tool1`, ... behind those that are written out
//! [start]                           # before anything is read; each key may be left out
//! delay_ms = 100                    # waits
//! stdout = ["Server started"]       # raw lines
//! stderr = ["cannot find the key"]
//! stderr_lines = 100000             # so many lines of stderr
//! spawn = ["sleep", "1000"]         # a grandchild that lives on; its process id goes to stderr
//! ignore_term = true                # does not end on SIGTERM
//! ignore_eof = true                 # does not end when stdin closes
//! deaf = true                       # never reads
//! exit = 3                          # ends at once with this code
//!
//! [[tools]]                         # the answer to tools/list: any table, good or bad
//! name = "add"
//! inputSchema = { type = "object" }
//!
//! [[on]]                            # the first rule that fits and is not used up
//! method = "tools/call"             # required
//! tool = "add"                      # only this params.name
//! cursor = "2"                      # only this params.cursor
//! has = "inputResponses"            # only with this in its params
//! after = "tasks/update"            # only once a message of this method was received
//! skip = 2                          # not for the first so many
//! times = 1                         # used up after so many
//! stdout = ['{"broken', 'noise']    # raw lines first; {id} stands for the request's id, {token} for its progress token
//! repeat = 1000                     # those lines so many times, {n} stands for the number
//! every_ms = 5                      # with this wait between them
//! raw = '{"jsonrpc"'                # a text without the end of its line
//! bytes = [255, 10]                 # bytes as they are
//! nest = 200000                     # an answer that is nested so deep
//! stderr = ["..."]
//! long_line = 17000000              # a line of so many bytes
//! wait_for = "q1"                   # until the client has answered the request of this id
//! progress = [{ progress = 1, total = 2, message = "half", delay_ms = 50 }]
//! delay_ms = 100                    # then waits
//! result = { content = [] }         # then answers with this,
//! error = { code = -1, message = "no" }   # or this,
//! silent = true                     # or not at all,
//! exit = 1                          # or ends with this code
//! drip_ms = 2                       # the answer byte by byte, with this wait between them
//! ```
//! In every text of lines, tools and results `{x*1000}` stands for a thousand `x`.

use serde::Deserialize;
use serde_json::{Value, json};

/// The script as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Script {
    pub(super) era: Era,
    pub(super) revision: Option<String>,
    pub(super) capabilities: Option<Value>,
    pub(super) start: Start,
    pub(super) tools: Vec<Value>,
    pub(super) more_tools: usize,
    pub(super) on: Vec<Rule>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Era {
    #[default]
    Legacy,
    Modern,
    Both,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Start {
    pub(super) delay_ms: u64,
    pub(super) stdout: Vec<String>,
    pub(super) stderr: Vec<String>,
    pub(super) stderr_lines: usize,
    pub(super) spawn: Vec<String>,
    pub(super) ignore_term: bool,
    pub(super) ignore_eof: bool,
    pub(super) deaf: bool,
    pub(super) exit: Option<u8>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) method: String,
    pub(super) tool: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) has: Option<String>,
    pub(super) after: Option<String>,
    pub(super) wait_for: Option<String>,
    pub(super) skip: usize,
    pub(super) times: Option<usize>,
    pub(super) stdout: Vec<String>,
    pub(super) repeat: Option<usize>,
    pub(super) every_ms: u64,
    pub(super) raw: Option<String>,
    pub(super) bytes: Vec<u8>,
    pub(super) nest: Option<usize>,
    pub(super) stderr: Vec<String>,
    pub(super) long_line: Option<usize>,
    pub(super) progress: Vec<Step>,
    pub(super) delay_ms: u64,
    pub(super) result: Option<Value>,
    pub(super) error: Option<Value>,
    pub(super) silent: bool,
    pub(super) drip_ms: u64,
    pub(super) exit: Option<u8>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) progress: f64,
    pub(super) total: Option<f64>,
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) delay_ms: u64,
}

impl Script {
    /// Writes the shorthand of long texts out, and makes the tools that are only counted.
    pub(super) fn expand(&mut self) {
        self.tools.iter_mut().for_each(long_value);
        for number in 0..self.more_tools {
            self.tools.push(json!({
                "name": format!("tool{number}"), "inputSchema": { "type": "object" },
            }));
        }
        let start = &mut self.start;
        start.stdout.iter_mut().for_each(long_text);
        start.stderr.iter_mut().for_each(long_text);
        for rule in &mut self.on {
            rule.stdout.iter_mut().for_each(long_text);
            rule.stderr.iter_mut().for_each(long_text);
            rule.raw.iter_mut().for_each(long_text);
            rule.result.iter_mut().for_each(long_value);
            rule.error.iter_mut().for_each(long_value);
        }
    }
}

fn long_value(value: &mut Value) {
    match value {
        Value::String(text) => long_text(text),
        Value::Array(items) => items.iter_mut().for_each(long_value),
        Value::Object(fields) => fields.values_mut().for_each(long_value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `{x*3}` becomes `xxx`; anything else stays.
fn long_text(text: &mut String) {
    while let Some((at, end, long)) = shorthand(text) {
        text.replace_range(at..end, &long);
    }
}

fn shorthand(text: &str) -> Option<(usize, usize, String)> {
    text.match_indices('{').find_map(|(at, _)| {
        let (inside, _) = text[at + 1..].split_once('}')?;
        let (piece, times) = inside.split_once('*')?;
        // What it stands for must not be read as shorthand once more, or it would never end.
        if piece.contains('{') {
            return None;
        }
        let long = piece.repeat(times.parse().ok()?);
        Some((at, at + inside.len() + 2, long))
    })
}

impl Rule {
    /// What the server does by itself.
    pub(super) fn plain(method: &str, result: Option<Value>, error: Option<Value>) -> Self {
        Self {
            method: method.to_owned(),
            result,
            error,
            ..Self::default()
        }
    }

    /// The rule, unless this message is one of those that it lets pass.
    pub(super) fn unless_skipped(&mut self) -> Option<&mut Self> {
        match self.skip {
            0 => Some(self),
            _ => {
                self.skip -= 1;
                None
            }
        }
    }
}
