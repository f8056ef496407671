//! All about one frame as lines: what it is, its pair, how HTTP carried it, and its JSON, which folds.
//!
//! Pure. Words for the eye, cleaned and wrapped, without colours; the view paints them, `update` moves among them.

use std::collections::BTreeSet;

use crate::app::inspector::wire::outline::{self, Row, What};
use crate::app::inspector::wire::words;
use crate::mcp::wire::log::{Entry, WireLog};
use crate::mcp::wire::record::{Carried, Headers, WireKind};
use crate::text::wrap::{width, wrap};
use crate::text::{clean, human};

/// The fewest columns for a value beside its name; with fewer it goes below.
const BESIDE: usize = 16;
/// Columns of the names of facts.
const NAMES: usize = 9;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Its parts.
    pub parts: Vec<(Tone, String)>,
    /// The row of the outline that it is of.
    pub row: Option<usize>,
}

/// What a part of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Plain.
    Text,
    /// Secondary.
    Dim,
    /// What the frame is.
    Title,
    /// A heading.
    Head,
    /// A name in JSON.
    Key,
    /// A text in JSON.
    String,
    /// A number or a word in JSON.
    Number,
    /// Something is wrong, or missing.
    Warn,
}

/// The lines of a frame.
pub fn lines(entry: &Entry, log: &WireLog, folded: &BTreeSet<usize>, cols: usize) -> Vec<Line> {
    let mut out = Vec::new();
    facts(entry, log, cols, &mut out);
    http(entry, log, cols, &mut out);
    out.push(Line::default());
    let text = &entry.record.text;
    match is_json(entry) {
        true => json(text, folded, cols, &mut out),
        false => plain(Tone::Text, &clean::block(text), cols, &mut out),
    }
    if entry.record.is_cut() && !matches!(entry.record.kind, WireKind::Http { .. }) {
        let of = human::bytes(entry.record.bytes as u64);
        let words = format!("… cut: {of} in all; `--wire-log FILE` keeps it whole");
        plain(Tone::Warn, &words, cols, &mut out);
    }
    out
}

/// The text over many lines, spelled as it passed.
pub fn pretty(entry: &Entry) -> String {
    let text = &entry.record.text;
    if !is_json(entry) {
        return text.clone();
    }
    let rows = outline::rows(text);
    let mut out = String::with_capacity(text.len() * 2);
    for row in &rows {
        out.extend(std::iter::repeat_n("  ", row.depth));
        out.extend(row.key.map(|key| format!("{key}: ")));
        match row.what {
            What::Value(value) => out.push_str(value),
            What::Open { bracket, .. } | What::Close(bracket) => out.push(bracket),
        }
        out.push_str(if row.comma { ",\n" } else { "\n" });
    }
    out.truncate(out.trim_end().len());
    out
}

/// What is to be folded so that only the outermost is open.
pub fn all_folds(entry: &Entry) -> BTreeSet<usize> {
    let rows = match is_json(entry) {
        true => outline::rows(&entry.record.text),
        false => Vec::new(),
    };
    let inner = |(at, row): (usize, &Row<'_>)| {
        (row.depth > 0 && matches!(row.what, What::Open { .. })).then_some(at)
    };
    rows.iter().enumerate().filter_map(inner).collect()
}

/// The container that a line of the outline begins, or that it stands in.
pub fn container(entry: &Entry, row: usize) -> Option<usize> {
    let rows = outline::rows(&entry.record.text);
    let line = rows.get(row)?;
    match line.what {
        What::Open { .. } => Some(row),
        // Its end stands on the same depth as its beginning.
        What::Close(_) => rows[..row]
            .iter()
            .rposition(|open| matches!(open.what, What::Open { end, .. } if end == row)),
        What::Value(_) => line.parent,
    }
}

fn is_json(entry: &Entry) -> bool {
    matches!(
        entry.record.kind,
        WireKind::Request { .. }
            | WireKind::Response { .. }
            | WireKind::Error { .. }
            | WireKind::Notification { .. }
            | WireKind::NotMessage
    )
}

