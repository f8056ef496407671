//! What an endpoint says when it refuses, as a [`ModelError`] with a next step.
//!
//! Pure: status, body and headers in, sentence out. Endpoints agree on little but the words they use, so words are what is looked for.

use std::time::Duration;

use serde_json::Value;

use crate::agent::model::error::{ModelError, ModelErrorKind as Kind};

/// No endpoint may make the program wait longer.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How much of an endpoint's own words goes into a sentence.
const QUOTE: usize = 400;

/// Who was asked for what: named in each sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) base_url: String,
    pub(super) model: String,
    pub(super) local: bool,
    pub(super) has_key: bool,
}

/// An answer that is no stream.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("HTTP {status}")]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) body: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) location: Option<String>,
}

impl Refusal {
    /// What the endpoint says, in one line.
    pub(super) fn words(&self) -> String {
        words_of(&self.body)
    }
}

impl Asked {
    /// For an HTTP answer that is not the stream that was asked for.
    pub(super) fn refused(&self, refusal: &Refusal) -> ModelError {
        if (200..300).contains(&refusal.status) {
            return self.not_a_stream(refusal);
        }
        if (300..400).contains(&refusal.status) {
            let target = refusal.location.as_deref().unwrap_or("another address");
            return error(
                Kind::Request,
                format!(
                    "{} redirects to {target}, and a key is not carried to another address.",
                    self.base_url
                ),
                "Set `base_url` to the address that the endpoint redirects to.",
            );
        }
        let words = refusal.words();
        let mut error = self.classified(refusal.status, &words, &refusal.body);
        error.retry_after = refusal.retry_after.map(|wait| wait.min(LONGEST_WAIT));
        error
    }

    /// For an error that stood inside a stream that had begun with 200.
    pub(super) fn streamed(&self, value: &Value) -> ModelError {
        let code = value.get("code").or_else(|| value.get("status"));
        let status = code
            .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (400..600).contains(code))
            .unwrap_or(500);
        let text = value.to_string();
        self.classified(status, &words_of(&text), &text)
    }

    fn not_a_stream(&self, refusal: &Refusal) -> ModelError {
        if let Ok(body) = serde_json::from_str::<Value>(&refusal.body)
            && let Some(inner) = body.get("error").filter(|inner| !inner.is_null())
        {
            return self.streamed(inner);
        }
        let what = if refusal.content_type.is_empty() {
            "something without a content type"
        } else {
            &refusal.content_type
        };
        error(
            Kind::Malformed,
            format!(
                "{} answered with {what} where a stream of events was expected: {}",
                self.base_url,
                refusal.words()
            ),
            "Check `base_url`: it must be the root of an OpenAI-compatible API, mostly ending in `/v1`.",
        )
    }

    fn classified(&self, status: u16, words: &str, body: &str) -> ModelError {
        let kind = kind_of(status, &body.to_lowercase());
        let Self {
            base_url, model, ..
        } = self;
        let says = says(words);
        let (sentence, hint) = match kind {
            Kind::Key => (format!("{base_url} did not accept the key (HTTP {status}){says}"), self.key_hint()),
            Kind::RateLimit => (
                format!("{base_url} asks for fewer requests (HTTP {status}){says}"),
                "Wait a little and send the prompt again.".to_owned(),
            ),
            Kind::Quota => (
                format!("The account at {base_url} has no credit left (HTTP {status}){says}"),
                "Add credit there, or set another endpoint in `[model]`.".to_owned(),
            ),
            Kind::ContextTooLong => (
                format!("The conversation is longer than `{model}` can read{says}"),
                "Start a new conversation, enable fewer servers, or give the model a longer context.".to_owned(),
            ),
            Kind::ToolsUnsupported => (format!("`{model}` at {base_url} cannot take tools{says}"), tools_hint(body)),
            Kind::SchemaRefused => (
                format!("{base_url} cannot take the schema of a tool{says}"),
                "It is sent again without patterns and limits; if that fails too, disable the tool that it names.".to_owned(),
            ),
            Kind::NoSuchModel => (
                format!("{base_url} has no model `{model}` (HTTP {status}){says}"),
                "Check `name` and `base_url` in `[model]`; the base URL mostly ends in `/v1`.".to_owned(),
            ),
            Kind::Server => (
                format!("{base_url} failed (HTTP {status}){says}"),
                "Send the prompt again; if it fails again, look at the endpoint's own log.".to_owned(),
            ),
            Kind::Unreachable | Kind::Cut | Kind::Request | Kind::Malformed | Kind::Script => (
                format!("{base_url} refused the request (HTTP {status}){says}"),
                "The endpoint's words above say what it does not take; `[model]` may have to say it differently.".to_owned(),
            ),
        };
        error(kind, sentence, &hint)
    }

    fn key_hint(&self) -> String {
        if self.has_key {
            "Check that the key belongs to this endpoint and has not expired.".to_owned()
        } else {
            "Put the key into an environment variable and name it: `api_key_env = \"NAME\"` in `[model]`.".to_owned()
        }
    }

    /// No connection.
    pub(super) fn unreachable(&self, why: &str) -> ModelError {
        let hint = if self.local {
            "Is Ollama (or LM Studio, llama.cpp) running? Start it, for example with `ollama serve`, or set another `base_url`."
        } else {
            "Check `base_url` in `[model]` and the network."
        };
        error(
            Kind::Unreachable,
            format!("No connection to {}: {why}.", self.base_url),
            hint,
        )
    }

    /// Nothing came in time.
    pub(super) fn silent(&self, limit: Duration) -> ModelError {
        let seconds = limit.as_secs_f32();
        error(
            Kind::Unreachable,
            format!("{} sent nothing within {seconds} s.", self.base_url),
            "A local model may still be loading: try again, or raise `first_byte_sec` in `[limits]`.",
        )
    }

    /// The stream stopped in the middle.
    pub(super) fn cut(&self, why: &str) -> ModelError {
        error(
            Kind::Cut,
            format!(
                "The stream from {} ended before its end: {why}.",
                self.base_url
            ),
            "Send the prompt again; if it happens again, look at the endpoint's own log.",
        )
    }

    /// Not the protocol.
    pub(super) fn malformed(&self, what: &str) -> ModelError {
        error(
            Kind::Malformed,
            format!(
                "{} sent an event that is no JSON: {}",
                self.base_url,
                clipped(what)
            ),
            "Check that `base_url` is an OpenAI-compatible API.",
        )
    }
}

