//! A replayed session: the frame of then, and below it the bar of time with what happened at that place.
//!
//! Pure. Where the terminal is as large as that of then, the frame is that of then, cell by cell; else it is laid out for the room.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::Measured;
use crate::app::replay::{HELP, Replay};
use crate::ids::Moment;
use crate::text::{clean, wrap};
use crate::view::styled::{self, Spans, span};
use crate::view::theme::Theme;
use crate::view::{Memo, pane, text};

/// Rows of the bar, and the height below which it has one only.
const BAR: u16 = 2;
const LOW: u16 = 10;

/// Draws the frame and the bar. What was measured is of use to whoever looks around.
pub fn draw(replay: &Replay, theme: &Theme, frame: &mut Frame, memo: &mut Memo) -> Measured {
    let area = frame.area();
    let bar = if area.height < LOW { 1 } else { BAR }.min(area.height);
    let room = Rect {
        height: area.height - bar,
        ..area
    };
    let measured = picture(replay, theme, frame, memo, room);
    let rows = [
        top(replay, theme, area.width),
        bottom(replay, theme, area.width),
    ];
    for (y, row) in (room.height..area.height).zip(rows) {
        pane::line(
            frame,
            Rect {
                y,
                height: 1,
                ..area
            },
            0,
            &row,
        );
    }
    if replay.help {
        help(theme, frame, room);
    }
    measured
}

/// The frame of then, or as much of it as there is room for.
fn picture(
    replay: &Replay,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    room: Rect,
) -> Measured {
    let app = replay.app();
    let (cols, rows) = app.size;
    let fits = cols <= room.width && rows <= room.height;
    let size = if fits {
        app.size
    } else {
        (room.width, room.height)
    };
    if size.0 == 0 || size.1 == 0 {
        return Measured::default();
    }
    let (cells, cursor, measured) = text::cells(app, theme, size, memo);
    let buffer = frame.buffer_mut();
    for y in 0..size.1.min(room.height) {
        for x in 0..size.0.min(room.width) {
            if let (Some(to), Some(from)) = (buffer.cell_mut((x, y)), cells.cell((x, y))) {
                *to = from.clone();
            }
        }
    }
    // Where a person of then would type: whoever looks around in a field of their own types there now.
    if let Some(cursor) = cursor.filter(|_| replay.is_looking()) {
        frame.set_cursor_position(cursor);
    }
    measured
}

/// State, time, speed, the bar, and the number of the event.
fn top(replay: &Replay, theme: &Theme, width: u16) -> Line<'static> {
    let cols = usize::from(width);
    let (state, style) = match replay.is_playing() {
        true => ("▶ playing", theme.good),
        false => ("■ paused", theme.warn),
    };
    let (now, end) = (replay.now(), replay.session().end());
    let mut left: Spans = vec![
        span(format!(" {state} "), style),
        span(format!(" {} of {} ", clock(now), clock(end)), theme.strong),
    ];
    if replay.speed() != 100 {
        left.push(span(format!(" {} ", speed(replay.speed())), theme.accent));
    }
    let (at, all) = replay.count();
    // Of a narrow line the time has the most.
    let number = match cols < 60 {
        true => format!(" {at}/{all} "),
        false => format!(" event {at} of {all} "),
    };
    let right: Spans = vec![span(number, theme.dim)];
    let used = styled::width(&left) + styled::width(&right);
    let room = cols.saturating_sub(used + 1);
    if room >= 8 {
        let done = share(now, end, room - 1);
        left.push(span("━".repeat(done), theme.accent));
        left.push(span("●", theme.strong));
        left.push(span("─".repeat(room - 1 - done), theme.border));
    }
    styled::spread(left, right, cols)
}

/// What happened here, or a word about the last key; and the keys.
fn bottom(replay: &Replay, theme: &Theme, width: u16) -> Line<'static> {
    let cols = usize::from(width);
    let keys = [
        ("Space", "play"),
        ("?", "keys"),
        ("q", "quit"),
        (". ,", "step"),
        ("> <", "scene"),
    ];
    let mut right: Spans = Vec::new();
    // Of a narrow line what happened has the half.
    for (key, label) in keys {
        let wide = wrap::width(key) + wrap::width(label) + 3;
        if styled::width(&right) + wide > cols / 2 {
            break;
        }
        right.push(span(format!(" {key}"), theme.key));
        right.push(span(format!(" {label} "), theme.dim));
    }
    let mut left: Spans = vec![span(" ", theme.text)];
    match (replay.word, replay.last()) {
        (Some(word), _) => left.push(span(word, theme.warn)),
        (None, last) => {
            if replay.is_looking() {
                left.push(span("looking around · ", theme.warn));
            }
            let words = last.map_or_else(
                || "before the first event".to_owned(),
                |last| clean::line(&last.words()),
            );
            left.push(span(words, theme.text));
        }
    }
    let room = cols.saturating_sub(styled::width(&right) + 1);
    styled::spread(styled::cropped(left, room), right, cols)
}

fn help(theme: &Theme, frame: &mut Frame, room: Rect) {
    let wide = HELP.iter().map(|(key, _)| wrap::width(key)).max();
    let wide = wide.unwrap_or(0) + 2;
    let cols = usize::from(room.width.saturating_sub(6).min(100));
    let mut lines = Vec::new();
    for (key, says) in HELP {
        let name = span(
            format!("{key}{}", " ".repeat(wide - wrap::width(key))),
            theme.key,
        );
        lines.extend(styled::fact(name, vec![span(says, theme.text)], cols));
    }
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(room.height);
    let width = u16::try_from(cols + 4).unwrap_or(u16::MAX).min(room.width);
    let area = Rect {
        x: (room.width - width) / 2,
        y: (room.height - height) / 2,
        width,
        height,
    };
    pane::clear(frame, area);
    let inner = pane::framed(frame, theme, area, "Keys of a replay", true, true);
    for (y, line) in lines.iter().take(usize::from(inner.height)).enumerate() {
        pane::line(frame, inner, y, line);
    }
}

/// `0:12.3`
fn clock(moment: Moment) -> String {
    let tenths = moment.0 / 100_000;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// `2x`, `0.25x`
fn speed(hundredths: u64) -> String {
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => format!("{whole}x"),
        (whole, part) => format!("{whole}.{part:02}x"),
    }
}

/// How many of so many columns lie behind.
fn share(now: Moment, end: Moment, cols: usize) -> usize {
    let all = u128::from(end.0).max(1);
    let done = u128::from(now.0).min(all) * cols as u128 / all;
    usize::try_from(done).unwrap_or(cols)
}
