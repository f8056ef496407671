//! Any order of events and commands keeps the host's promises, and a written journal of it plays again to the same state.

use std::collections::{BTreeMap, BTreeSet};

use mcpdeck::agent::model::{Finish, ModelCall, ModelErrorKind, ModelEvent};
use mcpdeck::agent::transcript::Entry;
use mcpdeck::config::Config;
use mcpdeck::host::session::{Reading, Record, SessionWrite};
use mcpdeck::host::{
    About, Answer, AuditRecord, CallEnd, CallState, Command, Effect, Host, HostEvent, Keep,
    ModelLabel, Origin, Root, Saving, Server, Settings, ToolCall, TurnState,
};
use mcpdeck::ids::{AskId, CallId, ErrandId, Generation, Moment, QuestionId, StreamId, TimerId};
use mcpdeck::mcp::ask::{Ask, Sampling, SamplingMessage};
use mcpdeck::mcp::event::{CallEvent, Progress, ServerEvent, Task};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::listing::Listed;
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind};
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::status::Status;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::stage::{
    answered, assert_well_formed, bundled, call, config, done, ended, failed, foreign, hello, path,
    tools,
};

pub const SERVERS: [&str; 2] = ["files", "other"];

/// A line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Happening {
    Event(HostEvent),
    Command(Command),
}

/// Something that may happen, with numbers that are read as "one of those that there are".
#[derive(Debug, Clone)]
pub enum Chance {
    Submit,
    Interrupt,
    Clear,
    Answer(u8, Answer),
    Hand(u8, u8),
    Restart(u8),
    Disable(u8),
    FindModel,
    Found(bool),
    Server(u8, bool, ServerEvent),
    Call(u8, bool, CallEvent),
    Model(bool, ModelEvent),
    Propose(Finish, Vec<(u8, u8)>),
    Timer(u8),
    SaveFailed(u8),
    Ask(u8, Option<u8>, Ask),
    Withdraw(u8),
    Written(u8, ModelEvent),
    Prompt(u8, bool),
    Errand(u8, Errand),
    ErrandOver(u8, u8, bool),
    Roots(bool),
    Woke,
}

fn ask() -> impl Strategy<Value = Ask> {
    let schema = json!({"type": "object", "properties": {"x": {"type": "integer", "default": 1}}});
    let text = mcpdeck::mcp::result::Block::Text { text: "x".into() };
    let sampling = Sampling {
        messages: vec![SamplingMessage {
            role: "user".into(),
            content: vec![text],
        }],
        system: None,
        max_tokens: 9,
        temperature: None,
        stop: Vec::new(),
        models: Vec::new(),
        tools: Vec::new(),
        tool_choice: None,
        context: None,
    };
    prop_oneof![
        1 => Just(Ask::Roots),
        2 => Just(Ask::Form { message: "m".into(), schema }),
        1 => Just(Ask::Url { message: "m".into(), url: "https://example.org".into(), id: None }),
        3 => Just(Ask::Sampling(Box::new(sampling))),
    ]
}

fn errand() -> impl Strategy<Value = Errand> {
    prop_oneof![
        Just(Errand::Subscribe { uri: "a".into() }),
        Just(Errand::Unsubscribe { uri: "a".into() }),
        Just(Errand::Raw { frame: "42".into() }),
        Just(Errand::SetLogLevel {
            level: "info".into()
        }),
    ]
}

fn server_event() -> impl Strategy<Value = ServerEvent> {
    prop_oneof![
        6 => Just(hello()),
        8 => Just(ServerEvent::Listed(Listed::Tools(tools()))),
        1 => Just(ServerEvent::ListFailed(ListKind::Tools, "no".into())),
        1 => Just(ServerEvent::Changed(ListKind::Tools)),
        1 => Just(ServerEvent::Probed { millis: Some(3) }),
        1 => Just(ServerEvent::Probed { millis: None }),
        1 => Just(ServerEvent::Log { level: "info".into(), text: "x".into() }),
        1 => prop_oneof![Just(FailureKind::Exited), Just(FailureKind::Spawn)].prop_map(ended),
    ]
}

