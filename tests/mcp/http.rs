//! Streamable HTTP against real sockets: the protocol library's own server, and raw ones that misbehave.

use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::stream::{self, StreamExt};
use mcpdeck::config::{Launch, ProtocolChoice, ServerSpec, TransportChoice};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::result::{Block, CallOutcome};
use mcpdeck::mcp::wire::record::WireKind;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use crate::support::*;

async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/mcp")
}

/// A well-behaved server of both eras.
#[derive(Clone)]
struct Good;

impl ServerHandler for Good {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object" }).as_object().cloned().unwrap();
        let tool = Tool::new("echo", "says it again", Arc::new(schema));
        Ok(ListToolsResult {
            tools: vec![tool],
            ..Default::default()
        })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = serde_json::to_string(&request.arguments).unwrap();
        Ok(CallToolResult::success(vec![ContentBlock::text(arguments)]).into())
    }
}

async fn good() -> String {
    let service = StreamableHttpService::new(
        || Ok(Good),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    listen(Router::new().fallback_service(service)).await
}

/// What a raw server was asked.
#[derive(Clone)]
struct Asked {
    http: String,
    headers: HeaderMap,
    body: Value,
}

impl Asked {
    fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or("")
    }

    fn answer(&self, result: Value) -> Response {
        let body = json!({ "jsonrpc": "2.0", "id": self.body["id"], "result": result });
        reply(200, "application/json", &body.to_string())
    }

    /// The handshake of the old era, with a session.
    fn initialized(&self) -> Response {
        let mut response = self.answer(json!({
            "protocolVersion": "2025-11-25",
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "raw", "version": "1" },
        }));
        let id = "abc".parse().unwrap();
        response.headers_mut().insert("mcp-session-id", id);
        response
    }

    /// Good behaviour for everything but calls; `None` for those.
    fn usual(&self) -> Option<Response> {
        Some(match (self.http.as_str(), self.method()) {
            ("POST", "initialize") => self.initialized(),
            ("POST", "tools/call") => return None,
            ("POST", "server/discover") => reply(400, "text/plain", "no session"),
            ("POST", _) => reply(202, "text/plain", ""),
            ("GET", _) => reply(405, "text/plain", ""),
            _ => reply(200, "text/plain", ""),
        })
    }
}

fn reply(status: u16, kind: &str, body: &str) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", kind)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn sse(events: Vec<String>) -> Response {
    let bytes: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    reply(200, "text/event-stream", &bytes)
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// A raw server; what it was asked is logged.
async fn raw<F, R>(behaviour: F) -> (String, Log)
where
    F: Fn(Asked) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response> + Send,
{
    let log = Log::default();
    let kept = log.clone();
    let handler = move |request: Request| {
        let (behaviour, log) = (behaviour.clone(), log.clone());
        async move {
            let (parts, body) = request.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let asked = Asked {
                http: parts.method.to_string(),
                headers: parts.headers,
                body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            };
            log.lock().unwrap().push(asked.clone());
            behaviour(asked).await
        }
    };
    (listen(Router::new().fallback(handler)).await, kept)
}

/// A raw server of the old era whose calls are answered like this.
async fn calls<F>(behaviour: F) -> (String, Log)
where
    F: Fn(&Asked) -> Response + Clone + Send + Sync + 'static,
{
    raw(move |asked| {
        let response = asked.usual().unwrap_or_else(|| behaviour(&asked));
        async move { response }
    })
    .await
}

fn count(log: &Log, method: &str) -> usize {
    let log = log.lock().unwrap();
    log.iter().filter(|asked| asked.method() == method).count()
}

async fn failure_at(spec: ServerSpec) -> mcpdeck::mcp::failure::Failure {
    dialled(spec, auto).ended().await
}

#[tokio::test]
async fn both_eras_are_spoken_with_a_good_server() {
    for (protocol, revision) in [
        (ProtocolChoice::Auto, "2026-07-28"),
        (ProtocolChoice::Modern, "2026-07-28"),
        (ProtocolChoice::Legacy, "2025-11-25"),
    ] {
        let mut server = dialled(http(&good().await), |dial| dial.spec.protocol = protocol);
        assert_eq!(server.connected().await.revision, revision);
        assert_eq!(server.listed().await.items[0].name, "echo");
        let arguments = r#"{"b":1,"a":{"z":2}}"#;
        let text = server
            .text(1, "echo", serde_json::from_str(arguments).unwrap())
            .await;
        assert_eq!(text, arguments, "{revision}");
        server.connection.close();
        assert_eq!(server.ended().await.kind, FailureKind::Stopped);
        server.closed().await;
    }
}