/// The endpoint's words behind a sentence, when it said any.
fn says(words: &str) -> String {
    match words {
        "" => String::new(),
        words => format!(": {words}"),
    }
}

/// A failure of the program's own settings.
pub(super) fn error(kind: Kind, message: String, hint: &str) -> ModelError {
    ModelError {
        kind,
        message,
        hint: Some(hint.to_owned()),
        retry_after: None,
    }
}

fn tools_hint(body: &str) -> String {
    if body.contains("enable-auto-tool-choice") {
        "Start vLLM with `--enable-auto-tool-choice --tool-call-parser NAME`, or set `mode = \"prompt\"` in `[model]`.".to_owned()
    } else {
        "Set `mode = \"prompt\"` in `[model]`, or take a model that was trained for tools."
            .to_owned()
    }
}

const NO_TOOLS: [&str; 8] = [
    "does not support tools",
    "does not support tool",
    "support tool use",
    "enable-auto-tool-choice",
    "tools are not supported",
    "tools is not supported",
    "tool calling is not supported",
    "tools param requires --jinja",
];
const TOO_LONG: [&str; 10] = [
    "context_length",
    "context length",
    "maximum context",
    "context size",
    "context window",
    "prompt is too long",
    "input is too long",
    "exceed_context_size",
    "too many tokens",
    "n_ctx",
];
const BAD_SCHEMA: [&str; 5] = [
    "grammar",
    "json schema error",
    "json schema conversion",
    "invalid schema for function",
    "invalid_function_parameters",
];
const NO_CREDIT: [&str; 4] = [
    "insufficient_quota",
    "credit balance",
    "insufficient credits",
    "insufficient balance",
];
const NO_MODEL: [&str; 5] = [
    "model_not_found",
    "model not found",
    "no such model",
    "unknown model",
    "invalid model",
];

/// The sort of a refusal; the body in lower case. Words go before the status where they say more than it does.
fn kind_of(status: u16, body: &str) -> Kind {
    let has = |words: &[&str]| words.iter().any(|word| body.contains(word));
    match status {
        _ if has(&NO_TOOLS) => Kind::ToolsUnsupported,
        402 => Kind::Quota,
        _ if has(&NO_CREDIT) => Kind::Quota,
        429 => Kind::RateLimit,
        401 | 403 => Kind::Key,
        413 => Kind::ContextTooLong,
        _ if has(&TOO_LONG) => Kind::ContextTooLong,
        _ if has(&BAD_SCHEMA) => Kind::SchemaRefused,
        404 => Kind::NoSuchModel,
        400..500 if has(&NO_MODEL) => Kind::NoSuchModel,
        408 | 500.. => Kind::Server,
        _ => Kind::Request,
    }
}

/// The endpoint's own words: from its JSON where it is JSON, else the beginning of the text; of a page only that it is one.
fn words_of(body: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(body)
        && let Some(words) = words_in(&value)
    {
        return clipped(&words);
    }
    let start = body.trim_start().to_lowercase();
    if start.starts_with("<!doctype") || start.starts_with("<html") {
        return "an HTML page".to_owned();
    }
    clipped(body)
}

fn words_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => ["error", "message", "detail", "msg"]
            .iter()
            .find_map(|key| words_in(fields.get(*key)?)),
        Value::Array(items) => words_in(items.first()?),
        _ => None,
    }
}

fn clipped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(QUOTE).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
