//! A call as it runs: what it does, how far it is, how long it takes.

use crate::deck::{Deck, WIDE, calls, endpoint, model, says, scripted};
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
    screen.wait("both calls with their state", LIMIT, |s| {
        let rows: Vec<String> = s.rows(72, 48).collect();
        let runs = |name| {
            rows.iter()
                .any(|row| row.contains(name) && row.contains("running"))
        };
        runs("s.crawl") && runs("s.wait")
    });

    // Half of it is five of ten signs.
    screen.wait_text("▰▰▰▰▰▱▱▱▱▱ 50 %");
    screen.key(Key::F(3));
    screen.key(Key::Up);
    screen.wait_text("half of it");
    // The time counts up while nothing else happens.
    for seconds in ["running 1.", "running 2."] {
        screen.wait(seconds, LIMIT, |s| {
            let mut rows = s.rows(72, 48);
            rows.any(|row| row.contains("s.wait") && row.contains(seconds))
        });
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
