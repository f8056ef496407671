//! A call as it runs: what it does, how far it is, how long it takes.

use crate::deck::{Deck, WIDE, calls, endpoint, model, right, says, scripted};
use crate::home::Home;
use crate::screen::{Key, LIMIT};

const SERVER: &str = r#"
[[tools]]
name = "crawl"
inputSchema = { type = "object" }
[[tools]]
name = "wait"
inputSchema = { type = "object" }
[[on]]
method = "tools/call"
tool = "crawl"
stderr = ["opened 40 pages", "one page is broken"]
progress = [{ progress = 10, total = 40, message = "a quarter" }, { progress = 20, total = 40, message = "half of it" }]
silent = true
[[on]]
method = "tools/call"
tool = "wait"
silent = true
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_calls_of_one_step_run_side_by_side_with_progress_and_time_and_stderr() {
    let told = endpoint(vec![
        calls(&[
            ("s__crawl", r#"{"from":"start"}"#),
            ("s__wait", r#"{"for":"ever"}"#),
        ]),
        says("Never reached."),
    ])
    .await;
    let home = Home::new();
    let server = scripted(&home, "s", SERVER) + "approve = \"never\"\n";
    home.write("mcp.toml", &(model(&told) + &server));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(1, 1);
    deck.say("go");
    screen.wait_text("Tool calls · 2 · 2 running");
    screen.wait("both calls as they run", LIMIT, |s| {
        let rows = right(s);
        let runs = |name, how| {
            let mut rows = rows.iter();
            rows.any(|row| row.contains(name) && row.contains(how))
        };
        runs("s.crawl", "▰") && runs("s.wait", "running")
    });

    // Half of it is five of ten signs.
    screen.wait_text("▰▰▰▰▰▱▱▱▱▱ 50 %");
    screen.key(Key::F(3));
    screen.key(Key::Up);
    screen.wait_text("half of it");
    // The time counts up while nothing else happens.
    for _ in 0..3 {
        let before = screen.look(elapsed);
        screen.wait("another time", LIMIT, |s| elapsed(s) != before);
    }
    screen.key(Key::Enter);
    screen.wait("the call in detail", LIMIT, |s| {
        let text = s.contents();
        [
            "\"from\": \"start\"",
            "50 %",
            "half of it",
            "opened 40 pages",
            "one page is broken",
        ]
        .iter()
        .all(|words| text.contains(words))
    });
    screen.key(Key::Esc);
    screen.wait_gone("opened 40 pages");
    screen.key(Key::Esc);
    deck.idle();
    screen.wait_gone("running");
    assert!(!screen.text().contains("Never reached."));
    deck.quit();
}

/// How long the call that waits has run, as its row says.
fn elapsed(screen: &vt100::Screen) -> Option<String> {
    let rows = right(screen);
    let row = rows.iter().find(|row| row.contains("s.wait"))?;
    let (_, time) = row.split_once("running ")?;
    Some(time.trim_matches(['│', ' ']).to_owned())
}
