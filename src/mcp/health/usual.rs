//! What the tools of a server usually take, each by itself: a listing of rows is not slow because a probe is quick.
//!
//! Pure, bounded in tools and in samples of each.

use std::collections::VecDeque;
use std::time::Duration;

use super::nearest;

/// Tools of which this is known, the ones used last.
const TOOLS: usize = 64;
/// Samples of each.
const KEPT: usize = 50;
/// The fewest that say what is usual.
const ENOUGH: usize = 5;
/// Characters by which tools are told apart.
const NAME: usize = 200;

/// The tools, the one used last at the end.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Usuals {
    tools: VecDeque<(String, VecDeque<Duration>)>,
}

fn key(tool: &str) -> &str {
    let end = tool
        .char_indices()
        .nth(NAME)
        .map_or(tool.len(), |(at, _)| at);
    &tool[..end]
}

impl Usuals {
    /// What 95 of 100 of its calls take no longer than, where enough were seen.
    pub(super) fn p95(&self, tool: &str) -> Option<Duration> {
        let tool = key(tool);
        let (_, took) = self.tools.iter().find(|(name, _)| name == tool)?;
        let mut took: Vec<_> = took.iter().copied().collect();
        (took.len() >= ENOUGH)
            .then(|| nearest(&mut took, 0.95))
            .flatten()
    }

    /// Takes in what a call took.
    pub(super) fn learn(&mut self, tool: &str, took: Duration) {
        let tool = key(tool);
        let place = self.tools.iter().position(|(name, _)| name == tool);
        let known = place.and_then(|place| self.tools.remove(place));
        let (name, mut kept) = known.unwrap_or_else(|| (tool.to_owned(), VecDeque::new()));
        kept.push_back(took);
        if kept.len() > KEPT {
            kept.pop_front();
        }
        self.tools.push_back((name, kept));
        if self.tools.len() > TOOLS {
            self.tools.pop_front();
        }
    }
}
