//! Looks for a model endpoint on this machine, and for the models of an endpoint that is named.
//!
//! Impure; called by `driver` when the configuration names no endpoint or no model. Loopback only, all candidates side by side; it starts no
//! download and loads no model. Which form of answer is believed is in `listing`.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::agent::model::error::{ModelError, ModelErrorKind};
use crate::agent::model::http::{cause, http_client, is_loopback};
use crate::agent::model::listing::{self, Listed};
use crate::config::Secret;

/// A longer list of models is none.
const MAX_BODY: usize = 4 << 20;

/// Ways to ask a server who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// By `/api/tags`.
    Ollama,
    /// By `/api/v1/models`, then `/api/v0/models`.
    LmStudio,
    /// By `/v1/models`, as the rest.
    LlamaCpp,
    /// The same.
    Vllm,
    /// The same; it wants a key of the user's choosing.
    Jan,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How to ask.
    pub family: Family,
    /// Scheme, host and port, such as `http://127.0.0.1:11434`.
    pub root: String,
}

/// An endpoint that answered as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// For requests.
    pub base_url: String,
    /// The model to take.
    pub model: String,
    /// The server's name for people: "Ollama".
    pub who: String,
    /// Tokens that the model can read, where that is told.
    pub context: Option<u64>,
    /// What a person should know, as sentences.
    pub notes: Vec<String>,
}

/// What the look around came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The endpoint to take.
    pub found: Option<Found>,
    /// What stands in the way elsewhere (a key is wanted, no model is there), as sentences.
    pub notes: Vec<String>,
}

/// The usual places on this machine, the most usual first.
pub fn candidates() -> Vec<Candidate> {
    let places = [
        (Family::Ollama, 11434),
        (Family::LmStudio, 1234),
        (Family::LlamaCpp, 8080),
        (Family::Vllm, 8000),
        (Family::Jan, 1337),
        (Family::Jan, 6767),
    ];
    let candidate = |(family, port)| Candidate {
        family,
        root: format!("http://127.0.0.1:{port}"),
    };
    places.into_iter().map(candidate).collect()
}

/// The endpoint to take: one with a loaded model first, then in the order of the candidates. Takes at most `limit`.
pub async fn detect(candidates: &[Candidate], limit: Duration) -> Option<Found> {
    survey(candidates, limit).await.found
}

/// [`detect`], and what it saw beside.
pub async fn survey(candidates: &[Candidate], limit: Duration) -> Survey {
    let Ok(http) = http_client(true) else {
        return Survey::default();
    };
    let probes = candidates
        .iter()
        .map(|candidate| probe(&http, candidate, limit));
    let mut survey = Survey::default();
    let mut best: Option<(bool, Found)> = None;
    for answer in join_all(probes).await {
        match answer {
            Answer::Nobody => {}
            Answer::Note(note) => survey.notes.push(note),
            Answer::Found { loaded, found } => {
                if best.as_ref().is_none_or(|(before, _)| loaded && !before) {
                    best = Some((loaded, found));
                }
            }
        }
    }
    survey.found = best.map(|(_, found)| found);
    survey
}

/// The models of a named endpoint, by `GET {base_url}/models`.
pub async fn models(
    base_url: &str,
    key: Option<&Secret>,
    limit: Duration,
) -> Result<Vec<Listed>, ModelError> {
    let base = base_url.trim().trim_end_matches('/');
    let (kind, why) = match listed(base, key, limit).await {
        Ok(models) => return Ok(models),
        Err(failure) => failure,
    };
    Err(ModelError {
        kind,
        message: format!("The models of {base} cannot be listed: {why}."),
        hint: Some("Set `name` in `[model]`, or check `base_url` and the key.".to_owned()),
        retry_after: None,
    })
}

async fn listed(
    base: &str,
    key: Option<&Secret>,
    limit: Duration,
) -> Result<Vec<Listed>, (ModelErrorKind, String)> {
    use ModelErrorKind::{Key, Malformed, Request, Unreachable};
    let http = http_client(is_loopback(base)).map_err(|error| (Unreachable, error.to_string()))?;
    let mut request = http.get(format!("{base}/models"));
    if let Some(key) = key
        .map(|key| key.expose().trim())
        .filter(|key| !key.is_empty())
    {
        request = request.bearer_auth(key);
    }
    let answer = tokio::time::timeout(limit, read(request)).await;
    let silence = |_| {
        (
            Unreachable,
            format!("nothing came within {} s", limit.as_secs_f32()),
        )
    };
    let (status, body) = answer
        .map_err(silence)?
        .map_err(|error| (Unreachable, cause(&error)))?;
    match (status, body) {
        (401 | 403, _) => Err((Key, "the endpoint wants a key".to_owned())),
        (200, Some(body)) => {
            listing::openai(&body).ok_or((Malformed, "the answer is no list of models".to_owned()))
        }
        (200, None) => Err((Malformed, "the answer is no JSON".to_owned())),
        (status, _) => Err((Request, format!("HTTP {status}"))),
    }
}

