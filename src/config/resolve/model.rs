//! `[model]`, the flags and the environment to [`ModelSettings`].
//!
//! The order: flags, files, then `OPENAI_BASE_URL` and `OPENAI_API_KEY`. One rule stands above it: a key goes only to the
//! endpoint that it was given for. A configured `base_url` takes the key that its own `api_key_env` names and no other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::environment::{Environment, Flags};
use crate::config::error::Problem;
use crate::config::file::{Table, Value};
use crate::config::reader::{Context, Reader};
use crate::config::resolve::launch;
use crate::config::secret::Secret;
use crate::config::settings::{Config, ModelMode, ModelSettings, Provider};

/// The keys that say which endpoint it is and how it knows us. They are replaced together.
pub(super) const ENDPOINT: [&str; 7] = [
    "provider",
    "base_url",
    "name",
    "api_key_env",
    "headers",
    "recording",
    "script",
];

const KEYS: [&str; 10] = [
    "provider",
    "base_url",
    "name",
    "api_key_env",
    "headers",
    "max_tokens",
    "temperature",
    "mode",
    "recording",
    "script",
];

const ELSEWHERE: [(&str, &str); 7] = [
    ("url", "base_url"),
    ("model", "name"),
    ("api_key", "api_key_env"),
    ("key", "api_key_env"),
    ("env_key", "api_key_env"),
    ("http_headers", "headers"),
    ("max_output_tokens", "max_tokens"),
];

/// OpenAI's own endpoint: where `OPENAI_API_KEY` alone leads.
const OPENAI: &str = "https://api.openai.com/v1";

/// The model there when none is named: calls tools well, costs little, takes `max_tokens` and `temperature` as they are.
const OPENAI_MODEL: &str = "gpt-4.1-mini";

/// Where the model's endpoint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelOrigin {
    /// `--model-url`.
    Flag,
    /// A file's `[model]`.
    File,
    /// `--model-recording`.
    Recording,
    /// `OPENAI_BASE_URL` or `OPENAI_API_KEY`.
    Environment,
    /// Nobody names one: a local endpoint is looked for.
    Search,
    /// `provider = "none"`.
    Off,
}

impl fmt::Display for ModelOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "--model-url",
            Self::File => "[model] in mcp.toml",
            Self::Recording => "--model-recording",
            Self::Environment => "OPENAI_BASE_URL and OPENAI_API_KEY",
            Self::Search => "nothing is configured: a local endpoint is looked for",
            Self::Off => "provider = \"none\"",
        })
    }
}

/// What the file says, and the variable that it names for the key.
#[derive(Default)]
struct Written {
    settings: ModelSettings,
    key_env: Option<String>,
}

/// Reads the table, then lays flags over it and the environment under it.
pub(super) fn model(
    context: Context<'_>,
    flags: &Flags,
    merged: &Table,
    config: &mut Config,
    problems: &mut Vec<Problem>,
) -> ModelOrigin {
    let empty = Table::default();
    let mut reader = Reader::new(context, merged.table("model").unwrap_or(&empty), "model");
    let mut written = written(&mut reader);
    problems.append(&mut reader.problems);
    let environment = context.environment;
    if let Some(url) = &flags.model_url {
        if let Err(reason) = launch::web_address(url) {
            problems.push(flag_problem("--model-url", &reason));
        }
        from_flag(&mut written, url);
    }
    if let Some(file) = &flags.model_recording {
        written = from_recording(file, written);
    }
    if flags.model_name.is_some() {
        written.settings.name.clone_from(&flags.model_name);
    }
    if flags.model_key_env.is_some() {
        written.key_env.clone_from(&flags.model_key_env);
    }
    let origin = origin(&written, flags);
    if origin == ModelOrigin::Search {
        homeless(context, merged, flags, problems);
        let found = from_environment(&mut written, environment, &mut config.warnings);
        finish(&mut written.settings);
        config.model = written.settings;
        return found;
    }
    key(&mut written, environment, &mut config.warnings);
    finish(&mut written.settings);
    config.model = written.settings;
    origin
}

fn written(reader: &mut Reader<'_>) -> Written {
    reader.only(&KEYS, &ELSEWHERE);
    let defaults = ModelSettings::default();
    let providers = [
        ("openai", Provider::Openai),
        ("scripted", Provider::Scripted),
        ("replay", Provider::Replay),
        ("none", Provider::None),
    ];
    let modes = [
        ("auto", ModelMode::Auto),
        ("tools", ModelMode::Tools),
        ("prompt", ModelMode::Prompt),
    ];
    let settings = ModelSettings {
        provider: reader.choice("provider", &providers).unwrap_or_default(),
        base_url: url_key(reader),
        name: reader.string("name").map(|name| name.value),
        headers: headers(reader),
        max_tokens: reader.whole("max_tokens").unwrap_or(defaults.max_tokens),
        #[allow(clippy::cast_possible_truncation)] // Between 0 and 2.
        temperature: reader.number("temperature", 0.0, 2.0).map(|t| t as f32),
        mode: reader.choice("mode", &modes).unwrap_or_default(),
        script: played(reader, "script", "scripted", "the file that plays the model"),
        recording: played(reader, "recording", "replay", "a session that `--record` wrote"),
        ..defaults
    };
    Written {
        key_env: reader.string("api_key_env").map(|name| name.value),
        settings,
    }
}

fn url_key(reader: &mut Reader<'_>) -> Option<String> {
    let read = reader.string("base_url")?;
    match launch::web_address(&read.value) {
        Ok(()) => Some(read.value),
        Err(reason) => {
            let expected = format!("a URL such as `{OPENAI}` or `http://localhost:11434/v1`");
            reader.complain(read.at, "base_url", reason, expected);
            None
        }
    }
}

