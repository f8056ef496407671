//! A question that the host puts to the person, and the answers that there are.

use serde::{Deserialize, Serialize};

use crate::ids::{CallId, Moment, QuestionId};

/// May this call run?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its number.
    pub id: QuestionId,
    /// The call that waits for it; its arguments are what will be sent.
    pub call: CallId,
    /// Why it is asked, as a short sentence (`write_file may change something`).
    pub why: String,
    /// Since when.
    pub since: Moment,
}

/// What the person says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Yes, this call.
    Once,
    /// Yes, and this tool of this server until the program ends.
    Session,
    /// Yes, and this tool of this server from now on: written to the user's configuration.
    Always,
    /// No.
    No {
        /// Words for the model.
        reason: Option<String>,
    },
}
