//! What a person means by a key, a palette row or a slash command.
//!
//! Plain data. The keymap and the palette name intents; `update` has one small function for each.

use std::collections::BTreeMap;

use crate::app::browse::Shelf;
use crate::app::composer::Edit;
use crate::app::form::FieldKey;
use crate::app::inspector::{FollowKey, InspectTab, LabKey, OffersKey, OverviewKey, WireKey};
use crate::app::state::Pane;
use crate::config::ThemeChoice;
use crate::ids::ServerName;
use crate::mcp::request::Errand;

/// One wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// Opens the help, or closes it.
    Help,
    /// Opens the command palette, or closes it.
    Palette,
    /// The next pane gets the keys; in the empty input, the suggestion is taken.
    NextPane,
    /// The pane before gets the keys.
    PreviousPane,
    /// This pane gets the keys.
    Focus(Pane),
    /// Closes what lies on top, else interrupts the turn, else goes back to the chat.
    Back,
    /// Ctrl-C: closes, clears or interrupts; twice, quits.
    Cancel,
    /// Ctrl-D: quits when the input is empty.
    EndOfInput,
    /// Ends the program.
    Quit,
    /// Gives the terminal back to the shell for a while.
    Suspend,
    /// Draws everything anew.
    Redraw,
    /// Shows or folds the model's reasoning.
    Reasoning,
    /// Copies the model's last answer.
    CopyAnswer,
    /// Copies what the marked or open thing says.
    CopyResult,
    /// Writes a look at what a call with an unknown outcome may have done into the input.
    LookAfter,
    /// Sends a call with an unknown outcome once more; the key is pressed twice.
    RepeatCall,
    /// Scrolls, or moves the mark.
    Move(Move),
    /// Sends what is written.
    Submit,
    /// Begins a new line of the input.
    Newline,
    /// Edits the input.
    Edit(Edit),
    /// Opens all about the marked thing.
    Open,
    /// Opens the list of all tools.
    Tools,
    /// Shows what this server has changed in its tools; without a name, of the one in view, and accepts it where it is on show.
    Pins(Option<ServerName>),
    /// Starts the marked server anew, or this one.
    Restart(Option<ServerName>),
    /// Switches the marked server off, or this one.
    Disable(Option<ServerName>),
    /// Switches the marked server on, or this one.
    Enable(Option<ServerName>),
    /// Opens all about this server.
    ShowServer(ServerName),
    /// Marks the answer before.
    PreviousAnswer,
    /// Marks the answer after.
    NextAnswer,
    /// Gives the marked answer.
    AnswerMarked,
    /// Gives this answer.
    Answer(Choice),
    /// Goes through the fields of a form, or changes what is chosen there.
    Field(FieldKey),
    /// Opens the list of folders that servers may be told of.
    Folders,
    /// Signs in at the marked server, or this one.
    SignIn(Option<ServerName>),
    /// Forgets the credentials for this server.
    SignOut(ServerName),
    /// Does this in the sign-in on show.
    Sign(SignKey),
    /// Answers whether a folder's file may run.
    Trust(TrustKey),
    /// Scrolls the arguments of the question.
    Arguments(Move),
    /// Leaves the reason and goes back to the answers.
    LeaveReason,
    /// Does what the marked row of the palette says.
    Run,
    /// Puts this into the input, to be completed.
    Compose(String),
    /// Calls a tool by hand.
    Call {
        /// The server.
        server: ServerName,
        /// The tool.
        tool: String,
        /// The arguments, one line of JSON.
        arguments: String,
    },
    /// Looks at what is kept, or at what the model sees, and makes less of it.
    Keeping(Keeping),
    /// Looks at one server from all sides.
    Inspect(Inspecting),
    /// Reaches into a server, or into what was got from one.
    Reach(Reaching),
    /// Does something about saved sessions.
    Session(SessionKey),
    /// Starts a new conversation.
    Clear,
    /// Looks for a model again.
    FindModel,
    /// Changes the colours.
    Theme(ThemeChoice),
}

