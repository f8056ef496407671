//! What the configuration says of one server: how it is started or reached, its limits and its rules.
//!
//! Plain data, resolved: every `${VAR}` is expanded and every default is in place. Read by `mcp`, `host` and `cli`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::oauth::OauthSettings;
use crate::config::policy::Policy;
use crate::config::secret::Secret;
use crate::ids::ServerName;

/// The levels of log messages, the least important first.
pub const LOG_LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// One server, ready to be dialled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// The name of its table.
    pub name: ServerName,
    /// How it is started or reached.
    pub launch: Launch,
    /// `enabled = false` keeps it in the list without starting it.
    pub enabled: bool,
    /// A required server that cannot start makes a headless run fail with exit code 3.
    pub required: bool,
    /// From the dial to the end of the handshake and the first listing; 30 s by default.
    pub startup_timeout: Duration,
    /// One tool call without progress; 120 s by default.
    pub tool_timeout: Duration,
    /// Where set, only these tools are offered.
    pub enabled_tools: Option<Vec<String>>,
    /// Never offered, even when also enabled.
    pub disabled_tools: Vec<String>,
    /// Folders that this server may be told of when it asks for roots; absent: those that hold for all servers.
    pub roots: Option<Vec<PathBuf>>,
    /// The least level of log messages that it is asked for; absent: what it sends by itself.
    pub log_level: Option<String>,
    /// Which protocol era to speak.
    pub protocol: ProtocolChoice,
    /// When a call asks the person first.
    pub approve: ApprovePolicy,
    /// The same by tool; wins over `approve`.
    pub tool_approve: BTreeMap<String, ApprovePolicy>,
    /// How many calls, how long, which may be repeated, what is kept of the answers, what its process may touch.
    pub policy: Box<Policy>,
}

/// How a server is started or reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Launch {
    /// A child process that speaks on stdin and stdout.
    Stdio(StdioLaunch),
    /// A server at a URL.
    Http(HttpLaunch),
    /// One of mcpdeck's own servers, started as a child process of the same binary.
    Bundled(Bundled),
}

/// A child process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StdioLaunch {
    /// Program and arguments as the configuration writes them, before `${VAR}` was expanded: they may hold a token.
    pub shown: Vec<String>,
    /// The program, looked up on `PATH` when it has no separator; never serialized.
    #[serde(skip_serializing, default)]
    pub command: String,
    /// Its arguments, expanded: never serialized.
    #[serde(skip_serializing, default)]
    pub args: Vec<String>,
    /// Variables set for it.
    pub env: BTreeMap<String, Secret>,
    /// Variables passed through from our own environment when they are set there.
    pub env_vars: Vec<String>,
    /// Its working directory; ours when absent.
    pub cwd: Option<PathBuf>,
}

/// A server at a URL.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpLaunch {
    /// The URL as the configuration writes it, before `${VAR}` was expanded: it may hold a token.
    pub shown: String,
    /// `http://` or `https://`; never serialized.
    #[serde(skip_serializing, default)]
    pub url: String,
    /// Headers sent with each request; `Authorization` among them when `bearer_token_env_var` is set.
    pub headers: BTreeMap<String, Secret>,
    /// Which of the HTTP transports.
    pub transport: TransportChoice,
    /// How to sign in there; of no use when a header `Authorization` is set.
    pub oauth: Box<OauthSettings>,
}

/// One of mcpdeck's own servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Bundled {
    /// `mcpdeck serve filesystem ROOT...`
    Filesystem {
        /// The folders it may touch; at least one.
        roots: Vec<PathBuf>,
        /// Where its trash lies; none is the data directory of the person.
        data_dir: Option<PathBuf>,
        /// Read-only leaves out every tool that changes something.
        access: Access,
    },
    /// `mcpdeck serve database URL`
    Database {
        /// `sqlite:FILE`, a path, or `postgres://...`.
        url: StoreUrl,
        /// What it may do with the data.
        access: Access,
    },
    /// `mcpdeck serve crm [URL]`
    Crm {
        /// Where the contacts are; none is a file in the data directory.
        url: Option<StoreUrl>,
        /// Read-only leaves out every tool that changes something.
        access: Access,
    },
}

/// Where a bundled server's data is. A URL on the network may hold a password: that is told to the server and to nobody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreUrl {
    url: Secret,
    shown: String,
}

impl StoreUrl {
    /// A URL as it is used and as the file writes it, before variables are expanded.
    pub fn new(url: impl Into<String>, written: &str) -> Self {
        let url = url.into();
        let shown = if url.contains("://") && !url.starts_with("sqlite:") {
            without_password(written)
        } else {
            url.clone()
        };
        Self {
            url: Secret::new(url),
            shown,
        }
    }

    /// The URL itself, for the server that uses it.
    pub fn expose(&self) -> &str {
        self.url.expose()
    }

    /// The URL for people, and for the rules that are bound to it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether the URL holds more than may be shown.
    pub fn is_secret(&self) -> bool {
        self.url.expose() != self.shown
    }
}

