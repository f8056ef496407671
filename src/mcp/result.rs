//! What a tool call came to: the blocks of an answer, and the ways in which there is none.
//!
//! An outcome is data, not an `Err`: the model and the person read each of them. All text is the server's: clean it at the exits.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A `CallToolResult`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ToolResult {
    /// The content blocks in order.
    pub content: Vec<Block>,
    /// `structuredContent`.
    pub structured: Option<Value>,
    /// The tool says that it failed. Proof that the server lives.
    pub is_error: bool,
}

/// What helps with a server that can do something in the old era only.
pub const OLD_ERA_HINT: &str = "set `protocol = \"legacy\"` for this server";

/// One content block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// An image, base64.
    Image {
        /// Its MIME type.
        mime: String,
        /// base64.
        data: String,
    },
    /// Sound, base64.
    Audio {
        /// Its MIME type.
        mime: String,
        /// base64.
        data: String,
    },
    /// A link to a resource.
    Link {
        /// Its URI.
        uri: String,
        /// Its name.
        name: Option<String>,
        /// A name for people.
        title: Option<String>,
        /// What it is, in the server's words.
        description: Option<String>,
        /// Its MIME type.
        mime: Option<String>,
        /// Its size in bytes.
        size: Option<u64>,
    },
    /// A resource inside the answer.
    Resource {
        /// Its URI.
        uri: String,
        /// Its MIME type.
        mime: Option<String>,
        /// Text, where it is text.
        text: Option<String>,
        /// base64, where it is not.
        blob: Option<String>,
    },
    /// One message of a prompt.
    Said {
        /// `user` or `assistant`.
        role: String,
        /// What is said.
        block: Box<Block>,
    },
    /// A block of a kind that this version does not know, kept as it came.
    Other {
        /// The block.
        value: Value,
    },
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CallOutcome {
    /// The tool answered, well or with `is_error`.
    Answered {
        /// The answer; shared, because it may be of many megabytes and is wanted in several places.
        result: Arc<ToolResult>,
    },
    /// The server answered with a JSON-RPC error.
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// No answer in time; it may have run.
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// Cancelled from here; it may have run in part.
    Cancelled,
    /// The connection ended after the request was sent: **the outcome is unknown**, and the call is never repeated by itself.
    Lost {
        /// What ended it, as a sentence.
        why: String,
    },
    /// It never left: the outcome is that nothing happened.
    NotSent {
        /// Why, as a sentence.
        why: String,
    },
    /// The answer came and could not be read.
    Unreadable {
        /// Why, as a sentence.
        why: String,
    },
}

impl ToolResult {
    /// A result of one text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: vec![Block::Text { text: text.into() }],
            ..Self::default()
        }
    }

    /// All that a model can read of it: text blocks as they are, other blocks as a line that names them; the structured
    /// content as JSON when there is no text at all.
    pub fn as_text(&self) -> Cow<'_, str> {
        match (&self.structured, self.content.as_slice()) {
            (Some(value), []) => value.to_string().into(),
            // The common case, and the long ones: no copy.
            (_, [Block::Text { text }]) => text.into(),
            (_, blocks) => {
                let parts: Vec<String> = blocks.iter().map(Block::as_text).collect();
                parts.join("\n").into()
            }
        }
    }
}

impl Block {
    /// What a model can read of the block.
    pub fn as_text(&self) -> String {
        match self {
            Self::Text { text }
            | Self::Resource {
                text: Some(text), ..
            } => text.clone(),
            Self::Image { mime, data } => format!("[image {mime}, {} bytes of base64]", data.len()),
            Self::Audio { mime, data } => format!("[audio {mime}, {} bytes of base64]", data.len()),
            Self::Link { uri, name, .. } => {
                format!("[resource link {} {uri}]", name.as_deref().unwrap_or(""))
            }
            Self::Resource { uri, mime, .. } => {
                format!("[resource {uri} {}]", mime.as_deref().unwrap_or("binary"))
            }
            Self::Said { role, block } => format!("{role}: {}", block.as_text()),
            Self::Other { value } => value.to_string(),
        }
    }
}

impl CallOutcome {
    /// Whether the tool, the server or the connection says that it went wrong.
    pub fn is_error(&self) -> bool {
        !matches!(self, Self::Answered { result } if !result.is_error)
    }

    /// What may help, where an error on a connection of the new era smells of a server that asks its client in the old way
    /// only: some libraries say so in the words of the tool's error and nowhere else.
    pub fn era_hint(&self) -> Option<&'static str> {
        let words = match self {
            Self::Answered { result } if result.is_error => result.as_text().into_owned(),
            Self::Refused { message, .. } => message.clone(),
            _ => return None,
        };
        let words = words.to_lowercase();
        let any = |of: &[&str]| of.iter().any(|it| words.contains(it));
        let asks = any(&[
            "elicit",
            "sampling",
            "createmessage",
            "roots",
            "server-initiated",
        ]);
        let in_vain = any(&[
            "2026-07-28",
            "server-initiated",
            "back-channel",
            "backchannel",
            "stateless",
            "not supported",
            "unsupported",
            "unavailable",
        ]);
        (asks && in_vain).then_some(OLD_ERA_HINT)
    }

    /// Whether the call may have changed something although there is no answer.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Lost { .. } | Self::TimedOut { .. } | Self::Cancelled | Self::Unreadable { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_smells_of_the_old_era_is_known_by_its_words() {
        let failed = |words: &str, is_error| CallOutcome::Answered {
            result: Arc::new(ToolResult {
                is_error,
                ..ToolResult::text(words)
            }),
        };
        let words =
            "elicitation via server-initiated requests is unavailable on 2026-07-28 connections.";
        assert_eq!(failed(words, true).era_hint(), Some(OLD_ERA_HINT));
        assert_eq!(failed(words, false).era_hint(), None);
        let refused = CallOutcome::Refused {
            code: -32603,
            message: "Sampling is not supported by this session".into(),
        };
        assert_eq!(refused.era_hint(), Some(OLD_ERA_HINT));
        for other in [
            "no such file",
            "the database does not support elicitation of rows",
        ] {
            assert_eq!(failed(other, true).era_hint(), None, "{other}");
        }
    }
}
