//! A tool as its server describes it, read leniently: one odd field costs that field, one odd tool costs that tool.
//!
//! Our own types, so that the protocol library's stay behind `connection`. All text here is the server's: clean it at the exits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One tool of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The server's own name for it.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it does, in the server's words.
    pub description: Option<String>,
    /// JSON Schema of the arguments; always an object.
    pub input_schema: Value,
    /// JSON Schema of `structuredContent`, where the server gives one.
    pub output_schema: Option<Value>,
    /// The server's hints: shown, never trusted.
    pub annotations: Annotations,
    /// Pictures for it; only safe URIs are kept.
    pub icons: Vec<Icon>,
    /// Whether it runs as a task (2025-11-25).
    pub task: TaskSupport,
}

/// A picture for a tool, a resource or a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// `https:` or `data:`, nothing else.
    pub src: String,
    /// Its MIME type, where the server gives one.
    pub mime: Option<String>,
}

/// Whether a tool runs as a task in the revision 2025-11-25 (`execution.taskSupport`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskSupport {
    /// Never.
    #[default]
    Forbidden,
    /// It can.
    Optional,
    /// It does not run otherwise.
    Required,
}

/// What a server claims of a tool. Hints, not permissions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Annotations {
    /// Claims to change nothing.
    pub read_only: Option<bool>,
    /// Claims that it may destroy (or that it does not).
    pub destructive: Option<bool>,
    /// Claims that a second equal call changes nothing more.
    pub idempotent: Option<bool>,
    /// Claims to reach the outside world.
    pub open_world: Option<bool>,
}
