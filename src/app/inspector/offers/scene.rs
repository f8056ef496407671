//! What can be pressed in the tabs of what a server offers, in front of what, and what can come of it.
//!
//! Plain data.

use super::OfferKind;
use crate::app::asker::Asker;
use crate::app::composer::Edit;
use crate::app::form::tree::TreeKey;
use crate::app::intent::Move;
use crate::host::fix::Given;
use crate::host::trail::is_on_wire;
use crate::host::{Command, Host, Server, ToolCall};
use crate::ids::ServerName;
use crate::mcp::wire::log::{Entry, WireLog};
use crate::mcp::wire::record::{Direction, WireKind};

/// A key of these tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OffersKey {
    /// Marks another row, or scrolls.
    Go(Move),
    /// Opens what is marked: its form, or what it holds.
    Open,
    /// Closes what lies on top.
    Back,
    /// Begins a search, or ends it.
    Search,
    /// A way through the form.
    Form(TreeKey),
    /// Edits the text that has the keys.
    Edit(Edit),
    /// Begins a new line of it.
    Newline,
    /// Goes over to JSON, or back to the fields.
    Raw,
    /// Fills the form anew with its defaults; of JSON, goes back to the fields as they were.
    Reset,
    /// Sends what is filled in.
    Send,
    /// Looks at the result in another way.
    Look,
    /// The calls that were made.
    History,
    /// Holds a result to compare it, or compares it with the one that is held.
    Compare,
    /// Makes the call once more.
    Repeat,
    /// Copies the result.
    CopyResult,
    /// Copies the call as a line for a shell.
    CopyShell,
    /// Copies the call as JSON.
    CopyJson,
}

/// What has to happen outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// The host is to do this; what comes of a call is shown.
    Command(Command),
    /// This goes into the clipboard.
    Copy(String),
    /// A word about what was done.
    Say(String),
    /// A word about why nothing was done.
    Complain(String),
}

/// What the keys are pressed in front of.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Servers and calls.
    pub host: &'a Host,
    /// What passed on the wire.
    pub wire: &'a WireLog,
    /// The server on show.
    pub server: &'a ServerName,
    /// Where its settings are.
    pub given: Given,
    /// The list on show.
    pub kind: OfferKind,
    /// What servers have proposed.
    pub asker: &'a Asker,
    /// Rows of what is scrolled, and of its area: what the view measured last.
    pub area: (usize, usize),
    /// Columns in which a text of the form is folded.
    pub cols: usize,
}

impl<'a> Scene<'a> {
    /// The answer to a call as it passed on the wire, while that is kept.
    pub fn as_it_passed(&self, call: &ToolCall) -> Option<&'a Entry> {
        let mut entries = self.wire.entries().rev();
        entries.find(|entry| {
            let record = &entry.record;
            let (WireKind::Response { id } | WireKind::Error { id, .. }) = &record.kind else {
                return false;
            };
            record.direction == Direction::In
                && record.server == *self.server
                && is_on_wire(call, record.generation, id)
        })
    }

    /// The server on show.
    pub(super) fn server(&self) -> Option<&'a Server> {
        self.host.server(self.server)
    }
}
