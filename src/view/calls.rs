//! Tool calls as single lines: sign, name, arguments, result, state and time. The pane on the right, and the same line in the chat.
//!
//! Pure.

use std::hash::{Hash, Hasher};

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use crate::app::{App, Overlay, Pane};
use crate::host::{CallEnd, CallState, ToolCall};
use crate::ids::Moment;
use crate::mcp::event::Progress;
use crate::mcp::request::Method;
use crate::mcp::result::{Block, CallOutcome, ToolResult};
use crate::text::{clean, human, wrap};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{blocks, layout, pane, unknown, value};

/// Bytes of a result that are looked at for its short form.
const GLANCE: usize = 2_000;
/// A list of this many rows has room for more about one of its calls, and how many rows that takes.
const ROOMY: u16 = 14;
const MORE: u16 = 6;
/// A result in fewer columns tells nothing.
const LEAST: usize = 9;
/// Bytes of a text whose lines are counted at each frame.
const COUNTED: usize = 20_000;
/// Cells of a progress bar.
const BAR: usize = 10;

/// Draws the pane. Gives the first row on show and how many there are.
pub(super) fn draw(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
    boxed: bool,
) -> (usize, usize) {
    let focused = app.focus == Pane::Calls && matches!(app.overlay, Overlay::None);
    let calls = &app.host.calls;
    let running = calls.iter().filter(|call| is_running(call)).count();
    let title = match (calls.len(), running) {
        (0, _) => "Tool calls".to_owned(),
        (all, 0) => format!("Tool calls · {}", human::count(all as u64)),
        (all, some) => format!("Tool calls · {} · {some} running", human::count(all as u64)),
    };
    let inner = pane::framed(frame, theme, area, &title, focused, boxed);
    if calls.is_empty() {
        let word = span("No calls yet. Each one shows here as it runs.", theme.dim);
        pane::lines(
            frame,
            inner,
            &styled::wrapped(&[word], usize::from(inner.width)),
        );
        return (0, usize::from(inner.height));
    }
    let marked = app
        .calls
        .marked
        .and_then(|id| calls.iter().position(|call| call.id == id));
    let (inner, below) = layout::foot(inner, if inner.height >= ROOMY { MORE } else { 0 });
    if let Some(call) = marked.map_or(calls.last(), |at| calls.get(at)) {
        more(call, theme, frame, below, app.now);
    }
    let rows = usize::from(inner.height);
    let first = first_row(calls.len(), rows, marked);
    for (row, call) in calls.iter().skip(first).take(rows).enumerate() {
        let text = line(call, usize::from(inner.width), theme, app.now);
        pane::line(frame, inner, row, &text);
        let is_marked = marked.map_or(first + row + 1 == calls.len(), |at| at == first + row);
        if focused && is_marked {
            pane::mark(frame, theme, inner, row);
        }
    }
    if inner.x + inner.width < area.x + area.width {
        pane::scrollbar(frame, theme, beside(area, inner), first, calls.len());
    }
    (first, rows)
}

/// What stands below the list about the marked call, or the newest.
fn more(call: &ToolCall, theme: &Theme, frame: &mut Frame, area: Rect, now: Moment) {
    if area.height < 2 {
        return;
    }
    let title = format!("{} {}", call.id, clean::line(&call.title()));
    let body = pane::ruled(frame, theme, area, &title, false);
    let (cols, rows) = (usize::from(body.width), usize::from(body.height));
    let arguments: String = arguments(call).chars().take(GLANCE).collect();
    let mut lines = match arguments.as_str() {
        "" => Lines::new(),
        some => styled::wrapped(&[span(some, theme.dim)], cols),
    };
    lines.truncate(rows / 2);
    let (sign, word, style) = state(call, theme, now);
    let mut outcome = vec![span(format!("{sign} {word}"), style)];
    outcome.extend(result(call, theme));
    lines.extend(styled::wrapped(&outcome, cols));
    pane::lines(frame, body, &lines);
}

