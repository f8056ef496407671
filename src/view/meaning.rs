//! What a call would do, in the question about it: SQL with its kind, a file's change as a diff, a tree of what moves or goes.
//!
//! Pure. It stands above the arguments, which are whole and exact and what is sent; here nothing is, and long things are cut.

use std::collections::BTreeSet;

use ratatui::style::Style;

use crate::app::App;
use crate::host::ToolCall;
use crate::host::preview::{Kind, Part, Undo, Vouch};
use crate::text::diff::Side;
use crate::text::{clean, human};
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;
use crate::view::value::visible;
use crate::view::{code, pins};

/// The lines, the last of them the heading of the arguments that follow; none where nothing can be told.
pub(super) fn lines(
    app: &App,
    call: &ToolCall,
    cols: usize,
    theme: &Theme,
    memo: &mut Memo,
) -> Lines {
    let mut out = told(app, call, cols, theme, memo);
    if !out.is_empty() {
        let size = human::bytes(call.arguments.len() as u64);
        out.push(span(format!("arguments as sent · {size}"), theme.dim).into());
    }
    out
}

fn told(app: &App, call: &ToolCall, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    let mut out = Lines::new();
    if let Some(held) = app.host.held(call) {
        let text = "what changed in the tool since you accepted it: [-what went-]{+what came+}";
        out.extend(code::plain(text, theme.warn, cols));
        out.extend(pins::changed(held, cols, theme));
    }
    let Some(preview) = app.host.previews.get(&call.id) else {
        return out;
    };
    for part in &preview.parts {
        out.extend(match part {
            Part::Says { text, warns } => says(text, *warns, cols, theme),
            Part::Sql {
                key,
                text,
                kinds,
                by,
            } => sql((key, text), (kinds, *by), cols, theme, memo),
            Part::Diff {
                lines,
                added,
                removed,
            } => diff(lines, (*added, *removed), cols, theme),
            Part::Tree { rows } => tree(rows, cols, theme),
        });
    }
    let undo = match preview.undo {
        Some(Undo::Yes) => Some("can be taken back: /undo here, or mcpdeck undo"),
        Some(Undo::No) => Some("cannot be taken back from here"),
        None => None,
    };
    out.extend(
        undo.into_iter()
            .flat_map(|undo| code::plain(undo, theme.dim, cols)),
    );
    out
}

fn says(text: &str, warns: bool, cols: usize, theme: &Theme) -> Lines {
    let (mark, style) = match warns {
        true => ("! ", theme.warn),
        false => ("", theme.text),
    };
    styled::fact(
        span(mark, style),
        vec![span(clean::line(text), style)],
        cols,
    )
}

fn sql(
    (key, text): (&str, &str),
    (kinds, by): (&[Kind], Vouch),
    cols: usize,
    theme: &Theme,
    memo: &mut Memo,
) -> Lines {
    let different: BTreeSet<Kind> = kinds.iter().copied().collect();
    let words: Vec<&str> = different.iter().map(|kind| kind.words()).collect();
    let count = match kinds.len() {
        0 => "no statement".to_owned(),
        1 => words.concat(),
        n => format!("{n} statements: {}", words.join(", ")),
    };
    let by = match by {
        Vouch::Engine => "the server runs nothing but what reads",
        Vouch::Text => "says the text, not checked",
    };
    let worst = different.last().copied();
    let style = match worst {
        Some(Kind::Reads) | None => theme.text,
        Some(Kind::Session | Kind::Rows | Kind::Schema | Kind::Unknown) => theme.warn,
    };
    let head = [
        span(format!("SQL in `{}`, ", clean::line(key)), theme.dim),
        span(count, style),
        span(format!(" ({by})"), theme.dim),
    ];
    let mut out = styled::wrapped(&head, cols);
    out.extend(code::block(
        "sql",
        &clean::block(text),
        true,
        cols,
        theme,
        memo,
    ));
    out
}

fn diff(
    lines: &[Option<(Side, String)>],
    (added, removed): (usize, usize),
    cols: usize,
    theme: &Theme,
) -> Lines {
    let count = |n: usize| match n {
        1 => "1 line".to_owned(),
        n => format!("{n} lines"),
    };
    let head = [
        span(format!("+{}", count(added)), theme.good),
        span(format!(" -{}", count(removed)), theme.bad),
    ];
    let mut out = styled::wrapped(&head, cols);
    // A gap at the edge says nothing.
    for line in lines.iter().skip_while(|line| line.is_none()) {
        let (sign, style, text) = match line {
            None => ("  ", theme.dim, "…"),
            Some((Side::Both, text)) => ("  ", theme.dim, text.as_str()),
            Some((Side::New, text)) => ("+ ", theme.good, text.as_str()),
            Some((Side::Old, text)) => ("- ", theme.bad, text.as_str()),
        };
        out.extend(row(sign, style, text, cols, theme));
    }
    out
}

fn tree(rows: &[(char, String)], cols: usize, theme: &Theme) -> Lines {
    let one = |(sign, path): &(char, String)| {
        let style = match sign {
            '+' => theme.good,
            '-' => theme.bad,
            _ => theme.dim,
        };
        row(&format!("{sign} "), style, path, cols, theme)
    };
    rows.iter().flat_map(one).collect()
}

/// One line behind its sign; nothing in it hides, and it keeps its column when it is folded.
fn row(sign: &str, style: Style, text: &str, cols: usize, theme: &Theme) -> Lines {
    let text = text.trim_end_matches('\r').replace('\t', "    ");
    let room = cols.saturating_sub(2).max(1);
    let lines = styled::broken(&visible(&text, style, theme), room);
    styled::prefixed(lines, &[span(sign, style)], &[span("  ", style)])
}
