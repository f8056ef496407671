//! The states that the frames are drawn from: built by hand from the public fields, with names and texts from three continents.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mcpdeck::agent::model::{ModelCall, Usage};
use mcpdeck::agent::transcript::{Assistant, Entry, Level};
use mcpdeck::agent::turn::TurnState;
use mcpdeck::app::{App, Measured};
use mcpdeck::config::server::{Access, Bundled, Launch, ProtocolChoice, StdioLaunch, StoreUrl};
use mcpdeck::config::{ApprovePolicy, Config, ServerSpec, ThemeChoice};
use mcpdeck::host::About;
use mcpdeck::host::{CacheUse, Load, ProcessUse};
use mcpdeck::host::{
    CallEnd, CallState, Host, ModelLabel, ModelState, Origin, Question, Server, Settings, ToolCall,
};
use mcpdeck::ids::{CallId, Generation, Moment, QuestionId, ServerName, StreamId, TurnId};
use mcpdeck::mcp::event::Progress;
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::health::Finish;
use mcpdeck::mcp::listing::Rejected;
use mcpdeck::mcp::request::{ListKind, Method};
use mcpdeck::mcp::result::{CallOutcome, ToolResult};
use mcpdeck::mcp::status::{Era, Hello, Status};
use mcpdeck::mcp::tool::{Annotations, Tool};
use mcpdeck::text::wrap;
use mcpdeck::view::{Memo, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

/// A point in time, in milliseconds after the start.
pub fn at(millis: u64) -> Moment {
    Moment(millis * 1_000)
}

pub fn spec(name: &str, launch: Launch) -> ServerSpec {
    ServerSpec {
        name: name.into(),
        launch,
        enabled: true,
        required: false,
        startup_timeout: Duration::from_secs(30),
        tool_timeout: Duration::from_secs(120),
        enabled_tools: None,
        disabled_tools: Vec::new(),
        roots: None,
        log_level: None,
        protocol: ProtocolChoice::Auto,
        approve: ApprovePolicy::Writes,
        tool_approve: BTreeMap::new(),
        policy: Box::default(),
    }
}

fn child(name: &str, command: &str, args: &[&str]) -> ServerSpec {
    let launch = StdioLaunch {
        shown: Vec::new(),
        command: command.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: BTreeMap::new(),
        env_vars: Vec::new(),
        cwd: None,
    };
    spec(name, Launch::Stdio(launch))
}

pub fn tool(name: &str, description: &str, schema: Value) -> Tool {
    Tool {
        name: name.into(),
        title: None,
        description: Some(description.into()),
        input_schema: schema,
        output_schema: None,
        annotations: Annotations::default(),
        icons: Vec::new(),
        task: Default::default(),
    }
}

fn hello(era: Era, name: &str) -> Status {
    Status::Ready {
        since: at(800),
        hello: Box::new(Hello {
            era,
            revision: match era {
                Era::Legacy => "2025-11-25".into(),
                Era::Modern => "2026-07-28".into(),
            },
            name: name.into(),
            version: "1.4.0".into(),
            instructions: None,
            capabilities: json!({"tools": {"listChanged": true}, "logging": {}}),
        }),
    }
}

fn server(spec: ServerSpec) -> Server {
    let config = Config {
        servers: vec![spec],
        ..Config::default()
    };
    Host::new(&config, Settings::default()).servers.remove(0)
}

/// Four servers: two well, one that failed, one that is tried again.
fn servers() -> Vec<Server> {
    let mut files = server(spec(
        "files",
        Launch::Bundled(Bundled::Filesystem {
            roots: vec!["work".into()],
            data_dir: None,
            access: Access::ReadWrite,
        }),
    ));
    files.status = hello(Era::Modern, "mcpdeck-filesystem");
    let path =
        json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]});
    files.tools = vec![
        tool("list_directory", "Lists a folder.", path.clone()),
        tool("read_file", "Reads a text file.", path.clone()),
        Tool {
            annotations: Annotations {
                read_only: Some(false),
                destructive: Some(true),
                ..Annotations::default()
            },
            icons: Vec::new(),
            task: Default::default(),
            ..tool("write_file", "Writes a whole file. Asks first.", path)
        },
    ];
    [3, 4, 2, 9, 3, 2, 14, 3]
        .iter()
        .for_each(|millis| good(&mut files, *millis));
    files.processes = Some(ProcessUse {
        count: 1,
        resident: 18_400_000,
    });
    files.tool_tokens = 412;
    files.cache = CacheUse {
        hits: 3,
        misses: 5,
        entries: 2,
        bytes: 3_400,
    };
    let mut shop = server(spec(
        "shop",
        Launch::Bundled(Bundled::Database {
            url: StoreUrl::new("sqlite:shop.db", ""),
            access: Access::ReadOnly,
        }),
    ));
    shop.status = hello(Era::Legacy, "mcpdeck-database");
    let sql = json!({"type": "object", "properties": {"sql": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["sql"]});
    shop.tools = vec![tool("query_database", "Runs one read-only query.", sql)];
    let odd = Rejected {
        name: Some("odd tool".into()),
        why: "its inputSchema is not an object".into(),
    };
    shop.rejected.insert(ListKind::Tools, vec![odd]);
    good(&mut shop, 21);
    let error = Some("no such table: đơn_hàng".to_owned());
    shop.health.call(
        "query_database",
        Duration::from_millis(40),
        Finish::Error,
        error,
        at(9_000),
    );
    shop.tool_tokens = 96;
    let mut ghost = server(child("ghost", "npx", &["-y", "@acme/ghost server"]));
    let mut failure = Failure::new(FailureKind::Exited, "it ended before the handshake");
    failure.target = Some("/usr/bin/npx -y '@acme/ghost server'".into());
    failure.exit = Some("exit code 1".into());
    failure.stderr = vec![
        "npm error code E404".into(),
        "npm error 404 Not Found".into(),
    ];
    failure.hint = Some("check the package's name".into());
    ghost.status = Status::Failed {
        failure: Box::new(failure),
    };
    let mut slow = server(child("slow", "python3", &["slow.py"]));
    slow.status = Status::Waiting {
        until: at(16_500),
        attempt: 2,
        failure: Box::new(Failure::new(FailureKind::Timeout, "no word within 30 s")),
    };
    let mut servers = vec![files, shop, ghost, slow];
    judged(&mut servers);
    servers
}

