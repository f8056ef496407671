//! What stands between a caller and a tool: who it is, what it may call, how often, and the record of it.
//!
//! A server that is reached through a pipe has one caller, who may do everything that the server offers; the HTTP side finds out
//! who calls and hangs the `Caller` on the request. Every call passes `Guard::call`.

mod caller;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::servers::toolbox::Refusal;

pub use caller::Caller;

/// The rules for the calls of one server.
#[derive(Debug, Default)]
pub struct Guard {}

impl Guard {
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
