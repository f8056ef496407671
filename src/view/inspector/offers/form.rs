//! The form of a call: one row for each place of its arguments, with what is wrong at its row; or the whole as JSON.
//!
//! Pure. The row that has the keys stays in sight, and the terminal's cursor stands in its text.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::fields::Fields;
use crate::app::form::tree::{Raw, Row, Tree};
use crate::text::{clean, wrap};
use crate::view::inspector::offers::row::{Drawn, first, label};
use crate::view::inspector::offers::{Desk, Seen, WORDS, short};
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;
use crate::view::{code, composer, pane};

/// Columns of a label at most, and below which a value stands under it.
const LABEL: usize = 26;
const NARROW: usize = 48;

/// A form, laid out.
#[derive(Default)]
struct Laid {
    lines: Lines,
    /// The lines of the row that has the keys.
    focus: Range<usize>,
    cursor: Option<(usize, usize)>,
}

/// Draws the form of a tool.
pub(super) fn tree(desk: &Desk<'_>, tree: &Tree, frame: &mut Frame, area: Rect) -> Seen {
    let cols = usize::from(area.width);
    let foot = foot(desk.theme, tree, cols);
    let below = u16::try_from(foot.len()).unwrap_or(0).min(area.height / 2);
    let body = Rect {
        height: area.height - below,
        ..area
    };
    let at_end = Rect {
        y: area.y + body.height,
        height: below,
        ..area
    };
    pane::lines(frame, at_end, &foot);
    if let Some(raw) = &tree.raw {
        composer::text(&raw.input, None, desk.theme, frame, body, true);
        return Seen {
            area: (0, 0),
            cols: composer::fold_cols(cols),
        };
    }
    let laid = rows(desk.theme, tree, cols);
    let fold = composer::fold_cols(cols.saturating_sub(column(tree, cols)));
    shown(desk.theme, frame, body, &laid);
    Seen {
        area: (laid.lines.len(), usize::from(body.height)),
        cols: fold,
    }
}

/// Draws what of the form is around the row that has the keys.
fn shown(theme: &Theme, frame: &mut Frame, area: Rect, laid: &Laid) {
    let height = usize::from(area.height);
    let first = laid.focus.end.saturating_sub(height).min(laid.focus.start);
    // Some of what comes before stays in sight too.
    let first = match laid.focus.start.checked_sub(height / 3) {
        Some(early) if first > 0 => first.max(early.min(laid.lines.len().saturating_sub(height))),
        _ => first,
    };
    let first = first.min(laid.focus.start);
    pane::lines(frame, area, laid.lines.iter().skip(first));
    pane::scrollbar(frame, theme, area, first, laid.lines.len());
    if let Some((row, col)) = laid.cursor
        && let Some(row) = row.checked_sub(first).filter(|row| *row < height)
    {
        let place = |start: u16, by: usize| start.saturating_add(u16::try_from(by).unwrap_or(0));
        let col = col.min(usize::from(area.width).saturating_sub(1));
        frame.set_cursor_position((place(area.x, col), place(area.y, row)));
    }
}

/// What is said below: what does not fit, and what would be sent.
fn foot(theme: &Theme, tree: &Tree, cols: usize) -> Lines {
    let mut out = vec![Line::default()];
    if let Some(why) = &tree.unchecked {
        let why = format!("! Nothing is checked: the tool's schema is invalid: {why}");
        out.extend(first(
            styled::wrapped(&[span(short(&why, WORDS), theme.warn)], cols),
            2,
        ));
    }
    let (complaint, wrong) = match &tree.raw {
        Some(Raw { complaint, .. }) => (complaint.as_deref(), usize::from(complaint.is_some())),
        None => {
            let wrong = tree
                .rows
                .iter()
                .filter(|row| row.complaint.is_some())
                .count();
            (
                tree.complaint.as_deref(),
                wrong + usize::from(tree.complaint.is_some()),
            )
        }
    };
    if let Some(why) = complaint {
        let why = format!("! {}", short(why, WORDS));
        out.extend(first(styled::wrapped(&[span(why, theme.warn)], cols), 3));
    }
    out.extend(verdict(theme, tree, wrong, cols));
    out
}

