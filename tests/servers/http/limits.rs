//! What is too much, too slow or no message at all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::request::{JSON, answer, bytes, call, get, post, send, until};
use super::server::Server;
use crate::client::LIMIT;

const MAX: usize = 4 * 1024 * 1024;

/// A good call that is `size` bytes long.
fn padded(size: usize) -> Vec<u8> {
    let mut body = call("list_directory", json!({"path": "."}))
        .to_string()
        .into_bytes();
    body.resize(size, b' ');
    body
}

#[tokio::test]
async fn a_body_of_four_mebibytes_is_read_and_one_byte_more_is_not() {
    let server = Server::files(&[]).await;
    for (size, status) in [(MAX - 1, 200), (MAX, 200), (MAX + 1, 413), (MAX * 3, 413)] {
        let reply = send(server.address, "POST", "/mcp", &JSON, &padded(size)).await;
        assert_eq!(reply.status, status, "{size}");
        if status == 413 {
            let why = reply.json()["error"]["message"].to_string();
            assert!(why.contains("4194304"), "{why}");
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_tell_its_size_is_bounded_as_well() {
    let server = Server::files(&[]).await;
    let headers = [&JSON[..], &[("Transfer-Encoding", "chunked")]].concat();
    for (size, status) in [(MAX, 200), (MAX + 1, 413)] {
        let mut body = Vec::new();
        for piece in padded(size).chunks(100_000) {
            body.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            body.extend_from_slice(piece);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        let reply = send(server.address, "POST", "/mcp", &headers, &body).await;
        assert_eq!(reply.status, status, "{size}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_with_words_and_the_server_lives() {
    let server = Server::files(&[]).await;
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(100_000), close.repeat(100_000));
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{{\"a\":{open}1{close}}}}}"
        )
    };
    let cases = [
        (String::new(), -32700, "empty"),
        ("{\"jsonrpc\":".to_owned(), -32700, "not JSON"),
        ("[]".to_owned(), -32600, "batch"),
        (
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]".to_owned(),
            -32600,
            "batch",
        ),
        ("42".to_owned(), -32600, "object"),
        ("{}".to_owned(), -32600, "no message"),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}".to_owned(),
            -32600,
            "string",
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"method\":\"tools/call\"}"
                .to_owned(),
            -32600,
            "duplicate",
        ),
        (deep("[", "]"), -32600, "deep"),
        (deep("{\"a\":", "}"), -32600, "deep"),
        ("[".repeat(1_000_000), -32600, "deep"),
    ];
    for (body, code, word) in cases {
        let reply = send(server.address, "POST", "/mcp", &JSON, body.as_bytes()).await;
        let start = &body[..body.len().min(60)];
        assert_eq!(reply.status, 400, "{start}");
        let error = &reply.json()["error"];
        assert_eq!(error["code"], code, "{start}: {error}");
        assert!(
            error["message"].as_str().unwrap().contains(word),
            "{start}: {error}"
        );
    }
    assert_eq!(get(server.address, "/healthz").await.status, 200);
}

#[tokio::test]
async fn the_wrong_kind_of_request_gets_the_status_that_says_so() {
    let server = Server::files(&[]).await;
    let body = padded(200);
    let kind = ("Content-Type", "application/json");
    let both = ("Accept", "application/json, text/event-stream");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, Headers, u16); 8] = [
        ("POST", "/mcp", &[kind, both], 200),
        ("POST", "/mcp", &[both], 415),
        ("POST", "/mcp", &[("Content-Type", "text/plain"), both], 415),
        ("POST", "/mcp", &[kind], 406),
        ("POST", "/mcp", &[kind, ("Accept", "application/json")], 406),
        ("PUT", "/mcp", &[kind, both, ("Content-Length", "0")], 405),
        ("POST", "/else", &[kind, both], 404),
        (
            "POST",
            "/mcp",
            &[kind, both, ("Mcp-Protocol-Version", "1999-01-01")],
            400,
        ),
    ];
    for (method, path, headers, status) in cases {
        let body = if method == "POST" { &body[..] } else { b"" };
        let reply = send(server.address, method, path, headers, body).await;
        assert_eq!(reply.status, status, "{method} {path} {headers:?}");
    }
    let unknown = json!({"jsonrpc": "2.0", "id": 9, "method": "no/such"});
    let reply = post(server.address, &unknown).await.json();
    assert_eq!(
        (&reply["id"], &reply["error"]["code"]),
        (&json!(9), &json!(-32601))
    );
}

#[tokio::test]
async fn who_sends_a_head_or_a_body_too_slowly_is_let_go_and_holds_nobody_up() {
    let server = Server::files(&["--patience", "1"]).await;
    let began = Instant::now();
    let mut heads = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream
            .write_all(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-")
            .await
            .unwrap();
        heads.push(stream);
    }
    let mut body = TcpStream::connect(server.address).await.unwrap();
    let headers = [&JSON[..], &[("Content-Length", "100")]].concat();
    body.write_all(&bytes("POST", "/mcp", &headers, b"{"))
        .await
        .unwrap();
    assert_eq!(
        server.good("list_directory", json!({"path": "."})).await["total"],
        1
    );
    for mut head in heads {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(LIMIT, head.read_to_end(&mut rest)).await;
        assert!(read.is_ok(), "a slow head is still waited for");
    }
    assert_eq!(answer(&mut body).await.unwrap().status, 408);
    assert!(began.elapsed() > Duration::from_millis(900));
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let server = Server::files(&["--patience", "1"]).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    let headers = [&JSON[..], &[("Connection", "keep-alive")]].concat();
    stream
        .write_all(&bytes("POST", "/mcp", &headers, message.as_bytes()))
        .await
        .unwrap();
    // The server closes by itself: reading comes to an end.
    let reply = answer(&mut stream).await.unwrap();
    assert_eq!(reply.json()["result"], Value::Object(Default::default()));
}

#[tokio::test]
async fn more_connections_than_are_held_wait_their_turn() {
    let server = Server::files(&["--max-connections", "4", "--patience", "2"]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(server.address).await.unwrap());
    }
    // The fifth is answered once the silent ones are let go.
    let fifth = get(server.address, "/healthz").await;
    assert_eq!(fifth.status, 200);
    drop(held);
    until("the silent ones gone", async || {
        server.metric("mcpdeck_connections ").await == 1.0
    })
    .await;
}

#[tokio::test]
async fn who_takes_no_byte_of_an_answer_is_let_go() {
    let server = Server::files(&["--patience", "1"]).await;
    let text = "a line of text\n".repeat(60_000);
    std::fs::write(server.dir.path().join("large.txt"), text).unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = call("read_text_file", json!({"path": "large.txt"})).to_string();
    let headers = [&JSON[..], &[("Connection", "keep-alive")]].concat();
    // More than the system keeps for a reader.
    let all = bytes("POST", "/mcp", &headers, body.as_bytes()).repeat(40);
    stream.write_all(&all).await.unwrap();
    until("the answers are under way", async || {
        server
            .metric("mcpdeck_tool_calls_total{tool=\"read_text_file\",outcome=\"ok\"} ")
            .await
            > 0.0
    })
    .await;
    until("the stalled reader is let go", async || {
        server.metric("mcpdeck_connections ").await == 1.0
    })
    .await;
    let answered = server
        .metric("mcpdeck_tool_calls_total{tool=\"read_text_file\",outcome=\"ok\"} ")
        .await;
    assert!(answered < 40.0, "the answers never filled the way");
    drop(stream);
}
