//! Where the saving of the conversation stands, and what is said between the host and whoever keeps the files. Plain data.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::session::line::Line;
use crate::host::session::record::Record;
use crate::ids::Moment;

/// The session of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionState {
    /// Its name for programs, once it has a file.
    pub id: Option<String>,
    /// The name that the person gave it.
    pub title: Option<String>,
    /// How far it is saved.
    pub saving: Saving,
    /// The last list of sessions that was asked for.
    pub shelf: Option<Shelf>,
    /// A session is being read, to be gone on with.
    pub opening: bool,
    /// Entries and calls that came from a file, and were not made in this run.
    pub restored: (usize, usize),
    /// What came of the last wish about sessions: a count that grows, and a sentence.
    pub word: (u64, Result<String, String>),
}

impl SessionState {
    /// Of a run that keeps sessions, or does not.
    pub fn new(keeps: bool) -> Self {
        Self {
            id: None,
            title: None,
            saving: if keeps { Saving::Nothing } else { Saving::Off },
            shelf: None,
            opening: false,
            restored: (0, 0),
            word: (0, Ok(String::new())),
        }
    }
}

/// How far the conversation is saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Saving {
    /// It is not to be saved.
    #[default]
    Off,
    /// Nothing has been said that could be saved.
    Nothing,
    /// On its way to the disk.
    Going,
    /// On the disk, all of it.
    Saved,
    /// It could not be written; it is tried again with whatever comes next.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}

/// Sessions that there are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// The last ones, the newest first.
    pub sessions: Vec<Summary>,
    /// Older ones that were not looked into.
    pub more: usize,
    /// What is wrong with the folder, as a sentence.
    pub trouble: Option<String>,
}

/// One session in a list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Its name for programs.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The folder in which it was begun.
    pub folder: PathBuf,
    /// Its configuration file.
    pub config: Option<PathBuf>,
    /// When it was begun, microseconds since 1970.
    pub started: Moment,
    /// When it was written last, microseconds since 1970.
    pub last: Moment,
    /// How long ago that was when the list was made.
    pub age: Duration,
    /// How often the person has spoken.
    pub turns: usize,
    /// Tokens of all requests and answers.
    pub tokens: (u64, u64),
    /// Another window has it open.
    pub open: bool,
    /// What is wrong with its file, as a sentence.
    pub trouble: Option<String>,
}

/// What is to be written: one order after the other, and each whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionWrite {
    /// Which conversation of this run.
    pub conversation: u64,
    /// The number of the order.
    pub batch: u64,
    /// The lines.
    pub lines: Vec<Line>,
    /// A turn has ended: all that was written so far is to be on the disk.
    pub sync: bool,
    /// The conversation is over: its file is let go.
    pub last: bool,
}

/// A wish about the files of sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "session", rename_all = "snake_case")]
pub enum SessionWish {
    /// Lists them.
    List,
    /// Reads one, to go on with it as this conversation.
    Open {
        /// Which: its name for programs, or how that begins.
        id: String,
        /// The number of the conversation that it becomes.
        conversation: u64,
    },
    /// Deletes one that is not open.
    Delete {
        /// Which.
        id: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "session", rename_all = "snake_case")]
pub enum SessionEvent {
    /// Lines are written.
    Written {
        /// Which order.
        batch: u64,
        /// The session's name for programs.
        id: String,
        /// They are on the disk.
        synced: bool,
    },
    /// Lines could not be written; they are kept, and go before the next ones.
    Unwritten {
        /// Which order.
        batch: u64,
        /// Why, as a sentence.
        why: String,
    },
    /// The file is there no more: what it held is to be written anew.
    Gone {
        /// Of which conversation.
        conversation: u64,
    },
    /// A session was read.
    Opened {
        /// The conversation that it becomes.
        conversation: u64,
        /// What it holds, in moments of this run.
        record: Box<Record>,
        /// Why its file stays as it is, and a copy goes on.
        copy: Option<String>,
        /// How long ago it was written last.
        age: Duration,
    },
    /// There is a list.
    Listed(Shelf),
    /// A wish was done.
    Done {
        /// What, as a sentence.
        what: String,
    },
    /// A wish could not be done.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}
