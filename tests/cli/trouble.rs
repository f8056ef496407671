//! Servers that are not there: the true cause, the exit code, the others unharmed.

use serde_json::json;

use crate::deck::{Deck, model_at};

/// A server that is well, one that ends, one that speaks no MCP, and one whose program there is not.
fn troubled() -> Deck {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    deck.scripted(
        "good",
        "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n",
        "",
    );
    let end = "[start]\nstderr = ['reading config', 'API_KEY is not set']\nexit = 7\n";
    deck.scripted("ends", end, "");
    let noise = "[start]\nstdout = ['Server started on port 3000']\nexit = 1\n";
    deck.scripted("noisy", noise, "");
    deck.add("[mcp_servers.absent]\ncommand = \"no-such-program-here\"\n");
    deck
}

#[test]
fn the_list_shows_each_cause_and_goes_on() {
    let deck = troubled();
    let ran = deck.run(&["list"]).expect(0);
    deck.snapshot("list_with_failures", &ran.out);
    let echoed = deck.run(&["call", "good", "echo"]).expect(0);
    assert!(echoed.out.contains("tools/call"), "{echoed}");
}

#[test]
fn a_server_that_ends_shows_command_exit_code_and_its_last_lines() {
    let deck = troubled();
    for args in [&["list", "ends"][..], &["call", "ends", "x"]] {
        let ran = deck.run(args).expect(3);
        deck.snapshot("server_ends", &ran.err);
    }
}

#[test]
fn a_server_that_prints_shows_the_line_that_is_no_message() {
    let deck = troubled();
    let ran = deck.run(&["list", "noisy"]).expect(3);
    assert!(ran.err.contains("Server started on port 3000"), "{ran}");
    assert!(ran.err.contains("exit code 1"), "{ran}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let deck = troubled();
    let ran = deck.run(&["list", "absent"]).expect(3);
    assert!(ran.err.contains("no-such-program-here"), "{ran}");
    assert!(ran.err.contains("hint: "), "{ran}");
}

#[test]
fn a_variable_that_is_missing_is_a_fault_of_the_configuration() {
    let deck = troubled();
    deck.add("[mcp_servers.keyed]\ncommand = \"x\"\nargs = [\"${NO_SUCH_KEY}\"]\n");
    let ran = deck.run(&["list", "keyed"]).expect(2);
    assert!(ran.err.contains("NO_SUCH_KEY"), "{ran}");
    assert!(ran.err.contains("mcp.toml"), "{ran}");
    deck.run(&["list"]).expect(0);
}

#[test]
fn one_that_is_required_ends_the_run_and_the_events_say_so() {
    let deck = Deck::new(&model_at("http://127.0.0.1:1/v1"));
    let end = "[start]\nstderr = ['API_KEY is not set']\nexit = 7\n";
    deck.scripted("ends", end, "required = true");
    deck.run(&["list"]).expect(3);
    let words = deck.run(&["ask", "hello"]).expect(3);
    assert!(words.err.contains("API_KEY is not set"), "{words}");
    assert_eq!(words.out, "");
    let events = deck.run(&["ask", "hello", "--json"]).expect(3);
    let errors = events.of_type("error");
    assert_eq!(errors.len(), 1, "{events}");
    assert!(
        errors[0]["message"]
            .as_str()
            .is_some_and(|m| m.contains("exit code 7")),
        "{events}"
    );
    let end = json!({
        "type": "turn_end", "stop_reason": "server_failed", "steps": 0,
        "usage": { "prompt_tokens": 0, "completion_tokens": 0 },
    });
    assert_eq!(events.turn_end(), end);
}
