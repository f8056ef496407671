//! The tools of all servers in one session, and what differs in them. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::found::Place;
use super::offers::{OfferChange, OfferHow};
use crate::ids::ServerName;
use crate::mcp::convert;
use crate::mcp::pins::{Difference, Pinned, differences};
use crate::mcp::wire::exchange::Exchange;

/// A tool that is not what it was.
#[derive(Debug)]
pub(super) struct ToolChange {
    pub name: String,
    pub how: Change,
}

/// How a tool changed.
#[derive(Debug)]
pub(super) enum Change {
    Gone,
    New,
    Other(Vec<Difference>),
}

/// All of them in one session.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// Of each server that was asked: how it refused; absent: it answered.
    lists: BTreeMap<ServerName, Option<String>>,
    tools: BTreeMap<(ServerName, String), Pinned>,
}

impl Tools {
    /// Takes in an answer to `tools/list`. The last list counts; its first page begins it anew.
    pub(super) fn take(&mut self, one: &Exchange<'_>, server: &ServerName) {
        let Some(answer) = &one.answer else {
            return;
        };
        let (result, refusal) = match &answer.result {
            _ if answer.record.is_cut() => (None, Some("an answer longer than is kept".to_owned())),
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error.to_string())),
        };
        self.lists.insert(server.clone(), refusal);
        let Some(result) = result else {
            return;
        };
        if one.is_first_page() {
            self.tools.retain(|(of, _), _| of != server);
        }
        let listed = result.get("tools").and_then(Value::as_array);
        let listed = listed.into_iter().flatten();
        for tool in listed.filter_map(|tool| convert::tool(tool).ok()) {
            let at = (server.clone(), tool.name.clone());
            self.tools.insert(at, Pinned::of(&tool));
        }
    }

    /// Whether a server has listed its tools, be it none.
    pub(super) fn is_known(&self) -> bool {
        self.lists.values().any(Option::is_none)
    }

    fn refused(&self, server: &ServerName) -> bool {
        self.lists.get(server).is_some_and(Option::is_some)
    }

    /// What differs. What a server that refused has is not known, and so is no difference of each tool.
    pub(super) fn changes(&self, after: &Self) -> Vec<ToolChange> {
        let known = |at: &(ServerName, String)| !self.refused(&at.0) && !after.refused(&at.0);
        let name = |at: &(ServerName, String)| format!("{}.{}", at.0, at.1);
        let mut found = Vec::new();
        for (at, old) in self.tools.iter().filter(|(at, _)| known(at)) {
            let how = match after.tools.get(at) {
                None => Change::Gone,
                Some(new) if old.is_same(new) => continue,
                Some(new) => Change::Other(differences(old, new)),
            };
            let name = name(at);
            found.push(ToolChange { name, how });
        }
        let fresh = after.tools.keys();
        let fresh = fresh.filter(|at| known(at) && !self.tools.contains_key(*at));
        found.extend(fresh.map(|at| ToolChange {
            name: name(at),
            how: Change::New,
        }));
        found
    }

    /// Where a server answered with its tools in one session and refused to in the other, or refused in another way.
    pub(super) fn refusals(&self, after: &Self) -> Vec<OfferChange> {
        let said = |list: &Option<String>| Some(list.clone().unwrap_or("answered".to_owned()));
        let both = self.lists.iter().filter_map(|(name, was)| {
            let is = after.lists.get(name).filter(|is| *is != was)?;
            let place = Place {
                at: "tools/list".to_owned(),
                before: said(was),
                after: said(is),
            };
            Some(OfferChange {
                name: format!("server {name}"),
                how: OfferHow::Other(vec![place]),
            })
        });
        both.collect()
    }
}
