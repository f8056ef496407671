//! How a server does, in words with a reason: the one judgement that the pane, the model, `status` and the bell go by.
//!
//! Pure. `health` holds the figures, `status` where it stands; this says what they come to.

use serde::Serialize;

/// The judgement of one server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verdict {
    /// What it comes to.
    pub grade: Grade,
    /// The word with its reason, such as `slow: p95 4.1 s, was 0.3 s`; no words of the server's own but where they are quoted.
    pub words: String,
}

/// What a judgement comes to, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nothing is known yet: it starts, or is switched off.
    #[default]
    Unknown,
    /// All is well.
    Healthy,
    /// It answers later than it did.
    Slow,
    /// Many of its calls fail.
    Failing,
    /// It is not there, or nothing is sent to it.
    Down,
}
