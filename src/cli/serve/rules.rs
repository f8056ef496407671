//! The flags that say who may call what, how often, and where it is recorded.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::servers::guard::{
    Algorithm, AuditOptions, KeySource, Options, Rate, TokenOptions, tool_rate,
};

/// The rules for every call.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rules for callers")]
pub struct RuleArgs {
    /// Ask for JWTs of this algorithm: EdDSA, ES256, RS256 or HS256
    #[arg(long, value_name = "ALG", requires_all = ["token_keys", "token_issuer", "token_audience", "http"])]
    token_alg: Option<Algorithm>,
    /// The key that verifies them: a PEM public key, or the secret of HS256
    #[arg(
        long,
        value_name = "FILE",
        group = "token_keys",
        requires = "token_alg"
    )]
    token_key: Option<PathBuf>,
    /// Or a JSON Web Key Set, by file or URL
    #[arg(
        long,
        value_name = "FILE|URL",
        group = "token_keys",
        requires = "token_alg"
    )]
    token_jwks: Option<String>,
    /// Who must have issued them: `iss`
    #[arg(long, value_name = "ISSUER", requires = "token_alg")]
    token_issuer: Option<String>,
    /// Whom they must be for: `aud`; repeatable
    #[arg(long, value_name = "AUDIENCE", requires = "token_alg")]
    token_audience: Vec<String>,
    /// Where clients get tokens, when not from the issuer; repeatable
    #[arg(long, value_name = "URL", requires = "token_alg")]
    token_server: Vec<String>,
    /// Tokens and subjects that are good no more; reread when it changes
    #[arg(long, value_name = "FILE", requires = "token_alg")]
    token_deny: Option<PathBuf>,
    /// How often one subject may call, such as 60/min
    #[arg(long, value_name = "N/UNIT")]
    rate: Option<Rate>,
    /// How often one subject may call a tool; repeatable
    #[arg(long, value_name = "TOOL=N/UNIT", value_parser = tool_rate)]
    rate_tool: Vec<(String, Rate)>,
    /// Run so many calls at a time
    #[arg(long, value_name = "N")]
    max_calls: Option<usize>,
    /// Run so many calls of one subject at a time
    #[arg(long, value_name = "N")]
    max_calls_subject: Option<usize>,
    /// End a call after this time
    #[arg(long, value_name = "SECONDS")]
    call_timeout: Option<u64>,
    /// Record every call here, as hash-chained JSON lines
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Begin a new file beyond this size
    #[arg(long, value_name = "BYTES", requires = "audit")]
    audit_max: Option<u64>,
}

impl RuleArgs {
    /// The file that nobody else may read: with the secret of HS256 whoever reads it makes tokens.
    pub fn secret(&self) -> Option<&Path> {
        let jwks = self.token_jwks.as_deref().map(Path::new);
        let key = self.token_key.as_deref().or(jwks);
        key.filter(|_| self.token_alg == Some(Algorithm::Hs256))
    }

    /// The rules as the guard takes them.
    pub fn options(self) -> Options {
        let max_bytes = self.audit_max;
        let audit = self.audit.map(|path| AuditOptions { path, max_bytes });
        let keys = match (self.token_key, self.token_jwks) {
            (Some(file), _) => Some(KeySource::File(file)),
            (None, Some(url)) if url.contains("://") => Some(KeySource::JwksUrl(url)),
            (None, Some(file)) => Some(KeySource::JwksFile(file.into())),
            (None, None) => None,
        };
        let tokens = self.token_alg.zip(keys).zip(self.token_issuer);
        let tokens = tokens.map(|((algorithm, keys), issuer)| TokenOptions {
            algorithm,
            keys,
            issuer,
            audience: self.token_audience,
            authorization_servers: self.token_server,
            deny_list: self.token_deny,
        });
        Options {
            tokens,
            rate: self.rate,
            rate_tools: self.rate_tool,
            max_concurrent: self.max_calls,
            max_concurrent_subject: self.max_calls_subject,
            call_timeout: self.call_timeout.map(Duration::from_secs),
            audit,
        }
    }
}
