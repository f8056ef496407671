//! The bench of these tests: a host with made-up servers, told what happens and asked what it wants.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mcpdeck::agent::model::{
    Completion, Finish, Message, ModelCall, ModelError, ModelErrorKind, ModelEvent, ModelRequest,
};
use mcpdeck::agent::transcript::{Entry, Level};
use mcpdeck::config::{
    Access, ApprovePolicy, Bundled, Config, Launch, ProtocolChoice, ServerSpec, StdioLaunch,
};
use mcpdeck::host::{
    Answer, AuditRecord, CallEnd, CallState, Command, Effect, Host, HostEvent, Keep, ModelLabel,
    Settings, ToolCall,
};
use mcpdeck::ids::{CallId, Generation, Moment, QuestionId, ServerName, StreamId, TimerId};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::result::{CallOutcome, ToolResult};
use mcpdeck::mcp::status::{Era, Hello};
use mcpdeck::mcp::tool::{Annotations, Tool};
use serde_json::{Value, json};

/// A host and the time.
pub struct Stage {
    pub host: Host,
    pub now: Moment,
    /// What was written down of calls, apart from the other effects.
    pub records: Vec<AuditRecord>,
}

/// One of mcpdeck's own servers.
pub fn bundled(name: &str) -> ServerSpec {
    let roots = vec![PathBuf::from("/tmp/shop")];
    let access = Access::ReadWrite;
    let data_dir = None;
    spec(
        name,
        Launch::Bundled(Bundled::Filesystem {
            roots,
            data_dir,
            access,
        }),
    )
}

/// A server of somebody else.
pub fn foreign(name: &str, args: &[&str]) -> ServerSpec {
    let launch = StdioLaunch {
        shown: Vec::new(),
        command: "serve".into(),
        args: args.iter().map(|&arg| arg.into()).collect(),
        env: BTreeMap::new(),
        env_vars: Vec::new(),
        cwd: None,
    };
    spec(name, Launch::Stdio(launch))
}

fn spec(name: &str, launch: Launch) -> ServerSpec {
    ServerSpec {
        name: name.into(),
        launch,
        enabled: true,
        required: false,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(10),
        enabled_tools: None,
        disabled_tools: Vec::new(),
        roots: None,
        log_level: None,
        protocol: ProtocolChoice::Auto,
        approve: ApprovePolicy::default(),
        tool_approve: BTreeMap::new(),
        policy: Box::default(),
    }
}

pub fn config(servers: Vec<ServerSpec>) -> Config {
    Config {
        servers,
        ..Config::default()
    }
}

/// A tool that takes a path, and whether it claims to read only.
pub fn tool(name: &str, read_only: bool) -> Tool {
    Tool {
        name: name.into(),
        title: None,
        description: None,
        input_schema: json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        output_schema: None,
        annotations: Annotations {
            read_only: Some(read_only),
            ..Annotations::default()
        },
        icons: Vec::new(),
        task: Default::default(),
    }
}

pub fn tools() -> Listing<Tool> {
    Listing {
        items: vec![tool("read", true), tool("write", false)],
        rejected: Vec::new(),
    }
}

pub fn hello() -> ServerEvent {
    ServerEvent::Connected(Box::new(Hello {
        era: Era::Legacy,
        revision: "2025-11-25".into(),
        name: "s".into(),
        version: "1".into(),
        instructions: None,
        capabilities: json!({"tools": {}}),
    }))
}

pub fn ended(kind: FailureKind) -> ServerEvent {
    ServerEvent::Ended(Box::new(Failure::new(kind, "the process ended")))
}

/// A call as a model writes it; the id from its number.
pub fn call(number: u32, name: &str, arguments: &str) -> ModelCall {
    ModelCall {
        id: format!("call{number:05}"),
        name: name.into(),
        arguments: arguments.into(),
        extra: serde_json::Map::new(),
    }
}

pub fn done(finish: Finish, calls: Vec<ModelCall>) -> ModelEvent {
    ModelEvent::Done(Completion {
        finish,
        calls,
        usage: None,
        notes: Vec::new(),
    })
}

