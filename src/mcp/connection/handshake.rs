//! From the launch to a server that is ready to be asked, in whichever era it speaks.
//!
//! `protocol = "auto"` asks `server/discover` first. A server of the old era mostly answers "method not found" at once, and then
//! `initialize` follows in the same process. When it is silent for [`PATIENCE`], because it ignores what it does not know or starts
//! slowly, `initialize` is sent behind it without waiting for the 10 s that libraries wait; a late answer to the first question is
//! dropped, unless `initialize` is refused and it says that the server is modern. A child that ends, answers with something else
//! or refuses both is replaced by a fresh process that hears `initialize` as its first word: some servers cannot bear another one.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

use super::asks::{Heard as Asked, Whose};
use super::{Early, launch, messages};
use crate::config::ProtocolChoice;
use crate::ids::AskId;
use crate::mcp::ask::Reply;
use crate::mcp::connection::Dial;
use crate::mcp::convert;
use crate::mcp::event::ServerEvent;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::status::{Era, Hello};
use crate::mcp::transport::{Gate, Inbound, Link, stdio};
use crate::mcp::wire::tap::ConnectionTap;

/// How long an answer to `server/discover` is awaited before `initialize` is sent as well.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long a child that is given up may take before a fresh one is started beside it.
const GIVE_UP: Duration = Duration::from_millis(500);

/// How long the stream for the server's own requests may take to open. A request sent into a closed one would be lost.
const SETTLE: Duration = Duration::from_secs(2);

/// The error by which a server of the new era says which revisions it speaks.
const WRONG_REVISION: i64 = -32022;

/// A handshake that is done.
pub struct Shaken {
    /// The way to the server.
    pub link: Link,
    /// What it said of itself.
    pub hello: Hello,
    /// The first free request id.
    pub next_id: i64,
    /// When the first listing must be over.
    pub deadline: Instant,
}

/// What to ask first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    Discover,
    Initialize,
}

/// Why a handshake did not come about.
enum Refusal {
    /// Worth another try with a fresh process or session and the other question.
    TryFresh(Box<Failure>),
    /// Nothing else would help.
    Final(Box<Failure>),
}

/// Dials and shakes hands within the server's start-up timeout.
pub async fn connect(
    dial: &Dial,
    tap: &ConnectionTap,
    tasks: &TaskTracker,
    early: &mut Early,
) -> Result<Shaken, Box<Failure>> {
    let deadline = Instant::now() + dial.spec.startup_timeout;
    let (first, may_fall_back) = match (dial.spec.protocol, dial.remembered_era) {
        (ProtocolChoice::Legacy, _) => (First::Initialize, false),
        (ProtocolChoice::Modern, _) => (First::Discover, false),
        (ProtocolChoice::Auto, Some(Era::Legacy)) => (First::Initialize, true),
        (ProtocolChoice::Auto, _) => (First::Discover, true),
    };
    let failure = match attempt(dial, tap, tasks, early, (deadline, first, may_fall_back)).await {
        Ok(shaken) => return Ok(shaken),
        Err(Refusal::Final(failure)) => return Err(failure),
        Err(Refusal::TryFresh(failure)) if !may_fall_back => return Err(failure),
        Err(Refusal::TryFresh(failure)) => failure,
    };
    let second = match first {
        First::Discover => First::Initialize,
        First::Initialize => First::Discover,
    };
    match attempt(dial, tap, tasks, early, (deadline, second, false)).await {
        Ok(shaken) => Ok(shaken),
        // The era that was remembered tells more of what is wrong than the one that was only guessed.
        Err(_) if first == First::Initialize => Err(failure),
        Err(Refusal::TryFresh(failure) | Refusal::Final(failure)) => Err(failure),
    }
}

async fn attempt(
    dial: &Dial,
    tap: &ConnectionTap,
    tasks: &TaskTracker,
    early: &mut Early,
    (deadline, first, both): (Instant, First, bool),
) -> Result<Shaken, Refusal> {
    let link = launch::open(dial, tap, tasks).map_err(Refusal::Final)?;
    let mut talk = Talk {
        link,
        early,
        deadline,
        started: Instant::now(),
        next_id: 0,
    };
    let outcome = match first {
        First::Initialize => talk.initialize(messages::LEGACY).await,
        First::Discover if both && talk.link.is_child => talk.both().await,
        First::Discover => talk.discover(both).await,
    };
    match outcome {
        Ok(hello) => {
            if hello.era == Era::Legacy {
                talk.link.settled(SETTLE).await;
            }
            Ok(Shaken {
                link: talk.link,
                hello,
                next_id: talk.next_id,
                deadline,
            })
        }
        Err(refusal) => Err(talk.give_up(refusal).await),
    }
}

