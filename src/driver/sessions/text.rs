//! A line of a session as it stands in its file: one line of JSON, without secrets and without anything that acts on a terminal.
//!
//! Pure.

use crate::host::session::Line;
use crate::mcp::wire::redact::Redactor;
use crate::text::clean;

/// The one way of a line into a file: what is a secret stays out of it. A line that a secret's name has torn apart is cleaned
/// text by text.
pub fn redacted(line: &Line, redactor: &Redactor) -> String {
    let plain = serde_json::to_string(line).unwrap_or_default();
    let redacted = redactor.redact(&plain);
    if redacted == plain || serde_json::from_str::<Line>(&redacted).is_ok() {
        return clean::json(redacted.into_owned());
    }
    let mut value = serde_json::to_value(line).unwrap_or_default();
    clean_texts(&mut value, redactor);
    clean::json(value.to_string())
}

/// A line as it stands in a file: whoever looks at the file sees what is there.
pub fn written(line: &Line) -> String {
    clean::json(serde_json::to_string(line).unwrap_or_default())
}

fn clean_texts(value: &mut serde_json::Value, redactor: &Redactor) {
    use serde_json::Value;
    match value {
        Value::String(text) => *text = redactor.redact(text).into_owned(),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| clean_texts(item, redactor)),
        Value::Object(fields) => fields
            .iter_mut()
            // What says the kind of a thing is ours.
            .filter(|(name, _)| {
                !matches!(name.as_str(), "line" | "at" | "end" | "outcome" | "type")
            })
            .for_each(|(_, item)| clean_texts(item, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
