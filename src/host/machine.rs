//! The doors of the host: made, started, commanded, told. Every arm only hands on.
//!
//! Pure.

use std::collections::VecDeque;

use crate::agent::model::{ModelEvent, Usage};
use crate::agent::transcript::{Level, Transcript};
use crate::agent::turn::TurnState;
use crate::config::{Config, Provider};
use crate::host::book::{Book, Purpose};
use crate::host::command::Command;
use crate::host::effect::Effect;
use crate::host::event::{HostEvent, ModelLabel};
use crate::host::lab::Lab;
use crate::host::server::Server;
use crate::host::servers::Taken;
use crate::host::session::SessionState;
use crate::host::state::{Host, ModelState, Root, Settings};
use crate::ids::{Moment, ServerName, StreamId, TimerId};
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::policy::retry::Dice;
use crate::mcp::status::{Era, Status};

impl Host {
    /// A host that has not started anything yet.
    pub fn new(config: &Config, settings: Settings) -> Self {
        let specs = config.servers.iter().cloned().map(Server::new);
        let broken = config.broken.iter().map(Server::broken);
        let book = Book {
            always: config.allow.clone(),
            taken: Taken::of(config),
            mode: settings.mode,
            dice: Dice::new(settings.seed),
            eras: eras(config, &settings),
            pins: settings.pins.clone(),
            ..Book::default()
        };
        let model = match config.model.provider {
            Provider::None => no_model(),
            Provider::Openai | Provider::Scripted | Provider::Replay => {
                ModelState::Searching { since: Moment(0) }
            }
        };
        Self {
            servers: specs.chain(broken).collect(),
            calls: Vec::new(),
            transcript: Transcript::default(),
            turn: TurnState::Idle,
            errands: VecDeque::new(),
            roots: settings.roots.clone().or_else(|| configured_roots(config)),
            lab: Lab::default(),
            samplings: Vec::new(),
            sign_ins: std::collections::BTreeMap::new(),
            questions: VecDeque::new(),
            session: SessionState::new(settings.keeps_sessions),
            previews: std::collections::BTreeMap::new(),
            model,
            usage: Usage::default(),
            stopped: None,
            settings,
            book,
            compacting: None,
        }
        .with_lists()
    }

    /// Starts every server that is switched on, side by side, and looks for a model.
    pub fn start(&mut self, now: Moment) -> Vec<Effect> {
        self.book.started = true;
        let names: Vec<ServerName> = self
            .servers
            .iter()
            .filter(|server| matches!(server.status, Status::Starting { .. }))
            .map(|server| server.name.clone())
            .collect();
        let mut effects: Vec<Effect> = names.iter().flat_map(|name| self.dial(name, now)).collect();
        if matches!(self.model, ModelState::Searching { .. }) {
            effects.push(Effect::FindModel);
        }
        effects
    }

    /// Does what a front end asks.
    pub fn command(&mut self, command: Command, now: Moment) -> Vec<Effect> {
        let effects = self.obey(command, now);
        self.afterwards(effects, now)
    }

    /// Takes in what the driver reports.
    pub fn handle(&mut self, event: HostEvent, now: Moment) -> Vec<Effect> {
        let is_word = is_word(&event);
        let effects = self.take_in(event, now);
        if is_word {
            return effects;
        }
        self.afterwards(effects, now)
    }

    /// What follows from whatever has changed: lines that move on, judgements of servers, and what is written down, which comes
    /// before anything else is done.
    fn afterwards(&mut self, mut effects: Vec<Effect>, now: Moment) -> Vec<Effect> {
        effects.extend(self.flow(now));
        self.look_after(now);
        let mut effects = self.written_down(effects);
        if let Some(keep) = self.keep_session() {
            effects.insert(0, keep);
        }
        effects
    }

    fn obey(&mut self, command: Command, now: Moment) -> Vec<Effect> {
        match command {
            Command::Submit(text) => self.submit(text, now),
            Command::Interrupt => self.interrupt(now),
            Command::Answer(question, answer) => self.answer(question, answer, now),
            Command::Call {
                server,
                tool,
                arguments,
            } => self.call_by_hand(&server, &tool, &arguments, now),
            Command::Afresh(call) => self.call_afresh(call, now),
            Command::ClearCache(server) => self.clear_cache(server.as_ref(), now),
            Command::Look => self.lists_needed(now),
            Command::Compact(words) => self.compact(&words, now),
            Command::Read { server, uri } => self.read_by_hand(&server, &uri, now),
            Command::GetPrompt {
                server,
                prompt,
                arguments,
                send,
            } => self.prompt_by_hand(&server, &prompt, &arguments, send, now),
            Command::Errand { server, what } => self.errand(&server, what),
            Command::SetRoots(roots) => self.set_roots(roots),
            Command::SignIn(server) => self.sign_in(server),
            Command::FinishSignIn { server, redirect } => self.finish_sign_in(server, redirect),
            Command::Lab(command) => self.lab_command(command, now),
            Command::AbortSignIn(server) => {
                self.sign_ins.remove(&server);
                vec![Effect::AbortSignIn { server }]
            }
            Command::SignOut(server) => self.sign_out(server),
            Command::AcceptTools { server, tools } => {
                self.accept_tools(&server, tools.as_deref(), true)
            }
            Command::Restart(server) | Command::Enable(server) => self.restart(&server, now),
            Command::Disable(server) => self.disable(&server, now),
            Command::Session(command) => self.session_command(command),
            Command::Clear => self.clear(now),
            Command::FindModel => self.find_model(now),
            Command::Probe(server) => self.probe_now(&server, now),
            Command::ListUndeclared(server) => self.list_undeclared(&server),
        }
    }

