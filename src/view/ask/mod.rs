//! The dialogs for what servers ask, and for what a person sets up with them: one look, whoever asks for whatever.
//!
//! Pure. On top who asks, in the middle what, scrolled with a sign where it is longer than the room, at the bottom the answers
//! with their keys, which are always in sight. What a server wrote stands behind a bar, so that it cannot speak in our voice.

mod folders;
mod form;
mod sampling;
mod sign_in;
pub(super) mod trust;
mod visit;

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::dialog::Dialog;
use crate::app::{App, Choice, Context, Intent, Measured, Overlay, keymap};
use crate::host::{About, Question};
use crate::mcp::ask::Ask;
use crate::text::{clean, wrap};
use crate::view::entry::Part;
use crate::view::layout::{self, Areas};
use crate::view::memo::{Memo, digest};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{code, pane};

/// Columns of a dialog that lies over everything.
const COLS: u16 = 84;

/// What a dialog says, laid out.
struct Sheet {
    title: String,
    parts: Vec<Part>,
    /// The rows that must be in sight.
    focus: Option<Range<usize>>,
    /// The row among them that has the keys, for where they do not all fit.
    here: usize,
    /// Where the cursor stands: row and column.
    cursor: Option<(usize, usize)>,
    /// Columns in which a field folds its text.
    field: usize,
    foot: Lines,
}

/// What laying out needs.
struct Desk<'a> {
    app: &'a App,
    theme: &'a Theme,
    memo: &'a mut Memo,
    cols: usize,
}

/// Draws the question of a server that is first in the queue, if one is.
pub(super) fn draw(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    areas: &Areas,
    measured: &mut Measured,
) {
    let Some(question) = app.host.questions.front() else {
        return;
    };
    let within = areas.chat.filter(|_| areas.boxed).unwrap_or(areas.body);
    let mut desk = Desk::within(app, theme, memo, within);
    let Some(sheet) = desk.question(question) else {
        return;
    };
    let most = (usize::from(within.height) * 3 / 4).max(14);
    let rows = u16::try_from(sheet.rows().min(most)).unwrap_or(u16::MAX);
    let (_, area) = layout::foot(within, rows);
    let scroll = (!app.ask.free, app.ask.scroll);
    sheet.draw(scroll, theme, frame, area, measured);
}

/// The room of a dialog that lies over everything.
fn centred(body: Rect) -> Rect {
    let width = body.width.min(COLS);
    Rect {
        x: body.x + (body.width - width) / 2,
        width,
        ..body
    }
}

/// Draws the list of folders or the sign-in that lies on top, if one does.
pub(super) fn draw_over(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    body: Rect,
    measured: &mut Measured,
) {
    let area = centred(body);
    let mut desk = Desk::within(app, theme, memo, area);
    let (sheet, scroll) = match &app.overlay {
        Overlay::Folders(folders) => (desk.folders(folders, None), (true, 0)),
        Overlay::SignIn(sign_in) => (desk.sign_in(sign_in), (false, sign_in.scroll)),
        Overlay::None
        | Overlay::Help { .. }
        | Overlay::Palette(_)
        | Overlay::Fields(_)
        | Overlay::Detail { .. } => return,
    };
    sheet.draw_in(scroll, theme, frame, area, measured);
}

impl<'a> Desk<'a> {
    fn within(app: &'a App, theme: &'a Theme, memo: &'a mut Memo, area: Rect) -> Self {
        // The frame on both sides, and two columns for the bar that says where one is.
        let cols = usize::from(area.width).saturating_sub(6).max(1);
        Self {
            app,
            theme,
            memo,
            cols,
        }
    }

