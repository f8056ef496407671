//! Tables that align by display width: numbers to the right, wide characters counted as wide, and fitted to the pane.
//!
//! Pure. Markdown tables wrap their cells, results crop them; where even that has no room, each row becomes a short list.

use ratatui::text::{Line, Span};

use crate::text::wrap;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;

/// A table of styled, cleaned cells.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub head: Vec<Spans>,
    pub rows: Vec<Vec<Spans>>,
    /// By column; a column without an entry is `Auto`.
    pub align: Vec<Align>,
}

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Align {
    /// Numbers right, the rest left.
    #[default]
    Auto,
    Left,
    Right,
    Centre,
}

/// What is done with a cell that is wider than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cells {
    Wrap,
    Crop,
}

/// Between two columns.
const GAP: usize = 3;
/// A column narrower than this tells nothing.
const LEAST: usize = 4;

/// Lays a table out in `cols` columns.
pub(super) fn lay(table: &Table, cells: Cells, cols: usize, theme: &Theme) -> Lines {
    let count = table
        .rows
        .iter()
        .map(Vec::len)
        .chain([table.head.len()])
        .max();
    let count = count.unwrap_or(0);
    if count == 0 {
        return Vec::new();
    }
    let Some(widths) = widths(table, count, cols) else {
        return records(table, count, cols, theme);
    };
    let aligns: Vec<Align> = (0..count).map(|at| align(table, at)).collect();
    let head = table.head.iter().map(|cell| bold(cell, theme)).collect();
    let mut out = Vec::new();
    if !table.head.is_empty() {
        row(&head, &widths, &aligns, cells, theme, &mut out);
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        out.push(span(rule.join("─┼─"), theme.border).into());
    }
    for cells_of in &table.rows {
        row(cells_of, &widths, &aligns, cells, theme, &mut out);
    }
    out
}

fn bold(cell: &Spans, theme: &Theme) -> Spans {
    let strong = |part: &Span<'static>| span(part.content.clone(), part.style.patch(theme.strong));
    cell.iter().map(strong).collect()
}

/// The width of each column; nothing when they cannot stand side by side.
fn widths(table: &Table, count: usize, cols: usize) -> Option<Vec<usize>> {
    let natural = |at: usize| {
        let cells = table.rows.iter().chain([&table.head]);
        let widest = cells
            .filter_map(|row| row.get(at))
            .map(|c| styled::width(c));
        widest.max().unwrap_or(0).max(1)
    };
    let natural: Vec<usize> = (0..count).map(natural).collect();
    let room = cols.checked_sub(GAP * (count - 1))?;
    if natural.iter().sum::<usize>() <= room {
        return Some(natural);
    }
    let least: usize = natural.iter().map(|width| (*width).min(LEAST)).sum();
    (least <= room).then(|| fit(&natural, room))
}

/// The widest columns give way first, down to one common width.
fn fit(natural: &[usize], room: usize) -> Vec<usize> {
    let sum = |cap: usize| natural.iter().map(|width| (*width).min(cap)).sum::<usize>();
    let (mut low, mut high) = (0, room);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if sum(middle) <= room {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let mut spare = room - sum(low);
    let widen = |width: &usize| {
        let extra = usize::from(*width > low && spare > 0);
        spare -= extra;
        (*width).min(low) + extra
    };
    natural.iter().map(widen).collect()
}

fn align(table: &Table, at: usize) -> Align {
    match table.align.get(at).copied().unwrap_or_default() {
        Align::Auto => {
            let cells = || table.rows.iter().filter_map(|row| row.get(at)).map(text);
            let numeric = cells().all(|text| text.is_empty() || is_number(&text));
            if numeric && cells().any(|text| !text.is_empty()) {
                Align::Right
            } else {
                Align::Left
            }
        }
        told => told,
    }
}

fn text(cell: &Spans) -> String {
    let text: String = cell.iter().map(|part| part.content.as_ref()).collect();
    text.trim().to_owned()
}

/// Digits with a sign, separators, a currency or a per cent.
fn is_number(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '+', '−']);
    let text = text.trim_matches(['$', '€', '£', '¥', '₫', '%', ' ']);
    text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || ".,_ e+-".contains(c))
}

