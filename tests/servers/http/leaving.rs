//! A client that goes away: what it asked for stops at once. Closing the response is the cancel of the modern era; without
//! sessions it is the only one of the legacy era too, as `notifications/cancelled` finds no request of another connection.

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::request::{JSON, bytes, call, post, until};
use super::server::{ENDLESS, Server};

const CANCELLED: &str = "mcpdeck_tool_calls_total{tool=\"query_database\",outcome=\"cancelled\"} ";

async fn endless(server: &Server, headers: &[(&str, &str)], meta: serde_json::Value) -> TcpStream {
    let mut message = call("query_database", json!({"sql": ENDLESS}));
    if !meta.is_null() {
        message["params"]["_meta"] = meta;
    }
    let headers = [&JSON[..], headers].concat();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = bytes("POST", "/mcp", &headers, message.to_string().as_bytes());
    stream.write_all(&request).await.unwrap();
    stream
}

#[tokio::test]
async fn an_endless_query_ends_when_its_client_goes_in_either_era() {
    let server = Server::database(&[]).await;
    let modern = [
        ("Mcp-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "query_database"),
    ];
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let eras = [
        (&modern[..], meta),
        (&[("Mcp-Protocol-Version", "2025-11-25")], json!(null)),
    ];
    for (round, (headers, meta)) in (1_u32..).zip(eras) {
        let stream = endless(&server, headers, meta).await;
        until("the query runs", async || server.in_flight().await == 1.0).await;
        drop(stream);
        until("the query is ended", async || {
            server.in_flight().await == 0.0
        })
        .await;
        assert_eq!(server.metric(CANCELLED).await, f64::from(round));
    }
    assert_eq!(
        server
            .good("query_database", json!({"sql": "SELECT n FROM a"}))
            .await["rows"],
        json!([[7]])
    );
}

#[tokio::test]
async fn without_sessions_a_cancel_by_notification_is_taken_and_does_nothing() {
    let server = Server::database(&[]).await;
    let stream = endless(&server, &[], json!(null)).await;
    until("the query runs", async || server.in_flight().await == 1.0).await;
    let params = json!({"requestId": 1});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
    assert_eq!(post(server.address, &note).await.status, 202);
    assert_eq!(server.in_flight().await, 1.0);
    drop(stream);
    until("the query is ended", async || {
        server.in_flight().await == 0.0
    })
    .await;
}
