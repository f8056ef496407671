//! Callers with tokens: who is let in, what each may call, how often, and what the others are told.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::request::{JSON, Reply, answer, bytes, call, get, send};
use super::server::Server;
use crate::client::LIMIT;

/// A key in a folder, and what it makes.
struct Keys(TempDir);

async fn deck(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpdeck"));
    let output = command.args(args).kill_on_drop(true).output();
    let output = tokio::time::timeout(LIMIT, output).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Keys {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Self(dir);
        deck(&["token", "keygen", "--out", &keys.path("key")]).await;
        keys
    }

    fn path(&self, name: &str) -> String {
        Path::new(self.0.path())
            .join(name)
            .to_str()
            .unwrap()
            .to_owned()
    }

    async fn token(&self, subject: &str, scope: &str) -> String {
        let key = self.path("key");
        let args = [
            "token", "issue", "--key", &key, "--iss", "issuer", "--aud", "deck",
        ];
        deck(&[&args[..], &["--sub", subject, "--scope", scope]].concat()).await
    }

    async fn served(&self, more: &[&str]) -> Server {
        let public = self.path("key.pub");
        let flags = ["--token-alg", "EdDSA", "--token-key", &public];
        let claims = ["--token-issuer", "issuer", "--token-audience", "deck"];
        Server::files(&[&flags[..], &claims, more].concat()).await
    }
}

async fn ask(server: &Server, token: Option<&str>, message: &Value) -> Reply {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = JSON.to_vec();
    if let Some(bearer) = &bearer {
        headers.push(("Authorization", bearer));
    }
    // Beyond loopback the test still comes by it.
    let address = ([127, 0, 0, 1], server.address.port()).into();
    send(
        address,
        "POST",
        "/mcp",
        &headers,
        message.to_string().as_bytes(),
    )
    .await
}

fn list() -> Value {
    call("list_directory", json!({"path": "."}))
}

#[tokio::test]
async fn a_stranger_is_told_where_tokens_come_from_and_nothing_of_his_is_read() {
    let keys = Keys::new().await;
    let server = keys.served(&[]).await;
    let reply = ask(&server, None, &list()).await;
    let challenge = reply.header("www-authenticate").unwrap();
    let url = format!(
        "http://{}/.well-known/oauth-protected-resource/mcp",
        server.address
    );
    assert_eq!(reply.status, 401);
    assert!(challenge.starts_with("bearer "), "{challenge}");
    assert!(
        challenge.contains(&format!("resource_metadata=\"{url}\"")),
        "{challenge}"
    );
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let metadata = get(server.address, &path).await.json();
        assert_eq!(metadata["resource"], server.url);
    }
    let path = "/.well-known/oauth-protected-resource/else";
    assert_eq!(get(server.address, path).await.status, 404);

    let other = Keys::new().await.token("ann", "tool:*").await;
    for token in ["nonsense", &other] {
        let reply = ask(&server, Some(token), &list()).await;
        assert_eq!(reply.status, 401);
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(challenge.contains("invalid_token"), "{challenge}");
    }
    // The answer comes although the body never does.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let headers = [&JSON[..], &[("Content-Length", "4000000")]].concat();
    stream
        .write_all(&bytes("POST", "/mcp", &headers, b"{"))
        .await
        .unwrap();
    assert_eq!(answer(&mut stream).await.unwrap().status, 401);
    assert_eq!(server.metric("mcpdeck_auth_failures_total ").await, 4.0);
}

