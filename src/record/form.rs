//! What a line of a recording is: the header, the entries by name, and what is lost.
//!
//! Pure. The names are the file's format: a new meaning wants a new [`VERSION`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{Moment, Seq};

/// The version of the format that is written and read.
pub const VERSION: u32 = 1;

/// Which way the session was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the terminal program: its frames can be drawn again as they were.
    Terminal,
    /// By a subcommand without panes.
    Headless,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`] at the time. Its name says what the file is.
    pub mcpdeck_recording: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// Which way it was run.
    pub kind: Kind,
    /// The wall-clock time of moment 0, as RFC 3339.
    pub started: String,
    /// What the program began with: the app's `Start`.
    pub start: Value,
}

/// One line after the header.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its line in the file, from 1.
    pub line: usize,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// An event of the terminal program.
    App(Value),
    /// A frame was drawn: its size, its digest, and what was measured.
    Drawn(Value),
    /// A report to the host, headless.
    Host(Value),
    /// A command to the host that no key made.
    Command(Value),
    /// The host was started.
    Start,
    /// The configuration was read again, headless.
    Config(Value),
    /// The model was asked: in which stream, and what the request was about.
    Asked(Value),
    /// Something passed on the wire.
    Wire(Value),
    /// The terminal program took in the wire's record of this number.
    Seen(Seq),
    /// What could not be written here.
    Lost(Lost),
    /// The session came to its end.
    End,
}

/// The names of the entries.
pub mod name {
    /// [`super::What::App`]
    pub const APP: &str = "app";
    /// [`super::What::Drawn`]
    pub const DRAWN: &str = "drawn";
    /// [`super::What::Host`]
    pub const HOST: &str = "host";
    /// [`super::What::Command`]
    pub const COMMAND: &str = "command";
    /// [`super::What::Start`]
    pub const START: &str = "start";
    /// [`super::What::Config`]
    pub const CONFIG: &str = "config";
    /// [`super::What::Asked`]
    pub const ASKED: &str = "asked";
    /// [`super::What::Wire`]
    pub const WIRE: &str = "wire";
    /// [`super::What::Seen`]
    pub const SEEN: &str = "seen";
    /// [`super::What::Lost`]
    pub const LOST: &str = "lost";
    /// [`super::What::End`]
    pub const END: &str = "end";
}

/// What could not be written: the disk was behind, or nobody could read the line again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Records of the wire.
    pub wire: u64,
    /// Events: from there on a replay may not show what the person saw.
    pub events: u64,
}

impl Lost {
    /// Whether anything is.
    pub fn is_any(self) -> bool {
        self.wire + self.events > 0
    }
}

/// What takes the secrets out: the program's redactor, which lies above.
pub trait Clean: Send {
    /// A text without its secrets.
    fn text(&self, text: &str) -> String;
    /// A value without its secrets.
    fn value(&self, value: &mut Value);
}

impl What {
    /// An entry by its name and body.
    ///
    /// # Errors
    /// When no entry has this name, or the body is not of its form; the reason as words that follow the line's number.
    pub fn read(name: &str, body: Value) -> Result<Self, String> {
        let odd = |error: serde_json::Error| format!("`{name}` is not as it should be: {error}");
        Ok(match name {
            name::APP => Self::App(body),
            name::DRAWN => Self::Drawn(body),
            name::HOST => Self::Host(body),
            name::COMMAND => Self::Command(body),
            name::START => Self::Start,
            name::CONFIG => Self::Config(body),
            name::ASKED => Self::Asked(body),
            name::WIRE => Self::Wire(body),
            name::SEEN => Self::Seen(serde_json::from_value(body).map_err(odd)?),
            name::LOST => Self::Lost(serde_json::from_value(body).map_err(odd)?),
            name::END => Self::End,
            _ => {
                return Err(format!(
                    "`{name}` is no kind of entry that this version knows"
                ));
            }
        })
    }
}
