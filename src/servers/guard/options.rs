//! The rules as the command line gives them: plain data, and how a rate is written. Filled by `cli`, opened by `Guard::open`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The rules for the calls of one server. The default is none: everybody at the other end may do everything.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which tokens are asked for; none asks for no token.
    pub tokens: Option<TokenOptions>,
    /// How often one subject may call.
    pub rate: Option<Rate>,
    /// How often one subject may call the named tools.
    pub rate_tools: Vec<(String, Rate)>,
    /// How many calls may run at once.
    pub max_concurrent: Option<usize>,
    /// How many calls of one subject may run at once.
    pub max_concurrent_subject: Option<usize>,
    /// How long one call may run.
    pub call_timeout: Option<Duration>,
    /// Where calls are recorded; a call that cannot be recorded does not run.
    pub audit: Option<AuditOptions>,
}

/// Which tokens are good.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// The only algorithm.
    pub algorithm: Algorithm,
    /// Where the keys are.
    pub keys: KeySource,
    /// Who issues the tokens: `iss`.
    pub issuer: String,
    /// What the tokens are for: one of them must be in `aud`.
    pub audience: Vec<String>,
    /// Where a client gets tokens, for the protected-resource metadata; when empty, the issuer if it is a URL.
    pub authorization_servers: Vec<String>,
    /// Tokens and subjects that are good no more.
    pub deny_list: Option<PathBuf>,
}

/// Where the keys are that verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file: a PEM public key, or the secret of HS256.
    File(PathBuf),
    /// A file with a JSON Web Key Set.
    JwksFile(PathBuf),
    /// A URL of a JSON Web Key Set: https, or http on loopback.
    JwksUrl(String),
}

/// The algorithms that a server can be told to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 bits and more.
    Rs256,
    /// HMAC with SHA-256, secrets of 256 bits and more.
    Hs256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::EdDsa, Self::Es256, Self::Rs256, Self::Hs256];

    /// As a token's header names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|a| a.name() == text);
        known.ok_or_else(|| format!("`{text}` is none of EdDSA, ES256, RS256, HS256"))
    }
}

/// Where calls are recorded.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// The file.
    pub path: PathBuf,
    /// The size beyond which it becomes `FILE.1` and a new one begins; none never rotates.
    pub max_bytes: Option<u64>,
}

/// So many calls in a period; all of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least 1.
    pub calls: u32,
    /// In which time.
    pub per: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no rate: write `60/min`, or `/s`, `/h`, `/day`");
        let (calls, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            "d" | "day" => 86_400,
            _ => return Err(wrong()),
        };
        let calls = calls.parse().map_err(|_| wrong())?;
        if calls == 0 || calls > 1_000_000 {
            return Err(format!("`{text}`: the number of calls is 1 to 1000000"));
        }
        let per = Duration::from_secs(seconds);
        Ok(Self { calls, per })
    }
}

/// Reads `NAME=10/min`.
///
/// # Errors
/// It is written in another way.
pub fn tool_rate(text: &str) -> Result<(String, Rate), String> {
    let (name, rate) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| format!("`{text}`: write `NAME=10/min`"))?;
    Ok((name.to_owned(), rate.parse()?))
}