#[tokio::test]
async fn a_token_lists_and_calls_what_it_permits_and_no_more() {
    let keys = Keys::new().await;
    let server = keys.served(&[]).await;
    let token = keys.token("ann", "tool:list_directory").await;
    let tools = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let listed = ask(&server, Some(&token), &tools).await.json();
    let names = listed["result"]["tools"].as_array().unwrap();
    assert_eq!(names.len(), 1, "{listed}");
    assert_eq!(names[0]["name"], "list_directory");
    let good = ask(&server, Some(&token), &list()).await.json();
    assert_eq!(good["result"]["structuredContent"]["total"], 1);
    for name in ["read_text_file", "no_such_tool"] {
        let reply = ask(&server, Some(&token), &call(name, json!({"path": "a.txt"}))).await;
        assert_eq!(reply.status, 403);
        assert_eq!(reply.json()["id"], 1);
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(challenge.contains("insufficient_scope"), "{challenge}");
        assert!(
            challenge.contains(&format!("scope=\"tool:{name}\"")),
            "{challenge}"
        );
    }
    assert_eq!(
        server.metric("mcpdeck_permission_failures_total ").await,
        2.0
    );
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_again_and_others_are_not_hindered() {
    let keys = Keys::new().await;
    let server = keys.served(&["--rate-tool", "list_directory=2/h"]).await;
    let (ann, bob) = (
        keys.token("ann", "tool:*").await,
        keys.token("bob", "tool:*").await,
    );
    for _ in 0..2 {
        assert_eq!(ask(&server, Some(&ann), &list()).await.status, 200);
    }
    let reply = ask(&server, Some(&ann), &list()).await;
    assert_eq!(reply.status, 429);
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&seconds), "{seconds}");
    assert_eq!(ask(&server, Some(&bob), &list()).await.status, 200);
    assert_eq!(server.metric("mcpdeck_rate_limited_total ").await, 1.0);
}

#[tokio::test]
async fn beyond_loopback_it_serves_who_has_a_token_and_tells_its_metrics_apart() {
    let keys = Keys::new().await;
    let server = keys
        .served(&["--http", "0.0.0.0:0", "--metrics", "127.0.0.1:0"])
        .await;
    let token = keys.token("ann", "tool:*").await;
    assert_eq!(ask(&server, None, &list()).await.status, 401);
    assert_eq!(ask(&server, Some(&token), &list()).await.status, 200);
    let address = ([127, 0, 0, 1], server.address.port()).into();
    assert_eq!(get(address, "/metrics").await.status, 404);
    assert_eq!(get(address, "/healthz").await.status, 200);
}

/// A request of a client that has opened a session.
async fn within(
    server: &Server,
    token: &str,
    method: &str,
    session: &[&str],
    message: &Value,
) -> Reply {
    let bearer = format!("Bearer {token}");
    let mut headers = JSON.to_vec();
    headers.push(("Authorization", &bearer));
    headers.extend(session.iter().map(|id| ("Mcp-Session-Id", *id)));
    let body = match method {
        "POST" => message.to_string().into_bytes(),
        _ => Vec::new(),
    };
    send(server.address, method, "/mcp", &headers, &body).await
}

#[tokio::test]
async fn a_session_is_good_for_the_subject_that_opened_it_alone() {
    let keys = Keys::new().await;
    let server = keys.served(&["--sessions"]).await;
    let (ann, bob) = (
        keys.token("ann", "tool:*").await,
        keys.token("bob", "tool:*").await,
    );
    let about = json!({"protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "t", "version": "0"}});
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about});
    let opened = within(&server, &ann, "POST", &[], &hello).await;
    assert_eq!(opened.status, 200);
    let id = opened.header("mcp-session-id").unwrap().to_owned();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(
        within(&server, &ann, "POST", &[&id], &ready).await.status,
        202
    );
    let tools = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    for (method, message) in [
        ("POST", &list()),
        ("POST", &tools),
        ("POST", &ready),
        ("GET", &tools),
        ("DELETE", &tools),
    ] {
        let refused = within(&server, &bob, method, &[&id], message).await;
        assert_eq!(refused.status, 404, "{method} {message}");
    }
    let both = within(&server, &ann, "POST", &[&id, &id], &list()).await;
    assert_eq!(both.status, 400);
    // Another token of the same subject goes on, and nobody has ended the session.
    let later = keys.token("ann", "tool:*").await;
    let good = within(&server, &later, "POST", &[&id], &list()).await;
    assert_eq!(good.status, 200);
    let ended = within(&server, &ann, "DELETE", &[&id], &tools).await;
    assert!((200..300).contains(&ended.status), "{ended:?}");
    let over = within(&server, &ann, "POST", &[&id], &list()).await;
    assert_eq!(over.status, 404);
}
