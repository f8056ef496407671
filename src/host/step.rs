//! What was decided about a call on its way, each with its moment: what the states that it passed through do not tell any more.
//!
//! Plain data; `trail` shows it. Bounded: of a call with very many steps the first and the last are kept.

use std::time::Duration;

use serde::Serialize;

use crate::host::call::Ruler;
use crate::ids::{CallId, Generation, Moment};

/// One thing that was decided about a call, or happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The person was asked.
    Asked {
        /// Why.
        why: String,
    },
    /// It was decided whether it may run.
    Ruled {
        /// By whom.
        by: Ruler,
        /// Why.
        why: String,
    },
    /// Its server still starts, so it waits for that.
    WaitsForServer,
    /// Its server takes no more calls now, so it waits for its turn.
    Queued {
        /// Its place in the line, from 1.
        place: usize,
    },
    /// A kept answer was given for it.
    CacheHit {
        /// When that answer came from the server.
        since: Moment,
    },
    /// Answers of this tool are kept, and there was none for it.
    CacheMiss,
    /// An equal call is under way: its answer is this one's too.
    CacheShares {
        /// Which.
        with: CallId,
    },
    /// The breaker of its server lets nothing through.
    HeldBack {
        /// Why, for the model.
        why: String,
    },
    /// It was given to its server.
    Sent {
        /// On which connection.
        generation: Generation,
        /// How often it was sent before.
        again: u32,
    },
    /// Its request is on the wire.
    OnWire {
        /// On which connection.
        generation: Generation,
        /// The JSON-RPC id, as JSON text.
        request_id: String,
    },
    /// It goes on as a task of its server, or that task says where it is.
    Task {
        /// The server's id of it.
        id: String,
        /// Where it is.
        status: String,
    },
    /// Its connection was lost, and it is sent again, because twice is once for it.
    Again {
        /// What was lost.
        why: String,
        /// The wait before.
        wait: Duration,
    },
    /// Its connection was lost, and its task may go on.
    Adrift {
        /// Why.
        why: String,
    },
    /// A later connection follows its task.
    Followed {
        /// Which connection.
        generation: Generation,
    },
    /// What came of it opened the breaker of its server.
    BreakerOpened,
}
