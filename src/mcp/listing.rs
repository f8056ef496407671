//! A server's lists as they were read: what is good in them, and what could not be used.
//!
//! Plain data, made by `convert` page by page and kept by the host.

use serde::{Deserialize, Serialize};

use crate::mcp::prompt::Prompt;
use crate::mcp::request::ListKind;
use crate::mcp::resource::{Resource, Template};
use crate::mcp::tool::Tool;

/// A thing of a list that could not be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its name where that could be read.
    pub name: Option<String>,
    /// What is wrong, as a sentence.
    pub why: String,
}

/// One list of a server, all pages together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// The good ones, in the server's order.
    pub items: Vec<T>,
    /// The others.
    pub rejected: Vec<Rejected>,
}

/// What a server says of how long a list is good (2026-07-28, `ttlMs` and `cacheScope`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ListHints {
    /// Milliseconds; the least of all pages. Absent: it says nothing.
    pub ttl_ms: Option<u64>,
    /// `cacheScope: "public"` on every page: the same for everybody. Else it is for whoever asked.
    pub public: bool,
}

impl ListHints {
    /// What another page of the same list says is held to the strictest.
    #[must_use]
    pub fn and(self, page: Self) -> Self {
        let ttls = self.ttl_ms.into_iter().chain(page.ttl_ms);
        Self {
            ttl_ms: ttls.min(),
            public: self.public && page.public,
        }
    }
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            rejected: Vec::new(),
        }
    }
}

impl Listed {
    /// An empty list of this kind.
    pub fn none(kind: ListKind) -> Self {
        match kind {
            ListKind::Tools => Self::Tools(Listing::default()),
            ListKind::Resources => Self::Resources(Listing::default()),
            ListKind::Templates => Self::Templates(Listing::default()),
            ListKind::Prompts => Self::Prompts(Listing::default()),
        }
    }

    /// How many good things are in it.
    pub fn count(&self) -> usize {
        match self {
            Self::Tools(list) => list.items.len(),
            Self::Resources(list) => list.items.len(),
            Self::Templates(list) => list.items.len(),
            Self::Prompts(list) => list.items.len(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> ListKind {
        match self {
            Self::Tools(_) => ListKind::Tools,
            Self::Resources(_) => ListKind::Resources,
            Self::Templates(_) => ListKind::Templates,
            Self::Prompts(_) => ListKind::Prompts,
        }
    }
}

/// One of the lists, by its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Listed {
    /// The tools.
    Tools(Listing<Tool>),
    /// The resources.
    Resources(Listing<Resource>),
    /// The resource templates.
    Templates(Listing<Template>),
    /// The prompts.
    Prompts(Listing<Prompt>),
}
