//! Test files, `mcpdeck test FILE.toml`: a server and cases, each with what is expected of it.
//!
//! Pure. Read with the configuration's own reader, so that a wrong key is named as it is named there, and `[server]` and `[model]`
//! are the tables of `mcp.toml`. Knows nothing of how a case is run or judged: that is `cli::test`.

mod expect;
mod read;
mod value;

use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;
use serde_json::Value as Json;
use serde_json_path::JsonPath;

use crate::config::environment::{Environment, Flags};
use crate::config::error::Place;
use crate::config::server::ServerSpec;
use crate::config::settings::ModelSettings;
use crate::ids::ServerName;

/// The name that `[server]` of a test file has, as scripts and `approve` say it.
pub const OWN_NAME: &str = "server";

/// One file.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The file as it is shown.
    pub shown: PathBuf,
    /// The server that is called.
    pub server: Under,
    /// The file's own model; absent: there is none.
    pub model: Option<Box<ModelSettings>>,
    /// Calls of a model that is no script and that may run without a question, `SERVER.TOOL` with globs.
    pub approve: Vec<String>,
    /// What is doubtful in the file.
    pub warnings: Vec<String>,
    /// The cases, in their order.
    pub cases: Vec<Case>,
}

/// The server under test.
#[derive(Debug, Clone)]
pub enum Under {
    /// `server = "NAME"`: one of the configuration.
    Named(ServerName),
    /// `[server]`: the file's own.
    Own(Box<ServerSpec>),
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub place: Option<Place>,
    /// What is done.
    pub act: Act,
    /// Why it is not run now.
    pub skip: Option<String>,
    /// What is expected.
    pub expect: Expect,
}

/// What a case does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Calls a tool.
    Call {
        /// The tool.
        tool: String,
        /// The arguments as one JSON object.
        arguments: String,
    },
    /// Reads a resource.
    Read {
        /// Its URI.
        uri: String,
    },
    /// Gets a prompt.
    Prompt {
        /// The prompt.
        prompt: String,
        /// The arguments as one JSON object of texts.
        arguments: String,
    },
    /// Says something to the model.
    Ask {
        /// The words.
        text: String,
    },
}

/// What is expected. What is absent is not looked at, but for errors: none is expected.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Whether the tool says that it failed.
    pub is_error: bool,
    /// The server refuses with this JSON-RPC code.
    pub error_code: Option<i64>,
    /// The text as a whole.
    pub text: Option<String>,
    /// Parts of the text.
    pub contains: Vec<String>,
    /// What the text must not hold.
    pub lacks: Vec<String>,
    /// Regular expressions that match somewhere in the text.
    pub matches: Vec<Regex>,
    /// What stands at places of the JSON.
    pub json: Vec<Field>,
    /// A JSON Schema for the JSON.
    pub schema: Option<Schema>,
    /// The longest that it may take.
    pub within: Option<Duration>,
    /// The calls of the model, in order: these and no others.
    pub calls: Option<Vec<ExpectedCall>>,
}

/// A JSON Schema with the place where it was written.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Where.
    pub place: Option<Place>,
    /// The schema.
    pub value: Json,
}

/// What stands at a place of the JSON.
#[derive(Debug, Clone)]
pub struct Field {
    /// The place: a JSON path (RFC 9535).
    pub path: JsonPath,
    /// The path as it was written.
    pub written: String,
    /// Of which JSON.
    pub of: Part,
    /// What is wanted there.
    pub want: Want,
}

/// Which JSON a path is looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// The structured content, or where there is none the text, read as JSON.
    #[default]
    Content,
    /// The whole result, as `mcpdeck call --json` prints it.
    Result,
}

/// What is wanted at a place.
#[derive(Debug, Clone)]
pub enum Want {
    /// This value; where the path finds several, all of them as an array.
    Equals(Json),
    /// Each value found is a text that contains this.
    Contains(String),
    /// Each value found is a text (or a number, as it is written) that this matches.
    Matches(Regex),
    /// Whether there is anything.
    Exists(bool),
    /// How many values are found.
    Count(usize),
}

/// A call that the model is expected to make.
#[derive(Debug, Clone)]
pub struct ExpectedCall {
    /// The tool, as the server calls it.
    pub tool: String,
    /// The arguments as a whole.
    pub arguments: Option<Json>,
    /// What stands at places of the arguments.
    pub json: Vec<Field>,
}

/// Reads a test file's text.
///
/// # Errors
/// Everything that is wrong with it, a finding each, in the order of the file.
pub fn read(
    text: &str,
    path: &Path,
    flags: &Flags,
    environment: &Environment,
) -> Result<Suite, Vec<String>> {
    read::suite(text, path, flags, environment)
}

#[cfg(test)]
mod tests;
