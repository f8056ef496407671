//! What happens to the terminal program: keys, the host's reports, the wire, the clock, and what the view measured.
//!
//! Plain data. `terminal::run` makes them, `App::update` takes them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::app::key::Key;
use crate::app::state::Measured;
use crate::config::{News, ThemeChoice};
use crate::host::HostEvent;
use crate::mcp::wire::record::WireRecord;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AppEvent {
    /// A key was pressed, or repeats.
    Key(Key),
    /// A text was pasted, raw.
    Paste(String),
    /// The mouse.
    Mouse(Mouse),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The driver's report to the host.
    Host(HostEvent),
    /// Something passed on a server's wire.
    Wire(WireRecord),
    /// Time has passed.
    Tick,
    /// A frame was drawn.
    Drawn(Measured),
    /// The script proposes the next prompt.
    Suggestion(Option<String>),
    /// What `auto` means in this terminal: `Dark`, `Light` or `Mono`.
    Theme(ThemeChoice),
    /// A text was handed to the terminal's clipboard, or why not.
    Copied(Result<usize, String>),
    /// An address was handed to the browser, or why not.
    Opened(String, Result<(), String>),
    /// Of the folders that were asked about, these are not there.
    Missing(Vec<PathBuf>),
    /// The configuration's files have changed.
    News(Box<News>),
    /// Why an agreed folder's file could not be written down as such; it runs all the same.
    TrustNotKept(String),
    /// Files were written, or why not.
    Saved(Result<Vec<PathBuf>, String>),
    /// The terminal was given back and taken again.
    Resumed,
    /// The program is asked to end: a signal, or the terminal is gone.
    Terminate,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// The column, from 0.
    pub x: u16,
    /// The row, from 0.
    pub y: u16,
}

/// What the mouse can do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MouseKind {
    /// The wheel, towards the start.
    WheelUp,
    /// The wheel, towards the end.
    WheelDown,
    /// The left button went down.
    Click,
}
