//! The roots of the client narrow the folders of the filesystem server, and nothing that a client says widens them.
//!
//! Spoken message by message, because the order is what matters.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::client::{LIMIT, command};

/// A configured folder with two folders in it, beside one that is not configured.
struct Ground {
    base: TempDir,
}

impl Ground {
    fn new() -> Self {
        let ground = Self {
            base: tempfile::tempdir().unwrap(),
        };
        for file in [
            "root/a/in.txt",
            "root/b/in.txt",
            "root-evil/in.txt",
            "other/in.txt",
        ] {
            let path = ground.path(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        symlink(ground.path("root-evil"), ground.path("root/out")).unwrap();
        symlink("a", ground.path("root/to-a")).unwrap();
        symlink(ground.path("root"), ground.path("to-root")).unwrap();
        ground
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.base.path().canonicalize().unwrap().join(below)
    }

    fn uri(&self, below: &str) -> String {
        uri(&self.path(below))
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

struct Raw {
    _child: Child,
    _data: TempDir,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Raw {
    fn start(folders: &[&Path]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut args = vec!["filesystem"];
        args.extend(folders.iter().map(|folder| folder.to_str().unwrap()));
        let mut child = command(&args, data.path()).spawn().unwrap();
        Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            _child: child,
            _data: data,
        }
    }

    async fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let line = format!("{message}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.stdout.next_line()).await;
        serde_json::from_str(&line.unwrap().unwrap().unwrap()).unwrap()
    }

    /// Begins a session of the revisions with `initialize`.
    async fn initialize(&mut self, capabilities: Value) {
        let client = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": client});
        self.send(json!({"id": "i", "method": "initialize", "params": params}))
            .await;
        assert_eq!(self.next().await["id"], "i");
        self.send(json!({"method": "notifications/initialized"}))
            .await;
    }

    async fn ask(&mut self, id: u64, tool: &str, arguments: Value) {
        let params = json!({"name": tool, "arguments": arguments});
        self.send(json!({"id": id, "method": "tools/call", "params": params}))
            .await;
    }

    async fn call(&mut self, id: u64, tool: &str, arguments: Value) -> Value {
        self.ask(id, tool, arguments).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"].clone()
    }

    /// The question for the roots; answers it.
    async fn give(&mut self, roots: &[String]) {
        let question = self.next().await;
        assert_eq!(question["method"], "roots/list", "{question}");
        let roots: Vec<Value> = roots.iter().map(|uri| json!({"uri": uri})).collect();
        self.send(json!({"id": question["id"], "result": {"roots": roots}}))
            .await;
    }
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

/// The folders that are left of the configured ones for a client with these roots.
async fn left(folders: &[&Path], uris: &[String]) -> Vec<String> {
    let mut raw = Raw::start(folders);
    raw.initialize(json!({"roots": {}})).await;
    raw.give(uris).await;
    let told = raw.call(1, "list_allowed_directories", json!({})).await;
    let directories = told["structuredContent"]["directories"].as_array().unwrap();
    directories
        .iter()
        .map(|d| d.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_left_is_what_both_have() {
    let ground = Ground::new();
    let root = ground.path("root");
    let told = |below: &str| ground.path(below).to_str().unwrap().to_owned();
    let cases: [(&[String], &[String]); 16] = [
        (&[ground.uri("root")], &[told("root")]),
        (&[ground.uri("")], &[told("root")]),
        (&["file:///".to_owned()], &[told("root")]),
        (&[ground.uri("root/a")], &[told("root/a")]),
        (&[ground.uri("root/a/")], &[told("root/a")]),
        (
            &[ground.uri("root/b"), ground.uri("root/a")],
            &[told("root/b"), told("root/a")],
        ),
        (&[ground.uri("root/a"), ground.uri("root")], &[told("root")]),
        (&[ground.uri("root/to-a")], &[told("root/a")]),
        (&[ground.uri("to-root/b")], &[told("root/b")]),
        (&[ground.uri("root-evil"), ground.uri("other")], &[]),
        (&[ground.uri("root/out")], &[]),
        (&[ground.uri("root/a/../../other")], &[]),
        (&[ground.uri("root/a/%2e%2e/%2E%2E/other")], &[]),
        (&[ground.uri("root/a/in.txt"), ground.uri("root/none")], &[]),
        (
            &[
                "https://example.com/".to_owned(),
                "nonsense".to_owned(),
                "file://host/root".to_owned(),
            ],
            &[],
        ),
        (&[], &[]),
    ];
    for (uris, expected) in cases {
        assert_eq!(left(&[&root], uris).await, expected, "{uris:?}");
    }
    let both = [root.as_path(), &ground.path("other")];
    let uris = [ground.uri("other"), ground.uri("root/a")];
    assert_eq!(left(&both, &uris).await, [told("root/a"), told("other")]);
}

#[tokio::test]
async fn a_narrowed_server_reaches_nothing_beside() {
    let ground = Ground::new();
    let mut raw = Raw::start(&[&ground.path("root")]);
    raw.initialize(json!({"roots": {"listChanged": true}}))
        .await;
    raw.give(&[ground.uri("root/to-a")]).await;
    for path in [
        "in.txt",
        &ground.path("root/a/in.txt").display().to_string(),
        &ground.path("root/to-a/in.txt").display().to_string(),
    ] {
        let read = raw.call(1, "read_text_file", json!({"path": path})).await;
        assert_eq!(
            read["structuredContent"]["content"], "root/a/in.txt",
            "{read}"
        );
    }
    symlink("../b", ground.path("root/a/to-b")).unwrap();
    for path in [
        "../b/in.txt",
        "to-b/in.txt",
        &ground.path("root/b/in.txt").display().to_string(),
    ] {
        let read = raw.call(2, "read_text_file", json!({"path": path})).await;
        assert_eq!(read["isError"], true, "{read}");
    }
    let wrote = raw
        .call(3, "write_file", json!({"path": "new", "content": "x"}))
        .await;
    assert_eq!(wrote["isError"], Value::Bool(false), "{wrote}");
    assert!(ground.path("root/a/new").exists());
}

#[tokio::test]
async fn with_nothing_left_each_tool_says_so() {
    let ground = Ground::new();
    let mut raw = Raw::start(&[&ground.path("root")]);
    raw.initialize(json!({"roots": {}})).await;
    raw.give(&[ground.uri("other")]).await;
    let paths = json!({"path": "."});
    for (tool, arguments) in [
        ("list_directory", paths.clone()),
        ("list_directory_with_sizes", paths.clone()),
        ("directory_tree", paths.clone()),
        ("read_text_file", paths.clone()),
        ("read_media_file", paths.clone()),
        ("get_file_info", paths.clone()),
        ("search_files", json!({"path": ".", "pattern": "*"})),
        ("search_file_contents", json!({"pattern": "x"})),
        ("write_file", json!({"path": "x", "content": "x"})),
        ("create_directory", paths.clone()),
        ("delete_file", paths),
        ("undo", json!({})),
        (
            "undo",
            json!({"change": "20200101T000000Z-1", "force": true}),
        ),
        ("list_changes", json!({})),
        ("list_allowed_directories", json!({})),
        ("read_multiple_files", json!({"paths": ["a"]})),
    ] {
        let result = raw.call(1, tool, arguments).await;
        assert!(
            text(&result).contains("so no file may be touched"),
            "{tool}: {result}"
        );
        assert!(
            text(&result).contains(&ground.uri("other")),
            "{tool}: {result}"
        );
    }
}

#[tokio::test]
async fn no_call_runs_before_the_client_has_answered() {
    let ground = Ground::new();
    let mut raw = Raw::start(&[&ground.path("root")]);
    raw.initialize(json!({"roots": {"listChanged": true}}))
        .await;
    let read = json!({"path": ground.path("root/b/in.txt")});
    raw.ask(1, "read_text_file", read.clone()).await;
    // The question comes, and the call waits for its answer.
    raw.give(&[ground.uri("root/a")]).await;
    let answer = raw.next().await;
    assert_eq!(
        (&answer["id"], &answer["result"]["isError"]),
        (&json!(1), &json!(true)),
        "{answer}"
    );

    raw.send(json!({"method": "notifications/roots/list_changed"}))
        .await;
    raw.ask(2, "read_text_file", read.clone()).await;
    raw.give(&[ground.uri("root/b")]).await;
    let answer = raw.next().await;
    assert_eq!(
        answer["result"]["structuredContent"]["content"], "root/b/in.txt",
        "{answer}"
    );

    // Wider than configured is not to be had.
    raw.send(json!({"method": "notifications/roots/list_changed"}))
        .await;
    raw.ask(
        3,
        "read_text_file",
        json!({"path": ground.path("other/in.txt")}),
    )
    .await;
    raw.give(&["file:///".to_owned()]).await;
    let answer = raw.next().await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let again = raw.call(4, "read_text_file", read).await;
    assert_eq!(again["structuredContent"]["content"], "root/b/in.txt");
}

#[tokio::test]
async fn an_error_or_silence_leaves_things_as_they_were() {
    let ground = Ground::new();
    let mut raw = Raw::start(&[&ground.path("root")]);
    raw.initialize(json!({"roots": {"listChanged": true}}))
        .await;
    let question = raw.next().await;
    let error = json!({"code": -32603, "message": "no"});
    raw.send(json!({"id": question["id"], "error": error}))
        .await;
    let read = json!({"path": ground.path("root/b/in.txt")});
    let result = raw.call(1, "read_text_file", read.clone()).await;
    assert_eq!(result["structuredContent"]["content"], "root/b/in.txt");

    raw.send(json!({"method": "notifications/roots/list_changed"}))
        .await;
    raw.give(&[ground.uri("root/a")]).await;
    raw.send(json!({"method": "notifications/roots/list_changed"}))
        .await;
    raw.ask(2, "read_text_file", read).await;
    // Nobody answers this one.
    assert_eq!(raw.next().await["method"], "roots/list");
    let answer = raw.next().await;
    assert_eq!(
        (&answer["id"], &answer["result"]["isError"]),
        (&json!(2), &json!(true)),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_without_roots_is_not_asked() {
    let ground = Ground::new();
    let mut raw = Raw::start(&[&ground.path("root")]);
    raw.initialize(json!({})).await;
    raw.send(json!({"method": "notifications/roots/list_changed"}))
        .await;
    let read = raw
        .call(1, "read_text_file", json!({"path": "b/in.txt"}))
        .await;
    assert_eq!(read["structuredContent"]["content"], "root/b/in.txt");
}

/// The parameters of a call in 2026-07-28.
fn modern(capabilities: Value, arguments: Value, brought: Option<Value>) -> Value {
    let mut params = json!({"name": "read_text_file", "arguments": arguments, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }});
    if let Some(brought) = brought {
        params["inputResponses"] = brought;
    }
    params
}

impl Raw {
    async fn modern(&mut self, id: u64, params: Value) -> Value {
        self.send(json!({"id": id, "method": "tools/call", "params": params}))
            .await;
        let answer = self.next().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer["result"].clone()
    }
}

#[tokio::test]
async fn in_the_modern_era_the_first_call_is_answered_with_the_question() {
    let ground = Ground::new();
    let mut raw = Raw::start(&[&ground.path("root")]);
    let has = json!({"roots": {}});
    let inside = json!({"path": ground.path("root/a/in.txt")});
    let beside = json!({"path": ground.path("root/b/in.txt")});
    let asked = raw
        .modern(1, modern(has.clone(), beside.clone(), None))
        .await;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    assert_eq!(asked["inputRequests"]["roots"]["method"], "roots/list");
    assert!(asked.get("content").is_none());
    // Not answered, so it is asked again.
    let asked = raw
        .modern(2, modern(has.clone(), beside.clone(), None))
        .await;
    assert_eq!(asked["resultType"], "input_required");
    let roots = json!({"roots": {"roots": [{"uri": ground.uri("root/a")}]}});
    let result = raw
        .modern(3, modern(has.clone(), beside.clone(), Some(roots)))
        .await;
    assert_eq!(result["isError"], true, "{result}");
    let result = raw.modern(4, modern(has.clone(), inside, None)).await;
    assert_eq!(
        result["structuredContent"]["content"], "root/a/in.txt",
        "{result}"
    );
    let result = raw.modern(5, modern(has, beside, None)).await;
    assert_eq!(result["isError"], true, "{result}");
}

#[tokio::test]
async fn a_modern_client_that_brings_no_roots_keeps_what_is_configured() {
    let ground = Ground::new();
    let beside = json!({"path": ground.path("root/b/in.txt")});
    for brought in [
        json!({}),
        json!({"roots": 5}),
        json!({"other": {"roots": []}}),
    ] {
        let mut raw = Raw::start(&[&ground.path("root")]);
        let params = modern(json!({"roots": {}}), beside.clone(), Some(brought));
        let result = raw.modern(1, params).await;
        assert_eq!(
            result["structuredContent"]["content"], "root/b/in.txt",
            "{result}"
        );
    }
    let mut raw = Raw::start(&[&ground.path("root")]);
    let result = raw.modern(1, modern(json!({}), beside, None)).await;
    assert_eq!(
        result["structuredContent"]["content"], "root/b/in.txt",
        "{result}"
    );
}
