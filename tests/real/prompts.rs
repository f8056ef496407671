//! The demo's prompts as a conversation on npm's servers: the agent loop, scripted, with every call really carried out by them.

use std::fs;

use crate::deck::{Deck, Ran};
use crate::npm::npm;

const SCRIPT: &str = include_str!("../fixtures/scripts/npm.toml");

/// A deck with both servers, a script that plays the model, and the folder of files.
fn deck() -> Option<(Deck, String)> {
    let npm = npm()?;
    let deck = Deck::new();
    let root = deck.home.work().join("gốc cây");
    fs::create_dir_all(root.join("sub")).expect("a folder");
    fs::write(root.join("sub/tính.py"), "print(1)").expect("a file");
    fs::write(root.join("ghi chú.txt"), "chào").expect("a file");
    let root = root.to_string_lossy().into_owned();
    deck.home
        .write("script.toml", &SCRIPT.replace("ROOT", &root));
    deck.add("[model]\nprovider = \"scripted\"\nscript = \"script.toml\"\n");
    deck.stdio("files", "node", &[&npm.filesystem(), &root]);
    deck.stdio("all", "node", &[&npm.everything(), "stdio"]);
    Some((deck, root))
}

#[track_caller]
fn ask(deck: &Deck, prompt: &str) -> Ran {
    let ran = deck.run(&["ask", prompt, "--approve-all"]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    ran
}

#[test]
fn the_prompts_about_files_end_in_true_answers() {
    let Some((deck, root)) = deck() else { return };
    let hello = format!("{root}/hello.txt");
    let listed = ask(&deck, "List the files here").out;
    assert!(
        listed.contains("[DIR] sub") && listed.contains("[FILE] ghi chú.txt"),
        "{listed}"
    );
    ask(&deck, "Create `hello.txt` with \"Hello from MCP!\"");
    assert_eq!(
        fs::read_to_string(&hello).expect("the file"),
        "Hello from MCP!"
    );
    let found = ask(&deck, "Find every `.py` file below here").out;
    assert!(
        found.contains("sub/tính.py") && !found.contains("ghi chú"),
        "{found}"
    );
    let read = ask(&deck, "Read `hello.txt` back").out;
    assert_eq!(read.trim(), "Hello from MCP!");
    ask(&deck, "Delete `hello.txt`");
    assert!(!fs::exists(&hello).expect("a look at the folder"));
}

#[test]
fn two_calls_of_one_step_are_both_answered() {
    let Some((deck, _)) = deck() else { return };
    let said = ask(&deck, "Say xin chào and add 2 and 40").out;
    assert!(
        said.contains("xin chào 👋") && said.contains("42"),
        "{said}"
    );
}

#[test]
fn structured_content_reaches_the_answer() {
    let Some((deck, _)) = deck() else { return };
    let said = ask(&deck, "How is the weather in Chicago?").out;
    let degrees = said
        .trim()
        .strip_suffix(" degrees")
        .and_then(|number| number.parse::<f64>().ok());
    assert!(degrees.is_some(), "{said}");
}

#[test]
fn a_foreign_servers_call_is_refused_where_nobody_can_be_asked_whatever_it_says_of_itself() {
    let Some((deck, root)) = deck() else { return };
    let ran = deck.run(&["ask", "List the files here"]);
    assert!(ran.out.contains("failed: denied"), "{ran:#?}");
    let ran = deck.run(&[
        "ask",
        "Create `hello.txt` with \"Hello from MCP!\"",
        "--approve",
        "files.list_*",
    ]);
    assert!(ran.out.contains("failed: denied"), "{ran:#?}");
    assert!(!fs::exists(format!("{root}/hello.txt")).expect("a look at the folder"));
}