fn said() -> CallOutcome {
    let block = mcpdeck::mcp::result::Block::Text { text: "hi".into() };
    let said = mcpdeck::mcp::result::Block::Said {
        role: "user".into(),
        block: Box::new(block),
    };
    CallOutcome::Answered {
        result: mcpdeck::mcp::result::ToolResult {
            content: vec![said],
            ..Default::default()
        }
        .into(),
    }
}

fn call_event() -> impl Strategy<Value = CallEvent> {
    let progress = Progress {
        done: 0.1,
        total: Some(0.3),
        message: None,
    };
    prop_oneof![
        1 => Just(CallEvent::Sent { request_id: "1".into() }),
        1 => Just(CallEvent::Progress(progress)),
        2 => Just(CallEvent::Task(Task { id: "t".into(), status: "working".into(), message: None })),
        4 => prop_oneof![
            Just(answered("fine")),
            Just(answered(&"long ".repeat(200))),
            Just(CallOutcome::Lost { why: "gone".into() }),
            Just(CallOutcome::Cancelled),
            Just(said()),
        ].prop_map(CallEvent::Finished),
    ]
}

fn model_event() -> impl Strategy<Value = ModelEvent> {
    let kinds = [
        ModelErrorKind::Server,
        ModelErrorKind::Cut,
        ModelErrorKind::ToolsUnsupported,
        ModelErrorKind::SchemaRefused,
        ModelErrorKind::Key,
    ];
    prop_oneof![
        1 => Just(ModelEvent::Opened),
        2 => Just(ModelEvent::Text("word ".into())),
        1 => Just(ModelEvent::Reasoning("hm ".into())),
        1 => Just(ModelEvent::Preparing { name: "files__read".into(), bytes: 3 }),
        1 => Just(done(Finish::Stop, vec![])),
        3 => proptest::sample::select(kinds.to_vec()).prop_map(|kind| failed(kind, None)),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let reason = Some("rather not".to_owned());
    prop_oneof![
        Just(Answer::Once),
        Just(Answer::Session),
        Just(Answer::Always),
        Just(Answer::No { reason: None }),
        Just(Answer::No { reason }),
        Just(Answer::Dismissed),
        Just(Answer::Filled {
            value: json!({"x": 1})
        }),
        Just(Answer::Filled {
            value: json!(["/tmp"])
        }),
    ]
}

pub fn chance() -> impl Strategy<Value = Chance> {
    let finish = prop_oneof![4 => Just(Finish::Stop), 1 => Just(Finish::Length), 1 => Just(Finish::Filtered)];
    let fresh = || prop::bool::weighted(0.85);
    prop_oneof![
        8 => Just(Chance::Submit),
        2 => Just(Chance::Interrupt),
        1 => Just(Chance::Clear),
        4 => (any::<u8>(), answer()).prop_map(|(n, answer)| Chance::Answer(n, answer)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(n, m)| Chance::Hand(n, m)),
        3 => any::<u8>().prop_map(Chance::Restart),
        1 => any::<u8>().prop_map(Chance::Disable),
        1 => Just(Chance::FindModel),
        4 => prop::bool::weighted(0.9).prop_map(Chance::Found),
        14 => (any::<u8>(), fresh(), server_event()).prop_map(|(n, fresh, event)| Chance::Server(n, fresh, event)),
        8 => (any::<u8>(), fresh(), call_event()).prop_map(|(n, fresh, event)| Chance::Call(n, fresh, event)),
        5 => (fresh(), model_event()).prop_map(|(fresh, event)| Chance::Model(fresh, event)),
        14 => (finish, prop::collection::vec((0..7u8, 0..3u8), 1..4)).prop_map(|(finish, calls)| Chance::Propose(finish, calls)),
        4 => any::<u8>().prop_map(Chance::Timer),
        1 => any::<u8>().prop_map(Chance::SaveFailed),
        4 => (any::<u8>(), prop::option::of(any::<u8>()), ask()).prop_map(|(n, call, what)| Chance::Ask(n, call, what)),
        1 => any::<u8>().prop_map(Chance::Withdraw),
        3 => (any::<u8>(), model_event()).prop_map(|(n, event)| Chance::Written(n, event)),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(n, send)| Chance::Prompt(n, send)),
        1 => (any::<u8>(), errand()).prop_map(|(n, what)| Chance::Errand(n, what)),
        1 => (any::<u8>(), any::<u8>(), any::<bool>()).prop_map(|(n, m, good)| Chance::ErrandOver(n, m, good)),
        1 => any::<bool>().prop_map(Chance::Roots),
        1 => Just(Chance::Woke),
    ]
}