fn judged(servers: &mut [Server]) {
    servers
        .iter_mut()
        .for_each(|server| server.judge(false, at(12_000)));
}

fn good(server: &mut Server, millis: u64) {
    let took = Duration::from_millis(millis);
    server
        .health
        .call("read_file", took, Finish::Good, None, at(9_000));
}

/// Servers in each kind of trouble, and one that is well.
pub fn troubled() -> App {
    let mut app = fresh();
    let [well, shop, stopped, waiting] = app.host.servers.try_into().expect("four servers");
    let named = |name: &str| {
        let mut server = shop.clone();
        server.name = name.into();
        server.health = Default::default();
        server.rejected.clear();
        server
    };
    let mut slow = named("reports");
    (0..20).for_each(|_| good(&mut slow, 300));
    (0..5).for_each(|_| good(&mut slow, 4_100));
    let mut failing = named("nhà-kho");
    (0..10).for_each(|number| {
        let (end, error) = match number < 4 {
            true => (Finish::Good, None),
            false => (Finish::Lost, Some("no answer within 10 s".to_owned())),
        };
        let took = Duration::from_millis(40);
        failing
            .health
            .call("query", took, end, error, at(2_000 + number));
    });
    failing.load = Load {
        running: 8,
        waiting: 3,
    };
    let mut silent = named("silent");
    silent.health.probe(Duration::from_millis(3), at(2_000));
    silent
        .health
        .missed("no answer to a health probe within 10 s".into());
    let mut locked = named("locked");
    locked.status = Status::Failed {
        failure: Box::new(Failure::new(FailureKind::NeedsSignIn, "HTTP 401")),
    };
    app.host.servers = vec![well, slow, failing, silent, locked, stopped, waiting];
    judged(&mut app.host.servers);
    app
}

/// A finished, running or asking call.
pub fn call(id: u64, server: &str, tool: &str, arguments: &str, state: CallState) -> ToolCall {
    ToolCall {
        id: CallId(id),
        origin: Origin::Model {
            turn: TurnId(1),
            call: ModelCall {
                id: format!("call{id:05}"),
                name: format!("{server}_{tool}"),
                arguments: arguments.into(),
                extra: serde_json::Map::new(),
            },
        },
        server: Some(ServerName::new(server)),
        method: Method::Tool,
        tool: tool.into(),
        arguments: arguments.into(),
        state,
        progress: None,
        messages: VecDeque::new(),
        created: at(9_000),
        request_id: Some(id.to_string()),
        task: None,
        saved_to: None,
        resent: 0,
        mismatch: None,
        ruling: None,
        cached: None,
        steps: Vec::new(),
        steps_lost: 0,
    }
}

