//! The pinned npm servers: where they are, how they are started, and a proof that they are what the tests believe.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use serde_json::{Value, json};

use crate::home::Home;
use crate::ports::free_port;

/// Names the folder that holds `node_modules`.
const VARIABLE: &str = "MCPDECK_TEST_NPM";

/// An installation of the pinned packages.
pub struct Npm {
    modules: PathBuf,
}

/// The installation, or none when the suite is not asked for. A variable that leads nowhere is a failure, not a reason to skip.
pub fn npm() -> Option<Npm> {
    static SAID: Once = Once::new();
    let Some(folder) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) else {
        // Written past the test harness, which keeps what a passing test prints.
        SAID.call_once(|| {
            let words = format!("skipped: set {VARIABLE}=DIR, or run .ci/suites/npm.sh\n");
            let _closed = io::stderr().write_all(words.as_bytes());
        });
        return None;
    };
    let npm = Npm {
        modules: PathBuf::from(folder).join("node_modules/@modelcontextprotocol"),
    };
    for script in [
        npm.filesystem(),
        npm.everything(),
        npm.memory(),
        npm.sequential_thinking(),
    ] {
        assert!(
            PathBuf::from(&script).is_file(),
            "{VARIABLE} is set, but {script} does not exist; run .ci/suites/npm.sh"
        );
    }
    Some(npm)
}

impl Npm {
    /// `node THIS ROOT...`
    pub fn filesystem(&self) -> String {
        self.script("server-filesystem")
    }

    /// `node THIS stdio`, or `streamableHttp` with `PORT` set.
    pub fn everything(&self) -> String {
        self.script("server-everything")
    }

    /// The folder of the official SDK's modules, which the servers bring.
    pub fn sdk(&self) -> String {
        let path = self.modules.join("sdk/dist/esm");
        path.to_string_lossy().into_owned()
    }

    /// `node THIS` with `MEMORY_FILE_PATH` set.
    pub fn memory(&self) -> String {
        self.script("server-memory")
    }

    /// `node THIS`
    pub fn sequential_thinking(&self) -> String {
        self.script("server-sequential-thinking")
    }

    fn script(&self, package: &str) -> String {
        let path = self.modules.join(package).join("dist/index.js");
        path.to_string_lossy().into_owned()
    }
}

/// The everything server over HTTP; ended when dropped.
pub struct HttpServer {
    child: Child,
    pub url: String,
}

impl HttpServer {
    /// Starts it with `streamableHttp` or `sse`, and waits until it says that it listens.
    pub fn start(npm: &Npm, home: &Home, how: &str) -> Self {
        let port = free_port();
        let mut command = home.command("node");
        command.arg(npm.everything()).arg(how);
        command.env("PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("node");
        let stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let mut lines = stderr.lines().map_while(Result::ok);
        let ready = lines.any(|line| line.contains("on port"));
        assert!(ready, "the server ended before it listened");
        // Read on, or the server would write into a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let path = if how == "sse" { "sse" } else { "mcp" };
        let url = format!("http://127.0.0.1:{port}/{path}");
        Self { child, url }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Speaks bare JSON-RPC with a server: the handshake, then one request; its answer.
fn ask(mut command: Command, method: &str, params: &Value) -> Value {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().expect("node");
    let mut to = child.stdin.take().expect("stdin");
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"}}});
    let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    writeln!(to, "{hello}\n{done}\n{request}").expect("a reading server");
    let from = BufReader::new(child.stdout.take().expect("stdout"));
    let answer = from
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
        .find(|message| message["id"] == 1);
    drop(to);
    let _ended = child.kill();
    let _reaped = child.wait();
    answer.expect("an answer before the server ended")
}

/// The names of the tools in an answer to `tools/list`, sorted.
fn names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().expect("tools");
    let mut names: Vec<&str> = tools.iter().filter_map(|t| t["name"].as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_pinned_filesystem_server_is_the_one_the_tests_know() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let mut command = home.command("node");
    command.arg(npm.filesystem()).arg(home.work());
    let answer = ask(command, "tools/list", &json!({}));
    assert_eq!(names(&answer), crate::files::TOOLS);
}

#[test]
fn the_pinned_everything_server_is_the_one_the_tests_know() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let mut command = home.command("node");
    command.arg(npm.everything()).arg("stdio");
    let answer = ask(command, "tools/list", &json!({}));
    assert_eq!(names(&answer), crate::everything::TOOLS);
}

#[test]
fn the_pinned_everything_server_listens_on_http() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let server = HttpServer::start(&npm, &home, "streamableHttp");
    let address = server
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/mcp");
    assert!(std::net::TcpStream::connect(address).is_ok(), "{address}");
}
