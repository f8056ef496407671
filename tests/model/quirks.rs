//! Streams as real endpoints send them, each in several cuts.

use mcpdeck::agent::model::{Finish, Usage};
use mcpdeck::config::{ModelMode, ModelSettings};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Reply};
use crate::{Outcome, ask, request};

const LIST: (&str, &str) = ("files__list_directory", r#"{"path":"."}"#);
const READ: (&str, &str) = ("files__read_text_file", r#"{"path":"a.md"}"#);

/// Plays a recorded stream whole, in small pieces and byte by byte: it must come to the same.
async fn play(fixture: &str) -> Outcome {
    let endpoint = Endpoint::with(vec![
        Reply::stream(fixture),
        Reply::stream(fixture).split(7),
        Reply::stream(fixture).split(1),
    ])
    .await;
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let outcome = ask(&ModelSettings::default(), &endpoint.base_url(), request()).await;
        if let Some(done) = &outcome.done {
            for call in &done.calls {
                let good = call.id.len() == 9
                    && call.id.bytes().all(|letter| letter.is_ascii_alphanumeric());
                assert!(good, "{call:?}");
            }
        }
        outcomes.push(outcome);
    }
    assert!(
        outcomes.iter().all(|outcome| outcome == &outcomes[0]),
        "{outcomes:#?}"
    );
    outcomes.remove(0)
}

macro_rules! fixture {
    ($name:literal) => {
        play(include_str!(concat!("../fixtures/model/", $name, ".sse"))).await
    };
}

#[tokio::test]
async fn plain_text_comes_through_with_its_usage() {
    let outcome = fixture!("text");
    assert_eq!(outcome.text, "Xin chào! Tiếng Việt.");
    let done = outcome.done.unwrap();
    assert_eq!(
        done.usage,
        Some(Usage {
            prompt: 12,
            completion: 5
        })
    );
    assert_eq!(
        (done.finish, done.calls.len(), done.notes.len()),
        (Finish::Stop, 0, 0)
    );
}

#[tokio::test]
async fn two_calls_are_told_apart_however_they_are_numbered() {
    for outcome in [
        fixture!("index_missing"),
        fixture!("index_and_id_missing"),
        fixture!("index_always_zero"),
        fixture!("index_from_one"),
        fixture!("whole_call"),
        fixture!("fragments"),
        fixture!("empty_repeats"),
        fixture!("id_missing"),
    ] {
        assert_eq!(outcome.calls(), [LIST, READ]);
        assert_eq!(outcome.prepared, [LIST.0, READ.0]);
        assert_eq!(outcome.text, "");
        let done = outcome.done.unwrap();
        assert_eq!(done.finish, Finish::Stop);
        assert_ne!(done.calls[0].id, done.calls[1].id);
        assert!(done.notes.is_empty(), "{:?}", done.notes);
    }
}

#[tokio::test]
async fn stop_beside_a_call_is_a_call_and_its_unknown_fields_are_kept() {
    let done = fixture!("finish_stop_with_calls").done.unwrap();
    assert_eq!(done.finish, Finish::Stop);
    assert_eq!(done.calls[0].name, LIST.0);
    let extra = Value::Object(done.calls[0].extra.clone());
    assert_eq!(
        extra,
        json!({"extra_content": {"google": {"thought_signature": "c2ln"}}})
    );
}

#[tokio::test]
async fn a_call_that_was_cut_by_the_token_limit_is_told_as_cut() {
    let outcome = fixture!("finish_length_in_call");
    assert_eq!(outcome.done.unwrap().finish, Finish::Length);
}

#[tokio::test]
async fn null_content_beside_a_call_is_accepted() {
    let outcome = fixture!("content_null");
    assert_eq!((outcome.calls(), outcome.text.as_str()), (vec![LIST], ""));
}

#[tokio::test]
async fn a_call_written_as_text_is_read_as_a_call_and_never_shown() {
    for outcome in [
        fixture!("call_as_bare_json"),
        fixture!("call_in_a_fence"),
        fixture!("call_in_a_tag"),
    ] {
        assert_eq!((outcome.calls(), outcome.text.as_str()), (vec![LIST], ""));
        let notes = outcome.done.unwrap().notes;
        assert!(
            notes.len() == 1 && notes[0].contains("as text"),
            "{notes:?}"
        );
    }
}

#[tokio::test]
async fn json_that_is_no_call_of_an_offered_tool_is_an_answer() {
    let outcome = fixture!("json_that_is_no_call");
    assert!(outcome.calls().is_empty());
    assert_eq!(
        outcome.text,
        "```json\n{\"name\": \"unknown_tool\", \"arguments\": {}}\n```"
    );
}

#[tokio::test]
async fn reasoning_is_read_from_each_of_its_places() {
    for outcome in [
        fixture!("reasoning_content"),
        fixture!("reasoning"),
        fixture!("think_in_content"),
    ] {
        assert_eq!(
            (outcome.reasoning.trim(), outcome.text.as_str()),
            ("Let me see.", "Done.")
        );
    }
}

#[tokio::test]
async fn usage_may_come_without_choices_or_not_at_all() {
    let usage = fixture!("usage_without_choices").done.unwrap().usage;
    assert_eq!(
        usage,
        Some(Usage {
            prompt: 9,
            completion: 2
        })
    );
    assert_eq!(fixture!("no_usage").done.unwrap().usage, None);
}

#[tokio::test]
async fn comments_a_missing_reason_and_a_missing_last_line_break_are_survived() {
    assert_eq!(fixture!("comments").text, "Hi.");
    for outcome in [
        fixture!("done_without_reason"),
        fixture!("last_event_unterminated"),
    ] {
        assert_eq!(outcome.text, "Whole.");
        assert_eq!(outcome.done.unwrap().finish, Finish::Stop);
    }
}

#[tokio::test]
async fn in_prompt_mode_a_call_as_text_is_what_was_asked_for() {
    let stream = include_str!("../fixtures/model/call_in_a_fence.sse");
    let endpoint = Endpoint::with(vec![Reply::stream(stream)]).await;
    let mut request = request();
    request.mode = ModelMode::Prompt;
    let outcome = ask(&ModelSettings::default(), &endpoint.base_url(), request).await;
    assert_eq!((outcome.calls(), outcome.text.as_str()), (vec![LIST], ""));
    assert_eq!(outcome.done.unwrap().notes, Vec::<String>::new());
}
