//! How much memory what a server says takes, so that what waits for somebody is bounded in bytes and not in number alone.
//!
//! Pure estimates on the safe side. Asked by transports, connections and the host before they keep or queue something.

use serde::Serialize;
use serde_json::Value;

/// What one value takes beside its text: itself, and its share of the list or table that it stands in.
const NODE: usize = 48;
/// A text shorter than this cannot hold so many values that it matters.
const SMALL: usize = 256 * 1024;
/// The most values in one message. A list of millions of small numbers fits in 16 MiB of text and takes twenty times that when
/// it is read.
pub const MOST_VALUES: usize = 250_000;

/// The bytes that a value takes, about.
pub fn of_value(value: &Value) -> usize {
    NODE + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(of_value).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| NODE + name.len() + of_value(value))
            .sum(),
    }
}

/// The bytes of something as JSON, counted without making it.
pub fn of_written(what: &impl Serialize) -> usize {
    let mut count = Count(0);
    // A type that cannot be written has no weight that could be told; none is sent.
    let _uncountable = serde_json::to_writer(&mut count, what);
    count.0
}

struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether a text of JSON holds more values than are read. Counted without reading them.
pub fn is_too_much(text: &str) -> bool {
    text.len() >= SMALL && count(text) > MOST_VALUES
}

/// At least as many as there are values in a text of JSON, but for its first; tables count more.
fn count(text: &str) -> usize {
    let (mut values, mut quoted, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b':' | b'[' if !quoted => values += 1,
            // A table takes as much as several values, however little stands in it.
            b'{' if !quoted => values += 4,
            _ => {}
        }
    }
    values
}

/// The complaint about such a text.
pub fn too_much() -> String {
    format!("the server sent a message of more than {MOST_VALUES} values")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_of_millions_is_too_much_and_one_long_text_is_not() {
        let many = format!("[{}1]", "1,".repeat(MOST_VALUES));
        assert!(is_too_much(&many));
        let few = format!("[{}1]", "1,".repeat(MOST_VALUES - 1_000));
        assert!(!is_too_much(&few), "a control");
        let text = format!("[\"{}\"]", ",[{:\\\"".repeat(MOST_VALUES));
        assert!(!is_too_much(&text));
    }

    #[test]
    fn a_weight_grows_with_what_is_held() {
        let small = of_value(&json!({"a": 1}));
        let large = of_value(&json!({"a": "x".repeat(1_000_000), "b": [1, 2, 3]}));
        assert_eq!(of_written(&json!({"a": [1, true]})), 14);
        assert!(small < 1_000 && large > 1_000_000 && large < 1_010_000);
    }

    fn values(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(values).sum(),
            Value::Object(fields) => fields.values().map(values).sum(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn no_value_escapes_the_count(items in proptest::collection::vec("[a-z\\\\\",:{]{0,6}", 0..40)) {
            let of_items: serde_json::Map<_, _> =
                items.iter().map(|text| (text.clone(), json!([text, 1, {}]))).collect();
            let value = Value::Array(vec![json!(items), Value::Object(of_items)]);
            prop_assert!(count(&value.to_string()) + 1 >= values(&value));
        }
    }
}
