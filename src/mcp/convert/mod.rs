//! What servers send, as our own types: read leniently, item by item, so that one odd thing costs that thing alone.
//!
//! Pure functions over JSON values; called by `connection`. Nothing here panics, whatever comes.

mod asks;
mod lists;

use serde_json::Value;

pub use asks::{BAD_PARAMS, NO_METHOD, ask, url_ask};
pub use lists::{hints, page, tool};

use crate::mcp::event::Progress;
use crate::mcp::request::{ErrandEnd, Method};
use crate::mcp::result::{Block, ToolResult};
use crate::mcp::status::{Era, Hello};
use crate::mcp::wire::lines::head;

/// The key under which a modern server names itself.
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// What sort of result an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The result itself.
    Complete,
    /// The server requires input before it goes on.
    InputRequired,
    /// The call goes on as a task.
    Task,
}

/// The sort of a result; absent means complete, as the protocol has it for older servers.
///
/// # Errors
/// When the sort is unknown, and the result therefore invalid.
pub fn kind(result: &Value) -> Result<Kind, String> {
    match result.get("resultType").map(Value::as_str) {
        None | Some(Some("complete")) => Ok(Kind::Complete),
        Some(Some("input_required")) => Ok(Kind::InputRequired),
        Some(Some("task")) => Ok(Kind::Task),
        Some(other) => Err(format!(
            "the result is of an unknown type ({})",
            excerpt(other.unwrap_or("not even a text"))
        )),
    }
}

/// The result when it is complete, which most methods' results must be.
///
/// # Errors
/// When it is of another sort, as a sentence.
pub fn complete(result: &Value) -> Result<&Value, String> {
    match kind(result)? {
        Kind::Complete => Ok(result),
        Kind::InputRequired => {
            Err("the server requires input where it may not ask for any".to_owned())
        }
        Kind::Task => Err("the server began a task where none may be".to_owned()),
    }
}

/// Whether a result is a report on a task: complete by the protocol, and marked as a task by some servers.
///
/// # Errors
/// When it is of another sort, as a sentence.
pub fn complete_or_task(result: &Value) -> Result<(), String> {
    match kind(result)? {
        Kind::Complete | Kind::Task => Ok(()),
        Kind::InputRequired => complete(result).map(|_| ()),
    }
}

/// The revisions with `initialize`, the newest first.
pub const LEGACY_REVISIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// The result of a call.
///
/// # Errors
/// When it is no result that can be read, as a sentence.
pub fn result(method: Method, result: &Value) -> Result<ToolResult, String> {
    let result = complete(result)?;
    match method {
        Method::Tool => tool_result(result),
        Method::Resource => list_result(result, "contents", resource_block),
        Method::Prompt => list_result(result, "messages", message),
    }
}

/// What a call would do, as one of our own servers answers.
///
/// # Errors
/// When it is no result that can be read, as a sentence.
pub fn previewed(answer: &Value) -> Result<ErrandEnd, String> {
    let answer = result(Method::Tool, answer)?;
    Ok(ErrandEnd::Previewed {
        is_error: answer.is_error,
        text: answer.as_text().into_owned(),
        data: answer.structured.unwrap_or_default(),
    })
}

fn list_result(
    result: &Value,
    key: &str,
    block: fn(&Value) -> Option<Block>,
) -> Result<ToolResult, String> {
    let Some(items) = result.get(key).and_then(Value::as_array) else {
        return Err(format!(
            "the result has no array `{key}`: {}",
            excerpt(&result.to_string())
        ));
    };
    let kept = |item: &Value| {
        block(item).unwrap_or_else(|| Block::Other {
            value: item.clone(),
        })
    };
    Ok(ToolResult {
        content: items.iter().map(kept).collect(),
        ..ToolResult::default()
    })
}

fn message(item: &Value) -> Option<Block> {
    Some(Block::Said {
        role: text(item, "role")?,
        block: Box::new(block(item.get("content")?)),
    })
}

fn resource_block(resource: &Value) -> Option<Block> {
    Some(Block::Resource {
        uri: text(resource, "uri")?,
        mime: text(resource, "mimeType"),
        text: text(resource, "text"),
        blob: text(resource, "blob"),
    })
}

