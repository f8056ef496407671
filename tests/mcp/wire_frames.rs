//! What the tap tells of frames over HTTP, frames of the person's own hand, and what was dropped.

use std::time::{Duration, Instant};

use axum::response::Response;
use mcpdeck::ids::{Generation, Seq};
use mcpdeck::mcp::request::{Errand, ErrandEnd};
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::wire::live;
use mcpdeck::mcp::wire::record::{Carried, Direction, WireKind, WireRecord};
use mcpdeck::mcp::wire::redact::Redactor;
use mcpdeck::mcp::wire::{Tap, WireLog};
use serde_json::{Value, json};

use crate::http_support::*;
use crate::support::*;

fn raw_errand(frame: &str) -> Errand {
    Errand::Raw {
        frame: frame.to_owned(),
    }
}

/// Waits until something like this is on the wire.
async fn shown(server: &mut Server, is_it: impl Fn(&WireRecord) -> bool) -> WireRecord {
    let mut found = None;
    wait_for(|| {
        found = server.wire().iter().find(|record| is_it(record)).cloned();
        found.is_some()
    })
    .await;
    found.expect("it was waited for")
}

fn said() -> Value {
    json!({ "content": [{ "type": "text", "text": "ok" }] })
}

#[tokio::test]
async fn a_raw_frame_goes_byte_for_byte_and_its_answer_is_shown_and_taken_for_nobody_elses() {
    let mut server = scripted("");
    server.connected().await;
    // Odd spelling, an id far ahead of ours, a method that there is not.
    let frame = r#"{ "method":"no/such" ,"id": 700,"jsonrpc":"2.0", "x":1.50, "x":"Đ 磁 😀" }"#;
    assert_eq!(server.errand(1, raw_errand(frame)).await, ErrandEnd::Done);
    let answer = shown(
        &mut server,
        |record| matches!(&record.kind, WireKind::Error { id, code: -32601 } if id == "700"),
    )
    .await;
    assert!(answer.text.contains("no method no/such"));
    let sent = shown(&mut server, |record| record.text == frame).await;
    assert_eq!(sent.direction, Direction::Out);
    let seen = server.text(1, "seen", json!({})).await;
    assert!(seen.lines().any(|line| line == frame), "{seen}");
    // An id of ours never repeats one that the frame has used.
    let ids = |record: &WireRecord| match &record.kind {
        WireKind::Request { id, method } if method == "tools/call" => id.parse::<i64>().ok(),
        _ => None,
    };
    let last = server.wire().iter().filter_map(ids).next_back();
    assert!(last > Some(700), "{last:?}");
    for frame in ["42", "[]", r#"{"result":{}}"#, r#"{"id":9999,"result":{}}"#] {
        assert_eq!(server.errand(2, raw_errand(frame)).await, ErrandEnd::Done);
    }
    assert!(server.text(2, "t", json!({})).await.contains("\"t\""));
}

#[tokio::test]
async fn what_is_no_frame_or_could_be_mixed_up_is_refused_and_does_not_leave() {
    let mut server = scripted("[[on]]\nmethod = \"tools/call\"\ntool = \"slow\"\nsilent = true");
    server.connected().await;
    server.connection.call(request(1, "slow", json!({})));
    let id = server.sent(1).await;
    let same = format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"ping"}}"#);
    let before = server.wire().len();
    for (frame, why) in [
        (same.as_str(), "is under way"),
        ("{\n}", "one line"),
        ("hello", "no JSON"),
    ] {
        match server.errand(1, raw_errand(frame)).await {
            ErrandEnd::Failed { why: told } => assert!(told.contains(why), "{told}"),
            other => panic!("{frame}: {other:?}"),
        }
    }
    assert_eq!(server.wire().len(), before);
}

#[tokio::test]
async fn an_error_without_an_id_that_answers_a_raw_frame_fails_no_call_of_ours() {
    // The known-bad control: without the frame the same error is the end of the one call that waits.
    for (by_hand, spared) in [(true, true), (false, false)] {
        let script = r#"
[[on]]
method = "odd"
raw = '''{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"cannot read this"}}
'''
silent = true
[[on]]
method = "tools/call"
tool = "slow"
silent = true
[[on]]
method = "tools/call"
tool = "fails"
raw = '''{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"cannot read this"}}
'''
silent = true
"#;
        let mut server = scripted(script);
        server.connected().await;
        match by_hand {
            true => {
                server.connection.call(request(1, "slow", json!({})));
                server.sent(1).await;
                let frame = r#"{"jsonrpc":"2.0","method":"odd"}"#;
                assert_eq!(server.errand(1, raw_errand(frame)).await, ErrandEnd::Done);
            }
            false => server.connection.call(request(1, "fails", json!({}))),
        }
        shown(&mut server, |record| {
            matches!(record.kind, WireKind::Error { code: -32700, .. })
        })
        .await;
        // It has been read; another answer behind it proves that.
        match spared {
            true => {
                server.text(2, "t", json!({})).await;
                server.connection.cancel(mcpdeck::ids::CallId(1));
                assert!(matches!(server.outcome(1).await, CallOutcome::Cancelled));
            }
            false => assert!(matches!(
                server.outcome(1).await,
                CallOutcome::Refused { code: -32700, .. }
            )),
        }
    }
}

