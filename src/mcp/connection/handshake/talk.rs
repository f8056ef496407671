//! A link during its handshake: what is said, what is heard, and how a handshake that fails is told.
//!
//! `eras` decides what to ask. What the server says or asks meanwhile is handed on.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};

use super::Refusal;
use crate::ids::AskId;
use crate::mcp::ask::Reply;
use crate::mcp::connection::asks::{Heard as Asked, Whose};
use crate::mcp::connection::{Early, messages};
use crate::mcp::convert;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::start::StartWord;
use crate::mcp::transport::{Gate, Inbound, Link, stdio};

/// How long a child that is given up may take before a fresh one is started beside it.
const GIVE_UP: Duration = Duration::from_millis(500);

/// The error by which a server of the new era says which revisions it speaks.
const WRONG_REVISION: i64 = -32022;

/// A link during its handshake.
pub(super) struct Talk<'a> {
    pub(super) link: Link,
    pub(super) early: &'a mut Early,
    pub(super) deadline: Instant,
    pub(super) started: Instant,
    pub(super) next_id: i64,
    /// The methods that were asked, by their ids.
    pub(super) asked: Vec<(i64, String)>,
    /// Words of the handshake that are still to be reported.
    pub(super) words: Vec<StartWord>,
}

/// An error instead of an answer.
pub(super) struct Refused {
    pub(super) code: i64,
    pub(super) words: String,
    /// The revisions that the server says it speaks, where that is why.
    pub(super) speaks: Vec<String>,
}

impl Refused {
    fn read(error: &Value) -> Self {
        let (code, words) = convert::rpc_error(error);
        let speaks = match code == WRONG_REVISION {
            true => error.pointer("/data/supported").and_then(Value::as_array),
            false => None,
        };
        let speaks = speaks.into_iter().flatten().filter_map(Value::as_str);
        Self {
            code,
            words,
            speaks: speaks.map(str::to_owned).collect(),
        }
    }

    /// The newest revision with `initialize` that the server says it speaks.
    pub(super) fn legacy(&self) -> Option<&'static str> {
        let spoken = |revision: &&&str| self.speaks.iter().any(|it| it == *revision);
        convert::LEGACY_REVISIONS.iter().find(spoken).copied()
    }
}

/// What came for the handshake.
pub(super) enum Heard {
    Result(i64, Value),
    Error(i64, Refused),
    /// Something that is no answer: for a server that is asked, a sign that it does not understand.
    Nonsense(String),
    /// The time set for this is over.
    Silence,
}

