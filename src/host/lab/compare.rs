//! One server in legacy, auto and modern: started three times, one after the other, asked what it is and what it offers, ended.
//!
//! Pure. One at a time, so that the times are true and a server that can run only once is given the chance. What it asks
//! meanwhile is refused: this is no session.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::Serialize;

use super::lab_name;
use crate::config::ProtocolChoice;
use crate::host::effect::Effect;
use crate::host::state::Host;
use crate::ids::{Generation, Moment, ServerName};
use crate::mcp::ask::Reply;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::listing::Listed;
use crate::mcp::request::ListKind;
use crate::mcp::status::Hello;

/// The error by which a request of the server is turned away.
const NO_SESSION: i64 = -32603;

/// A server in three eras.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Which.
    pub server: ServerName,
    /// When it was asked for.
    pub began: Moment,
    /// Legacy, auto, modern.
    pub columns: [Column; 3],
}

/// A server in one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// How it is spoken to.
    pub protocol: ProtocolChoice,
    /// Its name on the wire.
    pub name: ServerName,
    /// Its connection; 0 before it is dialled.
    pub generation: Generation,
    /// How far it is.
    pub stage: Stage,
    /// What it said of itself.
    pub hello: Option<Box<Hello>>,
    /// From the dial to that.
    pub greeted_in: Option<Duration>,
    /// What it offers.
    pub lists: BTreeMap<ListKind, ListSheet>,
}

/// How far a server is in one era.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Its turn has not come.
    Waits,
    /// It is dialled.
    Dials {
        /// Since when.
        since: Moment,
    },
    /// It is asked for its lists, one after the other.
    Lists {
        /// The one that is under way.
        kind: ListKind,
        /// Since when.
        since: Moment,
        /// The others.
        rest: Vec<ListKind>,
    },
    /// All is known; its end is awaited.
    Ends,
    /// Done.
    Done,
    /// It did not come up, or ended on the way.
    Failed(Box<Failure>),
    /// The person did not want to wait.
    Stopped,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListSheet {
    /// From asking to the last page.
    pub took: Duration,
    /// The names in it, each with a digest of its definition; or why there is no list.
    pub items: Result<BTreeMap<String, u64>, String>,
    /// Things in it that could not be used.
    pub rejected: usize,
}

/// An era as the configuration has it.
pub fn word(protocol: ProtocolChoice) -> &'static str {
    match protocol {
        ProtocolChoice::Legacy => "legacy",
        ProtocolChoice::Auto => "auto",
        ProtocolChoice::Modern => "modern",
    }
}

impl Stage {
    /// Whether a connection of it stands.
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Dials { .. } | Self::Lists { .. } | Self::Ends)
    }
}

impl Comparison {
    /// Whether anything is still to come.
    pub fn is_running(&self) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|of| of.stage == Stage::Waits || of.stage.is_under_way())
    }
}

impl Column {
    fn new(server: &ServerName, protocol: ProtocolChoice) -> Self {
        Self {
            protocol,
            name: lab_name(server, protocol),
            generation: Generation(0),
            stage: Stage::Waits,
            hello: None,
            greeted_in: None,
            lists: BTreeMap::new(),
        }
    }

    /// The next list, or the end.
    fn go_on(&mut self, mut rest: Vec<ListKind>, now: Moment) -> Effect {
        let (server, generation) = (self.name.clone(), self.generation);
        if rest.is_empty() {
            self.stage = Stage::Ends;
            return Effect::Close { server, generation };
        }
        let kind = rest.remove(0);
        let since = now;
        self.stage = Stage::Lists { kind, since, rest };
        Effect::List {
            server,
            generation,
            kind,
        }
    }

    fn greeted(&mut self, hello: Box<Hello>, now: Moment) -> Option<Effect> {
        let Stage::Dials { since } = self.stage else {
            return None;
        };
        let offers = |kind: &ListKind| hello.capabilities.get(kind.capability()).is_some();
        let kinds = ListKind::ALL.into_iter().filter(offers).collect();
        self.greeted_in = Some(now.since(since));
        self.hello = Some(hello);
        Some(self.go_on(kinds, now))
    }

    fn listed(
        &mut self,
        of: ListKind,
        what: Result<Listed, String>,
        now: Moment,
    ) -> Option<Effect> {
        let Stage::Lists { kind, since, rest } = &self.stage else {
            return None;
        };
        if *kind != of {
            return None;
        }
        let (rejected, items) = match what {
            Ok(listed) => (rejected(&listed), Ok(names(&listed))),
            Err(why) => (0, Err(why)),
        };
        let sheet = ListSheet {
            took: now.since(*since),
            items,
            rejected,
        };
        let rest = rest.clone();
        self.lists.insert(of, sheet);
        Some(self.go_on(rest, now))
    }

    fn ended(&mut self, failure: Box<Failure>) {
        self.stage = match self.stage {
            Stage::Ends if failure.kind == FailureKind::Stopped => Stage::Done,
            // All that was asked for is there; how it ended belongs to the picture all the same.
            Stage::Ends if self.hello.is_some() => Stage::Done,
            Stage::Stopped => Stage::Stopped,
            _ => Stage::Failed(failure),
        };
    }
}

