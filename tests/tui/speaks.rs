//! What the protocol has, by hand in the terminal, in both of its eras; each journey checks what came on the screen and what went
//! over the wire. The server is the bundled one that the protocol's own suite is run against.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::deck::{Deck, WIDE, binary, scripted, sent, stdio};
use crate::eras::ERAS;
use crate::home::Home;
use crate::screen::Key;

/// Plays the model: whoever asks gets a poem.
const MODEL: &str = "opening = \"o\"\nfallback = \"A poem of ours.\"\npace_ms = 0\n\
    [[reply]]\nprompt = \"never said\"\n[[reply.step]]\nsay = \"x\"\n";

/// The program on the server `s` of one era.
fn open(era: &str) -> Deck {
    let home = Home::new();
    let script = home.write("model.toml", MODEL);
    let server = stdio("s", binary(), &["serve", "conformance"].map(OsStr::new));
    let config = format!(
        "{server}protocol = \"{era}\"\n[model]\nprovider = \"scripted\"\nscript = {:?}\n",
        script.to_string_lossy()
    );
    home.write("mcp.toml", &config);
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);
    deck
}

/// Sends a line and looks at the call that it made in detail, until it says this.
fn called(deck: &Deck, line: &str, says: &str) {
    deck.say(line);
    look(deck, says);
}

/// Opens the newest call until it says this, and closes it.
fn look(deck: &Deck, says: &str) {
    deck.screen.wait_text("Tool calls · 1");
    deck.screen.key(Key::F(3));
    deck.screen.key(Key::Enter);
    deck.screen.wait_text(says);
    // No Esc: with the key behind it, it would be another key.
    deck.screen.key(Key::Enter);
    deck.screen.key(Key::F(2));
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
fn tools_are_called_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        called(&deck, "/call s test_multiple_content_types", "image/png");
        // All of its lists came whole.
        deck.screen.wait_gone("rejected");
        let wire = deck.quit();
        assert_eq!(sent(&wire, "tools/call").len(), 1, "{era}");
    }
}

#[test]
fn resources_are_read_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        called(&deck, "/read s test://template/7/data", "Data for ID: 7");
        let wire = deck.quit();
        assert_eq!(sent(&wire, "resources/read").len(), 1, "{era}");
    }
}

#[test]
fn prompts_go_to_the_model_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.say("/s:test_prompt_with_arguments arg1=tea arg2=rice");
        deck.hear("A poem of ours.");
        let wire = deck.quit();
        let sent = sent(&wire, "prompts/get");
        assert!(
            sent.len() == 1 && sent[0].contains("rice"),
            "{era}: {sent:?}"
        );
    }
}

#[test]
fn arguments_of_a_prompt_are_completed_in_both_eras() {
    for era in ERAS {
        let deck = open(era);
        deck.screen.send("/s:test_prompt_with_arguments arg1=testV");
        deck.screen.wait_text("testValue2");
        deck.screen.key(Key::Ctrl('u'));
        deck.screen.wait_gone("testValue2");
        let wire = deck.quit();
        assert!(!sent(&wire, "completion/complete").is_empty(), "{era}");
    }
}

#[test]
fn the_level_of_a_servers_log_is_set_in_both_eras() {
    for (era, tool) in [
        ("legacy", "test_tool_with_logging"),
        ("modern", "test_logging_tool"),
    ] {
        let deck = open(era);
        deck.say("/log s debug");
        called(&deck, &format!("/call s {tool}"), "logged");
        let wire = deck.quit();
        let came = wire
            .iter()
            .any(|(direction, text)| direction == "in" && text.contains("Tool processing data"));
        assert!(came, "{era}: {wire:?}");
    }
}

#[test]
fn a_form_is_filled_in_in_both_eras() {
    for (era, call, about, says) in [
        (
            "legacy",
            "/call s test_elicitation message=Who?",
            "username",
            "action=accept",
        ),
        (
            "modern",
            "/call s test_input_required_result_elicitation",
            "What is your name?",
            "Hello, Ann!",
        ),
    ] {
        let deck = open(era);
        deck.say(call);
        deck.screen.wait_text(about);
        deck.armed(about);
        deck.screen.send("Ann");
        deck.screen.wait_text("Ann");
        if era == "legacy" {
            deck.screen.key(Key::Tab);
            deck.screen.send("ann@example.com");
            deck.screen.wait_text("ann@example.com");
        }
        deck.screen.key(Key::Enter);
        deck.screen.wait_text(says);
        let replies = replies(&deck.quit());
        assert!(
            replies.contains("accept") && replies.contains("Ann"),
            "{era}: {replies}"
        );
    }
}

#[test]
fn our_model_writes_after_a_yes_in_both_eras() {
    for (era, call) in [
        ("legacy", "/call s test_sampling prompt=Write."),
        ("modern", "/call s test_input_required_result_sampling"),
    ] {
        let deck = open(era);
        deck.say(call);
        deck.screen.wait_text("asks your model to write");
        deck.armed("asks your model to write");
        deck.screen.key(Key::Char('y'));
        deck.screen.wait_gone("asks your model to write");
        look(&deck, "A poem of ours.");
        let replies = replies(&deck.quit());
        assert!(replies.contains("A poem of ours."), "{era}: {replies}");
    }
}

/// Wants its caller to go somewhere before the first call.
const VISIT: &str = r#"
[[tools]]
name = "connect"
inputSchema = { type = "object" }
[[on]]
method = "tools/call"
times = 1
[on.error]
code = -32042
message = "a visit is needed"
[on.error.data]
elicitations = [{ mode = "url", url = "https://a.example/x?one=1&two=a;b%20c", elicitationId = "e1", message = "Connect your account." }]
"#;

/// Takes the place of the program that opens addresses, and writes down with how many words it was called, and with which.
const OPENER: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" > \"$OPENED.part\"\nmv \"$OPENED.part\" \"$OPENED\"\n";

#[test]
fn an_address_goes_to_the_browser_after_a_yes_and_as_one_word() {
    let home = Home::new();
    home.write(
        "mcp.toml",
        &(scripted(&home, "s", VISIT) + "protocol = \"legacy\"\n"),
    );
    for name in ["xdg-open", "open"] {
        let opener = home.write(&format!("bin/{name}"), OPENER);
        fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bin = home.path("work/bin");
    let path = format!(
        "{}:{}",
        bin.to_string_lossy(),
        std::env::var("PATH").unwrap_or_default()
    );
    let opened = home.path("opened");
    let opened_word = opened.to_string_lossy().into_owned();
    let variables = [
        ("DISPLAY", ":99"),
        ("PATH", path.as_str()),
        ("OPENED", opened_word.as_str()),
    ];
    let deck = Deck::open_with(home, WIDE, &[], &variables);
    deck.ready(1, 1);
    deck.say("/call s connect");
    deck.screen.wait_text("goes to  a.example");
    deck.armed("goes to  a.example");
    assert!(!opened.exists(), "nobody has said yes");
    deck.screen.key(Key::Char('y'));
    deck.screen.wait_text("Opened in the browser.");
    let words = fs::read_to_string(&opened).unwrap();
    assert_eq!(words, "1\nhttps://a.example/x?one=1&two=a;b%20c\n");
    // The call was sent again and has ended: nothing is waited for, though the server never speaks of the visit.
    deck.screen.wait_gone("waiting for s");
    let wire = deck.quit();
    assert_eq!(sent(&wire, "tools/call").len(), 2, "{wire:?}");
}
