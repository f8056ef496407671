//! What servers ask: put to the person, answered by what was said before, or declined.
//!
//! Pure. Nothing is granted by itself. Each question is answered exactly once, unless the server withdraws it or its connection
//! ends: then it is gone, and an answer that comes late goes nowhere.

mod answers;
mod reply;
mod roots;
mod sampling;
mod writing;

use crate::host::effect::Effect;
use crate::host::question::{About, Answer, Question};
use crate::host::server::Server;
use crate::host::state::Host;
use crate::ids::{AskId, CallId, Generation, Moment, ServerName};
use crate::mcp::ask::{Ask, Reply};

pub use answers::Answers;

/// Questions of one server that may wait at a time: a server that asks more is told no.
const WAITING: usize = 16;

/// A server's question, by the numbers that tell it from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::host) struct Asker {
    pub server: ServerName,
    pub generation: Generation,
    pub ask: AskId,
    /// The call that waits for it, where that is known.
    pub call: Option<CallId>,
}

impl Asker {
    fn effect(self, reply: Reply) -> Vec<Effect> {
        vec![Effect::Reply {
            server: self.server,
            generation: self.generation,
            ask: self.ask,
            reply,
        }]
    }
}

impl Host {
    /// A server asks something.
    pub(in crate::host) fn asked(&mut self, from: Asker, what: Ask, now: Moment) -> Vec<Effect> {
        let open = self.open_asks();
        let is_same = |asker: &Asker| {
            asker.server == from.server
                && asker.generation == from.generation
                && asker.ask == from.ask
        };
        let twice = open.iter().any(is_same);
        // The number is the connection's own; one that comes twice is the same question.
        if twice {
            return Vec::new();
        }
        let waiting = open.iter().filter(|asker| asker.server == from.server);
        if waiting.count() >= WAITING {
            return from.effect(reply::busy(&what));
        }
        match &what {
            Ask::Roots => self.asked_for_roots(from, what, now),
            Ask::Sampling(_) => self.asked_to_write(from, what, now),
            Ask::Form { .. } | Ask::Url { .. } if self.settings.headless => {
                let reply = self.answer_by_flag(&from.server, &what);
                from.effect(reply)
            }
            Ask::Form { .. } | Ask::Url { .. } => self.put(from, what, now),
        }
    }

    /// Puts a question to the person.
    fn put(&mut self, from: Asker, what: Ask, now: Moment) -> Vec<Effect> {
        self.book.question = self.book.question.next();
        self.questions.push_back(Question {
            id: self.book.question,
            about: About::Server {
                server: from.server,
                generation: from.generation,
                ask: from.ask,
                call: from.call,
                what,
            },
            since: now,
        });
        Vec::new()
    }

    /// Everything of servers that has no answer yet: questions that wait and texts that are being written.
    pub(in crate::host) fn open_asks(&self) -> Vec<Asker> {
        let questions = self
            .questions
            .iter()
            .filter_map(|asked| asker(&asked.about));
        let writing = self.samplings.iter().map(|sampled| sampled.asker());
        questions.chain(writing).collect()
    }

    /// The server no longer waits.
    pub(in crate::host) fn ask_withdrawn(
        &mut self,
        server: &ServerName,
        from: Generation,
        ask: AskId,
    ) -> Vec<Effect> {
        self.drop_asks(|asker| {
            &asker.server == server && asker.generation == from && asker.ask == ask
        })
    }

    /// A connection has ended: nobody waits there any more.
    pub(in crate::host) fn asks_ended(
        &mut self,
        server: &ServerName,
        from: Generation,
    ) -> Vec<Effect> {
        self.drop_asks(|asker| &asker.server == server && asker.generation == from)
    }

    /// Forgets questions without an answer; what is being written for them is given up.
    fn drop_asks(&mut self, gone: impl Fn(&Asker) -> bool) -> Vec<Effect> {
        self.questions
            .retain(|asked| asker(&asked.about).is_none_or(|asker| !gone(&asker)));
        let (gone, stay) = std::mem::take(&mut self.samplings)
            .into_iter()
            .partition(|sampled| gone(&sampled.asker()));
        self.samplings = stay;
        let abort = |sampled: super::state::SamplingState| Effect::AbortModel {
            stream: sampled.stream,
        };
        let gone: Vec<_> = gone;
        gone.into_iter().map(abort).collect()
    }