fn tool_result(result: &Value) -> Result<ToolResult, String> {
    let Some(object) = result.as_object() else {
        return Err(format!(
            "the result is no JSON object: {}",
            excerpt(&result.to_string())
        ));
    };
    let content = match object.get("content") {
        Some(Value::Array(blocks)) => blocks.iter().map(block).collect(),
        // A text where a list is due is understood; everything else is kept as it came.
        Some(Value::String(text)) => vec![Block::Text { text: text.clone() }],
        None | Some(Value::Null) => Vec::new(),
        Some(other) => vec![block(other)],
    };
    let structured = object.get("structuredContent").filter(|v| !v.is_null());
    if content.is_empty() && structured.is_none() && !object.contains_key("content") {
        return Err(format!(
            "the result has neither `content` nor `structuredContent`: {}",
            excerpt(&result.to_string())
        ));
    }
    Ok(ToolResult {
        content,
        structured: structured.cloned(),
        is_error: object.get("isError").and_then(Value::as_bool) == Some(true),
    })
}

/// One content block; what is unknown or incomplete is kept as it came.
pub fn block(value: &Value) -> Block {
    known_block(value).unwrap_or_else(|| Block::Other {
        value: value.clone(),
    })
}

fn known_block(value: &Value) -> Option<Block> {
    match value.get("type")?.as_str()? {
        "text" => Some(Block::Text {
            text: text(value, "text")?,
        }),
        "image" => Some(Block::Image {
            mime: text(value, "mimeType").unwrap_or_default(),
            data: text(value, "data")?,
        }),
        "audio" => Some(Block::Audio {
            mime: text(value, "mimeType").unwrap_or_default(),
            data: text(value, "data")?,
        }),
        "resource_link" => Some(Block::Link {
            uri: text(value, "uri")?,
            name: text(value, "name"),
            title: text(value, "title"),
            description: text(value, "description"),
            mime: text(value, "mimeType"),
            size: value.get("size").and_then(Value::as_u64),
        }),
        "resource" => resource_block(value.get("resource")?),
        _ => None,
    }
}

/// The result of `initialize`.
///
/// # Errors
/// When it names no protocol version, or one that is not spoken.
pub fn initialize_result(result: &Value) -> Result<Hello, String> {
    let Some(revision) = text(result, "protocolVersion") else {
        return Err(format!(
            "the answer to initialize names no `protocolVersion`: {}",
            excerpt(&result.to_string())
        ));
    };
    if !LEGACY_REVISIONS.contains(&revision.as_str()) {
        return Err(format!(
            "the server answered initialize with the unknown revision `{}`; known are {}",
            excerpt(&revision),
            LEGACY_REVISIONS.join(", ")
        ));
    }
    Ok(hello(
        Era::Legacy,
        revision,
        result,
        result.get("serverInfo"),
    ))
}

/// The result of `server/discover`, when the server speaks `revision`.
///
/// # Errors
/// When it does not, or when this is no such result.
pub fn discover_result(result: &Value, revision: &str) -> Result<Hello, String> {
    let result = complete(result)?;
    let Some(versions) = result.get("supportedVersions").and_then(Value::as_array) else {
        return Err(format!(
            "the answer to server/discover names no `supportedVersions`: {}",
            excerpt(&result.to_string())
        ));
    };
    if !versions.iter().any(|version| version == revision) {
        let offered: Vec<&str> = versions.iter().filter_map(Value::as_str).collect();
        return Err(format!(
            "the server speaks {}, not {revision}",
            offered.join(", ")
        ));
    }
    let info = result
        .get("_meta")
        .and_then(|meta| meta.get(SERVER_INFO))
        .or_else(|| result.get("serverInfo"));
    Ok(hello(Era::Modern, revision.to_owned(), result, info))
}

fn hello(era: Era, revision: String, result: &Value, info: Option<&Value>) -> Hello {
    let of_info = |key| info.and_then(|info| text(info, key)).unwrap_or_default();
    Hello {
        era,
        revision,
        name: of_info("name"),
        version: of_info("version"),
        instructions: text(result, "instructions").filter(|words| !words.trim().is_empty()),
        capabilities: result.get("capabilities").cloned().unwrap_or(Value::Null),
    }
}

/// Bytes that are kept of what a server says beside its answers: it may say so at any rate.
const WORDS: usize = 8 * 1024;

/// The parameters of `notifications/progress`; absent when they hold no number.
pub fn progress(params: &Value) -> Option<Progress> {
    Some(Progress {
        done: params.get("progress").and_then(Value::as_f64)?,
        total: params.get("total").and_then(Value::as_f64),
        message: text(params, "message").map(|text| head(&text, WORDS).to_owned()),
    })
}

/// The parameters of `notifications/message` as level and text. The wire log has the whole of a long one.
pub fn log_message(params: &Value) -> (String, String) {
    let level = text(params, "level").unwrap_or_else(|| "info".to_owned());
    let words = match params.get("data") {
        Some(Value::String(words)) => head(words, WORDS).to_owned(),
        Some(data) => head(&data.to_string(), WORDS).to_owned(),
        None => String::new(),
    };
    match text(params, "logger") {
        Some(logger) => (level, format!("{logger}: {words}")),
        None => (level, words),
    }
}