pub fn failed(kind: ModelErrorKind, retry_after: Option<u64>) -> ModelEvent {
    ModelEvent::Failed(ModelError {
        kind,
        message: format!("{kind:?} at the endpoint"),
        hint: Some("do something".into()),
        retry_after: retry_after.map(Duration::from_secs),
    })
}

pub fn answered(text: &str) -> CallOutcome {
    CallOutcome::Answered {
        result: ToolResult::text(text).into(),
    }
}

impl Stage {
    /// A host that has started nothing.
    pub fn cold(config: &Config, settings: Settings) -> Self {
        let host = Host::new(config, settings);
        Self {
            host,
            now: Moment(0),
            records: Vec::new(),
        }
    }

    /// A host whose servers are all ready with `read` and `write`, and that has a model.
    pub fn with(config: &Config, settings: Settings) -> Self {
        let mut stage = Self::cold(config, settings);
        stage.start();
        for server in &config.servers {
            stage.raise(server.name.as_str());
        }
        stage
    }

    /// A bundled server `files` and a foreign one `other`.
    pub fn ready() -> Self {
        Self::with(
            &config(vec![bundled("files"), foreign("other", &["a"])]),
            Settings::default(),
        )
    }

    /// The same where no call asks, so that one that changes something is sent at once.
    pub fn free() -> Self {
        let mut files = bundled("files");
        files.approve = ApprovePolicy::Never;
        let servers = vec![files, foreign("other", &["a"])];
        Self::with(&config(servers), Settings::default())
    }

    pub fn start(&mut self) -> Vec<Effect> {
        let effects = self.host.start(self.now);
        self.model_found();
        effects
    }

    pub fn model_found(&mut self) {
        let label = ModelLabel {
            context: None,
            model: "m".into(),
            place: "here".into(),
            scripted: false,
            notes: Vec::new(),
        };
        self.tell(HostEvent::ModelFound(Ok(label)));
    }

    /// Lets a dialled server greet and list.
    pub fn raise(&mut self, name: &str) -> Vec<Effect> {
        let mut effects = self.server(name, hello());
        effects.extend(self.server(name, ServerEvent::Listed(Listed::Tools(tools()))));
        effects
    }

    pub fn tell(&mut self, event: HostEvent) -> Vec<Effect> {
        self.now = self.now.plus(Duration::from_millis(1));
        let effects = self.host.handle(event, self.now);
        self.apart(effects)
    }

    pub fn command(&mut self, command: Command) -> Vec<Effect> {
        self.now = self.now.plus(Duration::from_millis(1));
        let effects = self.host.command(command, self.now);
        self.apart(effects)
    }

    /// Puts the lines of the record apart: tests of other things do not name them.
    fn apart(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut others = Vec::new();
        for effect in effects {
            match effect {
                Effect::Keep(Keep::Audit(record)) => self.records.push(*record),
                other => others.push(other),
            }
        }
        others
    }

    pub fn generation(&self, name: &str) -> Generation {
        self.host.server(&name.into()).expect("a server").generation
    }

    pub fn server(&mut self, name: &str, event: ServerEvent) -> Vec<Effect> {
        let generation = self.generation(name);
        self.server_of(name, generation, event)
    }

    pub fn server_of(
        &mut self,
        name: &str,
        generation: Generation,
        event: ServerEvent,
    ) -> Vec<Effect> {
        let server = ServerName::new(name);
        self.tell(HostEvent::Server {
            server,
            generation,
            event,
        })
    }

    pub fn submit(&mut self, text: &str) -> Vec<Effect> {
        self.command(Command::Submit(text.into()))
    }

    pub fn model(&mut self, stream: StreamId, event: ModelEvent) -> Vec<Effect> {
        self.tell(HostEvent::Model { stream, event })
    }

    /// Submits, and lets the model make these calls in its first step.
    pub fn propose(&mut self, calls: Vec<ModelCall>) -> Vec<Effect> {
        let asked = self.submit("go");
        let stream = stream(&asked);
        self.model(stream, done(Finish::Stop, calls))
    }

