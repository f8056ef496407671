//! The life of a connection after its handshake: requests under way, their deadlines, what the server says by itself.
//!
//! One task, one place of state. Every call gets exactly one `Finished` and every errand one end, whatever happens to the link.
//! A file for each noun: `calls`, `listing`, `questions`, `tasks`, `errands`, `raw`, `listening`, `mismatch`, `notices`.

mod calls;
mod errands;
mod listening;
mod listing;
mod mismatch;
mod notices;
mod questions;
mod raw;
mod tasks;
mod vitals;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::calls::Call;
use super::asks::Asks;
use super::handshake::Shaken;
use super::messages::Voice;
use super::pending::{Answer, Pending, Purpose};
use super::relisten::Relisten;
use super::streams::{Filter, Streams};
use super::{Command, Reporter, messages};
use crate::ids::{AskId, CallId, ErrandId};
use crate::mcp::ask::Reply;
use crate::mcp::convert;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::Failure;
use crate::mcp::status::Era;
use crate::mcp::transport::{Gate, Inbound, Link, stdio};

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the loop sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// A connection with a server that is ready.
pub struct Session {
    link: Link,
    voice: Voice,
    /// What the server says that it can do, as it came.
    capabilities: Value,
    /// Whether arguments are repeated in HTTP headers, so that an invalid annotation makes a tool useless.
    heed_headers: bool,
    next_id: i64,
    /// Until when an error without an id is taken for the answer to a frame of the person's own.
    raw_until: Option<Instant>,
    pending: BTreeMap<i64, Pending>,
    calls: BTreeMap<CallId, Call>,
    /// Whose progress is told under which token: a task's goes on after its first answer.
    tokens: BTreeMap<i64, CallId>,
    asks: Asks,
    /// Since when a question is open of which nobody knows whose it is.
    held: Option<Instant>,
    streams: Streams,
    /// When changes are asked for again.
    relisten: Relisten,
    /// Errands that wait until a stream carries their resource.
    subscribing: Vec<(ErrandId, String)>,
    /// The tools that run only as tasks.
    task_tools: BTreeSet<String>,
    reporter: Reporter,
    closing: bool,
    /// When the first listing must be over, until it is asked for.
    startup: Option<Instant>,
    /// Why the server is given up, once it is.
    given_up: Option<Failure>,
}

impl Session {
    /// Takes a link over from the handshake, with the questions that were asked during it.
    pub fn new(shaken: Shaken, asks: Asks, reporter: Reporter) -> Self {
        let hello = shaken.hello;
        let wanted = match hello.era {
            Era::Modern => Filter::of_capabilities(&hello.capabilities),
            Era::Legacy => Filter::default(),
        };
        Self {
            heed_headers: hello.era == Era::Modern && !shaken.link.is_child,
            voice: Voice {
                era: hello.era,
                revision: hello.revision,
                log_level: None,
            },
            capabilities: hello.capabilities,
            link: shaken.link,
            next_id: shaken.next_id,
            raw_until: None,
            pending: BTreeMap::new(),
            calls: BTreeMap::new(),
            tokens: BTreeMap::new(),
            held: asks.hold_all().then(Instant::now),
            asks,
            streams: Streams::new(wanted),
            relisten: Relisten::default(),
            subscribing: Vec::new(),
            task_tools: BTreeSet::new(),
            reporter,
            closing: false,
            startup: Some(shaken.deadline),
            given_up: None,
        }
    }

    /// Runs until the link has ended and says why. `replies` came for questions of the handshake and found it over.
    pub async fn run(
        mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        replies: Vec<(AskId, Reply)>,
    ) -> Failure {
        for (ask, reply) in replies {
            self.reply(ask, reply).await;
        }
        self.listen().await;
        loop {
            if let Some(failure) = self.given_up.take() {
                self.link.end().await;
                let failure = self.link.notes.dress(failure);
                return self.ended(failure).await;
            }
            let next = self.next_deadline();
            tokio::select! {
                biased;
                command = commands.recv(), if !self.closing => match command {
                    Some(command) => self.command(command).await,
                    None => self.close().await,
                },
                inbound = self.link.inbound.recv() => match inbound {
                    Some(Inbound::Closed(failure)) => return self.ended(*failure).await,
                    Some(inbound) => self.inbound(inbound).await,
                    None => {
                        let failure = self.link.end().await;
                        return self.ended(failure).await;
                    }
                },
                () = sleep_until(next) => self.expire().await,
            }
        }
    }