/// A host under watch.
pub struct Watched {
    pub host: Host,
    pub now: Moment,
    /// Calls by the model so far: their ids are unique.
    written: u32,
    stream: Option<StreamId>,
    last_stream: StreamId,
    /// The newest of all, those for servers among them.
    newest_stream: StreamId,
    /// What our model writes for servers.
    writing: BTreeSet<StreamId>,
    /// Questions of servers so far: every number is used once.
    asks: u64,
    dropped: BTreeSet<(String, Generation, AskId)>,
    asked: BTreeSet<(String, Generation, AskId)>,
    replied: BTreeSet<(String, Generation, AskId)>,
    last_timer: TimerId,
    timers: Vec<TimerId>,
    pub generations: BTreeMap<String, Generation>,
    sent: BTreeSet<CallId>,
    /// What was written down of calls: that one was sent, or (`true`) that it ended.
    records: BTreeSet<(CallId, bool)>,
    pub ends: BTreeMap<CallId, CallEnd>,
    journal: Vec<String>,
    /// What was to be written down of the conversations.
    kept: Vec<SessionWrite>,
}

fn settings() -> (Config, Settings) {
    let mut settings = Settings {
        keeps_sessions: true,
        ..Settings::default()
    };
    settings.limits.result_tokens = 100;
    settings.limits.steps_per_turn = 6;
    let config = config(vec![bundled("files"), foreign("other", &["a"])]);
    (config, settings)
}

impl Watched {
    pub fn new() -> Self {
        let (config, settings) = settings();
        let mut watched = Self {
            host: Host::new(&config, settings),
            now: Moment(0),
            written: 0,
            stream: None,
            last_stream: StreamId(0),
            newest_stream: StreamId(0),
            writing: BTreeSet::new(),
            asks: 0,
            dropped: BTreeSet::new(),
            asked: BTreeSet::new(),
            replied: BTreeSet::new(),
            last_timer: TimerId(0),
            timers: Vec::new(),
            generations: BTreeMap::new(),
            sent: BTreeSet::new(),
            records: BTreeSet::new(),
            ends: BTreeMap::new(),
            journal: Vec::new(),
            kept: Vec::new(),
        };
        let effects = watched.host.start(watched.now);
        watched.check(&effects);
        watched
    }

    /// Finds a model and lets every server come up.
    pub fn warm_up(&mut self) {
        self.take(Chance::Found(true));
        for n in 0..2 {
            self.take(Chance::Server(n, true, hello()));
            self.take(Chance::Server(
                n,
                true,
                ServerEvent::Listed(Listed::Tools(tools())),
            ));
        }
    }

    pub fn happen(&mut self, happening: Happening) {
        self.now = Moment(self.now.0 + 250_000);
        let line = serde_json::to_string(&(self.now, &happening)).expect("a line");
        self.journal.push(line);
        if let Happening::Event(HostEvent::Model { stream, event }) = &happening
            && matches!(event, ModelEvent::Done(_) | ModelEvent::Failed(_))
            && self.stream == Some(*stream)
        {
            self.stream = None;
        }
        if let Happening::Event(HostEvent::Model { stream, event }) = &happening
            && matches!(event, ModelEvent::Done(_) | ModelEvent::Failed(_))
        {
            self.writing.remove(stream);
        }
        self.note_ask(&happening);
        let effects = apply(&mut self.host, happening, self.now);
        self.check(&effects);
    }

