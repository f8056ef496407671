//! The input as it is drawn: folded by graphemes as the caret moves, scrolled when long, with the terminal's own cursor at the caret,
//! so that input methods open where the text is.
//!
//! Pure. The reason for a no and the palette's query are drawn by it too.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use unicode_segmentation::UnicodeSegmentation;

use crate::app::composer::{Composer, motion};
use crate::app::{Anchor, App, Overlay, Pane};
use crate::text::{clean, wrap};
use crate::view::pane;
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;

/// Columns of the prompt sign, and one at the right edge for a caret behind the last character.
const SIGN: usize = 2;
const CARET: usize = 1;
/// Rows that are ever folded to each side of the caret's line.
const AROUND: usize = 16;
/// Bytes of one line that are folded at most.
const FOLDED: usize = 64 << 10;

/// Rows of the frame around the input.
pub(super) fn frame_rows(boxed: bool) -> u16 {
    if boxed { 2 } else { 1 }
}

/// Columns in which the input folds its text, of `cols` columns inside its frame.
pub(super) fn fold_cols(cols: usize) -> usize {
    cols.saturating_sub(SIGN + CARET).max(1)
}

/// Rows that the input wants.
pub(super) fn rows(app: &App, cols: usize) -> usize {
    fold(&app.composer, fold_cols(cols)).0.len()
}

/// Draws the input. Gives the columns in which it folds.
pub(super) fn draw(app: &App, theme: &Theme, frame: &mut Frame, area: Rect, boxed: bool) -> usize {
    let has_keys = app.focus == Pane::Chat
        && matches!(app.overlay, Overlay::None)
        && app.trust.is_none()
        && app.host.questions.is_empty();
    let queued = app.queued.as_deref().map(|text| {
        let text = clean::line(text);
        wrap::truncate(
            &format!("Message · goes out next: {text}"),
            usize::from(area.width.saturating_sub(6)),
        )
    });
    let title = match app.chat.anchor {
        _ if queued.is_some() => queued.as_deref().unwrap_or_default(),
        Anchor::At { .. } if !boxed => "Message · scrolled back, Ctrl-End follows",
        Anchor::At { .. } | Anchor::Follow if app.host.is_busy() => "Message · Esc interrupts",
        Anchor::At { .. } | Anchor::Follow => "Message",
    };
    let inner = pane::framed(frame, theme, area, title, has_keys, boxed);
    let lines = app
        .composer
        .text()
        .is_empty()
        .then(|| proposal(app, usize::from(inner.width).saturating_sub(SIGN)));
    text(
        &app.composer,
        lines.as_deref(),
        theme,
        frame,
        inner,
        has_keys,
    );
    fold_cols(usize::from(inner.width))
}

/// What the empty input says.
fn proposal(app: &App, cols: usize) -> String {
    match &app.suggestion {
        _ if app.queued.is_some() => "Up takes back what goes out next".to_owned(),
        _ if app.host.is_busy() => "What you send now goes out when this turn ends".to_owned(),
        Some(prompt) => {
            let prompt = clean::line(prompt);
            let with_key = format!("{prompt}   (Enter sends it)");
            if wrap::width(&with_key) <= cols {
                with_key
            } else {
                prompt
            }
        }
        None => "Say what you want done. / for commands, F1 for keys".to_owned(),
    }
}

/// Draws a text being written, with a sign before it and, where `has_keys`, the cursor.
pub(super) fn text(
    composer: &Composer,
    placeholder: Option<&str>,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
    has_keys: bool,
) {
    let cols = usize::from(area.width);
    let sign = span("❯ ", if has_keys { theme.accent } else { theme.dim });
    let (rows, (row, col)) = fold(composer, fold_cols(cols));
    let height = usize::from(area.height);
    if height == 0 || cols == 0 {
        return;
    }
    // The caret stays in sight.
    let first = (row + 1).saturating_sub(height);
    for (at, text) in rows.iter().skip(first).take(height).enumerate() {
        let sign = if first + at == 0 {
            sign.clone()
        } else {
            span("  ", theme.dim)
        };
        pane::line(
            frame,
            area,
            at,
            &Line::from(vec![sign, span(text.clone(), theme.text)]),
        );
    }
    if let Some(placeholder) = placeholder {
        let text = span(
            wrap::truncate(placeholder, cols.saturating_sub(SIGN)),
            theme.dim,
        );
        pane::line(frame, area, 0, &Line::from(vec![sign, text]));
    }
    if has_keys {
        let x = (col + SIGN).min(cols - 1);
        let place = |start: u16, by: usize| start.saturating_add(u16::try_from(by).unwrap_or(0));
        frame.set_cursor_position((place(area.x, x), place(area.y, row - first)));
    }
}