    fn question(&mut self, question: &Question) -> Option<Sheet> {
        let About::Server {
            server, call, what, ..
        } = &question.about
        else {
            return None;
        };
        let name = clean::line(server.as_str());
        let call = call.and_then(|call| self.app.host.call(call));
        let waits = call.map(|call| {
            let title = clean::line(&call.title());
            let text = format!("call {} waits for it: {title}", call.id);
            code::plain(&text, self.theme.dim, self.cols).into()
        });
        let app = self.app;
        let mut sheet = match (what, &app.ask.dialog) {
            (Ask::Form { message, .. }, Dialog::Form(form)) => self.form(form, &name, message),
            (Ask::Url { message, .. }, Dialog::Visit(visit)) => self.visit(visit, &name, message),
            (Ask::Sampling(sampling), Dialog::Sampling) => self.sampling(sampling, &name),
            (Ask::Roots, Dialog::Folders(folders)) => self.folders(folders, Some(&name)),
            // The dialog is made with the next event.
            _ => return None,
        };
        sheet.add_first(waits);
        let count = self.app.host.questions.len();
        if count > 1 {
            sheet.title = format!("1 of {count} · {}", sheet.title);
        }
        Some(sheet)
    }

    /// The words of a server, behind a bar.
    fn quoted(&mut self, text: &str) -> Part {
        let (theme, cols) = (self.theme, self.cols);
        self.memo
            .lines(digest(&("quoted", text, cols, theme.name)), |_| {
                let room = cols.saturating_sub(2).max(1);
                let lines = code::plain(&clean::block(text), theme.text, room);
                let bar = [span(if cols > 4 { "│ " } else { "" }, theme.border)];
                styled::prefixed(lines, &bar, &bar)
            })
    }

    /// Our own words.
    fn said(&self, text: &str) -> Part {
        code::plain(text, self.theme.dim, self.cols).into()
    }

    /// A warning of ours.
    fn warned(&self, text: &str) -> Part {
        warning(text, self.theme, self.cols).into()
    }

    fn heading(&self, text: &str) -> Part {
        code::plain(text, self.theme.accent, self.cols).into()
    }

    /// The answers with their keys, the marked one as such.
    fn answers(&self, context: Context, choices: &[Choice]) -> Lines {
        let marks = matches!(context, Context::Visit | Context::Sampling);
        let marked = marks.then_some(self.app.ask.marked);
        answers(context, choices, marked, self.cols + 2, self.theme)
    }
}

fn blank() -> Part {
    vec![Line::default()].into()
}

fn warning(text: &str, theme: &Theme, cols: usize) -> Lines {
    let lines = code::plain(text, theme.warn, cols.saturating_sub(2).max(1));
    styled::prefixed(lines, &[span("! ", theme.warn)], &[span("  ", theme.warn)])
}

/// The answers of a dialog with their keys, the marked one as such.
pub(super) fn answers(
    context: Context,
    choices: &[Choice],
    marked: Option<usize>,
    cols: usize,
    theme: &Theme,
) -> Lines {
    let mut pieces = Vec::new();
    for (at, choice) in choices.iter().enumerate() {
        let wanted = Intent::Answer(*choice);
        let binding = keymap::hints(context).find(|binding| binding.intent == wanted);
        let Some(binding) = binding else {
            continue;
        };
        let is_marked = marked.map(|marked| marked.min(choices.len() - 1)) == Some(at);
        pieces.push(piece(&binding.shown_key(), binding.label, is_marked, theme));
    }
    in_rows(pieces, cols, theme)
}

/// A key and what it does.
fn piece(key: &str, label: &str, marked: bool, theme: &Theme) -> Spans {
    let sign = if marked { "▸" } else { " " };
    let (of_key, of_label) = if marked {
        (theme.marked.patch(theme.key), theme.marked)
    } else {
        (theme.key, theme.text)
    };
    vec![
        span(format!("{sign}{key}"), of_key),
        span(format!(" {label} "), of_label),
    ]
}

/// As many to a row as fit whole.
fn in_rows(pieces: Vec<Spans>, cols: usize, theme: &Theme) -> Lines {
    let mut lines = Lines::new();
    let mut current: Spans = Vec::new();
    for piece in pieces {
        if styled::width(&current) + styled::width(&piece) + 1 > cols && !current.is_empty() {
            lines.push(Line::from(std::mem::take(&mut current)));
        }
        if !current.is_empty() {
            current.push(span(" ", theme.text));
        }
        current.extend(piece);
    }
    lines.push(Line::from(current));
    lines
}

impl Sheet {
    fn new(title: String, parts: Vec<Part>, foot: Lines) -> Self {
        Self {
            title,
            parts,
            focus: None,
            here: 0,
            cursor: None,
            field: 0,
            foot,
        }
    }

