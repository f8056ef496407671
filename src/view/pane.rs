//! Frames around panes, and lines into cells.
//!
//! Pure. Called by every pane.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::app::Pane;
use crate::text::wrap;
use crate::view::styled;
use crate::view::theme::Theme;

/// A frame of a pane: rounded where there is room, else one rule on top. Gives the room inside.
pub(super) fn framed(
    frame: &mut Frame,
    theme: &Theme,
    area: Rect,
    title: &str,
    focused: bool,
    boxed: bool,
) -> Rect {
    let style = if focused {
        theme.border_focus
    } else {
        theme.border
    };
    if !boxed || area.height < 3 || area.width < 4 {
        return ruled(frame, theme, area, title, focused);
    }
    let room = usize::from(area.width.saturating_sub(4));
    let title_style = if focused { theme.accent } else { theme.dim };
    let title = Span::styled(format!(" {} ", wrap::truncate(title, room)), title_style);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(style)
        .title(title);
    let inner = block.inner(area);
    block.render(area, frame.buffer_mut());
    inset(inner, 1)
}

/// One rule with a title; the rest is the room.
pub(super) fn ruled(
    frame: &mut Frame,
    theme: &Theme,
    area: Rect,
    title: &str,
    focused: bool,
) -> Rect {
    if area.height < 2 {
        return area;
    }
    let (style, title_style) = if focused {
        (theme.border_focus, theme.accent)
    } else {
        (theme.border, theme.dim)
    };
    let cols = usize::from(area.width);
    let title = wrap::truncate(title, cols.saturating_sub(4));
    let mut spans = vec![styled::span("─", style)];
    if !title.is_empty() {
        spans.push(styled::span(format!(" {title} "), title_style));
    }
    let rest = cols.saturating_sub(styled::width(&spans));
    spans.push(styled::span("─".repeat(rest), style));
    line(frame, area, 0, &Line::from(spans));
    Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    }
}

/// Leaves `cols` blank columns on both sides where there is room for it.
pub(super) fn inset(area: Rect, cols: u16) -> Rect {
    if area.width <= cols * 2 + 4 {
        return area;
    }
    Rect {
        x: area.x + cols,
        width: area.width - cols * 2,
        ..area
    }
}

/// Writes one line into row `row` of the area; outside it, nothing.
pub(super) fn line(frame: &mut Frame, area: Rect, row: usize, line: &Line<'_>) {
    let Some(y) = u16::try_from(row)
        .ok()
        .filter(|row| *row < area.height)
        .map(|row| area.y + row)
    else {
        return;
    };
    frame.buffer_mut().set_line(area.x, y, line, area.width);
}

/// Writes lines from the top.
pub(super) fn lines<'a>(frame: &mut Frame, area: Rect, of: impl IntoIterator<Item = &'a Line<'a>>) {
    for (row, text) in of.into_iter().take(usize::from(area.height)).enumerate() {
        line(frame, area, row, text);
    }
}

/// Empties an area for what lies on top.
pub(super) fn clear(frame: &mut Frame, area: Rect) {
    free_edge(frame, area);
    Clear.render(area, frame.buffer_mut());
}

/// A wide character that reaches into an area goes as a whole: half of it would swallow the first column of what is drawn there.
fn free_edge(frame: &mut Frame, area: Rect) {
    let Some(x) = area.x.checked_sub(1) else {
        return;
    };
    for y in area.y..area.y + area.height {
        let cell = frame.buffer_mut().cell_mut((x, y));
        if let Some(cell) = cell.filter(|cell| wrap::width(cell.symbol()) > 1) {
            cell.set_symbol(" ");
        }
    }
}

/// Gives a whole row the look of a marked one.
pub(super) fn mark(frame: &mut Frame, theme: &Theme, area: Rect, row: usize) {
    if let Some(row) = u16::try_from(row).ok().filter(|row| *row < area.height) {
        let area = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        frame.buffer_mut().set_style(area, theme.marked);
    }
}

/// A bar at the right edge that says which part of `total` rows is on show.
pub(super) fn scrollbar(frame: &mut Frame, theme: &Theme, area: Rect, first: usize, total: usize) {
    let rows = usize::from(area.height);
    if rows == 0 || area.width == 0 || total <= rows {
        return;
    }
    let thumb = (rows * rows / total).max(1);
    let top = first.min(total - rows) * (rows - thumb) / (total - rows);
    let column = Rect {
        x: area.x + area.width - 1,
        width: 1,
        ..area
    };
    free_edge(frame, column);
    for row in 0..rows {
        let (sign, style) = if (top..top + thumb).contains(&row) {
            ("┃", theme.dim)
        } else {
            ("│", theme.border)
        };
        line(frame, column, row, &styled::span(sign, style).into());
    }
}

/// A pane's place in plain numbers, for the mouse.
pub(super) fn measured(pane: Pane, area: Rect) -> (Pane, (u16, u16, u16, u16)) {
    (pane, (area.x, area.y, area.width, area.height))
}
