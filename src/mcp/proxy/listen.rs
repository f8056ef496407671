//! The HTTP door of a proxy: loopback alone, and only for whoever has its URL, which holds a random token.
//!
//! Impure. The token stands in the path and not in a header: every client can be given a URL, and `Authorization` is the server's.
//! Behind the door stand child processes (`bridge`) or a URL (`upstream`).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::stream;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::mcp::proxy::bridge::{Bridge, NoSession, Piece, Session, Stream};
use crate::mcp::proxy::guard;
use crate::mcp::proxy::route::Said;
use crate::mcp::proxy::token::Token;
use crate::mcp::proxy::upstream::{Upstream, plain};
use crate::mcp::transport::LONGEST_MESSAGE;
use crate::mcp::transport::http::headers::revision_of;
use crate::mcp::wire::record::{WireKind, classify_value};

/// The header that names a session.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// What stands behind a door.
#[derive(Debug)]
pub enum Behind {
    /// Child processes.
    Pipes(Bridge),
    /// A server at a URL.
    Url(Upstream),
}

/// Why a door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Others would reach it.
    #[error(
        "`{0}` can be reached from other machines, and whoever reaches a proxy can use its server"
    )]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("cannot listen at `{0}`: {1}")]
    Listen(SocketAddr, std::io::Error),
}

/// A door that is open, and not yet served.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    token: Token,
    behind: Behind,
}

impl Door {
    /// Opens a door at an address of loopback.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        address: SocketAddr,
        token: Token,
        behind: Behind,
    ) -> Result<Self, OpenError> {
        if !guard::is_loopback(address.ip()) {
            return Err(OpenError::NotLoopback(address));
        }
        let refused = |error| OpenError::Listen(address, error);
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            listener,
            address,
            shared: Arc::new(Shared { token, behind }),
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that a client is given.
    pub fn url(&self) -> String {
        format!("http://{}/{}/mcp", self.address, self.shared.token.expose())
    }

    /// Serves until the end is asked for, and then ends what stands behind it.
    pub async fn serve(self, stop: CancellationToken) {
        let shared = self.shared;
        let router = Router::new().fallback(enter).with_state(shared.clone());
        tokio::select! {
            _failed = axum::serve(self.listener, router) => {}
            () = stop.cancelled() => {}
        }
        if let Behind::Pipes(bridge) = &shared.behind {
            bridge.close().await;
        }
    }
}

/// One request: who it is, then what it is.
async fn enter(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(why) = guard::check(&parts.uri, &parts.headers) {
        return plain(StatusCode::FORBIDDEN, format!("{why}\n"));
    }
    let path = parts.uri.path().trim_start_matches('/');
    let (token, rest) = path.split_once('/').unwrap_or((path, ""));
    if !shared.token.is(token) || rest.trim_end_matches('/') != "mcp" {
        let text = "there is nothing here: the URL of this proxy holds a token\n";
        return plain(StatusCode::NOT_FOUND, text.to_owned());
    }
    let Ok(body) = axum::body::to_bytes(body, LONGEST_MESSAGE).await else {
        let text = "a message may have 16 MiB\n";
        return plain(StatusCode::PAYLOAD_TOO_LARGE, text.to_owned());
    };
    match &shared.behind {
        Behind::Url(upstream) => {
            let query = parts.uri.query();
            upstream
                .pass(parts.method, query, parts.headers, body)
                .await
        }
        Behind::Pipes(bridge) => match parts.method {
            Method::POST => post(bridge, &parts.headers, &body).await,
            Method::GET => get(bridge, &parts.headers),
            Method::DELETE => delete(bridge, &parts.headers),
            _ => {
                let text = "POST, GET or DELETE\n".to_owned();
                let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, text);
                let allowed = HeaderValue::from_static("GET, POST, DELETE");
                answer.headers_mut().insert(ALLOW, allowed);
                answer
            }
        },
    }
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok()
}

async fn post(bridge: &Bridge, headers: &HeaderMap, body: &Bytes) -> Response {
    let message: Value = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(error) => {
            let why = format!("not valid JSON: {error}");
            return refusal(StatusCode::BAD_REQUEST, &Value::Null, -32700, &why);
        }
    };
    let id = message.get("id").cloned().unwrap_or(Value::Null);
    let kind = classify_value(&message);
    let (begun, session) = match session_for(bridge, headers, &message, &kind) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let said = match std::str::from_utf8(body) {
        Ok(text) => Said::written(message, text),
        Err(_) => Said::own(message),
    };
    let mut answer = match kind {
        WireKind::Request { .. } => ask(&session, said, &id).await,
        WireKind::Notification { .. } | WireKind::Response { .. } | WireKind::Error { .. } => {
            session.tell(said).await;
            status(StatusCode::ACCEPTED)
        }
        WireKind::NotMessage
        | WireKind::NotJson
        | WireKind::Stderr
        | WireKind::Http { .. }
        | WireKind::Fault { .. } => {
            let why = "not one JSON-RPC message";
            refusal(StatusCode::BAD_REQUEST, &id, -32600, why)
        }
    };
    if let Some(begun) = begun
        && let Ok(value) = HeaderValue::from_str(&begun)
    {
        answer.headers_mut().insert(SESSION, value);
    }
    answer
}

