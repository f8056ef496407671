//! Streamable HTTP up to 2025-11-25: sessions, the server's own stream, and answers that are resumed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::response::Response;
use mcpdeck::ids::CallId;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::result::CallOutcome;
use serde_json::{Value, json};

use crate::http_support::*;
use crate::support::*;

/// A server of the old era: calls and GETs are answered like this, in this order of arguments.
async fn server<C, G>(call: C, get: G) -> (String, Log)
where
    C: Fn(&Asked) -> Response + Clone + Send + Sync + 'static,
    G: Fn(&Asked) -> Response + Clone + Send + Sync + 'static,
{
    raw(move |asked| {
        let response = match asked.http.as_str() {
            "GET" => get(&asked),
            _ => asked.usual().unwrap_or_else(|| call(&asked)),
        };
        async move { response }
    })
    .await
}

/// Waits until the last record of the wire says this: what a cut overtakes has never come.
async fn seen(server: &mut Server, text: &str) {
    let says = |server: &mut Server| {
        let last = server.wire().last();
        last.is_some_and(|record| record.text.contains(text))
    };
    wait_for(|| says(server)).await;
}

fn gets(log: &Log) -> Vec<Option<String>> {
    let log = log.lock().unwrap();
    let gets = log.iter().filter(|asked| asked.http == "GET");
    let last = |asked: &Asked| {
        Some(
            asked
                .headers
                .get("last-event-id")?
                .to_str()
                .unwrap()
                .to_owned(),
        )
    };
    gets.map(last).collect()
}

#[tokio::test]
async fn a_session_is_named_on_each_message_behind_the_first_and_ended_at_the_end() {
    let (url, log) = server(
        |asked| asked.answer(said("ok")),
        |_| reply(405, "text/plain", ""),
    )
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.text(1, "t", json!({})).await;
    server.closed().await;
    let log = log.lock().unwrap();
    let text =
        |asked: &Asked, name: &str| Some(asked.headers.get(name)?.to_str().unwrap().to_owned());
    let seen: Vec<_> = log
        .iter()
        .map(|asked| {
            let what = format!("{} {}", asked.http, asked.method());
            (
                what,
                text(asked, "mcp-session-id"),
                text(asked, "mcp-protocol-version"),
            )
        })
        .collect();
    let (session, revision) = (Some("abc".to_owned()), Some("2025-11-25".to_owned()));
    let expected = [
        "POST initialize",
        "POST notifications/initialized",
        "GET ",
        "POST tools/call",
        "DELETE ",
    ];
    let expected: Vec<_> = expected
        .iter()
        .enumerate()
        .map(|(n, what)| {
            let known = n > 0;
            let keep = |value: &Option<String>| value.clone().filter(|_| known);
            ((*what).to_owned(), keep(&session), keep(&revision))
        })
        .collect();
    assert_eq!(seen, expected);
    assert!(
        text(&log[0], "accept")
            .unwrap()
            .contains("application/json")
    );
    assert!(
        text(&log[0], "accept")
            .unwrap()
            .contains("text/event-stream")
    );
    assert_eq!(text(&log[2], "accept").unwrap(), "text/event-stream");
    for asked in log.iter() {
        assert_eq!(text(asked, "authorization").unwrap(), "Bearer hush-hush");
        assert_eq!(text(asked, "mcp-method"), None, "a header of the new era");
    }
}

#[tokio::test]
async fn nothing_overtakes_initialized() {
    let taken = Arc::new(AtomicBool::new(false));
    let early = Arc::new(AtomicUsize::new(0));
    let (takes, counts) = (taken.clone(), early.clone());
    let (url, _) = raw(move |asked| {
        let (taken, early) = (takes.clone(), counts.clone());
        async move {
            match asked.method() {
                "initialize" => {}
                "notifications/initialized" => {
                    for _ in 0..1000 {
                        tokio::task::yield_now().await;
                    }
                    taken.store(true, Ordering::SeqCst);
                }
                _ if !taken.load(Ordering::SeqCst) => {
                    early.fetch_add(1, Ordering::SeqCst);
                }
                _ => {}
            }
            asked.usual().unwrap_or_else(|| asked.answer(said("ok")))
        }
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.text(1, "t", json!({})).await;
    assert!(taken.load(Ordering::SeqCst));
    assert_eq!(early.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_without_a_stream_is_asked_for_it_once_and_works() {
    // Many say 404 instead of 405: that is no word about the session.
    for status in [405, 404, 400, 401] {
        let (url, log) = server(
            |asked| asked.answer(said("ok")),
            move |_| reply(status, "text/plain", "no"),
        )
        .await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        assert_eq!(server.text(1, "t", json!({})).await, "ok", "{status}");
        assert_eq!(server.text(2, "t", json!({})).await, "ok", "{status}");
        assert_eq!(gets(&log), [None], "{status}");
    }
}

#[tokio::test]
async fn the_servers_own_stream_is_opened_again_where_it_dropped() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, log) = server(|asked| asked.answer(said("ok")), move |_| opens.open()).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    streams.say(0, "id: seven\nretry: 30\ndata:\n\n");
    streams.close(0);
    streams.reach(2).await;
    assert_eq!(gets(&log), [None, Some("seven".into())]);
    // What breaks is no different from what closes, and an empty id forgets the place.
    streams.say(1, "id:\n\n");
    seen(&mut server, "SSE, id ").await;
    streams.cut(1);
    streams.reach(3).await;
    assert_eq!(gets(&log)[2], None);
    streams.message(
        2,
        &json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }),
    );
    assert_eq!(server.event().await, ServerEvent::Changed(ListKind::Tools));
}

