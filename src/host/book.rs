//! The host's own bookkeeping: numbers, timers, rules, and what the model was told.
//!
//! Plain state that no front end needs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::agent::turn::Numbers;
use crate::config::{AllowRule, ModelMode};
use crate::host::attach::Attaching;
use crate::host::preview::Looking;
use crate::host::state::Root;
use crate::ids::{CallId, ErrandId, Generation, Moment, QuestionId, ServerName, TimerId, TurnId};
use crate::mcp::catalog::Catalog;
use crate::mcp::lifecycle::Lifecycle;
use crate::mcp::pins::Pins;
use crate::mcp::request::ListKind;
use crate::mcp::status::Era;

/// What the host keeps for itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Book {
    /// Turns, streams and timers.
    pub numbers: Numbers,
    /// The last errand's number.
    pub errand: ErrandId,
    /// The last question's number.
    pub question: QuestionId,
    /// What each running timer is for.
    pub timers: BTreeMap<TimerId, Purpose>,
    /// Each server's ends.
    pub lifecycles: BTreeMap<ServerName, Lifecycle>,
    /// The names under which tools are offered.
    pub catalog: Catalog,
    /// "Always" answers.
    pub always: Vec<AllowRule>,
    /// "For this session" answers.
    pub session: BTreeSet<(ServerName, String)>,
    /// The last call of this turn and how often it was made in a row.
    pub repeated: Option<(Repeat, u32)>,
    /// The model kept making the same call: it gets no more tools in this turn, only the chance to answer.
    pub hushed: bool,
    /// How tools are offered now; `Auto` stands for `Tools` until the endpoint refuses.
    pub mode: ModelMode,
    /// The endpoint choked on a schema.
    pub plain_schemas: bool,
    /// The step whose answer may be longer, because it was cut in the middle of a call.
    pub stretched: Option<(TurnId, u32)>,
    /// What is pinned of each server's tools.
    pub pins: Pins,
    /// The digest of each server's words that were looked at last.
    pub looked: BTreeMap<ServerName, String>,
    /// Pairs of tools that look alike of which the person has been told.
    pub compared: BTreeSet<((ServerName, String), (ServerName, String))>,
    /// The era that each server spoke last.
    pub eras: BTreeMap<ServerName, Era>,
    /// When each list was asked for last.
    pub listed: BTreeMap<(ServerName, ListKind), Moment>,
    /// Lists that a connection announced and that have neither come nor failed yet, but for the tools, which its status tells.
    pub unlisted: BTreeMap<ServerName, (Generation, BTreeSet<ListKind>)>,
    /// Calls that were cancelled while their task had no connection: the next one is told.
    pub to_cancel: BTreeSet<CallId>,
    /// Calls whose question waits until it is known what they would do.
    pub looking: BTreeMap<CallId, Looking>,
    /// Calls whose task goes on without a connection, and why that ended.
    pub adrift: BTreeMap<CallId, String>,
    /// Calls that a later connection follows, or has followed.
    pub followed: BTreeSet<CallId>,
    /// How each server's connection answers its probes.
    pub probes: BTreeMap<ServerName, Probes>,
    /// Names in the configuration of which the person has been warned.
    pub warned: BTreeSet<(ServerName, String)>,
    /// Resources on their way to the model, before its turn.
    pub attaching: Option<Attaching>,
    /// Calls by the person whose results the model sees.
    pub attached: BTreeSet<CallId>,
    /// Prompts under way that the model is to answer.
    pub to_send: BTreeSet<CallId>,
    /// Tools whose mismatch with their own schema the person has been told of.
    pub mismatched: BTreeSet<(ServerName, String)>,
    /// The folders that the person named for one server, for this session.
    pub roots: BTreeMap<ServerName, Vec<Root>>,
    /// Connections whose server has asked for the roots.
    pub asked_roots: BTreeSet<(ServerName, Generation)>,
    /// Servers for which our model may write without a question, for this session.
    pub writes_for: BTreeSet<ServerName>,
    /// When our model wrote for a server within the last minute.
    pub wrote: BTreeMap<ServerName, VecDeque<Moment>>,
    /// The line on missing servers that the model was told last.
    pub told: Option<String>,
}

/// How the probes of one connection went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Probes {
    /// The connection.
    pub generation: Generation,
    /// It has answered one: silence means something.
    pub answered: bool,
    /// Unanswered ones in a row.
    pub missed: u32,
    /// The machine has slept since its last word: it is believed dead at the first silence.
    pub doubted: bool,
}

/// What makes two calls the same: server, tool, arguments.
pub type Repeat = (Option<ServerName>, String, String);

/// What a timer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The turn waits.
    Turn,
    /// A server is dialled again, if this connection is still the last.
    Redial(ServerName, Generation),
    /// A server is asked whether it lives, if this connection still stands.
    Probe(ServerName, Generation),
    /// A list is asked for again, if this connection still stands.
    List(ServerName, Generation, ListKind),
    /// A question does not wait any longer for its preview.
    Preview(CallId),
    /// A call whose connection has ended is given up.
    Adrift(CallId),
}