/// A link during its handshake.
struct Talk<'a> {
    link: Link,
    early: &'a mut Early,
    deadline: Instant,
    started: Instant,
    next_id: i64,
}

/// An error instead of an answer.
struct Refused {
    code: i64,
    words: String,
    /// The revisions that the server says it speaks, where that is why.
    speaks: Vec<String>,
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
    fn legacy(&self) -> Option<&'static str> {
        let spoken = |revision: &&&str| self.speaks.iter().any(|it| it == *revision);
        convert::LEGACY_REVISIONS.iter().find(spoken).copied()
    }
}

/// What came for the handshake.
enum Heard {
    Result(i64, Value),
    Error(i64, Refused),
    /// Something that is no answer: for a server that is asked, a sign that it does not understand.
    Nonsense(String),
    /// The time set for this is over.
    Silence,
}

impl Talk<'_> {
    fn ask(&mut self, message: impl FnOnce(i64) -> Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.link.send(Some(id), message(id), Gate::default());
        id
    }

    /// The next thing that matters for a handshake, until a moment.
    async fn hear(&mut self, until: Instant) -> Result<Heard, Refusal> {
        loop {
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
                Some(Inbound::Message(message)) => {
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

    fn tell(&self, message: Value) {
        let _not_queued = self.link.send(None, message, Gate::default());
    }

    fn message(&mut self, message: &Value) -> Option<Heard> {
        let id = message.get("id").and_then(stdio::id_of);
        match (message.get("result"), message.get("error")) {
            (Some(result), _) => Some(Heard::Result(id?, result.clone())),
            (None, Some(error)) => {
                let refused = Refused::read(error);
                // A server that could not read the id cannot repeat it; there is one question at a time that it can mean.
                Some(Heard::Error(id.unwrap_or(self.next_id - 1), refused))
            }
            (None, None) => None,
        }
    }

    async fn initialize(&mut self, revision: &str) -> Result<Hello, Refusal> {
        let id = self.ask(|id| messages::initialize(id, revision));
        loop {
            match self.hear(self.deadline).await? {
                Heard::Result(of, result) if of == id => return self.initialized(&result),
                Heard::Error(of, error) if of == id => {
                    return Err(Refusal::TryFresh(self.refused("initialize", &error)));
                }
                Heard::Result(..) | Heard::Error(..) => {}
                // Noise before the answer is borne; it is shown when there never is one.
                Heard::Nonsense(line) => self.link.notes.stray(&line),
                Heard::Silence => return Err(Refusal::Final(self.timed_out())),
            }
        }
    }

    fn initialized(&mut self, result: &Value) -> Result<Hello, Refusal> {
        let hello = convert::initialize_result(result)
            .map_err(|why| Refusal::TryFresh(self.protocol(why)))?;
        if hello.revision.as_str() >= messages::MODERN {
            let why = format!(
                "the server answered initialize with revision {}, which has no initialize",
                hello.revision
            );
            return Err(Refusal::TryFresh(self.protocol(why)));
        }
        self.link
            .send(None, messages::initialized(), Gate::default());
        Ok(hello)
    }

    /// `server/discover` alone. When there is another way it gets half of the time: a server that never answers what it does not
    /// know may well answer `initialize`.
    async fn discover(&mut self, has_another_way: bool) -> Result<Hello, Refusal> {
        let id = self.ask(messages::discover);
        let left = self.deadline.saturating_duration_since(Instant::now());
        let until = match has_another_way {
            true => self.deadline - left / 2,
            false => self.deadline,
        };
        loop {
            match self.hear(until).await? {
                Heard::Result(of, result) if of == id => {
                    return convert::discover_result(&result, messages::MODERN)
                        .map_err(|why| Refusal::TryFresh(self.protocol(why)));
                }
                Heard::Error(of, error) if of == id && error.speaks.is_empty() => {
                    let failure = self.refused("server/discover", &error);
                    return Err(Refusal::TryFresh(failure));
                }
                Heard::Error(of, error) if of == id => {
                    return self.other_revision(&error, has_another_way).await;
                }
                Heard::Result(..) | Heard::Error(..) => {}
                Heard::Nonsense(line) => self.link.notes.stray(&line),
                Heard::Silence if has_another_way => {
                    return Err(Refusal::TryFresh(self.timed_out()));
                }
                Heard::Silence => return Err(Refusal::Final(self.timed_out())),
            }
        }
    }

    /// `server/discover`, then `initialize` in the same process.
    async fn both(&mut self) -> Result<Hello, Refusal> {
        let discover = self.ask(messages::discover);
        let until = self.deadline.min(Instant::now() + PATIENCE);
        let unanswered = loop {
            match self.hear(until).await? {
                Heard::Result(of, result) if of == discover => {
                    return convert::discover_result(&result, messages::MODERN)
                        .map_err(|why| Refusal::TryFresh(self.protocol(why)));
                }
                Heard::Result(..) => {}
                Heard::Nonsense(line) => {
                    let why = format!("the server answered with {}", convert::excerpt(&line));
                    return Err(Refusal::TryFresh(self.protocol(why)));
                }
                Heard::Error(of, error) if of == discover && !error.speaks.is_empty() => {
                    return self.other_revision(&error, true).await;
                }
                Heard::Error(..) => break false,
                Heard::Silence => break true,
            }
        };
        self.initialize_after(discover, unanswered).await
    }

    /// The server has said which revisions it speaks instead: one with `initialize`, or none that is known here.
    async fn other_revision(&mut self, error: &Refused, may: bool) -> Result<Hello, Refusal> {
        if let Some(revision) = error.legacy().filter(|_| may) {
            return self.initialize(revision).await;
        }
        let speaks = error.speaks.join(", ");
        let why = format!(
            "the server does not speak {} but {}",
            messages::MODERN,
            convert::excerpt(&speaks)
        );
        let mut failure = self.protocol(why);
        failure.hint = error
            .legacy()
            .map(|_| "set `protocol = \"auto\"` for this server".to_owned());
        Err(Refusal::Final(failure))
    }

    /// `initialize` behind a question that was refused, or that is still `unanswered`.
    async fn initialize_after(
        &mut self,
        discover: i64,
        mut unanswered: bool,
    ) -> Result<Hello, Refusal> {
        let initialize = self.ask(|id| messages::initialize(id, messages::LEGACY));
        let mut modern = None;
        let mut refused: Option<Box<Failure>> = None;
        let mut until = self.deadline;
        loop {
            match self.hear(until).await? {
                Heard::Result(of, result) if of == initialize => return self.initialized(&result),
                Heard::Error(of, error) if of == initialize => {
                    refused = Some(self.refused("initialize", &error));
                    until = self.deadline.min(Instant::now() + PATIENCE);
                }
                // The late answer of a slow starter.
                Heard::Result(of, result) if of == discover => {
                    modern = convert::discover_result(&result, messages::MODERN).ok();
                    unanswered = false;
                }
                Heard::Error(of, ..) if of == discover => unanswered = false,
                Heard::Result(..) | Heard::Error(..) => {}
                Heard::Nonsense(line) => self.link.notes.stray(&line),
                Heard::Silence => {
                    let failure = refused.take();
                    return Err(
                        failure.map_or_else(|| Refusal::Final(self.timed_out()), Refusal::TryFresh)
                    );
                }
            }
            (modern, refused) = match (modern, refused) {
                (Some(hello), Some(_)) => return Ok(hello),
                (None, Some(failure)) if !unanswered => return Err(Refusal::TryFresh(failure)),
                undecided => undecided,
            };
        }
    }

    fn refused(&self, method: &str, error: &Refused) -> Box<Failure> {
        self.protocol(format!(
            "the server refused {method} with error {}: {}",
            error.code,
            convert::excerpt(&error.words)
        ))
    }

    fn protocol(&self, why: String) -> Box<Failure> {
        Box::new(self.with_stray(Failure::new(FailureKind::Protocol, why)))
    }

    fn timed_out(&self) -> Box<Failure> {
        let seconds = self.started.elapsed().as_secs_f64();
        Box::new(Failure {
            hint: Some(
                "raise `startup_timeout_sec` for a slow starter, or set `protocol = \"legacy\"` when it hangs on its first message"
                    .to_owned(),
            ),
            ..self.with_stray(Failure::new(
                FailureKind::Timeout,
                format!("the server did not answer within {seconds:.1} s"),
            ))
        })
    }

    fn with_stray(&self, mut failure: Failure) -> Failure {
        failure.stdout_line = self.link.notes.last_stray();
        self.link.notes.dress(failure)
    }

    /// Ends the link. A child that went on living gets a moment, so that two do not run side by side for long; what it still
    /// says on stderr belongs to the failure.
    async fn give_up(mut self, refusal: Refusal) -> Refusal {
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
