//! Streamable HTTP against real sockets: the protocol library's own server, and raw ones that misbehave. What belongs to one era or
//! transport has a file of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use mcpdeck::config::ProtocolChoice;
use mcpdeck::mcp::event::ServerEvent;
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
use serde_json::json;

use crate::http_support::*;
use crate::support::*;

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
    let (asked_for, open) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(tokio::sync::Semaphore::new(0)),
    );
    let (seen, opens, streams) = (asked_for.clone(), open.clone(), Streams::default());
    let (url, _) = raw(move |asked| {
        let (seen, open, streams) = (seen.clone(), opens.clone(), streams.clone());
        async move {
            if asked.http != "GET" {
                return asked.usual().unwrap();
            }
            seen.store(true, Ordering::SeqCst);
            open.acquire().await.unwrap().forget();
            streams.open()
        }
    })
    .await;
    let mut server = dialled(http(&url), |_| {});
    wait_for(|| asked_for.load(Ordering::SeqCst)).await;
    // Asked for and not yet open: nothing is reported before this line lets it open.
    while let Ok((_, _, event)) = server.events.try_recv() {
        assert!(matches!(event, ServerEvent::Start(_)), "{event:?}");
    }
    open.add_permits(1);
    server.connected().await;
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
