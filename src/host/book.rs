//! The host's own bookkeeping: numbers, timers, rules, and what the model was told.
//!
//! Plain state that no front end needs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::agent::turn::Numbers;
use crate::config::{AllowRule, ModelMode};
use crate::host::attach::Attaching;
use crate::host::audit::Audited;
use crate::host::dispatch::Kept;
use crate::host::preview::Looking;
use crate::host::servers::Held;
use crate::host::servers::Taken;
use crate::host::session::Keeper;
use crate::host::state::Root;
use crate::ids::{CallId, ErrandId, Generation, Moment, QuestionId, ServerName, TimerId, TurnId};
use crate::mcp::catalog::Catalog;
use crate::mcp::lifecycle::Lifecycle;
use crate::mcp::listing::ListHints;
use crate::mcp::pins::Pins;
use crate::mcp::policy::limiter::Limiter;
use crate::mcp::policy::retry::Dice;
use crate::mcp::request::ListKind;
use crate::mcp::result::CallOutcome;
use crate::mcp::status::Era;
use crate::mcp::tool::Tool;

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
    /// Bytes of the results that are kept, the oldest first.
    pub kept_results: VecDeque<(CallId, usize)>,
    /// Those that were cut to what the model was given, the oldest first, and the bytes of that.
    pub kept_words: VecDeque<(CallId, usize)>,
    /// What spreads the waits before another try.
    pub dice: Dice,
    /// The calls that wait for their turn at each server, the next one first.
    pub lines: BTreeMap<ServerName, VecDeque<CallId>>,
    /// When the calls of each server began.
    pub limiters: BTreeMap<ServerName, Limiter>,
    /// Calls that were given to their server and had not ended when last looked at.
    pub under_way: BTreeSet<CallId>,
    /// Calls that are sent again, because twice is once for them.
    pub resends: BTreeMap<CallId, Resend>,
    /// When each line is looked at next, whatever else happens.
    pub line_wakes: BTreeMap<ServerName, Moment>,
    /// Servers that are asked for their breaker's sake whether they live.
    pub breaker_probes: BTreeSet<ServerName>,
    /// The names under which tools are offered.
    pub catalog: Catalog,
    /// The servers were started: one that comes to the configuration later is dialled at once.
    pub started: bool,
    /// What of the configuration was taken over last.
    pub taken: Taken,
    /// The last connections of servers that are no longer in the configuration.
    pub last: BTreeMap<ServerName, Generation>,
    /// "Always" answers.
    pub always: Vec<AllowRule>,
    /// How far the conversation is written.
    pub keeper: Keeper,
    /// "For this session" answers.
    pub session: BTreeSet<(ServerName, String)>,
    /// Which calls have been written down.
    pub audited: Audited,
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
    /// Answers of tools that are kept.
    pub kept: Kept,
    /// Calls that wait for a server that starts, with the definition of the tool by which they were made.
    pub expecting: BTreeMap<CallId, Option<Tool>>,
    /// What each server said of how long the list is good that it gives next.
    pub hints: BTreeMap<(ServerName, ListKind), ListHints>,
    /// A digest of the lists of each server that are on the disk.
    pub on_disk: BTreeMap<ServerName, u64>,
    /// The endpoint has refused a request as too long: the context is no larger than this.
    pub narrowed: Option<u64>,
    /// The step whose request was made shorter, because it was longer than the model's context.
    pub shortened: Option<(TurnId, u32)>,
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
    /// Running calls whose servers wait, or have waited, for a person.
    pub held: BTreeMap<CallId, Held>,
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

/// How the probes of one connection went, and when the next one is.
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
    /// The last wait for one; absent before the first.
    pub waited: Option<Duration>,
    /// The timer of the next one.
    pub timer: Option<TimerId>,
    /// A call has ended since the last one.
    pub active: bool,
}

/// A call that is sent again after its connection was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Resend {
    /// How often it was sent again already.
    pub times: u32,
    /// Not before then.
    pub not_before: Moment,
    /// Not after then: it ends with what is known.
    pub until: Moment,
    /// What it came to last.
    pub outcome: CallOutcome,
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
    /// The line of calls that wait for a server is looked at.
    Line(ServerName),
    /// A server's breaker lets one probe through.
    Breaker(ServerName),
    /// A list is asked for again, if this connection still stands.
    List(ServerName, Generation, ListKind),
    /// A question does not wait any longer for its preview.
    Preview(CallId),
    /// A call whose connection has ended is given up.
    Adrift(CallId),
}