    /// The outcome of a call on the connection that it was sent on.
    pub fn outcome(&mut self, id: u64, outcome: CallOutcome) -> Vec<Effect> {
        let call = self.call(id);
        let CallState::Running { generation, .. } = call.state else {
            panic!("{call:?} does not run");
        };
        let server = call.server.clone().expect("a server");
        let event = ServerEvent::Call(CallId(id), CallEvent::Finished(outcome));
        self.server_of(server.as_str(), generation, event)
    }

    pub fn answer(&mut self, question: u64, answer: Answer) -> Vec<Effect> {
        self.command(Command::Answer(QuestionId(question), answer))
    }

    pub fn call(&self, id: u64) -> &ToolCall {
        self.host.call(CallId(id)).expect("a call")
    }

    pub fn end(&self, id: u64) -> &CallEnd {
        self.call(id).end().expect("an end")
    }

    /// The notes to the person, oldest first.
    pub fn notes(&self) -> Vec<(Level, String)> {
        let note = |entry: &Entry| match entry {
            Entry::Note(note) => Some((note.level, note.text.clone())),
            _ => None,
        };
        let entries = self.host.transcript.entries().iter();
        entries.filter_map(note).collect()
    }
}

/// The one stream among the effects.
pub fn stream(effects: &[Effect]) -> StreamId {
    asked(effects).0
}

/// The one request among the effects.
pub fn request(effects: &[Effect]) -> ModelRequest {
    asked(effects).1
}

fn asked(effects: &[Effect]) -> (StreamId, ModelRequest) {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::StreamModel { stream, request } => Some((*stream, request.clone())),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    assert_eq!(asked.len(), 1, "{effects:#?}");
    asked.into_iter().next().expect("just counted")
}

/// The timers that were set, with their waits.
pub fn timers(effects: &[Effect]) -> Vec<(TimerId, Duration)> {
    let timer = |effect: &Effect| match effect {
        Effect::SetTimer { timer, after } => Some((*timer, *after)),
        _ => None,
    };
    effects.iter().filter_map(timer).collect()
}

/// The calls that were sent: number, server, arguments.
pub fn sent(effects: &[Effect]) -> Vec<(u64, String, String)> {
    let sent = |effect: &Effect| match effect {
        Effect::Call {
            call,
            server,
            arguments,
            ..
        } => Some((call.0, server.to_string(), arguments.clone())),
        _ => None,
    };
    effects.iter().filter_map(sent).collect()
}

/// The tool messages of a request: call id and text.
pub fn results(request: &ModelRequest) -> Vec<(String, String)> {
    let result = |message: &Message| match message {
        Message::Tool { call, text, .. } => Some((call.clone(), text.clone())),
        _ => None,
    };
    request.messages.iter().filter_map(result).collect()
}

/// The last user message of a request.
pub fn last_user(request: &ModelRequest) -> String {
    let text = |message: &Message| match message {
        Message::User { text } => Some(text.clone()),
        _ => None,
    };
    let mut texts = request.messages.iter().rev().filter_map(text);
    texts.next().expect("a user message")
}

/// Fails unless each call of an assistant message is followed by its result and ids are unique.
pub fn assert_well_formed(request: &ModelRequest) {
    let mut seen = std::collections::BTreeSet::new();
    let mut open: Vec<String> = Vec::new();
    for message in &request.messages {
        match message {
            Message::Tool { call, .. } => {
                assert!(!open.is_empty(), "a result without its call: {request:#?}");
                assert_eq!(&open.remove(0), call, "{request:#?}");
            }
            Message::System { .. } | Message::User { .. } => {
                assert!(open.is_empty(), "{request:#?}");
            }
            Message::Assistant { text, calls } => {
                assert!(open.is_empty(), "{request:#?}");
                assert!(!text.is_empty() || !calls.is_empty(), "{request:#?}");
                for call in calls {
                    assert!(
                        seen.insert(call.id.clone()),
                        "twice {}: {request:#?}",
                        call.id
                    );
                    open.push(call.id.clone());
                }
            }
        }
    }
    assert!(open.is_empty(), "without a result: {open:?}");
}

/// Shorthand for `{"path": ...}`.
pub fn path(path: &str) -> String {
    let value: Value = json!({"path": path});
    value.to_string()
}
