//! Prompts as a server describes them, read leniently.
//!
//! Plain data. All text here is the server's: clean it at the exits.

use serde::{Deserialize, Serialize};

use crate::mcp::tool::Icon;

/// One prompt of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// The server's own name for it.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it does, in the server's words.
    pub description: Option<String>,
    /// What it wants to be told.
    pub arguments: Vec<PromptArgument>,
    /// Pictures for it; only safe URIs are kept.
    pub icons: Vec<Icon>,
}

/// One argument of a prompt. Its value is always a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is, in the server's words.
    pub description: Option<String>,
    /// Whether the prompt cannot do without it.
    pub required: bool,
}
