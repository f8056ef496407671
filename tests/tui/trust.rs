//! A folder that is new: nothing runs before the yes. And the configuration is edited while the program runs.

use std::fs;

use crate::deck::{Deck, WIDE, scripted};
use crate::home::Home;
use crate::screen::Key;

const TOOL: &str = "[[tools]]\nname = \"hello\"\ninputSchema = { type = \"object\" }\n";
const NO_MODEL: &str = "[model]\nprovider = \"none\"\n";
const QUESTION: &str = "May this folder's mcp.toml run?";

/// A server of the person's own, and one of the folder.
fn home() -> (Home, String) {
    let home = Home::new();
    let own = NO_MODEL.to_owned() + &scripted(&home, "mine", TOOL);
    fs::write(home.config_dir().join("mcp.toml"), own).expect("the own file");
    let theirs = scripted(&home, "theirs", TOOL);
    home.write("mcp.toml", &theirs);
    (home, theirs)
}

#[test]
fn a_new_folder_asks_before_anything_runs_and_asks_again_when_its_file_changes() {
    let (home, theirs) = home();
    let deck = Deck::open_untrusted(home, WIDE, &[], &[]);
    let screen = &deck.screen;
    screen.wait_text(QUESTION);
    screen.wait_text("Server theirs");
    screen.wait_text("serve scripted");
    deck.armed(QUESTION);
    assert_eq!(
        deck.wire(),
        [],
        "not even the person's own servers are dialled"
    );
    screen.key(Key::Char('y'));
    screen.wait_gone(QUESTION);
    deck.ready(2, 2);

    // The next start knows the file.
    deck.quit();
    let Deck { home, screen } = deck;
    drop(screen);
    let deck = Deck::open_untrusted(home, WIDE, &[], &[]);
    deck.ready(2, 2);

    // Changed while it runs: asked again with what is new, and a no keeps what runs.
    let screen = &deck.screen;
    let more = scripted(&deck.home, "more", TOOL);
    deck.home.write("mcp.toml", &(theirs.clone() + &more));
    screen.wait_text(QUESTION);
    screen.wait_text("+ Server more");
    deck.armed(QUESTION);
    screen.key(Key::Char('n'));
    screen.wait_gone(QUESTION);
    deck.hear("what ran before goes on");
    deck.ready(2, 2);
    // Put back, it is the trusted one.
    deck.home.write("mcp.toml", &theirs);
    // Another change, agreed to: only what is new is started.
    deck.home
        .write("mcp.toml", &(theirs + &more + "approve = \"never\"\n"));
    screen.wait_text(QUESTION);
    deck.armed(QUESTION);
    screen.key(Key::Char('y'));
    deck.ready(3, 3);
    deck.hear("added `more`");
    deck.quit();
}

#[test]
fn a_no_opens_without_the_folders_file() {
    let (home, _) = home();
    let deck = Deck::open_untrusted(home, WIDE, &[], &[]);
    deck.screen.wait_text(QUESTION);
    deck.armed(QUESTION);
    deck.screen.key(Key::Char('n'));
    deck.ready(1, 1);
    deck.hear("was left out");
    deck.say("/call mine hello");
    deck.quit();
}

#[test]
fn the_configuration_is_read_again_while_it_runs_and_only_what_changed_is_touched() {
    let (home, _) = home();
    fs::remove_file(home.work().join("mcp.toml")).expect("no folder's file");
    let own = home.config_dir().join("mcp.toml");
    let deck = Deck::open_untrusted(home, WIDE, &[], &[]);
    deck.ready(1, 1);
    let text = fs::read_to_string(&own).expect("the own file");

    // By another file and a rename, as many editors do.
    let added = text.clone() + &scripted(&deck.home, "second", TOOL);
    let beside = own.with_extension("new");
    fs::write(&beside, &added).expect("beside");
    fs::rename(&beside, &own).expect("renamed");
    deck.ready(2, 2);
    deck.hear("added `second`");

    // What is wrong is said; what ran goes on.
    fs::write(&own, added.clone() + "[mcp_servers").expect("a broken file");
    deck.hear("cannot be used");
    deck.ready(2, 2);
    fs::write(&own, &text).expect("the file as it was");
    deck.ready(1, 1);
    deck.hear("removed `second`");
    // The first server was greeted once, whatever happened around it.
    let greetings = |wire: Vec<(String, String)>| {
        let greets =
            |text: &str| text.contains("\"initialize\"") || text.contains("server/discover");
        wire.iter()
            .filter(|(way, text)| way == "out" && greets(text))
            .count()
    };
    let all = greetings(deck.quit());
    assert!(
        (2..=4).contains(&all),
        "each server is greeted once, in one era or both: {all}"
    );
}
