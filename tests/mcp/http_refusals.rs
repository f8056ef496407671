//! HTTP servers that refuse, redirect, or answer with what is no answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use mcpdeck::config::{Launch, ServerSpec};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::wire::record::WireKind;
use serde_json::{Value, json};

use crate::http_support::*;
use crate::support::*;

/// A server of the old era whose first so many calls are answered like this, and the next ones well.
async fn refusing<F>(times: usize, refuse: F) -> (String, Log)
where
    F: Fn() -> Response + Clone + Send + Sync + 'static,
{
    let seen = Arc::new(AtomicUsize::new(0));
    calls(
        move |asked| match seen.fetch_add(1, Ordering::SeqCst) < times {
            true => refuse(),
            false => asked.answer(said("ok")),
        },
    )
    .await
}

fn limited(wait: &'static str) -> impl Fn() -> Response + Clone {
    move || with(reply(429, "text/plain", "too many"), "retry-after", wait)
}

async fn outcome(url: &str) -> CallOutcome {
    let mut server = dialled(http(url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    server.outcome(1).await
}

#[tokio::test]
async fn a_call_that_is_turned_away_for_the_number_of_requests_is_sent_again() {
    let (url, log) = refusing(2, limited("0")).await;
    assert!(matches!(outcome(&url).await, CallOutcome::Answered { .. }));
    assert_eq!(count(&log, "tools/call"), 3);
}

#[tokio::test]
async fn that_has_an_end_after_three_tries_or_when_the_wait_is_long() {
    for (wait, sent, word) in [("0", 3, "429"), ("3600", 1, "wait 1 h")] {
        let (url, log) = refusing(9, limited(wait)).await;
        match outcome(&url).await {
            CallOutcome::NotSent { why } => assert!(why.contains(word), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&log, "tools/call"), sent);
    }
}

#[tokio::test]
async fn a_call_that_waits_for_its_turn_can_be_cancelled_and_never_leaves_again() {
    let (url, log) = refusing(9, limited("20")).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let turned_away = WireKind::Http { status: Some(429) };
    wait_for(|| {
        server
            .wire()
            .iter()
            .any(|record| record.kind == turned_away)
    })
    .await;
    server.connection.cancel(CallId(1));
    assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
    server.closed().await;
    assert_eq!(count(&log, "tools/call"), 1);
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_only_for_what_changes_nothing() {
    let seen = Arc::new(AtomicUsize::new(0));
    let (url, log) = raw(move |asked| {
        let busy = || with(reply(503, "text/plain", "busy"), "retry-after", "0");
        let response = match asked.method() {
            "tools/list" if seen.fetch_add(1, Ordering::SeqCst) == 0 => busy(),
            "tools/list" => asked.answer(json!({ "tools": [] })),
            "tools/call" => busy(),
            _ => asked.usual().unwrap(),
        };
        async move { response }
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.listed().await;
    assert_eq!(count(&log, "tools/list"), 2);
    server.connection.call(request(1, "t", json!({})));
    match server.outcome(1).await {
        CallOutcome::Lost { why } => assert!(why.contains("503") && why.contains("wait"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(count(&log, "tools/call"), 1);
}

#[tokio::test]
async fn a_refused_token_under_way_ends_the_link_and_the_tap_sees_why() {
    let refuse = || {
        with(
            reply(401, "text/plain", ""),
            "www-authenticate",
            "Bearer error=\"invalid_token\"",
        )
    };
    let (url, log) = refusing(9, refuse).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::NotSent { .. }
    ));
    assert_eq!(server.ended().await.kind, FailureKind::NeedsSignIn);
    assert_eq!(count(&log, "tools/call"), 1);
    let refused = WireKind::Http { status: Some(401) };
    let record = server.wire().iter().find(|record| record.kind == refused);
    assert!(record.unwrap().text.contains("invalid_token"));
}

#[tokio::test]
async fn a_right_that_the_configured_account_lacks_costs_that_call_alone() {
    let (url, log) = refusing(1, || reply(403, "text/plain", "not this tool")).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    match server.outcome(1).await {
        CallOutcome::NotSent { why } => assert!(why.contains("403"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.text(2, "t", json!({})).await, "ok");
    assert_eq!(count(&log, "tools/call"), 2);
}

fn without_credentials(url: &str) -> ServerSpec {
    let mut spec = http(url);
    if let Launch::Http(launch) = &mut spec.launch {
        launch.headers.clear();
    }
    spec
}

#[tokio::test]
async fn a_server_that_wants_a_sign_in_is_told_apart_with_and_without_configured_credentials() {
    let (url, log) = raw(|_| async { reply(401, "text/plain", "") }).await;
    for spec in [http(&url), without_credentials(&url)] {
        assert_eq!(failure_at(spec).await.kind, FailureKind::NeedsSignIn);
    }
    let log = log.lock().unwrap();
    let sent: Vec<bool> = log
        .iter()
        .map(|asked| asked.headers.contains_key("authorization"))
        .collect();
    assert_eq!(sent, [true, false]);
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_body_and_headers() {
    for status in [307, 308] {
        let (url, log) = raw(move |asked| async move {
            match asked.path.as_str() {
                "/mcp" => with(reply(status, "text/plain", ""), "location", "/real?x=1"),
                _ => asked.usual().unwrap_or_else(|| asked.answer(said("ok"))),
            }
        })
        .await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        assert_eq!(server.text(1, "t", json!({})).await, "ok");
        let log = log.lock().unwrap();
        let real = log
            .iter()
            .find(|asked| asked.path == "/real" && asked.method() == "tools/call");
        assert_eq!(real.unwrap().headers["authorization"], "Bearer hush-hush");
    }
}

#[tokio::test]
async fn a_redirect_elsewhere_is_not_followed_so_no_header_leaks() {
    let (elsewhere, stolen) = raw(|_| async { reply(500, "text/plain", "") }).await;
    // The trap works: who goes there by himself leaves his header.
    failure_at(http(&elsewhere)).await;
    let caught = std::mem::take(&mut *stolen.lock().unwrap());
    assert!(
        caught
            .iter()
            .any(|asked| asked.headers["authorization"] == "Bearer hush-hush")
    );
    for status in [301, 302, 303, 307, 308] {
        let place = elsewhere.clone();
        let (url, _) = raw(move |_| {
            let response = with(reply(status, "text/plain", ""), "location", &place);
            async move { response }
        })
        .await;
        let failure = failure_at(http(&url)).await;
        assert_eq!(failure.kind, FailureKind::Http, "{failure:?}");
        assert!(failure.message.contains(&status.to_string()), "{failure:?}");
        assert!(failure.message.contains(&elsewhere), "{failure:?}");
    }
    assert_eq!(stolen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn redirects_in_a_circle_come_to_an_end() {
    let (url, log) =
        raw(|_| async { with(reply(308, "text/plain", ""), "location", "/again") }).await;
    let failure = dialled(http(&url), |_| {}).ended().await;
    assert!(failure.message.contains("circle"), "{failure:?}");
    assert_eq!(log.lock().unwrap().len(), 5);
}

/// A body that never ends, and has no line in it.
fn endless(kind: &str, beginning: &'static str) -> Response {
    let more = Bytes::from(vec![b'x'; 256 * 1024]);
    let pieces = stream::unfold(Bytes::from(beginning), move |piece| {
        let more = more.clone();
        async move { Some((Ok::<_, std::io::Error>(piece), more)) }
    });
    Response::builder()
        .header("content-type", kind)
        .body(Body::from_stream(pieces))
        .unwrap()
}

#[tokio::test]
async fn what_never_ends_fails_the_call_at_the_limit_and_the_next_one_works() {
    for (kind, beginning) in [
        ("text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"x\":\""),
        ("text/event-stream", "\n"),
        ("application/json", "{\"jsonrpc\":\"2.0\",\"x\":\""),
    ] {
        let seen = Arc::new(AtomicUsize::new(0));
        let (url, _) = calls(move |asked| match seen.fetch_add(1, Ordering::SeqCst) {
            0 => endless(kind, beginning),
            _ => asked.answer(said("ok")),
        })
        .await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        match server.outcome(1).await {
            CallOutcome::Unreadable { why } => assert!(why.contains("16 MiB"), "{why}"),
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(server.text(2, "t", json!({})).await, "ok");
    }
}

type Behaviour = Box<dyn Fn(&Asked) -> Response + Send + Sync>;

#[tokio::test]
async fn an_answer_to_something_else_or_to_nothing_loses_the_call_at_once() {
    let other = |_: &Asked| answer(&json!(999), &said("not yours")).to_string();
    let cases: [(&str, Behaviour); 5] = [
        (
            "no answer to the request",
            Box::new(move |asked| reply(200, "application/json", &other(asked))),
        ),
        (
            "without the answer",
            Box::new(move |asked| sse(vec![other(asked)])),
        ),
        ("gave no answer", Box::new(|_| reply(202, "text/plain", ""))),
        (
            "gave no answer",
            Box::new(|_| reply(200, "application/json", " ")),
        ),
        (
            "text/html",
            Box::new(|_| reply(200, "text/html", "<p>hello")),
        ),
    ];
    for (word, behaviour) in cases {
        let (url, _) = calls({
            let behaviour = Arc::new(behaviour);
            move |asked| behaviour(asked)
        })
        .await;
        match outcome(&url).await {
            CallOutcome::Lost { why } => assert!(why.contains(word), "{word}: {why}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_no_message_fails_the_call_and_says_so() {
    for (body, word) in [
        ("{ nonsense", "JSON"),
        ("{\"jsonrpc\":\"2.0\",\"id\":ID}", "neither"),
    ] {
        let text = move |asked: &Asked| body.replace("ID", &asked.body["id"].to_string());
        let (url, _) = calls(move |asked| reply(200, "application/json", &text(asked))).await;
        match outcome(&url).await {
            CallOutcome::Unreadable { why } => assert!(why.contains(word), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_batch_and_odd_spellings_of_an_id_are_understood() {
    let spellings: [fn(&Value) -> Value; 3] = [
        Value::clone,
        |id| id.to_string().into(),
        |id| json!(id.as_f64()),
    ];
    for spelled in spellings {
        for streamed in [false, true] {
            let (url, _) = calls(move |asked| {
                let batch = json!([
                    { "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": "x" } },
                    answer(&spelled(&asked.body["id"]), &said("ok")),
                ]);
                match streamed {
                    true => sse(vec![batch.to_string()]),
                    false => reply(200, "application/json; charset=utf-8", &batch.to_string()),
                }
            })
            .await;
            assert!(matches!(outcome(&url).await, CallOutcome::Answered { .. }));
        }
    }
}

#[tokio::test]
async fn the_tap_has_the_text_as_it_came() {
    let text = |asked: &Asked| {
        let id = &asked.body["id"];
        format!("{{ \"id\": {id},\"unknown\":1.50, \"result\":{{\"content\":[],\"x\":null}} }}")
    };
    let (url, _) = calls(move |asked| reply(200, "application/json", &text(asked))).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.text(1, "t", json!({})).await;
    assert!(
        server
            .wire()
            .iter()
            .any(|record| record.text.contains("\"unknown\":1.50, "))
    );
}

#[tokio::test]
async fn a_body_that_breaks_off_loses_the_call() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, _) = calls(move |_| with(opens.open(), "content-type", "application/json")).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    streams.reach(1).await;
    streams.say(0, "{\"jsonrpc\":");
    streams.cut(0);
    assert!(matches!(server.outcome(1).await, CallOutcome::Lost { .. }));
}
