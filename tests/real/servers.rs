//! Every server that is known here: started, listed whole and called once, in each way that the protocol can be chosen.
//!
//! A forced era is obeyed: a server that does not speak it is refused in words, and never talked to in the other one.

use std::path::Path;
use std::process::Command;

use mcpdeck::config::ProtocolChoice::{self, Auto, Legacy, Modern};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::status::Era;
use serde_json::{Value, json};

use crate::deck::Deck;
use crate::everything::{MORE, TOOLS};
use crate::home::Home;
use crate::npm::npm;
use crate::pypi::{desk, pypi};
use crate::support::dialled;
use crate::wire::{Program, Wire};

/// A server, and what is known of it.
struct Known {
    program: Program,
    /// Whether it speaks the revision 2026-07-28 too.
    modern: bool,
    /// How many tools, resources, templates and prompts it has.
    has: [usize; 4],
    tool: &'static str,
    arguments: Value,
    /// Part of its answer.
    says: String,
}

impl Known {
    async fn shown(&self, home: &Home) {
        for protocol in [Legacy, Auto, Modern] {
            match (protocol, self.modern) {
                (Modern, false) => self.refused(home).await,
                _ => self.works(home, protocol).await,
            }
        }
        self.works_from_the_command_line();
    }

    async fn works(&self, home: &Home, protocol: ProtocolChoice) {
        let mut wire = Wire::dial(self.program.spec(home, protocol)).await;
        let wanted = match (protocol, self.modern) {
            (Auto | Modern, true) => Era::Modern,
            _ => Era::Legacy,
        };
        assert_eq!(wire.hello.era, wanted, "{protocol:?}: {:?}", wire.hello);
        let mut has = [0; 4];
        for (count, kind) in has.iter_mut().zip(ListKind::ALL) {
            if wire.offers(kind) {
                *count = wire.names(kind).await.len();
            }
        }
        assert_eq!(has, self.has, "{protocol:?}");
        let answer = wire
            .call(self.tool, self.arguments.clone())
            .await
            .as_text()
            .into_owned();
        assert!(answer.contains(&self.says), "{protocol:?}: {answer}");
        wire.closed().await;
    }

    async fn refused(&self, home: &Home) {
        let mut server = dialled(self.program.spec(home, Modern), |_| {});
        let failure = server.ended().await;
        assert_eq!(failure.kind, FailureKind::Protocol, "{failure:#?}");
        assert!(failure.message.contains("server/discover"), "{failure:#?}");
        let hint = failure.hint.as_deref().unwrap_or_default();
        assert!(hint.contains("protocol = \"auto\""), "{failure:#?}");
        while let Ok((_, _, event)) = server.events.try_recv() {
            assert!(!matches!(event, ServerEvent::Connected(_)), "{event:?}");
        }
    }

    fn works_from_the_command_line(&self) {
        let deck = Deck::new();
        let args: Vec<&str> = self.program.args.iter().map(String::as_str).collect();
        deck.stdio("s", &self.program.command, &args);
        for (name, value) in &self.program.env {
            deck.add(&format!("env.{name} = {}", json!(value)));
        }
        assert_eq!(deck.tools("s").len(), self.has[0]);
        let arguments = self.arguments.to_string();
        let ran = deck.call("s", self.tool, &["--args", &arguments]);
        assert!(ran.text().contains(&self.says), "{ran:#?}");
    }
}

#[tokio::test]
async fn filesystem_of_npm() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let file = home.write("a.txt", "words on the disk");
    let work = home.work().to_string_lossy().into_owned();
    let server = Known {
        program: Program::new("node", &[&npm.filesystem(), &work]),
        modern: false,
        has: [14, 0, 0, 0],
        tool: "read_text_file",
        arguments: json!({"path": file}),
        says: "words on the disk".to_owned(),
    };
    server.shown(&home).await;
}

#[tokio::test]
async fn everything_of_npm() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let server = Known {
        program: Program::new("node", &[&npm.everything(), "stdio"]),
        modern: false,
        has: [TOOLS.len() + MORE.len(), 7, 2, 4],
        tool: "get-sum",
        arguments: json!({"a": 2, "b": 40}),
        says: "42".to_owned(),
    };
    server.shown(&home).await;
}