/// The frame's right edge beside the rows, so that the bar takes no room from them.
fn beside(area: Rect, inner: Rect) -> Rect {
    Rect {
        width: area.x + area.width - inner.x,
        ..inner
    }
}

/// The first row of a list that follows its end, or keeps the marked row in sight.
pub(super) fn first_row(count: usize, rows: usize, marked: Option<usize>) -> usize {
    let last = count.saturating_sub(rows);
    match marked {
        // In the middle where that is possible: the neighbours tell what came before and after.
        Some(at) => at.saturating_sub(rows / 2).min(last),
        None => last,
    }
}

fn is_running(call: &ToolCall) -> bool {
    matches!(call.state, CallState::Running { .. })
}

/// One call on one line.
pub(super) fn line(call: &ToolCall, cols: usize, theme: &Theme, now: Moment) -> Line<'static> {
    let (sign, word, style) = state(call, theme, now);
    let mut left = vec![
        span(format!("{sign} "), style),
        span(clean::line(&call.title()), theme.strong),
    ];
    let elapsed = match &call.state {
        CallState::Asking { .. } | CallState::Queued { .. } => String::new(),
        CallState::Running { .. } | CallState::Done { .. } => {
            format!(" {}", human::duration(call.elapsed(now)))
        }
    };
    // A bar that moves says that it runs.
    let word = if is_running(call) && call.progress.is_some() {
        ""
    } else {
        word
    };
    let right = match cached(call) {
        Some(words) => vec![span(words, theme.dim)],
        None => vec![span(word, style), span(elapsed, theme.dim)],
    };
    let taken = styled::width(&left) + styled::width(&right) + 1;
    left.extend(middle(call, cols.saturating_sub(taken), theme));
    styled::spread(left, right, cols)
}

/// Its arguments on one line. The only one of a resource is its URI, and that is its name already.
fn arguments(call: &ToolCall) -> String {
    match call.method {
        Method::Resource => String::new(),
        Method::Tool | Method::Prompt => value::short(&call.arguments),
    }
}

/// Arguments and result side by side; where both have no room, the one that tells more.
fn middle(call: &ToolCall, room: usize, theme: &Theme) -> Spans {
    let arguments = arguments(call);
    let arguments = if arguments.is_empty() {
        arguments
    } else {
        format!(" {arguments}")
    };
    let result = result(call, theme);
    let (wanted, most) = (wrap::width(&arguments), styled::width(&result));
    let given = most.min((room / 2).max(room.saturating_sub(wanted)));
    let is_cut_short = given < most.min(LEAST);
    let tells_more = call
        .end()
        .map_or(call.progress.is_some(), CallEnd::is_error);
    if is_cut_short && tells_more {
        return styled::cropped(result, room);
    }
    let given = if is_cut_short { 0 } else { given };
    let mut out = vec![span(wrap::truncate(&arguments, room - given), theme.dim)];
    out.extend(styled::cropped(result, given));
    out
}

/// Sign, word and style of where a call stands.
pub(super) fn state(
    call: &ToolCall,
    theme: &Theme,
    now: Moment,
) -> (&'static str, &'static str, Style) {
    match &call.state {
        CallState::Asking { .. } => ("?", "asking", theme.warn),
        CallState::Queued { .. } => ("·", "waiting", theme.dim),
        CallState::Running { .. } => (spinner(now), "running", theme.busy),
        CallState::Done { end, .. } => {
            let (sign, style) = match end {
                CallEnd::Outcome { outcome } if outcome.is_unknown() => ("!", theme.bad),
                CallEnd::Outcome { outcome } if outcome.is_error() => ("✗", theme.bad),
                CallEnd::Outcome { .. } => ("✓", theme.good),
                CallEnd::Denied { .. } | CallEnd::Refused { .. } | CallEnd::Interrupted => {
                    ("–", theme.warn)
                }
                CallEnd::Invalid { .. }
                | CallEnd::Unavailable { .. }
                | CallEnd::Repeated { .. } => ("✗", theme.bad),
            };
            (sign, end.word(), style)
        }
    }
}

