//! Text from a server or a model is only text.

use serde_json::json;

use crate::deck::{Deck, WIDE, calls, endpoint, model, says, scripted};
use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen};

/// Sets the title, copies, clears the screen, moves the cursor, leaves the alternate screen, rings, hides, turns around.
const HOSTILE: &str = "begin\u{1b}]0;stolen\u{7}\u{1b}]2;stolen\u{1b}\\\u{1b}]52;c;c3RvbGVu\u{7}\u{1b}[2J\u{1b}[1;1HHACKED\u{1b}[?1049l\u{1b}[?25l\u{7}\
    \u{9b}31m\u{9d}0;stolen\u{9c}\u{1b}Pq\u{1b}\\\u{202e}drow\u{202c}\u{200b}\u{e0041}\r\u{8}end";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn text_of_servers_and_models_cannot_touch_the_terminal() {
    // What is looked for is seen when nothing cleans it.
    let home = Home::new();
    home.write("raw.txt", HOSTILE);
    let raw = Screen::start(home.command("sh").args(["-c", "cat raw.txt; read x"]), WIDE);
    raw.wait_text("end");
    assert!(raw.titles().contains(&"stolen".to_owned()));
    assert_eq!(raw.copied(), ["c3RvbGVu"]);
    assert!(raw.bells() > 0);
    assert_eq!(raw.cursor(), None);
    assert!(!raw.text().contains("begin"));
    drop(raw);

    let tool = json!({
        "name": "bad", "title": HOSTILE, "description": HOSTILE, "inputSchema": { "type": "object" },
    });
    let result = json!({
        "content": [{ "type": "text", "text": HOSTILE }],
        "structuredContent": { "rows": [{ HOSTILE: HOSTILE }] },
    });
    let script = format!(
        "tools = [{}]\n[start]\nstderr = [{text}]\n[[on]]\nmethod = \"tools/call\"\nstderr = [{text}]\n\
         progress = [{{ progress = 1, total = 2, message = {text} }}]\nresult = {}\n",
        inline(&tool),
        inline(&result),
        text = toml::Value::from(HOSTILE),
    );
    let prompt = json!({ HOSTILE: HOSTILE }).to_string();
    let told = endpoint(vec![
        calls(&[("s__bad", &prompt)]),
        says(&format!(
            "{HOSTILE}\n\n```sh\n{HOSTILE}\n```\n\n| a |\n|---|\n| {HOSTILE} |\n\nAll said."
        )),
    ])
    .await;
    home.write("mcp.toml", &(model(&told) + &scripted(&home, "s", &script)));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(1, 1);
    screen.paste(HOSTILE);
    screen.wait_text("HACKED");
    screen.key(Key::Enter);
    deck.answer("s.bad", 'y');
    deck.hear("All said.");
    deck.idle();

    // Wherever it is shown: the call's detail, the server's detail, the list of tools.
    for (pane, words) in [(3, "Arguments"), (4, "calls itself")] {
        screen.key(Key::F(pane));
        screen.key(Key::Enter);
        screen.wait("the detail", LIMIT, |s| {
            let text = s.contents();
            text.contains(words) && text.contains("HACKED")
        });
        screen.key(Key::Esc);
        screen.wait_gone(words);
    }
    screen.key(Key::F(2));
    deck.say("/tools");
    screen.wait_gone("All said.");
    screen.wait_text("HACKED");
    screen.key(Key::Esc);
    screen.wait_text("All said.");

    assert_eq!(screen.titles(), Vec::<String>::new());
    assert_eq!(screen.copied(), Vec::<String>::new());
    assert_eq!(screen.bells(), 0);
    assert!(screen.alternate_screen());
    assert!(screen.row(0).starts_with(" mcpdeck"), "{}", screen.row(0));
    let text = screen.text();
    let hidden = |c: &char| matches!(*c, '\u{202a}'..='\u{202e}' | '\u{200b}' | '\u{e0000}'..='\u{e007f}' | '\u{80}'..='\u{9f}');
    assert_eq!(text.chars().find(hidden), None, "{text:?}");
    deck.quit();
    let raw = screen.raw_output();
    let raw = String::from_utf8_lossy(&raw);
    assert_eq!(raw.chars().find(hidden), None);
}

/// The same value as inline TOML.
fn inline(value: &serde_json::Value) -> String {
    let value: toml::Value = serde_json::from_value(value.clone()).expect("a TOML value");
    value.to_string()
}
