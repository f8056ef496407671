//! Streamable HTTP of 2026-07-28: headers, cancellation by closing, errors with a status, and streams that are asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::Response;
use mcpdeck::ids::CallId;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::result::CallOutcome;
use serde_json::{Value, json};

use crate::http_support::*;
use crate::support::*;

fn discovered(asked: &Asked, capabilities: Value) -> Response {
    let result = json!({
        "resultType": "complete", "supportedVersions": ["2026-07-28"],
        "capabilities": capabilities, "ttlMs": 0, "cacheScope": "private",
    });
    with(asked.answer(result), "mcp-session-id", "not-for-this-era")
}

/// A modern server; everything but `server/discover` is answered like this.
async fn server<F>(behaviour: F) -> (String, Log)
where
    F: Fn(&Asked) -> Response + Clone + Send + Sync + 'static,
{
    raw(move |asked| {
        let response = match asked.method() {
            "server/discover" => discovered(&asked, json!({ "tools": { "listChanged": true } })),
            _ => behaviour(&asked),
        };
        async move { response }
    })
    .await
}

fn tools(asked: &Asked) -> Response {
    asked.answer(json!({
        "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
        "tools": [{ "name": "größe", "inputSchema": { "type": "object", "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "at": { "type": "object", "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
        } } }],
    }))
}

fn refuse_to_listen(asked: &Asked) -> Option<Response> {
    (asked.method() == "subscriptions/listen")
        .then(|| error(404, &asked.body["id"], -32601, "Method not found"))
}

#[tokio::test]
async fn each_request_repeats_what_it_is_in_headers_and_there_is_no_session() {
    let (url, log) = server(|asked| match asked.method() {
        "tools/list" => tools(asked),
        "tools/call" => asked.answer(said("ok")),
        _ => refuse_to_listen(asked).unwrap(),
    })
    .await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    server.listed().await;
    server
        .text(
            1,
            "größe",
            json!({ "region": " a", "at": { "n": 7 }, "more": 1 }),
        )
        .await;
    server.text(2, "größe", json!({ "region": null })).await;
    server.closed().await;
    let log = log.lock().unwrap();
    for asked in log.iter() {
        assert_eq!(
            asked.http, "POST",
            "neither a stream nor an end of a session"
        );
        assert_eq!(asked.headers["mcp-protocol-version"], "2026-07-28");
        assert_eq!(asked.headers["mcp-method"], asked.method());
        assert!(!asked.headers.contains_key("mcp-session-id"));
    }
    let calls: Vec<&Asked> = log
        .iter()
        .filter(|asked| asked.method() == "tools/call")
        .collect();
    assert_eq!(calls[0].headers["mcp-name"], "=?base64?Z3LDtsOfZQ==?=");
    assert_eq!(calls[0].headers["mcp-param-region"], "=?base64?IGE=?=");
    assert_eq!(calls[0].headers["mcp-param-n"], "7");
    assert!(!calls[0].headers.contains_key("mcp-param-more"));
    assert!(!calls[1].headers.contains_key("mcp-param-region"));
}

#[tokio::test]
async fn a_cancellation_closes_the_stream_and_is_not_told_otherwise() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, log) =
        server(move |asked| refuse_to_listen(asked).unwrap_or_else(|| opens.open())).await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    server.connection.call(request(1, "slow", json!({})));
    streams.reach(1).await;
    server.connection.cancel(CallId(1));
    assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
    wait_for(|| streams.is_closed(0)).await;
    server.closed().await;
    assert_eq!(count(&log, "notifications/cancelled"), 0);
}

