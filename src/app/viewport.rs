//! Scrolling the chat: from where it is, by lines of the entries as the view measured them, to where it will be.
//!
//! Pure. Heights are known for the entries around the screen only; what is not known is not scrolled over.

use crate::app::intent::Move;
use crate::app::state::{Anchor, Measured};

/// Where the chat is after this move. Reaching the end follows it from there.
pub fn scroll(anchor: Anchor, measured: &Measured, entries: usize, by: Move) -> Anchor {
    // One line of the old screen stays in sight, for the eye to hold on to.
    let page = measured.rows.saturating_sub(1).max(1);
    match by {
        Move::Up => back(anchor, measured, 1),
        Move::Down => on(anchor, measured, entries, 1),
        Move::PageUp => back(anchor, measured, page),
        Move::PageDown => on(anchor, measured, entries, page),
        Move::Top if fits(measured, entries) => Anchor::Follow,
        Move::Top => Anchor::At { entry: 0, line: 0 },
        Move::Bottom => Anchor::Follow,
    }
}

/// Some lines towards the start.
pub fn back(anchor: Anchor, measured: &Measured, lines: usize) -> Anchor {
    let (mut entry, mut line) = place(anchor, measured);
    let mut left = lines;
    while left > line {
        let Some(height) = entry
            .checked_sub(1)
            .and_then(|above| height(measured, above))
        else {
            left = line;
            break;
        };
        left -= line;
        entry -= 1;
        line = height;
    }
    line -= left;
    // A chat that fits on the screen has nowhere to go.
    if (entry, line) == measured.first && anchor == Anchor::Follow {
        return Anchor::Follow;
    }
    Anchor::At { entry, line }
}

/// Some lines towards the end.
pub fn on(anchor: Anchor, measured: &Measured, entries: usize, lines: usize) -> Anchor {
    let Anchor::At { .. } = anchor else {
        return Anchor::Follow;
    };
    let (mut entry, mut line) = place(anchor, measured);
    line += lines;
    while let Some(height) = height(measured, entry)
        && line >= height
    {
        if height_known_last(measured, entry) {
            line = height.saturating_sub(1);
            break;
        }
        line -= height;
        entry += 1;
    }
    if below(measured, entries, entry, line).is_some_and(|below| below <= measured.rows) {
        Anchor::Follow
    } else {
        Anchor::At { entry, line }
    }
}

fn place(anchor: Anchor, measured: &Measured) -> (usize, usize) {
    match anchor {
        Anchor::Follow => measured.first,
        Anchor::At { entry, line } => (entry, line),
    }
}

fn height(measured: &Measured, entry: usize) -> Option<usize> {
    let known = measured.heights.iter();
    known
        .copied()
        .find_map(|(index, height)| (index == entry).then_some(height))
}

fn height_known_last(measured: &Measured, entry: usize) -> bool {
    height(measured, entry + 1).is_none()
}

/// The lines from this place to the end of the chat, where the measure reaches that far.
fn below(measured: &Measured, entries: usize, entry: usize, line: usize) -> Option<usize> {
    let mut sum = 0usize;
    for index in entry..entries {
        sum += height(measured, index)?;
    }
    Some(sum.saturating_sub(line))
}

/// Whether the whole chat is on the screen.
fn fits(measured: &Measured, entries: usize) -> bool {
    below(measured, entries, 0, 0).is_some_and(|all| all <= measured.rows)
}
