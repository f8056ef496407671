//! One entry of the transcript as lines: signs in a gutter of two columns, text beside it.
//!
//! Pure. An entry is several parts, each in the memo by itself, so that a call that counts up does not lay its text out anew.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use ratatui::style::Modifier;
use ratatui::text::Line;
use serde_json::Value;

use crate::agent::transcript::{Assistant, Compacted, Entry, Level, Note};
use crate::app::App;
use crate::host::{Origin, ToolCall};
use crate::ids::CallId;
use crate::mcp::result::ToolResult;
use crate::text::{clean, human, wrap};
use crate::view::memo::{Memo, digest};
use crate::view::styled::{self, Lines, span};
use crate::view::table::{self, Cells};
use crate::view::theme::Theme;
use crate::view::{blocks, calls, code, markdown, value};

/// Columns of the gutter.
const GUTTER: usize = 2;
/// Rows of a result that stand in the chat; the detail view has the rest.
const RESULT_ROWS: usize = 200;

/// One part of an entry, laid out.
pub(super) type Part = Arc<[Line<'static>]>;

/// What laying out needs.
pub(super) struct Desk<'a> {
    pub app: &'a App,
    pub theme: &'a Theme,
    pub memo: &'a mut Memo,
    pub cols: usize,
}

impl Desk<'_> {
    fn room(&self) -> usize {
        self.cols.saturating_sub(GUTTER).max(1)
    }

    fn part(
        &mut self,
        of: &impl Hash,
        make: impl FnOnce(&mut Memo, usize, &Theme) -> Lines,
    ) -> Part {
        let key = digest(&(digest(of), self.cols, self.theme.name));
        let (room, theme) = (self.room(), self.theme);
        self.memo.lines(key, |memo| make(memo, room, theme))
    }
}

/// The parts of the entry at this place, a blank line before it included.
pub(super) fn parts(desk: &mut Desk<'_>, index: usize) -> Vec<Part> {
    let entries = desk.app.host.transcript.entries();
    let Some(entry) = entries.get(index) else {
        return Vec::new();
    };
    let mut parts = match entry {
        Entry::User { text, .. } => vec![user(desk, text)],
        Entry::Assistant(step) => assistant(desk, step),
        Entry::Note(note) => vec![noted(desk, note)],
        Entry::Told { text } => vec![told(desk, text)],
        Entry::Compacted(of) => vec![compacted(desk, of)],
        Entry::Hand { call } => hand(desk, *call),
    };
    let before = index.checked_sub(1).and_then(|before| entries.get(before));
    if before.is_some_and(|before| is_parted(before, entry)) && parts.iter().any(|p| !p.is_empty())
    {
        parts.insert(0, Arc::from([Line::default()]));
    }
    parts
}

/// Steps of calls alone stand together, and so does what the model is told.
fn is_parted(before: &Entry, entry: &Entry) -> bool {
    match (before, entry) {
        (Entry::Assistant(_), Entry::Assistant(step)) => !step.text.trim().is_empty(),
        (Entry::Told { .. }, Entry::Told { .. }) | (Entry::Note(_), Entry::Note(_)) => false,
        _ => true,
    }
}

fn user(desk: &mut Desk<'_>, text: &str) -> Part {
    desk.part(&(0u8, text), |_, room, theme| {
        let lines = code::plain(&clean::block(text), theme.strong, room);
        let sign = [span("❯ ", theme.accent)];
        styled::prefixed(lines, &sign, &[span("  ", theme.text)])
    })
}

fn assistant(desk: &mut Desk<'_>, step: &Assistant) -> Vec<Part> {
    let mut parts = Vec::new();
    if !step.reasoning.trim().is_empty() {
        parts.push(reasoning(desk, step));
    }
    if !step.text.trim().is_empty() {
        parts.push(
            desk.part(&(1u8, &step.text, step.open), |memo, room, theme| {
                styled::indented(
                    markdown::lay(&step.text, step.open, room, theme, memo),
                    GUTTER,
                )
            }),
        );
    }
    if !step.calls.is_empty() && !step.text.trim().is_empty() {
        parts.push(Arc::from([Line::default()]));
    }
    parts.extend(step.calls.iter().filter_map(|id| call_line(desk, *id)));
    parts
}

/// The last line of the reasoning, or all of it.
fn reasoning(desk: &mut Desk<'_>, step: &Assistant) -> Part {
    let whole = desk.app.chat.reasoning;
    let text = if whole {
        step.reasoning.trim()
    } else {
        step.reasoning.trim().lines().last().unwrap_or_default()
    };
    desk.part(&(2u8, text, whole), |_, room, theme| {
        let style = theme.dim.add_modifier(Modifier::ITALIC);
        let lines = if whole {
            code::plain(&clean::block(text), style, room)
        } else {
            // The end is what is new while it streams.
            let text = format!("thinking: {}", clean::line(text));
            vec![span(wrap::truncate_middle(&text, room), style).into()]
        };
        styled::prefixed(lines, &[span("∴ ", theme.dim)], &[span("  ", theme.dim)])
    })
}