#[tokio::test]
async fn a_stream_that_comes_back_to_a_lost_session_ends_the_link() {
    let streams = Streams::default();
    let opens = streams.clone();
    let get = move |asked: &Asked| match asked.headers.contains_key("last-event-id") {
        true => reply(404, "text/plain", "gone"),
        false => opens.open(),
    };
    let (url, log) = server(|asked| asked.answer(said("ok")), get).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    streams.say(0, "id: 1\nretry: 30\n\n");
    streams.close(0);
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Http);
    assert!(failure.message.contains("session"), "{failure:?}");
    assert!(
        log.lock()
            .unwrap()
            .iter()
            .all(|asked| asked.http != "DELETE")
    );
}

#[tokio::test]
async fn a_request_of_the_server_is_answered_in_a_post() {
    let streams = Streams::default();
    let opens = streams.clone();
    let (url, log) = server(|asked| asked.answer(said("ok")), move |_| opens.open()).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    streams.message(
        0,
        &json!({ "jsonrpc": "2.0", "id": "s1", "method": "ping" }),
    );
    let answered = |asked: &Asked| asked.body["id"] == "s1" && asked.body["result"] == json!({});
    wait_for(|| log.lock().unwrap().iter().any(answered)).await;
}

/// A server whose calls are streams, as are its GETs.
async fn streaming() -> (Streams, Streams, String, Log) {
    let (calls, gets) = (Streams::default(), Streams::default());
    let (open_call, open_get) = (calls.clone(), gets.clone());
    let call = move |_: &Asked| open_call.open();
    let get = move |asked: &Asked| match asked.headers.contains_key("last-event-id") {
        true => open_get.open(),
        false => reply(405, "text/plain", ""),
    };
    let (url, log) = server(call, get).await;
    (calls, gets, url, log)
}

fn id_of_call(log: &Log) -> Value {
    let log = log.lock().unwrap();
    let call = log.iter().rfind(|asked| asked.method() == "tools/call");
    call.unwrap().body["id"].clone()
}