    /// Notes what a server asks, and what it asks no longer.
    fn note_ask(&mut self, happening: &Happening) {
        if let Happening::Event(HostEvent::Server {
            server,
            generation,
            event,
        }) = happening
            && let ServerEvent::Asked { ask, .. } = event
        {
            self.asked.insert((server.to_string(), *generation, *ask));
            if !self.is_current(server.as_str(), *generation) {
                self.dropped.insert((server.to_string(), *generation, *ask));
            }
        }
        if let Happening::Event(HostEvent::Server {
            server,
            generation,
            event,
        }) = happening
            && let ServerEvent::AskWithdrawn(ask) = event
        {
            self.dropped.insert((server.to_string(), *generation, *ask));
        }
    }

    fn is_current(&self, server: &str, generation: Generation) -> bool {
        let known = self.host.server(&server.into()).expect("a server");
        let is_open = matches!(known.status, Status::Ready { .. } | Status::Starting { .. });
        known.generation == generation && is_open
    }

    /// The questions that wait for an answer: shown, or being written for.
    fn open_asks(&self) -> BTreeSet<(String, Generation, AskId)> {
        let shown = self
            .host
            .questions
            .iter()
            .filter_map(|asked| match &asked.about {
                About::Server {
                    server,
                    generation,
                    ask,
                    ..
                } => Some((server.to_string(), *generation, *ask)),
                About::Call { .. } => None,
            });
        let writing = self.host.samplings.iter();
        let writing = writing.map(|one| (one.server.to_string(), one.generation, one.ask));
        shown.chain(writing).collect()
    }

    fn check(&mut self, effects: &[Effect]) {
        for effect in effects {
            let text = serde_json::to_string(effect).expect("an effect");
            let again: Effect = serde_json::from_str(&text).expect("the effect again");
            assert_eq!(&again, effect);
            self.check_effect(effect);
        }
        self.check_state();
    }