fn noted(desk: &mut Desk<'_>, note: &Note) -> Part {
    desk.part(
        &(3u8, note.level as u8, &note.text, &note.hint),
        |memo, room, theme| {
            let (sign, style) = match note.level {
                Level::Info => ("i ", theme.busy),
                Level::Warning => ("! ", theme.warn),
                Level::Error => ("✗ ", theme.bad),
            };
            // A word of several paragraphs is written as answers are.
            let mut lines = if note.level == Level::Info && note.text.trim().contains('\n') {
                markdown::lay(note.text.trim(), false, room, theme, memo)
            } else {
                code::plain(&clean::block(note.text.trim_end()), theme.text, room)
            };
            if let Some(hint) = &note.hint {
                let hint = format!("hint: {}", clean::block(hint));
                lines.extend(code::plain(&hint, theme.dim, room));
            }
            styled::prefixed(lines, &[span(sign, style)], &[span("  ", style)])
        },
    )
}

fn told(desk: &mut Desk<'_>, text: &str) -> Part {
    desk.part(&(4u8, text), |_, room, theme| {
        let text = format!("told the model: {}", clean::block(text));
        let lines = code::plain(&text, theme.dim, room);
        styled::prefixed(lines, &[span("· ", theme.dim)], &[span("  ", theme.dim)])
    })
}

/// What the model sees less of from here on, in figures, and the words that stand for it.
fn compacted(desk: &mut Desk<'_>, of: &Compacted) -> Part {
    let summary = of.summary.as_ref().map(|summary| summary.text.as_str());
    let key = (8u8, of.folded.len(), of.before, of.after, summary);
    desk.part(&key, |memo, room, theme| {
        let what = match (summary, of.folded.len()) {
            (Some(_), _) => "what was said so far is summed up for the model".to_owned(),
            (None, 1) => "an old result is folded for the model".to_owned(),
            (None, some) => format!("{some} old results are folded for the model"),
        };
        let (before, after) = (human::count(of.before), human::count(of.after));
        let text = format!("{what}: about {before} tokens before, {after} after");
        let lines = code::plain(&text, theme.dim, room);
        let mut out = styled::prefixed(lines, &[span("≡ ", theme.dim)], &[span("  ", theme.dim)]);
        if let Some(summary) = summary {
            let lines = markdown::lay(summary, false, room.saturating_sub(2).max(1), theme, memo);
            let bar = [span("  │ ", theme.border)];
            out.extend(styled::prefixed(lines, &bar, &bar));
        }
        out
    })
}

fn call_line(desk: &mut Desk<'_>, id: CallId) -> Option<Part> {
    let (call, now, cols) = (desk.app.host.call(id)?, desk.app.now, desk.cols);
    let mut hasher = DefaultHasher::new();
    calls::hash_into(call, now, &mut hasher);
    Some(desk.part(&(5u8, hasher.finish()), |_, _, theme| {
        vec![calls::line(call, cols, theme, now)]
    }))
}

/// A call by hand: its line, the SQL that was run, and what came of it.
fn hand(desk: &mut Desk<'_>, id: CallId) -> Vec<Part> {
    let mut parts: Vec<Part> = call_line(desk, id).into_iter().collect();
    let Some(call) = desk.app.host.call(id) else {
        return parts;
    };
    if let Some(sql) = sql(call) {
        parts.push(desk.part(&(6u8, &sql), |memo, room, theme| {
            styled::indented(
                code::block("sql", &clean::block(&sql), true, room, theme, memo),
                GUTTER,
            )
        }));
    }
    if let Some(result) = call.result() {
        // A finished call never changes, so that its number and its end tell it from any other.
        let mut hasher = DefaultHasher::new();
        calls::hash_into(call, desk.app.now, &mut hasher);
        parts.push(desk.part(&(7u8, hasher.finish()), |memo, room, theme| {
            let mut lines = result_lines(result, room, theme);
            lines.extend(blocks::pictures(&result.content, room, theme, memo));
            styled::indented(lines, GUTTER)
        }));
    }
    parts
}

/// The SQL among the arguments of a call by hand.
pub(super) fn sql(call: &ToolCall) -> Option<String> {
    if !matches!(call.origin, Origin::Hand) || call.arguments.len() > 20_000 {
        return None;
    }
    let arguments: Value = serde_json::from_str(&call.arguments).ok()?;
    let text = arguments.get("sql").or_else(|| arguments.get("query"));
    text.and_then(Value::as_str).map(str::to_owned)
}

fn result_lines(result: &ToolResult, cols: usize, theme: &Theme) -> Lines {
    let style = if result.is_error {
        theme.bad
    } else {
        theme.text
    };
    let table = result
        .structured
        .as_ref()
        .and_then(|value| value::table(value, theme));
    // Only what is shown is laid out: of a large result that is a small part.
    let (mut lines, rows) = match table {
        Some((mut table, rows)) => {
            table.rows.truncate(RESULT_ROWS);
            (table::lay(&table, Cells::Crop, cols, theme), rows)
        }
        None => {
            let blocks: Vec<String> = result.content.iter().map(blocks::text).collect();
            let text = match &result.structured {
                Some(value) if blocks.is_empty() => value.to_string(),
                _ => blocks.join("\n"),
            };
            let lines = code::plain(&clean::block(&head(&text)), style, cols);
            (lines, text.lines().count())
        }
    };
    if lines.len().max(rows) > RESULT_ROWS {
        lines.truncate(RESULT_ROWS);
        let rows = human::count(rows as u64);
        let word = format!("… {rows} rows in all: open the call to see more");
        lines.push(span(wrap::truncate(&word, cols), theme.dim).into());
    }
    lines
}

/// What can fill the rows of the chat and a little more.
fn head(text: &str) -> String {
    text.lines()
        .take(RESULT_ROWS * 2)
        .map(|line| line.chars().take(2_000).collect::<String>() + "\n")
        .collect()
}
