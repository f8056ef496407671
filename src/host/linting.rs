//! The facts about a server as the rules of `mcp::lint` want them.
//!
//! Pure. Asked by `check`, `lint` and, when something about a server has changed, by the overview of the inspector.

use std::collections::BTreeMap;

use crate::host::arguments;
use crate::host::fix::{self, Given};
use crate::host::server::{Server, Undeclared};
use crate::mcp::lint::{self, Finding, Subject};
use crate::mcp::request::ListKind;

impl Server {
    /// What the rules have against it, the heaviest first.
    pub fn findings(&self, given: Given) -> Vec<Finding> {
        let fix = fix::of(self, given);
        // One that was ready and ended did start; that it is back does not undo what it ended by.
        let ended = self.last_end.as_deref();
        let ended = ended.filter(|end| !self.status.is_ready() || !end.during.is_empty());
        let failure = self.status.failure();
        let failure = failure.filter(|failure| ended.is_none_or(|end| end.failure != **failure));
        let changed: Vec<ListKind> = self.told_changes.iter().copied().collect();
        lint::findings(&Subject {
            hello: self.hello.as_deref(),
            start: &self.start,
            failure: failure.map(|failure| (failure, fix.as_str())),
            ended: ended.map(|end| (end.during.as_slice(), &end.failure)),
            stray: &self.stray,
            undeclared: &self.there_undeclared(),
            changed: &changed,
            tools: &self.tools,
            resources: &self.resources,
            templates: &self.templates,
            prompts: &self.prompts,
            rejected: &self.rejected,
            tokens: self.tool_tokens,
            schema: arguments::schema_flaw,
        })
    }

    /// How many things are in lists that it does not announce.
    fn there_undeclared(&self) -> BTreeMap<ListKind, usize> {
        let there = |(kind, what): (&ListKind, &Undeclared)| match what {
            Undeclared::There(count) => Some((*kind, *count)),
            Undeclared::Asked | Undeclared::NotThere => None,
        };
        self.undeclared.iter().filter_map(there).collect()
    }
}
