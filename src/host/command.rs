//! What a front end asks of the host.

use serde::{Deserialize, Serialize};

use crate::host::question::Answer;
use crate::ids::{QuestionId, ServerName};

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
    /// Ends the server's connection, if any, and dials anew.
    Restart(ServerName),
    /// Switches a server on.
    Enable(ServerName),
    /// Switches a server off.
    Disable(ServerName),
    /// Starts a new conversation.
    Clear,
    /// Looks for a model again.
    FindModel,
}
