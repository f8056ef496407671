//! What a server asks of us, the same in both eras: a request of its own before 2026-07-28, an input that a call requires since.
//!
//! Plain data. Whoever answers decides; nothing here is ever granted by itself. All text is the server's: clean it at the exits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::mcp::result::Block;
use crate::mcp::tool::Tool;

/// A question of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// `roots/list`: which folders it may work in.
    Roots,
    /// `sampling/createMessage`: our model is to write something.
    Sampling(Box<Sampling>),
    /// `elicitation/create` in form mode: the person is to fill in something.
    Form {
        /// What for, in the server's words.
        message: String,
        /// What: a JSON Schema of an object with plain fields.
        schema: Value,
    },
    /// `elicitation/create` in URL mode: the person is to go somewhere.
    Url {
        /// What for, in the server's words.
        message: String,
        /// Where. Shown, and never opened by itself.
        url: String,
        /// The server's name for this question, by which it says later that it is done with.
        id: Option<String>,
    },
}

/// What our model is to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// The conversation.
    pub messages: Vec<SamplingMessage>,
    /// The system prompt that the server wishes for.
    pub system: Option<String>,
    /// The most tokens of the answer.
    pub max_tokens: u64,
    /// The temperature, where it wishes for one.
    pub temperature: Option<f64>,
    /// Texts at which the answer ends.
    pub stop: Vec<String>,
    /// Names of models that it would like, the best first.
    pub models: Vec<String>,
    /// Tools that our model may ask the server to run. They are the server's: we never run them.
    pub tools: Vec<Tool>,
    /// `auto`, `required` or `none`, where there are tools.
    pub tool_choice: Option<String>,
    /// `none`, `thisServer` or `allServers`: what of our conversation it would like to see. We never give any.
    pub context: Option<String>,
}

/// One message of the conversation that a server writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplingMessage {
    /// `user` or `assistant`.
    pub role: String,
    /// What is said; uses and results of tools are [`Block::Other`].
    pub content: Vec<Block>,
}

/// What a server is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The result, as its method has it.
    Result {
        /// The result.
        value: Value,
    },
    /// A JSON-RPC error.
    Error {
        /// Its code.
        code: i64,
        /// Why, as a sentence.
        message: String,
    },
}

impl Ask {
    /// The protocol's name of the method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Roots => "roots/list",
            Self::Sampling(_) => "sampling/createMessage",
            Self::Form { .. } | Self::Url { .. } => "elicitation/create",
        }
    }
}
