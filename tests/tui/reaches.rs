//! What the protocol has and only a made-up server shows in both of its eras, by hand in the terminal and by the agent in it: folders,
//! a page to visit, templates, mentions, changes, tasks, progress, cancellation, and the way back to a server that ended.

use std::ffi::OsStr;

use serde_json::Value;

use crate::deck::{Deck, WIDE, binary, sent, stdio};
use crate::eras::{ERAS, PAGE, script};
use crate::home::Home;
use crate::screen::Key;

/// Plays the model.
const MODEL: &str = r#"
opening = "o"
fallback = "A poem of ours."
pace_ms = 0
[[reply]]
prompt = "go slowly"
[[reply.step]]
call = { tool = "s.slow", arguments = {} }
[[reply.step]]
say = "never said"
[[reply]]
prompt = "end it"
[[reply.step]]
call = { tool = "s.die", arguments = {} }
[[reply.step]]
say = "it is gone"
[[reply]]
prompt = "greet it"
[[reply.step]]
call = { tool = "s.hello", arguments = {} }
[[reply.step]]
say = "it said {{ results[0].text }}"
"#;

/// The program on the server `s` of one era.
fn open(era: &str) -> Deck {
    let home = Home::new();
    let model = home.write("model.toml", MODEL);
    let played = home.write("s.script.toml", &script(era));
    let args: [&OsStr; 3] = ["serve".as_ref(), "scripted".as_ref(), played.as_os_str()];
    let server = stdio("s", binary(), &args);
    let config = format!(
        "{server}protocol = \"{era}\"\napprove = \"never\"\n[model]\nprovider = \"scripted\"\nscript = {:?}\n",
        model.to_string_lossy()
    );
    home.write("mcp.toml", &config);
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);
    deck
}

/// What was answered to the server's question, in whichever way its era has.
fn replies(wire: &[(String, String)]) -> String {
    let answers = wire.iter().filter(|(direction, text)| {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let answer = message.get("method").is_none() && message.get("result").is_some();
        let again = message["params"].get("inputResponses").is_some();
        direction == "out" && (answer || again)
    });
    let texts: Vec<&str> = answers.map(|(_, text)| text.as_str()).collect();
    texts.join("\n")
}

#[test]
fn folders_are_told_after_a_yes_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("/call s folders");
        deck.screen.wait_text("asks for your folders");
        deck.armed("asks for your folders");
        deck.screen.key(Key::Enter);
        deck.hear("it was answered");
        let replies = replies(&deck.quit());
        assert!(replies.contains("file://"), "{era}: {replies}");
    }
}

#[test]
fn a_page_is_visited_by_the_persons_word_in_both_eras() {
    for era in ERAS {
        for (key, word) in [('e', "accept"), ('n', "decline")] {
            let deck = open(era);
            deck.say("/call s visit");
            deck.screen.wait_text(PAGE);
            deck.armed("asks you to visit an address");
            deck.screen.key(Key::Char(key));
            deck.screen.wait_gone("asks you to visit an address");
            deck.screen.wait_gone("running");
            let replies = replies(&deck.quit());
            assert!(replies.contains(word), "{era}: {replies}");
        }
    }
}

#[test]
fn a_template_is_filled_in_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.screen.send("@number");
        deck.screen.wait_text("a://{number}");
        deck.screen.key(Key::Enter);
        deck.screen.wait_text("number (required)");
        deck.screen.send("17");
        deck.screen.key(Key::Enter);
        deck.screen.wait_text("@s:a://17");
        deck.screen.key(Key::Ctrl('c'));
        deck.screen.wait_gone("@s:a://17");
        deck.quit();
    }
}

#[test]
fn a_mentioned_resource_is_read_for_the_model_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("What says @s:a://1 to you?");
        deck.hear("A poem of ours.");
        let wire = deck.quit();
        assert_eq!(sent(&wire, "resources/read").len(), 1, "{era}");
    }
}

#[test]
fn a_change_of_a_resource_is_told_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("/subscribe s a://1");
        deck.screen.wait_text("Done: subscribe to a://1 at s.");
        assert!(!deck.screen.text().contains("rejected"), "nothing was");
        deck.screen.key(Key::F(4));
        deck.screen.key(Key::Enter);
        deck.screen.wait_text("the resource a://1 has changed");
        deck.screen.key(Key::Enter);
        deck.screen.key(Key::F(2));
        deck.quit();
    }
}

#[test]
fn a_task_runs_to_its_result_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("/call s long");
        deck.hear("the task is done");
        let wire = deck.quit();
        assert!(!sent(&wire, "tasks/get").is_empty(), "{era}");
    }
}

#[test]
fn progress_is_shown_and_esc_cancels_the_call_in_both_eras() {
    for era in ERAS {
        for line in ["/call s slow", "go slowly"] {
            let deck = open(era);
            deck.say(line);
            deck.screen.wait_text("50 %");
            deck.screen.key(Key::Esc);
            deck.screen.wait_text("cancelled");
            let wire = deck.quit();
            assert_eq!(
                sent(&wire, "notifications/cancelled").len(),
                1,
                "{era} {line}"
            );
        }
    }
}

#[test]
fn a_server_that_ended_comes_back_and_nothing_is_sent_twice_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("/call s die");
        deck.screen.wait_text("Tool calls · 1");
        deck.screen.wait_gone("running");
        deck.ready(1, 1);
        deck.say("/call s hello");
        deck.hear("hello to you");
        let wire = deck.quit();
        assert_eq!(sent(&wire, "tools/call").len(), 2, "{era}: {wire:?}");
        assert!(sent(&wire, "tools/list").len() > 1, "{era}: {wire:?}");
    }
}

#[test]
fn the_agent_goes_on_with_a_server_that_came_back_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("end it");
        deck.hear("it is gone");
        deck.idle();
        deck.ready(1, 1);
        deck.say("greet it");
        deck.hear("it said hello to you");
        let wire = deck.quit();
        assert_eq!(sent(&wire, "tools/call").len(), 2, "{era}: {wire:?}");
    }
}
