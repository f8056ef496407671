//! The Lab tab: the faults that can stand between mcpdeck and the server, and the server in three eras side by side.
//!
//! Pure. What is on and what differs is said by a sign and in words, never by colour alone.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Room, clickable};
use crate::app::App;
use crate::app::inspector::{Inspector, LabPart};
use crate::host::lab::{Cell, Comparison, Row, applies};
use crate::mcp::fault::{FaultKind, Scope};
use crate::text::{clean, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{calls, pane};

/// Columns of a fault's name.
const NAME: usize = 18;
/// Rows for the whole cells of the marked row.
const WHOLE: u16 = 8;

/// Draws the tab.
pub(super) fn draw(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (app, inspector, theme) = (room.app, room.inspector, room.theme);
    let measured = &mut *room.measured;
    let cols = usize::from(area.width);
    let part = inspector.lab.part;
    let tab = |of: LabPart, name: &str| match of == part {
        true => span(format!("[{name}]"), theme.accent),
        false => span(format!(" {name} "), theme.dim),
    };
    let halves = vec![
        tab(LabPart::Faults, "Faults"),
        tab(LabPart::Eras, "Three eras"),
        span("  Tab switches", theme.dim),
    ];
    pane::line(frame, area, 0, &Line::from(styled::cropped(halves, cols)));
    let used = area.height.min(1);
    let body = Rect {
        y: area.y + used,
        height: area.height - used,
        ..area
    };
    measured.detail.1 = usize::from(body.height);
    match part {
        LabPart::Faults => faults(room, frame, body),
        LabPart::Eras => eras(app, inspector, theme, frame, body),
    }
}

fn faults(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (app, inspector, theme) = (room.app, room.inspector, room.theme);
    let cols = usize::from(area.width);
    let about = about(app, inspector, cols, theme);
    let below = u16::try_from(about.len()).unwrap_or(u16::MAX);
    // The list before all: where there is no room for both, it is what one acts on.
    let list = area.height.saturating_sub(below).max(area.height.min(4));
    let rows = usize::from(list.saturating_sub(1));
    let marked = inspector.lab.fault.min(FaultKind::ALL.len() - 1);
    pane::line(frame, area, 0, &heading(cols, theme));
    let first = calls::first_row(FaultKind::ALL.len(), rows, Some(marked));
    let shown = FaultKind::ALL.iter().enumerate().skip(first).take(rows);
    for (at, kind) in shown {
        let line = fault(app, inspector, *kind, cols, theme);
        pane::line(frame, area, at - first + 1, &line);
        if at == marked {
            pane::mark(frame, theme, area, at - first + 1);
        }
    }
    let list = Rect {
        y: area.y + area.height.min(1),
        height: area.height - area.height.min(1),
        ..area
    };
    let shown = rows.min(FaultKind::ALL.len());
    clickable(room.measured, list, shown, marked - first.min(marked), true);
    let used = (1 + shown).min(usize::from(area.height));
    let used = u16::try_from(used).unwrap_or(area.height);
    let rest = Rect {
        y: area.y + used,
        height: area.height - used,
        ..area
    };
    pane::lines(frame, rest, &about);
}

fn heading(cols: usize, theme: &Theme) -> Line<'static> {
    let words = match cols < 60 {
        true => format!("    {:<NAME$} {}", "fault", "strikes"),
        false => format!(
            "    {:<NAME$} {:<9} {:<16} {:<12} {}",
            "fault", "strikes", "how much", "concerns", "struck"
        ),
    };
    Line::from(styled::cropped(vec![span(words, theme.dim)], cols))
}

fn fault(
    app: &App,
    inspector: &Inspector,
    kind: FaultKind,
    cols: usize,
    theme: &Theme,
) -> Line<'static> {
    let server = &inspector.server;
    let spec = app.host.server(server).and_then(|it| it.spec.as_ref());
    let name = format!("{:<NAME$} ", kind.word());
    if !spec.is_some_and(|spec| applies(kind, &spec.launch)) {
        let why = match kind.applies_to_http() {
            true => "only for a server at a URL",
            false => "only for a child process",
        };
        let spans = vec![span(format!(" -  {name}{why}"), theme.dim)];
        return Line::from(styled::cropped(spans, cols));
    }
    let on = app.host.lab.on_at(server);
    let is_on = on.is_some_and(|on| on.0.contains_key(&kind));
    let fault = inspector.lab.fault(kind, on);
    let amount = match kind.unit() {
        "" => String::new(),
        unit => format!("{} {unit}", fault.amount),
    };
    let scope = match fault.scope {
        Scope::Calls => "calls",
        Scope::Everything => "all messages",
    };
    let struck = app.host.lab.faults.get(server);
    let struck = struck.and_then(|of| of.struck.get(&kind)).copied();
    let struck = times(struck);
    let (sign, style) = match is_on {
        true => ("[x] ", theme.warn),
        false => ("[ ] ", theme.text),
    };
    let mut spans: Spans = vec![span(sign, style), span(name, style)];
    let strikes = fault.cadence.words();
    spans.push(span(
        match cols < 60 {
            true => [strikes, amount, struck].join(" "),
            false => format!("{strikes:<9} {amount:<16} {scope:<12} {struck}"),
        },
        style,
    ));
    Line::from(styled::cropped(spans, cols))
}

