//! The same features from the command line, against real servers: what a script can do without a terminal.

use serde_json::Value;

use crate::deck::Deck;
use crate::npm::npm;
use crate::pypi::{desk, pypi};

/// server-everything as `all`.
fn everything() -> Option<Deck> {
    let npm = npm()?;
    let deck = Deck::new();
    deck.stdio("all", "node", &[&npm.everything(), "stdio"]);
    Some(deck)
}

/// The FastMCP server as `old` and as `new`, by the era that is spoken with it.
fn desks() -> Option<Deck> {
    let pypi = pypi()?;
    let deck = Deck::new();
    for (name, era) in [("old", "legacy"), ("new", "modern")] {
        deck.stdio(name, &pypi.python(), &[&desk()]);
        deck.add(&format!("protocol = \"{era}\""));
    }
    Some(deck)
}

#[test]
fn all_four_lists_are_printed() {
    let Some(deck) = everything() else { return };
    let ran = deck.run(&["list", "all"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    for what in ["get-sum", "architecture.md", "{resourceId}", "args-prompt"] {
        assert!(ran.out.contains(what), "{what}: {ran:#?}");
    }
}

#[test]
fn a_resource_is_read_as_text_and_written_as_bytes() {
    let Some(deck) = everything() else { return };
    let ran = deck.run(&["read", "all", "demo://resource/dynamic/text/7"]);
    assert!(ran.out.starts_with("Resource 7: "), "{ran:#?}");
    let file = deck.home.work().join("seven");
    let out = file.to_string_lossy().into_owned();
    let blob = "demo://resource/dynamic/blob/7";
    let ran = deck.run(&["read", "all", blob, "--out", &out]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let bytes = std::fs::read_to_string(file).expect("the file");
    assert!(bytes.starts_with("Resource 7: "), "{bytes}");
}

#[test]
fn a_prompt_is_filled_in_and_its_argument_completed() {
    let Some(deck) = everything() else { return };
    let ran = deck.run(&["prompt", "all", "args-prompt", "city=Huế"]);
    assert!(ran.out.contains("What's weather in Huế?"), "{ran:#?}");
    let complete = ["complete", "all", "prompt", "completable-prompt"];
    let args = [complete.as_slice(), &["department", "S"]].concat();
    let ran = deck.run(&args);
    assert_eq!(ran.out, "Sales\nSupport\n", "{ran:#?}");
    let context = ["name", "--context", "department=Sales"];
    let args = [complete.as_slice(), &context].concat();
    assert_eq!(deck.run(&args).out, "David\nEve\nFrank\n");
}

#[test]
fn an_image_of_an_answer_becomes_a_file() {
    let Some(deck) = everything() else { return };
    let folder = deck.home.work().join("kept");
    let out = folder.to_string_lossy().into_owned();
    let ran = deck.run(&["call", "all", "get-tiny-image", "--output", &out]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .flatten()
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = std::fs::read(files[0].path()).expect("the image");
    assert!(bytes.starts_with(b"\x89PNG"), "{files:?}");
}

#[test]
fn a_form_is_declined_without_a_flag_and_filled_in_by_one_in_both_eras() {
    let Some(deck) = desks() else { return };
    for server in ["old", "new"] {
        let ran = deck.call(server, "ask_name", &[]);
        assert_eq!(ran.text(), "decline: None", "{server}");
        let ran = deck.call(server, "ask_name", &["--answer", "name=Bình"]);
        assert_eq!(ran.text(), "accept: Bình", "{server}");
    }
}

#[test]
fn roots_are_told_only_when_they_are_given_in_both_eras() {
    let Some(deck) = desks() else { return };
    let work = deck.home.work();
    let root = work.to_string_lossy().into_owned();
    for server in ["old", "new"] {
        let ran = deck.call(server, "ask_roots", &["--root", &root]);
        assert_eq!(ran.text(), format!("file://{root}"), "{server}");
        let ran = deck.call(server, "ask_roots", &[]);
        assert!(!ran.out.contains("file://"), "{server}: {ran:#?}");
    }
}

#[test]
fn a_server_that_wants_our_model_is_declined_without_a_flag_in_both_eras() {
    let Some(deck) = desks() else { return };
    for server in ["old", "new"] {
        let ran = deck.call(server, "ask_model", &[]);
        assert_ne!(ran.code, Some(0), "{server}: {ran:#?}");
        assert!(!ran.out.contains("wrote:"), "{server}: {ran:#?}");
    }
}

#[test]
fn a_url_is_shown_and_never_opened() {
    let Some(deck) = everything() else { return };
    let url = "url=https://example.com/grant";
    let ran = deck.call("all", "trigger-url-elicitation", &[url]);
    assert!(ran.text().contains("declined"), "{ran:#?}");
    let ran = deck.call("all", "trigger-url-elicitation", &[url, "--accept-urls"]);
    assert!(ran.text().contains("completed"), "{ran:#?}");
    assert!(ran.err.contains("https://example.com/grant"), "{ran:#?}");
}

#[test]
fn log_messages_are_shown_from_the_level_that_is_given_in_both_eras() {
    let Some(deck) = desks() else { return };
    for server in ["old", "new"] {
        let args = ["call", server, "count", "steps=1", "--log-level"];
        let ran = deck.run(&[args.as_slice(), &["info"]].concat());
        assert!(ran.err.contains("counted to 1"), "{server}: {ran:#?}");
        let ran = deck.run(&[args.as_slice(), &["error"]].concat());
        assert!(!ran.err.contains("counted to 1"), "{server}: {ran:#?}");
    }
}

#[test]
fn a_task_ends_with_its_result_in_both_eras() {
    let Some(deck) = desks() else { return };
    for server in ["old", "new"] {
        let ran = deck.call(server, "work", &["pieces=2"]);
        assert_eq!(ran.text(), "2 pieces of work", "{server}");
    }
}

#[test]
fn a_tool_that_runs_only_as_a_task_runs_from_the_command_line() {
    let Some(deck) = everything() else { return };
    let ran = deck.call("all", "simulate-research-query", &["topic=tea"]);
    assert!(ran.text().starts_with("# Research Report: tea"), "{ran:#?}");
}

fn names(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.map(|item| item["name"].to_string()).collect()
}

#[test]
fn the_lists_are_the_same_in_both_eras() {
    let Some(deck) = desks() else { return };
    let lists = ["old", "new"].map(|server| {
        let ran = deck.run(&["list", server, "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:#?}");
        let server: Value = ran.json()["servers"][0].clone();
        ["tools", "resources", "prompts"].map(|key| names(&server[key]))
    });
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0].each_ref().map(Vec::len), [8, 1, 1]);
}
