//! The overview of the inspector: a server that is well, one that starts, and the ten that are broken, each with its true cause
//! and a fix. The failures come from a file that a test of the real program holds to what happens.

use std::collections::BTreeMap;

use mcpdeck::app::inspector::overview::{Repeat, Wish};
use mcpdeck::app::{App, AppEvent};
use mcpdeck::config::server::{HttpLaunch, Launch, StdioLaunch};
use mcpdeck::config::{Config, ServerSpec, ThemeChoice};
use mcpdeck::host::{Command, Host, HostEvent, Settings};
use mcpdeck::ids::{CallId, Generation, ServerName};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::listing::{Listed, Listing, Rejected};
use mcpdeck::mcp::request::{ListKind, Method};
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::start::StartWord;
use mcpdeck::mcp::status::{Era, Hello};
use mcpdeck::mcp::tool::Tool;
use serde_json::{Value, json};

use crate::stage::{at, screen, spec};

const NAME: &str = "kho-hàng";

/// An inspector on one server, with the events that come from it.
struct Seen {
    app: App,
    millis: u64,
}

fn launch(target: &str) -> Launch {
    if target.starts_with("http") || target == "[URL]" {
        return Launch::Http(HttpLaunch {
            shown: String::new(),
            url: target.replace("[URL]", "http://127.0.0.1:9/mcp"),
            headers: BTreeMap::new(),
            transport: Default::default(),
            oauth: Box::default(),
        });
    }
    let mut words = target.split(' ').map(str::to_owned);
    Launch::Stdio(StdioLaunch {
        shown: Vec::new(),
        command: words.next().unwrap_or_default(),
        args: words.collect(),
        env: BTreeMap::new(),
        env_vars: Vec::new(),
        cwd: None,
    })
}

impl Seen {
    fn on(target: &str) -> Self {
        let spec: ServerSpec = spec(NAME, launch(target));
        let config = Config {
            servers: vec![spec],
            ..Config::default()
        };
        let settings = Settings {
            redials_at_start: false,
            ..Settings::default()
        };
        let host = Host::new(&config, settings);
        let mut app = App::new(host, (120, 40), ThemeChoice::Mono);
        app.inspect_alone(ServerName::new(NAME));
        app.start(at(0));
        Self { app, millis: 0 }
    }

    /// So many milliseconds later.
    fn hears(mut self, after: u64, event: ServerEvent) -> Self {
        self.millis += after;
        let server = ServerName::new(NAME);
        let generation = self.app.host.server(&server).expect("it").generation;
        let event = HostEvent::Server {
            server,
            generation,
            event,
        };
        self.app.update(AppEvent::Host(event), at(self.millis));
        self
    }

    fn word(self, after: u64, word: StartWord) -> Self {
        self.hears(after, ServerEvent::Start(word))
    }

    fn opened(self) -> Self {
        self.word(0, StartWord::Opening).word(3, StartWord::Opened)
    }

    fn asked(self, method: &str) -> Self {
        self.word(0, StartWord::Asked(method.into()))
    }

    /// A server of the old era, up to its lists.
    fn greeted(self, capabilities: Value) -> Self {
        let hello = Hello {
            era: Era::Legacy,
            revision: "2025-11-25".into(),
            name: "warehouse".into(),
            version: "2.1.0".into(),
            instructions: Some("Ask for a shelf before an item.\nKệ trước, hàng sau.".into()),
            capabilities,
        };
        self.opened()
            .refused()
            .asked("initialize")
            .word(
                6,
                StartWord::Answered {
                    method: "initialize".into(),
                    revision: "2025-11-25".into(),
                    known: true,
                },
            )
            .word(0, StartWord::Told("notifications/initialized".into()))
            .hears(1, ServerEvent::Connected(Box::new(hello)))
    }

    fn refused(self) -> Self {
        let (method, why) = (
            "server/discover".to_owned(),
            "error -32601: no method server/discover".to_owned(),
        );
        self.asked("server/discover")
            .word(2, StartWord::Refused { method, why })
    }

    fn lists(self, tools: Vec<Tool>) -> Self {
        let listing = Listing {
            items: tools,
            rejected: Vec::new(),
        };
        self.hears(2, ServerEvent::Listed(Listed::Tools(listing)))
    }
}

fn tool(name: &str, schema: Value) -> Tool {
    Tool {
        name: name.into(),
        title: None,
        description: Some("Looks an item up.".into()),
        input_schema: schema,
        output_schema: None,
        annotations: Default::default(),
        icons: Vec::new(),
        task: Default::default(),
    }
}

fn object() -> Value {
    json!({ "type": "object" })
}

fn tells() -> Value {
    json!({ "tools": { "listChanged": true } })
}

/// Everything at once: a list that fails, things that cannot be used, noise, and a file that changed.
fn flawed() -> App {
    let capabilities = json!({ "tools": {}, "resources": { "subscribe": true }, "x\u{1b}[2J": {} });
    let mut seen = Seen::on("python3 server.py").greeted(capabilities).hears(
        1,
        ServerEvent::Stray {
            line: "Listening… \u{1b}[31mred".into(),
        },
    );
    let odd = Rejected {
        name: Some("cũ".into()),
        why: "it has no `inputSchema`".into(),
    };
    let listing = Listing {
        items: vec![tool(
            "delete_shelf",
            json!({ "type": "object", "properties": { "kệ": { "type": "string" } } }),
        )],
        rejected: vec![odd],
    };
    seen = seen
        .hears(4, ServerEvent::Listed(Listed::Tools(listing)))
        .hears(
            1,
            ServerEvent::ListFailed(
                ListKind::Resources,
                "the server answered with error -32601: unknown".into(),
            ),
        );
    let watch = &mut seen.app.inspector.as_mut().expect("it").overview.watch;
    watch.paths = vec!["server.py".into()];
    watch.touched = Some("server.py".into());
    watch.restarts = 2;
    let (tool, arguments) = ("delete_shelf".to_owned(), "{}".to_owned());
    watch.repeat = Repeat::Held(Wish {
        method: Method::Tool,
        tool,
        arguments,
    });
    seen.app
}

