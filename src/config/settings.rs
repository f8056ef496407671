//! The configuration as a whole, resolved: servers, model, limits, rules and looks.
//!
//! Plain data; `load` makes it from files, flags and the environment. Read by everything above.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::secret::Secret;
use crate::config::server::ServerSpec;
use crate::ids::ServerName;

/// Everything that `mcp.toml`, the flags and the environment say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Config {
    /// The servers, in the order of the files.
    pub servers: Vec<ServerSpec>,
    /// Servers whose table has an error: kept, so that they are shown with the reason and do not stop the others.
    pub broken: Vec<BrokenServer>,
    /// The model endpoint.
    pub model: ModelSettings,
    /// The agent's limits.
    pub limits: Limits,
    /// Folders that servers may be told of when they ask for roots; absent: the person is asked.
    pub roots: Option<Vec<PathBuf>>,
    /// "Always" answers from earlier days.
    pub allow: Vec<AllowRule>,
    /// How much the program's own log holds.
    pub log: LogLevel,
    /// Looks.
    pub ui: UiSettings,
    /// The files that were read, the weakest first.
    pub files: Vec<PathBuf>,
    /// The user's own file, where an "always" answer is written; it need not exist.
    pub user_file: Option<PathBuf>,
    /// Doubts that stop nothing, such as a section that this version does not use: whole sentences.
    pub warnings: Vec<String>,
}

/// A server that the configuration names but does not describe well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrokenServer {
    /// Its name.
    pub name: ServerName,
    /// File, line, key, what was expected and the nearest known name, as whole lines.
    pub error: String,
    /// Whether it said `required = true` where that could be read.
    pub required: bool,
    /// Whether it is to be started at all: `enabled = false` makes a missing variable harmless.
    pub enabled: bool,
}

/// The `[model]` table after flags and environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSettings {
    /// Which adapter.
    pub provider: Provider,
    /// The endpoint's base URL, such as `https://api.openai.com/v1`; absent: look for a local one.
    pub base_url: Option<String>,
    /// The model's name at the endpoint; absent: the endpoint's first fitting one.
    pub name: Option<String>,
    /// The key, read from `api_key_env` or `OPENAI_API_KEY`.
    pub api_key: Option<Secret>,
    /// Further headers for each request.
    pub headers: BTreeMap<String, Secret>,
    /// Always sent; 4096 by default.
    pub max_tokens: u32,
    /// Sent when set.
    pub temperature: Option<f32>,
    /// How tools are offered.
    pub mode: ModelMode,
    /// The script of `provider = "scripted"`.
    pub script: Option<PathBuf>,
    /// The recorded session of `provider = "replay"`.
    #[serde(default)]
    pub recording: Option<PathBuf>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            provider: Provider::Openai,
            base_url: None,
            name: None,
            api_key: None,
            headers: BTreeMap::new(),
            max_tokens: 4096,
            temperature: None,
            mode: ModelMode::Auto,
            script: None,
            recording: None,
        }
    }
}

/// `provider = "openai" | "scripted" | "replay" | "none"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Any OpenAI-compatible endpoint, by Chat Completions.
    #[default]
    Openai,
    /// A script plays the model; see `agent::model::scripted`.
    Scripted,
    /// A recorded session plays the model; see `agent::model::recorded`.
    Replay,
    /// No model, and none is looked for.
    None,
}

/// `mode = "auto" | "tools" | "prompt"`: how tools are offered to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ModelMode {
    /// `tools`, and `prompt` once the endpoint says that it cannot.
    #[default]
    Auto,
    /// The `tools` field of Chat Completions.
    Tools,
    /// Short signatures in the system prompt; calls come back as fenced JSON.
    Prompt,
}

/// The `[limits]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Model requests in one turn; 30 by default.
    pub steps_per_turn: u32,
    /// The same call with the same arguments in a row: this one is not run any more; 3 by default.
    pub same_call: u32,
    /// Tokens of one result that the model sees; 25,000 by default.
    pub result_tokens: u32,
    /// Tokens of the model's context; absent: what its endpoint tells of it, else 32,000.
    pub context_tokens: Option<u32>,
    /// From the request to the endpoint's first byte; 180 s by default, because a local model may have to load.
    pub first_byte: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_per_turn: 30,
            same_call: 3,
            result_tokens: 25_000,
            context_tokens: None,
            first_byte: Duration::from_secs(180),
        }
    }
}

/// One `[[allow]]` entry: an "always" answer. Bound to the launch, so that another server of the same name does not inherit it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowRule {
    /// The server's name.
    pub server: ServerName,
    /// The tool's own name.
    pub tool: String,
    /// [`crate::config::server::Launch::identity`] at the time of the answer.
    pub launch: String,
}

/// `[log] level = "off" | "error" | "warn" | "info" | "debug" | "trace"`: what the program's own log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// There is none.
    Off,
    /// What went wrong.
    Error,
    /// And what may be.
    Warn,
    /// And what servers and calls do.
    #[default]
    Info,
    /// And each thing that is sent.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The levels as they are written.
    pub const ALL: [(&str, Self); 6] = [
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];

    /// Reads a level as it is written, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        let fits = |(name, _): &&(&str, Self)| name.eq_ignore_ascii_case(word.trim());
        Self::ALL.iter().find(fits).map(|(_, level)| *level)
    }
}

/// The `[ui]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct UiSettings {
    /// The theme's name.
    pub theme: ThemeChoice,
    /// How a change that matters reaches a person who looks elsewhere.
    pub notify: Notify,
}

/// `notify = "off" | "bell" | "desktop"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    /// Not at all.
    #[default]
    Off,
    /// By the terminal's bell.
    Bell,
    /// By a notification of the desktop, through the terminal.
    Desktop,
}

/// `theme = "auto" | "dark" | "light" | "mono"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// Dark or light by what the terminal says of itself; mono with `NO_COLOR`.
    #[default]
    Auto,
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// No colour: bold, dim, underline and reverse only.
    Mono,
}