/// Answered after so many milliseconds.
pub fn answered(millis: u64, result: ToolResult) -> CallState {
    CallState::Done {
        at: at(9_000 + millis),
        took: Duration::from_millis(millis),
        end: CallEnd::Outcome {
            outcome: CallOutcome::Answered {
                result: result.into(),
            },
        },
    }
}

fn running(since: u64) -> CallState {
    CallState::Running {
        since: at(since),
        generation: Generation(1),
    }
}

/// A table as the database server answers it.
pub fn customers() -> ToolResult {
    ToolResult {
        structured: Some(json!({
            "columns": ["id", "tên", "email", "total"],
            "rows": [
                [1, "Nguyễn Thị Ánh", "anh@vi.example", 1250.5],
                [2, "王小明", "xiaoming@zh.example", 30],
                [3, "Zoë 👩‍🚀", null, 99.9]
            ]
        })),
        ..ToolResult::text("3 rows")
    }
}

/// The first frame: servers ready, a script, nothing said yet.
pub fn fresh() -> App {
    let mut host = Host::new(&Config::default(), Settings::default());
    host.servers = servers();
    host.model = ModelState::Ready {
        label: ModelLabel {
            context: None,
            model: "demo".into(),
            place: "script demo".into(),
            scripted: true,
            notes: Vec::new(),
        },
    };
    let mut app = App::new(host, (120, 40), ThemeChoice::Mono);
    app.now = at(12_340);
    app.suggestion = Some("List the files here.".into());
    app
}

fn step(number: u32, text: &str, calls: &[u64]) -> Entry {
    Entry::Assistant(Assistant {
        turn: TurnId(1),
        step: number,
        text: text.into(),
        calls: calls.iter().map(|id| CallId(*id)).collect(),
        since: at(8_000),
        ..Assistant::default()
    })
}

/// A conversation with a real model: Markdown, calls that are done, two that run, one with progress.
pub fn talk() -> App {
    let mut app = fresh();
    app.host.model = ModelState::Ready {
        label: ModelLabel {
            context: None,
            model: "qwen3:4b".into(),
            place: "Ollama at 127.0.0.1:11434".into(),
            scripted: false,
            notes: Vec::new(),
        },
    };
    app.suggestion = None;
    let files = "README.md\nsrc/\nghi chú.txt\n报告.md";
    app.host.calls = vec![
        call(
            1,
            "files",
            "list_directory",
            r#"{"path":"."}"#,
            answered(12, ToolResult::text(files)),
        ),
        call(
            2,
            "shop",
            "query_database",
            r#"{"sql":"select * from khach_hang order by total desc"}"#,
            answered(21, customers()),
        ),
        call(
            3,
            "files",
            "read_file",
            r#"{"path":"ghost.txt"}"#,
            answered(
                3,
                ToolResult {
                    is_error: true,
                    ..ToolResult::text("no such file: ghost.txt")
                },
            ),
        ),
        call(
            4,
            "files",
            "search",
            r#"{"glob":"**/*.py"}"#,
            running(10_100),
        ),
        call(
            5,
            "shop",
            "export",
            r#"{"to":"báo cáo.csv"}"#,
            running(11_900),
        ),
    ];
    for (done, words, millis) in [
        (10.0, "opening the index", 10_300),
        (30.0, "scanning src", 10_900),
    ] {
        let progress = Progress {
            done,
            total: Some(100.0),
            message: Some(words.into()),
        };
        app.host.calls[3].progressed(progress, at(millis));
    }
    let transcript = &mut app.host.transcript;
    transcript.tell("server ghost is not there".into());
    transcript.push(Entry::User {
        text: "Liệt kê các tệp ở đây, rồi cho tôi xem khách hàng.".into(),
        at: at(7_000),
        sent: true,
    });
    transcript.push(step(1, "", &[1]));
    transcript.push(step(2, "", &[2, 3]));
    transcript.push(step(3, "## Kết quả\n\nThere are **four** entries; see `ghi chú.txt` first:\n\n1. `README.md` and *src*\n2. a list\n   - nested, with a [link](https://example.com/a)\n   - [x] done\n\n| khách hàng | tổng |\n|---|---|\n| Nguyễn Thị Ánh | 1,250.5 |\n| 王小明 | 30 |\n\n> quoted: 引用\n\n```python\ndef total(rows):\n    return sum(r[\"total\"] for r in rows)  # tổng\n```\n", &[4, 5]));
    app.host.turn = TurnState::Calling {
        turn: TurnId(1),
        step: 3,
        waiting: [CallId(4), CallId(5)].into(),
    };
    app.host.usage = Usage {
        prompt: 12_345,
        completion: 678,
    };
    app
}

