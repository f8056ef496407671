//! What is wrong with a server, or could be better, by rules that have a name: for the overview of the inspector and for `lint`.
//!
//! Pure, and without a word about how the facts were got: `Subject` holds them. `rules` is the table, `server`, `tools` and
//! `offers` hold the facts against it, `baseline` holds what is offered against that of an earlier day.

pub mod baseline;
mod offers;
pub mod rules;
mod server;
mod tools;

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::mcp::failure::Failure;
use crate::mcp::listing::Rejected;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::ListKind;
use crate::mcp::resource::{Resource, Template};
use crate::mcp::start::Start;
use crate::mcp::status::Hello;
use crate::mcp::tool::Tool;

/// Findings of one rule about the things of one server that are told; the others are counted in the last one.
const MOST: usize = 50;

/// How much a rule weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Note,
    /// Some hosts or models stumble over it.
    Warning,
    /// Against the protocol, or it does not work.
    Error,
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for ever.
    pub id: &'static str,
    /// How much it weighs.
    pub level: Level,
    /// Its text, in the words of its source where there are any.
    pub text: &'static str,
    /// Where that stands.
    pub source: &'static str,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Object {
    /// The server itself.
    Server,
    /// A tool.
    Tool(String),
    /// A resource, by its URI.
    Resource(String),
    /// A resource template.
    Template(String),
    /// A prompt.
    Prompt(String),
}

/// One thing that a rule has something against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    #[serde(flatten, serialize_with = "rule")]
    pub rule: Rule,
    /// What it is about.
    pub object: Object,
    /// What was found, as a sentence without its full stop; the server's own words in it are raw.
    pub says: String,
    /// What to do about it.
    pub fix: String,
}

fn rule<S: Serializer>(rule: &Rule, to: S) -> Result<S::Ok, S::Error> {
    BTreeMap::from([
        ("rule", rule.id),
        ("level", rule.level.word()),
        ("text", rule.text),
        ("source", rule.source),
    ])
    .serialize(to)
}

/// What is wrong with a JSON Schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    /// It points to something outside itself, or is written in a dialect that is not known.
    pub outside: bool,
    /// What is wrong, with its place.
    pub why: String,
}

/// What is known of a server.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What it said of itself; absent where it never came so far.
    pub hello: Option<&'a Hello>,
    /// How it came up.
    pub start: &'a Start,
    /// Why it is not there, and what to do about that.
    pub failure: Option<(&'a Failure, &'a str)>,
    /// The tools that it was working on when it ended, and its last words.
    pub ended: Option<(&'a [String], &'a Failure)>,
    /// Lines on its stdout that were no messages.
    pub stray: &'a [String],
    /// How many things are in lists that it does not announce.
    pub undeclared: &'a BTreeMap<ListKind, usize>,
    /// Lists of which it has said that they changed.
    pub changed: &'a [ListKind],
    /// Its tools.
    pub tools: &'a [Tool],
    /// Its resources.
    pub resources: &'a [Resource],
    /// Its resource templates.
    pub templates: &'a [Template],
    /// Its prompts.
    pub prompts: &'a [Prompt],
    /// The things of its lists that could not be used.
    pub rejected: &'a BTreeMap<ListKind, Vec<Rejected>>,
    /// An estimate of the tokens that its tools cost in each request to the model.
    pub tokens: u64,
    /// Says what is wrong with a schema.
    pub schema: fn(&Value) -> Option<SchemaFault>,
}

/// Everything that the rules have to say, the heaviest first; of one level in the order server, tools, resources, prompts.
pub fn findings(of: &Subject<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    server::look(of, &mut all);
    tools::look(of, &mut all);
    offers::look(of, &mut all);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    all.retain(|finding| {
        let count = counts.entry(finding.rule.id).or_default();
        *count += 1;
        *count <= MOST
    });
    for (id, count) in counts {
        let last = all.iter_mut().rfind(|finding| finding.rule.id == id);
        if let (true, Some(last)) = (count > MOST, last) {
            let more = count - MOST;
            last.says = format!("{} (and {more} more of this rule)", last.says);
        }
    }
    all.sort_by_key(|finding| std::cmp::Reverse(finding.rule.level));
    all
}

impl Level {
    /// The level as one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level of this word.
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Note, Self::Warning, Self::Error];
        all.into_iter().find(|level| level.word() == word)
    }
}

impl Object {
    /// The thing of a list.
    fn of(kind: ListKind, name: &str) -> Self {
        let name = name.to_owned();
        match kind {
            ListKind::Tools => Self::Tool(name),
            ListKind::Resources => Self::Resource(name),
            ListKind::Templates => Self::Template(name),
            ListKind::Prompts => Self::Prompt(name),
        }
    }

    /// What sort of thing, in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Tool(_) => ListKind::Tools.word(),
            Self::Resource(_) => ListKind::Resources.word(),
            Self::Template(_) => ListKind::Templates.word(),
            Self::Prompt(_) => ListKind::Prompts.word(),
        }
    }

    /// The server's name for it, raw; of the server itself, none.
    pub fn name(&self) -> &str {
        match self {
            Self::Server => "",
            Self::Tool(name) | Self::Prompt(name) => name,
            Self::Resource(uri) | Self::Template(uri) => uri,
        }
    }

    /// `tool add`; raw.
    pub fn words(&self) -> String {
        match self {
            Self::Server => self.word().to_owned(),
            _ => format!("{} {}", self.word(), self.name()),
        }
    }
}

impl Finding {
    fn new(rule: Rule, object: Object, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            rule,
            object,
            says: says.into(),
            fix: fix.into(),
        }
    }
}

#[cfg(test)]
mod tests;
