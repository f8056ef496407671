//! What a request to `/mcp` passes before the protocol library sees it: names, shape, size, who asks, and what for.
//!
//! The body is read once, at most 4 MiB and only of a caller who is let in, and handed on unchanged. The caller hangs on the
//! request as an `Arc<Caller>`. A layer around the library's service.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::servers::guard::{Denial, Need};
use crate::servers::http::Shared;
use crate::servers::http::answer::Refused;
use crate::servers::http::envelope::{self, Envelope};
use crate::servers::http::options::MAX_BODY;

/// How many sessions are held at a time; one that nobody uses ends after five minutes.
const MAX_SESSIONS: usize = 1024;

/// The JSON-RPC code beside 401, 403 and 429; the status says which.
const DENIED: i32 = -32000;

/// Lets a request through to the library, or answers it.
pub async fn pass(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let page = shared.hosts.check(&parts.uri, &parts.headers);
    let response = match page {
        Err(refused) => refused.response(),
        Ok(page) => {
            let page = page.map(str::to_owned);
            let mut response = match page {
                Some(_) if parts.method == Method::OPTIONS => preflight(),
                _ => {
                    let request = Request::from_parts(parts, body);
                    let answer = admitted(&shared, request, next).await;
                    answer.unwrap_or_else(Refused::response)
                }
            };
            for_page(page.as_deref(), &mut response);
            response
        }
    };
    shared.metrics.answered(response.status());
    response
}

/// Finds out who calls and what for, and passes the request on.
async fn admitted(shared: &Shared, request: Request, next: Next) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    // Nothing is read of a stranger.
    let caller = shared.gate.identify(&parts.headers).await;
    let caller = caller.map_err(|denial| turned_away(shared, denial))?;
    if shared.options.sessions {
        shared.owners.check(&parts.headers, &caller.subject)?;
    }
    if parts.method != Method::POST {
        parts.extensions.insert(caller);
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    is_json(&parts.headers)?;
    let body = tokio::time::timeout(shared.options.patience, whole(&parts.headers, body));
    let late = |_| Refused::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    let body = body.await.map_err(late)??;
    let envelope = envelope::read(&body).map_err(|malformed| {
        Refused::new(StatusCode::BAD_REQUEST, malformed.message).code(malformed.code)
    })?;
    let method = envelope.method.as_deref().unwrap_or_default();
    if method == "initialize" && shared.sessions.sessions.read().await.len() >= MAX_SESSIONS {
        let why = "too many sessions are open here; try again in a few minutes";
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, why).to(envelope.id));
    }
    let need = Need::of(method, envelope.name.as_deref());
    let permitted = shared.gate.permit(caller, need);
    let caller = permitted.map_err(|denial| turned_away(shared, denial).to(envelope.id.clone()))?;
    parts.extensions.insert(caller.clone());
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if shared.options.sessions && method == "initialize" {
        let opened = shared
            .owners
            .note(response.headers(), &caller.subject, &shared.sessions);
        opened.await;
    }
    Ok(understood(envelope, response))
}

/// The guard's denial as an answer.
fn turned_away(shared: &Shared, denial: Denial) -> Refused {
    shared.metrics.denied(denial.status);
    let mut refused = Refused::new(denial.status, denial.message).code(DENIED);
    refused.headers = denial.headers;
    refused
}

/// What a browser asks before it lets a page of another origin send JSON.
fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets a page that was allowed by name read the answer.
fn for_page(page: Option<&str>, response: &mut Response) {
    let Some(Ok(page)) = page.map(HeaderValue::from_str) else {
        return;
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, page);
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let told = HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Retry-After");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, told);
}

/// A POST carries JSON and says so.
fn is_json(headers: &HeaderMap) -> Result<(), Refused> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or("");
    if essence.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let why = "the body must be JSON, with the header `Content-Type: application/json`";
    Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
}

/// The whole body, if it is not too large. One that says so beforehand is not read at all.
async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
    let large = || {
        let why = format!("the body is larger than {MAX_BODY} bytes, the most that is read");
        // What is still under way is not read, so the connection cannot be used again.
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, why)
            .header(header::CONNECTION, HeaderValue::from_static("close"))
    };
    let told = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let told = told
        .and_then(|length| length.parse::<u64>().ok())
        .unwrap_or(0);
    if told > MAX_BODY as u64 {
        return Err(large());
    }
    let mut whole = BytesMut::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let broken = |e| Refused::new(StatusCode::BAD_REQUEST, format!("the body broke off: {e}"));
        let piece = piece.map_err(broken)?;
        if whole.len().saturating_add(piece.len()) > MAX_BODY {
            return Err(large());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The library says 415 of a body that it cannot read as a message, although the content type was good.
fn understood(envelope: Envelope, response: Response) -> Response {
    if response.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return response;
    }
    let method = envelope.method.as_deref().map(|m| format!(" for `{m}`"));
    let why = format!(
        "the body is JSON but no message of the protocol{}",
        method.unwrap_or_default()
    );
    Refused::new(StatusCode::BAD_REQUEST, why)
        .to(envelope.id)
        .response()
}