/// The model answers: text streams in, its thoughts before it.
pub fn streaming() -> App {
    let mut app = talk();
    for call in &mut app.host.calls[3..] {
        call.state = answered(700, ToolResult::text("ok"));
        call.progress = None;
    }
    app.host.transcript.push(Entry::Assistant(Assistant {
        turn: TurnId(1),
        step: 4,
        text: "The highest total is **Nguyễn Thị Ánh** with".into(),
        reasoning: "First the totals.\nThen the highest of them.".into(),
        open: true,
        since: at(11_000),
        ..Assistant::default()
    }));
    app.host.turn = TurnState::Streaming {
        turn: TurnId(1),
        step: 4,
        stream: StreamId(4),
        since: at(11_000),
        retries: 0,
        opened: true,
        shown: true,
    };
    app
}

/// A write that waits for the person.
pub fn question() -> App {
    let mut app = talk();
    let arguments =
        r#"{"path":"hello.txt","content":"Hello from MCP!\nXin chào 👋\u202e","mode":420}"#;
    app.host.calls.truncate(3);
    app.host.calls.push(call(
        4,
        "files",
        "write_file",
        arguments,
        CallState::Asking {
            question: QuestionId(1),
        },
    ));
    app.host.questions.push_back(Question {
        id: QuestionId(1),
        about: About::Call {
            call: CallId(4),
            why: "write_file may change something".into(),
        },
        since: at(12_000),
    });
    app.ask.question = Some(QuestionId(1));
    app.host.turn = TurnState::Calling {
        turn: TurnId(1),
        step: 3,
        waiting: [CallId(4)].into(),
    };
    app
}

/// No model; SQL was typed, and a note says what went wrong.
pub fn no_model() -> App {
    let mut app = fresh();
    app.suggestion = None;
    app.host.model = ModelState::Absent {
        why: "nothing answers on this machine and no OPENAI_API_KEY is set.\nStart Ollama, or set [model] base_url in mcp.toml.".into(),
    };
    let sql = r#"{"sql":"select id, tên, email, total from khach_hang -- all of them"}"#;
    let mut by_hand = call(1, "shop", "query_database", sql, answered(21, customers()));
    by_hand.origin = Origin::Hand;
    app.host.calls = vec![by_hand];
    app.host.transcript.push(Entry::User {
        text: "select id, tên, email, total from khach_hang".into(),
        at: at(5_000),
        sent: true,
    });
    app.host.transcript.push(Entry::Hand { call: CallId(1) });
    app.host.transcript.note(
        Level::Warning,
        "There is no model to answer this",
        Some("SQL typed here runs on the database server".into()),
    );
    app.composer.set("xin chào 你好");
    app
}

/// Draws a state in black and white and gives the screen with the place of the cursor.
pub fn screen(app: &App, cols: u16, rows: u16) -> String {
    drawn(app, cols, rows).0
}

/// Draws a state and gives the screen and what was measured.
pub fn drawn(app: &App, cols: u16, rows: u16) -> (String, Measured) {
    let mut terminal = Terminal::new(TestBackend::new(cols, rows)).unwrap();
    let mut measured = Measured::default();
    let frame = terminal.draw(|frame| {
        measured = draw(app, &Theme::mono(), frame, &mut Memo::new());
    });
    frame.unwrap();
    let cursor = terminal.get_cursor_position().unwrap();
    let mut out = String::new();
    let buffer = terminal.backend().buffer();
    for y in 0..rows {
        let mut x = 0;
        let mut line = String::new();
        while x < cols {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += u16::try_from(wrap::width(symbol)).unwrap().max(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&format!("cursor {},{}\n", cursor.x, cursor.y));
    (out, measured)
}
