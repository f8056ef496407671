//! The agent inside the host: what the turn machine wants becomes requests, calls and timers.
//!
//! Pure.

use std::collections::{HashMap, VecDeque};

use crate::agent::model::{ModelRequest, ToolOffer, Wishes};
use crate::agent::transcript::{Entry, Level, Note};
use crate::agent::turn::{Change, Desk, StopReason, TurnEffect, TurnState};
use crate::config::ModelMode;
use crate::host::book::Purpose;
use crate::host::effect::Effect;
use crate::host::offer;
use crate::host::state::{Host, ModelState};
use crate::ids::{Moment, ServerName, StreamId, TurnId};
use crate::mcp::tool::Tool;
use crate::text::clean;

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
        self.new_turn();
        let mut effects = self.lists_needed(now);
        let mentions = self.mentions(&text);
        let patience = match mentions.is_empty() {
            true => self.patience(),
            false => Some(self.settings.patience),
        };
        self.expect_attachments(mentions);
        effects.extend(self.turn_step(now, |turn, desk| turn.submit(text, patience, desk)));
        effects.extend(self.attach(now));
        effects
    }

    /// What an earlier turn did does not count any more.
    pub(super) fn new_turn(&mut self) {
        (self.book.repeated, self.book.hushed) = (None, false);
        // Of a turn that was interrupted while it waited.
        self.book.attaching = None;
        self.stopped = None;
    }

    /// How long a turn waits for servers that are still starting or telling what they have; absent when there are none.
    pub(super) fn patience(&self) -> Option<std::time::Duration> {
        (!self.is_gathered()).then_some(self.settings.patience)
    }

    /// Interrupts the model and every call; the conversation stays well formed.
    pub(super) fn interrupt(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = self.abort_compacting();
        effects.extend(self.cancel_calls(now));
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
                TurnEffect::Ask(stream) => effects.push(self.request(stream, now)),
                TurnEffect::Abort(stream) => effects.push(Effect::AbortModel { stream }),
                TurnEffect::Adapt(change, stream) => {
                    effects.push(self.adapt(change, stream, now));
                }
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
        let changes = self.changes();
        let mut desk = Desk {
            transcript: &mut self.transcript,
            limits: &self.settings.limits,
            numbers: &mut self.book.numbers,
            changes,
            now,
        };
        work(&mut self.turn, &mut desk)
    }

    /// What can still be changed about the request of this step.
    fn changes(&self) -> Vec<Change> {
        let by_prompt = self.book.mode == ModelMode::Prompt;
        let can = [
            (Change::Prompt, self.book.mode == ModelMode::Auto),
            (Change::PlainSchemas, !by_prompt && !self.book.plain_schemas),
            (Change::MoreTokens, !self.is_stretched()),
            (Change::Shorter, !self.is_shortened()),
        ];
        let open = can.into_iter().filter(|(_, can)| *can);
        open.map(|(change, _)| change).collect()
    }

    fn this_step(&self) -> Option<(TurnId, u32)> {
        Some((self.turn.id()?, self.turn.step()))
    }

    fn is_stretched(&self) -> bool {
        self.book.stretched.is_some() && self.book.stretched == self.this_step()
    }

    /// Whether this step's request has been made shorter, or there is nothing of which less could be shown.
    fn is_shortened(&self) -> bool {
        let is_done = self.book.shortened.is_some() && self.book.shortened == self.this_step();
        is_done || self.transcript.steps() < 2
    }

    fn turn_ended(&mut self, reason: StopReason) {
        self.stopped = Some(reason);
        if reason == StopReason::Interrupted {
            self.transcript.note(Level::Info, "Interrupted", None);
        }
    }

    /// The request of a step, or first the one for a summary that makes room for it.
    fn request(&mut self, stream: StreamId, now: Moment) -> Effect {
        self.tell();
        // Of thousands of tools this is the dear part: once a request.
        let offers = self.offers_now();
        match self.make_room(stream, &offers, now) {
            Some(summing) => summing,
            None => self.ask_with(stream, offers),
        }
    }

    /// Builds the request of a step.
    pub(super) fn ask_model(&mut self, stream: StreamId) -> Effect {
        self.tell();
        let offers = self.offers_now();
        self.ask_with(stream, offers)
    }

    fn ask_with(&mut self, stream: StreamId, tools: Vec<ToolOffer>) -> Effect {
        let mode = match self.book.mode {
            ModelMode::Auto | ModelMode::Tools => ModelMode::Tools,
            ModelMode::Prompt => ModelMode::Prompt,
        };
        let request = ModelRequest {
            messages: self.messages(),
            tools,
            mode,
            plain_schemas: self.book.plain_schemas,
            more_tokens: self.is_stretched(),
            wishes: Wishes::default(),
        };
        Effect::StreamModel { stream, request }
    }

    /// Makes the request otherwise, for this step or from now on, and says so where that changes what the model can do.
    fn adapt(&mut self, change: Change, stream: StreamId, now: Moment) -> Effect {
        let text = match change {
            Change::Prompt => {
                self.book.mode = ModelMode::Prompt;
                "The endpoint takes no tools for this model; they are described in the prompt instead"
            }
            Change::PlainSchemas => {
                self.book.plain_schemas = true;
                "The endpoint refused a tool's schema; the tools are offered with plain schemas"
            }
            Change::MoreTokens => {
                self.book.stretched = self.this_step();
                return self.request(stream, now);
            }
            Change::Shorter => {
                self.book.shortened = self.this_step();
                let summing = self.shorten(stream, now);
                return summing.unwrap_or_else(|| self.ask_model(stream));
            }
        };
        let note = Note {
            level: Level::Info,
            text: text.to_owned(),
            hint: None,
        };
        self.transcript.before_answer(Entry::Note(note));
        self.request(stream, now)
    }

    pub(super) fn offers(&self) -> Vec<ToolOffer> {
        let tools: HashMap<(&ServerName, &str), &Tool> = self
            .servers
            .iter()
            .flat_map(|server| {
                // The first of a name is the one that counts, as everywhere.
                let tools = server.tools.iter().rev();
                tools.map(|tool| ((&server.name, tool.name.as_str()), tool))
            })
            .collect();
        let offer = |entry: &crate::mcp::catalog::CatalogEntry| {
            let server = self.server(&entry.server)?;
            let tool = tools.get(&(&entry.server, entry.tool.as_str()))?;
            if server.held.contains_key(&entry.tool) {
                return None;
            }
            let description = tool.description.as_deref().map(clean::unhidden);
            Some(ToolOffer {
                name: entry.name.clone(),
                description: description.unwrap_or_else(|| NO_DESCRIPTION.to_owned()),
                schema: offer::readable(&tool.input_schema),
            })
        };
        self.book
            .catalog
            .entries()
            .iter()
            .filter_map(offer)
            .chain(self.own_offers())
            .collect()
    }

    pub(super) fn instructions(&self) -> Vec<(String, String)> {
        let words = |server: &crate::host::server::Server| {
            let words = server.hello.as_ref()?.instructions.as_deref();
            let words = clean::unhidden(words?);
            server
                .status
                .is_ready()
                .then(|| (server.name.to_string(), words))
        };
        self.servers.iter().filter_map(words).collect()
    }
}
