//! A server that is not there says why, and the others work on.

use crate::deck::{Deck, WIDE, right, scripted, stdio};
use crate::home::Home;
use crate::screen::{Key, LIMIT};

const BROKEN: &str = r#"
start = { stderr = ["reading the settings", "cannot find SHOP_KEY"], exit = 3 }
"#;
const MENDED: &str = r#"
[[tools]]
name = "hello"
inputSchema = { type = "object" }
"#;

#[test]
fn a_server_that_fails_says_its_cause_and_comes_back_by_a_key_while_the_others_work() {
    let home = Home::new();
    home.write("kept/tệp.txt", "x");
    let config = [
        "[model]\nprovider = \"none\"\n".to_owned(),
        scripted(&home, "broken", BROKEN),
        stdio("absent", "no-such-program-here", &[]),
        "[mcp_servers.files]\nbundled = \"filesystem\"\nroots = [\"kept\"]\n".to_owned(),
        "[mcp_servers.odd]\ncomand = \"x\"\n".to_owned(),
    ];
    home.write("mcp.toml", &config.concat());
    let deck = Deck::open(home, WIDE, &[]);
    deck.ready(1, 4);
    let screen = &deck.screen;
    for cause in [
        "✗ broken stopped: exit 3",
        "✗ absent cannot be started",
        "✗ odd",
    ] {
        screen.wait_text(cause);
    }

    // The others are usable meanwhile.
    deck.say("/call files list_directory path=.");
    deck.hear("tệp.txt");

    screen.key(Key::F(4));
    screen.wait_text("cannot find SHOP_KEY");
    screen.key(Key::Enter);
    screen.wait("the whole cause", LIMIT, |s| {
        let text = s.contents();
        [
            "serve scripted",
            "code 3",
            "reading the settings",
            "cannot find SHOP_KEY",
        ]
        .iter()
        .all(|words| text.contains(words))
    });
    screen.key(Key::Esc);
    screen.wait_gone("reading the settings");

    // A missing program is named, and so are a wrong key and its nearest neighbour.
    screen.key(Key::F(4));
    screen.key(Key::Down);
    screen.wait("the missing program", LIMIT, |s| {
        let words = right(s).concat();
        words.contains("`no-such-program-here`") && words.contains("not found")
    });
    screen.key(Key::End);
    screen.key(Key::Enter);
    screen.wait("the wrong key", LIMIT, |s| {
        let text = s.contents();
        text.contains("comand") && text.contains("`command`") && text.contains("mcp.toml")
    });
    screen.key(Key::Esc);

    deck.home.write("broken.script.toml", MENDED);
    screen.key(Key::F(4));
    screen.key(Key::Home);
    screen.key(Key::Char('r'));
    deck.ready(2, 4);
    screen.wait_text("✓ broken ready");

    screen.key(Key::Char('d'));
    screen.wait_text("– broken disabled");
    deck.ready(1, 4);
    screen.key(Key::Char('e'));
    deck.ready(2, 4);
    screen.key(Key::F(2));
    deck.say("/call broken hello");
    deck.hear("tools/call");
    deck.quit();
}
