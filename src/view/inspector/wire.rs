//! The tab of what passed on the wire: a line of counts, the frames, and beside or below them all about the marked one.
//!
//! Pure. Asks the log for the rows on the screen and for no other.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{Room, clickable};
use crate::app::inspector::wire::detail::{self, Tone};
use crate::app::inspector::wire::{Asking, Prompt, WireTab, words};
use crate::mcp::wire::log::{Entry, WireLog};
use crate::mcp::wire::record::WireKind;
use crate::text::{clean, human, wrap};
use crate::view::memo::digest;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{composer, layout, pane};

/// From this many columns on, the frame stands beside the list.
const WIDE: u16 = 100;
/// The fewest columns for a server's name, and for a size.
const NAMED: usize = 56;
const SIZED: usize = 64;
/// Columns of a server's name.
const NAME: usize = 10;
/// The fewest rows for a list and a frame below it.
const BOTH: u16 = 7;

/// Draws the tab.
pub(super) fn draw(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let tab = &room.inspector.wire;
    let (head, body) = layout::top(area, 1);
    pane::line(frame, head, 0, &counts(room, usize::from(head.width)));
    let body = match &tab.prompt {
        Some(prompt) => {
            let rows = if prompt.wrong.is_some() { 2 } else { 1 };
            let (body, foot) = layout::foot(body, (rows + 1).min(body.height));
            write(prompt, room, frame, foot);
            body
        }
        None => body,
    };
    let (list, below) = parted(tab, body);
    rows(room, frame, list);
    if let Some(below) = below {
        about(room, frame, below);
    }
}

/// Where the list and the frame lie. In the smallest room the one with the keys has all of it.
fn parted(tab: &WireTab, body: Rect) -> (Rect, Option<Rect>) {
    if body.width >= WIDE {
        let width = body.width * 11 / 20;
        let list = Rect { width, ..body };
        let about = Rect {
            x: body.x + width + 1,
            width: body.width - width - 1,
            ..body
        };
        return (list, Some(about));
    }
    let (list, about) = match tab.detail.has_keys {
        true if body.height < BOTH => (0, body.height),
        false if body.height < BOTH => return (body, None),
        true => (body.height / 3, body.height - body.height / 3),
        false => (body.height - body.height / 2, body.height / 2),
    };
    let (list, rest) = layout::top(body, list);
    (list, Some(layout::top(rest, about).0))
}

/// How many frames there are and are shown, what was dropped, and whether it goes on.
fn counts(room: &Room<'_>, cols: usize) -> Line<'static> {
    let (tab, log, theme) = (&room.inspector.wire, &room.app.wire, room.theme);
    let shown = human::count(tab.rows.len(log) as u64);
    let all = human::count(log.len() as u64);
    let frames = match tab.rows.is_filtered() {
        true => format!("{shown} of {all} frames"),
        false => format!("{all} frames"),
    };
    let mut left: Spans = vec![span(frames, theme.strong)];
    let (state, style) = match (tab.rows.is_paused(), tab.follows()) {
        (true, _) => {
            let came = human::count(tab.rows.since(log) as u64);
            (format!(" · paused, {came} came"), theme.warn)
        }
        (false, true) => (" · following".to_owned(), theme.dim),
        (false, false) => (" · at the mark".to_owned(), theme.dim),
    };
    left.push(span(state, style));
    let lost = |count: u64, word: &str| {
        (count > 0).then(|| span(format!(" · {} {word}", human::count(count)), theme.warn))
    };
    left.extend(lost(log.missed(), "dropped at the tap"));
    left.extend(lost(log.dropped(), "dropped here"));
    let right = match tab.filter.is_empty() {
        true => Vec::new(),
        false => {
            let most = cols.saturating_sub(styled::width(&left) + 3);
            let filter = wrap::truncate(&clean::line(&tab.filter), most);
            vec![span(filter, theme.code)]
        }
    };
    styled::spread(left, right, cols)
}

/// The line that is written at the foot.
fn write(prompt: &Prompt, room: &Room<'_>, frame: &mut Frame, area: Rect) {
    let server = clean::line(room.inspector.server.as_str());
    let title = match prompt.what {
        Asking::Filter => "Filter: server: method: tool: id: status: kind: >100ms text".to_owned(),
        Asking::Search => "Search for".to_owned(),
        Asking::Raw => format!("One line of JSON, sent to {server} as it stands"),
    };
    let inner = pane::ruled(frame, room.theme, area, &title, true);
    let (line, wrong) = layout::top(inner, 1);
    let asks = room.app.ask.question.is_none();
    composer::text(&prompt.input, None, room.theme, frame, line, asks);
    if let Some(why) = &prompt.wrong {
        let why = wrap::truncate(&clean::line(why), usize::from(wrong.width));
        pane::line(frame, wrong, 0, &span(why, room.theme.bad).into());
    }
}

fn rows(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (tab, log, theme) = (&room.inspector.wire, &room.app.wire, room.theme);
    let height = usize::from(area.height);
    room.measured.wire[0] = height;
    let count = tab.rows.len(log);
    if count == 0 {
        let words = match (log.is_empty(), tab.rows.is_filtered()) {
            (true, _) => "Nothing has passed yet.",
            (false, true) if tab.prompt.is_some() => "No frame passes the filter.",
            (false, true) => "No frame passes the filter. x takes it away.",
            (false, false) => "What passed before the pause is not kept any more. Space goes on.",
        };
        let lines = styled::wrapped(&[span(words, theme.dim)], usize::from(area.width));
        return pane::lines(frame, area, &lines);
    }
    let first = tab.window(log, height);
    let marked = tab.place(log);
    let shown = height.min(count - first);
    let has_keys = !tab.detail.has_keys;
    clickable(
        room.measured,
        area,
        shown,
        marked.saturating_sub(first),
        has_keys,
    );
    for row in 0..shown {
        if let Some(entry) = tab.rows.at(first + row, log) {
            let line = line(entry, theme, usize::from(area.width));
            pane::line(frame, area, row, &line);
        }
        if first + row == marked {
            pane::mark(frame, theme, area, row);
        }
    }
}

/// One frame in one line.
fn line(entry: &Entry, theme: &Theme, cols: usize) -> Line<'static> {
    let record = &entry.record;
    let mut left: Spans = Vec::new();
    if cols >= NAMED {
        left.push(span(format!("{} ", words::clock(record.at)), theme.dim));
        let name = clean::line(record.server.as_str());
        left.push(span(format!("{} ", wrap::pad(&name, NAME)), theme.dim));
    } else {
        // The minutes of a long session stay; hours have no room here.
        let clock = words::clock(record.at);
        let seconds = clock.split('.').next().unwrap_or_default();
        left.push(span(format!("{seconds} "), theme.dim));
    }
    let (sign, style) = (words::sign(record.direction), style(entry, theme));
    left.push(span(format!("{sign} "), style));
    left.push(span(clean::line(&words::what(entry)), style));
    let mut right: Spans = Vec::new();
    if cols >= SIZED {
        let size = human::bytes(record.bytes as u64);
        right.push(span(format!("{size:>7}"), theme.dim));
    }
    let took = match (&record.kind, entry.latency) {
        (_, Some(latency)) => detail::latency(latency),
        // No answer so far.
        (WireKind::Request { .. }, None) => "…".to_owned(),
        (_, None) => String::new(),
    };
    right.push(span(format!("{took:>8}"), theme.dim));
    styled::spread(left, right, cols)
}