fn row(
    cells: &Vec<Spans>,
    widths: &[usize],
    aligns: &[Align],
    how: Cells,
    theme: &Theme,
    out: &mut Lines,
) {
    let empty = Vec::new();
    let laid: Vec<Lines> = widths
        .iter()
        .enumerate()
        .map(|(at, width)| {
            let cell = cells.get(at).unwrap_or(&empty);
            match how {
                Cells::Wrap => styled::wrapped(cell, *width),
                Cells::Crop => vec![Line::from(styled::cropped(cell.clone(), *width))],
            }
        })
        .collect();
    let height = laid.iter().map(Vec::len).max().unwrap_or(1).max(1);
    for line in 0..height {
        let mut spans: Spans = Vec::new();
        for (at, width) in widths.iter().enumerate() {
            if at > 0 {
                spans.push(span(" │ ", theme.border));
            }
            let parts = laid[at]
                .get(line)
                .map(|l| l.spans.clone())
                .unwrap_or_default();
            spans.extend(padded(parts, *width, aligns[at], at + 1 == widths.len()));
        }
        out.push(Line::from(spans));
    }
}

fn padded(parts: Spans, width: usize, align: Align, last: bool) -> Spans {
    let free = width.saturating_sub(styled::width(&parts));
    let (before, after) = match align {
        Align::Auto | Align::Left => (0, free),
        Align::Right => (free, 0),
        Align::Centre => (free / 2, free - free / 2),
    };
    let blank = |count: usize| (count > 0).then(|| Span::raw(" ".repeat(count)));
    let after = if last { 0 } else { after };
    blank(before)
        .into_iter()
        .chain(parts)
        .chain(blank(after))
        .collect()
}

/// One `name: value` a line, a rule between rows.
fn records(table: &Table, count: usize, cols: usize, theme: &Theme) -> Lines {
    let mut out = Vec::new();
    for (at, cells) in table.rows.iter().enumerate() {
        if at > 0 {
            out.push(span("─".repeat(cols.min(12)), theme.border).into());
        }
        for column in 0..count {
            let name = table.head.get(column).map(text).unwrap_or_default();
            let name = wrap::truncate(&name, cols / 2);
            let mut spans = vec![span(format!("{name}: "), theme.dim)];
            spans.extend(cells.get(column).cloned().unwrap_or_default());
            out.extend(styled::wrapped(&spans, cols));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::Style;

    fn cell(text: &str) -> Spans {
        vec![span(text, Style::new())]
    }

    fn shown(lines: &Lines) -> Vec<String> {
        let text = |line: &Line<'_>| line.spans.iter().map(|s| s.content.as_ref()).collect();
        lines.iter().map(text).collect()
    }

    fn table(head: &[&str], rows: &[&[&str]]) -> Table {
        Table {
            head: head.iter().map(|text| cell(text)).collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|text| cell(text)).collect())
                .collect(),
            align: Vec::new(),
        }
    }

    #[test]
    fn wide_characters_keep_the_columns_straight_and_numbers_go_right() {
        let of = table(
            &["name", "total"],
            &[&["Nguyễn Ánh", "1,250"], &["王小明", "30"]],
        );
        let seen = shown(&lay(&of, Cells::Wrap, 40, &Theme::mono()));
        assert_eq!(
            seen,
            [
                "name       │ total",
                "───────────┼──────",
                "Nguyễn Ánh │ 1,250",
                "王小明     │    30",
            ]
        );
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let long = "a rather long description of a thing";
        let of = table(&["id", "what"], &[&["1", long]]);
        let seen = shown(&lay(&of, Cells::Crop, 20, &Theme::mono()));
        assert_eq!(seen[2], " 1 │ a rather long …");
        let seen = shown(&lay(&of, Cells::Wrap, 20, &Theme::mono()));
        assert_eq!(seen[2], " 1 │ a rather long");
        assert_eq!(seen[3], "   │ description of");
    }

    #[test]
    fn without_room_each_row_becomes_a_list() {
        let of = table(
            &["aaaaa", "bbbbb", "ccccc"],
            &[&["11111", "22222", "33333"]],
        );
        let seen = shown(&lay(&of, Cells::Crop, 14, &Theme::mono()));
        assert_eq!(seen, ["aaaaa: 11111", "bbbbb: 22222", "ccccc: 33333"]);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_pane(rows in prop::collection::vec(prop::collection::vec("[a-z漢 é0-9]{0,20}", 0..6), 0..5), cols in 2usize..60) {
            let of = Table {
                head: cell("h").into_iter().map(|s| vec![s]).collect(),
                rows: rows.iter().map(|row| row.iter().map(|text| cell(text)).collect()).collect(),
                align: Vec::new(),
            };
            for how in [Cells::Wrap, Cells::Crop] {
                for line in lay(&of, how, cols, &Theme::mono()) {
                    prop_assert!(styled::width(&line.spans) <= cols.max(2), "{line:?}");
                }
            }
        }
    }
}
