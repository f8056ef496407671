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
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::servers::ServeError;
use crate::servers::http::patient::Patient;
use crate::servers::http::tls::Tls;
use crate::servers::http::{Shared, health};

/// How long to wait when the system has no connection to give, such as for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// Serves until the end has been asked for and what ran is finished.
pub async fn serve(
    listener: TcpListener,
    apart: Option<TcpListener>,
    router: Router,
    shared: Arc<Shared>,
) -> Result<(), ServeError> {
    let beside = apart.map(|listener| {
        let router = health::apart(shared.clone());
        let door = Door::new(listener, router, &shared, None);
        tokio::spawn(async move { door.take().await })
    });
    let rereading = reread(shared.clone())?;
    let door = Door::new(listener, router, &shared, shared.tls.clone());
    let (connections, closing) = (door.connections.clone(), door.closing.clone());
    tokio::select! {
        () = door.take() => {}
        () = shared.stop.drained(shared.options.drain) => {}
    }
    closing.cancel();
    shared.stop.finish(&connections, shared.options.grace).await;
    for task in [beside, rereading].into_iter().flatten() {
        task.abort();
    }
    Ok(())
}

/// Reads the certificate again at each SIGHUP.
fn reread(shared: Arc<Shared>) -> Result<Option<JoinHandle<()>>, ServeError> {
    let Some(tls) = shared.tls.clone() else {
        return Ok(None);
    };
    let mut told = signal(SignalKind::hangup())?;
    let notice = shared.options.notice;
    Ok(Some(tokio::spawn(async move {
        while told.recv().await.is_some() {
            match tls.reread() {
                Ok(()) => notice("the certificate was read again"),
                Err(why) => notice(&format!("the old certificate stays in force: {why}")),
            }
        }
    })))
}

/// One listener with what is served on it.
struct Door {
    listener: TcpListener,
    router: Router,
    shared: Arc<Shared>,
    tls: Option<Arc<Tls>>,
    connections: TaskTracker,
    closing: CancellationToken,
}

impl Door {
    fn new(
        listener: TcpListener,
        router: Router,
        shared: &Arc<Shared>,
        tls: Option<Arc<Tls>>,
    ) -> Self {
        Self {
            listener,
            router,
            shared: shared.clone(),
            tls,
            connections: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Takes connections for ever; each is served by a task of its own.
    async fn take(self) {
        let room = Arc::new(Semaphore::new(self.shared.options.connections.max(1)));
        loop {
            let Ok(place) = room.clone().acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let (router, shared, tls) =
                (self.router.clone(), self.shared.clone(), self.tls.clone());
            let closing = self.closing.clone();
            self.connections.spawn(async move {
                let _counted = shared.metrics.connected();
                greet(stream, router, tls, shared.options.patience, closing).await;
                drop(place);
            });
        }
    }
}

/// Speaks on one connection, after its TLS handshake where there is one.
async fn greet(
    stream: TcpStream,
    router: Router,
    tls: Option<Arc<Tls>>,
    patience: Duration,
    closing: CancellationToken,
) {
    // An answer is one small packet: it need not wait for a second.
    let _slower = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return speak(stream, router, patience, closing).await;
    };
    let stream = tokio::select! {
        stream = tls.greet(stream) => stream,
        () = closing.cancelled() => return,
    };
    if let Ok(stream) = stream {
        speak(stream, router, patience, closing).await;
    }
}

async fn speak<S>(stream: S, router: Router, patience: Duration, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_header_size(MAX_HEAD)
        .serve_connection(
            TokioIo::new(Patient::new(stream, patience)),
            TowerToHyperService::new(router),
        );
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = closing.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ended = connection.await;
}
