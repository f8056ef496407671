//! Approval without a terminal: refused and told to the model, unless a flag or a rule allows it; and asked on a terminal.

use std::time::Duration;

use serde_json::json;

use crate::deck::{Deck, blocking, calls, model_at, says};
use crate::endpoint::{Endpoint, Reply};
use crate::screen::{Key, LIMIT, Screen};

const CREATE: &str = "Create `hello.txt` with \"Hello from MCP!\"";

#[test]
fn without_a_terminal_a_change_is_refused() {
    let deck = Deck::demo();
    let ran = deck.run(&["ask", CREATE]).expect(0);
    assert!(!deck.files().join("hello.txt").exists());
    assert!(ran.out.contains("`hello.txt` was not written"), "{ran}");
    assert!(ran.err.contains("--approve files.write_file"), "{ran}");
}

#[test]
fn a_flag_allows_the_calls_that_its_glob_names_and_no_others() {
    for (flags, written) in [
        (&["--approve", "files.*"][..], true),
        (&["--approve", "files.write_file"], true),
        (&["--approve", "*.write_*"], true),
        (
            &["--approve", "shop.*", "--approve", "files.write_file"],
            true,
        ),
        (&["--approve-all"], true),
        (&["--approve", "shop.*"], false),
        (&["--approve", "files"], false),
        (&["--approve", "files.write"], false),
    ] {
        let deck = Deck::demo();
        let args: Vec<&str> = ["ask", "--json"]
            .iter()
            .chain(flags)
            .chain(&[CREATE])
            .copied()
            .collect();
        let ran = deck.run(&args).expect(0);
        let text = std::fs::read_to_string(deck.files().join("hello.txt")).ok();
        assert_eq!(
            text.as_deref(),
            written.then_some("Hello from MCP!"),
            "{flags:?}\n{ran}"
        );
        assert_eq!(
            ran.of_type("approval").is_empty(),
            written,
            "{flags:?}\n{ran}"
        );
        assert_eq!(ran.of_type("tool_result")[0]["is_error"], !written, "{ran}");
    }
}

#[test]
fn a_glob_that_is_none_is_refused_before_anything_runs() {
    let deck = Deck::demo();
    let ran = deck.run(&["ask", "--approve", "files.[", CREATE]).expect(2);
    assert!(ran.err.contains("--approve files.["), "{ran}");
    assert_eq!(ran.out, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_models_next_request_shows_the_refusal() {
    let call = calls(
        "files__write_file",
        &json!({ "path": "a.txt", "content": "x" }),
    );
    let replies = vec![Reply::chunks(&call), Reply::chunks(&says("I may not."))];
    let endpoint = Endpoint::with(replies).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    deck.add("[mcp_servers.files]\nbundled = \"filesystem\"\nroots = [\".\"]\n");
    let ran = blocking(|| deck.run(&["ask", "write it"])).expect(0);
    assert_eq!(ran.out, "I may not.\n");
    assert!(!deck.home.work().join("a.txt").exists());
    let seen = endpoint.seen();
    let messages = seen[1].body["messages"].as_array().expect("messages");
    let told = messages.last().expect("a message");
    assert_eq!(told["role"], "tool", "{messages:#?}");
    let words = told["content"].as_str().expect("words");
    assert!(
        words.starts_with("denied: not sent, because it needs approval"),
        "{words}"
    );
    assert!(words.contains("no terminal to ask on"), "{words}");
}

#[test]
fn a_rule_of_the_configuration_allows_it_too() {
    let deck = Deck::demo();
    deck.add("[mcp_servers.files.tools.write_file]\napprove = \"never\"");
    deck.run(&["ask", CREATE]).expect(0);
    assert!(deck.files().join("hello.txt").exists());
}

fn asked(deck: &Deck) -> Screen {
    let screen = Screen::start(&deck.command(&["ask", CREATE]), (100, 30));
    screen.wait_text("Allow files.write_file?");
    screen.wait_text("Hello from MCP!");
    screen
}

#[test]
fn on_a_terminal_the_person_is_asked_and_yes_writes() {
    let deck = Deck::demo();
    let screen = asked(&deck);
    // Looked up at the file server itself before the question.
    for told in [
        "a new file",
        "+ Hello from MCP!",
        "can be taken back: mcpdeck undo",
    ] {
        screen.wait_text(told);
    }
    assert!(!deck.files().join("hello.txt").exists());
    screen.send("y");
    screen.key(Key::Enter);
    screen.wait_text("I created `hello.txt`");
    assert_eq!(screen.exit_status(LIMIT).exit_code(), 0);
    assert!(deck.files().join("hello.txt").exists());
}

#[test]
fn on_a_terminal_other_words_are_a_no_with_a_reason() {
    let deck = Deck::demo();
    let screen = asked(&deck);
    screen.send("use another name");
    screen.key(Key::Enter);
    screen.wait_text("says: use another name");
    assert_eq!(screen.exit_status(LIMIT).exit_code(), 0);
    assert!(!deck.files().join("hello.txt").exists());
}

#[test]
fn ctrl_c_at_the_question_ends_the_program_at_once() {
    let deck = Deck::demo();
    let screen = asked(&deck);
    screen.key(Key::Ctrl('c'));
    let status = screen.exit_status(Duration::from_secs(5));
    assert_eq!(status.exit_code(), 130, "{}", screen.text());
    assert!(!deck.files().join("hello.txt").exists());
}
