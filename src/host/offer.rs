//! A tool's schema as the model is shown it: the words in it are cleaned, everything that arguments are made of stays.
//!
//! Pure. Names, patterns, options and defaults are what a call must match byte for byte; a description is only read.

use serde_json::Value;

use crate::text::clean;

/// Levels that are looked into; a schema that goes deeper is offered as it is.
const DEPTH: usize = 64;

/// The schema with readable words.
pub(super) fn readable(schema: &Value) -> Value {
    let mut schema = schema.clone();
    words(&mut schema, 0);
    schema
}

fn words(of: &mut Value, depth: usize) {
    if depth > DEPTH {
        return;
    }
    match of {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("description" | "title" | "$comment", Value::String(text)) => {
                        *text = clean::unhidden(text);
                    }
                    // Values, in which a key of that name is no description.
                    ("const" | "enum" | "default" | "examples", _) => {}
                    (_, value) => words(value, depth + 1),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| words(item, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::readable;

    #[test]
    fn words_are_cleaned_and_what_arguments_match_is_not() {
        let schema = json!({
            "description": "a\u{200b}b",
            "properties": {"x\u{200b}": {"title": "t\u{202e}", "enum": ["o\u{200b}"], "default": {"description": "d\u{200b}"}}},
        });
        assert_eq!(
            readable(&schema),
            json!({
                "description": "ab",
                "properties": {"x\u{200b}": {"title": "t", "enum": ["o\u{200b}"], "default": {"description": "d\u{200b}"}}},
            })
        );
    }
}
