//! The driver: one effect in, one thing done or one task started.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::OptionFuture;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::agent::model::ModelRequest;
use crate::agent::model::recorded::Asked;
use crate::config::{Config, Provider, ServerSpec};
use crate::driver::calls::{Connections, Outgoing};
use crate::driver::clock::Clock;
use crate::driver::lab::Lab;
use crate::driver::model::ModelSlot;
use crate::driver::sessions::{self, Sessions};
use crate::driver::sign_ins::SignIns;
use crate::driver::witness::{Records, Witness};
use crate::driver::{calls, keep, reports, stream, timers, wake};
use crate::host::lab;
use crate::host::{Effect, Host, HostEvent, Keep};
use crate::ids::{Generation, ServerName, StreamId};
use crate::mcp::auth::Store;
use crate::mcp::connection::{self, Connection, Dial, FollowRequest};
use crate::mcp::status::Era;
use crate::mcp::wire::Tap;
use crate::mcp::wire::file::WireFile;
use crate::mcp::wire::live::{self, LiveRecords};
use crate::mcp::wire::redact::Redactor;
use crate::record::Sink;
use crate::record::form::name;

/// Events that may wait for the host before those who report have to wait; a long one takes the places of several, so that no more
/// than 16 MiB wait. Every one is delivered.
const EVENTS: usize = 256;
/// Wire records that may wait for the front end; more are dropped and counted.
const LIVE_RECORDS: usize = 4096;

/// The most that the end of the program waits for the files of sessions.
const FILES_WITHIN: Duration = Duration::from_secs(5);

/// What the driver is given once.
#[derive(Debug)]
pub struct Options {
    /// The configuration, with its secrets.
    pub config: Arc<Config>,
    /// The binary that runs bundled servers.
    pub own_binary: PathBuf,
    /// The file of `--wire-log`.
    pub wire_log: Option<WireFile>,
    /// Where the session is recorded.
    pub recording: Option<Sink>,
    /// Whether someone looks at the wire.
    pub live_wire: bool,
    /// Where sessions are kept, if they are.
    pub sessions: Option<sessions::Place>,
    /// Where sign-ins are kept.
    pub credentials: Store,
    /// What is recorded, counted and traced.
    pub records: Records,
    /// The clock.
    pub clock: Clock,
}

/// The other ends of the driver's channels.
#[derive(Debug)]
pub struct Receivers {
    /// Must be delivered.
    pub events: mpsc::Receiver<HostEvent>,
    /// May be dropped.
    pub wire: LiveRecords,
}

/// Carries out effects. Dropping it ends its tasks at once; [`Driver::shutdown`] ends servers in an orderly way.
#[derive(Debug)]
pub struct Driver {
    config: Arc<Config>,
    own_binary: PathBuf,
    tap: Tap,
    events: mpsc::Sender<HostEvent>,
    reports: connection::Reports,
    connections: Connections,
    streams: HashMap<StreamId, AbortHandle>,
    model: ModelSlot,
    sign_ins: SignIns,
    witness: Witness,
    /// What no file may hold.
    redactor: Arc<Redactor>,
    sessions: Option<Sessions>,
    lab: Lab,
    tasks: JoinSet<()>,
    /// What is being written down: waited for at the end, or half a file could stay, or an answer be lost.
    keeping: JoinSet<()>,
}

impl Driver {
    /// Must be called inside a tokio runtime.
    pub fn new(options: Options) -> (Self, Receivers) {
        let (events, events_out) = mpsc::channel(EVENTS);
        let (wire, wire_out) = live::channel(LIVE_RECORDS);
        let (reports, reports_out) = mpsc::channel(EVENTS);
        let mut tasks = JoinSet::new();
        tasks.spawn(reports::forward(reports_out, events.clone()));
        tasks.spawn(wake::watch(events.clone()));
        let redactor = options.records.redactor.clone();
        let witness = Witness::new(options.records, events.clone());
        let sessions = options
            .sessions
            .and_then(|place| Sessions::start(place, events.clone()).ok());
        let (live, start) = (options.live_wire.then_some(wire), options.clock.started());
        let (log, recording) = (options.wire_log, options.recording);
        let driver = Self {
            config: options.config,
            own_binary: options.own_binary,
            tap: Tap::recorded(start, log, live, recording, redactor.clone()),
            events,
            reports,
            connections: Connections::default(),
            streams: HashMap::new(),
            model: ModelSlot::default(),
            sign_ins: SignIns::new(options.credentials),
            witness,
            redactor,
            sessions,
            lab: Lab::default(),
            tasks,
            keeping: JoinSet::new(),
        };
        (
            driver,
            Receivers {
                events: events_out,
                wire: wire_out,
            },
        )
    }

