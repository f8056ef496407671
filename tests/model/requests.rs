//! What is sent: the body, the headers, and what is left out when the endpoint does not like it.

use mcpdeck::agent::model::{Message, ModelCall, ModelRequest};
use mcpdeck::config::{ModelMode, ModelSettings, Secret};
use serde_json::{Map, Value, json};

use crate::endpoint::{Endpoint, Reply, Seen};
use crate::{Outcome, ask, request};

const TEXT: &str = include_str!("../fixtures/model/text.sse");

async fn sent(settings: &ModelSettings, request: ModelRequest) -> Seen {
    let endpoint = Endpoint::with(vec![Reply::stream(TEXT)]).await;
    let outcome = ask(settings, &format!("{}/", endpoint.base_url()), request).await;
    assert!(outcome.done.is_some(), "{outcome:?}");
    endpoint.seen().remove(0)
}

fn conversation() -> ModelRequest {
    let mut extra = Map::new();
    extra.insert(
        "extra_content".into(),
        json!({"google": {"thought_signature": "c2ln"}}),
    );
    let call = |id: &str, arguments: &str, extra: Map<String, Value>| ModelCall {
        id: id.into(),
        name: "files__list_directory".into(),
        arguments: arguments.into(),
        extra,
    };
    let tool = |id: &str, text: &str| Message::Tool {
        call: id.into(),
        name: "files__list_directory".into(),
        text: text.into(),
    };
    let mut request = request();
    request.messages.extend([
        Message::Assistant {
            text: String::new(),
            calls: vec![
                call("aaaaaaaa1", r#"{"path":"."}"#, extra),
                call("aaaaaaaa2", "{broken", Map::new()),
            ],
        },
        tool("aaaaaaaa1", "[]"),
        tool("aaaaaaaa2", "error: no JSON"),
        Message::System {
            text: "`shop` is down.".into(),
        },
        Message::User {
            text: "And now?".into(),
        },
    ]);
    request
}

#[tokio::test]
async fn the_body_is_what_the_strictest_endpoint_takes() {
    let settings = ModelSettings {
        temperature: Some(0.2),
        ..ModelSettings::default()
    };
    let seen = sent(&settings, conversation()).await;
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    let tools = seen.body["tools"].as_array().unwrap().clone();
    let mut body = seen.body;
    body.as_object_mut().unwrap().remove("tools");
    assert_eq!(
        body,
        json!({
            "model": "local", "stream": true, "max_tokens": 4096, "temperature": 0.2,
            "stream_options": {"include_usage": true}, "tool_choice": "auto",
            "messages": [
                {"role": "system", "content": "Be brief.\n\n`shop` is down."},
                {"role": "user", "content": "List the files."},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "aaaaaaaa1", "type": "function", "function": {"name": "files__list_directory", "arguments": "{\"path\":\".\"}"},
                     "extra_content": {"google": {"thought_signature": "c2ln"}}},
                    {"id": "aaaaaaaa2", "type": "function", "function": {"name": "files__list_directory", "arguments": "{\"not_valid_json\":\"{broken\"}"}},
                ]},
                {"role": "tool", "tool_call_id": "aaaaaaaa1", "content": "[]"},
                {"role": "tool", "tool_call_id": "aaaaaaaa2", "content": "error: no JSON"},
                {"role": "user", "content": "And now?"},
            ],
        })
    );
    assert_eq!(tools.len(), 2);
    assert_eq!(tools[0]["type"], "function");
    assert_eq!(
        tools[0]["function"]["parameters"],
        request().tools[0].schema
    );
}

#[tokio::test]
async fn plain_schemas_leave_out_what_grammars_choke_on() {
    let mut request = request();
    request.plain_schemas = true;
    let body = sent(&ModelSettings::default(), request).await.body;
    assert_eq!(
        body["tools"][0]["function"]["parameters"],
        json!({"type": "object", "properties": {"path": {"type": "string"}, "depth": {"type": "integer"}}, "required": ["path"]})
    );
}

#[tokio::test]
async fn without_tools_nothing_about_tools_is_sent() {
    let mut request = request();
    request.tools.clear();
    let body = sent(&ModelSettings::default(), request).await.body;
    assert!(
        body.get("tools").is_none() && body.get("tool_choice").is_none(),
        "{body}"
    );
}

