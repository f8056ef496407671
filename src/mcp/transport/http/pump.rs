//! The life of one link over HTTP: takes messages from the queue, starts their exchanges, and ends them all.
//!
//! Decides nothing about a message but how it travels: a cancellation is the end of a stream in the new era and a message in the
//! old one, and in the new era the server gets no answers, because it asks nothing.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::client::Request;
use super::listen::listen;
use super::old::{self, Opened};
use super::post::{cancels, post};
use super::running::{Done, Running};
use super::shared::{Asked, Shared, method_of};
use crate::config::TransportChoice;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::{Inbound, Notes, Outgoing};

/// How long the end of a session may take.
const CLOSE: Duration = Duration::from_secs(2);

/// Carries messages between the link and the server.
pub struct Pump {
    /// What all exchanges share.
    pub shared: Arc<Shared>,
    /// Messages on their way out.
    pub queue: mpsc::Receiver<Outgoing>,
    /// What is known for a failure.
    pub notes: Notes,
}

/// How the Streamable HTTP part of a link ended.
enum End {
    Over(Failure),
    /// The server speaks the old transport, over which this message goes.
    Old(Box<(Opened, Outgoing)>),
}

/// The failure of a link that was ended from here.
pub fn stopped() -> Failure {
    Failure::new(FailureKind::Stopped, "the connection was closed")
}

impl Pump {
    /// Runs until the link is over, and says why as its last word.
    pub async fn run(mut self, stop: CancellationToken) {
        let shared = self.shared.clone();
        let failure = match shared.choice {
            TransportChoice::Sse => old::forced(shared.clone(), self.queue, &stop).await,
            TransportChoice::Auto | TransportChoice::StreamableHttp => {
                match self.streamable(&stop).await {
                    End::Over(failure) => failure,
                    End::Old(old) => {
                        let (opened, first) = *old;
                        old::run(shared.clone(), opened, first, self.queue, &stop).await
                    }
                }
            }
        };
        let failure = Box::new(self.notes.dress(failure));
        shared.report(Inbound::Closed(failure)).await;
    }

    async fn streamable(&mut self, stop: &CancellationToken) -> End {
        let mut running = Running::default();
        let end = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break End::Over(stopped()),
                done = running.next() => {
                    if let Some(end) = self.done(done, &mut running).await {
                        break end;
                    }
                }
                outgoing = self.queue.recv(), if running.has_room() => match outgoing {
                    Some(outgoing) => self.send(outgoing, &mut running),
                    None => break End::Over(stopped()),
                },
            }
        };
        running.end().await;
        if let End::Over(failure) = &end {
            self.end_session(failure).await;
        }
        end
    }

    async fn done(&self, done: Done, running: &mut Running) -> Option<End> {
        if let Some(id) = done.broken {
            let why = "mcpdeck failed over this request; please report it".to_owned();
            let failed = Inbound::Failed {
                id,
                may_have_left: true,
                why,
            };
            self.shared.report(failed).await;
        }
        if done.initialized {
            running.also(listen(self.shared.clone()));
        }
        if let Some(failure) = done.ended.fatal {
            return Some(End::Over(failure));
        }
        done.ended.old.map(End::Old)
    }

    fn send(&self, outgoing: Outgoing, running: &mut Running) {
        let message = &outgoing.message;
        if outgoing.raw.is_some() {
            let shared = self.shared.clone();
            return running.send(outgoing, |outgoing| post(shared, outgoing));
        }
        let is_modern = self.shared.is_modern(message);
        match cancels(message) {
            Some(request) if is_modern => return running.abort(request),
            _ => {}
        }
        if is_modern && method_of(message).is_none() {
            return;
        }
        if method_of(message) == Some("initialize") && Asked::of(message).is_some() {
            self.shared.known().has_handshake = true;
        }
        let shared = self.shared.clone();
        running.send(outgoing, |outgoing| post(shared, outgoing));
    }

    /// Tells the server that its session is not needed any more. One that has forgotten it, or cannot be reached, is not told.
    async fn end_session(&self, failure: &Failure) {
        let worth = matches!(failure.kind, FailureKind::Stopped | FailureKind::Protocol);
        if !worth || !self.shared.has_session() {
            return;
        }
        let request = Request {
            verb: Method::DELETE,
            url: self.shared.url.clone(),
            headers: self.shared.session_headers(),
            message: None,
        };
        let _slow_or_unwilling = timeout(CLOSE, self.shared.exchange(&request)).await;
    }
}
