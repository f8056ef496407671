//! Whether a request is a recorded one, and how near it comes.
//!
//! Pure. What a client says of itself (`_meta`) has no part in it, and `***` in a recording, which stands for a secret, fits any
//! text in its place.

use serde_json::{Map, Value};

/// What stands for a secret in a recording.
const MASK: &str = "***";

/// The parameters as they are held against each other.
pub(super) fn bare(params: Option<&Value>) -> Value {
    let mut members = match params {
        Some(Value::Object(members)) => members.clone(),
        Some(other) => return other.clone(),
        None => Map::new(),
    };
    members.remove("_meta");
    Value::Object(members)
}

/// Whether a value is the recorded one.
pub(super) fn fits(recorded: &Value, now: &Value) -> bool {
    match (recorded, now) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|now| fits(value, now)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| fits(a, b))
        }
        (Value::String(a), Value::String(b)) if a.contains(MASK) => fits_mask(a, b),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn fits_mask(recorded: &str, now: &str) -> bool {
    let mut parts = recorded.split(MASK);
    let Some(mut rest) = parts.next().and_then(|head| now.strip_prefix(head)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

/// How many leaves two values have in common, for what is nearest.
pub(super) fn common(a: &Value, b: &Value) -> usize {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => a
            .iter()
            .map(|(key, value)| b.get(key).map_or(0, |other| 1 + common(value, other)))
            .sum(),
        (Value::Array(a), Value::Array(b)) => a.iter().zip(b).map(|(a, b)| common(a, b)).sum(),
        (a, b) => usize::from(fits(a, b)) * 2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_numbers_and_masks_do_not_matter_and_all_else_does() {
        for (recorded, now, same) in [
            (json!({"a": 1, "b": [1.0]}), json!({"b": [1], "a": 1}), true),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), false),
            (json!({"a": "k=***;x"}), json!({"a": "k=hunter2;x"}), true),
            (json!({"a": "k=***;x"}), json!({"a": "k=hunter2;y"}), false),
            (json!("***"), json!("anything"), true),
            (json!("***"), json!(1), false),
            (json!("a***b***c"), json!("a1b2c"), true),
            (json!("a***b***c"), json!("a1c"), false),
            (json!("plain"), json!("plains"), false),
        ] {
            assert_eq!(fits(&recorded, &now), same, "{recorded} {now}");
        }
        assert_eq!(
            bare(Some(&json!({"_meta": {"t": 1}, "n": 1}))),
            json!({"n": 1})
        );
        assert_eq!(bare(None), json!({}));
    }
}
