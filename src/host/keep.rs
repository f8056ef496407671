//! What the host wants written down. Plain data without secrets; the driver's `keep` writes it, each kind in a place of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::AllowRule;
use crate::host::state::RememberedEra;
use crate::ids::{CallId, ServerName};
use crate::mcp::pins::PinChanges;

/// One thing to write down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Keep {
    /// An "always" answer, into the user's configuration.
    Rule(AllowRule),
    /// Which era a server speaks; a failure is no matter.
    Era {
        /// The file.
        path: PathBuf,
        /// The server.
        server: ServerName,
        /// What is to be remembered.
        remembered: RememberedEra,
    },
    /// What becomes of the pinned definitions of a server's tools.
    Pins {
        /// The file.
        path: PathBuf,
        /// The server.
        server: ServerName,
        /// Its launch, to which the pins belong.
        launch: String,
        /// The changes.
        changes: PinChanges,
    },
    /// A result that is too long for the model.
    Result {
        /// Whose.
        call: CallId,
        /// Where.
        path: PathBuf,
        /// All of it.
        text: String,
    },
}
