//! What a body says about itself before it is read in earnest: one JSON-RPC message, which method, which tool.
//!
//! Pure. What two readers could take differently (a name twice, a batch, a nesting that overflows one of them) is refused here, so
//! that what the gate decides about is what the library then does. Used by `gate`.

use serde::Deserialize;
use serde_json::Value;

/// How deep arrays and objects may stand in each other; the library's reader ends at 128.
const DEPTH: usize = 100;

/// The outside of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The id of a request.
    pub id: Value,
    /// What is asked for; none in a response.
    pub method: Option<String>,
    /// What `params.name` names: the tool of a `tools/call`, the prompt of a `prompts/get`.
    pub name: Option<String>,
}

/// Why a body is no message, with the JSON-RPC code for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// -32700 where it is no JSON, -32600 where it is no single message.
    pub code: i32,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    id: Value,
    method: Option<String>,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    name: Option<Value>,
}

/// Reads the outside of a message.
///
/// # Errors
/// It is no single JSON-RPC message.
pub fn read(body: &[u8]) -> Result<Envelope, Malformed> {
    let parse = |why: String| malformed(-32700, format!("the body is not JSON: {why}"));
    if depth(body) > DEPTH {
        let why = format!("the body nests arrays and objects more than {DEPTH} deep");
        return Err(malformed(-32600, why));
    }
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(parse("it is empty".to_owned())),
        Some(b'{') => {}
        Some(b'[') => {
            serde_json::from_slice::<serde::de::IgnoredAny>(body)
                .map_err(|e| parse(e.to_string()))?;
            let why = "the body is a JSON-RPC batch; send one message in each request";
            return Err(malformed(-32600, why.to_owned()));
        }
        Some(_) => {
            serde_json::from_slice::<serde::de::IgnoredAny>(body)
                .map_err(|e| parse(e.to_string()))?;
            let why = "the body is JSON but no JSON-RPC message, which is an object";
            return Err(malformed(-32600, why.to_owned()));
        }
    }
    let shape = |e: serde_json::Error| match e.is_data() {
        true => malformed(-32600, format!("the body is no JSON-RPC message: {e}")),
        false => parse(e.to_string()),
    };
    let raw: Raw = serde_json::from_slice(body).map_err(shape)?;
    let name = raw.params.and_then(|params| params.name);
    let name = match name {
        Some(Value::String(name)) => Some(name),
        _ => None,
    };
    Ok(Envelope {
        id: raw.id,
        method: raw.method,
        name,
    })
}

fn malformed(code: i32, message: String) -> Malformed {
    Malformed { code, message }
}

/// How deep the brackets outside strings go; what is no JSON is found by others.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in body {
        if quoted {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            quoted = !ends;
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn code(body: &str) -> i32 {
        read(body.as_bytes()).map_or_else(|malformed| malformed.code, |_| 0)
    }

    #[test]
    fn a_call_tells_its_method_tool_and_id() {
        let body = br#" {"jsonrpc":"2.0","id":"a","method":"tools\/call","params":{"n":[1],"name":"re\u0061d"}}"#;
        let envelope = read(body).unwrap();
        assert_eq!(envelope.method.as_deref(), Some("tools/call"));
        assert_eq!(envelope.name.as_deref(), Some("read"));
        assert_eq!(envelope.id, json!("a"));
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for (body, expected) in [
            (r#"{"method":"a","method":"b"}"#, -32600),
            (r#"{"method":"a","meth\u006fd":"b"}"#, -32600),
            (r#"{"params":{"name":"a"},"params":{"name":"b"}}"#, -32600),
            (r#"{"params":{"name":"a","name":"b"}}"#, -32600),
            (r#"{"params":[1]}"#, 0),
            (r#"{"method":null}"#, 0),
            (r#"{"method":7}"#, -32600),
            ("{} {}", -32700),
            ("{}\u{0}", -32700),
            ("\u{feff}{}", -32700),
            ("nonsense", -32700),
            ("\"text\"", -32600),
            ("[1, 2", -32700),
            ("[1, 2]", -32600),
        ] {
            assert_eq!(code(body), expected, "{body}");
        }
        assert_eq!(read(b"{\"method\":\"\xff\"}").unwrap_err().code, -32700);
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(code(&json!({"method": "[".repeat(500)}).to_string()), 0);
        assert_eq!(code(&json!({"method": "\\\"[".repeat(500)}).to_string()), 0);
        let nested = |deep: usize| format!("{{\"a\":{}{}}}", "[".repeat(deep), "]".repeat(deep));
        assert_eq!(code(&nested(DEPTH - 1)), 0);
        assert_eq!(code(&nested(DEPTH)), -32600);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_to_be_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let parsed = serde_json::from_slice::<Value>(&body);
            if read(&body).is_ok() {
                prop_assert!(parsed.is_ok_and(|value| value.is_object()));
            }
        }

        #[test]
        fn depth_is_that_of_the_value(text in "[\\[\\]{}\"\\\\a,:]{0,40}") {
            fn deep(value: &Value) -> usize {
                match value {
                    Value::Array(items) => 1 + items.iter().map(deep).max().unwrap_or(0),
                    Value::Object(items) => 1 + items.values().map(deep).max().unwrap_or(0),
                    _ => 0,
                }
            }
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(depth(text.as_bytes()), deep(&value));
            }
        }
    }
}
