//! The streams on which a server of the new era tells of changes: one that carries all that is wanted.
//!
//! A pure machine: no clock of its own, no channel. When the wish changes, a new stream is asked for first and the old one is let
//! go once the server has acknowledged the new one, so that nothing that happens in between is missed.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a stream tells of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Changes of the list of tools.
    pub tools: bool,
    /// Changes of the list of prompts.
    pub prompts: bool,
    /// Changes of the list of resources.
    pub resources: bool,
    /// Changes of these resources.
    pub uris: BTreeSet<String>,
}

impl Filter {
    /// The lists of which a server says that it tells when they change.
    pub fn of_capabilities(capabilities: &Value) -> Self {
        let tells = |key: &str| {
            let told = capabilities.get(key).and_then(|it| it.get("listChanged"));
            told == Some(&Value::Bool(true))
        };
        Self {
            tools: tells("tools"),
            prompts: tells("prompts"),
            resources: tells("resources"),
            uris: BTreeSet::new(),
        }
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As it goes into the request.
    pub fn to_json(&self) -> Value {
        let mut filter = Map::new();
        let lists = [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ];
        for (key, _) in lists.into_iter().filter(|(_, wanted)| *wanted) {
            filter.insert(key.to_owned(), true.into());
        }
        if !self.uris.is_empty() {
            let uris: Vec<&String> = self.uris.iter().collect();
            filter.insert(
                "resourceSubscriptions".to_owned(),
                uris.into_iter().cloned().collect(),
            );
        }
        filter.into()
    }

    /// As it comes in an acknowledgement.
    pub fn from_json(value: &Value) -> Self {
        let agreed = |key: &str| value.get(key) == Some(&Value::Bool(true));
        let uris = value.get("resourceSubscriptions").and_then(Value::as_array);
        let uris = uris.into_iter().flatten().filter_map(Value::as_str);
        Self {
            tools: agreed("toolsListChanged"),
            prompts: agreed("promptsListChanged"),
            resources: agreed("resourcesListChanged"),
            uris: uris.map(str::to_owned).collect(),
        }
    }
}

#[derive(Debug)]
struct Stream {
    id: i64,
    filter: Filter,
    acknowledged: bool,
}

/// All streams of one connection, the newest last.
#[derive(Debug, Default)]
pub struct Streams {
    /// What is wanted now.
    pub wanted: Filter,
    streams: Vec<Stream>,
}

impl Streams {
    /// None yet, for what is wanted from the start.
    pub fn new(wanted: Filter) -> Self {
        Self {
            wanted,
            streams: Vec::new(),
        }
    }

    /// What a new stream must be asked for now: nothing while one is being opened or the newest one carries what is wanted.
    pub fn missing(&self) -> Option<Filter> {
        let newest = self.streams.last();
        let settled = newest.is_none_or(|it| it.acknowledged && it.filter != self.wanted);
        (settled && !self.wanted.is_empty()).then(|| self.wanted.clone())
    }

    /// A stream for what is wanted was asked for.
    pub fn opened(&mut self, id: i64) {
        self.streams.push(Stream {
            id,
            filter: self.wanted.clone(),
            acknowledged: false,
        });
    }

    /// The server tells on a stream, so it is there: the older ones, which can be let go.
    pub fn acknowledged(&mut self, id: i64) -> Vec<i64> {
        let Some(place) = self.streams.iter().position(|it| it.id == id) else {
            return Vec::new();
        };
        self.streams[place].acknowledged = true;
        self.streams.drain(..place).map(|it| it.id).collect()
    }

    /// The streams that are of no use because nothing is wanted any more.
    pub fn idle(&mut self) -> Vec<i64> {
        match self.wanted.is_empty() {
            true => self.streams.drain(..).map(|it| it.id).collect(),
            false => Vec::new(),
        }
    }

    /// A stream has ended: what it carried, and whether nothing else tells of changes now.
    pub fn ended(&mut self, id: i64) -> Option<(Filter, bool)> {
        let place = self.streams.iter().position(|it| it.id == id)?;
        let ended = self.streams.remove(place);
        Some((ended.filter, self.streams.is_empty()))
    }

    /// What a stream was asked to carry.
    pub fn filter(&self, id: i64) -> Filter {
        let stream = self.streams.iter().find(|it| it.id == id);
        stream.map(|it| it.filter.clone()).unwrap_or_default()
    }

    /// What the newest stream carries.
    pub fn newest(&self) -> Filter {
        let newest = self.streams.last();
        newest.map(|it| it.filter.clone()).unwrap_or_default()
    }