/// The result of `completion/complete`.
///
/// # Errors
/// When it is no such result, as a sentence.
pub fn completion(result: &Value) -> Result<ErrandEnd, String> {
    const MOST: usize = 100;
    let completion = complete(result)?.get("completion").unwrap_or(&Value::Null);
    let Some(values) = completion.get("values").and_then(Value::as_array) else {
        return Err(format!(
            "the result has no array `values`: {}",
            excerpt(&result.to_string())
        ));
    };
    let texts = values.iter().filter_map(Value::as_str);
    let more = completion.get("hasMore").and_then(Value::as_bool);
    Ok(ErrandEnd::Completed {
        values: texts.take(MOST).map(str::to_owned).collect(),
        total: completion.get("total").and_then(Value::as_u64),
        more: more.unwrap_or(values.len() > MOST),
    })
}

/// A JSON-RPC error as code and words.
pub fn rpc_error(error: &Value) -> (i64, String) {
    let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
    let message = text(error, "message").unwrap_or_else(|| excerpt(&error.to_string()));
    (code, message)
}

/// The beginning of a foreign text, for a sentence.
pub fn excerpt(words: &str) -> String {
    const LONGEST: usize = 200;
    if words.len() <= LONGEST {
        return words.to_owned();
    }
    format!("{}...", head(words, LONGEST))
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::mcp::listing::Listed;
    use crate::mcp::request::ListKind;

    fn any_json() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("tools".to_owned()),
            Just("name".to_owned()),
            Just("inputSchema".to_owned()),
            Just("properties".to_owned()),
            Just("x-mcp-header".to_owned()),
            Just("content".to_owned()),
            Just("type".to_owned()),
            Just("text".to_owned()),
            Just("resource".to_owned()),
            Just("resultType".to_owned()),
            Just("inputRequests".to_owned()),
            "\\PC{0,8}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((word.clone(), inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_a_server_sends_makes_it_panic_or_lose_an_item(value in any_json()) {
            let page = json!({ "tools": [value, value] });
            let mut listed = Listed::none(ListKind::Tools);
            prop_assert_eq!(lists::page(&page, true, &mut listed), Ok(None));
            let Listed::Tools(listing) = listed else {
                return Err(TestCaseError::fail("another list"));
            };
            prop_assert_eq!(listing.items.len() + listing.rejected.len(), 2);
            let result = super::result(Method::Tool, &json!({ "content": [value] }));
            prop_assert_eq!(result.map(|result| result.content.len()), Ok(1));
            for method in [Method::Tool, Method::Resource, Method::Prompt] {
                let _ = super::result(method, &value);
            }
            let _ = ask(&json!({ "method": "sampling/createMessage", "params": value }));
            let _ = ask(&json!({ "method": "elicitation/create", "params": value }));
            let _ = completion(&json!({ "completion": value }));
            let _ = initialize_result(&value);
            let _ = discover_result(&value, "2026-07-28");
            let _ = progress(&value);
            let _ = log_message(&value);
            let _ = rpc_error(&value);
        }
    }

    #[test]
    fn a_result_must_hold_something_and_be_complete() {
        let tool_result = |value: &Value| result(Method::Tool, value);
        let empty = tool_result(&json!({ "content": [] })).unwrap();
        assert_eq!(empty, ToolResult::default());
        let structured = tool_result(&json!({ "structuredContent": { "a": 1 } })).unwrap();
        assert_eq!(structured.structured, Some(json!({ "a": 1 })));
        for bad in [
            json!(1),
            json!({}),
            json!({ "resultType": "later", "content": [] }),
            json!({ "resultType": "input_required", "content": [] }),
        ] {
            assert!(tool_result(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_kind_of_block_is_read() {
        let blocks = [
            json!({ "type": "image", "data": "AA==", "mimeType": "image/png" }),
            json!({ "type": "audio", "data": "AA==", "mimeType": "audio/wav" }),
            json!({ "type": "resource_link", "uri": "file:///a", "name": "a" }),
            json!({ "type": "resource", "resource": { "uri": "file:///a", "text": "t" } }),
            json!({ "type": "image" }),
        ]
        .map(|value| block(&value));
        let kinds = blocks.map(|block| match block {
            Block::Text { .. } => "text",
            Block::Image { .. } => "image",
            Block::Audio { .. } => "audio",
            Block::Link { .. } => "link",
            Block::Resource { .. } => "resource",
            Block::Said { .. } => "said",
            Block::Other { .. } => "other",
        });
        assert_eq!(kinds, ["image", "audio", "link", "resource", "other"]);
    }
}
