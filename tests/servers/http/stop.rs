//! SIGTERM and SIGINT: what runs is finished, what is new is not taken, and a second signal ends all.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::request::{JSON, answer, bytes, call, get, until};
use super::server::{ENDLESS, Server};

/// Long enough to be met by a signal, and then it ends.
const LONG: &str = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 4000000) SELECT max(n) AS n FROM t";

async fn running(server: &Server, sql: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = call("query_database", json!({"sql": sql})).to_string();
    let request = bytes("POST", "/mcp", &JSON, body.as_bytes());
    stream.write_all(&request).await.unwrap();
    until("the query runs", async || server.in_flight().await == 1.0).await;
    stream
}

#[tokio::test]
async fn what_runs_is_finished_and_nothing_new_is_taken() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::database(&[]).await;
        let mut stream = running(&server, LONG).await;
        server.signal(signal);
        until("the port is closed", async || {
            TcpStream::connect(server.address).await.is_err()
        })
        .await;
        let reply = answer(&mut stream).await.unwrap();
        assert_eq!(reply.status, 200);
        let rows = &reply.json()["result"]["structuredContent"]["rows"];
        assert_eq!(rows, &json!([[4_000_000]]));
        assert!(server.ended().await.success());
    }
}

#[tokio::test]
async fn a_load_balancer_hears_that_it_stops_before_the_port_closes() {
    let mut server = Server::files(&["--drain", "60"]).await;
    assert_eq!(get(server.address, "/readyz").await.status, 200);
    server.signal(Signal::TERM);
    until("it is not ready", async || {
        get(server.address, "/readyz").await.status == 503
    })
    .await;
    // It still works, and lives.
    assert_eq!(
        server.good("list_directory", json!({"path": "."})).await["total"],
        1
    );
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn a_second_signal_ends_what_runs() {
    let mut server = Server::database(&[]).await;
    let _stream = running(&server, ENDLESS).await;
    server.signal(Signal::TERM);
    until("the port is closed", async || {
        TcpStream::connect(server.address).await.is_err()
    })
    .await;
    let began = Instant::now();
    server.signal(Signal::TERM);
    server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cancelled() {
    let mut server = Server::database(&["--grace", "1"]).await;
    let _stream = running(&server, ENDLESS).await;
    let began = Instant::now();
    server.signal(Signal::TERM);
    server.ended().await;
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < Duration::from_secs(10),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_stream_that_waits_for_events_does_not_hold_up_the_end() {
    let mut server = Server::files(&["--sessions"]).await;
    let client = server.client(rmcp::ClientLifecycleMode::Initialize).await;
    let began = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
    assert!(began.elapsed() < Duration::from_secs(10));
    let _gone = client.cancel().await;
}
