//! What the host wants written down. Plain data without secrets; the driver's `keep` writes it, each kind in a place of its own.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::AllowRule;
use crate::host::audit::{AuditFrame, AuditRecord};
use crate::host::session::SessionWrite;
use crate::host::state::RememberedEra;
use crate::ids::{CallId, ServerName};
use crate::mcp::prompt::Prompt;
use crate::mcp::resource::{Resource, Template};
use crate::mcp::tool::Tool;

/// The version of [`KeptLists`] that is written; a file of another one is none.
pub const LISTS_VERSION: u32 = 1;
use crate::mcp::pins::PinChanges;

/// One thing to write down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Keep {
    /// That a call was sent, or how it ended: a line of the record of calls.
    Audit(Box<AuditRecord>),
    /// That the person sends a frame of their own, into the same record.
    Frame(Box<AuditFrame>),
    /// An "always" answer, into the user's configuration.
    Rule(AllowRule),
    /// What became final in the conversation, into its session's file.
    Session(SessionWrite),
    /// Which era a server speaks; a failure is no matter.
    Era {
        /// The file.
        path: PathBuf,
        /// The server.
        server: ServerName,
        /// What is to be remembered.
        remembered: RememberedEra,
    },
    /// What a server offers, so that the next run knows it before the server is there; a failure is no matter.
    Lists {
        /// The file.
        path: PathBuf,
        /// All of it; absent: the file goes.
        lists: Option<Box<KeptLists>>,
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

/// What a server offered in an earlier run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptLists {
    /// [`LISTS_VERSION`].
    pub version: u32,
    /// The server.
    pub server: ServerName,
    /// [`crate::config::Launch::identity`] at that time: another server of the same name starts anew.
    pub launch: String,
    /// Its tools.
    pub tools: Vec<Tool>,
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Its resource templates.
    pub templates: Vec<Template>,
    /// Its prompts.
    pub prompts: Vec<Prompt>,
}

impl KeptLists {
    /// Whether they are of this server, started in this way, in a form that is known.
    pub fn is_of(&self, server: &ServerName, launch: &str) -> bool {
        self.version == LISTS_VERSION && self.server == *server && self.launch == launch
    }

    /// Whether there is nothing in them.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
            && self.resources.is_empty()
            && self.templates.is_empty()
            && self.prompts.is_empty()
    }
}

/// The file of a server's lists: its name for people, and a digest, because two folders may call different servers the same.
pub fn lists_file(folder: &Path, server: &ServerName, launch: &str) -> PathBuf {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain: String = server.as_str().chars().filter(is_plain).take(40).collect();
    let digest = Sha256::digest(format!("{server}\n{launch}"));
    let digest: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    folder.join(format!("{plain}-{digest}.json"))
}
