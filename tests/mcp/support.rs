//! A server from a script, a connection to it, and its events with a limit on every wait.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mcpdeck::config::{
    ApprovePolicy, HttpLaunch, Launch, ProtocolChoice, Secret, ServerSpec, StdioLaunch,
    TransportChoice,
};
use mcpdeck::ids::{AskId, CallId, ErrandId, Generation, ServerName};
use mcpdeck::mcp::ask::{Ask, Reply};
use mcpdeck::mcp::connection::{CallRequest, Connection, Dial, Reports, dial};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::Failure;
use mcpdeck::mcp::health::ProcessUse;
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind, Method};
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::status::Hello;
use mcpdeck::mcp::tool::Tool;
use mcpdeck::mcp::wire::Tap;
use mcpdeck::mcp::wire::live::{self, LiveRecords};
use mcpdeck::mcp::wire::record::WireRecord;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// No wait of a test is longer; the machine may be busy.
pub const LIMIT: Duration = Duration::from_secs(40);

pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_mcpdeck"))
}

pub fn spec(launch: Launch) -> ServerSpec {
    ServerSpec {
        name: ServerName::new("s"),
        launch,
        enabled: true,
        required: false,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(30),
        enabled_tools: None,
        disabled_tools: Vec::new(),
        roots: None,
        log_level: None,
        protocol: ProtocolChoice::Legacy,
        approve: ApprovePolicy::default(),
        tool_approve: BTreeMap::new(),
        policy: Box::default(),
    }
}

pub fn command(command: &str, args: &[&str]) -> StdioLaunch {
    StdioLaunch {
        shown: Vec::new(),
        command: command.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        env: BTreeMap::new(),
        env_vars: Vec::new(),
        cwd: None,
    }
}

pub fn http(url: &str) -> ServerSpec {
    spec(Launch::Http(HttpLaunch {
        shown: String::new(),
        url: url.to_owned(),
        headers: BTreeMap::from([("authorization".to_owned(), Secret::new("Bearer hush-hush"))]),
        transport: TransportChoice::Auto,
        oauth: Box::default(),
    }))
}

/// One connection of a test, with the wire as the tap saw it.
pub struct Server {
    pub connection: Connection,
    pub events: mpsc::Receiver<(ServerName, Generation, ServerEvent)>,
    pub wire: LiveRecords,
    pub seen: Vec<WireRecord>,
    _folder: Option<tempfile::TempDir>,
}

/// Starts a scripted server; the legacy era unless `change` says otherwise.
pub fn scripted(script: &str) -> Server {
    scripted_as(script, |_| {})
}

pub fn scripted_as(script: &str, change: impl FnOnce(&mut Dial)) -> Server {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("script.toml");
    std::fs::write(&file, script).expect("a script");
    let own = binary();
    let launch = command(
        own.to_str().expect("a path"),
        &["serve", "scripted", file.to_str().expect("a path")],
    );
    let mut server = dialled(spec(Launch::Stdio(launch)), change);
    server._folder = Some(folder);
    server
}

pub fn dialled(spec: ServerSpec, change: impl FnOnce(&mut Dial)) -> Server {
    let (live, wire) = live::channel(10_000);
    let (reports, events): (Reports, _) = mpsc::channel(64);
    let mut what = Dial {
        spec,
        generation: Generation(1),
        own_binary: binary(),
        tap: Tap::new(Instant::now(), None, Some(live)),
        remembered_era: None,
        authorizer: mcpdeck::mcp::auth::Authorizer::default(),
        faults: Default::default(),
    };
    change(&mut what);
    Server {
        connection: dial(what, reports),
        events,
        wire,
        seen: Vec::new(),
        _folder: None,
    }
}

pub fn request(call: u64, tool: &str, arguments: Value) -> CallRequest {
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    CallRequest {
        call: CallId(call),
        method: Method::Tool,
        tool: tool.to_owned(),
        arguments,
        timeout: LIMIT,
        max_total: LIMIT,
        trace: None,
    }
}

impl Server {
    /// The next event. What a server uses is told beside, at any time: only [`Self::vitals`] asks for it.
    pub async fn event(&mut self) -> ServerEvent {
        loop {
            match self.any_event().await {
                // Told beside: where it stands says the rest.
                ServerEvent::Start(_) | ServerEvent::Stray { .. } => {}
                ServerEvent::Vitals { .. } => {}
                event => return event,
            }
        }
    }

    /// What the server uses, the next time that this is told.
    pub async fn vitals(&mut self) -> (Option<ProcessUse>, u64) {
        loop {
            if let ServerEvent::Vitals {
                processes,
                stderr_lines,
            } = self.any_event().await
            {
                return (processes, stderr_lines);
            }
        }
    }