fn times(count: Option<u64>) -> String {
    match count {
        None => String::new(),
        Some(1) => "1 time".to_owned(),
        Some(count) => format!("{count} times"),
    }
}

/// What the marked fault does, and what stands above all of them.
fn about(app: &App, inspector: &Inspector, cols: usize, theme: &Theme) -> Lines {
    let kind = inspector.lab.kind();
    let mut lines = Lines::new();
    let help = format!("{}: {}.", kind.word(), kind.help());
    lines.push(Line::default());
    lines.extend(styled::wrapped(&[span(help, theme.text)], cols));
    let state = match app.host.lab.on_at(&inspector.server) {
        Some(on) => span(format!("! on: {}", on.words()), theme.warn),
        None => span("No fault is on.", theme.dim),
    };
    lines.extend(styled::wrapped(&[state], cols));
    let words = "What a fault did stands on the wire and in Follow as ! fault. All end with mcpdeck; nothing is written down.";
    lines.extend(styled::wrapped(&[span(words, theme.dim)], cols));
    lines
}

fn eras(app: &App, inspector: &Inspector, theme: &Theme, frame: &mut Frame, area: Rect) {
    let cols = usize::from(area.width);
    let comparison = app.host.lab.comparison.as_ref();
    let Some(comparison) = comparison.filter(|of| of.server == inspector.server) else {
        let name = clean::line(inspector.server.as_str());
        let words = format!(
            "c starts {name} three times more, one after the other (legacy, auto, modern), asks each what it is and what it offers, and ends it again. It is started for real: whatever it does at its start, it does three times."
        );
        pane::lines(
            frame,
            area,
            &styled::wrapped(&[span(words, theme.text)], cols),
        );
        return;
    };
    let table = comparison.table();
    let marked = inspector.lab.row.min(table.len().saturating_sub(1));
    let whole = match area.height {
        0..12 => 0,
        height => WHOLE.min(height / 3),
    };
    let list = Rect {
        height: area.height - whole,
        ..area
    };
    grid(comparison, &table, marked, theme, frame, list);
    if let Some(row) = table.get(marked) {
        let below = Rect {
            y: area.y + list.height,
            height: whole,
            ..area
        };
        pane::lines(frame, below, &whole_cells(row, cols, theme));
    }
}

fn grid(
    comparison: &Comparison,
    table: &[Row],
    marked: usize,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
) {
    let cols = usize::from(area.width);
    let label = (cols / 4).clamp(8, 28);
    let cell = cols.saturating_sub(label + 4) / 3;
    let differing = table.iter().filter(|row| row.differs).count();
    let state = match comparison.is_running() {
        true => "under way".to_owned(),
        false if differing == 1 => "1 row differs (*)".to_owned(),
        false => format!("{differing} rows differ (*)"),
    };
    let names = ["legacy", "auto", "modern"];
    let mut heads = vec![span(wrap::pad(&state, label + 2), theme.dim)];
    heads.extend(names.map(|name| {
        span(
            format!(" {name:<width$}", width = cell.saturating_sub(1)),
            theme.strong,
        )
    }));
    pane::line(frame, area, 0, &Line::from(styled::cropped(heads, cols)));
    let rows = usize::from(area.height.saturating_sub(1));
    let first = calls::first_row(table.len(), rows, Some(marked));
    for (at, row) in table.iter().enumerate().skip(first).take(rows) {
        let line = grid_line(row, (label, cell), cols, theme);
        pane::line(frame, area, at - first + 1, &line);
        if at == marked {
            pane::mark(frame, theme, area, at - first + 1);
        }
    }
    let body = Rect {
        y: area.y + area.height.min(1),
        height: area.height.saturating_sub(1),
        ..area
    };
    pane::scrollbar(frame, theme, body, first, table.len());
}

fn grid_line(
    row: &Row,
    (label, cell): (usize, usize),
    cols: usize,
    theme: &Theme,
) -> Line<'static> {
    let style = if row.differs { theme.warn } else { theme.text };
    let sign = if row.differs { "* " } else { "  " };
    let name = wrap::pad(&clean::line(&row.label), label);
    let mut spans = vec![span(sign, style), span(name, style)];
    for of in &row.cells {
        let text = wrap::pad(&clean::line(&of.text), cell.saturating_sub(1));
        spans.push(span(format!(" {text}"), cell_style(of, row, theme)));
    }
    Line::from(styled::cropped(spans, cols))
}

fn cell_style(of: &Cell, row: &Row, theme: &Theme) -> ratatui::style::Style {
    match (of.bad, row.differs) {
        (true, _) => theme.bad,
        (false, true) => theme.warn,
        (false, false) => theme.text,
    }
}

/// All of the marked row, for what the columns cut.
fn whole_cells(row: &Row, cols: usize, theme: &Theme) -> Lines {
    let label = span(clean::line(row.label.trim()), theme.strong);
    let mut lines: Lines = vec![
        Line::default(),
        Line::from(styled::cropped(vec![label], cols)),
    ];
    for (name, cell) in ["legacy", "auto", "modern"].iter().zip(&row.cells) {
        let text = match cell.text.as_str() {
            "" => "nothing known",
            text => text,
        };
        let text: String = clean::line(text).chars().take(2_000).collect();
        let name = span(format!("{name:<8}"), theme.dim);
        lines.extend(styled::fact(
            name,
            vec![span(text, cell_style(cell, row, theme))],
            cols,
        ));
    }
    lines
}
