//! The host's state: what every front end reads.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::model::Usage;
use crate::agent::transcript::Transcript;
use crate::agent::turn::{StopReason, TurnState};
use crate::config::{FolderFile, Launch, Limits, ModelMode};
use crate::host::asks::Answers;
use crate::host::book::Book;
use crate::host::call::ToolCall;
use crate::host::compact::Compacting;
use crate::host::event::ModelLabel;
use crate::host::keep::KeptLists;
use crate::host::lab::Lab;
use crate::host::preview::Preview;
use crate::host::question::Question;
use crate::host::server::Server;
use crate::host::session::SessionState;
use crate::ids::{AskId, CallId, ErrandId, Generation, Moment, ServerName, StreamId};
use crate::mcp::pins::Pins;
use crate::mcp::request::{Errand, ErrandEnd};
use crate::mcp::status::Era;

/// Everything that is the case.
#[derive(Debug, Clone, PartialEq)]
pub struct Host {
    /// The servers, in the order of the configuration.
    pub servers: Vec<Server>,
    /// The calls, oldest first; a call's number is its place, from 1.
    pub calls: Vec<ToolCall>,
    /// The conversation.
    pub transcript: Transcript,
    /// Where the agent stands.
    pub turn: TurnState,
    /// The errands under way and the last ones that are over, oldest first.
    pub errands: VecDeque<ErrandState>,
    /// The folders that servers may be told of; absent: nobody has said so yet, and a server that asks is a question.
    pub roots: Option<Vec<Root>>,
    /// The protocol lab.
    pub lab: Lab,
    /// Sign-ins under way, and how the last one at a server ended.
    pub sign_ins: BTreeMap<ServerName, SignInState>,
    /// What our model is writing for servers, each with a stream of its own.
    pub samplings: Vec<SamplingState>,
    /// The questions that wait, the one to show first.
    pub questions: VecDeque<Question>,
    /// The session in which the conversation is kept.
    pub session: SessionState,
    /// What the calls that wait for an answer would do, as far as that can be told. Shown, and never sent.
    pub previews: BTreeMap<CallId, Preview>,
    /// The model.
    pub model: ModelState,
    /// Tokens since the conversation began.
    pub usage: Usage,
    /// Why the last turn ended.
    pub stopped: Option<StopReason>,
    /// What does not change while it runs.
    pub settings: Settings,
    /// The model is summing up what was said so far.
    pub compacting: Option<Compacting>,
    /// The host's own bookkeeping; no front end needs it.
    pub(super) book: Book,
}

/// A folder that servers may be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Its URI, `file:///...`.
    pub uri: String,
    /// A name for it.
    pub name: Option<String>,
}

/// An errand and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrandState {
    /// Its number.
    pub id: ErrandId,
    /// The server.
    pub server: ServerName,
    /// What.
    pub what: Errand,
    /// What came of it; absent while it is under way.
    pub end: Option<ErrandEnd>,
}

/// Our model writes for a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SamplingState {
    /// Its stream.
    pub stream: StreamId,
    /// The server.
    pub server: ServerName,
    /// On which connection.
    pub generation: Generation,
    /// The number of its question there.
    pub ask: AskId,
    /// The call that waits for it, where that is known.
    pub call: Option<CallId>,
    /// What is written so far.
    pub text: String,
    /// Model-safe names of the server's tools, and its own names for them.
    pub names: BTreeMap<String, String>,
    /// Since when.
    pub since: Moment,
}

/// A sign-in at a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "sign_in", rename_all = "snake_case")]
pub enum SignInState {
    /// Asked for; what the server wants is being found out.
    Starting,
    /// The person has to go to an address.
    Visit {
        /// The address.
        url: String,
        /// Whether the browser is sent back to us.
        comes_back: bool,
    },
    /// It did not come about.
    Failed {
        /// Why, as a sentence.
        why: String,
    },
}

