//! Raw HTTP servers for the tests: real sockets, any answer, and streams that a test speaks on.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::stream;
use mcpdeck::config::ServerSpec;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::*;

pub async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/mcp")
}

/// What a raw server was asked.
#[derive(Clone)]
pub struct Asked {
    pub http: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Asked {
    pub fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or("")
    }

    pub fn answer(&self, result: Value) -> Response {
        let body = json!({ "jsonrpc": "2.0", "id": self.body["id"], "result": result });
        reply(200, "application/json", &body.to_string())
    }

    /// The handshake of the old era, with a session.
    pub fn initialized(&self) -> Response {
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
    pub fn usual(&self) -> Option<Response> {
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

pub fn reply(status: u16, kind: &str, body: &str) -> Response {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", kind)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

pub fn sse(events: Vec<String>) -> Response {
    let bytes: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    reply(200, "text/event-stream", &bytes)
}

pub type Log = Arc<Mutex<Vec<Asked>>>;

/// A raw server; what it was asked is logged.
pub async fn raw<F, R>(behaviour: F) -> (String, Log)
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
                path: parts.uri.path().to_owned(),
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
pub async fn calls<F>(behaviour: F) -> (String, Log)
where
    F: Fn(&Asked) -> Response + Clone + Send + Sync + 'static,
{
    raw(move |asked| {
        let response = asked.usual().unwrap_or_else(|| behaviour(&asked));
        async move { response }
    })
    .await
}

pub fn count(log: &Log, method: &str) -> usize {
    let log = log.lock().unwrap();
    log.iter().filter(|asked| asked.method() == method).count()
}

pub async fn failure_at(spec: ServerSpec) -> mcpdeck::mcp::failure::Failure {
    dialled(spec, auto).ended().await
}

/// Streams of events that stay open while a test speaks on them.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<Vec<Option<Pipe>>>>);

type Pipe = mpsc::UnboundedSender<io::Result<Bytes>>;

impl Streams {
    /// Opens one more.
    pub fn open(&self) -> Response {
        let (pipe, pieces) = mpsc::unbounded_channel();
        self.0.lock().unwrap().push(Some(pipe));
        let pieces = stream::unfold(pieces, |mut pieces| async {
            let piece = pieces.recv().await?;
            Some((piece, pieces))
        });
        Response::builder()
            .header("content-type", "text/event-stream")
            .body(Body::from_stream(pieces))
            .unwrap()
    }

    /// How many were opened so far.
    pub fn opened(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits until so many were opened.
    pub async fn reach(&self, count: usize) {
        wait_for(|| self.opened() >= count).await;
    }

    /// Whether the other side has closed the stream.
    pub fn is_closed(&self, which: usize) -> bool {
        match &self.0.lock().unwrap()[which] {
            Some(pipe) => pipe.is_closed(),
            None => true,
        }
    }

    /// Says something, as it is.
    pub fn say(&self, which: usize, text: &str) {
        self.send(which, Ok(text.to_owned().into()));
    }

    /// Says a message as an event.
    pub fn message(&self, which: usize, message: &Value) {
        self.say(which, &format!("data: {message}\n\n"));
    }

    /// Closes one in order.
    pub fn close(&self, which: usize) {
        self.0.lock().unwrap()[which] = None;
    }

    /// Breaks the connection of one.
    pub fn cut(&self, which: usize) {
        self.send(which, Err(io::Error::other("cut")));
    }

    fn send(&self, which: usize, piece: io::Result<Bytes>) {
        if let Some(pipe) = &self.0.lock().unwrap()[which] {
            let _other_side_gone = pipe.send(piece);
        }
    }
}

/// An answer to a request.
pub fn answer(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// A result that is one text.
pub fn said(text: &str) -> Value {
    json!({ "resultType": "complete", "content": [{ "type": "text", "text": text }] })
}

/// An error with a status, as the new era has it.
pub fn error(status: u16, id: &Value, code: i64, words: &str) -> Response {
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": words } });
    reply(status, "application/json", &body.to_string())
}

/// An answer with one more header.
pub fn with(mut response: Response, name: &'static str, value: &str) -> Response {
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}
