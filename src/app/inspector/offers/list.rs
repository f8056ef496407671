//! What a server offers, as rows that are searched, and the calls that were made of each.
//!
//! Pure.

use crate::app::fuzzy;
use crate::host::{Host, Server, ToolCall};
use crate::ids::ServerName;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::Method;
use crate::mcp::tool::Tool;

use super::OfferKind;

/// What one thing is, by the name that its server knows it by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offered {
    /// A tool.
    Tool(String),
    /// A resource, by its URI.
    Resource(String),
    /// A resource template.
    Template(String),
    /// A prompt.
    Prompt(String),
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it is.
    pub of: Offered,
    /// A name for people, or what is said about it, raw.
    pub words: Option<String>,
    /// Character positions in its name that fit the query.
    pub hits: Vec<u32>,
}

impl Offered {
    /// Its server's own name for it.
    pub fn name(&self) -> &str {
        match self {
            Self::Tool(name) | Self::Prompt(name) => name,
            Self::Resource(uri) | Self::Template(uri) => uri,
        }
    }

    /// Whether a call is one of this thing. A template's are those of the resources that it makes.
    fn is_called_by(&self, call: &ToolCall) -> bool {
        match self {
            Self::Tool(name) => call.method == Method::Tool && call.tool == *name,
            Self::Prompt(name) => call.method == Method::Prompt && call.tool == *name,
            Self::Resource(uri) => call.method == Method::Resource && call.tool == *uri,
            Self::Template(template) => {
                call.method == Method::Resource && may_make(template, &call.tool)
            }
        }
    }
}

/// Whether a URI begins and ends as the template does.
fn may_make(template: &str, uri: &str) -> bool {
    let (Some(open), Some(close)) = (template.find('{'), template.rfind('}')) else {
        return template == uri;
    };
    uri.starts_with(&template[..open])
        && uri.ends_with(&template[close + 1..])
        && uri.len() + 1 >= open + template.len() - close
}

/// What fits the query, the best first; without one, all in the server's order.
pub fn offers(server: &Server, kind: OfferKind, query: &str) -> Vec<Offer> {
    let items = all(server, kind);
    if query.trim().is_empty() {
        let row = |(of, words)| Offer {
            of,
            words,
            hits: Vec::new(),
        };
        return items.into_iter().map(row).collect();
    }
    let items = items.into_iter().map(|(of, words)| {
        let more = words.clone().unwrap_or_default();
        (of.name().to_owned(), more, (of, words))
    });
    let row = |fit: fuzzy::Fit<(Offered, Option<String>)>| Offer {
        of: fit.item.0,
        words: fit.item.1,
        hits: fit.hits,
    };
    fuzzy::rank_plain(query, items)
        .into_iter()
        .map(row)
        .collect()
}

fn all(server: &Server, kind: OfferKind) -> Vec<(Offered, Option<String>)> {
    let words =
        |title: &Option<String>, more: &Option<String>| title.clone().or_else(|| more.clone());
    match kind {
        OfferKind::Tools => {
            let tools = server.tools.iter();
            let row = |of: &Tool| {
                (
                    Offered::Tool(of.name.clone()),
                    words(&of.title, &of.description),
                )
            };
            tools.map(row).collect()
        }
        OfferKind::Prompts => {
            let prompts = server.prompts.iter();
            let row = |of: &Prompt| {
                (
                    Offered::Prompt(of.name.clone()),
                    words(&of.title, &of.description),
                )
            };
            prompts.map(row).collect()
        }
        OfferKind::Resources => resources(server),
    }
}

fn resources(server: &Server) -> Vec<(Offered, Option<String>)> {
    let named = |title: &Option<String>, name: &String| title.clone().or(Some(name.clone()));
    let resources = server.resources.iter();
    let resources = resources.map(|of| {
        let uri = Offered::Resource(of.uri.clone());
        (uri, named(&of.title, &of.name))
    });
    let templates = server.templates.iter().map(|of| {
        let template = Offered::Template(of.uri_template.clone());
        (template, named(&of.title, &of.name))
    });
    resources.chain(templates).collect()
}

/// The calls that were made of a thing, newest first: by hand and by the model.
pub fn calls<'a>(
    host: &'a Host,
    server: &'a ServerName,
    of: &'a Offered,
) -> impl Iterator<Item = &'a ToolCall> {
    let calls = host.calls.iter().rev();
    calls.filter(move |call| call.server.as_ref() == Some(server) && of.is_called_by(call))
}
