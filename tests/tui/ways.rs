//! The help, the palette, themes, scrolling, copying, and a terminal without colour.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::deck::{Deck, WIDE, chat, endpoint, model, says};
use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn help_palette_theme_scrolling_and_copying_work_by_their_keys() {
    let long: String = (1..=100).map(|n| format!("- point {n}\n")).collect();
    let told = endpoint(vec![says(&long), says("Còn đây là câu cuối: `xong`.")]).await;
    let home = Home::new();
    home.write("mcp.toml", &model(&told));
    let deck = Deck::open(home, WIDE, &[]);
    let screen = &deck.screen;
    deck.ready(0, 0);

    screen.key(Key::F(1));
    for words in ["Everywhere", "Open the command palette", "Ctrl-P"] {
        screen.wait_text(words);
    }
    screen.key(Key::Esc);
    screen.wait_gone("Open the command palette");

    // A few letters of a command's sentence, in their order, find it.
    let dark = colours(screen);
    screen.key(Key::Ctrl('p'));
    screen.send("thmlight");
    screen.wait("the command found", LIMIT, |s| {
        s.contents().contains("light")
    });
    screen.key(Key::Enter);
    screen.wait("other colours", LIMIT, |s| cells(s) != dark);
    let light = colours(screen);
    deck.say("/theme dark");
    screen.wait("the first colours again", LIMIT, |s| cells(s) == dark);
    deck.say("/theme light");
    screen.wait("the light colours again", LIMIT, |s| cells(s) == light);

    deck.say("all points");
    deck.hear("point 100");
    deck.idle();
    screen.key(Key::PageUp);
    screen.wait_gone("point 100");
    screen.key(Key::PageDown);
    deck.hear("point 100");
    screen.wheel(true, (10, 10));
    screen.wait_gone("point 100");
    let above = screen.look(chat);
    screen.wheel(true, (10, 10));
    screen.wait("more from above", LIMIT, |s| chat(s) != above);
    screen.send("\u{1b}[1;5F");
    deck.hear("point 100");
    screen.wheel(true, (10, 10));
    screen.wait_gone("point 100");

    // What is sent is followed again.
    deck.say("and the last");
    deck.hear("Còn đây là câu cuối: xong.");
    deck.idle();
    screen.key(Key::Ctrl('y'));
    screen.wait("the word about the copy", LIMIT, |s| {
        s.contents().to_lowercase().contains("copied")
    });
    let copied = screen.copied();
    let copied = STANDARD
        .decode(copied.last().expect("a copy"))
        .expect("base64");
    let copied = String::from_utf8(copied).expect("UTF-8");
    assert_eq!(copied, "Còn đây là câu cuối: `xong`.");
    deck.quit();
}

#[test]
fn with_no_color_no_colour_is_drawn() {
    let coloured = drawn(&[]);
    assert!(
        coloured.iter().any(|code| is_colour(code)),
        "colours are seen where there are any"
    );
    let plain = drawn(&[("NO_COLOR", "1")]);
    let colour = plain.iter().find(|code| is_colour(code));
    assert_eq!(colour, None);
    assert!(plain.iter().any(|code| code == "1"), "bold remains");
}

/// The parameters of each `SGR` sequence that the demo's first answer is drawn with.
fn drawn(variables: &[(&str, &str)]) -> Vec<String> {
    let deck = Deck::open_with(Home::new(), WIDE, &["demo"], variables);
    deck.ready(3, 3);
    deck.screen.key(Key::Enter);
    deck.hear("There are 8 entries");
    deck.idle();
    deck.quit();
    let raw = deck.screen.raw_output();
    let raw = String::from_utf8_lossy(&raw).into_owned();
    raw.split("\u{1b}[")
        .filter_map(|rest| {
            rest.split_once(|c: char| c.is_ascii_alphabetic())
                .filter(|(codes, _)| rest[codes.len()..].starts_with('m'))
        })
        .map(|(codes, _)| codes.to_owned())
        .collect()
}

/// Whether it chooses a colour; 39, 49 and 59 only take one back.
fn is_colour(codes: &str) -> bool {
    codes.split([';', ':']).any(|code| {
        matches!(
            code.parse(),
            Ok(30..=38u8 | 40..=48 | 58 | 90..=97 | 100..=107)
        )
    })
}

fn colours(screen: &Screen) -> Vec<(vt100::Color, vt100::Color)> {
    screen.look(cells)
}

/// The colours of the line on top.
fn cells(screen: &vt100::Screen) -> Vec<(vt100::Color, vt100::Color)> {
    (0..20)
        .filter_map(|col| screen.cell(0, col))
        .map(|cell| (cell.fgcolor(), cell.bgcolor()))
        .collect()
}
