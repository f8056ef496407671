//! The rules for `x-mcp-header`, by which a server asks that an argument is repeated in an HTTP header. Pure; used by `convert`
//! and by the HTTP transport.

use serde_json::Value;

const KEY: &str = "x-mcp-header";

/// One argument that is repeated in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The names that lead to the argument.
    pub path: Vec<String>,
    /// The header's own part of its name.
    pub header: String,
}

/// The annotations of a schema whose annotations are valid.
pub fn of(schema: &Value) -> Vec<Annotation> {
    let mut found = Vec::new();
    collect(schema, &mut Vec::new(), &mut found);
    found
}

fn collect(schema: &Value, path: &mut Vec<String>, found: &mut Vec<Annotation>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        path.push(name.clone());
        if let Some(header) = property.get(KEY).and_then(Value::as_str) {
            found.push(Annotation {
                path: path.clone(),
                header: header.to_owned(),
            });
        }
        collect(property, path, found);
        path.pop();
    }
}

/// Why a schema's annotations are invalid, where they are: such a tool is left out, and the others stay.
pub fn invalid(schema: &Value) -> Option<String> {
    if schema.get(KEY).is_some() {
        return Some(format!(
            "`{KEY}` stands at the schema itself, not at an argument"
        ));
    }
    let mut seen = Vec::new();
    under(schema, true, "", &mut seen)
}

/// Looks through a schema; `on_path` says whether only `properties` led here from the root.
fn under(schema: &Value, on_path: bool, path: &str, seen: &mut Vec<String>) -> Option<String> {
    match schema {
        Value::Object(fields) => fields.iter().find_map(|(key, value)| match key.as_str() {
            KEY => annotation(schema, value, on_path, path, seen),
            "properties" => value.as_object()?.iter().find_map(|(name, property)| {
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                under(property, on_path, &path, seen)
            }),
            // Data, not schemas.
            "default" | "const" | "enum" | "examples" => None,
            _ => under(value, false, path, seen),
        }),
        Value::Array(items) => items.iter().find_map(|item| under(item, false, path, seen)),
        _ => None,
    }
}

fn annotation(
    schema: &Value,
    header: &Value,
    on_path: bool,
    path: &str,
    seen: &mut Vec<String>,
) -> Option<String> {
    let wrong = |why: &str| Some(format!("the `{KEY}` of its argument `{path}` {why}"));
    if !on_path {
        return wrong("can be reached in other ways than by `properties`");
    }
    let Some(header) = header.as_str() else {
        return wrong("is no text");
    };
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if header.is_empty() || !header.bytes().all(token) {
        return wrong("is no HTTP header name");
    }
    let kind = schema.get("type").and_then(Value::as_str);
    if !matches!(kind, Some("string" | "integer" | "boolean")) {
        return wrong("stands at an argument that is no text, integer or boolean");
    }
    let folded = header.to_ascii_lowercase();
    if seen.contains(&folded) {
        return wrong("is used twice");
    }
    seen.push(folded);
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn valid_annotations_pass_and_each_invalid_one_is_named() {
        let with =
            |property: Value| json!({ "type": "object", "properties": { "region": property } });
        let good = json!({ "type": "string", "x-mcp-header": "Region" });
        let nested = json!({ "type": "object", "properties": { "deep": good.clone() } });
        for schema in [json!({}), with(good.clone()), with(nested)] {
            assert_eq!(invalid(&schema), None, "{schema}");
        }
        let twice = json!({ "properties": {
            "a": good, "b": { "type": "integer", "x-mcp-header": "region" },
        } });
        let in_list =
            with(json!({ "type": "array", "items": { "type": "string", "x-mcp-header": "R" } }));
        for (schema, why) in [
            (
                with(json!({ "type": "string", "x-mcp-header": "" })),
                "header name",
            ),
            (
                with(json!({ "type": "string", "x-mcp-header": "a b" })),
                "header name",
            ),
            (
                with(json!({ "type": "string", "x-mcp-header": 1 })),
                "no text",
            ),
            (
                with(json!({ "type": "number", "x-mcp-header": "R" })),
                "no text, integer",
            ),
            (with(json!({ "x-mcp-header": "R" })), "no text, integer"),
            (json!({ "x-mcp-header": "R" }), "schema itself"),
            (twice, "twice"),
            (in_list, "other ways"),
        ] {
            let said = invalid(&schema).unwrap_or_default();
            assert!(said.contains(why), "{schema}: {said}");
        }
    }
}
