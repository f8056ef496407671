//! `/healthz`: the process lives. `/readyz`: the server can do its work. `/metrics`: what Prometheus reads.
//!
//! Health says nothing that a stranger may not know and asks nobody who he is; probes come by address, so `Host` is not looked
//! at either. Metrics tell the names of tools: they are there for loopback alone where no
//! proxy stands before, and on a listener of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::servers::http::{Ready, Shared};

/// How long the check may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long an answer holds, so that no flood of probes becomes a flood of queries.
const HOLDS: Duration = Duration::from_secs(1);

/// The check of readiness, made once for all who ask at the same time.
pub struct Readiness {
    check: Option<Ready>,
    last: Mutex<Last>,
}

/// What the last check said, and the one that has not come back yet.
#[derive(Default)]
struct Last {
    said: Option<(Instant, Result<(), String>)>,
    open: Option<JoinHandle<Result<(), String>>>,
}

impl Readiness {
    /// Ready always where there is no check.
    pub fn new(check: Option<Ready>) -> Self {
        Self {
            check,
            last: Mutex::default(),
        }
    }

    /// Whether the server can do its work; the words say why not. `notice` is told what has changed, and not each time that
    /// somebody asks: whoever asks is not known, and must not fill a log.
    pub async fn ask(&self, notice: fn(&str)) -> Result<(), String> {
        let Some(check) = &self.check else {
            return Ok(());
        };
        let mut last = self.last.lock().await;
        if let Some((at, said)) = &last.said
            && at.elapsed() < HOLDS
        {
            return said.clone();
        }
        // One that hangs is waited for again: a second one would hang beside it.
        let mut open = last.open.take().unwrap_or_else(|| tokio::spawn(check()));
        let said = match tokio::time::timeout(LIMIT, &mut open).await {
            Ok(said) => said.unwrap_or_else(|e| Err(e.to_string())),
            Err(_) => {
                last.open = Some(open);
                Err(format!("no answer within {} s", LIMIT.as_secs()))
            }
        };
        let before = last.said.replace((Instant::now(), said.clone()));
        let before = before.map_or(Ok(()), |(_, before)| before);
        match &said {
            _ if said == before => {}
            Ok(()) => notice("ready again"),
            Err(why) => notice(&format!("not ready: {why}")),
        }
        said
    }
}

/// The three beside `/mcp`.
pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shared)
}

/// The same on a listener of their own, whose metrics nobody is asked for.
pub fn apart(shared: Arc<Shared>) -> Router {
    let all = |State(shared): State<Arc<Shared>>| async move { shown(&shared) };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(all))
        .with_state(shared)
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let no = |why: String| (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response();
    if shared.stop.has_begun() {
        return no("stopping".to_owned());
    }
    match shared.ready.ask(shared.options.notice).await {
        Ok(()) => "ready\n".into_response(),
        // What the engine said may name hosts and paths, and whoever asks is not known.
        Err(_) => no("not ready".to_owned()),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    // What comes through a proxy comes from loopback too, whoever sent it.
    if !shared.options.is_loopback() || shared.options.public_url.is_some() {
        let why = "metrics are on a listener of their own: `--metrics ADDRESS`\n";
        return (StatusCode::NOT_FOUND, why).into_response();
    }
    match shared.hosts.check(request.uri(), request.headers()) {
        Ok(_) => shown(&shared),
        Err(refused) => refused.response(),
    }
}

fn shown(shared: &Shared) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shared.metrics.text()).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counted(answer: fn(usize) -> Option<Result<(), String>>) -> (Readiness, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let check: Ready = Arc::new(move || {
            let nth = counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                match answer(nth) {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            })
        });
        (Readiness::new(Some(check)), count)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_a_second_and_is_then_asked_for_again() {
        let (ready, count) = counted(|nth| {
            Some(if nth == 0 {
                Ok(())
            } else {
                Err("gone".to_owned())
            })
        });
        for _ in 0..1000 {
            assert_eq!(ready.ask(|_| {}).await, Ok(()));
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        tokio::time::advance(HOLDS).await;
        assert_eq!(ready.ask(|_| {}).await, Err("gone".to_owned()));
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_is_not_ready_and_gets_no_second_one_beside_it() {
        let (ready, count) = counted(|_| None);
        for _ in 0..3 {
            let began = Instant::now();
            assert!(ready.ask(|_| {}).await.is_err());
            assert_eq!(began.elapsed(), LIMIT);
            tokio::time::advance(HOLDS).await;
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_probes_is_told_of_once_for_each_change() {
        static TOLD: AtomicUsize = AtomicUsize::new(0);
        let (ready, _) = counted(|nth| {
            Some(match nth {
                0..4 => Err("gone".to_owned()),
                _ => Ok(()),
            })
        });
        for _ in 0..8 {
            for _ in 0..100 {
                let _said = ready.ask(|_| _ = TOLD.fetch_add(1, Ordering::SeqCst)).await;
            }
            tokio::time::advance(HOLDS).await;
        }
        assert_eq!(TOLD.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_server_without_a_check_is_ready() {
        assert_eq!(Readiness::new(None).ask(|_| {}).await, Ok(()));
    }
}
