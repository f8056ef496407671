//! Sampling: our model writes for a server, when the person lets it, within limits, and never from our own conversation.
//!
//! Pure. A stream of its own carries it; the agent's turn goes on beside it. What is written goes to the server alone.

use std::time::Duration;

use crate::agent::model::ModelEvent;
use crate::agent::transcript::Level;
use crate::host::asks::{Asker, reply, revision, writing};
use crate::host::effect::Effect;
use crate::host::state::{Host, ModelState, SamplingState};
use crate::ids::{Moment, ServerName, StreamId};
use crate::mcp::ask::{Ask, Reply, Sampling};

/// Texts for one server within [`MINUTE`], whoever allowed them.
const PER_MINUTE: usize = 10;
/// The window of [`PER_MINUTE`].
const MINUTE: Duration = Duration::from_secs(60);

impl SamplingState {
    pub(super) fn asker(&self) -> Asker {
        Asker {
            server: self.server.clone(),
            generation: self.generation,
            ask: self.ask,
            call: self.call,
        }
    }
}

impl Host {
    pub(super) fn asked_to_write(&mut self, from: Asker, what: Ask, now: Moment) -> Vec<Effect> {
        let Ask::Sampling(wanted) = &what else {
            return Vec::new();
        };
        let hindered = self
            .hindrance(&from.server, now)
            .or_else(|| writing::check(wanted).err());
        if let Some(reply) = hindered {
            return from.effect(reply);
        }
        if self.book.writes_for.contains(&from.server) {
            return self.write(from, wanted.as_ref().clone(), false, now);
        }
        if !self.settings.headless {
            return self.put(from, what, now);
        }
        if self.settings.answers.allows_sampling(&from.server) {
            return self.write(from, wanted.as_ref().clone(), false, now);
        }
        let text = format!(
            "Server `{}` asked our model to write something; it was declined, because nobody can be asked here",
            from.server
        );
        self.transcript.note(Level::Warning, text, None);
        from.effect(reply::no(&what))
    }

    /// Why our model cannot write for this server now.
    fn hindrance(&self, server: &ServerName, now: Moment) -> Option<Reply> {
        if !matches!(self.model, ModelState::Ready { .. }) {
            return Some(reply::error(reply::FAILED, "the client has no model now"));
        }
        let written = self.book.wrote.get(server);
        let recent = written.map_or(0, |moments| {
            let is_recent = |moment: &&Moment| now.since(**moment) < MINUTE;
            moments.iter().filter(is_recent).count()
        });
        (recent >= PER_MINUTE).then(|| {
            let why = format!("the client writes at most {PER_MINUTE} texts a minute for a server");
            reply::error(reply::FAILED, why)
        })
    }

    /// Lets our model write. Where the person was not asked just now, they are told.
    pub(super) fn write(
        &mut self,
        from: Asker,
        wanted: Sampling,
        was_asked: bool,
        now: Moment,
    ) -> Vec<Effect> {
        if let Some(reply) = self.hindrance(&from.server, now) {
            return from.effect(reply);
        }
        let has_tools = revision(self.server(&from.server)) >= writing::TOOLS_SINCE;
        let (request, names) = match writing::request(&wanted, has_tools, &self.book) {
            Ok(made) => made,
            Err(reply) => return from.effect(reply),
        };
        if !was_asked {
            let text = format!("Our model writes something for server `{}`", from.server);
            self.transcript.note(Level::Info, text, None);
        }
        let wrote = self.book.wrote.entry(from.server.clone()).or_default();
        wrote.retain(|moment| now.since(*moment) < MINUTE);
        wrote.push_back(now);
        let stream = self.book.numbers.stream();
        self.samplings.push(SamplingState {
            stream,
            server: from.server,
            generation: from.generation,
            ask: from.ask,
            call: from.call,
            text: String::new(),
            names,
            since: now,
        });
        vec![Effect::StreamModel { stream, request }]
    }

    /// Whether a stream writes for a server.
    pub(in crate::host) fn is_sampling(&self, stream: StreamId) -> bool {
        self.samplings
            .iter()
            .any(|sampled| sampled.stream == stream)
    }

    /// Our model has written more for a server.
    pub(in crate::host) fn sampling_event(
        &mut self,
        stream: StreamId,
        event: ModelEvent,
        now: Moment,
    ) -> Vec<Effect> {
        let at = |sampled: &SamplingState| sampled.stream == stream;
        let Some(place) = self.samplings.iter().position(at) else {
            return Vec::new();
        };
        let reply = match event {
            ModelEvent::Text(delta) => {
                self.samplings[place].text.push_str(&delta);
                return Vec::new();
            }
            ModelEvent::Opened | ModelEvent::Reasoning(_) | ModelEvent::Preparing { .. } => {
                return Vec::new();
            }
            ModelEvent::Done(completion) => {
                let usage = completion.usage.unwrap_or_default();
                self.usage.prompt += usage.prompt;
                self.usage.completion += usage.completion;
                let model = match &self.model {
                    ModelState::Ready { label } => label.model.clone(),
                    ModelState::Searching { .. } | ModelState::Absent { .. } => "unknown".into(),
                };
                writing::result(&self.samplings[place], completion, model)
            }
            ModelEvent::Failed(error) => {
                let why = format!("the client's model failed: {}", error.message);
                reply::error(reply::FAILED, why)
            }
        };
        let sampled = self.samplings.remove(place);
        let words = match &reply {
            Reply::Result { .. } => format!("our model wrote for it: {}", sampled.text),
            Reply::Error { message, .. } => format!("our model wrote nothing for it: {message}"),
        };
        self.log_ours(&sampled.server, words, now);
        sampled.asker().effect(reply)
    }
}
