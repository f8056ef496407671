//! What a front end asks of the host.

use serde::{Deserialize, Serialize};

use crate::host::lab::LabCommand;
use crate::host::question::Answer;
use crate::host::session::SessionCommand;
use crate::host::state::Root;
use crate::ids::{CallId, QuestionId, ServerName};
use crate::mcp::request::Errand;

/// A wish of the person or the script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Says something to the model. Without a model, SQL runs on the database server.
    Submit(String),
    /// Interrupts the model and its calls. The conversation stays well formed.
    Interrupt,
    /// Answers a question.
    Answer(QuestionId, Answer),
    /// Calls a tool by hand: no question, because the hand is the person's.
    Call {
        /// The server.
        server: ServerName,
        /// The server's own name of the tool.
        tool: String,
        /// The arguments, a JSON object.
        arguments: String,
    },
    /// Makes a call once more by hand, past the cache; only for a tool whose answers are kept.
    Afresh(CallId),
    /// Forgets kept answers and lists, of one server or of all; the lists are asked for again.
    ClearCache(Option<ServerName>),
    /// A list of the servers is looked at: what is past its time is asked for again.
    Look,
    /// Shortens what the model sees of the conversation; the words say what matters.
    Compact(String),
    /// Reads a resource by hand.
    Read {
        /// The server.
        server: ServerName,
        /// The resource's URI.
        uri: String,
    },
    /// Gets a prompt by hand; with `send` its messages go to the model as the person's own.
    GetPrompt {
        /// The server.
        server: ServerName,
        /// The prompt's name.
        prompt: String,
        /// The arguments, a JSON object of texts.
        arguments: String,
        /// Whether the model is to answer.
        send: bool,
    },
    /// Does an errand; what came of it stands in [`crate::host::Host::errands`].
    Errand {
        /// The server.
        server: ServerName,
        /// What.
        what: Errand,
    },
    /// Sets the folders that servers may be told of, and tells those that have asked.
    SetRoots(Vec<Root>),
    /// Something of the protocol lab.
    Lab(LabCommand),
    /// Starts a sign-in at a server.
    SignIn(ServerName),
    /// Goes on with it by the address that the browser ended at.
    FinishSignIn {
        /// The server.
        server: ServerName,
        /// The address.
        redirect: String,
    },
    /// Gives up a sign-in.
    AbortSignIn(ServerName),
    /// Forgets the credentials for a server.
    SignOut(ServerName),
    /// Accepts what a server has changed in its tools, now that the person has seen it.
    AcceptTools {
        /// The server.
        server: ServerName,
        /// Which of them; absent: all.
        tools: Option<Vec<String>>,
    },
    /// Ends the server's connection, if any, and dials anew.
    Restart(ServerName),
    /// Asks a server now whether it lives.
    Probe(ServerName),
    /// Asks a server for the lists that it does not announce, to find what is there but not declared.
    ListUndeclared(ServerName),
    /// Switches a server on.
    Enable(ServerName),
    /// Switches a server off.
    Disable(ServerName),
    /// Lists, resumes, names or deletes saved sessions.
    Session(SessionCommand),
    /// Starts a new conversation.
    Clear,
    /// Looks for a model again.
    FindModel,
}