fn headers(reader: &mut Reader<'_>) -> BTreeMap<String, Secret> {
    let mut out = BTreeMap::new();
    for (name, value) in reader.string_map("headers") {
        launch::header(reader, "headers", &name, value.at, value.value, &mut out);
    }
    out
}

/// The file that plays the model for one provider, which does not go without it.
fn played(
    reader: &mut Reader<'_>,
    key: &'static str,
    provider: &str,
    expected: &str,
) -> Option<PathBuf> {
    if let Some(read) = reader.string(key) {
        return Some(reader.context.path(&read.value, read.at));
    }
    let named = reader.entry("provider")?;
    let says = Value::String(provider.to_owned());
    if named.node.value == says && !reader.has(key) {
        reader.complain(named.at, key, "missing", expected);
    }
    None
}

fn flag_problem(flag: &str, reason: &str) -> Problem {
    Problem {
        place: None,
        key: flag.to_owned(),
        message: reason.to_owned(),
        expected: Some("a URL such as `http://localhost:11434/v1`".to_owned()),
        nearest: None,
        unset: false,
    }
}

/// Puts the flag's endpoint in the file's place: key, headers and model stay only where it is the same endpoint.
fn from_flag(written: &mut Written, url: &str) {
    let same = written
        .settings
        .base_url
        .as_deref()
        .is_some_and(|mine| same_origin(mine, url));
    if !same {
        written.key_env = None;
        written.settings.headers.clear();
        written.settings.name = None;
    }
    written.settings.provider = Provider::Openai;
    written.settings.script = None;
    written.settings.recording = None;
    written.settings.base_url = Some(url.to_owned());
}

/// Puts a recorded session in the model's place: no key goes anywhere.
fn from_recording(file: &Path, written: Written) -> Written {
    Written {
        settings: ModelSettings {
            provider: Provider::Replay,
            recording: Some(file.to_owned()),
            mode: written.settings.mode,
            ..ModelSettings::default()
        },
        key_env: None,
    }
}

fn same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

fn origin(written: &Written, flags: &Flags) -> ModelOrigin {
    match written.settings.provider {
        Provider::None => ModelOrigin::Off,
        Provider::Scripted => ModelOrigin::File,
        Provider::Replay if flags.model_recording.is_some() => ModelOrigin::Recording,
        Provider::Replay => ModelOrigin::File,
        Provider::Openai if flags.model_url.is_some() => ModelOrigin::Flag,
        Provider::Openai if written.settings.base_url.is_some() => ModelOrigin::File,
        Provider::Openai => ModelOrigin::Search,
    }
}

/// A key or headers without the endpoint that they are for: they could end up anywhere.
fn homeless(context: Context<'_>, merged: &Table, flags: &Flags, problems: &mut Vec<Problem>) {
    let expected = "a `base_url` beside it, because a key goes only to the endpoint that it is for";
    for key in ["api_key_env", "headers"] {
        let entry = merged.table("model").and_then(|model| model.get(key));
        let openai = Value::String("OPENAI_API_KEY".to_owned());
        if let Some(entry) = entry.filter(|entry| entry.node.value != openai) {
            let full = format!("model.{key}");
            let mut problem = context.problem(entry.at, &full, "stands without `base_url`");
            problem.expected = Some(expected.to_owned());
            problems.push(problem);
        }
    }
    if flags.model_key_env.is_some() {
        problems.push(Problem {
            place: None,
            key: "--model-key-env".to_owned(),
            message: "stands without an endpoint".to_owned(),
            expected: Some("`--model-url URL` beside it".to_owned()),
            nearest: None,
            unset: false,
        });
    }
}

/// No base URL is configured: `OPENAI_BASE_URL`, else OpenAI itself where there is a key for it.
fn from_environment(
    written: &mut Written,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> ModelOrigin {
    let key = environment.var("OPENAI_API_KEY");
    let url = environment.var("OPENAI_BASE_URL");
    if let Some(Err(reason)) = url.map(launch::web_address) {
        // Its key is for that endpoint, wherever it was meant to be: not for OpenAI.
        warnings.push(format!("`OPENAI_BASE_URL` is not used: it {reason}."));
        return ModelOrigin::Search;
    }
    if url.is_none() && key.is_none() {
        return ModelOrigin::Search;
    }
    written.settings.base_url = Some(url.unwrap_or(OPENAI).to_owned());
    written.settings.api_key = key.map(|key| Secret::new(key.trim()));
    ModelOrigin::Environment
}

/// The key of a configured endpoint: the one that is named for it, or `OPENAI_API_KEY` where the endpoint is that key's own.
fn key(written: &mut Written, environment: &Environment, warnings: &mut Vec<String>) {
    let Some(url) = written.settings.base_url.as_deref() else {
        return;
    };
    let named = written.key_env.as_deref();
    let own = same_origin(url, OPENAI)
        || environment
            .var("OPENAI_BASE_URL")
            .is_some_and(|theirs| same_origin(url, theirs));
    let variable = named.or(own.then_some("OPENAI_API_KEY"));
    let key = variable.and_then(|name| environment.var(name));
    if let (Some(name), None) = (named, key) {
        warnings.push(format!(
            "The environment variable `{name}` is not set: requests to {url} go without a key."
        ));
    }
    written.settings.api_key = key.map(|key| Secret::new(key.trim()));
}

/// OpenAI offers no "first fitting" model, so one is named.
fn finish(settings: &mut ModelSettings) {
    let openai = settings
        .base_url
        .as_deref()
        .is_some_and(|url| same_origin(url, OPENAI));
    if openai && settings.name.is_none() {
        settings.name = Some(OPENAI_MODEL.to_owned());
    }
}
