//! HTTP+SSE of 2024-11-05: forced, found behind a refusal, and with servers that misbehave.

use axum::response::Response;
use mcpdeck::config::{Launch, ProtocolChoice, ServerSpec, TransportChoice};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::status::Era;
use serde_json::json;

use crate::http_support::*;
use crate::support::*;

/// How a POST to the stream's own URL is refused, and what the endpoint is called.
#[derive(Clone)]
struct Old {
    refusal: u16,
    endpoint: String,
    streams: Streams,
}

impl Old {
    fn new() -> Self {
        Self {
            refusal: 405,
            endpoint: "/messages?session=1".to_owned(),
            streams: Streams::default(),
        }
    }

    /// What a usual server does: the answer is said on the stream, and the POST gets 202. Calls of `silent` are not answered,
    /// those of `oops` and `gone` are refused.
    fn behave(&self, asked: &Asked) -> Response {
        if asked.http == "GET" {
            let response = self.streams.open();
            let which = self.streams.opened() - 1;
            self.streams.say(
                which,
                &format!("event: endpoint\ndata: {}\n\n", self.endpoint),
            );
            return response;
        }
        if asked.path != "/messages" {
            return reply(self.refusal, "text/plain", "no");
        }
        let result = match (asked.method(), asked.body["params"]["name"].as_str()) {
            ("initialize", _) => json!({
                "protocolVersion": "2024-11-05", "capabilities": { "tools": {} },
                "serverInfo": { "name": "old", "version": "1" },
            }),
            ("tools/list", _) => {
                json!({ "tools": [{ "name": "t", "inputSchema": { "type": "object" } }] })
            }
            ("tools/call", Some("oops")) => return reply(500, "text/plain", "oops"),
            ("tools/call", Some("gone")) => return reply(404, "text/plain", "no session"),
            ("tools/call", Some("silent")) => return reply(202, "text/plain", "Accepted"),
            ("tools/call", _) => said("ok"),
            _ => return reply(202, "text/plain", "Accepted"),
        };
        let answer = answer(&asked.body["id"], &result);
        let last = self.streams.opened() - 1;
        self.streams
            .say(last, &format!("event: message\r\ndata: {answer}\r\n\r\n"));
        reply(202, "text/plain", "Accepted")
    }

    async fn run(self) -> (String, Log) {
        raw(move |asked| {
            let response = self.behave(&asked);
            async move { response }
        })
        .await
    }
}

fn forced(url: &str) -> ServerSpec {
    let mut spec = http(url);
    if let Launch::Http(launch) = &mut spec.launch {
        launch.transport = TransportChoice::Sse;
    }
    spec
}

#[tokio::test]
async fn it_is_spoken_when_the_configuration_says_so() {
    for protocol in [ProtocolChoice::Legacy, ProtocolChoice::Auto] {
        let (url, log) = Old::new().run().await;
        let mut server = dialled(forced(&url), |dial| dial.spec.protocol = protocol);
        let hello = server.connected().await;
        assert_eq!(
            (hello.era, hello.revision.as_str()),
            (Era::Legacy, "2024-11-05")
        );
        assert_eq!(server.listed().await.items[0].name, "t");
        assert_eq!(server.text(1, "t", json!({})).await, "ok");
        server.closed().await;
        let log = log.lock().unwrap();
        assert_eq!(
            (log[0].http.as_str(), log[0].path.as_str()),
            ("GET", "/mcp")
        );
        assert!(
            log[1..]
                .iter()
                .all(|asked| asked.http == "POST" && asked.path == "/messages")
        );
        assert!(
            log.iter()
                .all(|asked| asked.headers["authorization"] == "Bearer hush-hush")
        );
        let order: Vec<&str> = log[1..].iter().map(Asked::method).collect();
        assert_eq!(
            order,
            [
                "initialize",
                "notifications/initialized",
                "tools/list",
                "tools/call"
            ]
        );
    }
}

#[tokio::test]
async fn it_is_found_behind_the_refusals_that_the_specification_names() {
    for refusal in [400, 404, 405] {
        let (url, log) = Old {
            refusal,
            ..Old::new()
        }
        .run()
        .await;
        let mut server = dialled(http(&url), auto);
        assert_eq!(server.connected().await.revision, "2024-11-05", "{refusal}");
        assert_eq!(server.text(1, "t", json!({})).await, "ok", "{refusal}");
        let log = log.lock().unwrap();
        let endpoint = |asked: &&Asked| asked.path == "/messages" && asked.method() == "initialize";
        assert_eq!(log.iter().filter(endpoint).count(), 1, "{refusal}");
    }
}

#[tokio::test]
async fn it_is_not_looked_for_behind_others_nor_where_streamable_http_is_asked_for() {
    let refusing = |refusal| Old {
        refusal,
        ..Old::new()
    };
    let (url, log) = refusing(500).run().await;
    assert!(failure_at(http(&url)).await.message.contains("500"));
    assert!(log.lock().unwrap().iter().all(|asked| asked.http == "POST"));
    let (url, log) = refusing(405).run().await;
    let mut spec = http(&url);
    if let Launch::Http(launch) = &mut spec.launch {
        launch.transport = TransportChoice::StreamableHttp;
    }
    assert!(failure_at(spec).await.message.contains("405"));
    assert!(log.lock().unwrap().iter().all(|asked| asked.http == "POST"));
}