/// A text being written as lines of a dialog, with a sign before it, and the row and column of the caret in them.
pub(super) fn laid(
    composer: &Composer,
    theme: &Theme,
    cols: usize,
    has_keys: bool,
) -> (Lines, (usize, usize)) {
    let (rows, (row, col)) = fold(composer, fold_cols(cols));
    let style = if has_keys { theme.accent } else { theme.dim };
    let line = |(at, text): (usize, String)| {
        let sign = if at == 0 { "❯ " } else { "  " };
        Line::from(vec![span(sign, style), span(text, theme.text)])
    };
    let lines = rows.into_iter().enumerate().map(line).collect();
    (lines, (row, col + SIGN))
}

/// The rows around the caret, and the caret's row and column among them. A text of megabytes is not folded whole.
fn fold(composer: &Composer, cols: usize) -> (Vec<String>, (usize, usize)) {
    let text = composer.text();
    let at = motion::snap(text, composer.caret().min(text.len()));
    let here = near(text, motion::line(text, at), at);
    let mut rows = Vec::new();
    let line_start = motion::line(text, at).start;
    let above: Vec<&str> = text[..line_start]
        .split_terminator('\n')
        .rev()
        .take(AROUND)
        .collect();
    for line in above.into_iter().rev() {
        push(line, cols, &mut rows);
    }
    let line = &text[here.clone()];
    let inside = at - here.start;
    let folded = motion::rows(line, cols);
    let index = folded
        .iter()
        .rposition(|row| row.start <= inside)
        .unwrap_or(0);
    let caret = rows.len() + index;
    let column = wrap::width(&shown(&line[folded[index].start..inside]));
    rows.extend(folded.into_iter().map(|row| shown(&line[row])));
    let below = text
        .get(here.end..)
        .and_then(|rest| rest.strip_prefix('\n'));
    if let Some(below) = below {
        for line in below.split('\n').take(AROUND) {
            push(line, cols, &mut rows);
        }
    }
    (rows, (caret, column))
}

/// The part of a very long line that is folded.
fn near(text: &str, line: Range<usize>, at: usize) -> Range<usize> {
    if line.len() <= FOLDED {
        return line;
    }
    // A place inside a character is none; the grapheme's edge after it is.
    let edge = |place: usize| {
        let inside = |at: &usize| text.is_char_boundary(*at);
        motion::snap(text, (place..text.len()).find(inside).unwrap_or(text.len()))
    };
    let start = edge(line.start.max(at.saturating_sub(FOLDED / 2)));
    let end = edge(line.end.min(at + FOLDED / 2));
    start..end
}

fn push(line: &str, cols: usize, rows: &mut Vec<String>) {
    rows.extend(
        motion::rows(line, cols)
            .into_iter()
            .map(|row| shown(&line[row])),
    );
}

/// What cannot be shown keeps its place as a sign, so that the caret never stands on nothing.
fn shown(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let sign = |grapheme: &str| {
        let cleaned = clean::line(grapheme);
        if cleaned == grapheme {
            cleaned
        } else {
            "\u{fffd}".to_owned()
        }
    };
    text.graphemes(true).map(sign).collect()
}

/// A single line being typed, such as the palette's query: its end is in sight, and the cursor is there.
pub(super) fn single(query: &str, theme: &Theme, frame: &mut Frame, area: Rect) {
    let cols = usize::from(area.width);
    if cols < 4 || area.height == 0 {
        return;
    }
    let text = clean::line(query);
    let mut from = 0;
    while wrap::width(&text[from..]) > cols - SIGN - CARET {
        from = motion::after(&text, from);
    }
    let shown = &text[from..];
    let spans = vec![span("❯ ", theme.accent), span(shown, theme.text)];
    let x = styled::width(&spans);
    pane::line(frame, area, 0, &Line::from(spans));
    frame.set_cursor_position((area.x + u16::try_from(x).unwrap_or(0), area.y));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str, cols: usize) -> (Vec<String>, (usize, usize)) {
        let mut composer = Composer::default();
        composer.set(text);
        fold(&composer, cols)
    }

    #[test]
    fn the_caret_counts_columns_not_characters() {
        assert_eq!(folded("", 10), (vec![String::new()], (0, 0)));
        assert_eq!(folded("Tiếng", 10).1, (0, 5));
        assert_eq!(folded("Tie\u{302}\u{301}ng", 10).1, (0, 5));
        assert_eq!(folded("你好", 10).1, (0, 4));
        assert_eq!(folded("👨‍👩‍👧", 10).1, (0, 2));
        assert_eq!(folded("a\nbc", 10), (vec!["a".into(), "bc".into()], (1, 2)));
        assert_eq!(folded("a\n", 10).1, (1, 0));
        assert_eq!(
            folded("abcdef", 4),
            (vec!["abcd".into(), "ef".into()], (1, 2))
        );
    }

    #[test]
    fn a_very_long_text_is_folded_around_the_caret_only() {
        let (rows, _) = folded(&"line\n".repeat(100_000), 10);
        assert!(rows.len() <= 2 * AROUND + 1, "{}", rows.len());
        let (rows, caret) = folded(&"dài 漢".repeat(50_000), 10);
        assert!(rows.len() <= FOLDED, "{}", rows.len());
        assert_eq!(caret.0 + 1, rows.len());
    }
}