#[tokio::test]
async fn memory_of_npm() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let file = home.work().join("memory.jsonl");
    let entity = json!({"name": "Anh", "entityType": "person", "observations": ["likes tea"]});
    let server = Known {
        program: Program::new("node", &[&npm.memory()])
            .env("MEMORY_FILE_PATH", file.to_string_lossy()),
        modern: false,
        has: [9, 1, 0, 0],
        tool: "create_entities",
        arguments: json!({"entities": [entity]}),
        says: String::new(),
    };
    server.shown(&home).await;
    let kept = std::fs::read_to_string(file).expect("the memory");
    assert!(kept.contains("likes tea"), "{kept}");
}

#[tokio::test]
async fn sequential_thinking_of_npm() {
    let Some(npm) = npm() else { return };
    let home = Home::new();
    let server = Known {
        program: Program::new("node", &[&npm.sequential_thinking()]),
        modern: false,
        has: [1, 0, 0, 0],
        tool: "sequentialthinking",
        arguments: json!({
            "thought": "One step at a time.", "nextThoughtNeeded": false, "thoughtNumber": 1, "totalThoughts": 1,
        }),
        says: "thoughtHistoryLength".to_owned(),
    };
    server.shown(&home).await;
}

#[tokio::test]
async fn sqlite_of_pypi() {
    let Some(pypi) = pypi() else { return };
    let home = Home::new();
    let file = home.work().join("shop.db");
    let database = rusqlite::Connection::open(&file).expect("a database");
    let made = "CREATE TABLE tea (name TEXT); INSERT INTO tea VALUES ('Ô long')";
    database.execute_batch(made).expect("a table");
    drop(database);
    let server = Known {
        program: Program::new(
            pypi.server("mcp-server-sqlite"),
            &["--db-path", &file.to_string_lossy()],
        ),
        modern: false,
        has: [6, 1, 0, 1],
        tool: "read_query",
        arguments: json!({"query": "SELECT name FROM tea"}),
        says: "Ô long".to_owned(),
    };
    server.shown(&home).await;
}

#[tokio::test]
async fn git_of_pypi() {
    let Some(pypi) = pypi() else { return };
    let home = Home::new();
    home.write("repo/a.txt", "one");
    let repo = home.work().join("repo");
    git(&home, &repo, &["init", "-q", "-b", "main"]);
    git(&home, &repo, &["add", "a.txt"]);
    git(&home, &repo, &["commit", "-q", "-m", "The first words"]);
    let path = repo.to_string_lossy().into_owned();
    let server = Known {
        program: Program::new(pypi.server("mcp-server-git"), &["-r", &path]),
        modern: false,
        has: [12, 0, 0, 0],
        tool: "git_log",
        arguments: json!({"repo_path": path}),
        says: "The first words".to_owned(),
    };
    server.shown(&home).await;
}

fn git(home: &Home, repo: &Path, args: &[&str]) {
    let mut command: Command = home.command("git");
    let author = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    let done = command.current_dir(repo).args(author).args(args).output();
    let done = done.expect("git");
    assert!(done.status.success(), "git {args:?}: {done:?}");
}

#[tokio::test]
async fn time_of_pypi() {
    let Some(pypi) = pypi() else { return };
    let home = Home::new();
    let server = Known {
        program: Program::new(
            pypi.server("mcp-server-time"),
            &["--local-timezone", "Asia/Ho_Chi_Minh"],
        ),
        modern: false,
        has: [2, 0, 0, 0],
        tool: "convert_time",
        arguments: json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Ho_Chi_Minh"}),
        says: "T19:00:00+07:00".to_owned(),
    };
    server.shown(&home).await;
}

#[tokio::test]
async fn fastmcp_of_pypi() {
    let Some(pypi) = pypi() else { return };
    let home = Home::new();
    let server = Known {
        program: Program::new(pypi.python(), &[&desk()]),
        modern: true,
        has: [8, 1, 1, 1],
        tool: "add",
        arguments: json!({"a": 2, "b": 40}),
        says: "42".to_owned(),
    };
    server.shown(&home).await;
}