    fn check_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::StreamModel { stream, request } => {
                assert!(*stream > self.newest_stream);
                self.newest_stream = *stream;
                assert_well_formed(request);
                if self.host.samplings.iter().any(|one| one.stream == *stream) {
                    self.writing.insert(*stream);
                    return;
                }
                assert_eq!(self.stream, None, "two streams of the agent");
                (self.stream, self.last_stream) = (Some(*stream), *stream);
            }
            Effect::AbortModel { stream } => {
                if !self.writing.remove(stream) {
                    assert_eq!(self.stream.take(), Some(*stream));
                }
            }
            Effect::Reply {
                server,
                generation,
                ask,
                ..
            } => {
                let key = (server.to_string(), *generation, *ask);
                assert!(
                    self.asked.contains(&key),
                    "an answer to no question: {key:?}"
                );
                assert!(self.replied.insert(key), "a second answer");
            }
            Effect::FollowTask { call, .. } => {
                let known = self.host.call(*call).expect("a call");
                assert!(known.task.is_some() && self.sent.contains(call));
            }
            Effect::SetTimer { timer, .. } => {
                assert!(*timer > self.last_timer);
                self.last_timer = *timer;
                self.timers.push(*timer);
            }
            Effect::Dial {
                server, generation, ..
            } => {
                let before = self.generations.insert(server.to_string(), *generation);
                assert!(*generation > before.unwrap_or_default());
            }
            Effect::Call {
                call, arguments, ..
            } => {
                let known = self.host.call(*call).expect("a call");
                let may_be_again =
                    (1..=2).contains(&known.resent) && self.host.is_repeatable(known);
                let is_first = self.sent.insert(*call);
                assert!(is_first || may_be_again, "call {call} was sent twice");
                assert_eq!(&known.arguments, arguments);
            }
            Effect::CancelCall { call, .. } => assert!(self.sent.contains(call)),
            Effect::Close { .. }
            | Effect::List { .. }
            | Effect::Probe { .. }
            | Effect::Errand { .. }
            | Effect::TellRoots { .. }
            | Effect::SetFaults { .. }
            | Effect::SignIn { .. }
            | Effect::FinishSignIn { .. }
            | Effect::AbortSignIn { .. }
            | Effect::SignOut { .. }
            | Effect::Session(_)
            | Effect::FindModel => {}
            Effect::Keep(Keep::Audit(record)) => self.recorded(record),
            Effect::Keep(Keep::Session(write)) => self.kept.push(write.clone()),
            Effect::Keep(_) => {}
        }
    }

    /// The record of calls says that a call was sent once, before or when it ended, and how it ended once.
    fn recorded(&mut self, record: &AuditRecord) {
        let call = self.host.call(record.call).expect("a call");
        match &record.end {
            None => assert!(self.records.insert((record.call, false)), "sent twice"),
            Some(end) => {
                assert!(self.records.insert((record.call, true)), "ended twice");
                assert_eq!(end.sent, self.records.contains(&(record.call, false)));
                assert_eq!(call.end().map(CallEnd::word), Some(end.outcome.as_str()));
                assert!(
                    call.ruling.is_some() || end.outcome == "interrupted",
                    "{call:?}"
                );
            }
        }
    }

    /// Nothing is sent or over that is not in the record, and nothing is in it that was not made.
    fn check_record(&self) {
        for call in &self.host.calls {
            let is_over = call.end().is_some();
            assert_eq!(is_over, self.records.contains(&(call.id, true)), "{call:?}");
            if self.sent.contains(&call.id) {
                assert!(self.records.contains(&(call.id, false)), "{call:?}");
            }
        }
        assert!(
            self.records
                .iter()
                .all(|(call, _)| self.host.call(*call).is_some())
        );
    }

    /// At rest, what was written down of this conversation is this conversation, and all its calls are over.
    fn check_kept(&self) {
        if self.host.session.saving == Saving::Nothing {
            return;
        }
        let current = self.kept.last().expect("orders").conversation;
        let ours = self
            .kept
            .iter()
            .filter(|write| write.conversation == current);
        let lines = ours.flat_map(|write| write.lines.clone()).collect();
        let reading = Reading {
            lines,
            ..Reading::default()
        };
        let record = Record::of("x", reading, |moment| moment);
        let words = |entry: &Entry| match entry {
            Entry::User { text, .. } => format!("user {text}"),
            Entry::Assistant(step) => format!("step {} {}", step.calls.len(), step.text),
            Entry::Hand { .. } => "hand".to_owned(),
            Entry::Note(note) => format!("note {}", note.text),
            Entry::Told { text } => format!("told {text}"),
            Entry::Compacted(of) => format!("compacted {} {:?}", of.folded.len(), of.summary),
        };
        let written: Vec<String> = record.entries.iter().map(words).collect();
        let entries = self.host.transcript.entries();
        let said: Vec<String> = entries.iter().map(words).collect();
        assert_eq!(written, said);
        assert!(record.calls.iter().all(|call| call.stage.order() == 3));
        assert!(self.kept.last().expect("orders").sync);
    }

    fn check_state(&mut self) {
        self.check_record();
        let open = self.open_asks();
        assert!(open.is_disjoint(&self.replied), "answered and still open");
        assert!(open.is_subset(&self.asked));
        for (server, generation, ask) in &self.asked {
            let key = (server.clone(), *generation, *ask);
            if open.contains(&key) || self.replied.contains(&key) {
                continue;
            }
            // Neither open nor answered: its connection is gone, or was not the current one, or it was withdrawn.
            assert!(
                self.dropped.contains(&key) || !self.is_current(server, *generation),
                "{key:?} is forgotten"
            );
        }
        let streams: BTreeSet<_> = self.host.samplings.iter().map(|one| one.stream).collect();
        assert_eq!(streams, self.writing);
        let host = &self.host;
        for call in &host.calls {
            match (call.end(), self.ends.get(&call.id)) {
                (Some(end), None) => {
                    self.ends.insert(call.id, end.clone());
                }
                (end, Some(before)) => assert_eq!(end, Some(before), "a call ends once"),
                (None, None) => {}
            }
            let asks = host
                .questions
                .iter()
                .filter(|question| question.call() == Some(call.id));
            let is_asking = matches!(call.state, CallState::Asking { .. });
            assert_eq!(asks.count(), usize::from(is_asking), "{call:?}");
        }
        let is_model = |origin: &Origin| matches!(origin, Origin::Model { .. });
        let open: BTreeSet<CallId> = host
            .calls
            .iter()
            .filter(|call| is_model(&call.origin) && call.end().is_none())
            .map(|call| call.id)
            .collect();
        match &host.turn {
            TurnState::Calling { waiting, .. } => {
                assert_eq!(waiting, &open);
                assert!(!open.is_empty(), "a step that waits for nothing");
            }
            TurnState::Streaming { stream, .. } => {
                assert_eq!(self.stream, Some(*stream));
                assert!(open.is_empty());
            }
            TurnState::Idle | TurnState::Gathering { .. } | TurnState::Backoff { .. } => {
                assert_eq!(self.stream, None);
                assert!(
                    open.is_empty() && host.questions.iter().all(|asked| asked.call().is_none())
                );
            }
        }
        if host.turn == TurnState::Idle {
            let mut transcript = host.transcript.clone();
            assert_eq!(transcript.open_mut(), None, "an answer that nobody writes");
        }
    }

    pub fn take(&mut self, chance: Chance) {
        if let Some(happening) = self.happening(chance) {
            self.happen(happening);
        }
    }

    fn happening(&mut self, chance: Chance) -> Option<Happening> {
        let server = |n: u8| SERVERS[usize::from(n) % SERVERS.len()];
        Some(match chance {
            Chance::Submit if self.now.0.is_multiple_of(3) => {
                Happening::Command(Command::Submit("go @files:a @other:b".into()))
            }
            Chance::Submit => Happening::Command(Command::Submit("go".into())),
            Chance::Ask(n, call, what) => {
                self.asks += 1;
                let name = server(n);
                let generation = self.host.server(&name.into())?.generation;
                let call = call.map(|call| CallId(u64::from(call % 8) + 1));
                let event = ServerEvent::Asked {
                    ask: AskId(self.asks),
                    call,
                    what,
                };
                Happening::Event(HostEvent::Server {
                    server: name.into(),
                    generation,
                    event,
                })
            }
            Chance::Withdraw(n) => {
                let open: Vec<_> = self.open_asks().into_iter().collect();
                let (name, generation, ask) = pick(&open, n)?.clone();
                let event = ServerEvent::AskWithdrawn(ask);
                Happening::Event(HostEvent::Server {
                    server: name.as_str().into(),
                    generation,
                    event,
                })
            }
            Chance::Written(n, event) => {
                let streams: Vec<_> = self.writing.iter().copied().collect();
                Happening::Event(HostEvent::Model {
                    stream: *pick(&streams, n)?,
                    event,
                })
            }
            Chance::Prompt(n, send) => Happening::Command(Command::GetPrompt {
                server: server(n).into(),
                prompt: "p".into(),
                arguments: "{}".into(),
                send,
            }),
            Chance::Errand(n, what) => Happening::Command(Command::Errand {
                server: server(n).into(),
                what,
            }),
            Chance::ErrandOver(n, m, good) => {
                let name = server(n).into();
                let generation = self.host.server(&name)?.generation;
                let end = if good {
                    ErrandEnd::Done
                } else {
                    ErrandEnd::Failed { why: "no".into() }
                };
                let event = ServerEvent::Errand(ErrandId(u64::from(m % 8) + 1), end);
                Happening::Event(HostEvent::Server {
                    server: name,
                    generation,
                    event,
                })
            }
            Chance::Roots(some) => {
                let root = Root {
                    uri: "file:///a".into(),
                    name: None,
                };
                Happening::Command(Command::SetRoots(if some {
                    vec![root]
                } else {
                    Vec::new()
                }))
            }
            Chance::Woke => Happening::Event(HostEvent::Woke {
                slept: std::time::Duration::from_secs(60),
            }),
            Chance::Interrupt => Happening::Command(Command::Interrupt),
            Chance::Clear => Happening::Command(Command::Clear),
            Chance::Restart(n) => Happening::Command(Command::Restart(server(n).into())),
            Chance::Disable(n) => Happening::Command(Command::Disable(server(n).into())),
            Chance::FindModel => Happening::Command(Command::FindModel),
            Chance::Answer(n, answer) => {
                let asked: Vec<QuestionId> = self.host.questions.iter().map(|q| q.id).collect();
                Happening::Command(Command::Answer(*pick(&asked, n)?, answer))
            }
            Chance::Hand(n, m) => Happening::Command(Command::Call {
                server: server(n).into(),
                tool: if m % 4 == 0 { "none" } else { "read" }.into(),
                arguments: if m % 3 == 0 { "no" } else { "{}" }.into(),
            }),
            Chance::Found(true) => Happening::Event(HostEvent::ModelFound(Ok(ModelLabel {
                context: None,
                model: "m".into(),
                place: "p".into(),
                scripted: false,
                notes: vec!["n".into()],
            }))),
            Chance::Found(false) => Happening::Event(HostEvent::ModelFound(Err("no".into()))),
            Chance::Server(n, is_fresh, event) => {
                let server = server(n).into();
                let mut generation = self.host.server(&server)?.generation;
                if !is_fresh {
                    generation = Generation(generation.0.saturating_sub(1));
                }
                Happening::Event(HostEvent::Server {
                    server,
                    generation,
                    event,
                })
            }
            Chance::Call(n, is_fresh, event) => self.about_a_call(n, is_fresh, event)?,
            Chance::Model(is_fresh, event) => {
                let current = self.last_stream;
                let stream = if is_fresh {
                    current
                } else {
                    StreamId(current.0.saturating_sub(1))
                };
                Happening::Event(HostEvent::Model { stream, event })
            }
            Chance::Propose(finish, calls) => {
                let calls = calls
                    .into_iter()
                    .map(|(tool, arguments)| self.write(tool, arguments))
                    .collect();
                let stream = self.last_stream;
                let event = done(finish, calls);
                Happening::Event(HostEvent::Model { stream, event })
            }
            Chance::Timer(n) => Happening::Event(HostEvent::Timer(*pick(&self.timers, n)?)),
            Chance::SaveFailed(n) => Happening::Event(HostEvent::SaveFailed {
                call: Some(CallId(n.into())),
                why: "full".into(),
            }),
        })
    }

    fn about_a_call(&self, n: u8, is_fresh: bool, event: CallEvent) -> Option<Happening> {
        let running =
            |call: &&ToolCall| !is_fresh || matches!(call.state, CallState::Running { .. });
        let calls: Vec<_> = self.host.calls.iter().filter(running).collect();
        let call = pick(&calls, n)?;
        let generation = match call.state {
            CallState::Running { generation, .. } if is_fresh => generation,
            _ => Generation(u64::from(n % 3)),
        };
        let server = call.server.clone().unwrap_or_else(|| "files".into());
        let event = ServerEvent::Call(call.id, event);
        Some(Happening::Event(HostEvent::Server {
            server,
            generation,
            event,
        }))
    }

    fn end_connections(&mut self) {
        for name in SERVERS {
            let last = self.generations.get(name).copied().unwrap_or_default();
            for generation in 1..=last.0 {
                let (server, generation) = (name.into(), Generation(generation));
                let event = ended(FailureKind::Stopped);
                self.happen(Happening::Event(HostEvent::Server {
                    server,
                    generation,
                    event,
                }));
            }
        }
    }

    /// When every connection has ended and the person interrupts, nothing is left running. Until then only what goes on as a
    /// task may be: it waits for its server to return.
    fn check_end(&mut self) {
        let is_running = |call: &ToolCall| matches!(call.state, CallState::Running { .. });
        let left = |call: &ToolCall| is_running(call) && call.task.is_none();
        assert!(!self.host.calls.iter().any(left));
        assert!(self.open_asks().is_empty());
        self.happen(Happening::Command(Command::Interrupt));
        assert_eq!(self.host.turn, TurnState::Idle);
        assert!(self.host.calls.iter().all(|call| call.end().is_some()));
        self.check_kept();
        let is_up = |server: &Server| {
            matches!(
                server.status,
                Status::Ready { .. } | Status::Starting { .. }
            )
        };
        assert!(!self.host.servers.iter().any(is_up));
    }

    fn write(&mut self, tool: u8, arguments: u8) -> ModelCall {
        self.written += 1;
        let names = [
            "files__read",
            "files__write",
            "other__read",
            "other__write",
            "none",
            "files__read",
            "mcpdeck__list_resources",
        ];
        let arguments = [path("a"), "{\"path\":".into(), path("b")][usize::from(arguments)].clone();
        call(self.written, names[usize::from(tool)], &arguments)
    }
}