/// The session that a message is of: the one that it names, a new one for `initialize`, else the shared one in the era without.
/// With its id where it has just begun.
fn session_for(
    bridge: &Bridge,
    headers: &HeaderMap,
    message: &Value,
    kind: &WireKind,
) -> Result<(Option<String>, Session), Box<Response>> {
    let id = message.get("id").unwrap_or(&Value::Null);
    let begins = matches!(kind, WireKind::Request { method, .. } if method == "initialize");
    match session_of(headers) {
        Some(known) => match bridge.session(known) {
            Some(session) => Ok((None, session)),
            None => Err(Box::new(unknown(id))),
        },
        None if begins => match bridge.begin() {
            Ok((begun, session)) => Ok((Some(begun), session)),
            Err(why) => Err(Box::new(no_session(id, why))),
        },
        None if revision_of(message).is_some() => match bridge.shared() {
            Ok(session) => Ok((None, session)),
            Err(why) => Err(Box::new(no_session(id, why))),
        },
        None => {
            let why = "the header `Mcp-Session-Id` is missing";
            Err(Box::new(refusal(StatusCode::BAD_REQUEST, id, -32600, why)))
        }
    }
}

/// Sends a request. Where the answer is the first that comes, it is one document; otherwise a stream that ends with it.
async fn ask(session: &Session, request: Said, id: &Value) -> Response {
    let mut stream = session.ask(request).await;
    match stream.next().await {
        None => ended(session, id),
        Some(piece) if piece.last => document(&piece.said, session.is_shared()),
        Some(piece) => events(stream, vec![piece]),
    }
}

/// The stream for everything that belongs to no request.
fn get(bridge: &Bridge, headers: &HeaderMap) -> Response {
    let Some(id) = session_of(headers) else {
        let why = "the header `Mcp-Session-Id` is missing";
        return refusal(StatusCode::BAD_REQUEST, &Value::Null, -32600, why);
    };
    let Some(session) = bridge.session(id) else {
        return unknown(&Value::Null);
    };
    let (stream, kept) = session.open();
    let first = |said| Piece { said, last: false };
    events(stream, kept.into_iter().map(first).collect())
}

fn delete(bridge: &Bridge, headers: &HeaderMap) -> Response {
    match session_of(headers).is_some_and(|id| bridge.end(id)) {
        true => status(StatusCode::NO_CONTENT),
        false => unknown(&Value::Null),
    }
}

/// A body of server-sent events, beginning with these.
fn events(stream: Stream, first: Vec<Piece>) -> Response {
    let first = std::collections::VecDeque::from(first);
    let state = Some((stream, first));
    let body = stream::unfold(state, |state| async move {
        let (mut stream, mut first) = state?;
        let piece = match first.pop_front() {
            Some(piece) => piece,
            None => stream.next().await?,
        };
        let event = format!("event: message\ndata: {}\n\n", piece.said.text());
        let rest = (!piece.last).then_some((stream, first));
        Some((Ok::<_, std::convert::Infallible>(event), rest))
    });
    let mut answer = Response::new(Body::from_stream(body));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

fn document(said: &Said, by_status: bool) -> Response {
    // The era without sessions tells an unknown method by the status as well.
    let code = said.message.pointer("/error/code").and_then(Value::as_i64);
    let mut answer = Response::new(Body::from(said.text()));
    if code == Some(-32601) && by_status {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    }
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn status(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// The proxy's own word, as a JSON-RPC error.
fn refusal(status: StatusCode, id: &Value, code: i64, why: &str) -> Response {
    let message = format!("mcpdeck proxy: {why}");
    let error = json!({ "code": code, "message": message });
    let document = json!({ "jsonrpc": "2.0", "id": id, "error": error });
    let mut answer = plain(status, document.to_string());
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

fn unknown(id: &Value) -> Response {
    let why = "there is no such session (any more): begin a new one";
    refusal(StatusCode::NOT_FOUND, id, -32001, why)
}

fn ended(session: &Session, id: &Value) -> Response {
    let why = session.ended();
    let why = why.as_deref().unwrap_or("the server has ended");
    refusal(StatusCode::BAD_GATEWAY, id, -32000, why)
}

fn no_session(id: &Value, why: NoSession) -> Response {
    match why {
        NoSession::Full => {
            let why = "too many sessions are open";
            refusal(StatusCode::SERVICE_UNAVAILABLE, id, -32000, why)
        }
        NoSession::Failed(failure) => {
            refusal(StatusCode::BAD_GATEWAY, id, -32000, &failure.message)
        }
    }
}