impl Talk<'_> {
    pub(super) fn ask(&mut self, message: impl FnOnce(i64) -> Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        let message = message(id);
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        self.asked.push((id, method.clone()));
        self.words.push(StartWord::Asked(method));
        self.link.send(Some(id), message, Gate::default());
        id
    }

    /// Reports what was done and heard since the last time, and what the server has printed meanwhile.
    pub(super) async fn report(&mut self) {
        for word in self.words.drain(..) {
            self.early.reporter.event(ServerEvent::Start(word)).await;
        }
        self.early.reporter.strays(&self.link.notes).await;
    }

    /// The next thing that matters for a handshake, until a moment.
    pub(super) async fn hear(&mut self, until: Instant) -> Result<Heard, Refusal> {
        loop {
            self.report().await;
            let inbound = tokio::select! {
                biased;
                inbound = self.link.inbound.recv() => inbound,
                Some((ask, reply)) = self.early.replies.recv() => {
                    self.reply(ask, reply);
                    continue;
                }
                () = sleep_until(until) => return Ok(Heard::Silence),
            };
            match inbound {
                Some(Inbound::Message(message) | Inbound::Written { message, .. }) => {
                    if message.get("method").is_some() {
                        self.said(&message).await;
                    } else if let Some(heard) = self.message(&message) {
                        return Ok(heard);
                    }
                }
                Some(Inbound::Stray(line)) if line.trim_start().starts_with('{') => {
                    return Ok(Heard::Nonsense(line));
                }
                // A first message that fails over HTTP ends the link, which then tells the whole cause.
                Some(Inbound::Stray(_) | Inbound::Sent(_) | Inbound::Failed { .. }) => {}
                Some(Inbound::Meddled(fault)) => {
                    let struck = ServerEvent::Meddled(fault);
                    self.early.reporter.event(struck).await;
                }
                Some(Inbound::Unreadable { why, .. }) => return Ok(Heard::Nonsense(why)),
                Some(Inbound::Closed(failure)) => return Err(closed(self.with_stray(*failure))),
                None => {
                    let failure = Failure::new(FailureKind::Exited, "the connection ended");
                    return Err(Refusal::TryFresh(Box::new(self.link.notes.dress(failure))));
                }
            }
        }
    }

    /// Something that the server says by itself. It may ask before it answers, and wait for the answer.
    async fn said(&mut self, message: &Value) {
        if message.get("id").is_none() {
            if message["method"] == "notifications/message" {
                let none = Value::Null;
                let params = message.get("params").unwrap_or(&none);
                let (level, text) = convert::log_message(params);
                let log = ServerEvent::Log { level, text };
                self.early.reporter.event(log).await;
            }
            return;
        }
        match self.early.asks.hear(message, None) {
            Asked::Asked(ask, what) => {
                let call = None;
                let asked = ServerEvent::Asked { ask, call, what };
                self.early.reporter.event(asked).await;
            }
            Asked::Answer(answer) => self.tell(answer),
        }
    }

    fn reply(&mut self, ask: AskId, reply: Reply) {
        if let Some(Whose::Request(id)) = self.early.asks.close(ask).map(|open| open.whose) {
            self.tell(messages::answer(&id, reply));
        }
    }

    pub(super) fn tell(&self, message: Value) {
        let _not_queued = self.link.send(None, message, Gate::default());
    }

    fn message(&mut self, message: &Value) -> Option<Heard> {
        let id = message.get("id").and_then(stdio::id_of);
        match (message.get("result"), message.get("error")) {
            (Some(result), _) => {
                self.heard(id?, |method| answered(method, result));
                Some(Heard::Result(id?, result.clone()))
            }
            (None, Some(error)) => {
                let refused = Refused::read(error);
                // A server that could not read the id cannot repeat it; there is one question at a time that it can mean.
                let id = id.unwrap_or(self.next_id - 1);
                let words = convert::excerpt(&refused.words);
                let why = format!("error {}: {words}", refused.code);
                self.heard(id, |method| StartWord::Refused { method, why });
                Some(Heard::Error(id, refused))
            }
            (None, None) => None,
        }
    }

    /// An answer to one of our questions has come.
    fn heard(&mut self, id: i64, word: impl FnOnce(String) -> StartWord) {
        let asked = self.asked.iter().find(|(of, _)| *of == id);
        if let Some((_, method)) = asked {
            self.words.push(word(method.clone()));
        }
    }

    pub(super) fn refused(&self, method: &str, error: &Refused) -> Box<Failure> {
        self.protocol(format!(
            "the server refused {method} with error {}: {}",
            error.code,
            convert::excerpt(&error.words)
        ))
    }

    pub(super) fn protocol(&self, why: String) -> Box<Failure> {
        Box::new(self.with_stray(Failure::new(FailureKind::Protocol, why)))
    }

    pub(super) fn timed_out(&self) -> Box<Failure> {
        let seconds = self.started.elapsed().as_secs_f64();
        Box::new(Failure {
            hint: Some(
                "raise `startup_timeout_sec` for a slow starter, or set `protocol = \"legacy\"` when it hangs on its first message"
                    .to_owned(),
            ),
            ..self.with_stray(Failure::new(
                FailureKind::Timeout,
                format!("the server did not answer within {seconds:.1} s{}", self.unanswered()),
            ))
        })
    }

    /// What it was asked, for whoever has to find out why it is silent.
    fn unanswered(&self) -> String {
        let methods: Vec<&str> = self.asked.iter().map(|(_, of)| of.as_str()).collect();
        match methods.is_empty() {
            true => String::new(),
            false => format!(" (asked: {})", methods.join(", ")),
        }
    }

    fn with_stray(&self, mut failure: Failure) -> Failure {
        failure.stdout_line = self.link.notes.last_stray();
        self.link.notes.dress(failure)
    }

    /// Ends the link. A child that went on living gets a moment, so that two do not run side by side for long; what it still
    /// says on stderr belongs to the failure.
    pub(super) async fn give_up(mut self, refusal: Refusal) -> Refusal {
        let _still_ending = timeout(GIVE_UP, self.link.end()).await;
        for ask in self.early.asks.clear() {
            let withdrawn = ServerEvent::AskWithdrawn(ask);
            self.early.reporter.event(withdrawn).await;
        }
        match refusal {
            Refusal::TryFresh(failure) => {
                Refusal::TryFresh(Box::new(self.link.notes.dress(*failure)))
            }
            Refusal::Final(failure) => Refusal::Final(Box::new(self.link.notes.dress(*failure))),
        }
    }
}

/// The word for an answer. Whether its revision is one that is spoken here, `convert` finds as well; this is for whoever reads.
fn answered(method: String, result: &Value) -> StartWord {
    let revision = match result.get("supportedVersions").and_then(Value::as_array) {
        Some(all) if all.iter().any(|one| one == messages::MODERN) => messages::MODERN.to_owned(),
        Some(all) => {
            let names: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            names.join(", ")
        }
        None => {
            let named = result.get("protocolVersion").and_then(Value::as_str);
            named.unwrap_or_default().to_owned()
        }
    };
    let known = revision == messages::MODERN && method != "initialize"
        || convert::LEGACY_REVISIONS.contains(&revision.as_str());
    StartWord::Answered {
        method,
        revision: convert::excerpt(&revision),
        known,
    }
}

/// A link that closed during the handshake.
fn closed(failure: Failure) -> Refusal {
    let failure = Box::new(failure);
    match failure.kind {
        FailureKind::Exited | FailureKind::Http | FailureKind::Protocol => {
            Refusal::TryFresh(failure)
        }
        FailureKind::Config
        | FailureKind::Spawn
        | FailureKind::Timeout
        | FailureKind::Network
        | FailureKind::NeedsSignIn
        | FailureKind::Stopped => Refusal::Final(failure),
    }
}