/// `cached 12 s ago`: how old the answer was that stood for the server's; `shared` where an equal call brought it.
pub(super) fn cached(call: &ToolCall) -> Option<String> {
    let (CallState::Done { at, .. }, Some(since)) = (&call.state, call.cached) else {
        return None;
    };
    Some(match at.since(since) {
        age if age.is_zero() => "shared".to_owned(),
        age => format!("cached {} ago", human::duration(age)),
    })
}

/// A sign that turns while something runs; which one is told by the time of the last event.
pub(super) fn spinner(now: Moment) -> &'static str {
    const SIGNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let turn = usize::try_from(now.0 / 100_000 % 10).unwrap_or(0);
    SIGNS[turn]
}

/// The result in short behind an arrow, or the progress while it runs.
fn result(call: &ToolCall, theme: &Theme) -> Spans {
    let (text, style) = match (&call.state, &call.progress) {
        (CallState::Running { .. }, Some(progress)) => return bar(progress, theme),
        (CallState::Queued { place, .. }, _) => return unknown::in_line(call, *place, theme),
        (CallState::Running { .. }, None) if call.resent > 0 => {
            return vec![span(" sent again", theme.dim)];
        }
        (CallState::Asking { .. } | CallState::Running { .. }, _) => {
            return Vec::new();
        }
        (CallState::Done { end, .. }, _) => (
            outcome(end),
            if end.is_error() {
                theme.bad
            } else {
                theme.text
            },
        ),
    };
    if text.is_empty() {
        return Vec::new();
    }
    vec![span(" → ", theme.dim), span(text, style)]
}

/// `▰▰▰▱▱▱▱▱▱▱ 30 % copying`; without a total, what is done so far.
pub(super) fn bar(progress: &Progress, theme: &Theme) -> Spans {
    let mut spans = vec![span(" ", theme.text)];
    match progress.total.filter(|total| *total > 0.0) {
        Some(total) => {
            let share = (progress.done / total).clamp(0.0, 1.0);
            let share = if share.is_finite() { share } else { 0.0 };
            // Both are small and not negative after the clamp.
            let full = (share * BAR as f64) as usize;
            spans.push(span("▰".repeat(full), theme.busy));
            spans.push(span("▱".repeat(BAR - full), theme.dim));
            spans.push(span(format!(" {:.0} %", share * 100.0), theme.text));
        }
        None => spans.push(span(format!("{} so far", progress.done), theme.text)),
    }
    if let Some(message) = &progress.message {
        let message: String = message.chars().take(200).collect();
        spans.push(span(format!(" {}", clean::line(&message)), theme.dim));
    }
    spans
}

/// An end on a few words.
pub(super) fn outcome(end: &CallEnd) -> String {
    match end {
        CallEnd::Outcome { outcome } => match outcome {
            CallOutcome::Answered { result } => answer(result),
            CallOutcome::Refused { message, .. } => glance(message),
            CallOutcome::TimedOut { after } => {
                format!(
                    "no answer within {}; it may have run",
                    human::duration(*after)
                )
            }
            CallOutcome::Cancelled => "it may have run in part".to_owned(),
            CallOutcome::Lost { why }
            | CallOutcome::NotSent { why }
            | CallOutcome::Unreadable { why } => glance(why),
        },
        CallEnd::Denied { reason } => reason.as_deref().map(glance).unwrap_or_default(),
        CallEnd::Invalid { complaint } => glance(complaint),
        CallEnd::Refused { why } | CallEnd::Unavailable { why } => glance(why),
        CallEnd::Interrupted => "not sent".to_owned(),
        CallEnd::Repeated { times } => format!("the same call {times} times in a row"),
    }
}

