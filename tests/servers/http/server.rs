//! One served server with what it serves, and how it ends.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Child;

use super::request::{call, get, post};
use crate::client::{LIMIT, command};

/// A query that ends by itself never.
pub const ENDLESS: &str =
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t";

pub struct Server {
    pub child: Child,
    pub url: String,
    pub address: SocketAddr,
    /// What is served: `a.txt` in a folder, or `made.db`.
    pub dir: TempDir,
    _data: TempDir,
}

impl Server {
    /// A folder with one file.
    pub async fn files(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.txt"), "a").unwrap();
        let root = dir.path().to_str().unwrap().to_owned();
        Self::start(dir, &["filesystem", &root], flags).await
    }

    /// A database with one row.
    pub async fn database(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("made.db");
        let database = rusqlite::Connection::open(&file).unwrap();
        let made =
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO a VALUES (1, 7)";
        database.execute_batch(made).unwrap();
        let url = format!("sqlite:{}", file.display());
        Self::start(dir, &["database", &url], flags).await
    }

    pub async fn start(dir: TempDir, what: &[&str], flags: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = spawn(what, flags, data.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(LIMIT, lines.next_line()).await;
        let Some(url) = line.unwrap().unwrap() else {
            panic!("it ended: {}", said(&mut child).await);
        };
        let address = url.split('/').nth(2).unwrap().parse().unwrap();
        Self {
            child,
            url,
            address,
            dir,
            _data: data,
        }
    }

    /// A number among the metrics; 0 where there is no such line.
    pub async fn metric(&self, line: &str) -> f64 {
        let text = get(self.address, "/metrics").await.text();
        let found = text.lines().find_map(|l| l.strip_prefix(line));
        found.map_or(0.0, |number| number.trim().parse().unwrap())
    }

    pub async fn in_flight(&self) -> f64 {
        self.metric("mcpdeck_tool_calls_in_flight ").await
    }

    /// The structured answer of a good call.
    pub async fn good(&self, tool: &str, arguments: Value) -> Value {
        let reply = post(self.address, &call(tool, arguments)).await;
        let json = reply.json();
        assert_eq!(json["result"]["isError"], json!(false), "{json}");
        json["result"]["structuredContent"].clone()
    }

    /// A real client on it.
    pub async fn client(&self, lifecycle: ClientLifecycleMode) -> RunningService<RoleClient, ()> {
        let transport = StreamableHttpClientTransport::from_uri(self.url.clone());
        let client = ().serve_with_lifecycle(transport, lifecycle);
        tokio::time::timeout(LIMIT, client).await.unwrap().unwrap()
    }

    /// Sends it a signal by number.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    pub async fn ended(&mut self) -> ExitStatus {
        let end = tokio::time::timeout(LIMIT, self.child.wait()).await;
        end.expect("it did not end").unwrap()
    }
}

/// The binary with `--http` on a free port and these flags.
pub fn spawn(what: &[&str], flags: &[&str], data: &Path) -> Child {
    let mut command = command(what, data);
    if !flags.contains(&"--http") {
        command.args(["--http", "0"]);
    }
    command.args(flags).stdin(Stdio::null()).spawn().unwrap()
}

/// All that it has said to people, once it has ended.
pub async fn said(child: &mut Child) -> String {
    let mut text = String::new();
    let mut stderr = child.stderr.take().unwrap();
    let read = tokio::time::timeout(LIMIT, stderr.read_to_string(&mut text));
    read.await.expect("it did not end").unwrap();
    text
}
