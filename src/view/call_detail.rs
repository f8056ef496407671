//! All about one call: state and times, the arguments as sent, the result whole, what the server said of its
//! progress, and on stderr meanwhile.
//!
//! Pure. Laid out once and kept in the memo until something about the call changes.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::text::Line;

use crate::app::App;
use crate::host::{CallEnd, CallState, Origin, ToolCall};
use crate::ids::{CallId, Moment};
use crate::mcp::event::Task;
use crate::mcp::result::{CallOutcome, ToolResult};
use crate::mcp::wire::record::{Direction, WireRecord};
use crate::text::{clean, human};
use crate::view::entry::Part;
use crate::view::memo::{Memo, digest};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::table::{self, Cells};
use crate::view::theme::Theme;
use crate::view::{blocks, calls, code, unknown, value};

/// Cells of a table that are laid out.
const CELLS: usize = 40_000;
/// Lines of stderr that are shown.
const STDERR: usize = 200;

/// The overlay in parts: what is large comes from the memo as it is, for a copy at each frame would cost more than the drawing.
pub(super) fn parts(
    app: &App,
    id: CallId,
    cols: usize,
    theme: &Theme,
    memo: &mut Memo,
) -> Vec<Part> {
    let Some(call) = app.host.call(id) else {
        return vec![[span("This call is gone.", theme.dim).into()].into()];
    };
    let mut out = facts(app, call, cols, theme);
    let is_unknown = app.host.is_unknown(call);
    if is_unknown {
        out.extend(unknown::card(app, call, cols, theme));
    }
    section(&mut out, "Arguments", theme);
    let key = digest(&("arguments", &call.arguments, cols, theme.name));
    let mut parts: Vec<Part> = vec![std::mem::take(&mut out).into()];
    parts.push(memo.lines(key, |_| value::exact(&call.arguments, cols, theme)));
    // The card says what there is to say of an end without a result.
    if let (CallState::Done { end, .. }, false) = (&call.state, is_unknown) {
        section(&mut out, "Result", theme);
        // A finished call never changes: its number and its end tell it from any other.
        let mut hasher = DefaultHasher::new();
        ("result", cols, theme.name).hash(&mut hasher);
        calls::hash_into(call, Moment(0), &mut hasher);
        parts.push(std::mem::take(&mut out).into());
        parts.push(memo.lines(hasher.finish(), |memo| ended(end, cols, theme, memo)));
    }
    if !call.messages.is_empty() {
        section(&mut out, "Progress messages", theme);
        for message in &call.messages {
            out.extend(at_its_time(call, message.at, &message.text, cols, theme));
        }
    }
    let said = stderr(app, call);
    if !said.is_empty() {
        section(&mut out, "stderr of the server meanwhile", theme);
        for record in said {
            out.extend(at_its_time(call, record.at, &record.text, cols, theme));
        }
    }
    parts.push(out.into());
    parts
}

/// What the server said, behind the time since the call was made.
fn at_its_time(call: &ToolCall, at: Moment, text: &str, cols: usize, theme: &Theme) -> Lines {
    let since = human::duration(at.since(call.created));
    let text: String = text.chars().take(2_000).collect();
    let spans = [
        span(format!("+{since} "), theme.dim),
        span(clean::line(&text), theme.text),
    ];
    styled::wrapped(&spans, cols)
}

fn section(out: &mut Lines, title: &'static str, theme: &Theme) {
    out.push(Line::default());
    out.push(span(title, theme.accent).into());
}

fn facts(app: &App, call: &ToolCall, cols: usize, theme: &Theme) -> Lines {
    let (sign, word, style) = calls::state(call, theme, app.now);
    let mut out = Vec::new();
    let mut fact = |name: &str, value: Spans| {
        let name = span(format!("{name:<10}"), theme.dim);
        out.extend(styled::fact(name, value, cols));
    };
    let plain = |text: String| vec![span(text, theme.text)];
    let elapsed = human::duration(call.elapsed(app.now));
    fact(
        "state",
        vec![
            span(format!("{sign} {word}"), style),
            span(format!(" · {elapsed}"), theme.text),
        ],
    );
    let by = match &call.origin {
        Origin::Model { turn, call } => {
            format!("the model in turn {turn}, as {}", clean::line(&call.name))
        }
        Origin::Hand => "you".to_owned(),
    };
    fact("made by", plain(by));
    fact(
        "made at",
        plain(format!(
            "{} after the start",
            human::duration(call.created.since(Moment(0)))
        )),
    );
    if let Some(id) = &call.request_id {
        fact("JSON-RPC", plain(format!("id {}", clean::line(id))));
    }
    for (name, value) in later(call, theme) {
        fact(name, value);
    }
    if let Some(hint) = app.host.era_hint(call) {
        fact("hint", vec![span(hint, theme.warn)]);
    }
    out
}