    /// Calls are over: whatever their servers still ask for them is answered with "cancelled".
    pub(in crate::host) fn asks_of_calls_over(
        &mut self,
        over: impl Fn(CallId) -> bool,
    ) -> Vec<Effect> {
        let is_over = |asker: &Asker| asker.call.is_some_and(&over);
        let mut effects = Vec::new();
        for asked in &self.questions {
            if let (Some(asker), About::Server { what, .. }) = (asker(&asked.about), &asked.about)
                && is_over(&asker)
            {
                effects.extend(asker.effect(reply::cancelled(what)));
            }
        }
        for sampled in &self.samplings {
            if is_over(&sampled.asker()) {
                effects.extend(sampled.asker().effect(reply::no_more_writing()));
            }
        }
        effects.extend(self.drop_asks(is_over));
        effects
    }

    /// The person has answered a server's question. One that does not fit leaves the question where it was.
    pub(in crate::host) fn answer_server(
        &mut self,
        question: Question,
        place: usize,
        answer: Answer,
        now: Moment,
    ) -> Vec<Effect> {
        let About::Server { what, .. } = &question.about else {
            return Vec::new();
        };
        let Some(from) = asker(&question.about) else {
            return Vec::new();
        };
        let yes = matches!(answer, Answer::Once | Answer::Session | Answer::Always);
        match (what, answer) {
            (what, Answer::No { .. }) => from.effect(reply::no(what)),
            (what, Answer::Dismissed) => from.effect(reply::cancelled(what)),
            (Ask::Url { .. }, _) => {
                self.visiting(&from);
                from.effect(reply::accepted())
            }
            (Ask::Sampling(what), answer) if yes => {
                if answer != Answer::Once {
                    self.book.writes_for.insert(from.server.clone());
                }
                self.write(from, what.as_ref().clone(), true, now)
            }
            (Ask::Form { schema, .. }, answer) => {
                // "Yes" to a form is what it says by itself.
                let filled = match answer {
                    Answer::Filled { value } => super::form::check(schema, &value),
                    _ => super::form::fill(schema, &serde_json::Value::Null),
                };
                match filled {
                    Ok(content) => from.effect(reply::filled(content)),
                    Err(wrong) => {
                        let why = super::form::sentence(&wrong);
                        self.hold(question, place, why)
                    }
                }
            }
            (Ask::Roots, Answer::Filled { value }) => match roots::read(&value) {
                Ok(roots) => self.roots_answered(from, roots),
                Err(why) => self.hold(question, place, why),
            },
            // A bare "yes" names no folder, and nothing can be filled in for what is to be written.
            (Ask::Roots | Ask::Sampling(_), _) => from.effect(reply::no(what)),
        }
    }

    /// Puts a question back where it was, and says why.
    fn hold(&mut self, question: Question, place: usize, why: String) -> Vec<Effect> {
        let who = match &question.about {
            About::Server { server, .. } => server.clone(),
            About::Call { .. } => return Vec::new(),
        };
        self.questions
            .insert(place.min(self.questions.len()), question);
        self.transcript.note(
            crate::agent::transcript::Level::Warning,
            format!("The answer for server `{who}` was not sent: {why}"),
            Some("fill it in anew, or decline".to_owned()),
        );
        Vec::new()
    }
}

/// Who asks, where the question is a server's.
fn asker(about: &About) -> Option<Asker> {
    match about {
        About::Call { .. } => None,
        About::Server {
            server,
            generation,
            ask,
            call,
            ..
        } => Some(Asker {
            server: server.clone(),
            generation: *generation,
            ask: *ask,
            call: *call,
        }),
    }
}

/// The revision that was agreed on; empty before the handshake.
fn revision(server: Option<&Server>) -> &str {
    server
        .and_then(|server| server.hello.as_ref())
        .map_or("", |hello| hello.revision.as_str())
}
