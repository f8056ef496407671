//! The kinds of frames that a filter names.
//!
//! Pure. Used by `filter` alone.

use crate::mcp::wire::log::Entry;
use crate::mcp::wire::record::WireKind;

/// The kinds, as an error names them.
const KINDS: &str =
    "request, response, error, notification, other, noise, stderr, fault, http, open";

/// A kind of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
    Error,
    Notification,
    Other,
    Noise,
    Stderr,
    Fault,
    Http,
    /// A request without its answer so far.
    Open,
}

/// The kind of this name.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "request" => Kind::Request,
        "response" | "result" => Kind::Response,
        "error" => Kind::Error,
        "notification" => Kind::Notification,
        "other" => Kind::Other,
        "noise" => Kind::Noise,
        "stderr" => Kind::Stderr,
        "fault" => Kind::Fault,
        "http" => Kind::Http,
        "open" => Kind::Open,
        _ => return Err(format!("`{text}` is no kind; there are {KINDS}")),
    })
}

impl Kind {
    /// Whether a frame is of it.
    pub(super) fn holds(self, entry: &Entry) -> bool {
        let is = match &entry.record.kind {
            WireKind::Request { .. } if self == Self::Open => return entry.latency.is_none(),
            WireKind::Request { .. } => Self::Request,
            WireKind::Response { .. } => Self::Response,
            WireKind::Error { .. } => Self::Error,
            WireKind::Notification { .. } => Self::Notification,
            WireKind::NotMessage => Self::Other,
            WireKind::NotJson => Self::Noise,
            WireKind::Stderr => Self::Stderr,
            WireKind::Fault { .. } => Self::Fault,
            WireKind::Http { .. } => Self::Http,
        };
        is == self
    }
}
