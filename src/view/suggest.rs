//! The completions of the input: a box above it that hides as little of the chat as it needs.
//!
//! Pure. Drawn after the chat, and only while completions are on show.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::suggest::Suggestion;
use crate::app::{App, Context};
use crate::text::{clean, human, wrap};
use crate::view::layout::Areas;
use crate::view::styled::{self, Spans, span};
use crate::view::theme::Theme;
use crate::view::{calls, pane};

/// Rows on show at most.
const ROWS: u16 = 8;
/// Columns at most.
const COLS: u16 = 100;

/// Draws the completions above the input.
pub(super) fn draw(app: &App, theme: &Theme, frame: &mut Frame, areas: &Areas) {
    let suggest = &app.reach.suggest;
    if app.context() != Context::Completing {
        return;
    }
    let (Some(input), Some(chat)) = (areas.input, areas.chat) else {
        return;
    };
    let above = input.y.saturating_sub(chat.y);
    let wanted = u16::try_from(suggest.rows.len()).unwrap_or(ROWS).min(ROWS);
    let height = wanted.saturating_add(2).min(above);
    if height == 0 || chat.width < 8 {
        return;
    }
    let area = Rect {
        x: chat.x,
        y: input.y - height,
        width: chat.width.min(COLS),
        height,
    };
    pane::clear(frame, area);
    let title = title(app);
    let inner = pane::framed(frame, theme, area, &title, true, height >= 3);
    let rows = usize::from(inner.height);
    let first = calls::first_row(suggest.rows.len(), rows, Some(suggest.marked));
    for (row, of) in suggest.rows.iter().skip(first).take(rows).enumerate() {
        let is_marked = first + row == suggest.marked;
        let text = line(of, usize::from(inner.width), is_marked, theme);
        pane::line(frame, inner, row, &text);
        if is_marked {
            pane::mark(frame, theme, inner, row);
        }
    }
}

/// Which is marked, of how many, and that a server has more.
fn title(app: &App) -> String {
    let suggest = &app.reach.suggest;
    let number = |count: usize| human::count(u64::try_from(count).unwrap_or(u64::MAX));
    let (marked, count) = (number(suggest.marked + 1), number(suggest.rows.len()));
    let of = match app.reach.asker.answer().map(|answer| answer.more) {
        Some(Some(0)) => ", the server has more",
        Some(Some(more)) => {
            return format!(
                "{marked} of {count}, the server has {} more",
                human::count(more)
            );
        }
        _ if app.reach.asker.is_waiting() => " · asking the server",
        _ => "",
    };
    format!("{marked} of {count}{of}")
}

fn line(of: &Suggestion, cols: usize, marked: bool, theme: &Theme) -> Line<'static> {
    let sign = if marked { "▸ " } else { "  " };
    let mut left: Spans = vec![span(sign, theme.accent)];
    left.extend(hit(&of.label, &of.hits, theme));
    let label = styled::width(&left);
    let note = clean::line(&of.note);
    // What is completed matters more than what is said about it.
    let room = cols.saturating_sub(label + 2);
    if room >= 8 {
        left.push(span("  ", theme.dim));
        left.push(span(wrap::truncate(&note, room), theme.dim));
    }
    Line::from(styled::cropped(left, cols))
}

/// A text whose characters at these places stand out.
pub(super) fn hit(text: &str, hits: &[u32], theme: &Theme) -> Spans {
    let mut out: Spans = Vec::new();
    for (at, c) in text.chars().enumerate() {
        let is_hit = hits.iter().any(|hit| usize::try_from(*hit) == Ok(at));
        let style = if is_hit { theme.accent } else { theme.text };
        match out.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(c),
            _ => out.push(span(c, style)),
        }
    }
    for part in &mut out {
        part.content = clean::line(&part.content).into();
    }
    out
}
