//! The question whether a folder's `mcp.toml` may run: it lies over everything, and nothing of the file runs before its answer.
//!
//! Pure state; `update` changes it, the view draws it.

use std::sync::Arc;

use crate::config::Asks;
use crate::host::ModelState;
use crate::ids::Moment;

/// The question on show.
#[derive(Debug, Clone, PartialEq)]
pub struct Trusting {
    /// What is asked.
    pub asks: Arc<Asks>,
    /// Nothing has been started at all; else the file has changed while the program runs.
    pub starting: bool,
    /// Where the host stood with the model: it is not looked for before the answer, and is shown so.
    pub model: Option<ModelState>,
    /// First line on show.
    pub scroll: usize,
    /// Its end has been in sight: before that there is no yes.
    pub seen: bool,
    /// When it came on the screen, or the last key that came too soon after that.
    pub shown: Option<Moment>,
}

impl Trusting {
    /// The question about this file.
    pub fn new(asks: Arc<Asks>, starting: bool) -> Self {
        Self {
            asks,
            starting,
            model: None,
            scroll: 0,
            seen: false,
            shown: None,
        }
    }
}
