//! Where a client without a token is told how to get one: the protected-resource metadata of RFC 9728.
//!
//! Public by its nature: nobody is asked who he is, and every page may read it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use url::Url;

use crate::servers::http::Shared;
use crate::servers::http::options::Options;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What the endpoint is called by its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The endpoint itself.
    pub resource: String,
    /// Its metadata.
    pub metadata: String,
}

impl Names {
    /// The public URL, or the address where none is given.
    ///
    /// # Errors
    /// The public URL is none of the web.
    pub fn new(options: &Options, address: SocketAddr) -> Result<Self, String> {
        let scheme = if options.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let given = options.public_url.clone();
        let resource = given.unwrap_or_else(|| format!("{scheme}://{address}/mcp"));
        let wrong = |why: &str| format!("`{resource}` cannot be the public URL: {why}");
        let url = Url::parse(&resource).map_err(|e| wrong(&e.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("write `https://HOST/mcp`"));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(wrong("it must be scheme, host and path alone"));
        }
        let origin = url.origin().ascii_serialization();
        let path = url.path().trim_end_matches('/');
        let metadata = format!("{origin}{WELL_KNOWN}{path}");
        Ok(Self { resource, metadata })
    }

    /// The host of the public URL, with its port where it has one.
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(&self.resource).ok()?;
        Some(url.host_str()?.to_owned())
    }
}

/// The metadata, below the path of the endpoint and without it.
pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(WELL_KNOWN, get(metadata))
        .route(&format!("{WELL_KNOWN}/{{*path}}"), get(metadata))
        .with_state(shared)
}

async fn metadata(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path();
    // A proxy may have taken a part of the path away.
    let below = path.strip_prefix(WELL_KNOWN).unwrap_or(path);
    let ours = matches!(below, "" | "/mcp") || shared.names.metadata.ends_with(path);
    if !ours || !shared.gate.asks_for_tokens() {
        return (StatusCode::NOT_FOUND, "no token is asked for here\n").into_response();
    }
    let metadata = shared.gate.metadata(&shared.names.resource);
    ([(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")], Json(metadata)).into_response()
}
