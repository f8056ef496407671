//! One session: a process, and the clients' streams to it.
//!
//! Impure. Messages pass as they are written; what they say is the two sides' own affair.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::mcp::proxy::route::{Routes, Said, StreamId};
use crate::mcp::transport::{Gate, Inbound, Link, Outgoing};

/// A session that nobody waits in is ended after so long.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(60);
/// Messages that may wait for a client to read them.
const UNREAD: usize = 64;
/// How long a client may leave them unread before its stream is given up: other clients may wait for the same server.
const PATIENCE: Duration = Duration::from_secs(60);

/// One process and the clients' streams to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Session {
    out: mpsc::Sender<Outgoing>,
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
    shared: bool,
}

#[derive(Debug)]
struct State {
    routes: Routes,
    streams: HashMap<StreamId, mpsc::Sender<Piece>>,
    next: u64,
    used: Instant,
    ended: Option<String>,
}

/// A message on its way to a client.
#[derive(Debug)]
pub struct Piece {
    /// The message.
    pub said: Said,
    /// It is the answer, and nothing follows.
    pub last: bool,
}

/// A client's stream. Dropping it tells the session that nobody waits there any more.
#[derive(Debug)]
pub struct Stream {
    session: Session,
    id: StreamId,
    pieces: mpsc::Receiver<Piece>,
}

impl Session {
    /// A session over this link. [`Session::keep`] makes it live.
    pub fn over(link: &Link, shared: bool) -> Self {
        Self {
            out: link.out.clone(),
            state: Arc::new(Mutex::new(State {
                routes: Routes::new(shared),
                streams: HashMap::new(),
                next: 0,
                used: Instant::now(),
                ended: None,
            })),
            stop: CancellationToken::new(),
            shared,
        }
    }

    /// Whether its process runs.
    pub fn lives(&self) -> bool {
        lock(&self.state).ended.is_none()
    }

    /// Whether clients of the era without sessions share it.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// How the server's process ended, where it has.
    pub fn ended(&self) -> Option<String> {
        lock(&self.state).ended.clone()
    }

    /// Since when nobody waits for anything in it; none where somebody does.
    pub fn idle_since(&self) -> Option<Instant> {
        let state = lock(&self.state);
        state.routes.is_idle().then_some(state.used)
    }

    /// Has its process ended.
    pub fn end(&self) {
        self.stop.cancel();
    }

    /// Sends a request; what belongs to it comes on the stream, the answer last.
    pub async fn ask(&self, request: Said) -> Stream {
        let (stream, request) = {
            let mut state = lock(&self.state);
            let (id, pieces) = state.add();
            let request = state.routes.ask(id, request);
            let session = self.clone();
            (
                Stream {
                    session,
                    id,
                    pieces,
                },
                request,
            )
        };
        self.tell(request).await;
        stream
    }

    /// Sends what has no answer.
    pub async fn tell(&self, message: Said) {
        lock(&self.state).used = Instant::now();
        // Where the process has ended, whoever waits is told so by its stream.
        let _ended = self.out.send(outgoing(message)).await;
    }

    /// A stream for everything that belongs to no request. An earlier one ends.
    pub fn open(&self) -> (Stream, Vec<Said>) {
        let mut state = lock(&self.state);
        if let Some(before) = state.routes.opened() {
            state.streams.remove(&before);
        }
        let (id, pieces) = state.add();
        let kept = state.routes.open(id);
        let session = self.clone();
        (
            Stream {
                session,
                id,
                pieces,
            },
            kept,
        )
    }

    /// Reads what the server says until its process has ended, or is to be ended.
    pub async fn keep(self, mut link: Link) {
        let mut looks = interval(LOOK);
        let why = loop {
            tokio::select! {
                inbound = link.inbound.recv() => match inbound {
                    Some(Inbound::Message(message)) => self.deliver(Said::own(message)).await,
                    Some(Inbound::Written { message, line }) => self.deliver(Said::written(message, &line)).await,
                    Some(Inbound::Unreadable { id: Some(id), why }) => {
                        // It was read as a number, and may be a text.
                        for id in [json!(id), json!(id.to_string())] {
                            self.deliver(Said::no_answer(&id, &why)).await;
                        }
                    }
                    Some(Inbound::Closed(failure)) => break failure.message.clone(),
                    None => break "the server has ended".to_owned(),
                    // Noise, and words about single requests: the tap has seen them, and a client of HTTP has no place for them.
                    Some(Inbound::Stray(_) | Inbound::Unreadable { .. } | Inbound::Sent(_) | Inbound::Meddled(_) | Inbound::Failed { .. }) => {}
                },
                () = self.stop.cancelled() => {
                    let _told_by_nobody = link.end().await;
                    break "the session was ended".to_owned();
                }
                _ = looks.tick() => if self.is_forgotten() {
                    self.stop.cancel();
                }
            }
        };
        let mut state = lock(&self.state);
        state.ended = Some(why);
        state.streams.clear();
    }

    fn is_forgotten(&self) -> bool {
        let since = self.idle_since();
        since.is_some_and(|since| since.elapsed() > IDLE)
    }

    async fn deliver(&self, message: Said) {
        let (to, sender) = {
            let mut state = lock(&self.state);
            let Some(to) = state.routes.route(message) else {
                return;
            };
            let sender = match to.last {
                true => state.streams.remove(&to.stream),
                false => state.streams.get(&to.stream).cloned(),
            };
            (to, sender)
        };
        let Some(sender) = sender else {
            return;
        };
        let piece = Piece {
            said: to.said,
            last: to.last,
        };
        let sent = tokio::select! {
            sent = timeout(PATIENCE, sender.send(piece)) => sent.is_ok(),
            // Whoever does not read holds up no end either.
            () = self.stop.cancelled() => return,
        };
        if !sent {
            lock(&self.state).streams.remove(&to.stream);
        }
    }
}

impl State {
    fn add(&mut self) -> (StreamId, mpsc::Receiver<Piece>) {
        self.next += 1;
        self.used = Instant::now();
        let id = StreamId(self.next);
        let (sender, pieces) = mpsc::channel(UNREAD);
        if self.ended.is_none() {
            self.streams.insert(id, sender);
        }
        (id, pieces)
    }
}

impl Stream {
    /// The next message; none where the server's process has ended.
    pub async fn next(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// Its session.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let gone = {
            let mut state = lock(&self.session.state);
            state.streams.remove(&self.id);
            state.used = Instant::now();
            state.routes.close(self.id)
        };
        // In the era without sessions a client cancels by leaving; on pipes that is a message.
        if self.session.shared {
            for id in gone {
                let params =
                    json!({ "requestId": id, "reason": "the client has closed its stream" });
                let cancelled = json!({
                    "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params,
                });
                let _server_does_not_read =
                    self.session.out.try_send(outgoing(Said::own(cancelled)));
            }
        }
    }
}

fn outgoing(said: Said) -> Outgoing {
    Outgoing {
        id: None,
        message: said.message,
        gate: Gate::default(),
        raw: said.line,
    }
}

/// The lock, also after a panic: what it guards is put right by whoever comes next.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
