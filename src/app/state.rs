//! What the terminal program knows beside the host: focus, scrolling, what is open, what is being typed.
//!
//! Plain state; `update` changes it, the view reads it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::app::asker::Asker;
use crate::app::composer::Composer;
use crate::app::dialog::{Awaited, Dialog, Folders, SignIn, Trusting};
use crate::app::fields::Fields;
use crate::app::inspector::{InspectTab, Inspector};
use crate::app::notice::Notices;
use crate::app::palette::Palette;
use crate::app::suggest::Suggest;
use crate::config::{Notify, ThemeChoice};
use crate::host::Host;
use crate::ids::{CallId, ErrandId, Moment, QuestionId, ServerName};
use crate::mcp::wire::log::WireLog;
use crate::mcp::wire::redact::Redactor;

/// The whole state of the terminal program.
#[derive(Debug, Clone)]
pub struct App {
    /// Servers, calls, agent.
    pub host: Host,
    /// The time of the last event: what "counting up" counts to.
    pub now: Moment,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Who gets the keys when nothing lies on top.
    pub focus: Focus,
    /// In a narrow terminal, which pane is on show.
    pub tab: Pane,
    /// One server from all sides, in place of the panes.
    pub inspector: Option<Box<Inspector>>,
    /// What lies on top, if anything.
    pub overlay: Overlay,
    /// The question whether a folder's file may run: it has the keys before all else.
    pub trust: Option<Box<Trusting>>,
    /// The folder's file that was not agreed to, by its digest, and whether nothing of it has ever run.
    pub declined: Option<(String, bool)>,
    /// The theme as the configuration had it last.
    pub configured_theme: ThemeChoice,
    /// The input.
    pub composer: Composer,
    /// The chat pane.
    pub chat: ChatPane,
    /// The tool-call pane.
    pub calls: CallsPane,
    /// The server pane.
    pub servers: ServersPane,
    /// The question dialog: which answer is marked, and the reason being typed.
    pub ask: AskPane,
    /// Visits that were agreed to and that the server has not called done.
    pub visits: Vec<Awaited>,
    /// Where the program runs.
    pub here: Here,
    /// What the configuration calls a secret: no frame shows it.
    pub secrets: Arc<Redactor>,
    /// Completions, and what is asked of servers beside calls.
    pub reach: Reach,
    /// A short word about what was just done.
    pub toast: Option<Toast>,
    /// The last things on the wire; for the stderr lines of a call's moment.
    pub wire: WireLog,
    /// The prompt that a script proposes next, shown in the empty input; Tab or Enter takes it.
    pub suggestion: Option<String>,
    /// The theme. The terminal answers `Auto` with what that means for it.
    pub theme: ThemeChoice,
    /// Whether a person who looks elsewhere is called, and how.
    pub notify: Notify,
    /// What they were called for.
    pub notices: Notices,
    /// What the program begins with instead of a new conversation.
    pub opening: Option<Opening>,
    /// The number of the last word about sessions that was said.
    pub heard: u64,
    /// What was sent while a turn ran or a model was looked for; it goes out when that is over.
    pub queued: Option<String>,
    /// When Ctrl-C was pressed last: once more soon after, and the program ends.
    pub cancelled: Option<Moment>,
    /// The program is about to end.
    pub quitting: bool,
}

/// What the program begins with instead of a new conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Opening {
    /// A saved session.
    Session(String),
    /// The list of them.
    List,
}

/// Where the program runs, for folders that are written in short.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Here {
    /// The current folder.
    pub folder: PathBuf,
    /// The person's own folder.
    pub home: Option<PathBuf>,
}

/// The three panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pane {
    /// Chat and input.
    Chat,
    /// Tool calls.
    Calls,
    /// Server health.
    Servers,
}

/// Who gets the keys.
pub type Focus = Pane;

/// Where the chat is scrolled to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Anchor {
    /// The end, and it stays there while text streams.
    #[default]
    Follow,
    /// This line of this transcript entry is the first on the screen.
    At {
        /// Index in the transcript.
        entry: usize,
        /// Line of it as laid out.
        line: usize,
    },
}