#[tokio::test]
async fn an_error_with_a_status_is_the_answer_also_without_an_id() {
    for (status, id, code) in [
        (400, false, -32020),
        (404, true, -32601),
        (500, true, -32603),
        (400, true, -32021),
    ] {
        let (url, log) = server(move |asked| {
            refuse_to_listen(asked).unwrap_or_else(|| {
                let of = if id {
                    asked.body["id"].clone()
                } else {
                    Value::Null
                };
                error(status, &of, code, "the true cause")
            })
        })
        .await;
        let mut server = dialled(http(&url), modern);
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        let message = "the true cause".to_owned();
        assert_eq!(
            server.outcome(1).await,
            CallOutcome::Refused { code, message }
        );
        assert_eq!(count(&log, "tools/call"), 1);
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_common_revision_is_told_from_one_that_is_not_there() {
    let (url, _) = raw(|asked| async move {
        error(
            400,
            &asked.body["id"],
            -32022,
            "Unsupported protocol version",
        )
    })
    .await;
    let mut server = dialled(http(&url), modern);
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.contains("-32022"), "{failure:?}");
}

#[tokio::test]
async fn progress_comes_with_the_answer_and_a_request_of_the_server_is_never_answered() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, log) =
        server(move |asked| refuse_to_listen(asked).unwrap_or_else(|| opens.open())).await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    streams.reach(1).await;
    let id = {
        let log = log.lock().unwrap();
        let call = log.iter().find(|asked| asked.method() == "tools/call");
        call.unwrap().body["id"].clone()
    };
    streams.say(0, ": keep alive\n\n");
    streams.message(0, &json!({ "jsonrpc": "2.0", "id": 77, "method": "ping" }));
    streams.message(
        0,
        &json!({ "jsonrpc": "2.0", "method": "notifications/progress",
        "params": { "progressToken": id, "progress": 1 } }),
    );
    streams.message(0, &answer(&id, &said("ok")));
    let (events, outcome) = server.call_events(1).await;
    assert!(
        events
            .iter()
            .any(|event| matches!(event, CallEvent::Progress(_)))
    );
    assert!(matches!(outcome, CallOutcome::Answered { .. }));
    server.closed().await;
    let log = log.lock().unwrap();
    assert!(
        log.iter().all(|asked| !asked.method().is_empty()),
        "an answer was posted"
    );
}

#[tokio::test]
async fn a_stream_that_broke_is_not_resumed_in_this_era() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, log) =
        server(move |asked| refuse_to_listen(asked).unwrap_or_else(|| opens.open())).await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    streams.reach(1).await;
    streams.say(0, "id: 1\nretry: 1\n\n");
    streams.cut(0);
    assert!(matches!(server.outcome(1).await, CallOutcome::Lost { .. }));
    server.closed().await;
    assert!(log.lock().unwrap().iter().all(|asked| asked.http == "POST"));
}

#[tokio::test]
async fn changes_come_over_a_stream_that_is_asked_for_and_asked_for_again() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, _) = server(move |asked| match asked.method() {
        "subscriptions/listen" => opens.open(),
        _ => asked.answer(said("ok")),
    })
    .await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    streams.reach(1).await;
    streams.message(
        0,
        &json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }),
    );
    assert_eq!(server.event().await, ServerEvent::Changed(ListKind::Tools));
    assert_eq!(
        server.text(1, "t", json!({})).await,
        "ok",
        "a long stream holds up nothing"
    );
    streams.cut(0);
    streams.reach(2).await;
}

/// A server whose tool wants another header since it was listed; `heals` says whether the next list tells of it.
async fn changed_header(heals: bool) -> (String, Log) {
    let listings = Arc::new(AtomicUsize::new(0));
    server(move |asked| match asked.method() {
        "tools/list" => {
            let is_first = listings.fetch_add(1, Ordering::SeqCst) == 0;
            let header = if is_first || !heals { "Old" } else { "New" };
            asked.answer(json!({
                "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                "tools": [{ "name": "t", "inputSchema": { "type": "object", "properties": {
                    "a": { "type": "string", "x-mcp-header": header },
                } } }],
            }))
        }
        "tools/call" if asked.headers.contains_key("mcp-param-new") => asked.answer(said("ok")),
        "tools/call" => error(400, &asked.body["id"], -32020, "headers differ"),
        _ => refuse_to_listen(asked).unwrap(),
    })
    .await
}

#[tokio::test]
async fn a_call_that_is_refused_for_its_headers_is_sent_once_more_behind_a_new_list() {
    let (url, log) = changed_header(true).await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    server.listed().await;
    assert_eq!(server.text(1, "t", json!({ "a": "x" })).await, "ok");
    assert_eq!(
        (count(&log, "tools/call"), count(&log, "tools/list")),
        (2, 2)
    );

    let (url, log) = changed_header(false).await;
    let mut server = dialled(http(&url), modern);
    server.connected().await;
    server.listed().await;
    server.connection.call(request(1, "t", json!({ "a": "x" })));
    let (code, message) = (-32020, "headers differ".to_owned());
    assert_eq!(
        server.outcome(1).await,
        CallOutcome::Refused { code, message }
    );
    assert_eq!(
        (count(&log, "tools/call"), count(&log, "tools/list")),
        (2, 2)
    );
}
