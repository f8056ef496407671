//! Values made from schemas: what somebody would fill in who only wants to see it work.
//!
//! No randomness, no network: a `$ref` is followed within its own document or not at all. What cannot be made fits nothing, and
//! then the host says so before anything is sent.

use serde_json::{Map, Value, json};

use crate::mcp::prompt::Prompt;
use crate::mcp::tool::Tool;

/// How deep a schema is followed.
const DEPTH: usize = 8;

/// Arguments for a tool: what its schema requires. An object about which nothing is said is given a schema of the server's own
/// (of the first tool), the richest JSON at hand.
pub fn arguments(schema: &Value, tools: &[Tool]) -> Map<String, Value> {
    let open = tools.first().map(|tool| &tool.input_schema);
    let maker = Maker { root: schema, open };
    match maker.value(schema, DEPTH) {
        // The arguments themselves are no place for a schema.
        Value::Object(object) if is_described(schema) => object,
        _ => Map::new(),
    }
}

/// What is filled in into a form: its defaults, and something that fits where it has none.
pub fn form(schema: &Value) -> Map<String, Value> {
    let maker = Maker {
        root: schema,
        open: None,
    };
    let fields = schema.get("properties").and_then(Value::as_object);
    let fields = fields.into_iter().flatten();
    fields
        .map(|(key, field)| (key.clone(), maker.value(field, DEPTH)))
        .collect()
}

/// A text for each argument of a prompt.
pub fn prompt_arguments(prompt: &Prompt) -> Map<String, Value> {
    let names = prompt
        .arguments
        .iter()
        .map(|argument| argument.name.clone());
    names.map(|name| (name, json!("text"))).collect()
}

/// Arguments without those that say nothing: `null` stands for an argument that is not given.
pub fn without_nulls(arguments: &Map<String, Value>) -> Map<String, Value> {
    let told = arguments.iter().filter(|(_, value)| !value.is_null());
    told.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Whether a schema says which members its object has.
fn is_described(schema: &Value) -> bool {
    ["properties", "required", "$ref", "allOf", "anyOf", "oneOf"]
        .iter()
        .any(|key| schema.get(key).is_some())
}

struct Maker<'a> {
    /// The document that `$ref`s point into.
    root: &'a Value,
    /// What an object is about which nothing is said.
    open: Option<&'a Value>,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, depth: usize) -> Value {
        let given = ["default", "const"].iter().find_map(|key| schema.get(key));
        let first = |key: &str| schema.get(key)?.as_array()?.first();
        if let Some(value) = given
            .or_else(|| first("enum"))
            .or_else(|| first("examples"))
        {
            return value.clone();
        }
        if depth == 0 {
            return Value::Null;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = target
                .strip_prefix('#')
                .and_then(|path| self.root.pointer(path));
            return target.map_or(Value::Null, |target| self.value(target, depth - 1));
        }
        match kind(schema) {
            Some("string") => string(schema),
            Some("integer" | "number") => number(schema),
            Some("boolean") => json!(true),
            Some("array") => self.array(schema, depth),
            Some("object") => self.object(schema, depth),
            Some(_) => Value::Null,
            None => match first("anyOf").or_else(|| first("oneOf")) {
                // A choice of titles says what it means by `const`.
                Some(choice) => self.value(choice, depth - 1),
                None if is_described(schema) => self.object(schema, depth),
                None => json!("text"),
            },
        }
    }

    fn array(&self, schema: &Value, depth: usize) -> Value {
        let count = schema
            .get("minItems")
            .and_then(Value::as_u64)
            .unwrap_or(0)
            .min(16);
        let item = schema.get("items").cloned().unwrap_or_else(|| json!({}));
        let choices = ["anyOf", "oneOf"]
            .iter()
            .find_map(|key| item.get(key)?.as_array());
        let choices = choices.or_else(|| item.get("enum")?.as_array());
        let nth = |at: u64| match (choices, usize::try_from(at)) {
            // Choices are picked in turn, so that no two are the same.
            (Some(choices), Ok(at)) if at < choices.len() && item.get("enum").is_some() => {
                choices[at].clone()
            }
            (Some(choices), Ok(at)) if at < choices.len() => self.value(&choices[at], depth - 1),
            _ => self.value(&item, depth - 1),
        };
        Value::Array((0..count).map(nth).collect())
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        if let (false, Some(open)) = (is_described(schema), self.open) {
            return open.clone();
        }
        let mut object = Map::new();
        self.require(schema, depth, &mut object);
        Value::Object(object)
    }

    /// Adds the members that a schema requires, and those that it gives a default.
    fn require(&self, schema: &Value, depth: usize, object: &mut Map<String, Value>) {
        for part in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if depth > 0 {
                self.require(part, depth - 1, object);
            }
        }
        let nothing = json!({});
        let fields = schema.get("properties").and_then(Value::as_object);
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let Some(name) = name.as_str().filter(|name| !object.contains_key(*name)) else {
                continue;
            };
            let field = fields
                .and_then(|fields| fields.get(name))
                .unwrap_or(&nothing);
            object.insert(name.to_owned(), self.value(field, depth.saturating_sub(1)));
        }
    }
}

/// The schema's type; of several, the first that says something.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        _ => None,
    }
}

fn string(schema: &Value) -> Value {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("email") => "person@example.com",
        Some("uri") => "https://example.com/",
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("time") => "12:00:00Z",
        Some("uuid") => "123e4567-e89b-42d3-a456-426614174000",
        _ => "text",
    };
    let size = |key: &str| {
        schema
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    let mut text = text.to_owned();
    while text.len() < size("minLength").unwrap_or(0).min(10_000) {
        text.push('x');
    }
    if let Some(most) = size("maxLength") {
        text.truncate(most);
    }
    Value::String(text)
}

fn number(schema: &Value) -> Value {
    if let Some(least) = schema.get("minimum") {
        return least.clone();
    }
    let below = |key: &str| schema.get(key).and_then(Value::as_f64);
    if let Some(above) = below("exclusiveMinimum") {
        return whole(above.floor() + 1.0);
    }
    match below("maximum").or_else(|| below("exclusiveMaximum").map(|most| most - 1.0)) {
        Some(most) if most < 1.0 => whole(most.floor()),
        _ => json!(1),
    }
}

/// A whole number as JSON writes it for an integer.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float beyond it saturates, and then fits nothing"
)]
fn whole(number: f64) -> Value {
    json!(number as i64)
}