    /// Carries out one effect. Never waits.
    pub fn perform(&mut self, effect: Effect) {
        while self.tasks.try_join_next().is_some() {}
        while self.keeping.try_join_next().is_some() {}
        self.carry_out(effect);
    }

    /// Another configuration counts from now on: for what is dialled, signed in to and asked next. What stands is the host's to end.
    pub fn reconfigure(&mut self, config: Arc<Config>) {
        self.sign_ins.reconfigure(&config);
        if config.model.provider == Provider::None {
            self.model.clear();
        }
        self.config = config;
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Dial {
                server,
                generation,
                remembered,
            } => self.dial(&server, generation, remembered),
            Effect::Close { server, generation } => self.connections.close(server, generation),
            Effect::SignIn { ref server }
            | Effect::FinishSignIn { ref server, .. }
            | Effect::AbortSignIn { ref server }
            | Effect::SignOut { ref server } => {
                let server = server.clone();
                self.sign_in(&server, effect);
            }
            Effect::StreamModel { stream, request } => self.stream(stream, request),
            Effect::AbortModel { stream } => self.abort(stream),
            Effect::FindModel => self.find_model(),
            Effect::SetFaults { server, faults } => self.lab.set(server, faults),
            Effect::SetTimer { timer, after } => {
                timers::set(&mut self.tasks, timer, after, self.events.clone());
            }
            Effect::Keep(Keep::Audit(record)) => self.witness.record(&record),
            Effect::Keep(Keep::Frame(frame)) => self.witness.frame(&frame),
            Effect::Keep(what) => {
                let to = keep::To {
                    config: &self.config,
                    redactor: &self.redactor,
                    sessions: self.sessions.as_ref(),
                };
                keep::keep(what, to, &self.events, &mut self.keeping);
            }
            Effect::Session(wish) => {
                if let Some(sessions) = &self.sessions {
                    sessions.wish(wish);
                }
            }
            effect @ (Effect::List { .. }
            | Effect::Errand { .. }
            | Effect::Reply { .. }
            | Effect::TellRoots { .. }
            | Effect::FollowTask { .. }
            | Effect::Probe { .. }
            | Effect::Call { .. }
            | Effect::CancelCall { .. }) => self.say(effect),
        }
    }

    /// Carries out what is said to a connection, and to nothing else.
    fn say(&mut self, effect: Effect) {
        match effect {
            Effect::Call {
                call,
                server,
                generation,
                method,
                tool,
                arguments,
                timeout,
                max_total,
            } => self.call(Outgoing {
                call,
                server,
                generation,
                method,
                tool,
                arguments,
                timeout,
                max_total,
                trace: self.witness.traceparent(call),
            }),
            Effect::FollowTask {
                call,
                server,
                generation,
                task,
                timeout,
                max_total,
            } => self.tell(&server, generation, |connection| {
                connection.follow(FollowRequest {
                    call,
                    task,
                    timeout,
                    max_total,
                });
            }),
            effect => self.say_short(effect),
        }
    }

    fn say_short(&self, effect: Effect) {
        match effect {
            Effect::List {
                server,
                generation,
                kind,
            } => self.tell(&server, generation, |connection| connection.list(kind)),
            Effect::Errand {
                errand,
                server,
                generation,
                what,
            } => self.tell(&server, generation, |connection| {
                connection.errand(errand, what);
            }),
            Effect::Reply {
                server,
                generation,
                ask,
                reply,
            } => self.tell(&server, generation, |connection| {
                connection.reply(ask, reply);
            }),
            Effect::TellRoots { server, generation } => {
                self.tell(&server, generation, Connection::roots_changed);
            }
            Effect::Probe { server, generation } => {
                self.tell(&server, generation, Connection::probe);
            }
            Effect::CancelCall {
                call,
                server,
                generation,
            } => self.tell(&server, generation, |connection| connection.cancel(call)),
            // `carry_out` names what it hands on.
            _ => {}
        }
    }

    /// Commands a connection; one that is gone has said so.
    fn tell(&self, server: &ServerName, generation: Generation, word: impl FnOnce(&Connection)) {
        if let Some(connection) = self.connections.get(server, generation) {
            word(connection);
        }
    }

    fn call(&mut self, out: Outgoing) {
        calls::send(&self.connections, out, &self.events, &mut self.tasks);
    }

    fn sign_in(&mut self, server: &ServerName, effect: Effect) {
        if let Some(spec) = self.spec(server) {
            let authorizer = self.sign_ins.authorizer(&spec);
            let (events, tasks) = (&self.events, &mut self.tasks);
            self.sign_ins.perform(effect, authorizer, events, tasks);
        }
    }

    fn find_model(&mut self) {
        let (config, events) = (self.config.clone(), self.events.clone());
        self.tasks.spawn(self.model.clone().find(config, events));
    }

    fn abort(&mut self, stream: StreamId) {
        if let Some(handle) = self.streams.remove(&stream) {
            handle.abort();
        }
    }

    /// Wire records that the live channel could not take.
    pub fn dropped_records(&self) -> u64 {
        self.tap.dropped()
    }

    /// Looks at the host after an event, for the log and the figures.
    pub fn see(&mut self, host: &Host) {
        self.witness.see(host);
    }

    /// Ends every server in an orderly way and writes the wire log and the record of calls to their ends. Bounded: a server that will not end is
    /// killed after 4 s.
    ///
    /// # Errors
    /// What the system says of the wire log or of the record of calls.
    pub async fn shutdown(self, mut events: mpsc::Receiver<HostEvent>) -> Result<(), String> {
        let servers = self.connections.close_all();
        // On a disk that hangs, what is not written yet is given up.
        let sessions = self
            .sessions
            .map(|sessions| spawn_blocking(|| sessions.finish()));
        let mut keeping = self.keeping;
        let kept = async { while keeping.join_next().await.is_some() {} };
        let files = async { tokio::join!(kept, OptionFuture::from(sessions)) };
        let files = timeout(FILES_WITHIN, files);
        let closing = async { tokio::join!(servers, files) };
        tokio::pin!(closing);
        loop {
            // What they still report is taken, so that none waits for a host that has gone.
            tokio::select! {
                _ = &mut closing => break,
                Some(_) = events.recv() => {}
            }
        }
        let recorded = self.witness.close().await;
        self.tap.flush().await.and(recorded)
    }

    fn dial(&mut self, name: &ServerName, generation: Generation, remembered: Option<Era>) {
        let Some(mut spec) = self.spec(&lab::base(name)) else {
            return;
        };
        let authorizer = self.sign_ins.authorizer(&spec);
        lab::dress(&mut spec, name);
        let dial = Dial {
            spec,
            generation,
            own_binary: self.own_binary.clone(),
            tap: self.tap.clone(),
            remembered_era: remembered,
            authorizer,
            faults: self.lab.dialled(name),
        };
        tracing::debug!(server = %name, generation = generation.0, "dialling");
        let connection = connection::dial(dial, self.reports.clone());
        self.connections.add(name.clone(), generation, connection);
    }

    fn spec(&self, name: &ServerName) -> Option<ServerSpec> {
        let mut servers = self.config.servers.iter();
        servers.find(|spec| &spec.name == name).cloned()
    }

    fn stream(&mut self, stream: StreamId, request: ModelRequest) {
        self.streams.retain(|_, handle| !handle.is_finished());
        let clean = |text: &str| self.redactor.redact(text).into_owned();
        let asked = || Asked::of(stream.0, &request, clean);
        self.tap.note(name::ASKED, asked);
        let source = self.model.stream(request, self.config.limits.first_byte);
        let pump = stream::pump(stream, source, self.events.clone(), self.witness.asks());
        self.streams.insert(stream, self.tasks.spawn(pump));
    }
}