fn facts(entry: &Entry, log: &WireLog, cols: usize, out: &mut Vec<Line>) {
    let record = &entry.record;
    let sign = words::sign(record.direction);
    let title = format!("{sign} {}", words::what(entry));
    let title: String = title.chars().take(300).collect();
    plain(Tone::Title, &clean::line(&title), cols, out);
    let whose = format!("{}, connection {}", record.server, record.generation);
    fact("server", Tone::Text, &whose, cols, out);
    let when = format!(
        "{} since the start · {}",
        words::clock(record.at),
        human::bytes(record.bytes as u64)
    );
    fact("at", Tone::Text, &when, cols, out);
    if let Some((name, tone, value)) = pair(entry, log) {
        fact(name, tone, &value, cols, out);
    }
}

fn pair(entry: &Entry, log: &WireLog) -> Option<(&'static str, Tone, String)> {
    let took = entry.latency.map(latency);
    let name = match entry.record.kind {
        WireKind::Request { .. } => "answer",
        WireKind::Response { .. } | WireKind::Error { .. } => "request",
        WireKind::Notification { .. }
        | WireKind::NotMessage
        | WireKind::NotJson
        | WireKind::Stderr
        | WireKind::Fault { .. }
        | WireKind::Http { .. } => return None,
    };
    let other = entry.pair.filter(|other| log.entry(*other).is_some());
    Some(match (other, took) {
        (Some(other), Some(took)) if name == "answer" => {
            (name, Tone::Text, format!("frame {other}, after {took}"))
        }
        (Some(other), Some(took)) => (name, Tone::Text, format!("frame {other}, {took} before")),
        (_, Some(took)) => (name, Tone::Dim, format!("not kept any more; took {took}")),
        (_, None) if name == "answer" => (name, Tone::Warn, "none so far".to_owned()),
        (_, None) => (name, Tone::Warn, "none that is known".to_owned()),
    })
}

/// How long an answer took, finer than people's times where it was quick.
pub fn latency(time: std::time::Duration) -> String {
    match time.as_micros() {
        micros @ 0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        _ => human::duration(time),
    }
}

fn http(entry: &Entry, log: &WireLog, cols: usize, out: &mut Vec<Line>) {
    if let Some(carried) = entry.record.carried.as_deref() {
        out.push(Line::default());
        exchange(carried, entry, log, cols, out);
    }
}

/// The part of an exchange over HTTP that a frame is.
fn exchange(carried: &Carried, entry: &Entry, log: &WireLog, cols: usize, out: &mut Vec<Line>) {
    match carried {
        Carried::Request {
            method,
            url,
            headers,
        } => {
            let words = clean::line(&format!("{method} {url}"));
            plain(Tone::Head, &words, cols, out);
            listed(headers, cols, out);
            status(entry, cols, out);
        }
        Carried::Response {
            request,
            status,
            headers,
        } => {
            let words = format!("HTTP {status}, of the request in frame {request}");
            plain(Tone::Head, &words, cols, out);
            listed(headers, cols, out);
        }
        Carried::Body { request } => {
            let words = format!("{}, of the request in frame {request}", head(entry));
            plain(Tone::Head, &words, cols, out);
            of_head(entry, log, cols, out);
        }
        Carried::Event {
            request,
            name,
            id,
            retry_ms,
        } => {
            let head = head(entry);
            let words = format!("{head}, a stream for the request in frame {request}");
            plain(Tone::Head, &words, cols, out);
            event(name.as_deref(), id.as_deref(), *retry_ms, cols, out);
            of_head(entry, log, cols, out);
        }
    }
}

/// What the request was answered with.
fn status(entry: &Entry, cols: usize, out: &mut Vec<Line>) {
    let (tone, status) = match entry.status {
        Some(status) => (Tone::Text, format!("HTTP {status}")),
        None => (Tone::Warn, "none so far".to_owned()),
    };
    fact("status", tone, &status, cols, out);
}

/// What an event of a stream says beside its message.
fn event(
    name: Option<&str>,
    id: Option<&str>,
    retry_ms: Option<u64>,
    cols: usize,
    out: &mut Vec<Line>,
) {
    fact("event", Tone::Text, name.unwrap_or("message"), cols, out);
    if let Some(id) = id {
        fact("event id", Tone::Text, id, cols, out);
    }
    if let Some(wait) = retry_ms {
        fact("retry", Tone::Text, &format!("{wait} ms"), cols, out);
    }
}

