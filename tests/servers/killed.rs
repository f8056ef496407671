//! The server killed at any moment of its changes: nothing is torn, nothing is lost, and all can be taken back.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rmcp::ClientLifecycleMode::Initialize;
use serde_json::{Value, json};

use crate::client::Served;

/// Calls that are sent at once, so that the server is always in the middle of one.
const CALLS: usize = 48;

fn start(root: &Path, data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mcpdeck"))
        .args(["serve", "filesystem"])
        .arg(root)
        .env("MCPDECK_DATA_DIR", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// One content that nobody else writes, long enough to be torn.
fn content(round: usize, call: usize) -> String {
    format!("{round}-{call}\n").repeat(3000)
}

fn call(round: usize, id: usize) -> Value {
    let (name, arguments) = match id % 8 {
        3 => ("delete_file", json!({"path": "a"})),
        5 => (
            "copy_file",
            json!({"source": "other", "destination": "a", "overwrite": true}),
        ),
        7 => ("undo", json!({})),
        6 => (
            "create_directory",
            json!({"path": format!("d{round}/x{id}/y")}),
        ),
        _ => (
            "write_file",
            json!({"path": "a", "content": content(round, id)}),
        ),
    };
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
}

/// Sends all calls and kills the server after so many answers. Tells which calls went well.
fn interrupted(root: &Path, data: &Path, round: usize, answers: usize) -> BTreeSet<usize> {
    let mut child = start(root, data);
    let mut input = child.stdin.take().unwrap();
    let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let calls = (0..CALLS).map(|id| call(round, id));
    let lines: Vec<String> = [hello, ready]
        .into_iter()
        .chain(calls)
        .map(|message| format!("{message}\n"))
        .collect();
    let writer = std::thread::spawn(move || {
        // The server goes while this writes.
        let _broken_pipe = input.write_all(lines.concat().as_bytes());
        input
    });
    let mut good = BTreeSet::new();
    let mut seen = 0;
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    while seen < answers {
        let answer: Value = serde_json::from_str(&output.next().unwrap().unwrap()).unwrap();
        if let Some(id) = answer["id"].as_u64() {
            seen += 1;
            if answer["result"]["isError"] != json!(true) {
                good.insert(id as usize);
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    drop(writer.join());
    good
}

/// All contents of files named `a`, in the root and in the trash.
fn contents(root: &Path, data: &Path) -> BTreeSet<String> {
    let slots = fs::read_dir(data.join("trash")).unwrap();
    let files = slots.map(|slot| slot.unwrap().path().join("a"));
    files
        .chain([root.join("a")])
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect()
}

fn litter(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".mcpdeck")).collect()
}

async fn killed_again_and_again(root: &Path, data: &Path, rounds: usize) {
    fs::write(root.join("a"), "start").unwrap();
    fs::write(root.join("other"), "other").unwrap();
    for round in 0..rounds {
        let good = interrupted(root, data, round, 1 + (round * 7) % (CALLS - 8));
        let args = ["filesystem", root.to_str().unwrap()];
        let env = [("MCPDECK_DATA_DIR", data.to_str().unwrap())];
        let server = Served::start_with(&args, &env, Initialize).await;
        server.good("list_changes", json!({})).await;
        assert_eq!(litter(root), Vec::<String>::new(), "round {round}");
        let found = contents(root, data);
        for call in good
            .into_iter()
            .filter(|id| ![3, 5, 6, 7].contains(&(id % 8)))
        {
            assert!(
                found.contains(&content(round, call)),
                "{round}-{call} is lost"
            );
        }
        for text in &found {
            let first = text.lines().next().unwrap();
            let whole =
                ["start", "other"].contains(&first) || *text == format!("{first}\n").repeat(3000);
            assert!(whole, "torn: {first}, {} bytes", text.len());
        }
        unwind(&server).await;
        let text = fs::read_to_string(root.join("a")).unwrap();
        assert_eq!(text.lines().next(), Some("start"));
        let left = fs::read_dir(root).unwrap().count();
        assert_eq!(left, 2, "round {round}");
    }
}

/// Takes back all there is, by force where a change was cut short.
async fn unwind(server: &Served) {
    loop {
        let reply = server.call("undo", json!({})).await;
        if reply.is_error {
            if reply.text.contains("no change to undo") {
                return;
            }
            assert!(reply.text.contains("was cut short"), "{}", reply.text);
            server.good("undo", json!({"force": true})).await;
        }
    }
}

#[tokio::test]
async fn a_server_killed_at_any_moment_loses_nothing() {
    let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    killed_again_and_again(root.path(), data.path(), 6).await;
}

#[tokio::test]
async fn nor_does_one_whose_trash_lies_on_another_file_system() {
    let root = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    killed_again_and_again(root.path(), data.unwrap().path(), 4).await;
}