/// What comes to be known of a call while it runs, or at its end.
fn later(call: &ToolCall, theme: &Theme) -> Vec<(&'static str, Spans)> {
    let progress = call.progress.as_ref();
    let task = call.task.as_ref();
    let saved = call.saved_to.as_ref().map(|path| {
        let path = clean::line(&path.to_string_lossy());
        vec![span(path, theme.text)]
    });
    // It answered, and not as it says itself that it does.
    let schema = call.mismatch.as_ref().map(|why| {
        let why: String = why.chars().take(1_000).collect();
        let words = "the structured answer does not fit the tool's own schema: ";
        vec![span(words, theme.warn), span(clean::line(&why), theme.text)]
    });
    let cache = calls::cached(call).map(|words| {
        let why = match words.as_str() {
            "shared" => "; an equal call was under way, and its answer is this one's too",
            _ => "; that answer is still good, so the server was not asked; f asks it",
        };
        vec![span(words, theme.text), span(why, theme.dim)]
    });
    let facts = [
        ("cache", cache),
        ("progress", progress.map(|of| calls::bar(of, theme))),
        ("task", task.map(|task| of_task(task, call, theme))),
        ("saved to", saved),
        ("schema", schema),
    ];
    let known = |(name, value): (&'static str, Option<Spans>)| Some((name, value?));
    facts.into_iter().filter_map(known).collect()
}

/// A task outlives the connection: while it runs, that is said.
fn of_task(task: &Task, call: &ToolCall, theme: &Theme) -> Spans {
    let short = |text: &str| clean::line(&text.chars().take(400).collect::<String>());
    let mut spans = vec![
        span(short(&task.id), theme.text),
        span(format!(" · {}", short(&task.status)), theme.busy),
    ];
    if let Some(message) = &task.message {
        spans.push(span(format!(" · {}", short(message)), theme.dim));
    }
    if call.end().is_none() {
        let word = " · goes on over a lost connection, and is followed again";
        spans.push(span(word, theme.dim));
    }
    spans
}

pub(super) fn ended(end: &CallEnd, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    let words = |text: &str| code::plain(&clean::block(text), theme.bad, cols);
    match end {
        CallEnd::Outcome { outcome } => match outcome {
            CallOutcome::Answered { result } => answered(result, cols, theme, memo),
            CallOutcome::Refused { code, message } => {
                words(&format!("JSON-RPC error {code}: {message}"))
            }
            CallOutcome::TimedOut { after } => words(&format!(
                "No answer within {}. It may have run.",
                human::duration(*after)
            )),
            CallOutcome::Cancelled => words("Cancelled from here. It may have run in part."),
            CallOutcome::Lost { why } => words(&format!(
                "The connection ended after it was sent: {why}\nThe outcome is unknown; it is not repeated by itself."
            )),
            CallOutcome::NotSent { why } => words(&format!("It did not run: {why}")),
            CallOutcome::Unreadable { why } => {
                words(&format!("The answer could not be read: {why}"))
            }
        },
        CallEnd::Denied { reason } => match reason {
            Some(reason) => words(&format!("Denied: {reason}")),
            None => words("Denied."),
        },
        CallEnd::Invalid { complaint } => words(complaint),
        CallEnd::Refused { why } | CallEnd::Unavailable { why } => words(why),
        CallEnd::Interrupted => words("The turn was interrupted before it was sent."),
        CallEnd::Repeated { times } => words(&format!(
            "Not sent: the same call with the same arguments {times} times in a row."
        )),
    }
}

fn answered(result: &ToolResult, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    let mut out = Vec::new();
    if result.is_error {
        out.push(span("The tool says that it failed:", theme.bad).into());
    }
    for block in &result.content {
        out.extend(blocks::lay(block, cols, theme, memo));
    }
    if let Some(structured) = &result.structured {
        if !out.is_empty() {
            out.push(Line::default());
        }
        out.push(span("structuredContent", theme.dim).into());
        match value::table(structured, theme) {
            Some((mut table, rows)) => {
                // Where columns have no room beside each other, each cell takes a line.
                let columns = table.rows.first().map_or(1, Vec::len).max(1);
                table.rows.truncate((CELLS / columns).max(1));
                let shown = table.rows.len();
                out.extend(table::lay(&table, Cells::Crop, cols, theme));
                if rows > shown {
                    let more = format!("… {} more rows", human::count((rows - shown) as u64));
                    out.push(span(more, theme.dim).into());
                }
            }
            None => out.extend(blocks::json(structured, cols, theme)),
        }
    }
    if out.is_empty() {
        out.push(span("Nothing: the answer has no content.", theme.dim).into());
    }
    out
}

/// What the server wrote to stderr while the call ran.
fn stderr<'a>(app: &'a App, call: &ToolCall) -> Vec<&'a WireRecord> {
    let end = match &call.state {
        CallState::Done { at, .. } => *at,
        CallState::Asking { .. } | CallState::Queued { .. } | CallState::Running { .. } => app.now,
    };
    let of_it = |record: &&WireRecord| {
        record.direction == Direction::Stderr && Some(&record.server) == call.server.as_ref()
    };
    let meanwhile = app.wire.between(call.created, end);
    meanwhile.filter(of_it).take(STDERR).collect()
}
