//! A person who looks elsewhere is called where they asked for it, and not otherwise.

use crate::deck::{Deck, WIDE, calls, endpoint, model, scripted};
use crate::home::Home;

/// A server that ends by a call, with words that would reach the clipboard.
const ENDS: &str = r#"
[[tools]]
name = "end"
inputSchema = { type = "object" }
[[on]]
method = "tools/call"
stderr = ["DB_URL missing\u001b]52;c;eA==\u0007"]
exit = 1
"#;

fn opened(notify: &str, config: &str) -> Deck {
    let home = Home::new();
    let server = scripted(&home, "s", ENDS);
    home.write("mcp.toml", &format!("{config}{notify}{server}"));
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 1);
    deck
}

fn has(deck: &Deck, bytes: &[u8]) -> bool {
    let raw = deck.screen.raw_output();
    raw.windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn a_server_that_ends_is_a_notification_of_the_desktop_where_that_was_asked_for() {
    let none = "[model]\nprovider = \"none\"\n";
    let deck = opened("[ui]\nnotify = \"desktop\"\n", none);
    deck.say("/call s end");
    // It has ended and is back: both have been told by then.
    deck.screen.wait_text("restarted 1×");
    let words = "\u{1b}]9;mcpdeck: server s: stopped: exit 1 \"DB_URL missing".as_bytes();
    assert!(
        has(&deck, words),
        "{}",
        deck.screen.raw_output().escape_ascii()
    );
    assert!(has(
        &deck,
        "mcpdeck: server s is well again\u{7}".as_bytes()
    ));
    assert_eq!(deck.screen.copied(), Vec::<String>::new());
    assert_eq!(deck.screen.bells(), 0);
    deck.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_question_that_waits_rings_the_bell_where_that_was_asked_for_and_else_nothing_does() {
    for (notify, bells) in [("[ui]\nnotify = \"bell\"\n", 1), ("", 0)] {
        let told = endpoint(vec![calls(&[("s__end", "{}")])]).await;
        let deck = opened(notify, &model(&told));
        deck.say("end it");
        deck.question("s.end");
        assert_eq!(deck.screen.bells(), bells, "{notify}");
        assert!(!has(&deck, b"\x1b]9;"));
        deck.quit();
    }
}
