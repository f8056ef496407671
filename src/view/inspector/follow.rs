//! The Follow tab: a call, or a moment, on one time line; below it, or in its place, all of the marked row.
//!
//! Pure. What a row is stands in it as a word: nothing depends on colour.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{Room, clickable};
use crate::app::App;
use crate::host::trail::{Mark, Row, Trail};
use crate::host::{CallState, Origin, ToolCall};
use crate::ids::Moment;
use crate::text::{clean, human, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{calls, pane, value};

/// Columns of a row's word.
const WORD: usize = 8;
/// Columns of a time at most.
const TIME: usize = 12;
/// Other calls that are named.
const BESIDE: usize = 8;
/// Characters of a row that are laid out when it is open.
const WHOLE: usize = 100_000;

/// Draws the tab.
pub(super) fn draw(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (app, inspector, theme) = (room.app, room.inspector, room.theme);
    let measured = &mut *room.measured;
    let cols = usize::from(area.width);
    let Some(trail) = app.trail() else {
        let words =
            "Nothing to follow yet: no call, and nothing on the wire. Call a tool, then come back.";
        pane::lines(
            frame,
            area,
            &styled::wrapped(&[span(words, theme.dim)], cols),
        );
        return;
    };
    let head = head(app, &trail, cols, theme);
    pane::lines(frame, area, &head);
    let used = u16::try_from(head.len())
        .unwrap_or(u16::MAX)
        .min(area.height);
    let body = Rect {
        y: area.y + used,
        height: area.height - used,
        ..area
    };
    let marked = inspector.follow.marked(&trail);
    match (inspector.follow.open, trail.rows.get(marked)) {
        (Some(first), Some(row)) => {
            let lines = open(app, &trail, row, cols, theme);
            let rows = usize::from(body.height);
            let first = first.min(lines.len().saturating_sub(rows));
            pane::lines(frame, body, lines.iter().skip(first));
            pane::scrollbar(frame, theme, body, first, lines.len());
            measured.detail = (lines.len(), rows);
        }
        (_, _) => {
            measured.detail = (trail.rows.len(), usize::from(body.height));
            let (first, shown) = list(&trail, marked, theme, frame, body);
            clickable(measured, body, shown, marked - first.min(marked), true);
        }
    }
}

/// What it is about, in one line or two.
fn head(app: &App, trail: &Trail, cols: usize, theme: &Theme) -> Lines {
    let subject = match trail.call.and_then(|id| app.host.call(id)) {
        Some(call) => of_call(app, call, theme),
        None => {
            let server = trail.server.as_ref().map(|it| clean::line(it.as_str()));
            let server = server.unwrap_or_default();
            let words = format!("No call of {server} ran at this moment: what was around it");
            vec![span(words, theme.strong)]
        }
    };
    let notes = notes(trail);
    let notes = (!notes.is_empty()).then(|| vec![span(notes, theme.dim)]);
    let lines = [Some(subject), notes].into_iter().flatten();
    lines
        .map(|spans| Line::from(styled::cropped(spans, cols)))
        .collect()
}

fn of_call(app: &App, call: &ToolCall, theme: &Theme) -> Spans {
    let by = match call.origin {
        Origin::Model { .. } => "by the model",
        Origin::Hand => "by hand",
    };
    let stands = match &call.state {
        CallState::Asking { .. } => "waits for your answer".to_owned(),
        CallState::Queued { .. } => "waits for its turn".to_owned(),
        CallState::Running { since, .. } => {
            format!("runs {}", human::duration(app.now.since(*since)))
        }
        CallState::Done { end, took, .. } => {
            format!("{} in {}", end.word(), human::duration(*took))
        }
    };
    vec![
        span(format!("Call {}  ", call.id), theme.accent),
        span(clean::line(&call.title()), theme.strong),
        span(format!("  {by}, {stands}"), theme.dim),
    ]
}

/// What else ran, what is left out, and what the sign means.
fn notes(trail: &Trail) -> String {
    let mut notes = Vec::new();
    if !trail.beside.is_empty() {
        let ids = trail.beside.iter().take(BESIDE).map(ToString::to_string);
        let ids: Vec<String> = ids.collect();
        let more = if trail.beside.len() > BESIDE {
            ", ..."
        } else {
            ""
        };
        notes.push(format!("also ran: call {}{more}", ids.join(", ")));
    }
    if trail.left_out > 0 {
        let count = human::count(trail.left_out as u64);
        notes.push(format!("{count} records left out, of others or too many"));
    }
    if trail.start.is_some() {
        notes.push("> is where you came from".to_owned());
    }
    notes.join(" · ")
}

/// The first row on show, and how many are.
fn list(
    trail: &Trail,
    marked: usize,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
) -> (usize, usize) {
    let rows = usize::from(area.height);
    let first = calls::first_row(trail.rows.len(), rows, Some(marked));
    let cols = usize::from(area.width).saturating_sub(1);
    let on_show = || trail.rows.iter().enumerate().skip(first).take(rows);
    let widest = on_show().map(|(_, row)| wrap::width(&time(row.at, trail.zero)));
    let wide = widest.max().unwrap_or(0).min(TIME);
    for (at, row) in on_show() {
        let came_from = trail.start == Some(at);
        let text = line(row, trail.zero, wide, came_from, theme);
        let text = Line::from(styled::cropped(text, cols));
        pane::line(frame, area, at - first, &text);
        if at == marked {
            pane::mark(frame, theme, area, at - first);
        }
    }
    pane::scrollbar(frame, theme, area, first, trail.rows.len());
    (first, on_show().count())
}

fn line(row: &Row, zero: Moment, wide: usize, came_from: bool, theme: &Theme) -> Spans {
    let time = time(row.at, zero);
    let sign = if came_from { ">" } else { " " };
    let style = style(row, theme);
    vec![
        span(sign, theme.accent),
        span(format!("{time:>wide$} "), theme.dim),
        span(format!("{:<WORD$} ", row.mark.word()), style),
        span(
            clean::line(&row.text),
            if row.bad { theme.bad } else { theme.text },
        ),
    ]
}

/// `+12 ms`, `-1.2 s`: from the making of the call.
fn time(at: Option<Moment>, zero: Moment) -> String {
    let Some(at) = at else {
        return String::new();
    };
    let short = |time: Duration| human::duration(time);
    match at >= zero {
        true => format!("+{}", short(at.since(zero))),
        false => format!("-{}", short(zero.since(at))),
    }
}

fn style(row: &Row, theme: &Theme) -> Style {
    match row.mark {
        _ if row.bad => theme.bad,
        Mark::Person | Mark::Asked | Mark::Ruled => theme.accent,
        Mark::Model | Mark::ToModel => theme.keyword,
        Mark::Out | Mark::Sent => theme.busy,
        Mark::In | Mark::Progress | Mark::Result => theme.good,
        Mark::Fault | Mark::Breaker | Mark::Again | Mark::Noise => theme.warn,
        Mark::Arguments
        | Mark::Waits
        | Mark::Cache
        | Mark::Task
        | Mark::Http
        | Mark::Stderr
        | Mark::Record => theme.dim,
    }
}

/// All of a row.
fn open(app: &App, trail: &Trail, row: &Row, cols: usize, theme: &Theme) -> Lines {
    let cols = cols.saturating_sub(1);
    let title = format!("{}  {}", row.mark.word(), time(row.at, trail.zero));
    let mut lines: Lines = vec![span(title, theme.strong).into()];
    let Some(text) = trail.whole(&app.host, &app.wire, row) else {
        lines.push(span("It is not kept any more.", theme.dim).into());
        return lines;
    };
    let all = text.chars().count();
    let shown: String = text.chars().take(WHOLE).collect();
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&shown).is_ok();
    if is_json && shown.trim_start().starts_with(['{', '[']) {
        lines.extend(value::exact(&shown, cols, theme));
    } else {
        let words = span(clean::block(&shown), theme.text);
        lines.extend(styled::wrapped(&[words], cols));
    }
    if all > WHOLE {
        let more = human::count((all - WHOLE) as u64);
        lines.push(span(format!("… {more} more characters"), theme.dim).into());
    }
    lines
}
