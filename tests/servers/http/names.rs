//! Which names and pages a request may come by, on the socket. The table of names is in the unit tests.

use serde_json::json;

use super::request::{JSON, Reply, call, get, send};
use super::server::{Server, said, spawn};

async fn ask(server: &Server, more: &[(&str, &str)]) -> Reply {
    let headers = [&JSON[..], more].concat();
    let body = call("list_directory", json!({"path": "."})).to_string();
    send(server.address, "POST", "/mcp", &headers, body.as_bytes()).await
}

#[tokio::test]
async fn a_page_elsewhere_reaches_nothing_by_any_name() {
    let server = Server::files(&[]).await;
    let good = [
        vec![("Host", "localhost:1234")],
        vec![("Host", "[::1]")],
        vec![("Host", "127.0.0.1"), ("Origin", "http://localhost:6274")],
    ];
    for headers in good {
        assert_eq!(ask(&server, &headers).await.status, 200, "{headers:?}");
    }
    let bad = [
        vec![("Host", "evil.example")],
        vec![("Host", "localhost.evil.example")],
        vec![("Host", "evil@localhost")],
        vec![("Host", "localhost"), ("Origin", "https://evil.example")],
        vec![("Host", "localhost"), ("Origin", "null")],
        vec![
            ("Host", "localhost"),
            ("Origin", "http://localhost.evil.example"),
        ],
    ];
    for headers in bad {
        let reply = ask(&server, &headers).await;
        assert_eq!(reply.status, 403, "{headers:?}");
        let why = reply.json()["error"]["message"].to_string();
        assert!(why.contains("--allow-"), "{why}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    let two = [("Host", "localhost"), ("Host", "evil.example")];
    assert_eq!(ask(&server, &two).await.status, 400);
    let rebound = [("Host", "evil.example")];
    assert_eq!(
        send(server.address, "GET", "/metrics", &rebound, b"")
            .await
            .status,
        403
    );
    // A probe comes by address and learns nothing.
    assert_eq!(
        send(server.address, "GET", "/healthz", &rebound, b"")
            .await
            .text(),
        "ok\n"
    );
    let whole = "http://evil.example/mcp";
    let reply = send(server.address, "POST", whole, &JSON, b"{}").await;
    assert_eq!(reply.status, 403);
    assert_eq!(server.in_flight().await, 0.0);
}

#[tokio::test]
async fn a_host_and_a_page_can_be_allowed_by_name() {
    let flags = [
        "--allow-host",
        "Files.Example:8443",
        "--allow-origin",
        "https://app.example",
        "--public-url",
        "https://deck.example/files/mcp",
    ];
    let server = Server::files(&flags).await;
    for (host, status) in [
        ("files.example:8443", 200),
        ("files.example", 403),
        ("deck.example", 200),
        ("app.example", 403),
    ] {
        assert_eq!(
            ask(&server, &[("Host", host)]).await.status,
            status,
            "{host}"
        );
    }
    let page = ("Origin", "https://app.example");
    let reply = ask(&server, &[page]).await;
    let told = reply.header("access-control-allow-origin");
    assert_eq!((reply.status, told), (200, Some("https://app.example")));
    let before = send(server.address, "OPTIONS", "/mcp", &[page], b"").await;
    assert_eq!(before.status, 204);
    let headers = before.header("access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization"), "{headers}");
}

#[tokio::test]
async fn beyond_loopback_it_does_not_start_without_asking_for_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let mut child = spawn(&["filesystem", root], &["--http", address], dir.path());
        let words = said(&mut child).await;
        assert_eq!(child.wait().await.unwrap().code(), Some(2), "{words}");
        for word in [address, "no token", "--token-alg", "127.0.0.1"] {
            assert!(words.contains(word), "{words}");
        }
    }
}

#[tokio::test]
async fn without_tokens_there_is_no_metadata() {
    let server = Server::files(&[]).await;
    for path in ["", "/mcp", "/else"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(get(server.address, &path).await.status, 404);
    }
}
