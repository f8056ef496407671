//! What the configuration says of calls to one server: how many, how long, which may be repeated, what is kept of the answers,
//! and what its process may touch.
//!
//! Plain data, resolved by `resolve::policy`. Read by `host` and `mcp`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The rules of one server's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Calls under way at a time; 8 by default.
    pub calls_at_once: u32,
    /// Calls begun within any minute; absent: as many as come.
    pub calls_per_minute: Option<u32>,
    /// A call is given up after this time, progress or not; absent: ten times `tool_timeout`.
    pub call_limit: Option<Duration>,
    /// Tools that may be sent again when their outcome is unknown, because the person says that they only read, or that twice
    /// is once. The server's own annotations say nothing here.
    pub repeatable: Vec<String>,
    /// How long a list is good for that says nothing of that itself; 5 minutes by default.
    pub list_ttl: Duration,
    /// Tools whose answers are kept, and for how long.
    pub cache: BTreeMap<String, Duration>,
    /// What its process may touch; absent: what the person may.
    pub confine: Option<Confinement>,
}

/// What the process of a stdio server may touch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confinement {
    /// Folders and files that it may read, with all below; the system's programs and libraries always.
    pub read: Vec<PathBuf>,
    /// Folders and files that it may change as well.
    pub write: Vec<PathBuf>,
    /// Whether it may open connections to the network.
    pub network: bool,
}

/// How much of a confinement the system holds. None at all is no state: then the server is not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Files, folders, TCP where it is closed, signals to other processes, abstract sockets.
    Fully,
    /// Files, folders and TCP; the kernel is too old for the rest.
    Partly,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            calls_at_once: 8,
            calls_per_minute: None,
            call_limit: None,
            repeatable: Vec::new(),
            list_ttl: Duration::from_secs(300),
            cache: BTreeMap::new(),
            confine: None,
        }
    }
}
