//! What stands between a caller and a tool: who it is, what it may call, how often, and the record of it.
//!
//! A server that is reached through a pipe has one caller, who may do everything that the server offers; the HTTP side asks the
//! `gate` who calls and hangs the `Caller` on the request. Every call passes `Guard::call`.
//!
//! In order: the token (`gate`), its scopes, the rates, a free place, the arguments against the tool's schema, the record, the
//! call within its time, the record again. Limits, time and record hold on a pipe as well.
//!
//! Scopes: `tool:NAME` or `tool:*` to call tools, `resources` to list and read resources, `prompts` to list and get prompts. A
//! resource shows what a tool shows, such as the schema of a table, so a token for one tool does not open them. A token without
//! scopes may shake hands and list nothing.
//!
//! `token` says whether a token is good, by `keys`, and `deny` whether it still is; `limits` counts; `audit` records.

pub mod audit;
pub mod keys;
pub mod token;

mod call;
mod caller;
mod deny;
mod gate;
mod limits;
mod options;

use std::sync::Arc;
use std::time::Duration;

use audit::Audit;
use deny::DenyList;
use keys::Source;
use limits::{Denials, Limits};
use token::Expected;

pub use call::{Call, Ended};
pub use caller::Caller;
pub use deny::Denied;
pub use gate::{Denial, Gate, Need};
pub use limits::Limiter;
pub use options::{Algorithm, AuditOptions, KeySource, Options, Rate, TokenOptions, tool_rate};

/// Why a server's rules cannot be put in force; a sentence that names the file or URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// The rules for the calls of one server.
#[derive(Debug, Default)]
pub struct Guard {
    tokens: Option<Tokens>,
    limits: Limits,
    call_timeout: Option<Duration>,
    audit: Option<Audit>,
    denials: Denials,
}

/// What tokens are held against.
#[derive(Debug)]
struct Tokens {
    source: Source,
    expected: Expected,
    denied: Option<DenyList>,
    servers: Vec<String>,
}

impl Guard {
    /// Puts the rules in force: reads keys and deny list, opens the audit.
    ///
    /// # Errors
    /// One of them cannot be had; the server must not start.
    pub async fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        let limits = Limits::new(&options);
        let tokens = match options.tokens {
            Some(tokens) => Some(Tokens::open(tokens).await.map_err(OpenError)?),
            None => None,
        };
        let audit = options.audit.as_ref().map(Audit::open).transpose();
        Ok(Arc::new(Self {
            tokens,
            limits,
            call_timeout: options.call_timeout,
            audit: audit.map_err(OpenError)?,
            denials: Denials::default(),
        }))
    }

    /// Whether a caller over HTTP must show a token.
    pub fn asks_for_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Waits until all that happened is recorded; before the process ends.
    ///
    /// # Errors
    /// It cannot be recorded; a sentence.
    pub async fn flush(&self) -> Result<(), String> {
        match &self.audit {
            Some(audit) => audit.flush().await,
            None => Ok(()),
        }
    }
}

impl Tokens {
    async fn open(options: TokenOptions) -> Result<Self, String> {
        if options.issuer.is_empty() || options.audience.iter().all(String::is_empty) {
            return Err("tokens need an issuer and an audience that are expected".to_owned());
        }
        let denied = options
            .deny_list
            .as_deref()
            .map(DenyList::open)
            .transpose()?;
        let mut servers = options.authorization_servers;
        if servers.is_empty() && options.issuer.starts_with("https://") {
            servers.push(options.issuer.clone());
        }
        Ok(Self {
            source: Source::open(options.algorithm, &options.keys).await?,
            expected: Expected {
                issuer: options.issuer,
                audience: options.audience,
            },
            denied,
            servers,
        })
    }
}
