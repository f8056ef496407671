//! A [`ModelRequest`] as the JSON body of Chat Completions.
//!
//! Pure. Written so that the strictest endpoint takes it: one system message at the head, `max_tokens` always, `tool_choice` never an object.

use serde_json::{Map, Value, json};

use crate::agent::model::request::{Message, ModelCall, ModelRequest, ToolOffer};
use crate::config::ModelMode;

/// What a request has besides the conversation, and what this endpoint has been found to refuse.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) model: String,
    pub(super) max_tokens: u32,
    pub(super) temperature: Option<f32>,
    /// Whether a temperature is sent at all: reasoning models refuse one.
    pub(super) takes_temperature: bool,
    /// `stream_options.include_usage`.
    pub(super) usage: bool,
    /// `max_completion_tokens` in place of `max_tokens`, as OpenAI's reasoning models want it.
    pub(super) completion_tokens: bool,
}

impl Shape {
    /// Leaves out the optional part that a 400 complains about; `false` if it is about something else.
    pub(super) fn give_way(&mut self, complaint: &str) -> bool {
        let complaint = complaint.to_lowercase();
        let about = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
        if self.usage && about(&["stream_options", "include_usage"]) {
            self.usage = false;
        } else if !self.completion_tokens && about(&["max_completion_tokens"]) {
            self.completion_tokens = true;
        } else if self.takes_temperature && about(&["temperature"]) {
            self.takes_temperature = false;
        } else {
            return false;
        }
        true
    }
}

/// The body.
pub(super) fn body(request: &ModelRequest, shape: &Shape) -> Value {
    let limit = if shape.completion_tokens {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    let mut body = json!({
        "model": shape.model,
        "messages": messages(request),
        "stream": true,
        limit: max_tokens(request, shape),
    });
    if shape.usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    // Through text: 0.2_f32 as f64 would be sent as 0.20000000298023224.
    let ours = shape.temperature.map(|ours| ours.to_string());
    let temperature = request
        .wishes
        .temperature
        .or(ours.and_then(|ours| ours.parse().ok()));
    if let Some(temperature) = temperature.filter(|_| shape.takes_temperature) {
        body["temperature"] = json!(temperature);
    }
    if !request.wishes.stop.is_empty() {
        body["stop"] = json!(request.wishes.stop);
    }
    if request.mode != ModelMode::Prompt && !request.tools.is_empty() {
        let tools = request
            .tools
            .iter()
            .map(|offer| tool(offer, request.plain_schemas));
        body["tools"] = tools.collect();
        body["tool_choice"] = json!("auto");
    }
    body
}

fn max_tokens(request: &ModelRequest, shape: &Shape) -> u32 {
    let factor = if request.more_tokens { 2 } else { 1 };
    let limit = shape.max_tokens.saturating_mul(factor);
    request
        .wishes
        .max_tokens
        .map_or(limit, |wish| wish.min(limit))
}

fn messages(request: &ModelRequest) -> Vec<Value> {
    let by_prompt = request.mode == ModelMode::Prompt;
    let mut out: Vec<Value> = Vec::new();
    let mut system = Vec::new();
    for message in &request.messages {
        match message {
            // Many templates take a system message at the head only, so later ones join it, in their order.
            Message::System { text } => system.push(text.clone()),
            Message::User { text } => push(&mut out, "user", text.clone()),
            Message::Assistant { text, calls } if by_prompt || calls.is_empty() => {
                push(&mut out, "assistant", with_written_calls(text, calls));
            }
            Message::Assistant { text, calls } => {
                let calls: Vec<Value> = calls.iter().map(call).collect();
                out.push(json!({"role": "assistant", "content": text, "tool_calls": calls}));
            }
            Message::Tool { name, text, .. } if by_prompt => {
                push(&mut out, "user", format!("Result of {name}:\n{text}"));
            }
            Message::Tool { call, text, .. } => {
                out.push(json!({"role": "tool", "tool_call_id": call, "content": text}));
            }
        }
    }
    if by_prompt && !request.tools.is_empty() {
        system.push(signatures(&request.tools));
    }
    if !system.is_empty() {
        out.insert(0, json!({"role": "system", "content": system.join("\n\n")}));
    }
    out
}

/// Adds a message; two of one role in a row become one, because some templates demand that the roles alternate.
fn push(out: &mut Vec<Value>, role: &str, text: String) {
    if let Some(Value::Object(last)) = out.last_mut()
        && last.get("role").and_then(Value::as_str) == Some(role)
        && !last.contains_key("tool_calls")
        && let Some(Value::String(before)) = last.get_mut("content")
    {
        before.push_str("\n\n");
        before.push_str(&text);
        return;
    }
    out.push(json!({"role": role, "content": text}));
}

/// A call goes back as it came, with the fields that only the endpoint understands. Arguments that are no JSON object are wrapped:
/// llama.cpp and Gemini refuse a whole conversation for them.
fn call(call: &ModelCall) -> Value {
    let arguments = match serde_json::from_str::<Map<String, Value>>(&call.arguments) {
        Ok(_) => call.arguments.clone(),
        Err(_) => json!({"not_valid_json": call.arguments}).to_string(),
    };
    let mut value = json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}});
    if let Value::Object(fields) = &mut value {
        for (key, extra) in &call.extra {
            fields.entry(key.clone()).or_insert_with(|| extra.clone());
        }
    }
    value
}

