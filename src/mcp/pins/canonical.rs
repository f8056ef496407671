//! What is the same in two definitions of a tool although it is written otherwise.
//!
//! Pure. No difference is: the order of keys, of `required`, of `enum` and of several types, of the branches of `anyOf` and
//! its kin; `1` and `1.0`; line ends and blanks around a text; a hint that is left out and one that says what silence means.
//! Everything else is a change, a single letter of a description as well.

use serde_json::{Map, Number, Value};

use crate::mcp::tool::Annotations;

/// Levels that are looked into: below, what is nested stays as it is written.
const DEPTH: usize = 64;
/// The greatest whole number that a fraction holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A text without what no reader sees.
pub(super) fn text(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.trim_matches(|c: char| c.is_ascii_whitespace())
        .to_owned()
}

/// The hints with the protocol's meaning of silence.
pub(super) fn annotations(of: &Annotations) -> Annotations {
    Annotations {
        read_only: Some(of.read_only.unwrap_or(false)),
        destructive: Some(of.destructive.unwrap_or(true)),
        idempotent: Some(of.idempotent.unwrap_or(false)),
        open_world: Some(of.open_world.unwrap_or(true)),
    }
}

/// A JSON Schema.
pub(super) fn schema(of: &Value) -> Value {
    schema_at(of, 0)
}

fn schema_at(of: &Value, depth: usize) -> Value {
    let Value::Object(object) = of else {
        return data(of, depth);
    };
    if depth > DEPTH {
        return of.clone();
    }
    sorted(object, |key, value| keyword(key, value, depth + 1))
}

fn keyword(key: &str, value: &Value, depth: usize) -> Value {
    match (key, value) {
        ("description" | "title", Value::String(words)) => Value::String(text(words)),
        ("required" | "enum" | "type", Value::Array(items)) => {
            set(items.iter().map(|item| data(item, depth)))
        }
        ("anyOf" | "oneOf" | "allOf", Value::Array(items)) => {
            set(items.iter().map(|item| schema_at(item, depth)))
        }
        (
            "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
            Value::Object(named),
        ) => sorted(named, |_, value| schema_at(value, depth + 1)),
        ("dependentRequired", Value::Object(named)) => {
            sorted(named, |_, value| keyword("required", value, depth + 1))
        }
        // What stands there is a value, in which a key named `required` means nothing.
        ("default" | "const" | "examples", value) => data(value, depth),
        (_, Value::Array(items)) => items.iter().map(|item| schema_at(item, depth)).collect(),
        (_, value) => schema_at(value, depth),
    }
}

/// A value that is no schema.
fn data(of: &Value, depth: usize) -> Value {
    match of {
        _ if depth > DEPTH => of.clone(),
        Value::Object(object) => sorted(object, |_, value| data(value, depth + 1)),
        Value::Array(items) => items.iter().map(|item| data(item, depth + 1)).collect(),
        Value::Number(number) => Value::Number(whole(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => of.clone(),
    }
}

fn whole(number: &Number) -> Number {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < EXACT => {
            Number::from(value as i64)
        }
        _ => number.clone(),
    }
}

/// Items whose order means nothing, each once.
fn set(items: impl Iterator<Item = Value>) -> Value {
    let mut items: Vec<(String, Value)> = items.map(|item| (item.to_string(), item)).collect();
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    items.dedup_by(|(a, _), (b, _)| a == b);
    items.into_iter().map(|(_, item)| item).collect()
}

fn sorted(object: &Map<String, Value>, of: impl Fn(&str, &Value) -> Value) -> Value {
    let mut keys: Vec<&String> = object.keys().collect();
    keys.sort();
    let pair = |key: &String| Some((key.clone(), of(key, object.get(key)?)));
    Value::Object(keys.into_iter().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_order_is_no_change() {
        let one = json!({
            "type": "object",
            "required": ["a", "b"],
            "properties": {
                "a": {"type": ["string", "null"], "enum": ["x", "y"]},
                "b": {"anyOf": [{"type": "integer", "minimum": 1.0}, {"type": "null"}]},
            },
        });
        let other = json!({
            "properties": {
                "b": {"anyOf": [{"type": "null"}, {"minimum": 1, "type": "integer"}]},
                "a": {"enum": ["y", "x"], "type": ["null", "string"]},
            },
            "required": ["b", "a"],
            "type": "object",
        });
        assert_eq!(schema(&one).to_string(), schema(&other).to_string());
    }

    #[test]
    fn what_means_something_is_a_change() {
        let base = json!({"type": "object", "properties": {"a": {"type": "string", "default": ["x", "y"]}}, "required": ["a"]});
        for other in [
            json!({"type": "object", "properties": {"a": {"type": "string", "default": ["y", "x"]}}, "required": ["a"]}),
            json!({"type": "object", "properties": {"a": {"type": "string", "default": ["x", "y"]}}, "required": []}),
            json!({"type": "object", "properties": {"a": {"type": "number", "default": ["x", "y"]}}, "required": ["a"]}),
            json!({"type": "object", "properties": {"a": {"type": "string", "default": ["x", "y"], "description": "~/.ssh"}}, "required": ["a"]}),
            json!({"type": "object", "properties": {"a": {"type": "string", "default": ["x", "y"]}}, "required": ["a"], "x": 1}),
        ] {
            assert_ne!(schema(&base), schema(&other), "{other}");
        }
    }

    #[test]
    fn a_property_named_required_is_a_property() {
        let a = json!({"properties": {"required": {"description": " x "}, "enum": {"prefixItems": [1, 2]}}});
        let b = json!({"properties": {"required": {"description": "x"}, "enum": {"prefixItems": [2, 1]}}});
        assert_eq!(
            schema(&a)["properties"]["required"],
            schema(&b)["properties"]["required"]
        );
        assert_ne!(schema(&a), schema(&b));
    }

    #[test]
    fn a_hidden_letter_is_a_change_and_a_line_end_is_none() {
        assert_eq!(text("  a\r\nb \n"), "a\nb");
        assert_ne!(text("a\u{200b}"), text("a"));
        assert_ne!(text("\u{2003}a"), text("a"));
    }

    #[test]
    fn a_deep_schema_is_left_as_it_is_below_some_level() {
        let mut deep = json!({"required": ["b", "a"]});
        for _ in 0..DEPTH * 2 {
            deep = json!({ "items": deep });
        }
        assert_eq!(schema(&deep).to_string(), deep.to_string());
    }
}