fn head(entry: &Entry) -> String {
    match entry.status {
        Some(status) => format!("HTTP {status}"),
        None => "HTTP".to_owned(),
    }
}

/// The headers of the answer that carried it.
fn of_head(entry: &Entry, log: &WireLog, cols: usize, out: &mut Vec<Line>) {
    let head = entry.head.and_then(|head| log.get(head));
    if let Some(Carried::Response { headers, .. }) = head.and_then(|it| it.carried.as_deref()) {
        listed(headers, cols, out);
    }
}

fn listed(headers: &Headers, cols: usize, out: &mut Vec<Line>) {
    for (name, value) in headers {
        let name = format!("  {}: ", clean::line(name));
        beside(
            (Tone::Dim, &name),
            (Tone::Text, &clean::line(value)),
            cols,
            None,
            out,
        );
    }
}

fn fact(name: &str, tone: Tone, value: &str, cols: usize, out: &mut Vec<Line>) {
    let name = format!("{name:<NAMES$}");
    beside(
        (Tone::Dim, &name),
        (tone, &clean::line(value)),
        cols,
        None,
        out,
    );
}

fn plain(tone: Tone, text: &str, cols: usize, out: &mut Vec<Line>) {
    out.extend(wrap(text, cols.max(1)).into_iter().map(|text| Line {
        parts: vec![(tone, text)],
        row: None,
    }));
}

/// A name and a value beside it over as many lines as it takes, or below it where there is no room.
fn beside(
    (name_tone, name): (Tone, &str),
    (tone, value): (Tone, &str),
    cols: usize,
    row: Option<usize>,
    out: &mut Vec<Line>,
) {
    let taken = width(name);
    let fits = taken + BESIDE <= cols || taken + width(value) <= cols;
    let indent = match fits {
        true => taken,
        false => 2.min(cols.saturating_sub(1)),
    };
    if !fits {
        let name = wrap(name, cols.max(1)).into_iter();
        out.extend(name.map(|name| Line {
            parts: vec![(name_tone, name)],
            row,
        }));
    }
    for (at, value) in wrap(value, cols.saturating_sub(indent).max(1))
        .into_iter()
        .enumerate()
    {
        let before = match at {
            0 if fits => (name_tone, name.to_owned()),
            _ => (Tone::Text, " ".repeat(indent)),
        };
        out.push(Line {
            parts: vec![before, (tone, value)],
            row,
        });
    }
}

fn json(text: &str, folded: &BTreeSet<usize>, cols: usize, out: &mut Vec<Line>) {
    let rows = outline::rows(text);
    for at in outline::seen(&rows, |at| folded.contains(&at)) {
        let row = &rows[at];
        // However deep it is, there is room for what it says.
        let indent = (row.depth * 2).min(cols / 2);
        let key = row.key.map(|key| format!("{}: ", clean::line(key)));
        let name = format!("{}{}", " ".repeat(indent), key.unwrap_or_default());
        let (tone, value) = value(row, folded.contains(&at), &rows);
        beside((Tone::Key, &name), (tone, &value), cols, Some(at), out);
    }
}

fn value(row: &Row<'_>, is_folded: bool, rows: &[Row<'_>]) -> (Tone, String) {
    let comma = |row: &Row<'_>| if row.comma { "," } else { "" };
    match row.what {
        What::Value(value) => {
            let tone = match value.starts_with('"') {
                true => Tone::String,
                false => Tone::Number,
            };
            (tone, format!("{}{}", clean::line(value), comma(row)))
        }
        What::Open {
            bracket,
            end,
            inside,
        } if is_folded => {
            let close = if bracket == '{' { '}' } else { ']' };
            let comma = rows.get(end).map_or("", comma);
            (Tone::Dim, format!("{bracket} … {inside} {close}{comma}"))
        }
        What::Open { bracket, .. } => (Tone::Text, bracket.to_string()),
        What::Close(bracket) => (Tone::Text, format!("{bracket}{}", comma(row))),
    }
}
