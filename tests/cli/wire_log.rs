//! `--wire-log`: every message and every stray line as JSON lines, without secrets.

use serde_json::Value;

use crate::deck::Deck;

const SECRET: &str = "hunter2-is-no-password";

#[test]
fn every_message_is_a_line_and_no_secret_is_in_it() {
    let deck = Deck::new("");
    let script = format!(
        "[start]\nstdout = ['starting with {SECRET}']\nstderr = ['key {SECRET}']\n\
         [[tools]]\nname = 'login'\ninputSchema = {{ type = 'object' }}\n"
    );
    deck.scripted(
        "s",
        &script,
        &format!("env = {{ API_TOKEN = \"{SECRET}\" }}"),
    );
    let ran = deck
        .run(&[
            "--wire-log",
            "wire.jsonl",
            "call",
            "s",
            "login",
            "user=ana",
            "password=opensesame",
        ])
        .expect(0);
    // The control: the server got the password, and echoed it.
    assert!(ran.out.contains("opensesame"), "{ran}");
    let text = std::fs::read_to_string(deck.home.work().join("wire.jsonl")).expect("the log");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.len() >= 6, "{text}");
    for part in [
        "initialize",
        "tools/list",
        "tools/call",
        "starting with",
        "ana",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    for secret in [SECRET, "opensesame"] {
        assert!(!text.contains(secret), "{secret:?} is in\n{text}");
    }
}

#[test]
fn a_log_that_cannot_be_written_is_refused_before_anything_runs() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let ran = deck
        .run(&["--wire-log", "no/such/folder/wire", "list"])
        .expect(2);
    assert!(ran.err.contains("no/such/folder/wire"), "{ran}");
    let ran = deck
        .run(&["--wire-log", "no/such/folder/wire", "ask", "--json", "x"])
        .expect(2);
    assert_eq!(ran.turn_end()["stop_reason"], "usage");
}
