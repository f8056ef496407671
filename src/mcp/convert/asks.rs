//! A server's questions, as our own types: a request of its own, or an input that a call requires.
//!
//! Pure. What cannot be understood is refused with the code and the words that the server is answered.

use serde_json::{Map, Value};

use super::{block, excerpt, text, tool};
use crate::mcp::ask::{Ask, Sampling, SamplingMessage};
use crate::mcp::result::Block;

/// The JSON-RPC code for a method that is not served.
pub const NO_METHOD: i64 = -32601;
/// The JSON-RPC code for parameters that cannot be used.
pub const BAD_PARAMS: i64 = -32602;

/// One question.
///
/// # Errors
/// The code and the words for the server when it cannot be understood.
pub fn ask(request: &Value) -> Result<Ask, (i64, String)> {
    let none = Value::Object(Map::new());
    let params = match request.get("params") {
        None | Some(Value::Null) => &none,
        Some(params) => params,
    };
    let bad = |why: String| (BAD_PARAMS, why);
    match request.get("method").and_then(Value::as_str) {
        Some("roots/list") => Ok(Ask::Roots),
        Some("sampling/createMessage") => sampling(params).map_err(bad),
        Some("elicitation/create") => elicitation(params).map_err(bad),
        Some(method) => Err((NO_METHOD, format!("this client does not serve {method}"))),
        None => Err((NO_METHOD, "the request names no method".to_owned())),
    }
}

/// One question in URL mode, also as it stands in the error that says that one is required.
///
/// # Errors
/// When it names no address that a browser could be sent to, as a sentence.
pub fn url_ask(params: &Value) -> Result<Ask, String> {
    let address = text(params, "url").ok_or("`url` is missing")?;
    let parsed =
        url::Url::parse(&address).map_err(|error| format!("`url` cannot be used: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(format!(
            "`url` begins with {}:, not http: or https:",
            parsed.scheme()
        ));
    }
    Ok(Ask::Url {
        message: text(params, "message").unwrap_or_default(),
        url: address,
        id: text(params, "elicitationId"),
    })
}

fn elicitation(params: &Value) -> Result<Ask, String> {
    match params.get("mode").map(Value::as_str) {
        Some(Some("url")) => return url_ask(params),
        None | Some(Some("form")) => {}
        Some(other) => {
            return Err(format!(
                "the mode `{}` is unknown",
                excerpt(other.unwrap_or_default())
            ));
        }
    }
    let Some(schema) = params.get("requestedSchema").filter(|it| it.is_object()) else {
        return Err("`requestedSchema` is missing or no JSON object".to_owned());
    };
    Ok(Ask::Form {
        message: text(params, "message").unwrap_or_default(),
        schema: schema.clone(),
    })
}

fn sampling(params: &Value) -> Result<Ask, String> {
    let messages = params.get("messages").and_then(Value::as_array);
    let messages = messages.ok_or("`messages` is missing or no array")?;
    let texts = |value: Option<&Value>| -> Vec<String> {
        let all = value.and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let hints = params.pointer("/modelPreferences/hints");
    let hints = hints.and_then(Value::as_array).into_iter().flatten();
    let tools = match params.get("tools") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(tools)) => tools
            .iter()
            .map(|item| tool(item).map_err(|bad| format!("a tool cannot be used: {}", bad.why)))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err("`tools` is no array".to_owned()),
    };
    Ok(Ask::Sampling(Box::new(Sampling {
        messages: messages.iter().map(message).collect::<Result<_, _>>()?,
        system: text(params, "systemPrompt"),
        max_tokens: tokens(params.get("maxTokens")).ok_or("`maxTokens` is missing or no number")?,
        temperature: params.get("temperature").and_then(Value::as_f64),
        stop: texts(params.get("stopSequences")),
        models: hints.filter_map(|hint| text(hint, "name")).collect(),
        tools,
        tool_choice: params
            .pointer("/toolChoice/mode")
            .and_then(Value::as_str)
            .map(str::to_owned),
        context: text(params, "includeContext"),
    })))
}

