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

use crate::servers::guard::Caller;
use crate::servers::http::Shared;
use crate::servers::http::answer::Refused;
use crate::servers::http::envelope::{self, Envelope};
use crate::servers::http::options::MAX_BODY;

/// Lets a request through to the library, or answers it.
pub async fn pass(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let response = match check(&shared, request, next).await {
        Ok(response) => response,
        Err(refused) => refused.response(),
    };
    shared.metrics.answered(response.status());
    response
}

async fn check(shared: &Shared, request: Request, next: Next) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    shared.hosts.check(&parts.uri, &parts.headers)?;
    parts.extensions.insert(Caller::local());
    if parts.method != Method::POST {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    }
    is_json(&parts.headers)?;
    let limit = tokio::time::timeout(shared.options.patience, whole(&parts.headers, body));
    let late = |_| Refused::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    let body = limit.await.map_err(late)??;
    let envelope = envelope::read(&body).map_err(|malformed| {
        Refused::new(StatusCode::BAD_REQUEST, malformed.message).code(malformed.code)
    })?;
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    Ok(understood(envelope, response))
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