/// The chat pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatPane {
    /// Where it is scrolled to.
    pub anchor: Anchor,
    /// What the view measured last; scrolling goes by it.
    pub measured: Measured,
    /// Show the model's reasoning whole instead of its last line.
    pub reasoning: bool,
}

/// What the view measured while it drew: the only thing that comes back from it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Measured {
    /// The first line on the screen.
    pub first: (usize, usize),
    /// Rows of the chat's area.
    pub rows: usize,
    /// Laid-out heights of the entries around the screen, as (entry, lines); at least two screens each way where there are that many.
    pub heights: Vec<(usize, usize)>,
    /// Rows of the open detail or help text, and of its area.
    pub detail: (usize, usize),
    /// Where each pane lies, for the mouse: x, y, width, height.
    pub panes: Vec<(Pane, (u16, u16, u16, u16))>,
    /// What else can be clicked on, and where it lies; nothing in recordings from before there was any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spots: Vec<(Spot, (u16, u16, u16, u16))>,
    /// The first row on show and the rows of the calls' and the servers' lists.
    pub lists: [(usize, usize); 2],
    /// Rows of the question's text, and of their area.
    pub ask: (usize, usize),
    /// The first of them on show.
    pub ask_first: usize,
    /// Of the wire: rows of its list, and columns and rows of its detail.
    pub wire: [usize; 3],
    /// Columns in which a field of a form folds its text; 0: not drawn.
    pub field: usize,
    /// Columns of the input's text, where a line is folded; 0: not drawn.
    pub input: usize,
}

/// A place of the inspector that can be clicked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spot {
    /// A tab's name.
    Tab(InspectTab),
    /// Rows that the keys go through one by one.
    Rows {
        /// The marked one, counted from the first on show.
        marked: usize,
        /// The keys go through them; else a key takes them there.
        has_keys: bool,
    },
}

/// The tool-call pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallsPane {
    /// The marked call; absent: the newest, and it follows.
    pub marked: Option<CallId>,
    /// The call that a second press until then sends once more.
    pub again: Option<(CallId, Moment)>,
}

/// The server pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServersPane {
    /// The marked row.
    pub marked: usize,
}

/// The question dialog.
#[derive(Debug, Clone, Default)]
pub struct AskPane {
    /// The question that all of this is about.
    pub question: Option<QuestionId>,
    /// What its dialog holds.
    pub dialog: Dialog,
    /// The marked answer, a place among those of the dialog.
    pub marked: usize,
    /// The reason while it is typed.
    pub reason: Option<Composer>,
    /// First line of its text on show.
    pub scroll: usize,
    /// The person has scrolled, or typed nothing yet: else the field that has the keys is kept in sight.
    pub free: bool,
    /// It was answered from here.
    pub answered: bool,
    /// When the question came on the screen, or the last key that came too soon after that: an answer within 400 ms of it is
    /// taken for typing that was meant for the input.
    pub shown: Option<Moment>,
}

/// Completions, and what is asked of servers beside calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The completions of the input.
    pub suggest: Suggest,
    /// What servers are asked for completions.
    pub asker: Asker,
    /// Errands whose end is to be said.
    pub errands: Vec<ErrandId>,
}

/// What lies on top of the panes.
#[derive(Debug, Clone, Default)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The keys.
    Help {
        /// First line on show.
        scroll: usize,
    },
    /// The command palette.
    Palette(Palette),
    /// The form for a prompt or a resource template.
    Fields(Box<Fields>),
    /// All about one call or one server.
    Detail {
        /// What.
        of: Detail,
        /// First line on show.
        scroll: usize,
    },
    /// The folders that servers may be told of.
    Folders(Folders),
    /// A sign-in at a server.
    SignIn(Box<SignIn>),
}

/// What the detail overlay is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// One call.
    Call(CallId),
    /// One server.
    Server(ServerName),
    /// What a server has changed in its tools (`/pins`).
    Changes(ServerName),
    /// What is kept of answers and lists (`/cache`).
    Cache,
    /// What the model sees and what it costs (`/context`).
    Context,
    /// All tools of all servers (`/tools`).
    Tools,
}

/// A short word about what was just done (`copied 120 characters`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The word.
    pub text: String,
    /// When it goes.
    pub until: Moment,
}
