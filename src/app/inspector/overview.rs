//! The tab of how the server began, what it says of itself, what is wrong with it, and what is done when its files change.
//!
//! Plain state; `update::inspector::overview` changes it. How the server came up stands in the host's own state.

use std::path::PathBuf;

use crate::app::intent::Move;
use crate::host::fix::Given;
use crate::mcp::lint::{Finding, rules};
use crate::mcp::request::Method;

/// The tab's state.
#[derive(Debug, Clone, Default)]
pub struct OverviewTab {
    /// The first row on show.
    pub at: usize,
    /// What the rules say; looked at anew whenever something about the server changes.
    pub findings: Vec<Finding>,
    /// Where the server's settings are, for the words of a fix.
    pub given: Given,
    /// What is done when files change.
    pub watch: FileWatch,
}

/// `inspect --watch`.
#[derive(Debug, Clone, Default)]
pub struct FileWatch {
    /// What is watched; nothing: the server is not restarted by itself.
    pub paths: Vec<PathBuf>,
    /// How often it was restarted.
    pub restarts: u32,
    /// The file that changed last.
    pub touched: Option<PathBuf>,
    /// Any call is repeated (`--repeat`).
    pub repeats_all: bool,
    /// The call that the person has said yes to.
    pub yes: Option<Wish>,
    /// What becomes of the last call.
    pub repeat: Repeat,
}

/// A call by hand, to be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What is asked for.
    pub method: Method,
    /// The tool or prompt, or the URI.
    pub tool: String,
    /// The arguments, one line of JSON.
    pub arguments: String,
}

impl Wish {
    /// The call in a word or two; raw.
    pub fn words(&self) -> String {
        format!("{} {}", self.method.wire(), self.tool)
    }
}

/// What becomes of the last call after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Repeat {
    /// There is none.
    #[default]
    Nothing,
    /// It may change something, and nobody has said that it may be made again.
    Held(Wish),
    /// It is made once the server is ready.
    Next(Wish),
    /// It was made again.
    Done(Wish),
}

/// A key of the tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverviewKey {
    /// Scrolls.
    Go(Move),
    /// Starts the server anew.
    Restart,
    /// Asks for the lists that are not announced.
    Undeclared,
    /// Says yes to repeating the last call.
    Repeat,
    /// Copies the findings.
    Copy,
}

impl OverviewTab {
    /// Why the server is not there, as the rules have it.
    pub fn cause(&self) -> Option<&Finding> {
        let all = [
            rules::ENDS_DURING_A_CALL,
            rules::ENDS_BY_ITSELF,
            rules::DOES_NOT_START,
        ];
        self.findings.iter().find(|found| all.contains(&found.rule))
    }
}
