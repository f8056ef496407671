//! Resources and their templates as a server describes them, read leniently.
//!
//! Plain data. All text here is the server's: clean it at the exits.

use serde::{Deserialize, Serialize};

use crate::mcp::tool::Icon;

/// One resource of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its URI, by which it is read.
    pub uri: String,
    /// The server's name for it.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is, in the server's words.
    pub description: Option<String>,
    /// Its MIME type, where the server gives one.
    pub mime: Option<String>,
    /// Its size in bytes, where the server gives one.
    pub size: Option<u64>,
    /// Pictures for it; only safe URIs are kept.
    pub icons: Vec<Icon>,
}

/// A family of resources: a URI with variables in it (RFC 6570).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The URI template, such as `file:///{path}`.
    pub uri_template: String,
    /// The server's name for it.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it is, in the server's words.
    pub description: Option<String>,
    /// The MIME type of all of them, where they have one.
    pub mime: Option<String>,
}
