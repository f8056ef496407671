//! Sockets: takes connections, as many as are held at a time, and serves HTTP/1.1 on each until it is idle, slow or at an end.
//!
//! Hyper itself and not `axum::serve`, which has no word for how long a head may take to come.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::servers::ServeError;
use crate::servers::http::Shared;

/// How long to wait when the system has no connection to give, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Serves until the end has been asked for and what ran is finished.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shared: Arc<Shared>,
) -> Result<(), ServeError> {
    let connections = TaskTracker::new();
    let closing = CancellationToken::new();
    let taking = take(listener, router, &shared, &connections, &closing);
    tokio::select! {
        () = taking => {}
        () = shared.stop.drained(shared.options.drain) => {}
    }
    closing.cancel();
    shared.stop.finish(&connections, shared.options.grace).await;
    Ok(())
}

/// Takes connections for ever; each is served by a task of its own.
async fn take(
    listener: TcpListener,
    router: Router,
    shared: &Arc<Shared>,
    connections: &TaskTracker,
    closing: &CancellationToken,
) {
    let room = Arc::new(Semaphore::new(shared.options.connections.max(1)));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (router, shared, closing) = (router.clone(), shared.clone(), closing.clone());
        connections.spawn(async move {
            let _counted = shared.metrics.connected();
            greet(stream, router, &shared, closing).await;
            drop(place);
        });
    }
}

/// Speaks on one connection, after its TLS handshake where there is one.
async fn greet(stream: TcpStream, router: Router, shared: &Shared, closing: CancellationToken) {
    // An answer is one small packet: it need not wait for a second.
    let _slower = stream.set_nodelay(true);
    speak(stream, router, shared.options.patience, closing).await;
}

async fn speak<S>(stream: S, router: Router, patience: Duration, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_header_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = closing.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended = connection.await;
}
