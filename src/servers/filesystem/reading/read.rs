//! What the reading tools share: arguments of one path, limits, times. They change nothing.

use cap_std::fs::Metadata;
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::Deserialize;

/// Bytes of one read.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Arguments of the tools that take one path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathArgs {
    /// The path: relative to the first allowed folder, or absolute inside an allowed folder.
    pub path: String,
}

/// Arguments of a tool that takes none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArgs {}

/// When a file was last changed, where the system knows.
pub fn modified(meta: &Metadata) -> Option<String> {
    meta.modified().ok().map(|time| rfc3339(time.into_std()))
}

/// A time as RFC 3339, to the second.
pub fn rfc3339(time: std::time::SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}