    fn add_first(&mut self, part: Option<Part>) {
        let Some(part) = part else {
            return;
        };
        let by = part.len();
        self.parts.insert(0, part);
        if let Some(focus) = &mut self.focus {
            *focus = focus.start + by..focus.end + by;
            self.here += by;
        }
        if let Some((row, _)) = &mut self.cursor {
            *row += by;
        }
    }

    fn height(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// Rows that it wants with its frame.
    fn rows(&self) -> usize {
        self.height() + self.foot.len() + 3
    }

    /// As high as it has to be, in the upper half of the room.
    fn draw_in(
        &self,
        scroll: (bool, usize),
        theme: &Theme,
        frame: &mut Frame,
        room: Rect,
        measured: &mut Measured,
    ) {
        let rows = u16::try_from(self.rows()).unwrap_or(u16::MAX);
        let height = rows.min(room.height);
        let area = Rect {
            y: room.y + (room.height - height) / 3,
            height,
            ..room
        };
        self.draw(scroll, theme, frame, area, measured);
        measured.detail = measured.ask;
    }

    /// From the bottom up: the answers must be seen, then what is asked. `scroll`: whether the field that has the keys is kept
    /// in sight, and the first row on show before.
    fn draw(
        &self,
        (follows, before): (bool, usize),
        theme: &Theme,
        frame: &mut Frame,
        area: Rect,
        measured: &mut Measured,
    ) {
        pane::clear(frame, area);
        let inner = pane::framed(frame, theme, area, &self.title, true, area.height >= 7);
        let foot = u16::try_from(self.foot.len()).unwrap_or(u16::MAX);
        // One row of what is asked stays even where all answers do not fit.
        let (rest, foot) = layout::foot(inner, foot.min(inner.height.saturating_sub(1)));
        pane::lines(frame, foot, &self.foot);
        let (body, rule) = layout::foot(rest, u16::from(rest.height >= 3));
        let (all, rows) = (self.height(), usize::from(body.height));
        let first = self.first(follows, before, rows);
        let lines = self.parts.iter().flat_map(|part| part.iter());
        pane::lines(frame, body, lines.skip(first));
        let bar = Rect {
            width: area.x + area.width - body.x,
            ..body
        };
        pane::scrollbar(frame, theme, bar, first, all);
        self.draw_rule(frame, theme, rule, (first, rows, all));
        if let Some((row, col)) = self.cursor
            && (first..first + rows).contains(&row)
        {
            let step = |by: usize| u16::try_from(by).unwrap_or(0);
            let x = body.x + step(col).min(body.width.saturating_sub(1));
            frame.set_cursor_position((x, body.y + step(row - first)));
        }
        measured.ask = (all, rows);
        measured.ask_first = first;
        measured.field = self.field;
    }

    /// Above the answers: which part of it is on show, where that is not all.
    fn draw_rule(
        &self,
        frame: &mut Frame,
        theme: &Theme,
        area: Rect,
        (first, rows, all): (usize, usize, usize),
    ) {
        let cols = usize::from(area.width);
        let text = if all > rows {
            let last = (first + rows).min(all);
            wrap::truncate(
                &format!("─ lines {}-{last} of {all} · PgUp PgDn ", first + 1),
                cols,
            )
        } else {
            String::new()
        };
        let rest = "─".repeat(cols.saturating_sub(wrap::width(&text)));
        let style = if all > rows { theme.warn } else { theme.border };
        let line = Line::from(vec![span(text, style), span(rest, theme.border)]);
        pane::line(frame, area, 0, &line);
    }

    fn first(&self, follows: bool, before: usize, rows: usize) -> usize {
        let most = self.height().saturating_sub(rows);
        let first = match &self.focus {
            // Where not all of a field fits, the row that has the keys does.
            Some(focus) if follows && focus.len() > rows => before
                .max((self.here + 1).saturating_sub(rows))
                .min(self.here),
            Some(focus) if follows => before.max(focus.end.saturating_sub(rows)).min(focus.start),
            _ => before,
        };
        first.min(most)
    }
}
