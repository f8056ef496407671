//! A field from its piece of the schema: every kind that the revisions have, and whatever else as JSON.
//!
//! Pure, lenient: a bound of the wrong type is no bound.

use serde_json::Value;

use crate::host::form::{Choice, Field, Format, Kind};

/// Reads one field. A default that does not fit the field is left out.
pub(super) fn field(name: &str, about: &Value, required: bool) -> Field {
    let text = |key: &str| about.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut field = Field {
        name: name.to_owned(),
        title: text("title"),
        description: text("description"),
        required,
        default: None,
        kind: kind(about),
    };
    field.default = about
        .get("default")
        .filter(|value| field.check(value).is_ok())
        .cloned();
    field
}

fn kind(about: &Value) -> Kind {
    let bound = |key: &str| about.get(key).and_then(Value::as_u64);
    let limit = |key: &str| about.get(key).and_then(Value::as_f64);
    match about.get("type").and_then(Value::as_str) {
        Some("string") => match choices(about) {
            Some(choices) => Kind::One { choices },
            None => Kind::Text {
                format: about.get("format").and_then(Format::of),
                min: bound("minLength"),
                max: bound("maxLength"),
            },
        },
        Some(number @ ("number" | "integer")) => Kind::Number {
            whole: number == "integer",
            min: limit("minimum"),
            max: limit("maximum"),
        },
        Some("boolean") => Kind::Boolean,
        Some("array") => match about.get("items").and_then(choices) {
            Some(choices) => Kind::Many {
                choices,
                min: bound("minItems"),
                max: bound("maxItems"),
            },
            None => Kind::Other,
        },
        // Some servers leave the type of an enumeration out.
        None => choices(about).map_or(Kind::Other, |choices| Kind::One { choices }),
        Some(_) => Kind::Other,
    }
}

/// `enum` (with the `enumNames` of the older revisions), or `oneOf`/`anyOf` of constants with titles.
fn choices(about: &Value) -> Option<Vec<Choice>> {
    if let Some(values) = about.get("enum").and_then(Value::as_array) {
        let names = about.get("enumNames").and_then(Value::as_array);
        let name = |n: usize| Some(names?.get(n)?.as_str()?.to_owned());
        let choice = |(n, value): (usize, &Value)| {
            Some(Choice {
                value: value.as_str()?.to_owned(),
                title: name(n),
            })
        };
        return values.iter().enumerate().map(choice).collect();
    }
    let of = about.get("oneOf").or_else(|| about.get("anyOf"))?;
    let choice = |one: &Value| {
        Some(Choice {
            value: one.get("const")?.as_str()?.to_owned(),
            title: one.get("title").and_then(Value::as_str).map(str::to_owned),
        })
    };
    of.as_array()?.iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_the_specification_is_known_and_the_rest_is_json() {
        let kinds = [
            (json!({"type": "string"}), "text"),
            (json!({"type": "integer"}), "number"),
            (json!({"type": "number", "minimum": "x"}), "number"),
            (json!({"type": "boolean"}), "boolean"),
            (json!({"type": "string", "enum": ["a"]}), "one"),
            (json!({"enum": ["a"]}), "one"),
            (
                json!({"type": "string", "oneOf": [{"const": "a", "title": "A"}]}),
                "one",
            ),
            (
                json!({"type": "array", "items": {"type": "string", "enum": ["a"]}}),
                "many",
            ),
            (
                json!({"type": "array", "items": {"anyOf": [{"const": "a", "title": "A"}]}}),
                "many",
            ),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                "other",
            ),
            (json!({"type": "object"}), "other"),
            (json!(true), "other"),
        ];
        for (about, expected) in kinds {
            let kind = serde_json::to_value(field("x", &about, false).kind).unwrap();
            assert_eq!(kind["kind"], expected, "{about}");
        }
    }

    #[test]
    fn the_titles_of_the_older_revisions_are_read() {
        let about =
            json!({"type": "string", "enum": ["a", "b"], "enumNames": ["A"], "default": "b"});
        let field = field("x", &about, true);
        let Kind::One { choices } = &field.kind else {
            panic!("{field:?}");
        };
        let labels: Vec<_> = choices.iter().map(Choice::label).collect();
        assert_eq!(labels, ["A", "b"]);
        assert_eq!(field.default, Some(json!("b")));
        assert_eq!(field.read("A"), Ok(Some(json!("a"))));
    }

    #[test]
    fn a_default_that_does_not_fit_is_left_out() {
        let about = json!({"type": "integer", "maximum": 3, "default": 4});
        assert_eq!(field("x", &about, true).default, None);
    }
}
