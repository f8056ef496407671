//! A bundled server over Streamable HTTP, for any number of clients: `/mcp`, beside it health and metrics.
//!
//! Both eras of the protocol, and stateless unless told otherwise: no request needs what an earlier one left in this process,
//! so any number of instances may stand behind any load balancer. Knows nothing of what the server does. Started by `servers`.
//!
//! `options` is what may be set, `stop` the order of the end. A request passes `door` (sockets, TLS, how many), `gate` (who
//! asks, and whether what it sends is fit to be read; `hosts` and `envelope` are its pure parts, `owners` keeps
//! one subject out of another's session), and `measured` (what is
//! counted) on its way to the library's transport. `health` and `authority` are what stands beside `/mcp`.

mod answer;
mod authority;
mod door;
mod envelope;
mod gate;
mod health;
mod hosts;
mod measured;
mod metrics;
mod options;
mod owners;
mod patient;
mod stop;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use futures::future::BoxFuture;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::servers::ServeError;
use crate::servers::guard::{Gate, Guard};
use crate::servers::served::Served;
use authority::Names;
use metrics::Metrics;
use stop::Stop;
use tls::Tls;

pub use options::{MAX_BODY, Options, TlsFiles};

/// Whether the server can do its work now; the words say why not.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What is served.
pub struct Work {
    /// What answers.
    pub handler: Served,
    /// Who may come in.
    pub guard: Arc<Guard>,
    /// What is under way, so that the end can wait for it.
    pub running: TaskTracker,
    /// What `/readyz` asks.
    pub ready: Option<Ready>,
}

/// What every request of one process shares.
struct Shared {
    options: Options,
    names: Names,
    gate: Gate,
    tls: Option<Arc<Tls>>,
    sessions: Arc<LocalSessionManager>,
    owners: owners::Owners,
    hosts: hosts::Allowed,
    metrics: Metrics,
    stop: Stop,
    ready: health::Readiness,
}

/// Serves until SIGTERM or SIGINT: then it takes nothing new, finishes what runs, and ends.
///
/// # Errors
/// The address cannot be had, or may not be had without knowing who calls.
pub async fn serve(work: Work, options: Options) -> Result<(), ServeError> {
    if !options.is_loopback() && !work.guard.asks_for_tokens() {
        return Err(ServeError::Unguarded(options.address));
    }
    let listener = bind(options.address).await?;
    let apart = match options.metrics {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared::open(&work, options, address)?);
    let router = router(work.handler, &shared);
    shared.say(address, apart.as_ref());
    door::serve(listener, apart, router, shared).await
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| ServeError::Bind { address, source })
}

impl Shared {
    fn open(work: &Work, options: Options, address: SocketAddr) -> Result<Self, ServeError> {
        let names = Names::new(&options, address).map_err(ServeError::Http)?;
        let tls = options.tls.clone().map(Tls::open).transpose();
        let mut hosts = options.allow_hosts.clone();
        hosts.extend(names.host());
        Ok(Self {
            hosts: hosts::Allowed::new(address, &hosts, &options.allow_origins),
            gate: Gate::new(work.guard.clone(), names.metadata.clone()),
            tls: tls.map_err(ServeError::Http)?.map(Arc::new),
            metrics: Metrics::new(),
            ready: health::Readiness::new(work.ready.clone()),
            stop: Stop::listen(work.running.clone())?,
            sessions: Arc::default(),
            owners: owners::Owners::default(),
            names,
            options,
        })
    }

    /// The URL, alone, and what the person who starts the server should know.
    fn say(&self, address: SocketAddr, apart: Option<&TcpListener>) {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        (self.options.announce)(&format!("{scheme}://{address}/mcp"));
        if let Some(Ok(address)) = apart.map(TcpListener::local_addr) {
            (self.options.notice)(&format!("metrics at http://{address}/metrics"));
        }
        if !self.options.is_loopback() && self.tls.is_none() {
            let warning = "warning: without TLS tokens and data can be read on their way; \
                           give --tls-cert and --tls-key, or put a proxy with TLS before";
            (self.options.notice)(warning);
        }
    }
}

fn router(handler: Served, shared: &Arc<Shared>) -> Router {
    let config = transport(&shared.options, shared.stop.now());
    let handler = handler.watched(shared.clone());
    let service =
        StreamableHttpService::new(move || Ok(handler.clone()), shared.sessions.clone(), config);
    let pass = axum::middleware::from_fn_with_state(shared.clone(), gate::pass);
    let mcp = Router::new().route_service("/mcp", service).layer(pass);
    mcp.merge(health::routes(shared.clone()))
        .merge(authority::routes(shared.clone()))
}

/// The library's part. Host, Origin, size and shape of a request are looked at before it.
fn transport(options: &Options, end: CancellationToken) -> StreamableHttpServerConfig {
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(options.sessions)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_BODY)
        .disable_allowed_hosts()
        .with_cancellation_token(end)
}