#[tokio::test]
async fn a_modern_error_is_no_sign_of_the_old_transport() {
    let (url, log) =
        raw(|asked| async move { error(404, &asked.body["id"], -32601, "Method not found") }).await;
    let failure = failure_at(http(&url)).await;
    assert!(failure.message.contains("-32601"), "{failure:?}");
    assert!(log.lock().unwrap().iter().all(|asked| asked.http == "POST"));
}

#[tokio::test]
async fn where_neither_is_spoken_the_refusal_is_told() {
    let (url, _) = raw(|_| async { reply(404, "text/plain", "nothing here") }).await;
    let failure = failure_at(http(&url)).await;
    assert_eq!(failure.kind, FailureKind::Http);
    assert!(failure.message.contains("404"), "{failure:?}");
    let failure = failure_at(forced(&url)).await;
    assert!(failure.message.contains("404"), "{failure:?}");
    let (url, _) = raw(|_| async { sse(vec!["{}".to_owned()]) }).await;
    let failure = failure_at(forced(&url)).await;
    assert!(failure.message.contains("HTTP+SSE"), "{failure:?}");
}

#[tokio::test]
async fn the_new_era_is_not_asked_for_over_it() {
    let (url, log) = Old::new().run().await;
    let failure = dialled(forced(&url), modern).ended().await;
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.contains("initialize"), "{failure:?}");
    assert_eq!(log.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_endpoint_elsewhere_gets_nothing() {
    let (elsewhere, stolen) = raw(|_| async { reply(202, "text/plain", "") }).await;
    // The trap works: what is sent there is caught.
    failure_at(http(&elsewhere)).await;
    assert!(!std::mem::take(&mut *stolen.lock().unwrap()).is_empty());
    for endpoint in [elsewhere.clone(), elsewhere.replace("http:", "")] {
        let (url, log) = Old {
            endpoint,
            ..Old::new()
        }
        .run()
        .await;
        let failure = dialled(forced(&url), |_| {}).ended().await;
        assert!(failure.message.contains("another origin"), "{failure:?}");
        assert!(log.lock().unwrap().iter().all(|asked| asked.http == "GET"));
    }
    assert_eq!(stolen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn the_stream_is_the_connection() {
    for cut in [false, true] {
        let old = Old::new();
        let streams = old.streams.clone();
        let (url, log) = old.run().await;
        let mut server = dialled(forced(&url), |_| {});
        server.connected().await;
        server.connection.call(request(1, "silent", json!({})));
        server.sent(1).await;
        wait_for(|| count(&log, "tools/call") == 1).await;
        match cut {
            true => streams.cut(0),
            false => streams.close(0),
        }
        assert!(matches!(server.outcome(1).await, CallOutcome::Lost { .. }));
        assert_eq!(server.ended().await.kind, FailureKind::Network);
        assert_eq!(count(&log, "tools/call"), 1, "nothing is sent again");
        assert_eq!(streams.opened(), 1);
    }
}

#[tokio::test]
async fn a_refused_message_fails_alone_and_a_lost_session_ends_the_link() {
    let (url, log) = Old::new().run().await;
    let mut server = dialled(forced(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "oops", json!({})));
    assert!(matches!(server.outcome(1).await, CallOutcome::Lost { .. }));
    assert_eq!(server.text(2, "t", json!({})).await, "ok");
    server.connection.call(request(3, "gone", json!({})));
    assert!(matches!(
        server.outcome(3).await,
        CallOutcome::NotSent { .. }
    ));
    assert!(server.ended().await.message.contains("session"));
    assert_eq!(count(&log, "tools/call"), 3);
}

#[tokio::test]
async fn the_servers_own_messages_come_and_its_requests_are_answered() {
    let old = Old::new();
    let streams = old.streams.clone();
    let (url, log) = old.run().await;
    let mut server = dialled(forced(&url), |_| {});
    server.connected().await;
    streams.say(0, ": ping - now\r\n\r\nevent: heartbeat\ndata: x\n\nevent: endpoint\ndata: http://127.0.0.1:9/\n\n");
    streams.message(
        0,
        &json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }),
    );
    assert_eq!(server.event().await, ServerEvent::Changed(ListKind::Tools));
    streams.message(0, &json!({ "jsonrpc": "2.0", "id": "s", "method": "ping" }));
    let answered = |asked: &Asked| asked.body["id"] == "s" && asked.path == "/messages";
    wait_for(|| log.lock().unwrap().iter().any(answered)).await;
}

#[tokio::test]
async fn a_broken_message_fails_the_call_that_it_names() {
    let old = Old::new();
    let streams = old.streams.clone();
    let (url, log) = old.run().await;
    let mut server = dialled(forced(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "silent", json!({})));
    wait_for(|| count(&log, "tools/call") == 1).await;
    let id = log.lock().unwrap().last().unwrap().body["id"].clone();
    streams.say(
        0,
        &format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\n\n"),
    );
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::Unreadable { .. }
    ));
    assert_eq!(server.text(2, "t", json!({})).await, "ok");
}

#[tokio::test]
async fn an_event_that_never_ends_ends_the_link() {
    let old = Old::new();
    let streams = old.streams.clone();
    let (url, _) = old.run().await;
    let mut server = dialled(forced(&url), |_| {});
    server.connected().await;
    let piece = "x".repeat(1024 * 1024);
    streams.say(0, "data: ");
    for _ in 0..17 {
        streams.say(0, &piece);
    }
    let failure = server.ended().await;
    assert!(failure.message.contains("16 MiB"), "{failure:?}");
}
