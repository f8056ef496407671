//! The Follow tab: from which row one came, which row is marked, and whether all of it is open. What the rows are is the host's
//! trail, made anew whenever it is looked at.
//!
//! Plain state. `update::inspector::follow` moves it, `view::inspector::follow` draws it.

use crate::app::intent::Move;
use crate::host::trail::{From, Trail};

/// The Follow tab.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FollowTab {
    /// What it is asked for from; absent: the newest call of the server, else the last thing on its wire.
    pub from: Option<From>,
    /// The marked row; absent: the one from which it was asked for, else the first.
    pub marked: Option<usize>,
    /// All of the marked row is on show, from this line on.
    pub open: Option<usize>,
}

/// What its keys mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FollowKey {
    /// Follow what is marked in the tab or pane that is on show.
    This,
    /// Mark another row; in an open one, scroll.
    Go(Move),
    /// Opens the marked row, or closes it.
    Open,
    /// Goes to the marked row in the Wire tab.
    Wire,
    /// The server's next call.
    Newer,
    /// The server's call before.
    Older,
    /// Copies all of the marked row.
    Copy,
}

impl FollowTab {
    /// The marked row of a trail.
    pub fn marked(&self, trail: &Trail) -> usize {
        let wanted = self.marked.or(trail.start).unwrap_or(0);
        wanted.min(trail.rows.len().saturating_sub(1))
    }
}
