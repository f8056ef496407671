//! Every naughty text in every place of a frame that shows foreign text, at several sizes.

use mcpdeck::view::{Memo, Theme};

use crate::naughty;
use crate::properties::{check, covered, filled, painted, reached};

const SIZES: [(u16, u16); 5] = [(120, 40), (80, 24), (40, 12), (13, 5), (200, 60)];

/// The states and overlays that are gone through: each text meets some of them, and all texts together meet each many times.
fn draw(text: &str, number: usize) {
    for turn in 0..2 {
        let pick = u8::try_from((number * 7 + turn * 101) % 251).expect("a byte");
        let cover = u8::try_from((number * 13 + turn * 57) % 256).expect("a byte");
        let (cols, rows) = SIZES[(number + turn * 2) % SIZES.len()];
        let mut app = filled(text, pick);
        covered(&mut app, text, cover);
        reached(&mut app, text, cover);
        let theme = [Theme::dark(), Theme::light(), Theme::mono()][number % 3].clone();
        check(&painted(&app, &theme, cols, rows, &mut Memo::new()).0);
    }
}

#[test]
fn every_naughty_text_is_drawn_safely_in_every_place() {
    let texts = naughty::all();
    assert!(texts.len() >= 300, "{} texts", texts.len());
    for (number, text) in texts.iter().enumerate() {
        draw(text, number);
    }
}

/// Where one text stands beside another, an unfinished sequence of the first must not take the second along.
#[test]
fn naughty_texts_together_are_drawn_safely_under_every_overlay() {
    let all = naughty::all();
    let short: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|text| text.len() < 60)
        .collect();
    for cover in 0..=255u8 {
        let from = usize::from(cover) * 5 % short.len();
        let text: Vec<&str> = short
            .iter()
            .cycle()
            .skip(from)
            .step_by(3)
            .take(12)
            .copied()
            .collect();
        let text = text.join("\n");
        let mut app = filled(&text, cover);
        covered(&mut app, &text, cover);
        reached(&mut app, &text, cover);
        let (cols, rows) = SIZES[usize::from(cover) % SIZES.len()];
        check(&painted(&app, &Theme::mono(), cols, rows, &mut Memo::new()).0);
    }
}

/// A frame that shows its text as it is fails the check.
#[test]
fn a_cell_with_raw_text_fails_the_check() {
    for raw in ["\u{1b}[2J", "\u{9b}31m", "\u{202e}", "\u{7}", "\u{e0041}"] {
        let area = ratatui::layout::Rect::new(0, 0, 10, 1);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        buffer[(0, 0)].set_symbol(raw);
        let caught = std::panic::catch_unwind(|| check(&buffer));
        assert!(caught.is_err(), "{raw:?}");
    }
}