/// A number of tokens; some libraries write whole numbers with a point.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn tokens(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    let whole = || value.as_f64().filter(|it| *it >= 1.0).map(|it| it as u64);
    value.as_u64().or_else(whole).filter(|it| *it > 0)
}

fn message(item: &Value) -> Result<SamplingMessage, String> {
    let role = text(item, "role").unwrap_or_default();
    if !matches!(role.as_str(), "user" | "assistant") {
        return Err("a message has no `role` of user or assistant".to_owned());
    }
    let content: Vec<Block> = match item.get("content") {
        Some(Value::Array(blocks)) => blocks.iter().map(block).collect(),
        Some(one @ Value::Object(_)) => vec![block(one)],
        _ => return Err("a message has no `content`".to_owned()),
    };
    Ok(SamplingMessage { role, content })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn questions_are_read_in_every_form() {
        assert_eq!(ask(&json!({ "method": "roots/list" })), Ok(Ask::Roots));
        let form = json!({ "method": "elicitation/create", "params": { "message": "m", "requestedSchema": { "type": "object" } } });
        assert_eq!(
            ask(&form),
            Ok(Ask::Form {
                message: "m".into(),
                schema: json!({ "type": "object" })
            })
        );
        let url = json!({ "method": "elicitation/create", "params": { "mode": "url", "message": "m", "url": "https://a.example/x", "elicitationId": "7" } });
        assert_eq!(
            ask(&url),
            Ok(Ask::Url {
                message: "m".into(),
                url: "https://a.example/x".into(),
                id: Some("7".into())
            })
        );
        let sampling = json!({ "method": "sampling/createMessage", "params": {
            "messages": [
                { "role": "user", "content": { "type": "text", "text": "hello" } },
                { "role": "assistant", "content": [{ "type": "tool_use", "id": "1", "name": "t", "input": {} }] },
            ],
            "maxTokens": 100.0, "systemPrompt": "s", "stopSequences": ["x"], "temperature": 0.5,
            "modelPreferences": { "hints": [{ "name": "a" }, {}] },
            "tools": [{ "name": "t", "inputSchema": {} }], "toolChoice": { "mode": "required" },
            "includeContext": "none",
        } });
        let Ok(Ask::Sampling(asked)) = ask(&sampling) else {
            panic!("{:?}", ask(&sampling));
        };
        assert_eq!(asked.messages.len(), 2);
        assert!(matches!(asked.messages[1].content[0], Block::Other { .. }));
        assert_eq!((asked.max_tokens, asked.models.len()), (100, 1));
        assert_eq!(asked.tools[0].name, "t");
        assert_eq!(asked.tool_choice.as_deref(), Some("required"));
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_the_right_code() {
        let code = |method: &str, params: Value| {
            let asked = ask(&json!({ "method": method, "params": params }));
            asked.expect_err("refused").0
        };
        assert_eq!(code("tools/list", json!({})), NO_METHOD);
        for params in [
            json!(7),
            json!({}),
            json!({ "mode": "dance", "requestedSchema": {} }),
            json!({ "mode": 1, "requestedSchema": {} }),
            json!({ "mode": "form", "requestedSchema": 1 }),
            json!({ "mode": "url" }),
            json!({ "mode": "url", "url": "nowhere" }),
            json!({ "mode": "url", "url": "file:///etc/passwd" }),
            json!({ "mode": "url", "url": "javascript:alert(1)" }),
        ] {
            assert_eq!(code("elicitation/create", params), BAD_PARAMS);
        }
        for params in [
            json!({}),
            json!({ "messages": [] }),
            json!({ "messages": [{ "role": "system", "content": {} }], "maxTokens": 1 }),
            json!({ "messages": [{ "role": "user" }], "maxTokens": 1 }),
            json!({ "messages": [], "maxTokens": 1, "tools": [{ "name": "t" }] }),
            json!({ "messages": [], "maxTokens": -1 }),
        ] {
            assert_eq!(code("sampling/createMessage", params), BAD_PARAMS);
        }
    }
}
