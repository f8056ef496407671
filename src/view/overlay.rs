//! What lies on top of the panes: help, command palette, details.
//!
//! Pure.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::palette::{Palette, PaletteRow};
use crate::app::{App, Detail, Overlay, keymap, slash};
use crate::text::{clean, wrap};
use crate::view::entry::Part;
use crate::view::layout;
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{
    call_detail, calls, code, composer, costs, fields, pane, pins, server_detail, suggest,
};

/// Columns of the help and the palette at most: longer lines are hard to follow.
const COLS: u16 = 84;
/// Rows below a list for what is said about its marked row.
const NOTE: u16 = 3;

/// Draws it over `body`. Gives the rows of its text and of its area.
pub(super) fn draw(
    app: &App,
    overlay: &Overlay,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    body: Rect,
) -> (usize, usize) {
    match overlay {
        Overlay::None | Overlay::Folders(_) | Overlay::SignIn(_) => (0, 0),
        Overlay::Palette(palette) => {
            let area = centred(body, COLS);
            // Frame, query and rule; what it hides beyond its rows would be hidden for nothing.
            let rows = u16::try_from(palette.rows.len().max(1)).unwrap_or(u16::MAX);
            let notes = palette.notes.iter().any(|note| !note.is_empty());
            let notes = if notes { NOTE + 1 } else { 0 };
            let height = area
                .height
                .min(rows.saturating_add(4 + notes).max(4 + notes * 2));
            draw_palette(palette, theme, frame, Rect { height, ..area })
        }
        Overlay::Help { scroll } => {
            let area = centred(body, COLS);
            let lines = |cols| vec![help(cols, theme).into()];
            scrolled("Keys and commands", lines, *scroll, theme, frame, area)
        }
        Overlay::Fields(form) => fields::draw(app, form, theme, frame, centred(body, COLS)),
        Overlay::Detail { of, scroll } => detail(app, of, *scroll, theme, frame, memo, body),
    }
}

fn detail(
    app: &App,
    of: &Detail,
    scroll: usize,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    body: Rect,
) -> (usize, usize) {
    let area = centred(body, u16::MAX);
    match of {
        Detail::Call(id) => {
            let title = match app.host.call(*id) {
                Some(call) => format!("Call {id} · {}", clean::line(&call.title())),
                None => format!("Call {id}"),
            };
            let lines = |cols| call_detail::parts(app, *id, cols, theme, memo);
            scrolled(&title, lines, scroll, theme, frame, area)
        }
        Detail::Server(name) => {
            let title = format!("Server · {}", clean::line(name.as_str()));
            let lines = |cols| vec![server_detail::lines(app, name, cols, theme).into()];
            scrolled(&title, lines, scroll, theme, frame, area)
        }
        Detail::Changes(name) => {
            let title = format!("Changed tools · {}", clean::line(name.as_str()));
            let lines = |cols| vec![pins::lines(app, name, cols, theme).into()];
            scrolled(&title, lines, scroll, theme, frame, area)
        }

        Detail::Context => {
            let lines = |cols| vec![costs::context(app, cols, theme).into()];
            scrolled("What the model sees", lines, scroll, theme, frame, area)
        }
        Detail::Cache => {
            let lines = |cols| vec![costs::cache(app, cols, theme).into()];
            scrolled("Kept answers and lists", lines, scroll, theme, frame, area)
        }
        Detail::Tools => {
            let lines = |cols| vec![server_detail::tools(app, cols, theme).into()];
            scrolled("Tools of all servers", lines, scroll, theme, frame, area)
        }
    }
}

/// A box in the middle, or the whole room where there is no more than that: remains of what lies below would only confuse.
fn centred(body: Rect, most: u16) -> Rect {
    let width = body.width.min(most);
    let rows = u16::from(body.height >= 20 && width < body.width);
    Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + rows,
        width,
        height: body.height - rows * 2,
    }
}

/// Text that scrolls in a frame.
fn scrolled(
    title: &str,
    parts: impl FnOnce(usize) -> Vec<Part>,
    scroll: usize,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
) -> (usize, usize) {
    pane::clear(frame, area);
    let inner = pane::framed(frame, theme, area, title, true, true);
    let parts = parts(usize::from(inner.width));
    let total: usize = parts.iter().map(|part| part.len()).sum();
    let rows = usize::from(inner.height);
    let first = scroll.min(total.saturating_sub(rows));
    let lines = parts.iter().flat_map(|part| part.iter());
    pane::lines(frame, inner, lines.skip(first));
    let right = Rect {
        width: area.x + area.width - inner.x,
        ..inner
    };
    pane::scrollbar(frame, theme, right, first, total);
    (total, rows)
}