fn with_written_calls(text: &str, calls: &[ModelCall]) -> String {
    let written = calls.iter().map(|call| {
        let arguments =
            serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
        format!(
            "```json\n{}\n```",
            json!({"name": call.name, "arguments": arguments})
        )
    });
    let parts = Some(text.to_owned()).filter(|text| !text.is_empty());
    parts
        .into_iter()
        .chain(written)
        .collect::<Vec<_>>()
        .join("\n")
}

fn tool(offer: &ToolOffer, plain: bool) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": offer.name,
            "description": offer.description,
            "parameters": parameters(&offer.schema, plain),
        },
    })
}

/// The schema of an object in any case: endpoints refuse the whole request for another.
fn parameters(schema: &Value, plain: bool) -> Value {
    let mut schema = written(schema, plain);
    if let Value::Object(fields) = &mut schema {
        fields.entry("type").or_insert_with(|| json!("object"));
        fields.entry("properties").or_insert_with(|| json!({}));
        return schema;
    }
    json!({"type": "object", "properties": {}})
}

/// What endpoints that build grammars choke on.
const CHOKES: [&str; 15] = [
    "pattern",
    "format",
    "$schema",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
];

/// The schema as it is sent: `true` for a schema as `{}`, which says the same and which every endpoint understands; where it
/// is to be plain, without [`CHOKES`]. Our own validation keeps the whole schema.
fn written(schema: &Value, plain: bool) -> Value {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !plain || !CHOKES.contains(&key.as_str()))
            .map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    // Here the keys are names of the tool's own, perhaps `format`.
                    (
                        "properties" | "$defs" | "definitions" | "patternProperties",
                        Value::Object(named),
                    ) => named
                        .iter()
                        .map(|(name, value)| (name.clone(), subschema(value, plain)))
                        .collect(),
                    ("items" | "contains" | "propertyNames", value) => subschema(value, plain),
                    // And these are data, not schemas.
                    ("enum" | "const" | "default" | "examples", value) => value.clone(),
                    (_, value) => written(value, plain),
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| written(item, plain)).collect(),
        other => other.clone(),
    }
}

fn subschema(schema: &Value, plain: bool) -> Value {
    match schema {
        Value::Bool(true) => json!({}),
        schema => written(schema, plain),
    }
}

/// The tools in few tokens, and how to call one.
fn signatures(tools: &[ToolOffer]) -> String {
    let mut text = String::from(
        "You can use tools. To use one, answer with nothing but this block, without words before or after it:\n\
         ```json\n{\"name\": \"TOOL\", \"arguments\": {\"KEY\": \"VALUE\"}}\n```\n\
         The result comes with the next message. Use only the tools of this list, with all arguments that have no `?`. \
         When you need no further tool, answer in plain words.\n\nTools:\n",
    );
    for offer in tools {
        let about = offer
            .description
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        text.push_str(&format!(
            "- {}({}): {}\n",
            offer.name,
            arguments(&offer.schema),
            about.trim()
        ));
    }
    text
}

fn arguments(schema: &Value) -> String {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let written = properties.into_iter().flatten().map(|(name, schema)| {
        let mark = if required.contains(&name.as_str()) {
            ""
        } else {
            "?"
        };
        format!("{name}{mark}: {}", kind(schema))
    });
    written.collect::<Vec<_>>().join(", ")
}

fn kind(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join("|");
    }
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            format!(
                "{}[]",
                schema
                    .get("items")
                    .map_or_else(|| "any".to_owned(), kind_of_items)
            )
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("|"),
        _ => "any".to_owned(),
    }
}

fn kind_of_items(items: &Value) -> String {
    items
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("any")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripping_keeps_names_and_data_that_look_like_keywords() {
        let schema = json!({
            "$schema": "x", "type": "object",
            "properties": {"format": {"type": "string", "format": "uri", "pattern": "^a(?=b)", "enum": [{"format": 1}]},
                           "n": {"type": "array", "maxItems": 9, "items": {"type": "integer", "minimum": 3}}},
            "required": ["format"],
        });
        assert_eq!(
            written(&schema, true),
            json!({
                "type": "object",
                "properties": {"format": {"type": "string", "enum": [{"format": 1}]},
                               "n": {"type": "array", "items": {"type": "integer"}}},
                "required": ["format"],
            })
        );
    }

    #[test]
    fn true_for_a_schema_is_written_as_an_empty_one() {
        let schema = json!({"type": "object", "additionalProperties": true, "properties": {
            "any": true, "list": {"type": "array", "items": true, "default": true},
        }});
        let sent = json!({"type": "object", "additionalProperties": true, "properties": {
            "any": {}, "list": {"type": "array", "items": {}, "default": true},
        }});
        assert_eq!(parameters(&schema, false), sent);
    }

    #[test]
    fn a_complaint_changes_only_what_it_is_about() {
        let shape = Shape {
            model: "m".into(),
            max_tokens: 9,
            temperature: Some(0.2),
            takes_temperature: true,
            usage: true,
            completion_tokens: false,
        };
        let mut given = shape.clone();
        assert!(
            given.give_way(
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            )
        );
        assert_eq!(
            given,
            Shape {
                completion_tokens: true,
                ..shape.clone()
            }
        );
        let mut given = shape.clone();
        assert!(given.give_way("extra field stream_options not permitted") && !given.usage);
        assert!(!given.give_way("extra field stream_options not permitted"));
        assert!(!given.give_way("tools are bad"));
    }
}