/// `postgres://me:***@host/db`; a variable's name, which gives nothing away, stays.
fn without_password(written: &str) -> String {
    let Some((scheme, rest)) = written.split_once("://") else {
        return written.to_owned();
    };
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A variable with a default may have the password as its default.
    let hidden = |value: &str| {
        let name = value.strip_prefix("${").and_then(|v| v.strip_suffix('}'));
        let named = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
        match name.is_some_and(named) {
            true => value.to_owned(),
            false => "***".to_owned(),
        }
    };
    let mut shown = format!("{scheme}://");
    match address.rsplit_once('@') {
        Some((user, host)) => {
            match user.split_once(':') {
                Some((name, password)) => {
                    shown.push_str(&format!("{name}:{}@{host}", hidden(password)));
                }
                None => shown.push_str(&format!("{user}@{host}")),
            };
        }
        None => shown.push_str(address),
    }
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| match pair.split_once('=') {
        Some((name, value)) if name.to_ascii_lowercase().contains("password") => {
            format!("{name}={}", hidden(value))
        }
        _ => pair.to_owned(),
    });
    let pairs: Vec<String> = pairs.collect();
    if !pairs.is_empty() {
        shown.push('?');
        shown.push_str(&pairs.join("&"));
    }
    shown
}

/// What a bundled server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Reads only.
    ReadOnly,
    /// Reads and changes, each by a tool of its own; a change still asks.
    #[default]
    Changes,
    /// The same, and in a database whole scripts of SQL; they ask as well.
    ReadWrite,
}

/// `transport = "auto" | "streamable-http" | "sse"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum TransportChoice {
    /// Streamable HTTP.
    #[default]
    Auto,
    /// Streamable HTTP and nothing else.
    StreamableHttp,
    /// The HTTP+SSE transport of 2024-11-05.
    Sse,
}

/// `protocol = "auto" | "modern" | "legacy"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolChoice {
    /// Asks with `server/discover`, then falls back to `initialize`.
    #[default]
    Auto,
    /// 2026-07-28 only.
    Modern,
    /// `initialize` only.
    Legacy,
}

/// `approve = "always" | "writes" | "never"`: when a call asks the person first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ApprovePolicy {
    /// Every call asks.
    Always,
    /// Every call asks but the reads of bundled servers.
    #[default]
    Writes,
    /// No call asks.
    Never,
}

impl ServerSpec {
    /// Whether this is one of mcpdeck's own servers, whose word on what is a read is believed.
    pub fn is_bundled(&self) -> bool {
        matches!(self.launch, Launch::Bundled(_))
    }

    /// Whether the configuration lets this tool be offered.
    pub fn offers(&self, tool: &str) -> bool {
        let listed = self
            .enabled_tools
            .as_ref()
            .is_none_or(|only| only.iter().any(|t| t == tool));
        listed && !self.disabled_tools.iter().any(|t| t == tool)
    }

    /// The policy that holds for one tool.
    pub fn approve_for(&self, tool: &str) -> ApprovePolicy {
        self.tool_approve.get(tool).copied().unwrap_or(self.approve)
    }
}

impl StdioLaunch {
    /// Program and arguments for people and for rules; what they are without `${VAR}` where nothing else was said.
    pub fn shown_words(&self) -> Vec<&str> {
        let whole = std::iter::once(&self.command).chain(&self.args);
        if self.shown.is_empty() {
            whole.map(String::as_str).collect()
        } else {
            self.shown.iter().map(String::as_str).collect()
        }
    }
}

impl HttpLaunch {
    /// Whether the configuration gives the header that says who we are: then nobody signs in.
    pub fn is_told_who_we_are(&self) -> bool {
        let mut names = self.headers.keys();
        names.any(|name| name.eq_ignore_ascii_case("authorization"))
    }

    /// The URL for people and for rules.
    pub fn shown_url(&self) -> &str {
        if self.shown.is_empty() {
            &self.url
        } else {
            &self.shown
        }
    }
}

impl Launch {
    /// The launch on one line without secrets: what an "always" rule is bound to, so that another server of the same
    /// name does not inherit it, and what a person reads in the server's details.
    pub fn identity(&self) -> String {
        match self {
            Self::Stdio(stdio) => {
                let words = stdio.shown_words().into_iter().map(quote);
                words.collect::<Vec<_>>().join(" ")
            }
            Self::Http(http) => http.shown_url().to_owned(),
            Self::Bundled(Bundled::Filesystem { roots, .. }) => {
                let roots = roots.iter().map(|root| quote(&root.to_string_lossy()));
                format!(
                    "mcpdeck serve filesystem {}",
                    roots.collect::<Vec<_>>().join(" ")
                )
            }
            Self::Bundled(Bundled::Database { url, .. }) => {
                format!("mcpdeck serve database {}", quote(url.shown()))
            }
            Self::Bundled(Bundled::Crm { url: None, .. }) => "mcpdeck serve crm".to_owned(),
            Self::Bundled(Bundled::Crm { url: Some(url), .. }) => {
                format!("mcpdeck serve crm {}", quote(url.shown()))
            }
        }
    }
}

/// A word as a person would type it in a shell.
pub(crate) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@=,+%~${}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
