//! The agent inside the host: what the turn machine wants becomes requests, calls and timers.
//!
//! Pure.

use std::collections::VecDeque;

use crate::agent::model::{ModelErrorKind, ModelRequest, ToolOffer};
use crate::agent::prompt;
use crate::agent::transcript::Level;
use crate::agent::turn::{Desk, StopReason, TurnEffect, TurnState};
use crate::config::ModelMode;
use crate::host::book::Purpose;
use crate::host::effect::Effect;
use crate::host::outcome;
use crate::host::state::{Host, ModelState};
use crate::ids::{Moment, StreamId};

/// What a tool without a description is described as.
const NO_DESCRIPTION: &str = "(the server gives no description)";

impl Host {
    /// The person has spoken to the model.
    pub(super) fn submit(&mut self, text: String, now: Moment) -> Vec<Effect> {
        if self.is_busy() || text.trim().is_empty() {
            return Vec::new();
        }
        if !matches!(self.model, ModelState::Ready { .. }) {
            return self.submit_offline(text, now);
        }
        (self.book.repeated, self.book.hushed) = (None, false);
        self.stopped = None;
        let is_waiting = self
            .servers
            .iter()
            .any(|server| !server.status.is_settled());
        let patience = is_waiting.then_some(self.settings.patience);
        self.turn_step(now, |turn, desk| turn.submit(text, patience, desk))
    }

    /// Interrupts the model and every call; the conversation stays well formed.
    pub(super) fn interrupt(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = self.cancel_calls(now);
        effects.extend(self.turn_step(now, |turn, desk| turn.interrupt(desk)));
        effects
    }

    /// Lets the turn machine take one step and carries out what it wants, until it wants nothing more.
    pub(super) fn turn_step(
        &mut self,
        now: Moment,
        step: impl FnOnce(&mut TurnState, &mut Desk) -> Vec<TurnEffect>,
    ) -> Vec<Effect> {
        let mut wanted: VecDeque<TurnEffect> = self.at_desk(now, step).into();
        let mut effects = Vec::new();
        while let Some(next) = wanted.pop_front() {
            match next {
                TurnEffect::Ask(stream) => effects.push(self.request(stream)),
                TurnEffect::Abort(stream) => effects.push(Effect::AbortModel { stream }),
                TurnEffect::Adapt(kind, stream) => effects.push(self.adapt(kind, stream)),
                TurnEffect::Ended(reason) => self.turn_ended(reason),
                TurnEffect::Wait(timer, after) => {
                    self.book.timers.insert(timer, Purpose::Turn);
                    effects.push(Effect::SetTimer { timer, after });
                }
                TurnEffect::Propose(calls) => {
                    let is_last = self.book.hushed;
                    let turn = self.turn.id().unwrap_or_default();
                    let (all, open, sent) = self.propose(turn, calls, now);
                    effects.extend(sent);
                    wanted.extend(
                        self.at_desk(now, |turn, desk| turn.proposed(all, open, is_last, desk)),
                    );
                }
            }
        }
        effects
    }

    fn at_desk<T>(&mut self, now: Moment, work: impl FnOnce(&mut TurnState, &mut Desk) -> T) -> T {
        let mut desk = Desk {
            transcript: &mut self.transcript,
            limits: &self.settings.limits,
            numbers: &mut self.book.numbers,
            now,
        };
        work(&mut self.turn, &mut desk)
    }

    fn turn_ended(&mut self, reason: StopReason) {
        self.stopped = Some(reason);
        if reason == StopReason::Interrupted {
            self.transcript.note(Level::Info, "Interrupted", None);
        }
    }

    /// Builds the request of a step.
    fn request(&mut self, stream: StreamId) -> Effect {
        self.tell();
        let limit = self.settings.limits.result_tokens;
        let system = prompt::system(&self.instructions());
        let record = |id| self.call(id).and_then(|call| outcome::record(call, limit));
        let messages = prompt::messages(system, &self.transcript, record);
        let mode = match self.book.mode {
            ModelMode::Auto | ModelMode::Tools => ModelMode::Tools,
            ModelMode::Prompt => ModelMode::Prompt,
        };
        let tools = if self.book.hushed {
            Vec::new()
        } else {
            self.offers()
        };
        let request = ModelRequest {
            messages,
            tools,
            mode,
            plain_schemas: self.book.plain_schemas,
        };
        Effect::StreamModel { stream, request }
    }

    /// The endpoint cannot take tools, or a schema: offers them in another way and says so.
    fn adapt(&mut self, kind: ModelErrorKind, stream: StreamId) -> Effect {
        let text = if kind == ModelErrorKind::SchemaRefused {
            self.book.plain_schemas = true;
            "The endpoint refused a tool's schema; the tools are offered with plain schemas"
        } else {
            self.book.mode = ModelMode::Prompt;
            "The endpoint takes no tools for this model; they are described in the prompt instead"
        };
        self.transcript.note(Level::Info, text, None);
        self.request(stream)
    }

    fn offers(&self) -> Vec<ToolOffer> {
        let offer = |entry: &crate::mcp::catalog::CatalogEntry| {
            let tool = self.server(&entry.server)?.tool(&entry.tool)?;
            let description = tool
                .description
                .clone()
                .unwrap_or_else(|| NO_DESCRIPTION.to_owned());
            Some(ToolOffer {
                name: entry.name.clone(),
                description,
                schema: tool.input_schema.clone(),
            })
        };
        self.book
            .catalog
            .entries()
            .iter()
            .filter_map(offer)
            .collect()
    }

    fn instructions(&self) -> Vec<(String, String)> {
        let words = |server: &crate::host::server::Server| {
            let words = server.hello.as_ref()?.instructions.clone()?;
            server
                .status
                .is_ready()
                .then(|| (server.name.to_string(), words))
        };
        self.servers.iter().filter_map(words).collect()
    }
}
