//! What can stand in a script. Plain data, read from TOML by the scripted server alone.
//!
//! ```toml
//! era = "legacy"                    # "legacy" (default), "modern" or "both"
//! revision = "2024-11-05"           # the answer to initialize (2025-11-25 by default)
//! capabilities = { tools = {} }     # instead of tools that tell when they change
//! [start]                           # before anything is read; each key may be left out
//! delay_ms = 100                    # waits
//! stdout = ["Server started"]       # raw lines
//! stderr = ["cannot find the key"]
//! stderr_lines = 100000             # so many lines of stderr
//! spawn = ["sleep", "1000"]         # a grandchild that lives on; its process id goes to stderr
//! ignore_term = true                # does not end on SIGTERM
//! ignore_eof = true                 # does not end when stdin closes
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
//! times = 1                         # used up after so many
//! stdout = ['{"broken', 'noise']    # raw lines first; {id} stands for the request's id
//! stderr = ["..."]
//! long_line = 17000000              # a line of so many bytes
//! wait_for = "q1"                   # until the client has answered the request of this id
//! progress = [{ progress = 1, total = 2, message = "half", delay_ms = 50 }]
//! delay_ms = 100                    # then waits
//! result = { content = [] }         # then answers with this,
//! error = { code = -1, message = "no" }   # or this,
//! silent = true                     # or not at all,
//! exit = 1                          # or ends with this code
//! ```

use serde::Deserialize;
use serde_json::Value;

/// The script as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Script {
    pub(super) era: Era,
    pub(super) revision: Option<String>,
    pub(super) capabilities: Option<Value>,
    pub(super) start: Start,
    pub(super) tools: Vec<Value>,
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
    pub(super) exit: Option<u8>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) method: String,
    pub(super) tool: Option<String>,
    pub(super) cursor: Option<String>,
    pub(super) has: Option<String>,
    pub(super) after: Option<String>,
    pub(super) wait_for: Option<String>,
    pub(super) times: Option<usize>,
    #[serde(default)]
    pub(super) stdout: Vec<String>,
    #[serde(default)]
    pub(super) stderr: Vec<String>,
    pub(super) long_line: Option<usize>,
    #[serde(default)]
    pub(super) progress: Vec<Step>,
    #[serde(default)]
    pub(super) delay_ms: u64,
    pub(super) result: Option<Value>,
    pub(super) error: Option<Value>,
    #[serde(default)]
    pub(super) silent: bool,
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

impl Rule {
    /// What the server does by itself.
    pub(super) fn plain(method: &str, result: Option<Value>, error: Option<Value>) -> Self {
        Self {
            method: method.to_owned(),
            tool: None,
            cursor: None,
            has: None,
            after: None,
            wait_for: None,
            times: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            long_line: None,
            progress: Vec::new(),
            delay_ms: 0,
            result,
            error,
            silent: false,
            exit: None,
        }
    }
}