fn help(cols: usize, theme: &Theme) -> Lines {
    let mut sections = keymap::help();
    let commands = slash::COMMANDS.iter().map(|command| {
        let line = format!("/{} {}", command.name, command.arguments);
        (line.trim_end().to_owned(), command.help)
    });
    let at = sections.len().min(1);
    sections.insert(at, ("Commands, written in the chat", commands.collect()));
    let keys = sections
        .iter()
        .flat_map(|(_, rows)| rows)
        .map(|(key, _)| wrap::width(key));
    let keys = keys.max().unwrap_or(0).min(cols / 3).max(1);
    let mut out: Lines = Vec::new();
    for (title, rows) in sections {
        if !out.is_empty() {
            out.push(Line::default());
        }
        out.push(span(title, theme.accent).into());
        for (key, text) in rows {
            let names = wrap::wrap(&key, keys);
            let words = wrap::wrap(text, cols.saturating_sub(keys + 4).max(1));
            for at in 0..names.len().max(words.len()) {
                let name = wrap::pad(names.get(at).map_or("", String::as_str), keys);
                let word = words.get(at).cloned().unwrap_or_default();
                let spans = vec![
                    span(format!("  {name}  "), theme.key),
                    span(word, theme.text),
                ];
                out.push(Line::from(spans));
            }
        }
    }
    out
}

fn draw_palette(palette: &Palette, theme: &Theme, frame: &mut Frame, area: Rect) -> (usize, usize) {
    pane::clear(frame, area);
    let inner = pane::framed(frame, theme, area, palette.shelf.title(), true, true);
    composer::single(&palette.query, theme, frame, inner);
    let list = Rect {
        y: inner.y + inner.height.min(1),
        height: inner.height.saturating_sub(1),
        ..inner
    };
    let list = pane::ruled(frame, theme, list, "", false);
    let marked = palette.marked.min(palette.rows.len().saturating_sub(1));
    let list = more(palette.notes.get(marked), theme, frame, list);
    let rows = usize::from(list.height);
    if palette.rows.is_empty() {
        pane::line(
            frame,
            list,
            0,
            &span(palette.shelf.nothing(), theme.dim).into(),
        );
    }
    palette_rows(palette, marked, theme, frame, list);
    (palette.rows.len(), rows)
}

/// The rows around the marked one, as many as there is room for.
fn palette_rows(palette: &Palette, marked: usize, theme: &Theme, frame: &mut Frame, list: Rect) {
    let rows = usize::from(list.height);
    let first = calls::first_row(palette.rows.len(), rows, Some(marked));
    let dooms = palette.doomed.is_some();
    for (row, of) in palette.rows.iter().skip(first).take(rows).enumerate() {
        pane::line(
            frame,
            list,
            row,
            &palette_row(
                of,
                usize::from(list.width),
                first + row == marked,
                dooms,
                theme,
            ),
        );
        if first + row == marked {
            pane::mark(frame, theme, list, row);
        }
    }
}

/// What is said about the marked row stands below the list, where there is room for both. Gives the list's room.
fn more(note: Option<&String>, theme: &Theme, frame: &mut Frame, list: Rect) -> Rect {
    let Some(note) = note.filter(|note| !note.is_empty() && list.height >= 8) else {
        return list;
    };
    let (list, below) = layout::foot(list, NOTE + 1);
    let below = pane::ruled(frame, theme, below, "", false);
    let note: String = note.chars().take(1_000).collect();
    let lines = code::plain(&clean::block(&note), theme.dim, usize::from(below.width));
    pane::lines(frame, below, &lines);
    list
}

fn palette_row(
    row: &PaletteRow,
    cols: usize,
    marked: bool,
    dooms: bool,
    theme: &Theme,
) -> Line<'static> {
    let mut left: Spans = vec![span(if marked { "▸ " } else { "  " }, theme.accent)];
    left.extend(suggest::hit(&row.label, &row.hits, theme));
    let right = match marked && dooms {
        true => span("delete?", theme.warn),
        false => span(clean::line(&row.key), theme.dim),
    };
    styled::spread(left, vec![right], cols)
}