fn apply(host: &mut Host, happening: Happening, now: Moment) -> Vec<Effect> {
    match happening {
        Happening::Event(event) => host.handle(event, now),
        Happening::Command(command) => host.command(command, now),
    }
}

fn pick<T>(from: &[T], n: u8) -> Option<&T> {
    from.get(usize::from(n).checked_rem(from.len())?)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn any_order_of_events_keeps_the_promises_and_plays_again(chances in prop::collection::vec(chance(), 0..160), warm in any::<bool>()) {
        let mut watched = Watched::new();
        if warm {
            watched.warm_up();
        }
        for chance in chances {
            watched.take(chance);
        }

        // Played again from what was written down, it comes to the same.
        let (config, settings) = settings();
        let mut again = Host::new(&config, settings);
        again.start(Moment(0));
        for line in &watched.journal {
            let (now, happening): (Moment, Happening) = serde_json::from_str(line).expect("a line");
            apply(&mut again, happening, now);
        }
        prop_assert!(again == watched.host, "the journal plays differently");

        watched.end_connections();
        watched.check_end();
    }
}

#[test]
fn a_task_between_two_connections_ends_with_the_interrupt() {
    let mut watched = Watched::new();
    watched.take(Chance::Prompt(0, false));
    watched.take(Chance::Hand(0, 0));
    for _ in 0..4 {
        watched.take(Chance::Found(true));
    }
    watched.take(Chance::Prompt(0, false));
    watched.take(Chance::Submit);
    let task = Task {
        id: "t".into(),
        status: "working".into(),
        message: None,
    };
    watched.take(Chance::Call(191, true, CallEvent::Task(task)));
    watched.take(Chance::Server(1, true, ended(FailureKind::Exited)));
    watched.end_connections();
    watched.check_end();
}

