//! mcpdeck in a home of its own: configurations, runs, and how their output is read.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::home::Home;

pub const BIN: &str = env!("CARGO_BIN_EXE_mcpdeck");

/// mcpdeck in a home of its own.
pub struct Deck {
    pub home: Home,
    config: PathBuf,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Deck {
    /// With this configuration.
    pub fn new(config: &str) -> Self {
        let home = Home::new();
        let config = home.write("mcp.toml", config);
        Self { home, config }
    }

    /// On the workspace that `mcpdeck demo` makes, with its scripted model.
    pub fn demo() -> Self {
        let home = Home::new();
        let made = home
            .command(BIN)
            .args(["demo", "--keep", "demo", "--make-only"])
            .output()
            .expect("mcpdeck demo");
        let path = String::from_utf8(made.stdout).expect("a path");
        let config = PathBuf::from(path.trim_end());
        assert!(config.is_file(), "{config:?}");
        Self { home, config }
    }

    /// Adds tables to the configuration.
    pub fn add(&self, tables: &str) -> &Self {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&self.config)
            .expect("the configuration");
        writeln!(file, "\n{tables}").expect("the configuration");
        self
    }

    /// Adds a server that plays a script; `keys` are further lines of its table.
    pub fn scripted(&self, name: &str, script: &str, keys: &str) -> &Self {
        let path = self.home.write(&format!("{name}.script.toml"), script);
        self.add(&format!(
            "[mcp_servers.{name}]\ncommand = {}\nargs = [\"serve\", \"scripted\", {}]\n{keys}",
            quoted(BIN),
            quoted(&path.to_string_lossy()),
        ))
    }

    /// The folder of the demo's files.
    pub fn files(&self) -> PathBuf {
        self.home.work().join("demo/files")
    }

    /// The demo's database.
    pub fn database(&self) -> PathBuf {
        self.home.work().join("demo/shop.db")
    }

    /// The demo's CRM.
    pub fn crm(&self) -> PathBuf {
        self.home.work().join("demo/crm.db")
    }

    /// A command on this configuration.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(BIN);
        command.arg("--config").arg(&self.config).args(args);
        command
    }

    /// Runs it without a terminal and without stdin.
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).stdin(Stdio::null()))
    }

    /// Runs it with this on stdin.
    pub fn run_with_stdin(&self, args: &[&str], stdin: &str) -> Ran {
        let mut child = spawn(self.command(args).stdin(Stdio::piped()));
        let mut pipe = child.stdin.take().expect("stdin");
        pipe.write_all(stdin.as_bytes()).expect("stdin");
        drop(pipe);
        finished(child)
    }

    /// Starts it with pipes and does not wait.
    pub fn start(&self, args: &[&str]) -> Child {
        spawn(self.command(args).stdin(Stdio::null()))
    }

    /// Holds a text against its snapshot, without what differs between two runs: paths, versions, times.
    #[track_caller]
    pub fn snapshot(&self, name: &str, text: &str) {
        let mut settings = insta::Settings::clone_current();
        let work = literal(&self.home.work().to_string_lossy());
        for (pattern, stands_for) in [
            (work.as_str(), "[WORK]"),
            (&literal(BIN), "[MCPDECK]"),
            (&literal(env!("CARGO_PKG_VERSION")), "[VERSION]"),
            (r#""duration_ms":\d+"#, r#""duration_ms":"[MS]""#),
            (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[TIME]"),
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
                "[ID]",
            ),
            (r"\d+(\.\d+)? m?s\b", "[TOOK]"),
        ] {
            settings.add_filter(pattern, stands_for);
        }
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

/// Starts a command with pipes on stdout and stderr.
pub fn spawn(command: &mut Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("mcpdeck")
}

/// Runs a command to its end.
pub fn ran(command: &mut Command) -> Ran {
    finished(spawn(command))
}

/// Waits for the end.
pub fn finished(child: Child) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("the end of mcpdeck");
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).expect("UTF-8 on stdout"),
        err: String::from_utf8(stderr).expect("UTF-8 on stderr"),
    }
}

/// Runs something that blocks inside a test with a runtime.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

impl Ran {
    /// Fails, with everything that was printed, on another exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// stdout as one JSON value; it must be nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// stdout as events, one a line.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{self}"))
            })
            .collect()
    }

    /// The events of one type.
    #[track_caller]
    pub fn of_type(&self, kind: &str) -> Vec<Value> {
        let mut events = self.events();
        events.retain(|event| event["type"] == kind);
        events
    }

    /// The answer, joined from the `text` events.
    #[track_caller]
    pub fn answer(&self) -> String {
        let texts = self.of_type("text");
        texts.iter().filter_map(|t| t["delta"].as_str()).collect()
    }

    /// The last event, which must be the end of the turn.
    #[track_caller]
    pub fn turn_end(&self) -> Value {
        let events = self.events();
        let last = events.last().cloned().unwrap_or_default();
        assert_eq!(last["type"], "turn_end", "{self}");
        assert_eq!(self.of_type("turn_end").len(), 1, "{self}");
        last
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, out, err } = self;
        write!(
            f,
            "exit code {code:?}\n--- stdout\n{out}\n--- stderr\n{err}"
        )
    }
}

/// A chunk of a chat completion that holds this delta.
pub fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "id": "c", "object": "chat.completion.chunk", "created": 0, "model": "test",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

/// The chunks of an answer in words.
pub fn says(text: &str) -> [Value; 2] {
    [
        chunk(&json!({ "role": "assistant", "content": text }), None),
        chunk(&json!({}), Some("stop")),
    ]
}

/// The chunks of an answer that makes one call.
pub fn calls(tool: &str, arguments: &Value) -> [Value; 2] {
    let call = json!({
        "index": 0, "id": "call00001", "type": "function",
        "function": { "name": tool, "arguments": arguments.to_string() },
    });
    [
        chunk(&json!({ "role": "assistant", "tool_calls": [call] }), None),
        chunk(&json!({}), Some("tool_calls")),
    ]
}

/// The configuration of a model at this endpoint.
pub fn model_at(base_url: &str) -> String {
    format!(
        "[model]\nbase_url = {}\nname = \"test\"\n",
        quoted(base_url)
    )
}

/// A TOML string; JSON's escapes are among TOML's.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn literal(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let special = !c.is_alphanumeric() && !matches!(c, '/' | '_' | '-' | ' ');
            special.then_some('\\').into_iter().chain([c])
        })
        .collect()
}
