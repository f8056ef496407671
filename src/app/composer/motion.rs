//! Where things are in a text: graphemes, words, lines, and the rows that a narrow input folds a line into.
//!
//! Pure functions over a text and a byte offset between graphemes; each answers with such an offset. They look no further than
//! the line or grapheme that they are asked about, so that a pasted megabyte stays quick.

use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

use crate::text::wrap;

/// The start of the grapheme before `at`; 0 at the start.
pub fn before(text: &str, at: usize) -> usize {
    GraphemeCursor::new(at, text.len(), true)
        .prev_boundary(text, 0)
        .ok()
        .flatten()
        .unwrap_or(0)
}

/// The end of the grapheme that begins at `at`; the text's end at the end.
pub fn after(text: &str, at: usize) -> usize {
    GraphemeCursor::new(at, text.len(), true)
        .next_boundary(text, 0)
        .ok()
        .flatten()
        .unwrap_or(text.len())
}

/// `at` itself when it lies between graphemes, else the end of the grapheme that it lies in.
pub fn snap(text: &str, at: usize) -> usize {
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    match cursor.is_boundary(text, 0) {
        Ok(true) => at,
        Ok(false) | Err(_) => after(text, at),
    }
}

/// The line around `at`, without its `\n`.
pub fn line(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline);
    start..end
}

/// The start of the word before `at`: over what is no word, then over the word. Ends at the line's start, and at the end of
/// the line above when it begins there.
pub fn word_before(text: &str, at: usize) -> usize {
    let line = line(text, at);
    if at == line.start {
        return before(text, at);
    }
    text[line.start..at]
        .split_word_bound_indices()
        .rev()
        .find(|(_, piece)| is_word(piece))
        .map_or(line.start, |(start, _)| line.start + start)
}

/// The end of the word after `at`, likewise.
pub fn word_after(text: &str, at: usize) -> usize {
    let line = line(text, at);
    if at == line.end {
        return after(text, at);
    }
    text[at..line.end]
        .split_word_bound_indices()
        .find(|(_, piece)| is_word(piece))
        .map_or(line.end, |(start, piece)| at + start + piece.len())
}

/// Signs such as an emoji count as words: they are something to stop at; blanks and punctuation are not.
fn is_word(piece: &str) -> bool {
    piece
        .chars()
        .any(|c| c.is_alphanumeric() || (!c.is_ascii() && !c.is_whitespace()))
}

/// The rows that an input of `cols` columns folds one line into, as byte ranges of it. Folds between any two graphemes, so that
/// the caret has one place only; a grapheme that is wider than the input has a row of its own. Never empty.
pub fn rows(line: &str, cols: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let mut start = 0;
    let mut used = 0;
    for (at, grapheme) in line.grapheme_indices(true) {
        let width = wrap::width(grapheme);
        if used + width > cols && at > start {
            rows.push(start..at);
            start = at;
            used = 0;
        }
        used += width;
    }
    rows.push(start..line.len());
    rows
}

/// The place in this row that is nearest to a column from the left.
fn at_column(text: &str, row: Range<usize>, column: usize, last: bool) -> usize {
    let mut used = 0;
    let mut place = row.start;
    for (at, grapheme) in text[row.clone()].grapheme_indices(true) {
        place = row.start + at;
        if used >= column {
            return place;
        }
        used += wrap::width(grapheme);
    }
    // The end of a row that goes on below is the start of the row below: stay before its last grapheme.
    if last { row.end } else { place }
}

/// One row up or down from `at` in an input of `cols` columns, at the column `goal`; none at the first and the last row.
pub fn vertical(
    text: &str,
    at: usize,
    cols: usize,
    goal: Option<usize>,
    up: bool,
) -> Option<(usize, usize)> {
    let here = line(text, at);
    let folded = rows(&text[here.clone()], cols);
    let index = folded
        .iter()
        .rposition(|row| here.start + row.start <= at)
        .unwrap_or(0);
    let column = goal.unwrap_or_else(|| wrap::width(&text[here.start + folded[index].start..at]));
    let (base, rows, index) = if up && index > 0 {
        (here.start, folded, index - 1)
    } else if !up && index + 1 < folded.len() {
        (here.start, folded, index + 1)
    } else if up {
        let above = line(text, here.start.checked_sub(1)?);
        let rows = rows(&text[above.clone()], cols);
        let last = rows.len() - 1;
        (above.start, rows, last)
    } else if here.end < text.len() {
        let below = line(text, here.end + 1);
        (below.start, rows(&text[below], cols), 0)
    } else {
        return None;
    };
    let last = index + 1 == rows.len();
    let row = base + rows[index].start..base + rows[index].end;
    Some((at_column(text, row, column, last), column))
}