    /// The server does not agree to tell when a resource changes: it is not asked for again.
    pub fn refused(&mut self, uri: &str) {
        self.wanted.uris.remove(uri);
        for stream in &mut self.streams {
            stream.filter.uris.remove(uri);
        }
    }

    /// Whether a stream is ours.
    pub fn owns(&self, id: i64) -> bool {
        self.streams.iter().any(|it| it.id == id)
    }

    /// The newest stream's id, while the server has not acknowledged it.
    pub fn opening(&self) -> Option<i64> {
        let newest = self.streams.last()?;
        (!newest.acknowledged).then_some(newest.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn uris(uris: &[&str]) -> Filter {
        Filter {
            uris: uris.iter().map(|&uri| uri.to_owned()).collect(),
            ..Filter::default()
        }
    }

    #[test]
    fn the_new_one_is_there_before_the_old_one_goes() {
        let mut streams = Streams::new(uris(&["a"]));
        assert_eq!(streams.missing(), Some(uris(&["a"])));
        streams.opened(1);
        streams.wanted = uris(&["a", "b"]);
        assert_eq!(streams.missing(), None, "one at a time");
        assert_eq!(streams.acknowledged(1), [0_i64; 0]);
        assert_eq!(streams.missing(), Some(uris(&["a", "b"])));
        streams.opened(2);
        assert!(streams.owns(1) && streams.owns(2));
        assert_eq!(streams.acknowledged(2), [1]);
        assert_eq!(streams.missing(), None);
        streams.wanted = Filter::default();
        assert_eq!(streams.idle(), [2]);
        assert_eq!(streams.missing(), None);
    }

    #[test]
    fn a_filter_is_written_and_read_as_the_protocol_has_it() {
        let capabilities = json!({ "tools": { "listChanged": true }, "prompts": {}, "resources": { "listChanged": true } });
        let mut filter = Filter::of_capabilities(&capabilities);
        filter.uris.insert("file:///a".into());
        let written = json!({ "toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": ["file:///a"] });
        assert_eq!(filter.to_json(), written);
        assert_eq!(Filter::from_json(&written), filter);
        assert!(Filter::from_json(&json!({ "toolsListChanged": 1 })).is_empty());
    }

    #[derive(Debug, Clone)]
    enum Deed {
        Want(Vec<u8>),
        Acknowledge,
        End(proptest::sample::Index),
    }

    proptest! {
        #[test]
        fn whatever_happens_the_newest_wish_is_carried_in_the_end(deeds in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(0..4_u8, 0..4).prop_map(Deed::Want),
                Just(Deed::Acknowledge),
                any::<proptest::sample::Index>().prop_map(Deed::End),
            ], 0..40)) {
            let mut streams = Streams::default();
            let mut next = 0;
            let mut live: Vec<i64> = Vec::new();
            let settle = |streams: &mut Streams, live: &mut Vec<i64>, next: &mut i64| {
                let idle = streams.idle();
                live.retain(|id| !idle.contains(id));
                if streams.missing().is_some() {
                    streams.opened(*next);
                    live.push(*next);
                    *next += 1;
                }
            };
            for deed in deeds {
                match deed {
                    Deed::Want(names) => {
                        streams.wanted.uris = names.iter().map(u8::to_string).collect();
                    }
                    Deed::Acknowledge => {
                        if let Some(id) = streams.opening() {
                            let old = streams.acknowledged(id);
                            live.retain(|id| !old.contains(id));
                        }
                    }
                    Deed::End(which) if !live.is_empty() => {
                        let id = live.remove(which.index(live.len()));
                        prop_assert!(streams.ended(id).is_some());
                    }
                    Deed::End(_) => {}
                }
                settle(&mut streams, &mut live, &mut next);
                prop_assert!(live.iter().all(|&id| streams.owns(id)));
            }
            for _ in 0..2 {
                if let Some(id) = streams.opening() {
                    let old = streams.acknowledged(id);
                    live.retain(|id| !old.contains(id));
                }
                settle(&mut streams, &mut live, &mut next);
            }
            if let Some(id) = streams.opening() {
                let old = streams.acknowledged(id);
                live.retain(|id| !old.contains(id));
            }
            prop_assert_eq!(streams.missing(), None);
            prop_assert!(live.len() <= 1);
            prop_assert_eq!(live.is_empty(), streams.wanted.is_empty());
        }
    }
}
