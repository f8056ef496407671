//! What is asked first and what its answers say: which era a server speaks.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::Refusal;
use super::talk::{Heard, Refused, Talk};
use crate::mcp::connection::messages;
use crate::mcp::convert;
use crate::mcp::failure::Failure;
use crate::mcp::start::StartWord;
use crate::mcp::status::Hello;

/// How long an answer to `server/discover` is awaited before `initialize` is sent as well.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What to do about a revision that nobody knows here.
const WRONG_REVISION: &str =
    "correct `protocolVersion` in the server's answer to initialize, best by an SDK of this year";

impl Talk<'_> {
    pub(super) async fn initialize(&mut self, revision: &str) -> Result<Hello, Refusal> {
        let id = self.ask(|id| messages::initialize(id, revision));
        loop {
            match self.hear(self.deadline).await? {
                Heard::Result(of, result) if of == id => return self.initialized(&result),
                Heard::Error(of, error) if of == id => {
                    return Err(Refusal::TryFresh(self.refused("initialize", &error)));
                }
                Heard::Result(..) | Heard::Error(..) => {}
                // Noise before the answer is borne; it is shown when there never is one.
                Heard::Nonsense(line) => self.link.notes.blame(&line),
                Heard::Silence => return Err(Refusal::Final(self.timed_out())),
            }
        }
    }

    fn initialized(&mut self, result: &Value) -> Result<Hello, Refusal> {
        let hello = convert::initialize_result(result).map_err(|why| {
            let mut failure = self.protocol(why);
            failure.hint = Some(WRONG_REVISION.to_owned());
            Refusal::TryFresh(failure)
        })?;
        if hello.revision.as_str() >= messages::MODERN {
            let why = format!(
                "the server answered initialize with revision {}, which has no initialize",
                hello.revision
            );
            return Err(Refusal::TryFresh(self.protocol(why)));
        }
        self.tell(messages::initialized());
        let told = StartWord::Told("notifications/initialized".to_owned());
        self.words.push(told);
        Ok(hello)
    }

    /// `server/discover` alone. When there is another way it gets half of the time: a server that never answers what it does not
    /// know may well answer `initialize`.
    pub(super) async fn discover(&mut self, has_another_way: bool) -> Result<Hello, Refusal> {
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
                Heard::Nonsense(line) => self.link.notes.blame(&line),
                Heard::Silence if has_another_way => {
                    return Err(Refusal::TryFresh(self.timed_out()));
                }
                Heard::Silence => return Err(Refusal::Final(self.timed_out())),
            }
        }
    }

    /// `server/discover`, then `initialize` in the same process.
    pub(super) async fn both(&mut self) -> Result<Hello, Refusal> {
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
        if error.speaks.iter().any(|it| it == messages::MODERN) {
            return self.once_more().await;
        }
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

    /// The server has refused the revision that it says it speaks: it is taken at its word, once.
    async fn once_more(&mut self) -> Result<Hello, Refusal> {
        let id = self.ask(messages::discover);
        loop {
            match self.hear(self.deadline).await? {
                Heard::Result(of, result) if of == id => {
                    return convert::discover_result(&result, messages::MODERN)
                        .map_err(|why| Refusal::Final(self.protocol(why)));
                }
                Heard::Error(of, error) if of == id => {
                    return Err(Refusal::Final(self.refused("server/discover", &error)));
                }
                Heard::Result(..) | Heard::Error(..) => {}
                Heard::Nonsense(line) => self.link.notes.blame(&line),
                Heard::Silence => return Err(Refusal::Final(self.timed_out())),
            }
        }
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
                Heard::Nonsense(line) => self.link.notes.blame(&line),
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
}
