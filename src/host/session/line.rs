//! The lines of a saved session: what became final in a conversation, one JSON object a line.
//!
//! Plain data; `record` makes them, the driver's `sessions` writes and reads them. A reader skips a kind of line that it does
//! not know and a field that it does not know, so a newer version may add both; it raises [`FORMAT`] when a line that is known
//! here comes to mean something else.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::{ModelCall, Usage};
use crate::agent::transcript::{Compacted, Level};
use crate::host::call::{CallEnd, Ruling};
use crate::ids::{Moment, ServerName};
use crate::mcp::request::Method;

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// One line. Its moments are those of the program where the host has made it, and microseconds since 1970 in the file; its
/// calls are counted from 1 in each session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Session(Header),
    /// What the person said.
    User {
        /// The text.
        text: String,
        /// When.
        at: Moment,
        /// The model saw it.
        sent: bool,
    },
    /// One step of the model, closed.
    Step(StepLine),
    /// A line from mcpdeck to the person.
    Note {
        /// How grave.
        level: Level,
        /// The words.
        text: String,
        /// What to do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// A line from mcpdeck to the model.
    Told {
        /// The words.
        text: String,
    },
    /// From here on the model sees less of what stands before.
    Compacted(Compacted),
    /// Where a call by the person's hand stands in the conversation.
    Hand {
        /// Which call.
        call: u64,
    },
    /// A call, as it stands now. There is one line each time it comes further; the last one counts.
    Call(Box<CallLine>),
    /// The session's name from here on.
    Title {
        /// The name.
        title: String,
    },
}

/// What a session is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the lines that follow.
    pub format: u32,
    /// The session's name for programs: a UUID of version 7, so that names sort by time.
    pub id: String,
    /// The folder in which mcpdeck was started.
    pub folder: PathBuf,
    /// When the conversation began, microseconds since 1970.
    pub started: Moment,
    /// The version of mcpdeck.
    pub mcpdeck: String,
    /// The weightiest configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
    /// The session of which this is a copy that went its own way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// One step of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// The turn.
    pub turn: u64,
    /// The step of the turn.
    pub step: u32,
    /// Its text.
    pub text: String,
    /// Its reasoning.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// Its calls, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<u64>,
    /// When the model was asked.
    pub since: Moment,
    /// Tokens, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallLine {
    /// Its number in the session.
    pub call: u64,
    /// How the model wrote it, and in which turn; absent: the person made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Written>,
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerName>,
    /// What is asked for.
    pub method: Method,
    /// The tool or prompt, or the resource's URI.
    pub tool: String,
    /// The arguments.
    pub arguments: String,
    /// When it was made.
    pub made: Moment,
    /// How far it is.
    pub stage: Stage,
    /// The file that holds the whole result; those files are kept for a week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_to: Option<PathBuf>,
    /// How its structured answer does not fit the tool's schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<String>,
    /// Who decided that it may run, or may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// When its answer came from the server, where it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<Moment>,
    /// The person made it, and the model sees its result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attached: bool,
}

/// A call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The turn.
    pub turn: u64,
    /// Its own words.
    pub call: ModelCall,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Stage {
    /// Made, and not sent: the person is asked, or it waits for its turn.
    Made,
    /// With the server: it may run, or have run.
    Sent {
        /// Since when.
        since: Moment,
    },
    /// Over.
    Over {
        /// When.
        when: Moment,
        /// From sending to the end.
        took: Duration,
        /// How.
        how: CallEnd,
    },
}

impl Stage {
    /// A number that grows as the call comes further.
    pub fn order(&self) -> u8 {
        match self {
            Self::Made => 1,
            Self::Sent { .. } => 2,
            Self::Over { .. } => 3,
        }
    }
}

impl Line {
    /// The same line with other moments: from the program's to the wall's, or back.
    #[must_use]
    pub fn retimed(mut self, map: impl Fn(Moment) -> Moment) -> Self {
        match &mut self {
            // Its moment is the wall's from the beginning.
            Self::Session(_) => {}
            Self::User { at, .. } => *at = map(*at),
            Self::Step(step) => step.since = map(step.since),
            Self::Call(call) => {
                call.made = map(call.made);
                call.cached = call.cached.map(&map);
                match &mut call.stage {
                    Stage::Made => {}
                    Stage::Sent { since } => *since = map(*since),
                    Stage::Over { when, .. } => *when = map(*when),
                }
            }
            Self::Note { .. }
            | Self::Told { .. }
            | Self::Compacted(_)
            | Self::Hand { .. }
            | Self::Title { .. } => {}
        }
        self
    }

    /// The moment that the line speaks of, if it speaks of one.
    pub fn moment(&self) -> Option<Moment> {
        match self {
            Self::Session(header) => Some(header.started),
            Self::User { at, .. } => Some(*at),
            Self::Step(step) => Some(step.since),
            Self::Call(call) => Some(match &call.stage {
                Stage::Made => call.made,
                Stage::Sent { since } => *since,
                Stage::Over { when, .. } => *when,
            }),
            Self::Note { .. }
            | Self::Told { .. }
            | Self::Compacted(_)
            | Self::Hand { .. }
            | Self::Title { .. } => None,
        }
    }
}
