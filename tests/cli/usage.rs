//! The command line itself: help, version, refusals, broken configurations, closed pipes.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::deck::{BIN, Deck, finished, ran, spawn};

#[test]
fn help_and_version_are_data() {
    let deck = Deck::new("");
    let version = deck.run(&["--version"]).expect(0);
    assert_eq!(
        version.out,
        format!("mcpdeck {}\n", env!("CARGO_PKG_VERSION"))
    );
    for args in [
        &["help"][..],
        &["--help"],
        &["help", "ask"],
        &["call", "--help"],
    ] {
        let ran = deck.run(args).expect(0);
        assert!(ran.out.contains("Usage: mcpdeck"), "{ran}");
        assert_eq!(ran.err, "");
    }
    insta::assert_snapshot!("help", deck.run(&["help"]).expect(0).out);
}

#[test]
fn the_help_of_a_subcommand_begins_with_its_own_options_and_ends_with_the_exit_codes() {
    let deck = Deck::new("");
    for command in ["ask", "list", "call"] {
        let out = deck.run(&[command, "--help"]).expect(0).out;
        let own = out.find("--json");
        let shared = out.find("Options of every command:");
        let config = out.find("--config");
        let codes = out.find("Exit codes: 0 good, 1 tool error");
        assert!(
            own.is_some() && own < shared && shared < config && config < codes,
            "{out}"
        );
    }
}

#[test]
fn what_is_not_understood_is_refused_on_stderr() {
    let deck = Deck::new("");
    for (args, words) in [
        (&["lst"][..], "list"),
        (&["ask", "--jsn", "x"], "--json"),
        (&["call"], "<SERVER>"),
    ] {
        let ran = deck.run(args).expect(2);
        assert!(ran.err.contains(words), "{ran}");
        assert_eq!(ran.out, "");
    }
}

#[test]
fn a_broken_configuration_names_file_line_and_key() {
    let deck = Deck::new("[modle]\nname = \"x\"\n");
    for args in [&["list"][..], &["ask", "x"], &["call", "s", "t"]] {
        let ran = deck.run(args).expect(2);
        assert!(
            ran.err.contains("mcp.toml:1:2: unknown key `modle`")
                || ran.err.contains("mcp.toml:1:1: unknown key `modle`"),
            "{ran}"
        );
        assert!(ran.err.contains("model"), "{ran}");
        assert_eq!(ran.out, "");
    }
    let ran = deck.run(&["ask", "--json", "x"]).expect(2);
    assert_eq!(ran.of_type("error").len(), 1, "{ran}");
    assert_eq!(ran.turn_end()["stop_reason"], "usage");
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let deck = Deck::new("");
    let mut command = deck.home.command(BIN);
    command
        .args(["--config", "nowhere.toml", "list"])
        .stdin(Stdio::null());
    let ran = ran(&mut command).expect(2);
    assert!(ran.err.contains("nowhere.toml"), "{ran}");
}

#[test]
fn the_terminal_program_says_what_to_use_without_a_terminal() {
    let deck = Deck::new("");
    let ran = deck.run(&[]).expect(2);
    assert!(ran.err.contains("mcpdeck ask PROMPT"), "{ran}");
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let deck = Deck::demo();
    for args in [
        &["ask", "--json", "Show all customers with their e-mail"][..],
        &["ask", "Show all customers with their e-mail"],
        &["list", "--json"],
        &["help"],
    ] {
        let mut child = spawn(deck.command(args).stdin(Stdio::null()));
        let mut reader = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        drop(reader);
        assert!(!line.is_empty(), "{args:?}");
        let ran = finished(child).expect(0);
        assert!(
            !ran.err.contains("panicked") && !ran.err.contains("error"),
            "{ran}"
        );
    }
}

const README: &str = include_str!("../../README.md");

/// The first cells of the README's tables, without their backticks.
fn first_cells() -> Vec<&'static str> {
    let rows = README.lines().filter(|line| line.starts_with("| "));
    rows.filter_map(|row| row.split('|').nth(1))
        .map(|cell| cell.trim().trim_matches('`'))
        .collect()
}

#[test]
fn the_readme_tells_every_event_and_every_exit_code() {
    let cells = first_cells();
    let told = [
        "server",
        "text",
        "tool_call",
        "approval",
        "tool_result",
        "note",
        "error",
        "turn_end",
    ];
    for name in told.into_iter().chain(["0", "1", "2", "3", "4", "130"]) {
        assert!(cells.contains(&name), "the README does not tell {name}");
    }
}

#[test]
fn the_readmes_configuration_is_good() {
    let (_, rest) = README
        .split_once("\n## Configuration\n")
        .expect("a chapter");
    let (_, rest) = rest.split_once("```toml\n").expect("a block");
    let (toml, _) = rest.split_once("```").expect("its end");
    let deck = Deck::new(toml);
    std::fs::create_dir_all(deck.home.path("home/Documents")).expect("a folder");
    let mut command = deck.command(&["config", "check"]);
    command.env("EXAMPLE_TOKEN", "x").stdin(Stdio::null());
    let ran = ran(&mut command).expect(0);
    for name in ["files", "shop", "everything", "remote"] {
        assert!(ran.out.contains(name), "{ran}");
    }
    assert_eq!(ran.err, "");
}