/// What does not change while the host runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The agent's limits.
    pub limits: Limits,
    /// How tools are offered.
    pub mode: ModelMode,
    /// Where results that are too long for the model go.
    pub results_dir: PathBuf,
    /// The conversation is written down, and earlier ones can be gone on with.
    pub keeps_sessions: bool,
    /// Nobody can be asked: what would be asked is refused.
    pub headless: bool,
    /// Headless: these may run without a question, `SERVER.TOOL` with globs.
    pub approve: Vec<String>,
    /// Answers to what servers ask, given beforehand; they count where nobody can be asked.
    pub answers: Answers,
    /// The folders that servers may be told of (`--root`); these win over `roots` of the configuration as a whole, and count
    /// with a person in front as well as without.
    pub roots: Option<Vec<Root>>,
    /// The era that each server spoke when the program ran last, bound to its launch.
    pub eras: BTreeMap<ServerName, RememberedEra>,
    /// Where that is kept; absent: nowhere.
    pub eras_file: Option<PathBuf>,
    /// What each server offered when the program ran last, bound to its launch.
    pub lists: BTreeMap<ServerName, KeptLists>,
    /// The folder where that is kept; absent: nowhere.
    pub lists_dir: Option<PathBuf>,
    /// What was pinned of each server's tools when the program ran last.
    pub pins: Pins,
    /// Where that is kept; absent: nowhere.
    pub pins_file: Option<PathBuf>,
    /// Servers whose tools are accepted as they are described now (`--accept-tools`); `*` for all.
    pub accept_tools: Vec<String>,
    /// How long a prompt waits for servers that are still starting.
    pub patience: Duration,
    /// How often a quiet server is asked whether it lives; absent: never.
    pub probe_every: Option<Duration>,
    /// Whether a server that does not come up at the start is dialled again. A run without panes tells its cause at once instead.
    pub redials_at_start: bool,
    /// The seed of what is random: how the waits before another try are spread.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            mode: ModelMode::Auto,
            results_dir: PathBuf::from("results"),
            keeps_sessions: false,
            headless: false,
            approve: Vec::new(),
            answers: Answers::default(),
            roots: None,
            eras: BTreeMap::new(),
            eras_file: None,
            lists: BTreeMap::new(),
            lists_dir: None,
            pins: Pins::default(),
            pins_file: None,
            accept_tools: Vec::new(),
            patience: Duration::from_secs(3),
            probe_every: Some(Duration::from_secs(30)),
            redials_at_start: true,
            seed: 0,
        }
    }
}

/// The era that a server spoke last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedEra {
    /// A digest of [`crate::config::Launch::identity`] at that time: another server of the same name starts anew. The words of a
    /// command may be secrets that nothing knows for such.
    pub launch: String,
    /// The era.
    pub era: Era,
}

impl RememberedEra {
    /// What is remembered of a server that is launched in this way.
    pub fn of(launch: &Launch, era: Era) -> Self {
        let launch = FolderFile::digest(launch.identity().as_bytes());
        Self { launch, era }
    }

    /// Whether it is about a server that is launched in this way.
    pub fn is_of(&self, launch: &Launch) -> bool {
        *self == Self::of(launch, self.era)
    }
}

/// The model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum ModelState {
    /// Being looked for.
    Searching {
        /// Since when.
        since: Moment,
    },
    /// There.
    Ready {
        /// Which.
        label: ModelLabel,
    },
    /// None: everything but the chat works.
    Absent {
        /// Why, and how to get one: at most two lines.
        why: String,
    },
}

impl Host {
    /// The server of this name.
    pub fn server(&self, name: &ServerName) -> Option<&Server> {
        self.servers.iter().find(|server| &server.name == name)
    }

    /// The call of this number.
    pub fn call(&self, id: CallId) -> Option<&ToolCall> {
        self.calls.get(usize::try_from(id.0.checked_sub(1)?).ok()?)
    }

    /// Whether a turn is running, or the conversation is being summed up.
    pub fn is_busy(&self) -> bool {
        self.turn != TurnState::Idle || self.compacting.is_some()
    }
}
