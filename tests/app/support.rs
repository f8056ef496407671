//! An app with two servers and a model, and hands to play it with.

use std::collections::BTreeMap;
use std::time::Duration;

use mcpdeck::agent::model::{Completion, Finish, ModelCall, ModelEvent, ModelRequest};
use mcpdeck::app::{App, AppEffect, AppEvent, Code, Key};
use mcpdeck::config::{
    ApprovePolicy, Config, Launch, ProtocolChoice, ServerSpec, StdioLaunch, ThemeChoice,
};
use mcpdeck::host::{About, Effect, Host, HostEvent, Keep, ModelLabel, Question, Settings};
use mcpdeck::ids::{AskId, Generation, Moment, QuestionId, ServerName, StreamId};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::listing::{Listed, Listing};
use mcpdeck::mcp::status::{Era, Hello};
use mcpdeck::mcp::tool::Tool;
use serde_json::{Map, Value, json};

/// An app, its time, and what it wanted done.
pub struct Play {
    pub app: App,
    pub now: Moment,
    pub stream: Option<(StreamId, ModelRequest)>,
}

pub const SERVERS: [(&str, &[&str]); 2] = [
    ("files", &["read_file", "write_file"]),
    ("shop", &["query_database"]),
];

/// A server that is a child process.
pub fn server_spec(name: &str) -> ServerSpec {
    ServerSpec {
        name: ServerName::new(name),
        launch: Launch::Stdio(StdioLaunch {
            shown: Vec::new(),
            command: "server".to_owned(),
            args: Vec::new(),
            env: BTreeMap::new(),
            env_vars: Vec::new(),
            cwd: None,
        }),
        enabled: true,
        required: false,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(120),
        enabled_tools: None,
        disabled_tools: Vec::new(),
        roots: None,
        log_level: None,
        protocol: ProtocolChoice::Auto,
        approve: ApprovePolicy::Always,
        tool_approve: BTreeMap::new(),
        policy: Box::default(),
    }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        title: None,
        description: None,
        input_schema: json!({"type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}}),
        output_schema: None,
        annotations: mcpdeck::mcp::tool::Annotations::default(),
        icons: Vec::new(),
        task: Default::default(),
    }
}

impl Play {
    /// Servers and model are being looked for.
    pub fn starting() -> Self {
        let config = Config {
            servers: SERVERS.iter().map(|(name, _)| server_spec(name)).collect(),
            ..Config::default()
        };
        let host = Host::new(&config, Settings::default());
        let mut play = Self {
            app: App::new(host, (120, 40), ThemeChoice::Dark),
            now: Moment(0),
            stream: None,
        };
        let effects = play.app.start(play.now);
        play.seen(&effects);
        play
    }

    /// The server `files` asks this.
    pub fn ask(&mut self, id: u64, what: Ask) {
        self.app.host.questions.push_back(Question {
            id: QuestionId(id),
            about: About::Server {
                server: ServerName::new("files"),
                generation: Generation(1),
                ask: AskId(id),
                call: None,
                what,
            },
            since: self.now,
        });
    }

    /// Servers and model are there.
    pub fn ready() -> Self {
        let mut play = Self::starting();
        for (name, tools) in SERVERS {
            let generation = play
                .app
                .host
                .server(&ServerName::new(name))
                .map_or(Generation(1), |server| server.generation);
            let hello = Hello {
                era: Era::Legacy,
                revision: "2025-11-25".to_owned(),
                name: name.to_owned(),
                version: "1".to_owned(),
                instructions: None,
                capabilities: json!({"tools": {}}),
            };
            let listing = Listing {
                items: tools.iter().map(|name| tool(name)).collect(),
                rejected: Vec::new(),
            };
            for event in [
                ServerEvent::Connected(Box::new(hello)),
                ServerEvent::Listed(Listed::Tools(listing)),
            ] {
                play.host(HostEvent::Server {
                    server: ServerName::new(name),
                    generation,
                    event,
                });
            }
        }
        play.host(HostEvent::ModelFound(Ok(ModelLabel {
            context: None,
            model: "m".to_owned(),
            place: "here".to_owned(),
            scripted: false,
            notes: Vec::new(),
        })));
        play
    }

    /// The model has asked for `files.write_file`, and the person is asked.
    pub fn asked() -> Self {
        let mut play = Self::ready();
        play.type_text("write it");
        play.press(Code::Enter);
        play.model_calls("write_file", json!({"path": "a.txt"}));
        assert_eq!(play.app.host.questions.len(), 1, "a question is open");
        play
    }

    /// The model ends its step with one call of the tool whose name ends so.
    pub fn model_calls(&mut self, tool: &str, arguments: Value) {
        let (stream, request) = self.stream.clone().expect("the model is asked");
        let offer = request
            .tools
            .iter()
            .find(|offer| offer.name.ends_with(tool));
        let call = ModelCall {
            id: "abcdefgh1".to_owned(),
            name: offer.expect("the tool is on offer").name.clone(),
            arguments: arguments.to_string(),
            extra: Map::new(),
        };
        self.model_ends(stream, vec![call]);
    }

    /// The model says this and nothing more.
    pub fn model_says(&mut self, text: &str) {
        let (stream, _) = self.stream.clone().expect("the model is asked");
        let event = ModelEvent::Text(text.to_owned());
        self.host(HostEvent::Model { stream, event });
        self.model_ends(stream, Vec::new());
    }

    fn model_ends(&mut self, stream: StreamId, calls: Vec<ModelCall>) {
        let event = ModelEvent::Done(Completion {
            finish: Finish::Stop,
            calls,
            usage: None,
            notes: Vec::new(),
        });
        self.host(HostEvent::Model { stream, event });
    }

    pub fn host(&mut self, event: HostEvent) -> Vec<AppEffect> {
        self.update(AppEvent::Host(event))
    }

    pub fn update(&mut self, event: AppEvent) -> Vec<AppEffect> {
        let mut effects = self.app.update(event, self.now);
        // What is written down of calls has tests of its own.
        effects.retain(|effect| {
            !matches!(
                effect,
                AppEffect::Host(Effect::Keep(Keep::Audit(_) | Keep::Frame(_)))
            )
        });
        self.seen(&effects);
        effects
    }

    fn seen(&mut self, effects: &[AppEffect]) {
        for effect in effects {
            if let AppEffect::Host(Effect::StreamModel { stream, request }) = effect {
                self.stream = Some((*stream, request.clone()));
            }
        }
    }

    pub fn wait(&mut self, millis: u64) {
        self.now = self.now.plus(Duration::from_millis(millis));
        self.update(AppEvent::Tick);
    }

    pub fn key(&mut self, key: Key) -> Vec<AppEffect> {
        self.update(AppEvent::Key(key))
    }

    pub fn press(&mut self, code: Code) -> Vec<AppEffect> {
        self.key(Key::new(code))
    }

    pub fn ctrl(&mut self, c: char) -> Vec<AppEffect> {
        self.key(Key::char(c).ctrl())
    }

    pub fn type_text(&mut self, text: &str) -> Vec<AppEffect> {
        text.chars().flat_map(|c| self.key(Key::char(c))).collect()
    }

    pub fn toast(&self) -> &str {
        self.app.toast.as_ref().map_or("", |toast| &toast.text)
    }
}

/// The effects for the driver.
pub fn host_effects(effects: &[AppEffect]) -> Vec<&Effect> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            AppEffect::Host(effect) => Some(effect),
            _ => None,
        })
        .collect()
}
