//! A block of code: a bar on the left, colours when they are there, every blank kept.
//!
//! Pure. Called for Markdown, results and SQL.

use ratatui::text::Line;

use crate::view::highlight::{Highlighted, Tint};
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;

/// Lays out cleaned code. Only closed code is coloured: what still grows would ask again with every word.
pub(super) fn block(
    language: &str,
    code: &str,
    closed: bool,
    cols: usize,
    theme: &Theme,
    memo: &mut Memo,
) -> Lines {
    let code = code.strip_suffix('\n').unwrap_or(code);
    let colours = closed.then(|| memo.highlight(language, code)).flatten();
    // Where there is hardly room for the code, it needs no bar.
    let bar = span(if cols > 8 { "│ " } else { "" }, theme.border);
    let bar = [bar];
    let room = cols.saturating_sub(styled::width(&bar)).max(1);
    let mut out = Vec::new();
    for (at, text) in code.split('\n').enumerate() {
        let spans = colours
            .as_deref()
            .and_then(|colours| tinted(colours, at, theme))
            .unwrap_or_else(|| vec![span(text, theme.text)]);
        out.extend(styled::broken(&spans, room));
    }
    styled::prefixed(out, &bar, &bar)
}

fn tinted(colours: &Highlighted, line: usize, theme: &Theme) -> Option<styled::Spans> {
    let style = |tint: Tint| match tint {
        Tint::Plain => theme.text,
        Tint::Keyword => theme.keyword,
        Tint::Text => theme.string,
        Tint::Number => theme.number,
        Tint::Comment => theme.comment,
        Tint::Entity => theme.entity,
    };
    let pieces = colours.lines.get(line)?.iter();
    Some(
        pieces
            .map(|(tint, text)| span(text.clone(), style(*tint)))
            .collect(),
    )
}

/// Plain text in lines, wrapped at words: for what a server wrote.
pub(super) fn plain(text: &str, style: ratatui::style::Style, cols: usize) -> Lines {
    let lines = text.split('\n').flat_map(|line| {
        let spans = [span(line, style)];
        styled::wrapped(&spans, cols)
    });
    lines.collect::<Vec<Line<'static>>>()
}