#[tokio::test]
async fn a_server_of_the_old_era_is_found_behind_a_refused_discover() {
    let (url, log) = calls(|asked| asked.answer(json!({ "content": [] }))).await;
    let mut server = dialled(http(&url), auto);
    assert_eq!(server.connected().await.revision, "2025-11-25");
    let log = log.lock().unwrap();
    let initialize = log.iter().find(|asked| asked.method() == "initialize");
    let initialize = initialize.unwrap();
    assert_eq!(initialize.body["params"]["protocolVersion"], "2025-11-25");
    assert_eq!(initialize.headers["authorization"], "Bearer hush-hush");
}

#[tokio::test]
async fn a_server_of_the_old_era_is_found_behind_a_discover_that_is_never_answered() {
    let (url, _) = raw(|asked| async move {
        match asked.usual() {
            Some(_) if asked.method() == "server/discover" => std::future::pending().await,
            Some(response) => response,
            None => asked.answer(json!({ "content": [] })),
        }
    })
    .await;
    let mut server = dialled(http(&url), |dial| {
        auto(dial);
        dial.spec.startup_timeout = Duration::from_secs(8);
    });
    assert_eq!(server.connected().await.revision, "2025-11-25");
}

#[tokio::test]
async fn the_stream_for_the_servers_requests_is_open_before_the_first_call() {
    let open = Arc::new(AtomicBool::new(false));
    let opens = open.clone();
    let (url, _) = raw(move |asked| {
        let open = opens.clone();
        async move {
            if asked.http != "GET" {
                return asked.usual().unwrap();
            }
            // A slow server, not a wait of the test.
            tokio::time::sleep(Duration::from_millis(400)).await;
            open.store(true, Ordering::SeqCst);
            let never = stream::pending::<Result<Bytes, Infallible>>();
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(Body::from_stream(never))
                .unwrap()
        }
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    assert!(open.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_stream_that_never_opens_delays_the_start_by_two_seconds_at_most() {
    let (url, _) = raw(|asked| async move {
        match asked.http.as_str() {
            "GET" => std::future::pending().await,
            _ => asked.usual().unwrap(),
        }
    })
    .await;
    let since = Instant::now();
    dialled(http(&url), |_| {}).connected().await;
    let took = since.elapsed();
    assert!(
        took > Duration::from_millis(1900) && took < Duration::from_secs(6),
        "{took:?}"
    );
}

#[tokio::test]
async fn each_refusal_has_its_true_cause() {
    for (status, kind, word) in [
        (401, FailureKind::NeedsSignIn, "401"),
        (403, FailureKind::NeedsSignIn, "403"),
        (404, FailureKind::Http, "404"),
        (500, FailureKind::Http, "500"),
        (503, FailureKind::Http, "503"),
    ] {
        let (url, _) = raw(move |_| async move { reply(status, "text/plain", "sorry") }).await;
        let failure = failure_at(http(&url)).await;
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(failure.message.contains(word), "{failure:?}");
        assert!(failure.hint.is_some(), "{failure:?}");
        assert_eq!(failure.target.as_deref(), Some(url.as_str()));
    }
    let (url, _) = raw(|_| async { reply(200, "text/html", "<p>hello") }).await;
    let failure = failure_at(http(&url)).await;
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.contains("text/html"), "{failure:?}");
}

#[tokio::test]
async fn a_sign_in_is_asked_for_with_the_challenge_of_a_real_server() {
    let (url, log) = raw(|_| async {
        let mut response = reply(401, "text/plain", "");
        let challenge = "Bearer realm=\"x\"".parse().unwrap();
        response.headers_mut().insert("www-authenticate", challenge);
        response
    })
    .await;
    let failure = failure_at(http(&url)).await;
    assert_eq!(failure.kind, FailureKind::NeedsSignIn);
    assert!(failure.hint.unwrap().contains("bearer_token_env_var"));
    assert_eq!(
        log.lock().unwrap().len(),
        1,
        "no other era is tried behind a sign-in"
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_refused_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = failure_at(http(&format!("http://{address}/mcp"))).await;
    assert_eq!(failure.kind, FailureKind::Network);
    assert!(failure.message.contains("refused"), "{failure:?}");
}

#[tokio::test]
async fn plain_http_where_tls_is_asked_for_is_no_secure_connection() {
    let (url, _) = raw(|_| async { reply(200, "text/plain", "") }).await;
    let failure = failure_at(http(&url.replace("http:", "https:"))).await;
    assert_eq!(failure.kind, FailureKind::Network);
    assert!(failure.message.contains("secure"), "{failure:?}");
}

#[tokio::test]
async fn what_cannot_be_dialled_is_a_fault_of_the_configuration() {
    for url in ["not a url", "ftp://127.0.0.1/mcp"] {
        assert_eq!(failure_at(http(url)).await.kind, FailureKind::Config);
    }
    let mut sse = http("http://127.0.0.1:9/sse");
    if let Launch::Http(launch) = &mut sse.launch {
        launch.transport = TransportChoice::Sse;
    }
    let failure = failure_at(sse).await;
    assert_eq!(failure.kind, FailureKind::Config);
    assert!(failure.message.contains("HTTP+SSE"), "{failure:?}");
}

#[tokio::test]
async fn a_redirect_elsewhere_is_not_followed_so_no_header_leaks() {
    let (elsewhere, stolen) = raw(|_| async { reply(200, "text/plain", "") }).await;
    let (url, _) = raw(move |_| {
        let mut response = reply(307, "text/plain", "");
        let place = elsewhere.parse().unwrap();
        response.headers_mut().insert("location", place);
        async move { response }
    })
    .await;
    let failure = failure_at(http(&url)).await;
    assert_eq!(failure.kind, FailureKind::Http, "{failure:?}");
    assert!(failure.message.contains("307"), "{failure:?}");
    assert_eq!(stolen.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn odd_results_are_read_block_by_block() {
    let odd = json!({ "content": [{ "type": "text", "text": "a" }, { "type": "hologram" }] });
    let expected = [
        Block::Text { text: "a".into() },
        Block::Other {
            value: json!({ "type": "hologram" }),
        },
    ];
    for streamed in [false, true] {
        let odd = odd.clone();
        let (url, _) = calls(move |asked| match streamed {
            false => asked.answer(odd.clone()),
            true => sse(vec![
                json!({ "jsonrpc": "2.0", "id": asked.body["id"], "result": odd }).to_string(),
            ]),
        })
        .await;
        let mut server = dialled(http(&url), |_| {});
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        match server.outcome(1).await {
            CallOutcome::Answered { result } => assert_eq!(result.content, expected),
            other => panic!("streamed {streamed}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn one_odd_tool_costs_neither_the_others_nor_their_headers() {
    for streamed in [false, true] {
        let (url, log) = raw(move |asked| async move {
            match asked.method() {
                "server/discover" => asked.answer(json!({
                    "resultType": "complete", "supportedVersions": ["2026-07-28"],
                    "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
                })),
                "tools/list" => {
                    let region = |header: &str| {
                        json!({ "type": "object", "properties": {
                        "region": { "type": "string", "x-mcp-header": header },
                    } })
                    };
                    let result = json!({
                        "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                        "tools": [
                            { "name": "schemaless" },
                            { "name": "bad", "inputSchema": region("a b") },
                            { "name": "good", "inputSchema": region("Region") },
                        ],
                    });
                    match streamed {
                        false => asked.answer(result),
                        true => sse(vec![
                            json!({ "jsonrpc": "2.0", "id": asked.body["id"], "result": result })
                                .to_string(),
                        ]),
                    }
                }
                _ => asked.answer(json!({ "resultType": "complete", "content": [] })),
            }
        })
        .await;
        let mut server = dialled(http(&url), modern);
        server.connected().await;
        let listing = server.listed().await;
        let good: Vec<&str> = listing.items.iter().map(|t| t.name.as_str()).collect();
        let bad: Vec<Option<&str>> = listing.rejected.iter().map(|t| t.name.as_deref()).collect();
        assert_eq!(good, ["good"], "streamed {streamed}");
        assert_eq!(bad, [Some("schemaless"), Some("bad")]);
        server.text(1, "good", json!({ "region": "eu" })).await;
        let log = log.lock().unwrap();
        let call = log.iter().find(|asked| asked.method() == "tools/call");
        let headers = &call.unwrap().headers;
        assert_eq!(headers["mcp-param-region"], "eu", "streamed {streamed}");
        assert_eq!(headers["mcp-name"], "good");
    }
}

#[tokio::test]
async fn a_stream_without_the_answer_loses_the_call_and_a_broken_event_fails_it() {
    let (url, _) = calls(|asked| match asked.body["params"]["name"].as_str() {
        Some("closes") => sse(Vec::new()),
        _ => sse(vec!["{\"jsonrpc\": nonsense".to_owned()]),
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "closes", json!({})));
    assert!(matches!(server.outcome(1).await, CallOutcome::Lost { .. }));
    server.connection.call(request(2, "breaks", json!({})));
    let outcome = server.outcome(2).await;
    assert!(
        matches!(outcome, CallOutcome::Unreadable { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_error_loses_one_call_and_the_next_one_works() {
    let times = Arc::new(AtomicUsize::new(0));
    let (url, log) = calls(move |asked| match times.fetch_add(1, Ordering::SeqCst) {
        0 => reply(500, "text/plain", "oops"),
        _ => asked.answer(json!({ "content": [{ "type": "text", "text": "ok" }] })),
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    match server.outcome(1).await {
        CallOutcome::Lost { why } => assert!(why.contains("500"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.text(2, "t", json!({})).await, "ok");
    assert_eq!(count(&log, "tools/call"), 2, "nothing was sent twice");
}

#[tokio::test]
async fn a_session_that_is_gone_ends_the_connection_and_nothing_is_sent_twice() {
    let (url, log) = calls(|_| reply(404, "text/plain", "no such session")).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::NotSent { .. }
    ));
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Http);
    assert!(failure.message.contains("session"), "{failure:?}");
    assert_eq!(count(&log, "tools/call"), 1);
}

/// Tells when it is dropped.
struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_cancellation_closes_the_stream_in_the_new_era_and_is_told_in_the_old_one() {
    for modern in [true, false] {
        let gone = Arc::new(AtomicBool::new(false));
        let drops = gone.clone();
        let (url, log) = raw(move |asked| {
            let held = Held(drops.clone());
            async move {
                if modern && asked.method() == "server/discover" {
                    held_not(held);
                    return asked.answer(json!({
                        "resultType": "complete", "supportedVersions": ["2026-07-28"],
                        "capabilities": {}, "ttlMs": 0, "cacheScope": "private",
                    }));
                }
                if asked.method() != "tools/call" {
                    held_not(held);
                    return asked.usual().unwrap();
                }
                let open = stream::pending::<Result<Bytes, Infallible>>().map(move |item| {
                    let _kept = &held;
                    item
                });
                Response::builder()
                    .header("content-type", "text/event-stream")
                    .body(Body::from_stream(open))
                    .unwrap()
            }
        })
        .await;
        let mut server = dialled(http(&url), |dial| {
            dial.spec.protocol = match modern {
                true => ProtocolChoice::Modern,
                false => ProtocolChoice::Legacy,
            };
        });
        server.connected().await;
        server.connection.call(request(1, "slow", json!({})));
        server.sent(1).await;
        wait_for(|| count(&log, "tools/call") == 1).await;
        let since = Instant::now();
        server.connection.cancel(CallId(1));
        assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
        assert!(since.elapsed() < Duration::from_millis(500));
        match modern {
            true => wait_for(|| gone.load(Ordering::SeqCst)).await,
            false => wait_for(|| count(&log, "notifications/cancelled") == 1).await,
        }
        server.closed().await;
    }
}

/// Lets go of a guard without telling.
fn held_not(held: Held) {
    std::mem::forget(held);
}

#[tokio::test]
async fn messages_and_exchanges_pass_the_tap() {
    let (url, _) = calls(|asked| asked.answer(json!({ "content": [] }))).await;
    let mut server = dialled(http(&url), |_| {});
    server.connected().await;
    server.text(1, "t", json!({})).await;
    let records = server.wire();
    let has = |wanted: &dyn Fn(&WireKind) -> bool| records.iter().any(|r| wanted(&r.kind));
    assert!(has(
        &|kind| matches!(kind, WireKind::Request { method, .. } if method == "tools/call")
    ));
    assert!(has(&|kind| matches!(kind, WireKind::Response { .. })));
    assert!(has(&|kind| *kind == WireKind::Http { status: Some(202) }));
    assert!(has(&|kind| *kind == WireKind::Http { status: Some(405) }));
}
