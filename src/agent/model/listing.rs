//! What an endpoint says about its models, in any of the forms that local servers have, and which one to take.
//!
//! Pure; used by `detect`. A body of another form gives nothing: 8080 and 8000 are everybody's ports.

use serde_json::Value;

/// One model of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Its name for requests.
    pub id: String,
    /// It is in memory; others may first have to load, for minutes.
    pub loaded: bool,
    /// Tokens that it can read, where that is told.
    pub context: Option<u64>,
    /// It makes embeddings or rankings, not answers.
    pub embedding: bool,
    /// Whether it was made for tools, where that is told.
    pub tools: Option<bool>,
    /// What the endpoint calls its owner: `llamacpp`, `vllm`.
    pub owner: Option<String>,
}

/// The model to take when none is named: a loaded one first, one for tools first, never an embedding model.
pub fn choose(models: &[Listed]) -> Option<&Listed> {
    let rank = |model: &&Listed| (!model.loaded, model.tools == Some(false));
    models
        .iter()
        .filter(|model| !model.embedding)
        .min_by_key(rank)
}

/// `GET /v1/models`, the form that all share.
pub fn openai(body: &Value) -> Option<Vec<Listed>> {
    let is_list = body.get("object").and_then(Value::as_str) == Some("list");
    let items = body.get("data")?.as_array()?;
    let models: Option<Vec<Listed>> = items
        .iter()
        .map(|item| {
            let is_model = item.get("object").and_then(Value::as_str) == Some("model");
            if !is_list && !is_model {
                return None;
            }
            let owner = text(item, "owned_by");
            let context = number(item, "max_model_len")
                .or_else(|| number(item.get("meta")?, "n_ctx"))
                .or_else(|| number(item, "context_length"));
            // These two serve what they have loaded; of others it is not known.
            let loaded = owner
                .as_deref()
                .is_some_and(|owner| matches!(owner, "llamacpp" | "vllm"));
            Some(Listed {
                loaded,
                context,
                owner,
                ..named(text(item, "id")?)
            })
        })
        .collect();
    models.filter(|_| is_list || !items.is_empty())
}

/// Ollama: `/api/tags` (installed) and `/api/ps` (loaded).
pub fn ollama(tags: &Value, running: Option<&Value>) -> Option<Vec<Listed>> {
    let running: Vec<&Value> = running
        .and_then(|body| body.get("models")?.as_array())
        .map(|items| items.iter().collect())
        .unwrap_or_default();
    let items = tags.get("models")?.as_array()?;
    items
        .iter()
        .map(|item| {
            let mut model = named(text(item, "name").or_else(|| text(item, "model"))?);
            let family = item
                .get("details")
                .and_then(|details| text(details, "family"))
                .unwrap_or_default();
            model.embedding |= family.contains("bert");
            if let Some(now) = running
                .iter()
                .find(|now| text(now, "name").as_ref() == Some(&model.id))
            {
                model.loaded = true;
                model.context = number(now, "context_length");
            }
            Some(model)
        })
        .collect()
}

/// LM Studio: `/api/v1/models` since 0.4.
pub fn lm_studio(body: &Value) -> Option<Vec<Listed>> {
    let items = body.get("models")?.as_array()?;
    items
        .iter()
        .map(|item| {
            let mut model = named(text(item, "key")?);
            model.embedding |= text(item, "type").is_some_and(|kind| kind.starts_with("embedding"));
            let instance = item
                .get("loaded_instances")
                .and_then(|instances| instances.get(0));
            model.loaded = instance.is_some();
            model.context = instance
                .and_then(|instance| number(instance.get("config")?, "context_length"))
                .or_else(|| number(item, "max_context_length"));
            model.tools = item
                .get("capabilities")
                .and_then(|able| able.get("trained_for_tool_use")?.as_bool());
            Some(model)
        })
        .collect()
}

/// LM Studio before 0.4: `/api/v0/models`.
pub fn lm_studio_old(body: &Value) -> Option<Vec<Listed>> {
    let items = body.get("data")?.as_array()?;
    items
        .iter()
        .map(|item| {
            let mut model = named(text(item, "id")?);
            model.loaded = text(item, "state")? == "loaded";
            model.embedding |= text(item, "type").is_some_and(|kind| kind.starts_with("embedding"));
            model.context = number(item, "loaded_context_length")
                .or_else(|| number(item, "max_context_length"));
            Some(model)
        })
        .collect()
}

fn named(id: String) -> Listed {
    let lower = id.to_lowercase();
    let marks = [
        "embed",
        "rerank",
        "bge-",
        "minilm",
        "gte-",
        "e5-",
        "whisper",
        "tts",
        "moderation",
        "dall-e",
    ];
    let embedding = marks.iter().any(|mark| lower.contains(mark));
    Listed {
        id,
        embedding,
        ..Listed::default()
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value
        .get(key)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}