fn style(entry: &Entry, theme: &Theme) -> Style {
    match &entry.record.kind {
        WireKind::Request { .. } => theme.accent,
        WireKind::Response { .. } => theme.text,
        WireKind::Error { .. } => theme.bad,
        WireKind::NotJson | WireKind::NotMessage | WireKind::Fault { .. } => theme.warn,
        WireKind::Http {
            status: Some(400..),
        } => theme.bad,
        WireKind::Notification { .. } | WireKind::Stderr | WireKind::Http { .. } => theme.dim,
    }
}

/// All about the frame on show.
fn about(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (tab, log, theme) = (&room.inspector.wire, &room.app.wire, room.theme);
    let has_keys = tab.detail.has_keys;
    let title = tab.shown(log).map_or("Frame".to_owned(), |entry| {
        format!("Frame {}", entry.record.seq)
    });
    let inner = pane::ruled(frame, theme, area, &title, has_keys);
    // A blank, and the bar of where one is.
    let cols = usize::from(inner.width).saturating_sub(2);
    let rows = usize::from(inner.height);
    room.measured.wire[1] = cols;
    room.measured.wire[2] = rows;
    let Some(entry) = tab.shown(log) else {
        let words = match tab.marked {
            Some(_) => "This frame is not kept any more. f follows the newest.",
            None => "",
        };
        let lines = styled::wrapped(&[span(words, theme.dim)], cols);
        return pane::lines(frame, inner, &lines);
    };
    let seq = entry.record.seq;
    let folded = tab.folded(seq);
    // What is laid out can change only with these; a frame itself never does.
    let known = (entry.pair, entry.latency, entry.status, entry.head);
    let pair_is_kept = entry.pair.is_some_and(|pair| log.entry(pair).is_some());
    let key = digest(&("wire", seq, &folded, cols, theme.name, known, pair_is_kept));
    let lines = room
        .memo
        .lines(key, |_| painted(entry, log, &folded, cols, theme));
    let marked = tab.line(seq).min(lines.len().saturating_sub(1));
    // The line that the keys are at stays in the middle where it can.
    let first = marked.saturating_sub(rows / 2);
    let first = first.min(lines.len().saturating_sub(rows));
    pane::lines(frame, inner, &lines[first.min(lines.len())..]);
    let row = marked - first.min(marked);
    clickable(room.measured, inner, lines.len() - first, row, has_keys);
    if has_keys {
        pane::mark(frame, theme, inner, row);
    }
    pane::scrollbar(frame, theme, inner, first, lines.len());
}

fn painted(
    entry: &Entry,
    log: &WireLog,
    folded: &std::collections::BTreeSet<usize>,
    cols: usize,
    theme: &Theme,
) -> Lines {
    let paint = |(tone, text): (Tone, String)| span(text, tone_style(tone, theme));
    let lines = detail::lines(entry, log, folded, cols).into_iter();
    lines
        .map(|line| Line::from(line.parts.into_iter().map(paint).collect::<Spans>()))
        .collect()
}

fn tone_style(tone: Tone, theme: &Theme) -> Style {
    match tone {
        Tone::Text => theme.text,
        Tone::Dim => theme.dim,
        Tone::Title => theme.strong,
        Tone::Head => theme.accent,
        Tone::Key => theme.entity,
        Tone::String => theme.string,
        Tone::Number => theme.number,
        Tone::Warn => theme.warn,
    }
}
