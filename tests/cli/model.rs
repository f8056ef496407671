//! Model endpoints that fail: a sentence, a next step, exit code 4, and the same as events.

use serde_json::{Value, json};

use crate::deck::{Deck, Ran, blocking, chunk, model_at};
use crate::endpoint::{Endpoint, Reply};

fn openai(message: &str, code: &str) -> Value {
    json!({ "error": { "message": message, "type": "some_error", "code": code } })
}

/// Asks an endpoint that answers this way, in words and in events.
async fn ask(reply: Reply) -> (Ran, Ran) {
    let endpoint = Endpoint::with(vec![reply]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    blocking(|| {
        let words = deck.run(&["ask", "hello"]).expect(4);
        let events = deck.run(&["ask", "--json", "hello"]).expect(4);
        (words, events)
    })
}

#[track_caller]
fn says_so((words, events): &(Ran, Ran), parts: &[&str]) {
    for part in parts {
        assert!(words.err.contains(part), "no {part:?} in\n{words}");
    }
    assert!(words.err.starts_with("error: "), "{words}");
    assert!(words.err.contains("\nhint: "), "{words}");
    let errors = events.of_type("error");
    assert_eq!(errors.len(), 1, "{events}");
    assert!(
        errors[0]["message"]
            .as_str()
            .is_some_and(|m| m.contains(parts[0])),
        "{events}"
    );
    assert!(
        errors[0]["hint"]
            .as_str()
            .is_some_and(|hint| hint.len() > 10),
        "{events}"
    );
    assert_eq!(events.turn_end()["stop_reason"], "model_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused() {
    let body = openai("Incorrect API key provided", "invalid_api_key");
    let ran = ask(Reply::json(401, &body)).await;
    says_so(
        &ran,
        &[
            "did not accept the key (HTTP 401)",
            "Incorrect API key",
            "api_key_env",
        ],
    );
    assert_eq!(ran.0.out, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_with_a_wait_that_is_too_long_to_sit_out() {
    let body = openai("Rate limit reached", "rate_limit_exceeded");
    let ran = ask(Reply::json(429, &body).header("retry-after", "600")).await;
    says_so(
        &ran,
        &["asks for fewer requests (HTTP 429)", "Rate limit reached"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_endpoint_is_tried_again_before_it_is_given_up() {
    let body = openai("upstream is down", "server_error");
    let endpoint = Endpoint::with(vec![Reply::json(500, &body).header("retry-after", "0")]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let words = blocking(|| deck.run(&["ask", "hello"])).expect(4);
    let tries = endpoint.seen().len();
    assert!(tries > 1, "{tries} tries");
    let events = blocking(|| deck.run(&["ask", "--json", "hello"])).expect(4);
    says_so(&(words, events), &["failed (HTTP 500)", "upstream is down"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_keeps_what_was_shown_and_says_so() {
    let event = format!(
        "data: {}\n\n",
        chunk(&json!({ "content": "The first half" }), None)
    );
    let ran = ask(Reply::stream(event).then_cut()).await;
    says_so(&ran, &["ended before its end"]);
    assert_eq!(ran.0.out, "The first half\n");
    assert_eq!(ran.1.answer(), "The first half");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_inside_a_stream_that_began_well() {
    let event = format!("data: {}\n\n", openai("the GPU is on fire", "500"));
    let text = format!("data: {}\n\n", chunk(&json!({ "content": "So" }), None));
    let ran = ask(Reply::stream(text + &event)).await;
    says_so(&ran, &["the GPU is on fire"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_too_long() {
    let body = openai(
        "This model's maximum context length is 4096 tokens",
        "context_length_exceeded",
    );
    let ran = ask(Reply::json(400, &body)).await;
    says_so(
        &ran,
        &[
            "is longer than `test` can read",
            "4096",
            "enable fewer servers",
        ],
    );
}

#[test]
fn no_model_at_all_is_said_with_a_next_step() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let words = deck.run(&["ask", "hello"]).expect(4);
    let events = deck.run(&["ask", "--json", "hello"]).expect(4);
    says_so(
        &(words, events),
        &["switched off by provider", "--model-url"],
    );
}

#[test]
fn an_endpoint_that_is_not_there_is_named() {
    let deck = Deck::new("");
    let args = ["--model-url", "http://127.0.0.1:1/v1", "ask", "hello"];
    let words = deck.run(&args).expect(4);
    let events = deck.run(&[&args[..], &["--json"]].concat()).expect(4);
    says_so(&(words, events), &["http://127.0.0.1:1/v1"]);
}

#[test]
fn a_script_that_cannot_be_read_is_the_models_failure() {
    let deck = Deck::new("[model]\nprovider = \"scripted\"\nscript = \"nowhere.toml\"\n");
    let ran = deck.run(&["ask", "hello"]).expect(4);
    assert!(ran.err.contains("nowhere.toml cannot be read"), "{ran}");
}
