//! The chat pane: the conversation, scrolled, and the input below it.
//!
//! Pure. Lays out only what is on the screen and two screens to each side, so that a frame costs the same at 10 entries and at
//! 10,000. Called by `draw`.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::{Anchor, App, Measured, Overlay, Pane};
use crate::view::entry::{self, Desk, Part};
use crate::view::layout::Areas;
use crate::view::memo::Memo;
use crate::view::theme::Theme;
use crate::view::{composer, pane, waiting};

/// Screens that are measured to each side of the one on show.
const AROUND: usize = 2;

/// Draws conversation and input.
pub(super) fn draw(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    areas: &Areas,
    measured: &mut Measured,
) {
    let Some(area) = areas.messages else {
        return;
    };
    let focused = app.focus == Pane::Chat && matches!(app.overlay, Overlay::None);
    let title = match app.chat.anchor {
        Anchor::Follow => "Chat",
        Anchor::At { .. } => "Chat · scrolled back, Ctrl-End follows",
    };
    let inner = if areas.boxed {
        pane::framed(frame, theme, area, title, focused, true)
    } else {
        area
    };
    messages(app, theme, frame, memo, inner, measured);
    if let Some(area) = areas.input {
        measured.input = composer::draw(app, theme, frame, area, areas.boxed);
    }
}

fn messages(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    area: Rect,
    measured: &mut Measured,
) {
    let rows = usize::from(area.height);
    let cols = usize::from(area.width);
    measured.rows = rows;
    let mut page = Page {
        desk: Desk {
            app,
            theme,
            memo,
            cols,
        },
        tail: waiting::lines(app, cols, theme).into(),
        entries: app.host.transcript.entries().len(),
    };
    if page.entries == 0 {
        let mut lines = waiting::welcome(app, cols, theme);
        lines.extend(page.tail.iter().cloned());
        pane::lines(frame, area, &lines);
        return;
    }
    let start = page.start(rows);
    page.paint(frame, area, start);
    measured.first = start;
    measured.heights = page.heights(start, rows);
}

/// The conversation as a column of lines of which only a part is ever laid out.
struct Page<'a> {
    desk: Desk<'a>,
    tail: Part,
    entries: usize,
}

impl Page<'_> {
    /// The parts of an entry; what is waited for belongs to the last.
    fn parts(&mut self, index: usize) -> Vec<Part> {
        let mut parts = entry::parts(&mut self.desk, index);
        if index + 1 == self.entries && !self.tail.is_empty() {
            parts.push([Line::default()].into());
            parts.push(self.tail.clone());
        }
        parts
    }

    fn height(&mut self, index: usize) -> usize {
        self.parts(index).iter().map(|part| part.len()).sum()
    }

    /// The first line on the screen.
    fn start(&mut self, rows: usize) -> (usize, usize) {
        let end = self.back((self.entries, 0), rows);
        match self.desk.app.chat.anchor {
            Anchor::Follow => end,
            Anchor::At { entry, line } => {
                let entry = entry.min(self.entries - 1);
                let line = line.min(self.height(entry).saturating_sub(1));
                // No empty rows below the end while there is text above.
                (entry, line).min(end)
            }
        }
    }

    /// The place that lies `lines` before this one, or the beginning.
    fn back(&mut self, from: (usize, usize), lines: usize) -> (usize, usize) {
        let (mut entry, mut line) = from;
        let mut left = lines;
        while left > line {
            if entry == 0 {
                return (0, 0);
            }
            left -= line;
            entry -= 1;
            line = self.height(entry);
        }
        (entry, line - left)
    }

    fn paint(&mut self, frame: &mut Frame, area: Rect, start: (usize, usize)) {
        let rows = usize::from(area.height);
        let (mut row, mut skip) = (0, start.1);
        for index in start.0..self.entries {
            for part in self.parts(index) {
                for line in part.iter().skip(skip).take(rows - row) {
                    pane::line(frame, area, row, line);
                    row += 1;
                }
                skip = skip.saturating_sub(part.len());
            }
            if row >= rows {
                return;
            }
        }
    }

    /// The heights of the entries around the screen.
    fn heights(&mut self, start: (usize, usize), rows: usize) -> Vec<(usize, usize)> {
        let around = rows.max(1) * AROUND;
        let first = self.back(start, around).0;
        let mut heights = Vec::new();
        let mut below = 0;
        for index in first..self.entries {
            let height = self.height(index);
            heights.push((index, height));
            if index >= start.0 {
                below += height;
            }
            if below > start.1 + rows + around {
                break;
            }
        }
        heights
    }
}
