//! Requests as bytes, and answers taken apart: a client that can also be rude.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::LIMIT;

/// What a legacy client says of itself in every request.
pub const JSON: [(&str, &str); 2] = [
    ("Content-Type", "application/json"),
    ("Accept", "application/json, text/event-stream"),
];

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// The head in small letters.
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self
            .head
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim())
    }
}

/// A request as it goes over the wire.
pub fn bytes(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\n");
    let named = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if !named("Host") {
        request += "Host: localhost\r\n";
    }
    if !named("Connection") {
        request += "Connection: close\r\n";
    }
    if !named("Transfer-Encoding") && !named("Content-Length") && method == "POST" {
        request += &format!("Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut request = (request + "\r\n").into_bytes();
    request.extend_from_slice(body);
    request
}

/// Reads until the server closes and takes the answer apart. None if it closes without a word.
pub async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> Option<Reply> {
    let mut all = Vec::new();
    // A reset after the answer is no matter.
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut all)).await;
    let _reset = read.expect("the server did not close the connection");
    let end = all.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
    let body = all[end + 4..].to_vec();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let chunked = head.contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(&body) } else { body };
    Some(Reply { status, head, body })
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).unwrap_or("0");
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let rest = &body[end + 2..];
        if size == 0 || rest.len() < size {
            break;
        }
        whole.extend_from_slice(&rest[..size]);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    whole
}

/// Sends a request on a stream and waits for the answer.
pub async fn talk(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &[u8]) -> Reply {
    // The server may answer and close before it has taken everything.
    let _early = stream.write_all(request).await;
    answer(stream)
        .await
        .expect("the server closed without an answer")
}

/// Sends a request on a connection of its own.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    talk(&mut stream, &bytes(method, path, headers, body)).await
}

pub async fn get(address: SocketAddr, path: &str) -> Reply {
    send(address, "GET", path, &[], b"").await
}

/// A JSON-RPC message to the endpoint, as a legacy client sends it.
pub async fn post(address: SocketAddr, message: &Value) -> Reply {
    send(
        address,
        "POST",
        "/mcp",
        &JSON,
        message.to_string().as_bytes(),
    )
    .await
}

pub fn call(tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
}

/// Waits until `holds` does, at most for a while.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    crate::until::until(what, LIMIT, holds).await;
}
