//! What a subcommand fails with: the kind fixes the exit code, the hints say what to do next.

use std::error::Error;
use std::fmt;

/// A failed subcommand.
#[derive(Debug)]
pub struct CliError {
    /// What sort; fixes the exit code.
    pub kind: ErrorKind,
    /// What failed, on what, why.
    pub message: String,
    /// What to do next, a sentence each.
    pub hints: Vec<String>,
}

/// The sorts of failure, each with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// 1: the tool said that it failed.
    Tool,
    /// 2: usage or configuration.
    Usage,
    /// 3: a server.
    Server,
    /// 4: the model.
    Model,
    /// 128 and the number: ended by this signal, so 130 for Ctrl-C and 143 for SIGTERM.
    Interrupted(u8),
}

impl ErrorKind {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Tool => 1,
            Self::Usage => 2,
            Self::Server => 3,
            Self::Model => 4,
            Self::Interrupted(signal) => 128_u8.saturating_add(signal),
        }
    }
}

impl CliError {
    /// A failure without hints yet.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {}
