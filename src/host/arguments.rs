//! The arguments of a call: from what a model or a person wrote to the one line that is checked, shown and sent.
//!
//! Pure. The complaint is for whoever wrote them: it names the field and what was expected.

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use crate::mcp::lint::SchemaFault;

/// Complaints named at once.
const COMPLAINTS: usize = 5;
/// Faults that are told with their places.
const FAULTS: usize = 200;
/// What is said of a value that is not there.
pub const MISSING: &str = "it is needed";

/// Reads what was written and writes it as one line of JSON. Nothing at all stands for no arguments.
pub fn canonical(written: &str) -> Result<String, String> {
    if written.trim().is_empty() {
        return Ok("{}".to_owned());
    }
    match serde_json::from_str::<Value>(written) {
        Ok(Value::Object(object)) => Ok(Value::Object(object).to_string()),
        Ok(other) => Err(format!(
            "the arguments must be a JSON object, not {}",
            kind(&other)
        )),
        Err(error) => Err(format!("the arguments are not valid JSON: {error}")),
    }
}

/// Reads a canonical line again.
pub fn object(canonical: &str) -> Map<String, Value> {
    serde_json::from_str(canonical).unwrap_or_default()
}

/// Checks arguments against a tool's schema. A schema that is itself invalid, or points outside itself, checks nothing: the
/// server will.
pub fn check(canonical: &str, schema: &Value) -> Result<(), String> {
    let Ok(validator) = jsonschema::validator_for(schema) else {
        return Ok(());
    };
    let value = Value::Object(object(canonical));
    let complaints = complaints(&validator, &value);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("; "))
    }
}

/// Checks a tool's structured answer against the schema that it gives for it; leniently, as [`check`].
pub fn check_output(value: &Value, schema: &Value) -> Result<(), String> {
    let Ok(validator) = jsonschema::validator_for(schema) else {
        return Ok(());
    };
    let complaints = complaints(&validator, value);
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("; ").replace("arguments:", "the answer:"))
    }
}

/// What is wrong with a schema itself, by the dialect that it names, or 2020-12.
pub fn schema_flaw(schema: &Value) -> Option<SchemaFault> {
    let error = jsonschema::validator_for(schema).err()?;
    let outside = matches!(error.kind(), ValidationErrorKind::Referencing(_));
    let place = error.instance_path().to_string();
    let why = match (outside, place.as_str()) {
        // The library speaks of its own schemas here, which says nothing to whoever made the mistake.
        (false, place) if place.ends_with("/type") => format!(
            "at `{place}`: {} is no type; there are string, number, integer, boolean, object, array and null",
            error.instance()
        ),
        (true, _) | (_, "") => error.to_string(),
        (false, place) => format!("at `{place}`: {error}"),
    };
    Some(SchemaFault { outside, why })
}

/// Why a schema that a person wrote is none, or points outside itself; absent where it is good.
pub fn schema_fault(schema: &Value) -> Option<String> {
    jsonschema::validator_for(schema)
        .err()
        .map(|error| error.to_string())
}

/// Arguments from `key=value` words: a value is read by the type that the schema gives its key, `key:=JSON` as written.
pub fn from_pairs(pairs: &[String], schema: &Value) -> Result<String, String> {
    let mut object = Map::new();
    for pair in pairs {
        let (key, value) = pair_of(pair, schema)?;
        object.insert(key, value);
    }
    Ok(Value::Object(object).to_string())
}

fn pair_of(pair: &str, schema: &Value) -> Result<(String, Value), String> {
    let Some((key, text)) = pair.split_once('=') else {
        return Err(format!("`{pair}` is not `key=value` or `key:=JSON`"));
    };
    if let Some(key) = key.strip_suffix(':') {
        let value = serde_json::from_str(text)
            .map_err(|error| format!("`{pair}`: not valid JSON: {error}"))?;
        return Ok((key.to_owned(), value));
    }
    let type_of_key = schema
        .pointer("/properties")
        .and_then(|properties| properties.get(key)?.get("type"));
    let value = match type_of_key.and_then(Value::as_str) {
        Some("string") => Value::String(text.to_owned()),
        _ => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    };
    Ok((key.to_owned(), value))
}

fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    let complain = |error: jsonschema::ValidationError| {
        let pointer = error.instance_path().to_string();
        let path = pointer.trim_start_matches('/').replace('/', ".");
        let place = if path.is_empty() {
            "arguments".to_owned()
        } else {
            format!("`{path}`")
        };
        format!("{place}: {error}")
    };
    validator
        .iter_errors(value)
        .take(COMPLAINTS)
        .map(complain)
        .collect()
}

/// Whether a value fits a schema; a schema that is itself invalid is fitted by nothing.
pub fn fits(value: &Value, schema: &Value) -> bool {
    jsonschema::validator_for(schema).is_ok_and(|validator| validator.is_valid(value))
}

/// Everything that is wrong with a value, each at its place as a JSON Pointer; of what is missing, the place where it should be.
///
/// # Errors
/// Why the schema itself cannot be used: it checks nothing then.
pub fn faults(value: &Value, schema: &Value) -> Result<Vec<(String, String)>, String> {
    let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    let fault = |error: jsonschema::ValidationError| {
        let place = error.instance_path().to_string();
        match error.kind() {
            ValidationErrorKind::Required {
                property: Value::String(name),
            } => {
                let name = name.replace('~', "~0").replace('/', "~1");
                (format!("{place}/{name}"), MISSING.to_owned())
            }
            _ => (place, error.to_string()),
        }
    };
    let faults = validator.iter_errors(value).take(FAULTS);
    Ok(faults.map(fault).collect())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_stands_for_no_arguments_and_order_is_kept() {
        assert_eq!(canonical("  "), Ok("{}".into()));
        assert_eq!(
            canonical("{ \"b\": 1.0,\n \"a\": \"đ\" }"),
            Ok("{\"b\":1.0,\"a\":\"đ\"}".into())
        );
    }

    #[test]
    fn a_complaint_names_what_is_wrong() {
        assert!(canonical("{\"a\": }").is_err_and(|why| why.contains("line 1 column 7")));
        assert_eq!(
            canonical("[1]"),
            Err("the arguments must be a JSON object, not an array".into())
        );
        let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
        assert_eq!(check("{\"path\":\"a\"}", &schema), Ok(()));
        let wrong = check("{\"path\":7}", &schema);
        assert!(wrong.is_err_and(|why| why.contains("`path`") && why.contains("string")));
        assert!(
            check("{}", &schema).is_err_and(|why| why.contains("\"path\" is a required property"))
        );
    }

    #[test]
    fn pairs_are_read_by_the_schema() {
        let schema =
            json!({"properties": {"path": {"type": "string"}, "head": {"type": "integer"}}});
        let pairs = [
            "path=7".to_owned(),
            "head=7".to_owned(),
            "x:=[1]".to_owned(),
            "y=a=b".to_owned(),
        ];
        let line = from_pairs(&pairs, &schema);
        assert_eq!(
            line,
            Ok(r#"{"path":"7","head":7,"x":[1],"y":"a=b"}"#.into())
        );
        assert!(
            from_pairs(&["nothing".to_owned()], &schema)
                .is_err_and(|why| why.contains("`nothing`"))
        );
        assert!(
            from_pairs(&["a:={".to_owned()], &schema)
                .is_err_and(|why| why.contains("not valid JSON"))
        );
    }

    #[test]
    fn what_is_wrong_with_a_schema_is_told_with_its_place() {
        assert_eq!(schema_flaw(&json!({"type": "object"})), None);
        let draft7 = "http://json-schema.org/draft-07/schema#";
        assert_eq!(
            schema_flaw(&json!({"$schema": draft7, "items": [{}]})),
            None
        );
        let fault = schema_flaw(&json!({"properties": {"a": {"type": "objekt"}}})).unwrap();
        assert!(
            !fault.outside && fault.why.contains("/properties/a/type"),
            "{fault:?}"
        );
        let fault = schema_flaw(&json!({"$ref": "http://127.0.0.1:1/x.json"})).unwrap();
        assert!(fault.outside, "{fault:?}");
    }

    #[test]
    fn a_schema_that_is_invalid_or_remote_checks_nothing() {
        assert_eq!(check("{}", &json!({"type": 7})), Ok(()));
        assert_eq!(
            check("{}", &json!({"$ref": "http://127.0.0.1:1/schema.json"})),
            Ok(())
        );
    }
}