    async fn any_event(&mut self) -> ServerEvent {
        let event = tokio::time::timeout(LIMIT, self.events.recv()).await;
        event
            .expect("an event in time")
            .expect("events go on until `Ended`")
            .2
    }

    pub async fn connected(&mut self) -> Hello {
        match self.event().await {
            ServerEvent::Connected(hello) => *hello,
            other => panic!("not connected but {other:?}"),
        }
    }

    pub async fn ended(&mut self) -> Failure {
        loop {
            if let ServerEvent::Ended(failure) = self.event().await {
                return *failure;
            }
        }
    }

    pub async fn listed(&mut self) -> Listing<Tool> {
        self.connection.list(ListKind::Tools);
        loop {
            match self.event().await {
                ServerEvent::Listed(Listed::Tools(listing)) => return listing,
                ServerEvent::ListFailed(_, why) => panic!("listing failed: {why}"),
                _ => {}
            }
        }
    }

    /// Everything about one call up to its end.
    pub async fn call_events(&mut self, call: u64) -> (Vec<CallEvent>, CallOutcome) {
        let mut before = Vec::new();
        loop {
            match self.event().await {
                ServerEvent::Call(CallId(of), CallEvent::Finished(outcome)) if of == call => {
                    return (before, outcome);
                }
                ServerEvent::Call(CallId(of), event) if of == call => before.push(event),
                ServerEvent::Ended(failure) => panic!("ended before the call: {failure:?}"),
                _ => {}
            }
        }
    }

    /// Waits for a question of the server.
    pub async fn asked(&mut self) -> (AskId, Option<CallId>, Ask) {
        loop {
            match self.event().await {
                ServerEvent::Asked { ask, call, what } => return (ask, call, what),
                ServerEvent::Ended(failure) => panic!("ended before a question: {failure:?}"),
                ServerEvent::Call(call, CallEvent::Finished(outcome)) => {
                    panic!("call {call} is over before a question: {outcome:?}")
                }
                _ => {}
            }
        }
    }

    /// Answers a question with a result.
    pub fn reply(&self, ask: AskId, value: Value) {
        self.connection.reply(ask, Reply::Result { value });
    }

    /// Does an errand to its end.
    pub async fn errand(&mut self, id: u64, what: Errand) -> ErrandEnd {
        self.connection.errand(ErrandId(id), what);
        loop {
            match self.event().await {
                ServerEvent::Errand(ErrandId(of), end) if of == id => return end,
                ServerEvent::Ended(failure) => panic!("ended before the errand: {failure:?}"),
                _ => {}
            }
        }
    }

    pub async fn outcome(&mut self, call: u64) -> CallOutcome {
        self.call_events(call).await.1
    }

    /// Waits until the call is on the wire.
    pub async fn sent(&mut self, call: u64) -> String {
        loop {
            match self.event().await {
                ServerEvent::Call(CallId(of), CallEvent::Sent { request_id }) if of == call => {
                    return request_id;
                }
                ServerEvent::Ended(failure) => panic!("ended before it was sent: {failure:?}"),
                _ => {}
            }
        }
    }

    /// Calls a tool and gives the text of the answer.
    pub async fn text(&mut self, call: u64, tool: &str, arguments: Value) -> String {
        self.connection.call(request(call, tool, arguments));
        match self.outcome(call).await {
            CallOutcome::Answered { result } => result.as_text().into_owned(),
            other => panic!("no answer but {other:?}"),
        }
    }

    /// What the scripted server has received so far, a message each.
    pub async fn received(&mut self, call: u64) -> Vec<Value> {
        let lines = self.text(call, "seen", json!({})).await;
        let parsed = lines.lines().map(serde_json::from_str);
        parsed.map(|line| line.expect("JSON")).collect()
    }

    /// The wire as far as it has been seen.
    pub fn wire(&mut self) -> &[WireRecord] {
        while let Some(record) = self.wire.try_recv() {
            self.seen.push(record);
        }
        &self.seen
    }

    pub async fn closed(self) {
        tokio::time::timeout(LIMIT, self.connection.closed())
            .await
            .expect("closed in time");
    }
}

pub fn auto(dial: &mut Dial) {
    dial.spec.protocol = ProtocolChoice::Auto;
}

pub fn modern(dial: &mut Dial) {
    dial.spec.protocol = ProtocolChoice::Modern;
}

/// Waits until something holds, with a limit.
pub async fn wait_for(mut holds: impl FnMut() -> bool) {
    crate::until::until("what the test waits for", LIMIT, async || holds()).await;
}
