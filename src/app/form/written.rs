//! JSON as a person writes it, read only where it would be sent as it stands there.
//!
//! Pure. A name that stands there twice, or a number of more digits than can be sent, is not taken over without a word.

use serde_json::Value;

use crate::text::json;

/// The value of a text.
///
/// # Errors
/// Why it is no JSON, or what of it would not be sent.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let value = serde_json::from_str(text).map_err(|error| format!("it must be JSON: {error}"))?;
    match changed(text, &value) {
        Some(why) => Err(why),
        None => Ok(value),
    }
}

/// What of a text is not in the value that it was read as.
fn changed(text: &str, value: &Value) -> Option<String> {
    let (mut names, mut digits) = (0, None);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '"' => json::string_end(rest),
            '-' | '0'..='9' => {
                let stops = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
                let end = rest.find(stops).unwrap_or(rest.len());
                if !is_kept(&rest[..end]) {
                    digits = digits.or(Some(rest[..end].to_owned()));
                }
                end
            }
            c => c.len_utf8(),
        };
        names += usize::from(c == ':');
        rest = &rest[end..];
    }
    if let Some(digits) = digits {
        return Some(format!(
            "{digits} has more digits than a number can be sent with here; as a text it can"
        ));
    }
    (names != count(value))
        .then(|| "a name stands there twice: only the last would be sent".to_owned())
}

/// Whether a whole number is sent with all of its digits.
fn is_kept(number: &str) -> bool {
    let is_whole = number
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_digit());
    let read: Option<Value> = serde_json::from_str(number).ok();
    let sent = read.map(|read| read.to_string());
    !is_whole || number == "-0" || sent.is_none_or(|sent| sent == number)
}

/// The names in a value, at all depths.
fn count(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.values().map(|value| count(value) + 1).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}