fn with_secrets(mut response: Response) -> Response {
    for (name, value) in [
        ("set-cookie", "sid=cookie-secret-1"),
        ("x-request-id", "r-17"),
        ("x-auth-token", "header-secret-2"),
    ] {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}

#[tokio::test]
async fn over_http_headers_statuses_and_events_stand_beside_the_frames_and_no_secret_does() {
    let (url, log) = calls(|asked| {
        let message = json!({ "jsonrpc": "2.0", "id": asked.body["id"], "result": said() });
        let text = format!("event: message\nid: ev-5\nretry: 250\ndata: {message}\n\n");
        with_secrets(reply(200, "text/event-stream", &text))
    })
    .await;
    let mut server = dialled(http(&format!("{url}?api_key=query-secret-3")), |_| {});
    server.connected().await;
    server.text(1, "t", json!({})).await;
    let mut wire = WireLog::default();
    for record in server.wire() {
        wire.push(record.clone());
    }
    let is_call = |r: &&WireRecord| matches!(&r.kind, WireKind::Request { method, .. } if method == "tools/call");
    let call = wire.records().find(is_call).unwrap().seq;
    let entry = wire.entry(call).unwrap();
    assert_eq!(entry.status, Some(200));
    let Some(Carried::Request {
        method,
        url,
        headers,
    }) = entry.record.carried.as_deref()
    else {
        panic!("{entry:?}");
    };
    assert_eq!(method, "POST");
    assert!(url.ends_with("/mcp?api_key=***"), "{url}");
    let value = |headers: &[(String, String)], name: &str| {
        let found = headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(value(headers, "authorization").as_deref(), Some("***"));
    assert_eq!(value(headers, "mcp-session-id").as_deref(), Some("***"));
    let revision = value(headers, "mcp-protocol-version");
    assert_eq!(revision.as_deref(), Some("2025-11-25"));
    let head = wire.get(entry.head.unwrap()).unwrap();
    let Some(Carried::Response {
        request,
        status: 200,
        headers,
    }) = head.carried.as_deref()
    else {
        panic!("{head:?}");
    };
    assert_eq!(*request, call);
    for (name, expected) in [
        ("content-type", "text/event-stream"),
        ("x-request-id", "r-17"),
        ("set-cookie", "***"),
        ("x-auth-token", "***"),
    ] {
        assert_eq!(value(headers, name).as_deref(), Some(expected), "{name}");
    }
    let answer = wire.get(wire.pair_of(call).unwrap()).unwrap();
    let expected = Carried::Event {
        request: call,
        name: Some("message".to_owned()),
        id: Some("ev-5".to_owned()),
        retry_ms: Some(250),
    };
    assert_eq!(answer.carried.as_deref(), Some(&expected));
    // The server did get what no record shows, so that hiding it has been shown.
    let sent = log.lock().unwrap().last().cloned().unwrap();
    assert_eq!(sent.headers["authorization"], "Bearer hush-hush");
    let session = sent.headers["mcp-session-id"].to_str().unwrap().to_owned();
    assert_eq!(session, "abc");
    let all = serde_json::to_string(&server.wire().to_vec()).unwrap();
    for secret in [
        "hush-hush",
        "cookie-secret-1",
        "header-secret-2",
        "query-secret-3",
    ] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

#[tokio::test]
async fn over_http_a_raw_frame_brings_any_answer_to_the_wire_and_none_to_the_session() {
    let (url, log) = calls(|asked| match &asked.body["id"] {
        Value::String(id) if id == "json" => asked.answer(json!({ "a": 1 })),
        Value::String(id) if id == "stream" => sse(vec![
            json!({ "jsonrpc": "2.0", "id": "stream", "result": { "b": 2 } }).to_string(),
        ]),
        Value::String(id) if id == "lost" => reply(404, "text/plain", "no such session"),
        _ => asked.answer(said()),
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    for id in ["json", "stream", "lost"] {
        let frame = format!(r#"{{"id": "{id}", "method":"tools/call","jsonrpc":"2.0"}}"#);
        assert_eq!(server.errand(1, raw_errand(&frame)).await, ErrandEnd::Done);
        let sent = shown(&mut server, |record| record.text == frame).await;
        let of_it = |record: &WireRecord| {
            record.carried.as_deref().and_then(Carried::request) == Some(sent.seq)
        };
        shown(&mut server, |record| match id {
            "lost" => of_it(record) && record.text == "no such session",
            _ => of_it(record) && matches!(&record.kind, WireKind::Response { .. }),
        })
        .await;
    }
    // The link stands, with the session as it was.
    assert_eq!(server.text(1, "t", json!({})).await, "ok");
    let log = log.lock().unwrap();
    let last = log.last().unwrap();
    assert_eq!(last.headers["mcp-session-id"], "abc");
}

#[tokio::test]
async fn what_is_read_holds_no_secret_also_none_that_was_learned_while_it_waited() {
    let (live, mut records) = live::channel(10);
    let (other, mut others) = live::channel(10);
    let said = "configured-1, learned-2 and Authorization: Bearer shaped.3-xyz";
    let of = |live, redactor| {
        let tap = Tap::new(Instant::now(), None, Some(live));
        (
            tap.connection("s".into(), Generation(1), redactor),
            tap.connection("t".into(), Generation(1), Redactor::default()),
        )
    };
    let (knows, beside) = of(live, Redactor::new(["configured-1"]));
    let (knows_none, _) = of(other, Redactor::default());
    for connection in [&knows, &beside, &knows_none] {
        let kind = WireKind::NotJson;
        connection
            .record(Direction::In, kind, said.len(), said)
            .await;
    }
    knows.learn("learned-2");
    let read = records.recv().await.expect("a record");
    assert_eq!(read.text, "***, *** and Authorization: Bearer ***");
    assert_eq!(read.bytes, said.len());
    // What one connection has learned passes the others of the program as well.
    let read = records.try_recv().expect("the second record");
    assert_eq!(read.text, "configured-1, *** and Authorization: Bearer ***");
    // The known-bad control: a program that was told of neither shows both.
    let read = others.recv().await.expect("the other's record");
    assert_eq!(
        read.text,
        "configured-1, learned-2 and Authorization: Bearer ***"
    );
}

#[tokio::test]
async fn bytes_that_wait_for_a_reader_are_bounded_and_free_again_once_they_are_read() {
    let (live, mut records) = live::channel(1_000);
    let tap = Tap::new(Instant::now(), None, Some(live));
    let connection = tap.connection("s".into(), Generation(1), Redactor::default());
    let long = "x".repeat(64 * 1024);
    let say = async || {
        let kind = WireKind::NotJson;
        connection
            .record(Direction::In, kind, long.len(), &long)
            .await;
    };
    for round in 1..=2 {
        for _ in 0..150 {
            say().await;
        }
        // 8 MiB wait at most.
        assert_eq!(tap.dropped(), round * (150 - 128));
        assert_eq!(std::iter::from_fn(|| records.try_recv()).count(), 128);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_has_just_read_rests_and_loses_nothing() {
    let (live, mut records) = live::channel(10);
    let tap = Tap::new(Instant::now(), None, Some(live));
    let connection = tap.connection("s".into(), Generation(1), Redactor::default());
    let say = async |text: &str| {
        let kind = WireKind::NotJson;
        connection
            .record(Direction::In, kind, text.len(), text)
            .await;
    };
    let began = tokio::time::Instant::now();
    say("a").await;
    assert_eq!(records.recv().await.expect("at once").text, "a");
    assert_eq!(began.elapsed(), Duration::ZERO);
    let (read, ()) = tokio::join!(records.recv(), say("b"));
    assert_eq!(read.expect("a moment later").text, "b");
    let rested = began.elapsed();
    assert!(
        rested > Duration::ZERO && rested < Duration::from_millis(17),
        "{rested:?}"
    );
}

#[tokio::test]
async fn what_was_dropped_is_known_by_the_numbers_that_are_missing() {
    let (live, mut few) = live::channel(1);
    let tap = Tap::new(Instant::now(), None, Some(live));
    let mut server = scripted_as("", |dial| dial.tap = tap.clone());
    server.connected().await;
    server.text(1, "t", json!({})).await;
    let mut log = WireLog::default();
    log.push(few.try_recv().expect("the first"));
    let dropped = tap.dropped();
    assert!(dropped > 0);
    server.text(2, "t", json!({})).await;
    let next = few.try_recv().expect("the next for which there was room");
    assert_eq!(next.seq, Seq(dropped + 1));
    log.push(next);
    assert_eq!((log.missed(), log.len()), (dropped, 2));
    assert_eq!(log.latency(Seq(0)), None::<Duration>);
}
