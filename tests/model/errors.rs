//! Each way to fail: its kind, words of the endpoint in the sentence, a next step.

use std::time::Duration;

use futures::StreamExt;
use mcpdeck::agent::model::openai::OpenAi;
use mcpdeck::agent::model::{ModelError, ModelErrorKind as Kind, ModelEvent};
use mcpdeck::config::{ModelSettings, Secret};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Gate, Reply};
use crate::{LIMIT, ask, collect, request};

async fn failure(reply: Reply) -> ModelError {
    let endpoint = Endpoint::with(vec![reply]).await;
    let outcome = ask(&ModelSettings::default(), &endpoint.base_url(), request()).await;
    let error = outcome.error().clone();
    assert!(
        error.hint.as_ref().is_some_and(|hint| hint.len() > 10),
        "{error:?}"
    );
    assert!(
        outcome.text.is_empty() || error.kind != Kind::Request,
        "{outcome:?}"
    );
    // Nothing is sent twice in here: that is for the turn to decide.
    assert_eq!(endpoint.seen().len(), 1);
    error
}

fn openai(message: &str, code: Value) -> Value {
    json!({"error": {"message": message, "type": "some_error", "param": null, "code": code}})
}

#[tokio::test]
async fn each_status_has_its_kind_whatever_form_its_body_has() {
    let cases = [
        (
            401,
            openai("Incorrect API key provided", json!("invalid_api_key")),
            Kind::Key,
            "Incorrect API key",
        ),
        (
            403,
            json!({"detail": "Forbidden for you"}),
            Kind::Key,
            "Forbidden for you",
        ),
        (
            402,
            json!({"error": {"message": "Insufficient credits", "code": 402}}),
            Kind::Quota,
            "Insufficient credits",
        ),
        (
            429,
            openai(
                "You exceeded your current quota",
                json!("insufficient_quota"),
            ),
            Kind::Quota,
            "quota",
        ),
        (
            429,
            openai("Rate limit reached", json!("rate_limit_exceeded")),
            Kind::RateLimit,
            "Rate limit",
        ),
        (
            429,
            json!({"error": {"message": "Provider busy", "code": 429}}),
            Kind::RateLimit,
            "Provider busy",
        ),
        (
            404,
            openai("The model `local` does not exist", json!("model_not_found")),
            Kind::NoSuchModel,
            "does not exist",
        ),
        (
            404,
            json!({"error": "model \"local\" not found, try pulling it first"}),
            Kind::NoSuchModel,
            "try pulling",
        ),
        (
            500,
            json!({"error": {"code": 500, "message": "failed", "type": "server_error"}}),
            Kind::Server,
            "failed",
        ),
        (
            400,
            openai(
                "This model's maximum context length is 8192 tokens",
                json!("context_length_exceeded"),
            ),
            Kind::ContextTooLong,
            "8192",
        ),
        (
            400,
            json!({"error": {"code": 400, "message": "request exceeds the available context size", "type": "exceed_context_size_error", "n_ctx": 4096}}),
            Kind::ContextTooLong,
            "context size",
        ),
        (
            400,
            json!({"error": {"message": "registry.example/gemma:2b does not support tools"}}),
            Kind::ToolsUnsupported,
            "does not support tools",
        ),
        (
            400,
            json!({"object": "error", "message": "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set", "code": 400}),
            Kind::ToolsUnsupported,
            "auto",
        ),
        (
            404,
            json!({"error": {"message": "No endpoints found that support tool use.", "code": 404}}),
            Kind::ToolsUnsupported,
            "tool use",
        ),
        (
            400,
            json!({"error": {"code": 400, "message": "failed to parse grammar", "type": "invalid_request_error"}}),
            Kind::SchemaRefused,
            "grammar",
        ),
        (
            422,
            json!({"detail": [{"msg": "Input should be a valid string"}]}),
            Kind::Request,
            "valid string",
        ),
    ];
    for (status, body, kind, words) in cases {
        let error = failure(Reply::json(status, &body)).await;
        assert_eq!(error.kind, kind, "{body}: {error:?}");
        assert!(error.message.contains(words), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn plain_text_and_pages_keep_their_status() {
    let error = failure(Reply::new(503, "text/plain", "upstream connect error")).await;
    assert_eq!(error.kind, Kind::Server);
    assert!(
        error.message.contains("503") && error.message.contains("upstream connect error"),
        "{error:?}"
    );
    let error = failure(Reply::new(404, "text/html", "<!DOCTYPE html><p>lost")).await;
    assert_eq!(error.kind, Kind::NoSuchModel);
    assert!(error.message.contains("an HTML page"), "{error:?}");
}

#[tokio::test]
async fn vllm_is_told_its_flag() {
    let body = json!({"message": "\"auto\" tool choice requires --enable-auto-tool-choice"});
    let hint = failure(Reply::json(400, &body)).await.hint.unwrap();
    assert!(hint.contains("--enable-auto-tool-choice"), "{hint}");
}

#[tokio::test]
async fn retry_after_is_kept_and_capped() {
    let reply =
        |value: &str| Reply::new(429, "text/plain", "slow down").header("retry-after", value);
    let error = failure(reply("7")).await;
    assert_eq!(
        (error.kind, error.retry_after),
        (Kind::RateLimit, Some(Duration::from_secs(7)))
    );
    assert_eq!(
        failure(reply("99999")).await.retry_after,
        Some(Duration::from_secs(3600))
    );
    assert_eq!(
        failure(reply("Wed, 21 Oct 2015 07:28:00 GMT"))
            .await
            .retry_after,
        Some(Duration::ZERO)
    );
    assert_eq!(failure(reply("perhaps")).await.retry_after, None);
}

#[tokio::test]
async fn a_200_that_is_no_stream_is_not_taken_for_an_empty_answer() {
    let error = failure(Reply::json(200, &json!({"status": "ok"}))).await;
    assert_eq!(error.kind, Kind::Malformed);
    assert!(error.message.contains("application/json"), "{error:?}");
    let error = failure(Reply::json(200, &openai("Rate limited", json!(429)))).await;
    assert_eq!(error.kind, Kind::RateLimit);
    let error = failure(Reply::new(200, "text/html", "<html>login")).await;
    assert_eq!(error.kind, Kind::Malformed);
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let target = Endpoint::with(vec![Reply::stream("data: [DONE]\n\n")]).await;
    let error = failure(Reply::new(307, "text/plain", "").header("location", target.root())).await;
    assert!(error.message.contains(target.root()), "{error:?}");
    assert!(target.seen().is_empty());
}

#[tokio::test]
async fn errors_inside_a_stream_fail_the_step_and_keep_what_was_shown() {
    let streams = [
        (
            include_str!("../fixtures/model/error_object_in_stream.sse"),
            Kind::Server,
            "runner crashed",
        ),
        (
            include_str!("../fixtures/model/error_string_in_stream.sse"),
            Kind::Server,
            "was encountered",
        ),
        (
            include_str!("../fixtures/model/error_event_context.sse"),
            Kind::ContextTooLong,
            "9000 tokens",
        ),
        (
            include_str!("../fixtures/model/only_done.sse"),
            Kind::Cut,
            "no answer",
        ),
        (
            include_str!("../fixtures/model/cut.sse"),
            Kind::Cut,
            "no reason to stop",
        ),
        (
            include_str!("../fixtures/model/malformed_event.sse"),
            Kind::Malformed,
            "{\"choices\": [",
        ),
        ("", Kind::Cut, "no answer"),
        (
            "data: {\"choices\": [{\"delta\": {\"con",
            Kind::Cut,
            "incomplete",
        ),
        (
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\",\"error\":{\"message\":\"upstream died\"}}]}\n\n",
            Kind::Server,
            "upstream died",
        ),
    ];
    for (stream, kind, words) in streams {
        for size in [1, 4096] {
            let error = failure(Reply::stream(stream).split(size)).await;
            assert_eq!(error.kind, kind, "{stream}: {error:?}");
            assert!(error.message.contains(words), "{stream}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_cut_and_the_text_before_it_stands() {
    let endpoint = Endpoint::with(vec![
        Reply::stream(include_str!("../fixtures/model/cut.sse")).then_cut(),
    ])
    .await;
    let outcome = ask(&ModelSettings::default(), &endpoint.base_url(), request()).await;
    assert_eq!(outcome.error().kind, Kind::Cut);
    assert_eq!(outcome.text, "Half an ans");
}

#[tokio::test]
async fn nobody_there_is_said_with_a_hint_about_ollama() {
    let gone = Endpoint::with(Vec::new()).await;
    let base = gone.base_url();
    drop(gone);
    // The port closes when the task has been taken down; until then a connection may be accepted and dropped.
    let outcome = ask(&ModelSettings::default(), &base, request()).await;
    let error = outcome.error();
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(
        error.message.contains(&base) && error.hint.as_ref().unwrap().contains("Ollama"),
        "{error:?}"
    );
    assert!(!outcome.opened);
}

/// Holds tokio's clock still for as long as it lives: by itself a paused clock jumps ahead while a socket is waited for.
struct Still(#[expect(dead_code, reason = "its drop is the signal")] std::sync::mpsc::Sender<()>);

impl Still {
    fn new() -> Self {
        let (alive, ended) = std::sync::mpsc::channel();
        tokio::task::spawn_blocking(move || ended.recv());
        tokio::time::pause();
        Self(alive)
    }
}

#[tokio::test]
async fn silence_ends_at_its_limit_before_the_status_before_the_first_byte_and_later() {
    let gate = Gate::new();
    let hi = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let endpoint = Endpoint::with(vec![
        Reply::stream(hi).held(&gate),
        Reply::stream("").then_wait(&gate),
        Reply::stream(hi).then_wait(&gate),
    ])
    .await;
    let adapter = OpenAi::new(&ModelSettings::default(), &endpoint.base_url(), "local").unwrap();
    let _still = Still::new();
    let opened = ModelEvent::Opened;
    let cases = [
        (vec![], Kind::Unreachable),
        (vec![opened.clone()], Kind::Unreachable),
        (vec![opened, ModelEvent::Text("Hi".into())], Kind::Cut),
    ];
    for (number, (before, kind)) in cases.into_iter().enumerate() {
        let mut stream = Box::pin(adapter.stream(request(), LIMIT));
        for event in before {
            assert_eq!(stream.next().await, Some(event));
        }
        assert!(futures::poll!(stream.next()).is_pending());
        let rest = tokio::spawn(collect(stream));
        endpoint.wait_for_requests(number + 1).await;
        tokio::time::advance(LIMIT - Duration::from_millis(1)).await;
        assert!(!rest.is_finished());
        tokio::time::advance(Duration::from_millis(2)).await;
        let outcome = rest.await.unwrap();
        assert_eq!(outcome.error().kind, kind, "{outcome:?}");
    }
    endpoint.wait_for_hang_ups(3).await;
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let gate = Gate::new();
    let reply = Reply::stream("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n")
        .then_wait(&gate);
    let endpoint = Endpoint::with(vec![reply]).await;
    let adapter = OpenAi::new(&ModelSettings::default(), &endpoint.base_url(), "local").unwrap();
    let mut stream = Box::pin(adapter.stream(request(), LIMIT));
    assert_eq!(stream.next().await, Some(ModelEvent::Opened));
    assert_eq!(stream.next().await, Some(ModelEvent::Text("Hi".into())));
    drop(stream);
    endpoint.wait_for_hang_ups(1).await;
}

#[test]
fn settings_that_cannot_be_sent_are_refused_before_anything_is() {
    let with_key = |key: &str| ModelSettings {
        api_key: Some(Secret::new(key)),
        ..ModelSettings::default()
    };
    let error = OpenAi::new(&with_key("sk-a\nb"), "http://127.0.0.1:1/v1", "m").unwrap_err();
    assert_eq!(error.kind, Kind::Key);
    assert!(!error.message.contains("sk-a"), "{error:?}");
    let mut headers = ModelSettings::default();
    headers
        .headers
        .insert("X-Bad".into(), Secret::new("a\r\nEvil: 1"));
    let error = OpenAi::new(&headers, "http://127.0.0.1:1/v1", "m").unwrap_err();
    assert!(
        error.message.contains("X-Bad") && !error.message.contains("Evil"),
        "{error:?}"
    );
    for bad in ["", "127.0.0.1:11434", "ftp://x/v1", "file:///etc"] {
        assert_eq!(
            OpenAi::new(&ModelSettings::default(), bad, "m")
                .unwrap_err()
                .kind,
            Kind::Request,
            "{bad}"
        );
    }
}
