//! What came of a call: as text, table, tree, picture or JSON; the calls that were made; how two results differ.
//!
//! Pure. What is long is laid out once and kept in the memo.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::inspector::offers::{Look, Offered, Shelf, list, look};
use crate::host::{CallEnd, CallState, ToolCall};
use crate::ids::{CallId, Moment};
use crate::mcp::result::{CallOutcome, ToolResult};
use crate::mcp::wire::log::Entry;
use crate::text::clean;
use crate::text::diff::{self, Side};
use crate::text::human::{self, plural};
use crate::view::inspector::offers::{Desk, Seen, short};
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::table::{self, Cells};
use crate::view::theme::Theme;
use crate::view::{blocks, call_detail, calls, code, pane, value};

/// Rows of a table that are laid out.
const ROWS: usize = 2_000;
/// Bytes of JSON that are laid out; the result can be copied whole.
const RAW: usize = 400_000;
/// Lines of each of two results that are compared.
const COMPARED: usize = 5_000;
/// Equal lines on show beside a change.
const NEAR: usize = 3;

/// The lines about one call.
pub(super) fn lines(
    desk: &Desk<'_>,
    shelf: &Shelf,
    id: CallId,
    cols: usize,
    memo: &mut Memo,
) -> Lines {
    let theme = desk.theme;
    let Some(call) = desk.at.host.call(id) else {
        return vec![span("This call is gone.", theme.dim).into()];
    };
    let mut out = head(desk, call, cols);
    if shelf.held == Some(id) {
        out.push(span("held to be compared: c on another result", theme.warn).into());
    }
    let CallState::Done { end, .. } = &call.state else {
        out.push(Line::default());
        out.push(span("Ctrl-C cancels it, F5 follows it.", theme.dim).into());
        return out;
    };
    match (call.result(), end) {
        (Some(result), _) => {
            let now = shelf.look.filter(|look| look.suits(result));
            let now = now.unwrap_or_else(|| Look::best(result));
            out.push(looks(desk, result, now, cols));
            out.push(Line::default());
            let mut hasher = DefaultHasher::new();
            let is_raw = now == Look::Raw;
            let passed = is_raw.then(|| desk.at.as_it_passed(call)).flatten();
            let seq = passed.map(|entry| entry.record.seq);
            ("look", now, cols, theme.name, seq).hash(&mut hasher);
            calls::hash_into(call, Moment(0), &mut hasher);
            let laid = memo.lines(hasher.finish(), |memo| match is_raw {
                true => raw(desk, passed, result, cols),
                false => laid(desk, result, now, cols, memo),
            });
            out.extend(laid.iter().cloned());
        }
        (None, end) => {
            out.push(Line::default());
            out.extend(call_detail::ended(end, cols, theme, memo));
            out.extend(refusal(desk, call, cols));
        }
    }
    out
}

/// What came instead of a result, whole: its `data` is nowhere else.
fn refusal(desk: &Desk<'_>, call: &ToolCall, cols: usize) -> Lines {
    let Some(entry) = desk.at.as_it_passed(call) else {
        return Lines::new();
    };
    let mut out = vec![Line::default()];
    out.extend(passed(desk, entry, cols));
    out
}

/// State, time and arguments.
fn head(desk: &Desk<'_>, call: &ToolCall, cols: usize) -> Lines {
    let theme = desk.theme;
    let (sign, word, style) = calls::state(call, theme, desk.app.now);
    let took = human::duration(call.elapsed(desk.app.now));
    let mut spans = vec![
        span(format!("{sign} {word}"), style),
        span(format!(" · {took}"), theme.text),
    ];
    if let Some(words) = calls::cached(call) {
        spans.push(span(format!(" · {words}"), theme.dim));
    }
    if let Some(id) = &call.request_id {
        spans.push(span(format!(" · JSON-RPC id {}", short(id, 40)), theme.dim));
    }
    let mut out = styled::wrapped(&spans, cols);
    if let Some(progress) = call.progress.as_ref().filter(|_| call.end().is_none()) {
        out.extend(styled::wrapped(&calls::bar(progress, theme), cols));
    }
    if let Some(why) = &call.mismatch {
        let why = format!(
            "! the structured answer does not fit the tool's own schema: {}",
            short(why, 600)
        );
        out.extend(styled::wrapped(&[span(why, theme.warn)], cols));
    }
    out.extend(arguments(desk, call, cols));
    out
}