#[tokio::test]
async fn prompt_mode_sends_signatures_and_plain_turns_only() {
    let mut request = conversation();
    request.mode = ModelMode::Prompt;
    let body = sent(&ModelSettings::default(), request).await.body;
    assert!(body.get("tools").is_none());
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    let system = messages[0]["content"].as_str().unwrap();
    assert!(
        system.contains(
            "- files__list_directory(path: string, depth?: integer): About files__list_directory.\n"
        ),
        "{system}"
    );
    assert!(
        system.starts_with("Be brief.") && system.contains("```json"),
        "{system}"
    );
    let assistant = messages[2]["content"].as_str().unwrap();
    assert!(
        assistant.contains(r#"{"name":"files__list_directory","arguments":{"path":"."}}"#),
        "{assistant}"
    );
    let last = messages[3]["content"].as_str().unwrap();
    assert_eq!(
        last,
        "Result of files__list_directory:\n[]\n\nResult of files__list_directory:\nerror: no JSON\n\nAnd now?"
    );
}

#[tokio::test]
async fn the_key_and_the_headers_go_along_and_an_empty_key_does_not() {
    let mut settings = ModelSettings {
        api_key: Some(Secret::new(" sk-1\n")),
        ..ModelSettings::default()
    };
    settings
        .headers
        .insert("X-Title".into(), Secret::new("deck"));
    let seen = sent(&settings, request()).await;
    assert_eq!(seen.header("authorization"), Some("Bearer sk-1"));
    assert_eq!(seen.header("x-title"), Some("deck"));
    settings.api_key = Some(Secret::new("  "));
    assert_eq!(
        sent(&settings, request()).await.header("authorization"),
        None
    );
}

#[tokio::test]
async fn a_part_that_the_endpoint_refuses_is_left_out_and_stays_out() {
    let refusal = |words: &str| Reply::json(400, &json!({"error": {"message": words}}));
    let endpoint = Endpoint::with(vec![
        refusal("Extra inputs are not permitted: stream_options"),
        refusal("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
        refusal("Unsupported value: 'temperature' does not support 0.2"),
        Reply::stream(TEXT),
    ])
    .await;
    let settings = ModelSettings {
        temperature: Some(0.2),
        ..ModelSettings::default()
    };
    let adapter =
        mcpdeck::agent::model::openai::OpenAi::new(&settings, &endpoint.base_url(), "local")
            .unwrap();
    for _ in 0..2 {
        let outcome: Outcome = crate::collect(adapter.stream(request(), crate::LIMIT)).await;
        assert_eq!(outcome.text, "Xin chào! Tiếng Việt.");
    }
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 5, "three refusals are met once");
    for body in seen[3..].iter().map(|seen| &seen.body) {
        assert!(
            body.get("stream_options").is_none() && body.get("max_tokens").is_none(),
            "{body}"
        );
        assert!(
            body.get("temperature").is_none() && body["max_completion_tokens"] == 4096,
            "{body}"
        );
    }
}

#[tokio::test]
async fn tools_that_were_dropped_and_a_context_that_was_cut_are_noted() {
    let told = |prompt: u64| {
        Reply::chunks(&[
            json!({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}),
            json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": 1}}),
        ])
    };
    let endpoint = Endpoint::with(vec![told(45), told(4096)]).await;
    let mut many = request();
    many.tools = (0..14)
        .map(|number| mcpdeck::agent::model::ToolOffer {
            name: format!("t{number}"),
            ..many.tools[0].clone()
        })
        .collect();
    let outcome = ask(
        &ModelSettings::default(),
        &endpoint.base_url(),
        many.clone(),
    )
    .await;
    assert!(
        outcome
            .done
            .unwrap()
            .notes
            .iter()
            .any(|note| note.contains("drop the tools"))
    );
    many.messages.push(Message::User {
        text: "long ".repeat(20_000),
    });
    let outcome = ask(&ModelSettings::default(), &endpoint.base_url(), many).await;
    assert!(
        outcome
            .done
            .unwrap()
            .notes
            .iter()
            .any(|note| note.contains("OLLAMA_CONTEXT_LENGTH"))
    );
}
