//! `undo`: takes back from outside what the file server changed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::deck::{BIN, Deck, spawn};

/// Lets a file server on `work/root` make these calls, and ends it.
fn calls(deck: &Deck, calls: &[(&str, Value)]) -> PathBuf {
    let root = deck.home.work().join("root");
    let mut command = deck.home.command(BIN);
    command.args(["serve", "filesystem"]).arg(&root);
    let mut server = spawn(command.stdin(Stdio::piped()));
    let mut input = server.stdin.take().expect("stdin");
    let mut output = BufReader::new(server.stdout.take().expect("stdout")).lines();
    let mut say = |message: Value| writeln!(input, "{message}").expect("a server");
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    say(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}));
    output.next().expect("a greeting").expect("a greeting");
    say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    for (name, arguments) in calls {
        let params = json!({"name": name, "arguments": arguments});
        say(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
        let answer = output.next().expect("an answer").expect("an answer");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["result"]["isError"], json!(false), "{answer}");
    }
    drop(input);
    server.wait().expect("the end");
    root
}

fn deck() -> Deck {
    let deck = Deck::new("");
    deck.home.write("root/a", "one");
    deck
}

#[test]
fn the_last_change_is_taken_back_without_a_server_and_made_again() {
    let deck = deck();
    let root = calls(
        &deck,
        &[
            ("write_file", json!({"path": "a", "content": "two"})),
            ("delete_file", json!({"path": "a"})),
        ],
    );
    let ran = deck.run(&["undo"]).expect(0);
    assert!(
        ran.out.starts_with("undid `") && ran.out.contains("delete_file"),
        "{ran}"
    );
    assert_eq!(fs::read(root.join("a")).expect("a"), b"two");
    let undone = deck.run(&["undo", "--json"]).expect(0).json();
    assert_eq!(fs::read(root.join("a")).expect("a"), b"one");
    assert_eq!(undone["undone"]["tool"], "write_file");
    let again = undone["change"].as_str().expect("a change");
    deck.run(&["undo", again]).expect(0);
    assert_eq!(fs::read(root.join("a")).expect("a"), b"two");
}

#[test]
fn the_changes_are_listed() {
    let deck = deck();
    assert!(
        deck.run(&["undo", "--list"])
            .expect(0)
            .err
            .contains("nothing")
    );
    let moved = json!({"source": "b", "destination": "c\u{1b}[2J"});
    let root = calls(
        &deck,
        &[
            ("write_file", json!({"path": "b", "content": ""})),
            ("move_file", moved),
        ],
    );
    let list = deck.run(&["undo", "--list", "--json"]).expect(0).json();
    let changes = list["changes"].as_array().expect("changes");
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[1]["path"], json!(root.join("b")));
    let ran = deck.run(&["undo", "--list", "--limit", "1"]).expect(0);
    assert_eq!(ran.out.lines().count(), 1, "{ran}");
    assert!(
        ran.out.contains("move_file") && !ran.out.contains('\u{1b}'),
        "{ran}"
    );
    deck.run(&["undo", "--limit", "1"]).expect(2);
}

#[test]
fn what_was_changed_since_needs_force() {
    let deck = deck();
    let write = ("write_file", json!({"path": "a", "content": "two"}));
    let root = calls(&deck, &[write]);
    fs::write(root.join("a"), "mine").expect("a");
    let ran = deck.run(&["undo"]).expect(1);
    assert!(
        ran.err.contains("was changed") && ran.err.contains("--force"),
        "{ran}"
    );
    assert_eq!(fs::read(root.join("a")).expect("a"), b"mine");
    let undone = deck.run(&["undo", "--force", "--json"]).expect(0).json();
    let kept = undone["previous"].as_str().expect("a path");
    assert_eq!(fs::read(kept).expect("kept"), b"mine");
    assert_eq!(fs::read(root.join("a")).expect("a"), b"one");
}

#[test]
fn a_root_that_is_gone_or_became_a_link_is_not_written_into() {
    let deck = deck();
    let root = calls(&deck, &[("delete_file", json!({"path": "a"}))]);
    fs::remove_dir(&root).expect("the root");
    let ran = deck.run(&["undo"]).expect(1);
    assert!(ran.err.contains("cannot be opened any more"), "{ran}");
    let elsewhere = deck.home.work().join("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    symlink(&elsewhere, &root).expect("a link");
    let ran = deck.run(&["undo", "--force"]).expect(1);
    assert!(ran.err.contains("a link has taken the place"), "{ran}");
    assert_eq!(fs::read_dir(&elsewhere).expect("a folder").count(), 0);
    fs::remove_file(&root).expect("the link");
    fs::create_dir(&root).expect("the root");
    deck.run(&["undo"]).expect(0);
    assert_eq!(fs::read(root.join("a")).expect("a"), b"one");
}

#[test]
fn an_unknown_change_and_nothing_to_undo_are_told() {
    let deck = deck();
    let ran = deck.run(&["undo"]).expect(1);
    assert!(ran.err.contains("no change to undo"), "{ran}");
    let ran = deck.run(&["undo", "20200101T000000Z-1"]).expect(1);
    assert!(ran.err.contains("no change `2020"), "{ran}");
}

#[test]
fn the_journal_of_the_configurations_file_server_is_found() {
    let deck = Deck::new(
        "[mcp_servers.files]\nbundled = 'filesystem'\nroots = ['root']\ndata_dir = 'kept'\n",
    );
    deck.home.write("root/a", "one");
    deck.run(&["call", "files", "write_file", "path=a", "content=two"])
        .expect(0);
    let a = deck.home.work().join("root/a");
    assert_eq!(fs::read(&a).expect("a"), b"two");
    let elsewhere = deck.run(&["undo", "--data-dir", "other"]).expect(1);
    assert!(elsewhere.err.contains("no change to undo"), "{elsewhere}");
    deck.run(&["undo"]).expect(0);
    assert_eq!(fs::read(&a).expect("a"), b"one");
}