fn well() -> App {
    Seen::on("npx -y @acme/warehouse")
        .greeted(tells())
        .lists(vec![tool("look_up", object())])
        .app
}

fn starting() -> App {
    let mut seen = Seen::on("npx -y @acme/warehouse")
        .opened()
        .asked("server/discover");
    seen.app.now = at(4_200);
    seen.app
}

/// One of the ten by its name.
fn broken(name: &str) -> App {
    let kept: BTreeMap<String, Failure> =
        serde_json::from_str(include_str!("../fixtures/broken/failures.json")).expect("failures");
    let seen = |name: &str| Seen::on(kept[name].target.as_deref().unwrap_or("x"));
    let ended = || ServerEvent::Ended(Box::new(kept[name].clone()));
    match name {
        "banner" => {
            let line = "Shop server 1.0 ready!".to_owned();
            let seen = Seen::on("./banner").greeted(tells());
            seen.hears(0, ServerEvent::Stray { line })
                .lists(vec![tool("add", object())])
                .app
        }
        "schema" => {
            let schema = json!({ "type": "object", "properties": { "a": { "type": "numbr", "description": "One." } } });
            Seen::on("./schema")
                .greeted(tells())
                .lists(vec![tool("add", schema)])
                .app
        }
        "crashes" => crashed(),
        "hangs" | "prints" => {
            let seen = seen(name).opened().asked("server/discover");
            let seen = seen.word(1_500, StartWord::Asked("initialize".into()));
            seen.hears(500, ended()).app
        }
        "version" => {
            let answered = StartWord::Answered {
                method: "initialize".into(),
                revision: "1.0".into(),
                known: false,
            };
            let seen = seen(name).opened().refused().asked("initialize");
            seen.word(4, answered).hears(1, ended()).app
        }
        "shebang" => seen(name).word(0, StartWord::Opening).hears(2, ended()).app,
        _ => {
            seen(name)
                .opened()
                .asked("server/discover")
                .hears(12, ended())
                .app
        }
    }
}

fn crashed() -> App {
    let mut seen = Seen::on("./crashes")
        .greeted(tells())
        .lists(vec![tool("add", object())]);
    let command = Command::Call {
        server: ServerName::new(NAME),
        tool: "add".into(),
        arguments: "{}".into(),
    };
    seen.app.host.command(command, at(100));
    let lost = CallOutcome::Lost {
        why: "the server's process ended".into(),
    };
    let mut failure = Failure::new(FailureKind::Exited, "the server's process ended");
    failure.exit = Some("exit code 1".into());
    failure.target = Some("./crashes".into());
    failure.stderr = vec!["adding".into(), "TypeError: price is undefined".into()];
    seen.hears(100, ServerEvent::Call(CallId(1), CallEvent::Finished(lost)))
        .hears(1, ServerEvent::Ended(Box::new(failure)))
        .app
}

macro_rules! frame {
    ($name:ident, $app:expr, $cols:literal, $rows:literal) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen(&$app, $cols, $rows));
        }
    };
}

frame!(overview_well_wide, well(), 120, 40);
frame!(overview_well_narrow, well(), 80, 24);
frame!(overview_well_tiny, well(), 40, 12);
frame!(overview_flawed_wide, flawed(), 120, 40);
frame!(overview_flawed_narrow, flawed(), 80, 24);
frame!(overview_starting_narrow, starting(), 80, 24);
frame!(overview_of_a_wrong_shebang, broken("shebang"), 100, 24);
frame!(overview_of_a_missing_variable, broken("variable"), 100, 24);
frame!(overview_of_a_banner_on_stdout, broken("banner"), 100, 30);
frame!(overview_of_one_that_prints_alone, broken("prints"), 100, 24);
frame!(overview_of_a_crash_on_a_call, broken("crashes"), 100, 34);
frame!(overview_of_a_wrong_version, broken("version"), 100, 24);
frame!(overview_of_an_invalid_schema, broken("schema"), 100, 30);
frame!(overview_of_one_that_hangs, broken("hangs"), 100, 24);
frame!(
    overview_of_one_that_leaves_at_once,
    broken("leaves"),
    100,
    24
);
frame!(overview_of_one_that_wants_a_token, broken("token"), 100, 24);
frame!(overview_of_a_wrong_port, broken("port"), 100, 24);

#[test]
fn a_connection_of_its_own_has_steps_of_its_own() {
    let mut seen = Seen::on("./x")
        .greeted(tells())
        .lists(vec![tool("add", object())]);
    seen.app
        .host
        .command(Command::Restart(ServerName::new(NAME)), at(90));
    let server = seen.app.host.server(&ServerName::new(NAME)).expect("it");
    assert_eq!(
        (server.generation, server.start.steps.len()),
        (Generation(2), 0)
    );
}