    fn take_in(&mut self, event: HostEvent, now: Moment) -> Vec<Effect> {
        match event {
            HostEvent::Server {
                server,
                generation,
                event,
            } => self.server_event(&server, generation, event, now),
            HostEvent::Model { stream, event } => self.model_event(stream, event, now),
            HostEvent::SignIn { server, event } => self.sign_in_event(&server, event, now),
            HostEvent::Session(event) => self.session_event(event, now),
            HostEvent::Timer(timer) => self.timer(timer, now),
            HostEvent::Woke { .. } => self.woke(now),
            HostEvent::ModelFound(found) => self.model_found(found),
            HostEvent::SaveFailed { call, why } => {
                self.save_failed(call, why);
                Vec::new()
            }
        }
    }

    fn timer(&mut self, timer: TimerId, now: Moment) -> Vec<Effect> {
        match self.book.timers.remove(&timer) {
            Some(Purpose::Turn) => match self.attach_at_last(timer, now) {
                Some(effects) => effects,
                None => self.turn_step(now, |turn, desk| turn.timer(timer, desk)),
            },
            Some(Purpose::Redial(server, generation)) => self.redial(&server, generation, now),
            Some(Purpose::Probe(server, generation)) => self.probe(&server, generation, now),
            Some(Purpose::Line(server)) => {
                self.book.line_wakes.remove(&server);
                Vec::new()
            }
            Some(Purpose::Breaker(server)) => self.probe_circuit(&server, now),
            Some(Purpose::List(server, from, kind)) => self.list_again(&server, from, kind, now),
            Some(Purpose::Preview(call)) => self.looked_too_long(call, now),
            Some(Purpose::Adrift(call)) => self.adrift_too_long(call, now),
            None => Vec::new(),
        }
    }

    fn model_event(&mut self, stream: StreamId, event: ModelEvent, now: Moment) -> Vec<Effect> {
        if self.is_compacting(stream) {
            return self.compacting_event(event);
        }
        if self.is_sampling(stream) {
            return self.sampling_event(stream, event, now);
        }
        let is_current = matches!(&self.turn, TurnState::Streaming { stream: current, .. } if *current == stream);
        if let (true, ModelEvent::Done(completion)) = (is_current, &event) {
            let usage = completion.usage.unwrap_or_default();
            self.usage.prompt += usage.prompt;
            self.usage.completion += usage.completion;
        }
        self.turn_step(now, |turn, desk| turn.model(stream, event, desk))
    }

    fn model_found(&mut self, found: Result<ModelLabel, String>) -> Vec<Effect> {
        match found {
            Ok(label) => {
                for note in &label.notes {
                    // A conversation that is gone on with has heard it.
                    if !self.transcript.has_note(note) {
                        self.transcript.note(Level::Info, note.clone(), None);
                    }
                }
                // What another endpoint could not take says nothing of this one.
                (self.book.mode, self.book.plain_schemas) = (self.settings.mode, false);
                self.book.narrowed = None;
                self.model = ModelState::Ready { label };
            }
            Err(why) => self.model = ModelState::Absent { why },
        }
        Vec::new()
    }

    fn find_model(&mut self, now: Moment) -> Vec<Effect> {
        if self.is_busy() {
            return Vec::new();
        }
        self.model = ModelState::Searching { since: now };
        vec![Effect::FindModel]
    }

    fn clear(&mut self, now: Moment) -> Vec<Effect> {
        let mut effects = self.interrupt(now);
        effects.extend(self.next_session());
        effects
    }
}

/// No model is wanted.
pub(super) fn no_model() -> ModelState {
    let why = "switched off by provider = \"none\"; without that line in [model] one is looked for";
    ModelState::Absent {
        why: why.to_owned(),
    }
}

/// Whether an event is one of the many that change nothing about how a server is.
fn is_word(event: &HostEvent) -> bool {
    match event {
        HostEvent::Model { event, .. } => {
            !matches!(event, ModelEvent::Done(_) | ModelEvent::Failed(_))
        }
        HostEvent::Server { event, .. } => matches!(
            event,
            ServerEvent::Log { .. }
                | ServerEvent::Start(_)
                | ServerEvent::Stray { .. }
                | ServerEvent::ResourceUpdated { .. }
                | ServerEvent::Call(_, CallEvent::Progress(_))
        ),
        _ => false,
    }
}

/// The folders that the configuration names for all servers.
pub(super) fn configured_roots(config: &Config) -> Option<Vec<Root>> {
    let paths = config.roots.as_ref()?;
    Some(paths.iter().filter_map(|path| Root::of(path)).collect())
}

/// The eras that are remembered of servers which are still started or reached in the same way.
fn eras(config: &Config, settings: &Settings) -> std::collections::BTreeMap<ServerName, Era> {
    let known = |spec: &crate::config::ServerSpec| {
        let kept = settings.eras.get(&spec.name)?;
        kept.is_of(&spec.launch)
            .then(|| (spec.name.clone(), kept.era))
    };
    config.servers.iter().filter_map(known).collect()
}