/// A wish about the inspector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspecting {
    /// Opens it for this server, or for the one in view.
    Open(Option<ServerName>),
    /// Shows a tab.
    Tab(InspectTab),
    /// Shows the next tab.
    NextTab,
    /// Shows the tab before.
    PreviousTab,
    /// Closes what is open in the tab, else the inspector.
    Back,
    /// A key of the overview.
    Overview(OverviewKey),
    /// A key of what the server offers.
    Offers(OffersKey),
    /// A key of the wire.
    Wire(WireKey),
    /// A key of the line of time.
    Follow(FollowKey),
    /// A key of the lab.
    Lab(LabKey),
}

/// A wish about saved sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKey {
    /// Opens the list of them.
    Browse,
    /// Goes on with one.
    Resume(String),
    /// Gives the conversation a name.
    Rename(String),
    /// Says where the conversation is saved, and whether it is.
    Tell,
    /// Deletes the marked one; the first press asks.
    Delete,
}

/// A wish about kept answers and lists, and about what the model sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// Shows what is kept.
    Cache,
    /// Forgets it, of one server or of all.
    ClearCache(Option<ServerName>),
    /// Makes the marked or open call once more, past what is kept.
    Afresh,
    /// Shows what the model sees and what it costs.
    Context,
    /// Shortens what the model sees; the words say what matters.
    Compact(String),
}

/// A wish about resources, prompts, completions and what answers hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaching {
    /// Opens the list of all resources or prompts.
    Browse(Shelf),
    /// Reads a resource by hand.
    Read {
        /// The server.
        server: ServerName,
        /// The resource's URI.
        uri: String,
    },
    /// Opens the form for a resource template; its resource is read then.
    FillTemplate {
        /// The server.
        server: ServerName,
        /// The template.
        uri_template: String,
    },
    /// Begins with a prompt: in the input, or in its form when it has arguments.
    UsePrompt {
        /// The server.
        server: ServerName,
        /// The prompt.
        prompt: String,
    },
    /// Opens the form for a prompt's arguments.
    FillPrompt {
        /// The server.
        server: ServerName,
        /// The prompt.
        prompt: String,
        /// What is given already.
        given: BTreeMap<String, String>,
    },
    /// Gets a prompt and sends its messages to the model.
    GetPrompt {
        /// The server.
        server: ServerName,
        /// The prompt.
        prompt: String,
        /// The arguments, one line of JSON.
        arguments: String,
    },
    /// Does an errand at a server and says what came of it.
    Errand {
        /// The server.
        server: ServerName,
        /// What.
        what: Errand,
    },
    /// Takes the marked completion; where nothing can follow it and `sends`, it goes out.
    Take {
        /// Whether it may go out.
        sends: bool,
    },
    /// Closes the completions.
    Dismiss,
    /// The next field of the form.
    NextField,
    /// The field of the form before.
    PreviousField,
    /// Takes the marked value of the form, else goes to what is missing, else sends it.
    SendFields,
    /// Writes the pictures, sounds and files of the open call to files.
    SaveBlocks,
}

/// A way through lines or rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// One up.
    Up,
    /// One down.
    Down,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the first.
    Top,
    /// To the last; the chat follows from there.
    Bottom,
}

/// What can be done in the sign-in on show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignKey {
    /// Hands the address to the browser.
    Open,
    /// Copies the address.
    Copy,
    /// Goes on with the address that was pasted; where it failed, begins anew.
    Go,
    /// Gives it up.
    Abort,
}

/// The answers to the question whether a folder's file may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrustKey {
    /// It may, as it is now.
    Yes,
    /// It may not: the program opens without it, or goes on as it was.
    No,
    /// The program ends.
    Quit,
}

/// The answers of the question dialogs, in the order in which they stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Yes, this call.
    Once,
    /// Yes, for this session.
    Session,
    /// Yes, from now on.
    Always,
    /// No.
    No,
    /// No, and the model is told why.
    Reason,
    /// What is filled in.
    Accept,
    /// Yes, and the address is handed to the browser.
    Open,
    /// The address is copied; nothing is answered.
    Copy,
    /// Yes, and the person goes there by other means.
    Elsewhere,
    /// Neither yes nor no.
    Dismiss,
}

impl Choice {
    /// Those before a call.
    pub const ALL: [Self; 5] = [
        Self::Once,
        Self::Session,
        Self::Always,
        Self::No,
        Self::Reason,
    ];
}