/// What was sent, as it was sent.
fn arguments(desk: &Desk<'_>, call: &ToolCall, cols: usize) -> Lines {
    let theme = desk.theme;
    let mut arguments = value::exact(&call.arguments, cols.saturating_sub(5).max(8), theme);
    if call.arguments.len() < cols.saturating_sub(5) {
        arguments = vec![Line::from(value::visible(
            &call.arguments,
            theme.text,
            theme,
        ))];
    }
    let more = arguments.len().saturating_sub(8);
    arguments.truncate(8);
    if more > 0 {
        arguments.push(span(format!("… {} more", plural(more, "line")), theme.dim).into());
    }
    styled::prefixed(
        arguments,
        &[span("sent ", theme.dim)],
        &[span("     ", theme.dim)],
    )
}

/// The ways of looking at it, the one that is gone in brackets.
fn looks(desk: &Desk<'_>, result: &ToolResult, now: Look, cols: usize) -> Line<'static> {
    let theme = desk.theme;
    let mut spans: Spans = vec![span("as   ", theme.dim)];
    for look in Look::ALL.into_iter().filter(|look| look.suits(result)) {
        let (text, style) = match look == now {
            true => (format!("[{}] ", look.name()), theme.accent),
            false => (format!(" {}  ", look.name()), theme.dim),
        };
        spans.push(span(text, style));
    }
    spans.push(span("v", theme.key));
    Line::from(styled::cropped(spans, cols))
}

fn laid(desk: &Desk<'_>, result: &ToolResult, now: Look, cols: usize, memo: &mut Memo) -> Lines {
    let theme = desk.theme;
    let mut out: Lines = Vec::new();
    if result.is_error {
        out.push(span("The tool says that it failed:", theme.bad).into());
    }
    match now {
        Look::Text | Look::Image => {
            for block in &result.content {
                out.extend(blocks::lay(block, cols, theme, memo));
            }
            if result.content.is_empty() {
                out.push(span("Nothing: the answer has no content.", theme.dim).into());
            }
        }
        Look::Table => {
            let of = look::data(result).and_then(|data| value::table(&data, theme));
            let Some((mut of, rows)) = of else {
                return laid(desk, result, Look::Tree, cols, memo);
            };
            of.rows.truncate(ROWS);
            let shown = of.rows.len();
            out.extend(table::lay(&of, Cells::Crop, cols, theme));
            if rows > shown {
                let more = format!("… {} more rows", human::count((rows - shown) as u64));
                out.push(span(more, theme.dim).into());
            }
        }
        Look::Tree => {
            if let Some(data) = look::data(result) {
                out.extend(blocks::json(&data, cols, theme));
            }
        }
        Look::Raw => {}
    }
    out
}

/// The answer as it passed, spelled as the server spelled it; where that is not kept, as it was read.
fn raw(desk: &Desk<'_>, entry: Option<&Entry>, result: &ToolResult, cols: usize) -> Lines {
    if let Some(entry) = entry {
        return passed(desk, entry, cols);
    }
    let words = "As it was read: the frame is not kept, or there was none.";
    let mut out = styled::wrapped(&[span(words, desk.theme.dim)], cols);
    out.extend(exact(desk, &look::raw(result).to_string(), cols));
    out
}

fn passed(desk: &Desk<'_>, entry: &Entry, cols: usize) -> Lines {
    let record = &entry.record;
    let cut = if record.is_cut() { ", cut" } else { "" };
    let words = format!("Frame {}, as it passed{cut}:", record.seq);
    let mut out = styled::wrapped(&[span(words, desk.theme.dim)], cols);
    out.extend(exact(desk, &record.text, cols));
    out
}

/// The beginning of what may be very long.
fn exact(desk: &Desk<'_>, text: &str, cols: usize) -> Lines {
    let mut end = text.len().min(RAW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = value::exact(&text[..end], cols, desk.theme);
    if end < text.len() {
        let more = human::bytes(u64::try_from(text.len() - end).unwrap_or(u64::MAX));
        out.push(span(format!("… {more} more: y copies all"), desk.theme.dim).into());
    }
    out
}

/// The calls of a thing, newest first.
pub(super) fn history(
    desk: &Desk<'_>,
    of: Option<&Offered>,
    marked: usize,
    frame: &mut Frame,
    area: Rect,
) -> Seen {
    let theme = desk.theme;
    let calls: Vec<&ToolCall> = of
        .map(|of| list::calls(desk.at.host, desk.at.server, of).collect())
        .unwrap_or_default();
    let rows = usize::from(area.height);
    if calls.is_empty() {
        let words = "Nothing was called so far: Enter in the list fills a call in.";
        let lines = styled::wrapped(&[span(words, theme.dim)], usize::from(area.width));
        pane::lines(frame, area, &lines);
    }
    let held = desk.tab.shelf(desk.at.kind).held;
    let first = (marked + 1).saturating_sub(rows);
    for (row, call) in calls.iter().enumerate().skip(first).take(rows) {
        let line = past(desk, call, held == Some(call.id), usize::from(area.width));
        pane::line(frame, area, row - first, &line);
        if row == marked {
            pane::mark(frame, theme, area, row - first);
        }
    }
    Seen {
        area: (calls.len(), rows),
        cols: 0,
    }
}

fn past(desk: &Desk<'_>, call: &ToolCall, held: bool, cols: usize) -> Line<'static> {
    let theme = desk.theme;
    let (sign, word, style) = calls::state(call, theme, desk.app.now);
    let mut left = vec![
        span(format!("{:>4} ", call.id.0), theme.dim),
        span(format!("{sign} {word}  "), style),
        span(value::short(&call.arguments), theme.text),
    ];
    if held {
        left.insert(1, span("held ", theme.warn));
    }
    let took = human::duration(call.elapsed(desk.app.now));
    styled::spread(left, vec![span(took, theme.dim)], cols)
}

/// How two results differ, line by line.
pub(super) fn compared(desk: &Desk<'_>, (a, b): (CallId, CallId), cols: usize) -> Lines {
    let theme = desk.theme;
    let (Some(old), Some(new)) = (desk.at.host.call(a), desk.at.host.call(b)) else {
        return vec![span("One of the two calls is gone.", theme.dim).into()];
    };
    let mut out: Lines = Vec::new();
    for (sign, call, style) in [("-", old, theme.bad), ("+", new, theme.good)] {
        let (_, word, _) = calls::state(call, theme, desk.app.now);
        let took = human::duration(call.elapsed(desk.app.now));
        let spans = vec![
            span(format!("{sign} call {}", call.id), style),
            span(format!(" · {word} · {took} · "), theme.dim),
            span(value::short(&call.arguments), theme.text),
        ];
        out.push(Line::from(styled::cropped(spans, cols)));
    }
    out.push(Line::default());
    let (before, after) = (said(old), said(new));
    if before == after {
        out.push(span("Both came to the same.", theme.good).into());
    } else {
        out.extend(changes(&before, &after, cols, theme));
    }
    out
}

/// The lines of two texts that differ, and those around them.
fn changes(before: &str, after: &str, cols: usize, theme: &Theme) -> Lines {
    let mut out: Lines = Vec::new();
    let old: Vec<&str> = before.lines().take(COMPARED).collect();
    let new: Vec<&str> = after.lines().take(COMPARED).collect();
    let pieces = diff::of(&old, &new);
    let mut at = 0;
    while let Some((side, line)) = pieces.get(at) {
        let far = same_around(&pieces, at);
        if far > 1 {
            out.push(span(format!("  … {far} equal lines"), theme.dim).into());
            at += far;
            continue;
        }
        let (sign, style) = match side {
            Side::Old => ("- ", theme.bad),
            Side::New => ("+ ", theme.good),
            Side::Both => ("  ", theme.dim),
        };
        let line: String = line.chars().take(2_000).collect();
        let lines = code::plain(&clean::block(&line), style, cols.saturating_sub(2).max(1));
        out.extend(styled::prefixed(
            lines,
            &[span(sign, style)],
            &[span("  ", style)],
        ));
        at += 1;
    }
    out
}

/// How many lines from here on are equal and far from any change.
fn same_around(pieces: &[(Side, &str)], at: usize) -> usize {
    let is_same = |piece: &(Side, &str)| piece.0 == Side::Both;
    let before = pieces[..at]
        .iter()
        .rev()
        .take_while(|piece| is_same(piece))
        .count();
    let after = pieces[at..]
        .iter()
        .take_while(|piece| is_same(piece))
        .count();
    let is_last = at + after == pieces.len();
    let is_first = before == at;
    if !is_first && before < NEAR {
        return 0;
    }
    after.saturating_sub(if is_last { 0 } else { NEAR })
}

/// What a call came to as text over several lines: data as JSON with one name a line, so that a change stands alone.
fn said(call: &ToolCall) -> String {
    let Some(result) = call.result() else {
        return match call.end() {
            Some(CallEnd::Outcome {
                outcome: CallOutcome::Refused { code, message },
            }) => {
                format!("JSON-RPC error {code}: {message}")
            }
            Some(end) => calls::outcome(end),
            None => "still under way".to_owned(),
        };
    };
    match look::data(result) {
        Some(data) => serde_json::to_string_pretty(&data).unwrap_or_default(),
        None => result.as_text().into_owned(),
    }
}
