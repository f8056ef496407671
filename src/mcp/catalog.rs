//! The tools of all servers under names that every model endpoint accepts, without collisions.
//!
//! Pure. The joined name is for the model alone: rules, logs and people use (server, tool).

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use crate::ids::ServerName;

/// The longest name that endpoints accept.
const LONGEST: usize = 64;

/// Model-safe names and what they stand for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Catalog {
    entries: Vec<CatalogEntry>,
    /// Names of tools that are away: kept for them, because the conversation still speaks of them.
    away: Vec<CatalogEntry>,
}

/// One name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CatalogEntry {
    /// `[A-Za-z0-9_-]{1,64}`, unique in the catalog.
    pub name: String,
    /// The server.
    pub server: ServerName,
    /// The server's own name of the tool.
    pub tool: String,
}

impl Catalog {
    /// Names these tools. The same tools in the same order always get the same names; `earlier` keeps a name that a tool
    /// had before, so that a server that comes and goes does not rename the tools of others in the middle of a conversation.
    pub fn of<'a>(
        tools: impl IntoIterator<Item = (&'a ServerName, &'a str)>,
        earlier: &Self,
    ) -> Self {
        let tools: Vec<_> = tools.into_iter().collect();
        let known: Vec<_> = earlier.entries.iter().chain(&earlier.away).collect();
        let mut taken: BTreeSet<String> = known.iter().map(|entry| entry.name.clone()).collect();
        // A server may have tens of thousands of tools, and all are named anew whenever one server changes.
        let mut names: HashMap<(&ServerName, &str), &str> = HashMap::new();
        for entry in &known {
            let key = (&entry.server, entry.tool.as_str());
            names.entry(key).or_insert(&entry.name);
        }
        let name = |(server, tool): (&ServerName, &str)| {
            let name = match names.get(&(server, tool)) {
                Some(name) => (*name).to_owned(),
                None => free_name(server.as_str(), tool, &mut taken),
            };
            CatalogEntry {
                name,
                server: server.clone(),
                tool: tool.to_owned(),
            }
        };
        let entries: Vec<_> = tools.into_iter().map(name).collect();
        let here: HashSet<&CatalogEntry> = entries.iter().collect();
        let is_away = |entry: &&CatalogEntry| !here.contains(entry);
        let away = known.into_iter().filter(is_away).cloned().collect();
        Self { entries, away }
    }

    /// The names, in the order of the servers.
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }

    /// What a name stands for, or stood for while its tool was there.
    pub fn find(&self, name: &str) -> Option<&CatalogEntry> {
        let mut known = self.entries.iter().chain(&self.away);
        known.find(|entry| entry.name == name)
    }

    /// Whether this tool of this server is in it.
    pub fn has(&self, server: &ServerName, tool: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| &entry.server == server && entry.tool == tool)
    }
}

fn free_name(server: &str, tool: &str, taken: &mut BTreeSet<String>) -> String {
    let plain: String = format!("{server}__{tool}").chars().map(safe).collect();
    let mut name: String = plain.chars().take(LONGEST).collect();
    let mut number = 1u32;
    while !taken.insert(name.clone()) {
        number += 1;
        let suffix = format!("_{number}");
        name = plain
            .chars()
            .take(LONGEST - suffix.len())
            .chain(suffix.chars())
            .collect();
    }
    name
}

fn safe(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '_' || c == '-' {
        c
    } else {
        '_'
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tens_of_thousands_of_tools_are_named_anew_in_no_time() {
        let server = ServerName::new("s");
        let tools: Vec<String> = (0..30_000).map(|number| format!("t{number}")).collect();
        let all = || tools.iter().map(|tool| (&server, tool.as_str()));
        let first = Catalog::of(all(), &Catalog::default());
        let began = std::time::Instant::now();
        let again = Catalog::of(all().take(29_000), &first);
        assert_eq!(again.entries(), &first.entries()[..29_000]);
        // Name by name against all names it takes minutes.
        assert!(began.elapsed() < std::time::Duration::from_secs(10));
    }

    #[test]
    fn tools_that_look_alike_get_names_of_their_own() {
        let (a, b) = (ServerName::new("a"), ServerName::new("a__b"));
        let tools = [(&a, "b__c"), (&b, "c"), (&a, "b..c"), (&a, "đọc tệp")];
        let catalog = Catalog::of(tools, &Catalog::default());
        let names: Vec<_> = catalog
            .entries()
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        assert_eq!(names, ["a__b__c", "a__b__c_2", "a__b__c_3", "a____c_t_p"]);
        assert_eq!(
            catalog.find("a__b__c_2").map(|entry| entry.server.as_str()),
            Some("a__b")
        );
    }

    #[test]
    fn a_tool_keeps_its_name_when_another_server_goes() {
        let (a, b) = (ServerName::new("a"), ServerName::new("a__b"));
        let both = Catalog::of([(&a, "b__c"), (&b, "c")], &Catalog::default());
        let one = Catalog::of([(&b, "c")], &both);
        assert_eq!(one.entries()[0].name, "a__b__c_2");
    }

    proptest! {
        #[test]
        fn names_are_safe_and_unique(tools in proptest::collection::vec((".{0,80}", ".{0,80}"), 0..20)) {
            let tools: Vec<_> = tools.into_iter().map(|(s, t)| (ServerName::new(s), t)).collect();
            let catalog = Catalog::of(tools.iter().map(|(s, t)| (s, t.as_str())), &Catalog::default());
            let names: BTreeSet<_> = catalog.entries().iter().map(|entry| &entry.name).collect();
            prop_assert_eq!(names.len(), tools.len());
            for name in names {
                prop_assert!((1..=64).contains(&name.len()));
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
            }
        }
    }
}
