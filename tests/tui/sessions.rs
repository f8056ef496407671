//! A conversation that outlives the program: chat in the demo, quit, go on, look at the list.

use crate::deck::{Deck, WIDE};
use crate::home::Home;
use crate::screen::Key;

#[test]
fn one_quits_and_goes_on_and_finds_the_session_in_the_list() {
    let home = Home::new();
    let folder = home.work().join("demo");
    let deck = Deck::open(home, WIDE, &["demo", "--keep", &folder.to_string_lossy()]);
    deck.ready(3, 3);
    deck.say("List the files here");
    deck.hear("entries");
    deck.idle();
    deck.screen.wait_text("saved");
    deck.say("/rename Tệp 📁 của tôi");
    deck.screen.wait_text("is called “Tệp 📁 của tôi” now");
    deck.screen.wait_text("saved");
    deck.quit();

    let config = folder.join("mcp.toml");
    let config = config.to_string_lossy().into_owned();
    let Deck { screen, home } = deck;
    drop(screen);
    let deck = Deck::open(home, WIDE, &["--config", &config, "--continue"]);
    deck.ready(3, 3);
    deck.hear("Resumed “Tệp 📁 của tôi”: 1 turn, 1 call, written just now");
    deck.hear("List the files here");
    deck.screen.wait_text("files.list_directory");
    // The script goes on where it was: it proposes what comes next.
    deck.screen.wait_text("Create `hello.txt`");
    deck.say("How many orders does each customer have?");
    deck.hear("Nguyễn");
    deck.idle();
    deck.say("/clear");
    deck.screen.wait_gone("Resumed “");
    deck.say("/resume");
    deck.screen.wait_text("Saved sessions");
    deck.screen.wait_text("2 turns · just now");
    deck.screen.key(Key::Delete);
    deck.screen.wait_text("delete?");
    deck.screen.key(Key::Up);
    deck.screen.wait_gone("delete?");
    deck.screen.key(Key::Enter);
    deck.hear("Resumed “Tệp 📁 của tôi”: 2 turns, 2 calls");
    deck.say("/session");
    deck.screen.wait_text("is saved. mcpdeck --resume");
    deck.quit();
}