    /// When something is due. While a person thinks about a question of nobody knows whom, nothing but the stream is.
    fn next_deadline(&self) -> Instant {
        let waiting = self.pending.values().filter_map(|pending| pending.deadline);
        let waiting = waiting.filter(|_| self.held.is_none());
        let calls = self.calls.values().flat_map(Call::alarms);
        let all = waiting.chain(calls).chain(self.relisten.at());
        all.min().unwrap_or_else(|| Instant::now() + IDLE)
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::List(kind) => self.list(kind).await,
            Command::Probe => self.probe().await,
            Command::Call(request) => self.call(request).await,
            Command::Follow(request) => self.follow(request).await,
            Command::Cancel(call) => self.cancel(call).await,
            Command::Errand(errand, what) => self.errand(errand, what).await,
            Command::Reply(ask, reply) => self.reply(ask, reply).await,
            Command::RootsChanged => self.roots_changed(),
            Command::Close => self.close().await,
        }
    }

    /// Ends the server. Calls under way are over at once, not only when the process has gone.
    async fn close(&mut self) {
        self.closing = true;
        self.link.stop.cancel();
        let why = "the server was stopped from here".to_owned();
        self.finish_all(&why).await;
    }

    async fn ended(mut self, failure: Failure) -> Failure {
        let why = failure.headline();
        self.finish_all(&why).await;
        failure
    }

    async fn finish_all(&mut self, why: &str) {
        self.end_calls(why).await;
        for (id, pending) in std::mem::take(&mut self.pending) {
            self.answered(id, pending, Answer::Ended(why.to_owned()))
                .await;
        }
        self.end_subscribing(why).await;
    }

    async fn probe(&mut self) {
        self.report_vitals();
        let deadline = Some(Instant::now() + PROBE_TIMEOUT);
        let voice = self.voice.clone();
        if self
            .put(Purpose::Probe, deadline, |id| voice.probe(id))
            .is_err()
        {
            let failed = ServerEvent::Probed { millis: None };
            self.reporter.event(failed).await;
        }
    }

    /// Puts a request on the way; why not, as a sentence, when it cannot even be queued: then it has not left and never will.
    fn put(
        &mut self,
        purpose: Purpose,
        deadline: Option<Instant>,
        message: impl FnOnce(i64) -> Value,
    ) -> Result<i64, String> {
        let id = self.next_id;
        self.next_id += 1;
        let gate = Gate::default();
        let pending = Pending {
            purpose,
            gate: gate.clone(),
            asked: Instant::now(),
            deadline,
        };
        if self.link.send(Some(id), message(id), gate) {
            self.pending.insert(id, pending);
            return Ok(id);
        }
        Err(self.not_queued())
    }

    /// Why a message could not be queued.
    fn not_queued(&self) -> String {
        match self.link.out.is_closed() {
            true => "the connection has ended".to_owned(),
            false => "the server does not read: too many messages wait for it".to_owned(),
        }
    }

    /// Tells the server that an answer is no longer awaited, unless the request never left.
    fn withdraw(&self, id: i64, gate: &Gate, reason: &str) {
        if !gate.hold_back() {
            self.tell(messages::cancelled(id, reason));
        }
    }

    /// Sends what nobody waits for. A server that does not read is found out by its calls.
    fn tell(&self, message: Value) {
        let _not_queued = self.link.send(None, message, Gate::default());
    }

    async fn expire(&mut self) {
        let now = Instant::now();
        if self.relisten.is_due(now) {
            self.listen_again().await;
        }
        self.expire_calls(now).await;
        if self.held.is_some() {
            return;
        }
        let is_due = |pending: &Pending| pending.deadline.is_some_and(|it| it <= now);
        let due: Vec<i64> = self
            .pending
            .iter()
            .filter(|(_, pending)| is_due(pending))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            if let Some(pending) = self.pending.get_mut(&id)
                && matches!(pending.purpose, Purpose::Listen)
            {
                // It never said that it tells of changes, but it may all the same.
                pending.deadline = None;
                self.stream_stands(id, None).await;
            } else if let Some(pending) = self.pending.remove(&id) {
                self.withdraw(id, &pending.gate, "no answer in time");
                self.answered(id, pending, Answer::TimedOut).await;
            }
        }
    }

    async fn inbound(&mut self, inbound: Inbound) {
        match inbound {
            Inbound::Message(message) | Inbound::Written { message, .. } => {
                self.message(message).await;
            }
            Inbound::Sent(id) => self.sent(id).await,
            Inbound::Failed {
                id,
                may_have_left,
                why,
            } => self.answer(id, Answer::Failed(may_have_left, why)).await,
            Inbound::Unreadable { id, why } => {
                self.reporter.strays(&self.link.notes).await;
                self.unreadable(id, &why).await;
            }
            Inbound::Meddled(fault) => self.reporter.event(ServerEvent::Meddled(fault)).await,
            // Nobody waits for it.
            Inbound::Stray(_) => self.reporter.strays(&self.link.notes).await,
            // The caller's.
            Inbound::Closed(_) => {}
        }
    }

    async fn message(&mut self, mut message: Value) {
        if message.get("method").is_some() {
            return match message.get("id") {
                Some(_) => self.asked(&message).await,
                None => self.notification(&message).await,
            };
        }
        let answer = if let Some(result) = message.get_mut("result") {
            Answer::Result(result.take())
        } else if let Some(error) = message.get("error") {
            let (code, words) = convert::rpc_error(error);
            let data = error.get("data").cloned();
            Answer::Error { code, words, data }
        } else {
            return;
        };
        match message.get("id") {
            None | Some(Value::Null) => self.answer_without_id(answer).await,
            // An id that we cannot have given is that of somebody else's request.
            Some(id) => {
                if let Some(id) = stdio::id_of(id) {
                    self.answer(id, answer).await;
                }
            }
        }
    }

    async fn answer(&mut self, id: i64, answer: Answer) {
        // Sent before finished, also when the answer overtakes the writer's word.
        if !matches!(answer, Answer::Failed(..)) {
            self.sent(id).await;
        }
        if let Some(pending) = self.pending.remove(&id) {
            self.answered(id, pending, answer).await;
        } else {
            // It was that of the person's own frame, if there was one.
            self.raw_until = None;
        }
    }

    /// An error without an id says that the server could not read a request: it is the only one's that waits, if there is only one.
    async fn answer_without_id(&mut self, answer: Answer) {
        if self.answers_raw() {
            return;
        }
        let waits = |pending: &Pending| !matches!(pending.purpose, Purpose::Listen);
        let mut waiting = self.pending.iter().filter(|(_, pending)| waits(pending));
        let first = waiting.next().map(|(id, _)| *id);
        if let (Some(id), None) = (first, waiting.next()) {
            self.answer(id, answer).await;
        }
    }

    /// A broken message: the request that it names fails, or, when it names none that waits, each that does. Any of them may
    /// have been answered by it, and none may wait for what will not come.
    async fn unreadable(&mut self, id: Option<i64>, why: &str) {
        let hit: Vec<i64> = match id.filter(|id| self.pending.contains_key(id)) {
            Some(id) => vec![id],
            None if id.is_some() => return,
            None => self.pending.keys().copied().collect(),
        };
        for id in hit {
            self.answer(id, Answer::Unreadable(why.to_owned())).await;
        }
    }

    /// Hands on what came of a request that no longer waits.
    async fn answered(&mut self, id: i64, pending: Pending, answer: Answer) {
        match pending.purpose {
            Purpose::Call(call) => self.call_answered(call, &pending.gate, answer).await,
            Purpose::Report(call) => self.reported(call, answer).await,
            Purpose::Fetch(call) => self.fetched(call, answer).await,
            Purpose::Update(call) => self.updated(call, answer).await,
            Purpose::List(pages) => self.page(pages, answer).await,
            Purpose::Errand(errand, what) => self.errand_answered(errand, &what, answer).await,
            Purpose::Listen => self.stream_ended(id, pending.asked, answer).await,
            Purpose::Probe => {
                // An error is an answer: the server lives.
                let lives = matches!(answer, Answer::Result(_) | Answer::Error { .. });
                let millis = u64::try_from(pending.asked.elapsed().as_millis());
                let millis = millis.ok().filter(|_| lives);
                self.reporter.event(ServerEvent::Probed { millis }).await;
            }
            Purpose::Nothing => {}
        }
    }
}
