//! What a person types or pastes, by whatever input method, is what the model gets.

use std::fs;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use crate::deck::{Deck, WIDE, endpoint, messages, model, prompts, says};
use crate::home::Home;
use crate::screen::{Key, LIMIT};

/// The column of the first character in the input: a frame, a blank, the prompt's sign, a blank.
const FIRST: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn vietnamese_cjk_and_emoji_arrive_whole_and_the_cursor_stands_at_the_caret() {
    let streams = streams();
    assert!(streams.len() >= 8);
    let replies = (0..=streams.len() + 1).map(|n| says(&format!("Answer {n}.")));
    let told = endpoint(replies.collect()).await;
    let home = Home::new();
    home.write("mcp.toml", &model(&told));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(0, 0);
    let row = screen.cursor().expect("a cursor").1;

    for (number, (name, meant, keys)) in streams.iter().enumerate() {
        for key in keys {
            screen.send(key);
        }
        let caret = (FIRST + meant.width(), row);
        screen.wait(
            &format!("the caret behind {meant:?} ({name})"),
            LIMIT,
            |s| {
                let (row, col) = s.cursor_position();
                !s.hide_cursor() && (usize::from(col), row) == caret
            },
        );
        screen.key(Key::Enter);
        deck.hear(&format!("Answer {number}."));
        deck.idle();
    }

    // A paste of several lines is one prompt; the caret goes by whole characters, and what is typed stands where it is.
    let pasted = "Xin chào\n你好 👨‍👩‍👧";
    screen.paste(pasted);
    let caret = (FIRST + "你好 👨‍👩‍👧".width(), row);
    screen.wait("the caret on the second line", LIMIT, |s| {
        let (row, col) = s.cursor_position();
        (usize::from(col), row) == caret
    });
    screen.key(Key::Left);
    screen.key(Key::Left);
    screen.key(Key::Left);
    let caret = (FIRST + "你".width(), row);
    screen.wait("the caret before a wide character", LIMIT, |s| {
        let (row, col) = s.cursor_position();
        (usize::from(col), row) == caret
    });
    screen.send("ễ");
    screen.key(Key::Enter);
    deck.hear(&format!("Answer {}.", streams.len()));

    deck.idle();

    // More than any buffer on the way holds.
    let large = "tiếng Việt, 中文, 👍🏽; ".repeat(600);
    screen.paste(&large);
    screen.key(Key::Enter);
    deck.hear(&format!("Answer {}.", streams.len() + 1));

    let got: Vec<String> = prompts(&told)
        .iter()
        .filter_map(|body| {
            messages(body).last()?["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    let mut meant: Vec<String> = streams.into_iter().map(|(_, meant, _)| meant).collect();
    meant.push("Xin chào\n你ễ好 👨‍👩‍👧".to_owned());
    meant.push(large);
    assert_eq!(got, meant);
    deck.quit();
}

/// The recorded streams of input methods: name, the text that was meant, and the bytes key by key.
fn streams() -> Vec<(String, String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys");
    let mut streams: Vec<_> = fs::read_dir(folder)
        .expect("the fixtures")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a stream");
            let meant = text.lines().find_map(|line| line.strip_prefix("= "));
            let keys = text.lines().filter_map(key).collect();
            let name = path.file_stem().expect("a name").to_string_lossy();
            (name.into_owned(), meant.expect("a text").to_owned(), keys)
        })
        .collect();
    streams.sort();
    streams
}

fn key(line: &str) -> Option<String> {
    if line == "BS" {
        return Some("\u{7f}".to_owned());
    }
    let code = u32::from_str_radix(line.strip_prefix("U+")?, 16).ok()?;
    char::from_u32(code).map(String::from)
}
