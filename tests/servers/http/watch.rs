//! Health and metrics: what they say, and how little a stranger can make them say.

use serde_json::json;

use super::request::{call, get, post, until};
use super::server::Server;

#[tokio::test]
async fn made_up_names_make_no_labels() {
    let server = Server::files(&[]).await;
    for n in 0..200 {
        post(server.address, &call(&format!("made_up_{n}"), json!({}))).await;
    }
    post(
        server.address,
        &call("read_text_file", json!({"path": "none"})),
    )
    .await;
    let text = get(server.address, "/metrics").await.text();
    assert!(!text.contains("made_up"), "{text}");
    for line in [
        "mcpdeck_tool_calls_total{tool=\"unknown\",outcome=\"error\"} 200",
        "mcpdeck_tool_calls_total{tool=\"read_text_file\",outcome=\"refused\"} 1",
        "mcpdeck_tool_call_duration_seconds_count{tool=\"read_text_file\"} 1",
        "mcpdeck_http_requests_total{status=\"200\"} 201",
        "mcpdeck_auth_failures_total 0",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(text.lines().count() < 100, "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn health_and_metrics_have_a_listener_of_their_own_where_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap().to_owned();
    let flags = ["--metrics", "127.0.0.1:0"];
    let mut server = Server::start(dir, &["filesystem", &root], &flags).await;
    let stderr = server.child.stderr.take().unwrap();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(stderr));
    let line = lines.next_line().await.unwrap().unwrap();
    let address = line.split('/').nth(2).unwrap().parse().unwrap();
    assert_eq!(get(address, "/healthz").await.text(), "ok\n");
    assert_eq!(get(address, "/readyz").await.text(), "ready\n");
    assert!(get(address, "/metrics").await.text().contains("mcpdeck_"));
    assert_eq!(get(address, "/mcp").await.status, 404);
}

#[tokio::test]
async fn a_database_that_answers_is_ready() {
    let server = Server::database(&[]).await;
    let reply = get(server.address, "/readyz").await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "ready\n"));
}

/// Waits until `/readyz` has this status.
async fn ready(server: &Server, status: u16) {
    until("the readiness", async || {
        get(server.address, "/readyz").await.status == status
    })
    .await;
}

#[tokio::test]
async fn a_database_that_has_gone_away_is_not_ready_until_it_is_back() {
    let server = Server::database(&[]).await;
    let (file, away) = (
        server.dir.path().join("made.db"),
        server.dir.path().join("away.db"),
    );
    ready(&server, 200).await;
    std::fs::rename(&file, &away).unwrap();
    ready(&server, 503).await;
    let told = get(server.address, "/readyz").await.text();
    assert_eq!(told, "not ready\n", "a stranger learns no path");
    assert_eq!(get(server.address, "/healthz").await.status, 200);
    std::fs::rename(&away, &file).unwrap();
    ready(&server, 200).await;
}

#[tokio::test]
async fn a_crm_whose_store_has_gone_away_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("crm.db");
    let url = format!("sqlite:{}", file.display());
    let server = Server::start(dir, &["crm", &url], &[]).await;
    for name in ["crm.db", "crm.db-wal", "crm.db-shm"] {
        let _absent = std::fs::remove_file(server.dir.path().join(name));
    }
    ready(&server, 503).await;
}

#[tokio::test]
async fn what_comes_through_a_proxy_sees_no_metrics() {
    let url = ["--public-url", "https://deck.example/mcp"];
    let server = Server::files(&url).await;
    assert_eq!(get(server.address, "/metrics").await.status, 404);
    assert_eq!(get(server.address, "/healthz").await.status, 200);
}