fn answer(result: &ToolResult) -> String {
    if let Some(count) = result
        .structured
        .as_ref()
        .filter(|_| !result.is_error)
        .and_then(counted)
    {
        return count;
    }
    match result.content.as_slice() {
        [] => String::new(),
        [Block::Text { text }] => text_in_short(text),
        [only] => glance(&blocks::text(only)),
        [first, rest @ ..] => format!("{} (+{} more)", glance(&blocks::text(first)), rest.len()),
    }
}

fn text_in_short(text: &str) -> String {
    if text.len() > COUNTED {
        return format!("{}: {}", human::bytes(text.len() as u64), glance(text));
    }
    let lines = text.trim_end().lines().count();
    if lines > 1 {
        format!("{} lines: {}", human::count(lines as u64), glance(text))
    } else {
        glance(text)
    }
}

/// The first line that says something.
fn glance(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(GLANCE)
        .map_or(text.len(), |(at, _)| at);
    let line = text[..end].lines().find(|line| !line.trim().is_empty());
    clean::line(line.unwrap_or_default().trim())
}

/// `12 rows`, where the value is a list of some kind.
fn counted(value: &Value) -> Option<String> {
    let (count, what) = match value {
        Value::Array(items) => (items.len(), "item"),
        Value::Object(fields) => {
            let mut lists = fields
                .iter()
                .filter_map(|(name, value)| Some((name, value.as_array()?)));
            match (
                fields.get("rows").and_then(Value::as_array),
                lists.next(),
                lists.next(),
            ) {
                (Some(rows), _, _) => (rows.len(), "row"),
                (None, Some((_, only)), None) => (only.len(), "item"),
                _ => return None,
            }
        }
        _ => return None,
    };
    let s = if count == 1 { "" } else { "s" };
    Some(format!("{} {what}{s}", human::count(count as u64)))
}

/// Feeds everything that a call's line depends on into a digest.
pub(super) fn hash_into(call: &ToolCall, now: Moment, hasher: &mut impl Hasher) {
    (call.id, call.title(), &call.arguments, call.cached).hash(hasher);
    match &call.state {
        CallState::Asking { .. } => 0u8.hash(hasher),
        CallState::Queued { place, .. } => (4u8, place, call.resent).hash(hasher),
        CallState::Running { since, .. } => {
            let tenths = now.since(*since).as_millis() / 100;
            (1u8, call.resent, now.0 / 100_000, tenths).hash(hasher);
            if let Some(progress) = &call.progress {
                (progress.done.to_bits(), &progress.message).hash(hasher);
                progress.total.map(f64::to_bits).hash(hasher);
            }
        }
        CallState::Done { at, took, end } => {
            (2u8, at, took, end.word()).hash(hasher);
            if let Some(result) = call.result() {
                for block in &result.content {
                    if let Block::Text { text } = block {
                        (text.len(), glance(text)).hash(hasher);
                    }
                }
                result.structured.is_some().hash(hasher);
            } else {
                outcome(end).hash(hasher);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn results_are_counted_where_they_are_lists() {
        let of = |value| {
            answer(&ToolResult {
                structured: Some(value),
                ..ToolResult::text("a\nb")
            })
        };
        assert_eq!(of(json!({"columns": ["a"], "rows": [[1]]})), "1 row");
        assert_eq!(of(json!({"entries": [1, 2], "path": "."})), "2 items");
        assert_eq!(of(json!({"a": 1})), "2 lines: a");
        assert_eq!(answer(&ToolResult::text("\n  done \n")), "2 lines: done");
    }

    #[test]
    fn a_list_follows_its_end_or_keeps_the_marked_row_in_sight() {
        assert_eq!(first_row(3, 10, None), 0);
        assert_eq!(first_row(30, 10, None), 20);
        for marked in 0..30 {
            let first = first_row(30, 10, Some(marked));
            assert!((first..first + 10).contains(&marked));
        }
        assert_eq!(first_row(5, 0, Some(4)), 4);
    }
}
