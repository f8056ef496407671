//! The fixture's tools: what is listed, and the answers that are always the same. Called by `mod`.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, ResourceContents, Tool};
use serde_json::{Value, json};

use crate::servers::conformance::pages::PNG;
use crate::servers::conformance::rounds;

/// One sample of silence.
const WAV: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==";

/// The tools without arguments.
const PLAIN: &[(&str, &str)] = &[
    ("test_simple_text", "Answers with a text"),
    ("test_image_content", "Answers with an image"),
    ("test_audio_content", "Answers with a sound"),
    ("test_embedded_resource", "Answers with a resource"),
    (
        "test_multiple_content_types",
        "Answers with a text, an image and a resource",
    ),
    ("test_error_handling", "Always fails"),
    ("test_tool_with_logging", "Says what it does while it works"),
    ("test_logging_tool", "Logs only for who asks for it"),
    ("test_tool_with_progress", "Tells how far it is"),
    (
        "test_elicitation_sep1034_defaults",
        "Asks the user with a default for each field",
    ),
    (
        "test_elicitation_sep1330_enums",
        "Asks the user with each kind of choice",
    ),
    (
        "test_missing_capability",
        "Works only for clients with a model",
    ),
    (
        "test_trigger_tool_change",
        "Tells the subscribers that the tools have changed",
    ),
    (
        "test_trigger_prompt_change",
        "Tells the subscribers that the prompts have changed",
    ),
];

/// What `tools/list` shows.
pub fn list() -> Vec<Tool> {
    let plain = PLAIN.iter().map(|(name, says)| tool(name, says, json!({})));
    let asking = rounds::TOOLS.iter();
    let asking = asking.map(|flow| tool(flow.name, flow.description, json!({})));
    let text =
        |name: &str| json!({ "properties": { name: { "type": "string" } }, "required": [name] });
    let others = [
        tool("test_sampling", "Asks the client's model", text("prompt")),
        tool("test_elicitation", "Asks the user", text("message")),
        tool(
            "test_custom_header",
            "Takes a value that the client repeats in a header",
            json!({
                "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
                "required": ["value"],
            }),
        ),
        tool(
            "json_schema_2020_12_tool",
            "Takes what only JSON Schema 2020-12 can describe",
            full_schema(),
        ),
    ];
    plain.chain(asking).chain(others).collect()
}

fn tool(name: &'static str, description: &'static str, schema: Value) -> Tool {
    let mut whole = JsonObject::new();
    whole.insert("type".to_owned(), json!("object"));
    whole.insert("properties".to_owned(), json!({}));
    if let Value::Object(schema) = schema {
        whole.extend(schema);
    }
    Tool::new(name, description, whole)
}

/// Every keyword that a server must not lose on the way to the client.
fn full_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"],
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}

/// The answer of a tool that always gives the same, or only repeats what it was told.
pub fn fixed(name: &str, arguments: &JsonObject) -> Option<CallToolResult> {
    let resource = |uri: &str, mime: &str, text: &str| {
        ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(mime))
    };
    let blocks = match name {
        "test_simple_text" => vec![ContentBlock::text(
            "This is a simple text response for testing.",
        )],
        "test_image_content" => vec![ContentBlock::image(PNG, "image/png")],
        "test_audio_content" => vec![ContentBlock::audio(WAV, "audio/wav")],
        "test_embedded_resource" => vec![resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )],
        "test_multiple_content_types" => vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(PNG, "image/png"),
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#,
            ),
        ],
        "test_error_handling" => {
            let words = "This tool intentionally returns an error for testing";
            return Some(CallToolResult::error(vec![ContentBlock::text(words)]));
        }
        "test_custom_header" | "json_schema_2020_12_tool" => {
            let told = Value::Object(arguments.clone()).to_string();
            vec![ContentBlock::text(told)]
        }
        _ => return None,
    };
    Some(CallToolResult::success(blocks))
}
