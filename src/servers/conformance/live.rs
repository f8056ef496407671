//! The fixture's tools that speak to the client while they run: logging, progress, and the requests that servers of the
//! revisions up to 2025-11-25 send. Called by `mod`.
#![expect(deprecated, reason = "sampling and logging are what is tested")]

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{
    CallToolResult, ClientResult, ContentBlock, CreateMessageRequestParams, ElicitRequest,
    ElicitRequestParams, ErrorData, JsonObject, LoggingLevel, LoggingMessageNotificationParam,
    ProgressNotificationParam, SamplingMessage, ServerRequest,
};
use rmcp::service::{RequestContext, ServiceError};
use serde_json::{Value, json};

type Context = RequestContext<RoleServer>;

/// Long enough that each notification is a message of its own on the wire.
const PAUSE: Duration = Duration::from_millis(50);

/// The answer of a tool that speaks to the client; none when there is no such tool. `level` is the least that is logged.
///
/// # Errors
/// An argument is missing.
pub async fn call(
    name: &str,
    arguments: &JsonObject,
    context: &Context,
    level: Option<LoggingLevel>,
) -> Option<Result<CallToolResult, ErrorData>> {
    let text = |name: &str| {
        let given = arguments.get(name).and_then(Value::as_str);
        let missing = || format!("the argument `{name}` is missing or no string");
        given.ok_or_else(|| ErrorData::invalid_params(missing(), None))
    };
    Some(match name {
        "test_tool_with_logging" => {
            log(context, level).await;
            Ok(done("All was logged"))
        }
        "test_logging_tool" => {
            // Of this tool the wish must come with the request itself.
            log(context, context.meta.log_level()).await;
            Ok(done("What was asked for was logged"))
        }
        "test_tool_with_progress" => {
            progress(context).await;
            Ok(done("100 of 100"))
        }
        "test_sampling" => match text("prompt") {
            Ok(prompt) => Ok(sample(context, prompt).await),
            Err(missing) => Err(missing),
        },
        "test_elicitation" => match text("message") {
            Ok(message) => elicit(context, "User response", message, contact()).await,
            Err(missing) => Err(missing),
        },
        "test_elicitation_sep1034_defaults" => {
            let message = "Please look over the defaults";
            elicit(context, "Elicitation completed", message, defaults()).await
        }
        "test_elicitation_sep1330_enums" => {
            let message = "Please choose";
            elicit(context, "Elicitation completed", message, choices()).await
        }
        _ => return None,
    })
}

fn done(words: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(words.into())])
}

async fn log(context: &Context, level: Option<LoggingLevel>) {
    let words = [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
    ];
    for (index, words) in words.into_iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if matches!(level, Some(LoggingLevel::Debug | LoggingLevel::Info)) {
            let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(words));
            let _client_gone = context.peer.notify_logging_message(message).await;
        }
    }
}

async fn progress(context: &Context) {
    let token = context.meta.get_progress_token();
    for done in [0.0, 50.0, 100.0] {
        if done > 0.0 {
            tokio::time::sleep(PAUSE).await;
        }
        if let Some(token) = &token {
            let note = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
            let _client_gone = context.peer.notify_progress(note).await;
        }
    }
}

fn failed(what: &str, error: &ServiceError) -> CallToolResult {
    let words = format!("the client could not be asked ({what}): {error}");
    CallToolResult::error(vec![ContentBlock::text(words)])
}

async fn sample(context: &Context, prompt: &str) -> CallToolResult {
    let ask = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    match context.peer.create_message(ask).await {
        Ok(said) => {
            let text = said.message.content.first().and_then(|c| c.as_text());
            let text = text.map_or("no text", |text| text.text.as_str());
            done(format!("LLM response: {text}"))
        }
        Err(error) => failed("sampling", &error),
    }
}

async fn elicit(
    context: &Context,
    words: &str,
    message: &str,
    schema: Value,
) -> Result<CallToolResult, ErrorData> {
    let requested_schema = serde_json::from_value(schema)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let ask = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.to_owned(),
        requested_schema,
    };
    let ask = ServerRequest::ElicitRequest(ElicitRequest::new(ask));
    Ok(match context.peer.send_request(ask).await {
        Ok(ClientResult::ElicitResult(said)) => {
            let action = serde_json::to_value(&said.action).unwrap_or_default();
            let action = action.as_str().unwrap_or("unknown");
            let content = json!(said.content);
            done(format!("{words}: action={action}, content={content}"))
        }
        Ok(_) => failed("elicitation", &ServiceError::UnexpectedResponse),
        Err(error) => failed("elicitation", &error),
    })
}

fn contact() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": { "type": "string", "description": "User's response" },
            "email": { "type": "string", "description": "User's email address" },
        },
        "required": ["username", "email"],
    })
}

fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "default": "John Doe" },
            "age": { "type": "integer", "default": 30 },
            "score": { "type": "number", "default": 95.5 },
            "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
            "verified": { "type": "boolean", "default": true },
        },
    })
}

fn choices() -> Value {
    let titled = |words: [&str; 3]| {
        let choice = |(at, title): (usize, &&str)| json!({ "const": format!("value{}", at + 1), "title": title });
        Value::Array(words.iter().enumerate().map(choice).collect())
    };
    let plain = json!(["option1", "option2", "option3"]);
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": plain },
            "titledSingle": { "type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"]) },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"],
            },
            "untitledMulti": { "type": "array", "items": { "type": "string", "enum": plain } },
            "titledMulti": {
                "type": "array",
                "items": { "anyOf": titled(["First Choice", "Second Choice", "Third Choice"]) },
            },
        },
    })
}