/// Whether it fits, and what would be sent.
fn verdict(theme: &Theme, tree: &Tree, wrong: usize, cols: usize) -> Lines {
    let sign = match wrong {
        0 if tree.unchecked.is_some() => span("? it cannot be checked", theme.warn),
        0 => span("✓ it fits the schema", theme.good),
        1 => span("✗ one thing is missing or does not fit", theme.dim),
        many => span(
            format!("✗ {many} things are missing or do not fit"),
            theme.dim,
        ),
    };
    let mut out: Lines = vec![Line::from(styled::cropped(vec![sign], cols))];
    if tree.raw.is_none() {
        let line = match tree.is_whole() {
            true => short(&tree.value().to_string(), 2_000),
            false => "nothing before that is mended".to_owned(),
        };
        let spans = vec![span("sends ", theme.dim), span(line, theme.text)];
        out.push(Line::from(styled::cropped(spans, cols)));
    }
    out
}

fn rows(theme: &Theme, tree: &Tree, cols: usize) -> Laid {
    let mut out = Laid::default();
    if tree.rows.is_empty() {
        out.lines
            .push(span("It takes no arguments. Enter calls it.", theme.text).into());
    }
    let column = column(tree, cols);
    for (at, row) in tree.rows.iter().enumerate() {
        let has_keys = at == tree.at;
        let start = out.lines.len();
        let (lines, cursor) = Drawn {
            theme,
            cols,
            column,
            row,
            has_keys,
            option: tree.option,
        }
        .lines(tree.tried);
        out.lines.extend(lines);
        if has_keys {
            out.focus = start..out.lines.len();
            out.cursor = cursor.map(|(row, col)| (start + row, col));
        }
    }
    out
}

/// The column in which values stand; 0: under their labels.
fn column(tree: &Tree, cols: usize) -> usize {
    if cols < NARROW {
        return 0;
    }
    let wide = |row: &Row| 2 + row.depth * 2 + wrap::width(&label(row)) + 2;
    let widest = tree.rows.iter().map(wide).max().unwrap_or(0);
    widest.clamp(8, LABEL.max(cols / 3))
}

/// Draws the texts of a prompt or a resource template, with what the server proposes.
pub(super) fn texts(desk: &Desk<'_>, fields: &Fields, frame: &mut Frame, area: Rect) -> Seen {
    let theme = desk.theme;
    let cols = usize::from(area.width);
    let mut laid = Laid::default();
    if fields.rows.is_empty() {
        laid.lines
            .push(span("It takes no arguments. Enter gets it.", theme.text).into());
    }
    for at in 0..fields.rows.len() {
        text(desk, fields, at, cols, &mut laid);
    }
    laid.lines.push(Line::default());
    if let Some(uri) = fields.uri() {
        laid.lines.extend(code::plain(
            &format!("→ {}", clean::line(&uri)),
            theme.link,
            cols,
        ));
    }
    if let Some(complaint) = &fields.complaint {
        let complaint = format!("! {}", clean::line(complaint));
        laid.lines.extend(code::plain(&complaint, theme.warn, cols));
    }
    shown(theme, frame, area, &laid);
    Seen {
        area: (laid.lines.len(), usize::from(area.height)),
        cols: composer::fold_cols(cols.saturating_sub(2)),
    }
}

/// One text: its name, what is said about it, what is written, and what the server proposes.
fn text(desk: &Desk<'_>, fields: &Fields, at: usize, cols: usize, laid: &mut Laid) {
    let theme = desk.theme;
    let Some(field) = fields.rows.get(at) else {
        return;
    };
    let has_keys = at == fields.at;
    let start = laid.lines.len();
    let style = if has_keys { theme.accent } else { theme.strong };
    let sign = span(if has_keys { "▸ " } else { "  " }, theme.accent);
    let mut spans = vec![sign, span(short(&field.name, 200), style)];
    if field.required {
        spans.push(span("*", theme.warn));
    }
    spans.push(span(
        format!("  {}", short(field.words.trim(), 400)),
        theme.dim,
    ));
    laid.lines.extend(first(styled::wrapped(&spans, cols), 3));
    let (lines, cursor) = composer::laid(&field.value, theme, cols.saturating_sub(2), has_keys);
    if has_keys {
        laid.cursor = Some((laid.lines.len() + cursor.0, cursor.1 + 2));
    }
    laid.lines.extend(styled::indented(lines, 2));
    if has_keys {
        laid.lines.extend(crate::view::fields::proposals(
            desk.app, fields, cols, theme,
        ));
        laid.focus = start..laid.lines.len();
    }
}
