//! Faults that a person puts between the host and one server, to see what both make of them: which there are, with what
//! parameters, and what each of them does to a message (`meddling`).
//!
//! Pure, plain data; `transport` carries them out. Switched on by hand alone, never kept: they end with the program.

mod meddling;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use meddling::{Meddling, Plan, list_changed};

/// One sort of fault, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A message is held back for a while, and what comes behind it waits.
    Delay,
    /// A message comes byte by byte.
    Drip,
    /// A message never arrives.
    Drop,
    /// A message arrives twice.
    Duplicate,
    /// A message arrives behind the next one.
    Reorder,
    /// A message is cut in its middle.
    Malformed,
    /// HTTP: the server seems to refuse who we are.
    Unauthorized,
    /// HTTP: the server seems to have forgotten the session.
    Expired,
    /// The server seems to say many times that its tools have changed.
    ListStorm,
    /// An answer carries a result of many megabytes.
    Giant,
    /// A child: it is killed right after it got a request.
    Kill,
}

/// When a fault strikes, of the messages that it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cadence {
    /// At the next one, and then it is off.
    Once,
    /// At each.
    Always,
    /// At each one of so many.
    Every(u32),
}

/// Which messages a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Calls of tools, reads of resources, prompts, and their answers: the connection itself is left alone.
    Calls,
    /// All messages, the handshake's too.
    Everything,
}

/// How one fault is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fault {
    /// When it strikes.
    pub cadence: Cadence,
    /// What it concerns.
    pub scope: Scope,
    /// How much, in the unit of its kind ([`FaultKind::unit`]); of no meaning where that has none.
    pub amount: u64,
}

/// The faults that are on at one server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Faults(pub BTreeMap<FaultKind, Fault>);

impl Faults {
    /// Whether none is on.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are on, as one line: `delay 500 ms, drop once`.
    pub fn words(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(kind, of)| of.words(*kind)).collect();
        words.join(", ")
    }
}

impl Fault {
    /// As it is when a person has said no more than which.
    pub fn usual(kind: FaultKind) -> Self {
        let cadence = match kind {
            FaultKind::Delay | FaultKind::Drip => Cadence::Always,
            _ => Cadence::Once,
        };
        Self {
            cadence,
            scope: Scope::Calls,
            amount: kind.amounts().get(1).copied().unwrap_or(0),
        }
    }

    /// The fault in a few words.
    pub fn words(&self, kind: FaultKind) -> String {
        let amount = match kind.unit() {
            "" => String::new(),
            unit => format!(" {} {unit}", self.amount),
        };
        let all = match self.scope {
            Scope::Calls => "",
            Scope::Everything => " (all messages)",
        };
        format!("{}{amount} {}{all}", kind.word(), self.cadence.words())
    }
}

impl Cadence {
    /// As people say it.
    pub fn words(self) -> String {
        match self {
            Self::Once => "once".to_owned(),
            Self::Always => "always".to_owned(),
            Self::Every(2) => "every 2nd".to_owned(),
            Self::Every(3) => "every 3rd".to_owned(),
            Self::Every(nth) => format!("every {nth}th"),
        }
    }

    /// The one that a key goes on to.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Once => Self::Always,
            Self::Always => Self::Every(2),
            Self::Every(2) => Self::Every(3),
            Self::Every(3) => Self::Every(5),
            Self::Every(5) => Self::Every(10),
            Self::Every(_) => Self::Once,
        }
    }
}

impl Scope {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Calls => Self::Everything,
            Self::Everything => Self::Calls,
        }
    }
}

impl FaultKind {
    /// All of them, in the order of the pane.
    pub const ALL: [Self; 11] = [
        Self::Delay,
        Self::Drip,
        Self::Drop,
        Self::Duplicate,
        Self::Reorder,
        Self::Malformed,
        Self::Unauthorized,
        Self::Expired,
        Self::ListStorm,
        Self::Giant,
        Self::Kill,
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Drip => "drip",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Malformed => "malformed",
            Self::Unauthorized => "401",
            Self::Expired => "expired session",
            Self::ListStorm => "list_changed storm",
            Self::Giant => "giant result",
            Self::Kill => "kill",
        }
    }

    /// What it does, as a sentence without its full stop.
    pub fn help(self) -> &'static str {
        match self {
            Self::Delay => "The answer is held back, and what comes behind it waits",
            Self::Drip => "The answer comes byte by byte",
            Self::Drop => "The answer never reaches the host",
            Self::Duplicate => "The answer reaches the host twice",
            Self::Reorder => "The answer comes behind the next message, or a second late",
            Self::Malformed => "The answer is cut in its middle",
            Self::Unauthorized => "The request is answered HTTP 401, and the server not asked",
            Self::Expired => {
                "A request of a session is answered HTTP 404, and the server not asked"
            }
            Self::ListStorm => "Behind the answer come many words that the tools have changed",
            Self::Giant => "The answer's result is replaced with a very long one",
            Self::Kill => "The server's process is killed right after it got the request",
        }
    }

    /// The unit of its amount; empty where it has none.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Delay => "ms",
            Self::Drip => "ms a byte",
            Self::ListStorm => "words",
            Self::Giant => "MiB",
            Self::Drop
            | Self::Duplicate
            | Self::Reorder
            | Self::Malformed
            | Self::Unauthorized
            | Self::Expired
            | Self::Kill => "",
        }
    }

    /// The amounts that a key goes through; the second one is the usual one.
    pub fn amounts(self) -> &'static [u64] {
        match self {
            Self::Delay => &[100, 500, 2_000, 10_000],
            Self::Drip => &[1, 2, 10, 50],
            Self::ListStorm => &[10, 200, 2_000],
            Self::Giant => &[1, 4, 17],
            Self::Drop
            | Self::Duplicate
            | Self::Reorder
            | Self::Malformed
            | Self::Unauthorized
            | Self::Expired
            | Self::Kill => &[],
        }
    }

    /// The amount after this one.
    pub fn amount_after(self, amount: u64) -> u64 {
        let amounts = self.amounts();
        let place = amounts.iter().position(|it| *it == amount);
        let next = place.map_or(0, |place| (place + 1) % amounts.len().max(1));
        amounts.get(next).copied().unwrap_or(0)
    }

    /// Whether it can be had with a server that is a child of ours; else, with one at a URL.
    pub fn applies_to_child(self) -> bool {
        !matches!(self, Self::Unauthorized | Self::Expired)
    }

    /// Whether it can be had with a server at a URL.
    pub fn applies_to_http(self) -> bool {
        self != Self::Kill
    }

    /// Whether it strikes at requests on their way out; else, at what comes in.
    pub fn is_outward(self) -> bool {
        matches!(self, Self::Unauthorized | Self::Expired | Self::Kill)
    }
}