enum Answer {
    Nobody,
    Note(String),
    Found { loaded: bool, found: Found },
}

async fn probe(http: &reqwest::Client, candidate: &Candidate, limit: Duration) -> Answer {
    let Candidate { family, root } = candidate;
    let listed = tokio::time::timeout(limit, list(http, *family, root, limit / 2)).await;
    let models = match listed {
        Err(_) | Ok(Listing::Nobody) => return Answer::Nobody,
        Ok(Listing::Locked) if *family == Family::Jan => {
            return Answer::Note(format!(
                "Jan at {root} wants a key: set `base_url` and `api_key_env` in `[model]`."
            ));
        }
        Ok(Listing::Locked) => return Answer::Nobody,
        Ok(Listing::Models(models)) => models,
    };
    let who = name(*family, &models);
    let Some(model) = listing::choose(&models) else {
        return Answer::Note(format!(
            "{who} at {root} has no model that can chat: get one there first."
        ));
    };
    let found = Found {
        base_url: format!("{root}/v1"),
        model: model.id.clone(),
        who,
        context: model.context,
        notes: doubts(*family, model),
    };
    Answer::Found {
        loaded: model.loaded,
        found,
    }
}

/// What a person should know about the model before its first answer.
fn doubts(family: Family, model: &Listed) -> Vec<String> {
    let mut notes = Vec::new();
    if !model.loaded {
        notes.push(format!(
            "`{}` may still have to be loaded: the first answer can take a minute.",
            model.id
        ));
    }
    if model.tools == Some(false) {
        notes.push(format!(
            "`{}` was not made for tools; `mode = \"prompt\"` in `[model]` may help.",
            model.id
        ));
    }
    if family == Family::Ollama && model.context.is_some_and(|context| context <= 4096) {
        notes.push("Ollama cuts the conversation at 4096 tokens: start it with `OLLAMA_CONTEXT_LENGTH=16384`.".to_owned());
    }
    notes
}

enum Listing {
    Nobody,
    Locked,
    Models(Vec<Listed>),
}

async fn list(http: &reqwest::Client, family: Family, root: &str, extra: Duration) -> Listing {
    let get = |path: &str| read(http.get(format!("{root}{path}")));
    let models = match family {
        Family::Ollama => {
            let (tags, running) = futures::join!(get("/api/tags"), get("/api/ps"));
            let running = running.ok().and_then(|(_, body)| body);
            let mut models = tags
                .ok()
                .and_then(|(_, body)| listing::ollama(&body?, running.as_ref()));
            if let Some(models) = &mut models {
                // A server that is slow to tell is still one.
                let asking = ask_ollama_for_tools(http, root, models);
                let _ = tokio::time::timeout(extra, asking).await;
            }
            models
        }
        Family::LmStudio => {
            let (new, old) = futures::join!(get("/api/v1/models"), get("/api/v0/models"));
            let new = new.ok().and_then(|(_, body)| listing::lm_studio(&body?));
            new.or_else(|| {
                old.ok()
                    .and_then(|(_, body)| listing::lm_studio_old(&body?))
            })
        }
        Family::LlamaCpp | Family::Vllm | Family::Jan => match get("/v1/models").await {
            Ok((401 | 403, _)) => return Listing::Locked,
            Ok((200, Some(body))) => listing::openai(&body),
            Ok(_) | Err(_) => None,
        },
    };
    models.map_or(Listing::Nobody, Listing::Models)
}

/// Ollama tells by `/api/show` whether a model takes tools. Only the few that could be chosen are asked.
async fn ask_ollama_for_tools(http: &reqwest::Client, root: &str, models: &mut [Listed]) {
    let any_loaded = models.iter().any(|model| model.loaded && !model.embedding);
    let fits = |model: &&mut Listed| !model.embedding && (model.loaded || !any_loaded);
    let asks = models
        .iter_mut()
        .filter(fits)
        .take(8)
        .map(|model| async move {
            let request = http
                .post(format!("{root}/api/show"))
                .json(&json!({"model": model.id}));
            if let Ok((200, Some(body))) = read(request).await
                && let Some(able) = body.get("capabilities").and_then(Value::as_array)
            {
                model.tools = Some(able.iter().any(|word| word == "tools"));
                model.embedding |= !able.iter().any(|word| word == "completion");
            }
        });
    join_all(asks).await;
}

fn name(family: Family, models: &[Listed]) -> String {
    let owner = models.iter().find_map(|model| model.owner.as_deref());
    match (family, owner) {
        (Family::Ollama, _) => "Ollama",
        (Family::LmStudio, _) => "LM Studio",
        (_, Some("llamacpp")) => "llama.cpp",
        (_, Some("vllm")) => "vLLM",
        (Family::Jan, _) => "Jan",
        (Family::LlamaCpp | Family::Vllm, _) => "an OpenAI-compatible server",
    }
    .to_owned()
}

/// Status, and the body where it is JSON of a sane size.
async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<(u16, Option<Value>)> {
    let mut response = request.send().await?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            return Ok((status, None));
        }
    }
    Ok((status, serde_json::from_slice(&body).ok()))
}
