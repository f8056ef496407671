//! What servers say of themselves and offer beside tools: prompts, resources and templates, by kind and name. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::found::{Place, places};
use crate::ids::ServerName;
use crate::mcp::wire::exchange::Exchange;

/// The lists: the method, the member of its answer, the member that names an item, and the word for one.
const LISTS: [(&str, &str, &str, &str); 3] = [
    ("prompts/list", "prompts", "name", "prompt"),
    ("resources/list", "resources", "uri", "resource"),
    (
        "resources/templates/list",
        "resourceTemplates",
        "uriTemplate",
        "template",
    ),
];
/// What a server says of itself when a connection begins.
const OF_ITSELF: [&str; 4] = [
    "serverInfo",
    "capabilities",
    "instructions",
    "protocolVersion",
];

/// An item that is not what it was.
#[derive(Debug)]
pub(super) struct OfferChange {
    /// `prompt files.summary`, `server files`
    pub name: String,
    pub how: OfferHow,
}

/// How it changed.
#[derive(Debug)]
pub(super) enum OfferHow {
    Gone,
    New,
    Other(Vec<Place>),
}

/// All of them in one session.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// Of each list that was answered, by the word for an item and the server.
    lists: BTreeSet<(&'static str, String)>,
    items: BTreeMap<(&'static str, String, String), Value>,
}

impl Offers {
    /// Takes in an answered request of ours. The last list counts; its first page begins it anew.
    pub(super) fn take(&mut self, one: &Exchange<'_>, server: &ServerName) {
        let Some(Ok(result)) = one.answer.as_ref().map(|answer| &answer.result) else {
            return;
        };
        let server = server.to_string();
        if one.method == "initialize" || one.method == "server/discover" {
            let members = OF_ITSELF.iter().filter_map(|name| {
                let value = result.get(*name)?;
                Some(((*name).to_owned(), value.clone()))
            });
            let said = Value::Object(members.collect::<Map<_, _>>());
            self.lists.insert(("server", server.clone()));
            self.items.insert(("server", server, String::new()), said);
            return;
        }
        let found = LISTS.iter().find(|list| list.0 == one.method);
        let Some((_, member, named, word)) = found.copied() else {
            return;
        };
        if one.is_first_page() {
            self.items.retain(|at, _| (at.0, &at.1) != (word, &server));
        }
        self.lists.insert((word, server.clone()));
        let listed = result.get(member).and_then(Value::as_array);
        for item in listed.into_iter().flatten() {
            let name = item.get(named).and_then(Value::as_str).unwrap_or_default();
            let at = (word, server.clone(), name.to_owned());
            self.items.insert(at, item.clone());
        }
    }

    /// What differs in the lists that both have.
    pub(super) fn changes(&self, after: &Self) -> Vec<OfferChange> {
        let both = |at: &(&'static str, String, String)| {
            let list = (at.0, at.1.clone());
            self.lists.contains(&list) && after.lists.contains(&list)
        };
        let mut found = Vec::new();
        for (at, old) in self.items.iter().filter(|(at, _)| both(at)) {
            let how = match after.items.get(at) {
                None => OfferHow::Gone,
                Some(new) => {
                    let mut differences = Vec::new();
                    places("", old, new, &mut differences);
                    match differences.is_empty() {
                        true => continue,
                        false => OfferHow::Other(differences),
                    }
                }
            };
            let name = spoken(at);
            found.push(OfferChange { name, how });
        }
        let fresh = after.items.keys();
        let fresh = fresh.filter(|at| both(at) && !self.items.contains_key(*at));
        found.extend(fresh.map(|at| OfferChange {
            name: spoken(at),
            how: OfferHow::New,
        }));
        found
    }
}

fn spoken((word, server, name): &(&'static str, String, String)) -> String {
    match name.is_empty() {
        true => format!("{word} {server}"),
        false => format!("{word} {server}.{name}"),
    }
}