#[test]
fn the_chances_reach_every_state() {
    // A property that never gets beyond the first state would hold and say nothing.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for run in 0..100 {
        let many = prop::collection::vec(chance(), 150);
        let chances = many.new_tree(&mut runner).expect("chances").current();
        let mut watched = Watched::new();
        // Every other run begins with servers that are still starting.
        if run % 2 == 0 {
            watched.warm_up();
        } else {
            watched.take(Chance::Found(true));
        }
        for chance in chances {
            watched.take(chance);
            let turn = match watched.host.turn {
                TurnState::Idle => "idle",
                TurnState::Gathering { .. } => "gathering",
                TurnState::Streaming { .. } => "streaming",
                TurnState::Backoff { .. } => "waiting",
                TurnState::Calling { .. } => "calling",
            };
            seen.insert(turn);
            seen.extend(
                watched
                    .host
                    .calls
                    .iter()
                    .filter_map(|call| call.end().map(CallEnd::word)),
            );
            seen.extend((!watched.host.questions.is_empty()).then_some("asking"));
            seen.extend((!watched.open_asks().is_empty()).then_some("asked by a server"));
            seen.extend((!watched.writing.is_empty()).then_some("writing"));
            let followed =
                |call: &mcpdeck::host::ToolCall| call.task.is_some() && call.end().is_none();
            seen.extend(watched.host.calls.iter().any(followed).then_some("a task"));
        }
    }
    let all = [
        "idle",
        "gathering",
        "streaming",
        "waiting",
        "calling",
        "asking",
        "asked by a server",
        "writing",
        "a task",
        "ok",
        "denied",
        "invalid",
        "unavailable",
        "interrupted",
        "repeated",
        "cancelled",
        "outcome unknown",
    ];
    let missing: Vec<_> = all
        .into_iter()
        .filter(|word| !seen.contains(word))
        .collect();
    assert_eq!(missing, [""; 0], "seen: {seen:?}");
}
