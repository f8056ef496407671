//! What the agent asks of a model, whichever adapter answers.
//!
//! Plain data without endpoint or key: those stay with the adapter, so that a request can be logged and replayed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::ModelMode;

/// One request for one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRequest {
    /// The conversation. Always well formed: each call of an assistant message is followed by its tool message.
    pub messages: Vec<Message>,
    /// The tools on offer; may be empty.
    pub tools: Vec<ToolOffer>,
    /// How they are offered: `Tools` or `Prompt`, never `Auto`.
    pub mode: ModelMode,
    /// Leave `pattern`, `format`, `min*`, `max*` and `$schema` out of the tools' schemas (endpoints that build grammars choke on them).
    pub plain_schemas: bool,
    /// Allow an answer twice as long: the last one was cut in the middle of a call.
    #[serde(default)]
    pub more_tokens: bool,
    /// What whoever it is for wishes otherwise than the configuration says.
    #[serde(default)]
    pub wishes: Wishes,
}

/// Wishes for one request. What is absent is as the configuration says; a wish for tokens never goes beyond that.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Wishes {
    /// The most tokens of the answer.
    pub max_tokens: Option<u32>,
    /// The temperature.
    pub temperature: Option<f64>,
    /// Texts at which the answer ends.
    pub stop: Vec<String>,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// What mcpdeck tells the model.
    System {
        /// The text.
        text: String,
    },
    /// What the person says.
    User {
        /// The text.
        text: String,
    },
    /// What the model said.
    Assistant {
        /// Its text; may be empty beside calls.
        text: String,
        /// Its calls, in order.
        calls: Vec<ModelCall>,
    },
    /// The result of one call.
    Tool {
        /// [`ModelCall::id`].
        call: String,
        /// [`ModelCall::name`].
        name: String,
        /// What the model reads.
        text: String,
    },
}

/// A tool call as the model made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCall {
    /// Nine ASCII letters and digits, made by us: some endpoints accept no other form. Unique within the conversation.
    pub id: String,
    /// The model-safe name it used; may be one that was never offered.
    pub name: String,
    /// The arguments as the model wrote them; perhaps no valid JSON.
    pub arguments: String,
    /// Fields of the call that this version does not know (`extra_content` and the like): echoed back to the endpoint.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// A tool as it is offered to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolOffer {
    /// Model-safe: `[A-Za-z0-9_-]{1,64}`, unique in the request.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of the arguments.
    pub schema: Value,
}
