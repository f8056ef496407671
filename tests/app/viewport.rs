//! Scrolling the chat by what the view measured.

use mcpdeck::app::viewport::{back, on, scroll};
use mcpdeck::app::{Anchor, Measured, Move};
use proptest::prelude::*;

/// Entries of these heights, all known, the screen of `rows` rows at the end.
fn at_end(heights: &[usize], rows: usize) -> Measured {
    let mut over = heights.iter().sum::<usize>().saturating_sub(rows);
    let mut first = (0, 0);
    for (entry, height) in heights.iter().enumerate() {
        if over < *height {
            first = (entry, over);
            break;
        }
        over -= height;
    }
    Measured {
        first,
        rows,
        heights: heights.iter().copied().enumerate().collect(),
        ..Measured::default()
    }
}

/// The anchor as a line of the whole chat.
fn line_of(anchor: Anchor, measured: &Measured) -> usize {
    let (entry, line) = match anchor {
        Anchor::Follow => measured.first,
        Anchor::At { entry, line } => (entry, line),
    };
    let before = measured.heights[..entry].iter();
    before.map(|(_, height)| height).sum::<usize>() + line
}

#[test]
fn a_page_up_leaves_the_end_and_a_page_down_follows_it_again() {
    // 37 lines, 12 rows: the screen begins at line 25, a page is 11.
    let measured = at_end(&[3, 10, 4, 20], 12);
    let up = scroll(Anchor::Follow, &measured, 4, Move::PageUp);
    assert_eq!(up, Anchor::At { entry: 2, line: 1 });
    assert_eq!(scroll(up, &measured, 4, Move::PageDown), Anchor::Follow);
    let top = scroll(up, &measured, 4, Move::Top);
    assert_eq!(top, Anchor::At { entry: 0, line: 0 });
    assert_eq!(scroll(top, &measured, 4, Move::Up), top);
    assert_eq!(scroll(top, &measured, 4, Move::Bottom), Anchor::Follow);
}

#[test]
fn a_chat_that_fits_follows_whatever_is_pressed() {
    let measured = at_end(&[2, 3], 12);
    for by in [
        Move::Up,
        Move::Down,
        Move::PageUp,
        Move::PageDown,
        Move::Top,
    ] {
        assert_eq!(
            scroll(Anchor::Follow, &measured, 2, by),
            Anchor::Follow,
            "{by:?}"
        );
    }
}

#[test]
fn what_is_not_measured_is_not_scrolled_over() {
    let mut measured = at_end(&[5; 100], 10);
    measured.first = (50, 0);
    measured
        .heights
        .retain(|(entry, _)| (46..=55).contains(entry));
    let here = Anchor::At { entry: 50, line: 0 };
    assert_eq!(
        back(here, &measured, 1000),
        Anchor::At { entry: 46, line: 0 }
    );
    assert_eq!(
        on(here, &measured, 100, 1000),
        Anchor::At { entry: 55, line: 4 }
    );
}

proptest! {
    #[test]
    fn lines_go_by_one_after_the_other(
        heights in prop::collection::vec(0usize..9, 1..12),
        rows in 1usize..12,
        moves in prop::collection::vec((any::<bool>(), 1usize..15), 1..20),
    ) {
        let measured = at_end(&heights, rows);
        let end = heights.iter().sum::<usize>().saturating_sub(rows);
        let mut anchor = Anchor::Follow;
        let mut line = end;
        for (up, lines) in moves {
            anchor = if up {
                line = line.saturating_sub(lines);
                back(anchor, &measured, lines)
            } else {
                line = (line + lines).min(end);
                on(anchor, &measured, heights.len(), lines)
            };
            prop_assert_eq!(line_of(anchor, &measured), line, "{:?}", anchor);
            if !up && line == end {
                prop_assert_eq!(anchor, Anchor::Follow);
            }
        }
    }
}