#[tokio::test]
async fn an_answer_whose_stream_dropped_is_fetched_from_where_it_was() {
    for cut in [false, true] {
        let (calls, resumed, url, log) = streaming().await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        calls.reach(1).await;
        calls.say(0, "id: 1\nretry: 30\ndata:\n\n");
        let id = id_of_call(&log);
        let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress",
            "params": { "progressToken": id, "progress": 1 } });
        calls.say(0, &format!("id: 2\ndata: {progress}\n\n"));
        seen(&mut server, "notifications/progress").await;
        match cut {
            true => calls.cut(0),
            false => calls.close(0),
        }
        resumed.reach(1).await;
        resumed.message(0, &answer(&id, &said("late")));
        let (events, outcome) = server.call_events(1).await;
        let made = |event: &CallEvent| matches!(event, CallEvent::Progress(_));
        assert_eq!(events.iter().filter(|event| made(event)).count(), 1);
        assert!(
            matches!(outcome, CallOutcome::Answered { .. }),
            "{outcome:?}"
        );
        assert_eq!(gets(&log), [None, Some("2".into())]);
        assert_eq!(count(&log, "tools/call"), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn a_server_that_lets_itself_be_polled_is_polled_for_as_long_as_it_goes_on() {
    let (calls, resumed, url, log) = streaming().await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    calls.reach(1).await;
    calls.say(0, "id: a\nretry: 20\n\n");
    calls.close(0);
    for poll in 0..12 {
        resumed.reach(poll + 1).await;
        resumed.say(poll, &format!("id: {poll}\ndata:\n\n"));
        resumed.close(poll);
    }
    resumed.reach(13).await;
    resumed.message(12, &answer(&id_of_call(&log), &said("at last")));
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::Answered { .. }
    ));
    assert_eq!(count(&log, "tools/call"), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_fetched_any_more_is_lost_with_the_reason() {
    for (first, word, asked_again) in [
        ("id: 1\nretry: 20\n\n", "resumed", 1),
        ("retry: 20\ndata:\n\n", "without the answer", 0),
    ] {
        let streams = Streams::default();
        let opens = streams.clone();
        let (url, log) = server(move |_| opens.open(), |_| reply(405, "text/plain", "")).await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        streams.reach(1).await;
        streams.say(0, first);
        streams.close(0);
        match server.outcome(1).await {
            CallOutcome::Lost { why } => assert!(why.contains(word), "{why}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(gets(&log).iter().flatten().count(), asked_again);
        assert_eq!(count(&log, "tools/call"), 1);
    }
}

#[tokio::test]
async fn a_poll_that_never_brings_anything_new_comes_to_an_end() {
    let streams = Streams::default();
    let opens = streams.clone();
    let get = |asked: &Asked| match asked.headers.contains_key("last-event-id") {
        true => reply(200, "text/event-stream", "id: 1\n\n"),
        false => reply(405, "text/plain", ""),
    };
    let (url, log) = server(move |_| opens.open(), get).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    streams.reach(1).await;
    streams.say(0, "id: 1\nretry: 20\n\n");
    streams.close(0);
    assert!(matches!(server.outcome(1).await, CallOutcome::Lost { .. }));
    assert_eq!(gets(&log).iter().flatten().count(), 5);
}

#[tokio::test]
async fn a_cancellation_is_told_to_the_server_and_its_stream_let_go() {
    let (calls, _, url, log) = streaming().await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "slow", json!({})));
    calls.reach(1).await;
    let id = id_of_call(&log);
    server.connection.cancel(CallId(1));
    assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
    wait_for(|| count(&log, "notifications/cancelled") == 1).await;
    let cancelled = {
        let log = log.lock().unwrap();
        let told = log
            .iter()
            .find(|asked| asked.method() == "notifications/cancelled");
        told.unwrap().body["params"]["requestId"].clone()
    };
    assert_eq!(cancelled, id);
    wait_for(|| calls.is_closed(0)).await;
}

#[tokio::test]
async fn a_session_that_is_gone_ends_the_connection_and_nothing_is_sent_twice() {
    let lost = |asked: &Asked| {
        error(
            400,
            &asked.body["id"],
            -32000,
            "Bad Request: No valid session ID provided",
        )
    };
    let gone = |_: &Asked| reply(404, "text/plain", "no such session");
    // A widespread example server says 400 for a session that it has forgotten over a restart.
    for is_400 in [false, true] {
        let call = move |asked: &Asked| match is_400 {
            true => lost(asked),
            false => gone(asked),
        };
        let (url, log) = server(call, |_| reply(405, "text/plain", "")).await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        let outcome = server.outcome(1).await;
        assert!(
            matches!(outcome, CallOutcome::NotSent { .. }),
            "{outcome:?}"
        );
        let failure = server.ended().await;
        assert_eq!(failure.kind, FailureKind::Http);
        assert!(failure.message.contains("session"), "{failure:?}");
        assert_eq!(count(&log, "tools/call"), 1);
    }
}

#[tokio::test]
async fn each_call_under_way_comes_to_one_end_when_the_session_is_lost() {
    let streams = Streams::default();
    let opens = streams.clone();
    let call = move |asked: &Asked| match asked.body["params"]["name"].as_str() {
        Some("slow") => opens.open(),
        _ => reply(404, "text/plain", ""),
    };
    let (url, log) = server(call, |_| reply(405, "text/plain", "")).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    for call in 1..=3 {
        server.connection.call(request(call, "slow", json!({})));
    }
    streams.reach(3).await;
    server.connection.call(request(4, "quick", json!({})));
    let mut ends: Vec<(u64, &str)> = Vec::new();
    loop {
        match server.event().await {
            ServerEvent::Call(call, CallEvent::Finished(outcome)) => ends.push((
                call.0,
                match outcome {
                    CallOutcome::Lost { .. } => "lost",
                    CallOutcome::NotSent { .. } => "not sent",
                    _ => "something else",
                },
            )),
            ServerEvent::Ended(_) => break,
            _ => {}
        }
    }
    ends.sort_unstable();
    assert_eq!(
        ends,
        [(1, "lost"), (2, "lost"), (3, "lost"), (4, "not sent")]
    );
    assert_eq!(count(&log, "tools/call"), 4);
}

#[tokio::test]
async fn a_slow_call_does_not_hold_up_a_quick_one() {
    let streams = Streams::default();
    let opens = streams.clone();
    let call = move |asked: &Asked| match asked.body["params"]["name"].as_str() {
        Some("slow") => opens.open(),
        _ => asked.answer(said("quick")),
    };
    let (url, log) = server(call, |_| reply(405, "text/plain", "")).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "slow", json!({})));
    streams.reach(1).await;
    let slow = id_of_call(&log);
    assert_eq!(server.text(2, "quick", json!({})).await, "quick");
    // The answer comes byte by byte.
    let event = format!(
        "event: message\r\nid: 1\r\ndata: {}\r\n\r\n",
        answer(&slow, &said("ünd slow"))
    );
    let mut buffer = [0; 4];
    for character in event.chars() {
        streams.say(0, character.encode_utf8(&mut buffer));
    }
    match server.outcome(1).await {
        CallOutcome::Answered { result } => assert_eq!(result.as_text(), "ünd slow"),
        other => panic!("{other:?}"),
    }
}
