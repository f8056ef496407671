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

/// Whether a number is sent with all of its digits; zeros at the end of a fraction, and how the exponent is written, say nothing.
pub(super) fn is_kept(number: &str) -> bool {
    let read: Option<Value> = serde_json::from_str(number).ok();
    let sent = read.map(|read| read.to_string());
    sent.is_none_or(|sent| digits(&sent) == digits(number))
}

/// The digits of a number without zeros around them, and where its point stands behind the first of them.
fn digits(number: &str) -> (String, i64) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole.trim_start_matches('-'), fraction].concat();
    let from_first = all.trim_start_matches('0');
    let places = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let leading = places(&all) - places(from_first);
    let point = places(whole.trim_start_matches('-')) - leading;
    let digits = from_first.trim_end_matches('0').to_owned();
    match digits.is_empty() {
        true => (digits, 0),
        false => {
            let exponent = exponent.parse().unwrap_or(i64::MAX);
            (digits, point.saturating_add(exponent))
        }
    }
}

/// The names in a value, at all depths.
fn count(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.values().map(|value| count(value) + 1).sum(),
        Value::Array(items) => items.iter().map(count).sum(),
        _ => 0,
    }
}
