//! The headers of the revision without a handshake: they repeat parts of a message so that what stands between need not read it.
//!
//! Pure. What a tool wants repeated is learned from the lists that passed over this link, as they came. Used by `shared`.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::mcp::param_headers::{self, Annotation};

/// The key of the revision in a message's metadata.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The most tools with annotations that are kept, against a server that makes them up.
const MOST_TOOLS: usize = 20_000;

/// The revision that a message says it is of; one of the era with a handshake says nothing.
pub fn revision_of(message: &Value) -> Option<&str> {
    message.get("params")?.get("_meta")?.get(VERSION)?.as_str()
}

/// The tools that want arguments in headers.
#[derive(Debug, Default)]
pub struct Tools(HashMap<String, Vec<Annotation>>);

impl Tools {
    /// Learns from an answer to `tools/list`. A tool whose annotations are invalid has none; `convert` leaves it out.
    pub fn learn(&mut self, result: &Value) {
        let tools = result.get("tools").and_then(Value::as_array);
        for tool in tools.into_iter().flatten() {
            let Some(name) = tool.get("name").and_then(Value::as_str) else {
                continue;
            };
            let schema = tool.get("inputSchema").unwrap_or(&Value::Null);
            let annotations = match param_headers::invalid(schema) {
                None => param_headers::of(schema),
                Some(_) => Vec::new(),
            };
            if annotations.is_empty() {
                self.0.remove(name);
            } else if self.0.len() < MOST_TOOLS || self.0.contains_key(name) {
                self.0.insert(name.to_owned(), annotations);
            }
        }
    }
}

/// The headers for one message.
pub fn of(message: &Value, revision: Option<&str>, tools: &Tools) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    if let Some(revision) = revision {
        put("mcp-protocol-version", revision);
    }
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return headers;
    };
    put("mcp-method", method);
    let params = message.get("params").unwrap_or(&Value::Null);
    let named = name_key(method).and_then(|key| params.get(key)?.as_str());
    if let Some(name) = named {
        put("mcp-name", &encoded(name));
    }
    let annotations = named.filter(|_| method == "tools/call");
    for annotation in annotations
        .and_then(|name| tools.0.get(name))
        .into_iter()
        .flatten()
    {
        let start = params.get("arguments");
        let argument = annotation.path.iter().fold(start, |at, key| at?.get(key));
        if let Some(value) = argument.and_then(as_text) {
            put(
                &format!("mcp-param-{}", annotation.header),
                &encoded(&value),
            );
        }
    }
    headers
}

/// Where a method has its `Mcp-Name` from.
fn name_key(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        // By the tasks extension: a task's state lies with one of many servers.
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// An argument as a header has it; nothing for what no header can have.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(is) => Some(is.to_string()),
        // An integer may be written as 42.0; a header has it in decimal.
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value as it can stand in a header: as it is, or in Base64 between marks.
fn encoded(value: &str) -> String {
    const MARKS: (&str, &str) = ("=?base64?", "?=");
    let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let is_padded = value.starts_with(' ') || value.ends_with(' ');
    let is_marked = value.starts_with(MARKS.0) && value.ends_with(MARKS.1);
    match is_plain && !is_padded && !is_marked {
        true => value.to_owned(),
        false => format!("{}{}{}", MARKS.0, STANDARD.encode(value), MARKS.1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_encoded_as_the_specification_shows() {
        for (value, expected) in [
            ("us-west1", "us-west1"),
            ("", ""),
            ("a b", "a b"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encoded(value), expected);
        }
    }

    fn call(arguments: Value) -> Value {
        json!({ "method": "tools/call", "params": { "name": "t", "arguments": arguments } })
    }

    fn tools() -> Tools {
        let mut tools = Tools::default();
        tools.learn(&json!({ "tools": [7, { "name": "t", "inputSchema": { "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "type": "object", "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
            "flag": { "type": "boolean", "x-mcp-header": "Flag" },
        } } }, { "name": "bad", "inputSchema": { "properties": {
            "a": { "type": "string", "x-mcp-header": "a b" },
        } } }] }));
        tools
    }

    fn params(headers: &HeaderMap) -> Vec<(String, String)> {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap_or("?").to_owned())
        };
        let all = headers.iter().map(text);
        all.filter(|(name, _)| name.starts_with("mcp-param-"))
            .collect()
    }

    #[test]
    fn annotated_arguments_are_repeated_and_absent_ones_are_not() {
        let headers = of(
            &call(json!({ "region": "é", "deep": { "n": 42.0 }, "flag": true })),
            None,
            &tools(),
        );
        let pair = |name: &str, value: &str| (format!("mcp-param-{name}"), value.to_owned());
        let expected = [
            pair("region", "=?base64?w6k=?="),
            pair("n", "42"),
            pair("flag", "true"),
        ];
        assert_eq!(params(&headers), expected);
        for arguments in [
            json!({ "region": null }),
            json!({ "deep": 3 }),
            json!([1]),
            json!({ "flag": [true] }),
        ] {
            assert_eq!(params(&of(&call(arguments), None, &tools())), []);
        }
    }

    #[test]
    fn a_later_list_takes_a_header_back() {
        let mut tools = tools();
        tools.learn(&json!({ "tools": [{ "name": "t", "inputSchema": {} }] }));
        assert_eq!(
            params(&of(&call(json!({ "region": "x" })), None, &tools)),
            []
        );
    }

    #[test]
    fn each_method_is_named_by_its_own_field() {
        for (method, key) in [
            ("tools/call", "name"),
            ("prompts/get", "name"),
            ("resources/read", "uri"),
            ("tasks/get", "taskId"),
        ] {
            let headers = of(
                &json!({ "method": method, "params": { key: "x" } }),
                Some("2026-07-28"),
                &Tools::default(),
            );
            assert_eq!(headers["mcp-name"], "x");
            assert_eq!(headers["mcp-method"], method);
            assert_eq!(headers["mcp-protocol-version"], "2026-07-28");
        }
        let headers = of(
            &json!({ "method": "tools/list", "params": { "name": "x" } }),
            None,
            &Tools::default(),
        );
        assert_eq!(headers.get("mcp-name"), None);
    }

    proptest! {
        #[test]
        fn every_value_can_stand_in_a_header_and_be_read_back(value in any::<String>()) {
            let header = encoded(&value);
            prop_assert!(HeaderValue::from_str(&header).is_ok());
            prop_assert_eq!(header.trim(), &header);
            let inner = header.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
            let back = match inner {
                Some(inner) => String::from_utf8(STANDARD.decode(inner).unwrap()).unwrap(),
                None => header.clone(),
            };
            prop_assert_eq!(back, value);
        }
    }
}