impl Host {
    /// Begins a comparison; one that is under way goes on.
    pub(super) fn compare(&mut self, server: &ServerName, now: Moment) -> Vec<Effect> {
        let is_running = |of: &Comparison| of.is_running();
        let has_spec = self.server(server).is_some_and(|it| it.spec.is_some());
        if !has_spec || self.lab.comparison.as_ref().is_some_and(is_running) {
            return Vec::new();
        }
        let eras = [
            ProtocolChoice::Legacy,
            ProtocolChoice::Auto,
            ProtocolChoice::Modern,
        ];
        self.lab.comparison = Some(Comparison {
            server: server.clone(),
            began: now,
            columns: eras.map(|era| Column::new(server, era)),
        });
        self.next_column(now)
    }

    /// Ends what runs; what has not begun does not.
    pub(super) fn stop_comparing(&mut self, _now: Moment) -> Vec<Effect> {
        let Some(comparison) = &mut self.lab.comparison else {
            return Vec::new();
        };
        let mut effects = Vec::new();
        for column in &mut comparison.columns {
            if column.stage.is_under_way() {
                effects.push(Effect::Close {
                    server: column.name.clone(),
                    generation: column.generation,
                });
            } else if column.stage != Stage::Waits {
                continue;
            }
            column.stage = Stage::Stopped;
        }
        effects
    }

    fn next_column(&mut self, now: Moment) -> Vec<Effect> {
        let generation = Generation(self.lab.dials + 1);
        let Some(comparison) = &mut self.lab.comparison else {
            return Vec::new();
        };
        let mut columns = comparison.columns.iter_mut();
        let Some(column) = columns.find(|of| of.stage == Stage::Waits) else {
            return Vec::new();
        };
        self.lab.dials += 1;
        column.generation = generation;
        column.stage = Stage::Dials { since: now };
        vec![Effect::Dial {
            server: column.name.clone(),
            generation,
            remembered: None,
        }]
    }

    /// A connection of a comparison reports; absent: it is none.
    pub(in crate::host) fn lab_event(
        &mut self,
        name: &ServerName,
        from: Generation,
        event: &ServerEvent,
        now: Moment,
    ) -> Option<Vec<Effect>> {
        let columns = &mut self.lab.comparison.as_mut()?.columns;
        let is_its = |of: &&mut Column| of.name == *name && of.generation == from;
        let column = columns.iter_mut().find(is_its)?;
        let effect = match event {
            ServerEvent::Connected(hello) => column.greeted(hello.clone(), now),
            ServerEvent::Listed(listed) => column.listed(listed.kind(), Ok(listed.clone()), now),
            ServerEvent::ListFailed(kind, why) => column.listed(*kind, Err(why.clone()), now),
            ServerEvent::Asked { ask, .. } => Some(Effect::Reply {
                server: name.clone(),
                generation: from,
                ask: *ask,
                reply: Reply::Error {
                    code: NO_SESSION,
                    message: "this connection only looks at what the server offers".to_owned(),
                },
            }),
            ServerEvent::Ended(failure) => {
                column.ended(failure.clone());
                return Some(self.next_column(now));
            }
            // Of no matter for what is compared.
            ServerEvent::Confined(_)
            | ServerEvent::Start(_)
            | ServerEvent::Stray { .. }
            | ServerEvent::Hints(..)
            | ServerEvent::Changed(_)
            | ServerEvent::ResourceUpdated { .. }
            | ServerEvent::AskWithdrawn(_)
            | ServerEvent::UrlDone { .. }
            | ServerEvent::Errand(..)
            | ServerEvent::Log { .. }
            | ServerEvent::Probed { .. }
            | ServerEvent::Meddled(_)
            | ServerEvent::Vitals { .. }
            | ServerEvent::Call(..) => None,
        };
        Some(effect.into_iter().collect())
    }
}

fn names(listed: &Listed) -> BTreeMap<String, u64> {
    match listed {
        Listed::Tools(of) => named(&of.items, |it| &it.name),
        Listed::Resources(of) => named(&of.items, |it| &it.uri),
        Listed::Templates(of) => named(&of.items, |it| &it.uri_template),
        Listed::Prompts(of) => named(&of.items, |it| &it.name),
    }
}

fn rejected(listed: &Listed) -> usize {
    match listed {
        Listed::Tools(of) => of.rejected.len(),
        Listed::Resources(of) => of.rejected.len(),
        Listed::Templates(of) => of.rejected.len(),
        Listed::Prompts(of) => of.rejected.len(),
    }
}

fn named<T: Serialize>(items: &[T], name: impl Fn(&T) -> &String) -> BTreeMap<String, u64> {
    let digest = |item: &T| {
        let mut hasher = DefaultHasher::new();
        let written = serde_json::to_string(item).unwrap_or_default();
        written.hash(&mut hasher);
        hasher.finish()
    };
    let items = items.iter();
    items.map(|it| (name(it).clone(), digest(it))).collect()
}
