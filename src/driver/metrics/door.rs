//! The HTTP side of `--metrics ADDR`: one page, read by Prometheus.
//!
//! Impure. On loopback nobody is let in who came by another name: a page in a browser could ask under a name of its own that leads
//! here, and the figures name servers and tools.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};

use crate::driver::metrics::Metrics;

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Others could read the figures, and nobody has said that they may.
    #[error("`{0}` can be reached from other machines, and the figures name servers and tools")]
    NotLoopback(SocketAddr),
    /// The system refuses.
    #[error("cannot listen at `{0}`: {1}")]
    Listen(SocketAddr, io::Error),
}

#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    loopback: bool,
}

/// Whether figures may be given at an address: on loopback, or where somebody has said that others may have them.
///
/// # Errors
/// [`OpenError::NotLoopback`].
pub fn allowed(address: SocketAddr, any_host: bool) -> Result<(), OpenError> {
    match any_host || is_loopback(address.ip()) {
        true => Ok(()),
        false => Err(OpenError::NotLoopback(address)),
    }
}

/// Opens the door, and gives where it is. Must be called inside a tokio runtime; the door is open as long as that runs.
///
/// # Errors
/// See [`OpenError`].
pub fn open(
    address: SocketAddr,
    any_host: bool,
    metrics: Arc<Metrics>,
) -> Result<SocketAddr, OpenError> {
    allowed(address, any_host)?;
    let loopback = is_loopback(address.ip());
    let refused = |error: io::Error| OpenError::Listen(address, error);
    let listener = TcpListener::bind(address).map_err(refused)?;
    let place = listener.local_addr().map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(refused)?;
    let shared = Shared { metrics, loopback };
    let router = Router::new()
        .route("/metrics", get(page))
        .with_state(shared);
    tokio::spawn(async move {
        let _ends_with_the_program = axum::serve(listener, router).await;
    });
    tracing::info!(address = %place, "metrics");
    Ok(place)
}

/// Whether only this machine reaches it.
pub fn is_loopback(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
        }
    }
}

async fn page(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if shared.loopback && !is_local(&headers) {
        let why = "these figures are for this machine: ask at 127.0.0.1 or localhost\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shared.metrics.text()).into_response()
}

/// Whether who asks has called us by a name that can only mean this machine.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
    else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(is_loopback)
}
