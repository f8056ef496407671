//! Any size, at any moment.

use crate::deck::{Deck, WIDE, chat};
use crate::home::Home;
use crate::screen::{Key, LIMIT};

const STORM: [(u16, u16); 14] = [
    (119, 40),
    (1, 1),
    (2, 1),
    (1, 40),
    (300, 2),
    (3, 3),
    (40, 12),
    (80, 24),
    (10, 100),
    (1, 1),
    (200, 60),
    (20, 5),
    (5, 20),
    (79, 23),
];

/// As many as fit on one row of the input.
const KEYS: usize = 40;

#[test]
fn a_storm_of_sizes_leaves_the_screen_whole() {
    let home = Home::new();
    let deck = Deck::open(home, WIDE, &["demo"]);
    deck.ready(3, 3);
    let screen = &deck.screen;
    screen.key(Key::Enter);
    deck.hear("There are 8 entries");
    deck.idle();
    let before = screen.look(chat);

    let storm = || {
        for size in STORM {
            screen.resize(size);
        }
        screen.resize(WIDE);
    };
    storm();
    screen.wait("the same chat again", LIMIT, |s| chat(s) == before);
    assert_framed(&deck);

    // A key that comes together with a new size is not kept back until the next one.
    for (count, cols) in (1..=KEYS).zip([119, WIDE.0].into_iter().cycle()) {
        screen.resize((cols, WIDE.1));
        screen.send("x");
        screen.wait(&format!("key {count}"), LIMIT, |s| {
            s.contents().contains(&format!("❯ {} ", "x".repeat(count)))
        });
    }
    screen.resize(WIDE);
    screen.key(Key::Ctrl('u'));
    screen.wait("the same chat again", LIMIT, |s| chat(s) == before);

    // With something on top of it, too.
    screen.key(Key::F(1));
    screen.wait_text("Everywhere");
    storm();
    screen.wait_text("Everywhere");
    screen.key(Key::Esc);
    screen.wait("the same chat again", LIMIT, |s| chat(s) == before);

    // And while a question waits: at no size does it answer itself, and the keys still answer it.
    deck.screen.key(Key::Enter);
    deck.question("files.write_file");
    storm();
    deck.question("files.write_file");

    screen.resize((80, 24));
    screen.wait_text("▸y once");
    screen.resize((40, 12));
    screen.wait("the question in a tiny terminal", LIMIT, |s| {
        let text = s.contents();
        ["Allow this call?", "▸y once", "a new file"]
            .iter()
            .all(|words| text.contains(words))
    });
    // A page at a time comes all that it would do, and all that would be sent.
    for words in ["+ Hello from MCP!", "\"path\": \"hello.txt\""] {
        screen.key(Key::PageDown);
        screen.wait_text(words);
    }
    screen.key(Key::Char('y'));
    screen.wait_gone("Allow this call?");
    screen.wait_text("I created hello.txt");
    screen.resize((80, 24));
    screen.wait("all three panes at 80x24", LIMIT, |s| {
        let text = s.contents();
        ["I created hello.txt", "files.write_file", "Servers"]
            .iter()
            .all(|words| text.contains(words))
    });
    screen.resize((1, 1));
    deck.quit();
}

/// The frames of the panes stand where they belong, with nothing of another size left over.
#[track_caller]
fn assert_framed(deck: &Deck) {
    let screen = &deck.screen;
    screen.wait("whole frames", LIMIT, |s| {
        let rows: Vec<String> = s.rows(0, WIDE.0).collect();
        let body = &rows[1..usize::from(WIDE.1) - 1];
        body.iter().all(|row| {
            let ends = "│╮╯".contains(row.chars().last().unwrap_or(' '));
            ends && "│╭╰".contains(row.chars().next().unwrap_or(' '))
        })
    });
}
