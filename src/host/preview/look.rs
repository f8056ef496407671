//! What one of our own servers is asked about a call before the person is, and what its answer shows.
//!
//! Pure. Each of these requests only reads, or is a dry run that is taken back. Another server is never asked: what it would do
//! with the question is its own affair.

use serde_json::{Map, Value, json};

use super::told::is_true;
use super::{Ours, Part, text};
use crate::mcp::request::{Errand, ErrandEnd};
use crate::text::diff::{self, Side};

/// Lines that are shown around a change.
const AROUND: usize = 3;
/// Lines of a diff, and rows of a tree, that are shown.
const LINES: usize = 600;
const ROWS: usize = 60;
/// Bytes of a text that is compared.
const BYTES: usize = 1 << 20;

/// The request that shows what this call would do, where there is one.
pub(super) fn errand(whose: Ours, tool: &str, given: &Map<String, Value>) -> Option<Errand> {
    if is_true(given, "dry_run") || is_true(given, "dryRun") {
        return None;
    }
    let tried = |key: &str| {
        let mut tried = given.clone();
        tried.insert(key.to_owned(), Value::Bool(true));
        Value::Object(tried)
    };
    let path = || json!({ "path": text(given, "path") });
    let (asked, arguments) = match (whose, tool) {
        (Ours::Files, "write_file") => ("read_text_file", path()),
        (Ours::Files, "edit_file") => ("edit_file", tried("dryRun")),
        (Ours::Files, "delete_file") => ("list_directory", path()),
        (Ours::Files, "undo") => ("list_changes", json!({ "limit": 200 })),
        (Ours::Database, "update_records") => ("update_records", tried("dry_run")),
        (Ours::Database, "delete_records") => ("delete_records", tried("dry_run")),
        _ => return None,
    };
    Some(Errand::Preview {
        tool: asked.to_owned(),
        arguments: arguments.to_string(),
    })
}

/// What the answer shows.
pub(super) fn parts(
    whose: Ours,
    tool: &str,
    given: &Map<String, Value>,
    end: &ErrandEnd,
) -> Vec<Part> {
    let (is_error, words, data) = match end {
        ErrandEnd::Previewed {
            is_error,
            text,
            data,
        } => (*is_error, text.as_str(), data),
        ErrandEnd::Failed { why } => {
            return vec![Part::says(format!(
                "what it would do could not be looked up: {why}"
            ))];
        }
        ErrandEnd::Completed { .. } | ErrandEnd::Done => return Vec::new(),
    };
    match (whose, tool, is_error) {
        (Ours::Files, "write_file", true) if words.contains("does not exist") => {
            let mut parts = vec![Part::says("a new file")];
            parts.extend(compared("", text(given, "content")));
            parts
        }
        (Ours::Files, "write_file", false) => replaced(data, text(given, "content")),
        (Ours::Files, "edit_file", false) => vec![unified(string(data, "diff"))],
        (Ours::Files, "delete_file", true) => Vec::new(),
        (Ours::Files, "delete_file", false) => folder(data),
        (Ours::Files, "undo", false) => change(data, text(given, "change")),
        (Ours::Database, "update_records", false) => rows(data, "updated", "would change", given),
        (Ours::Database, "delete_records", false) => rows(data, "deleted", "would go", given),
        (_, _, true) => vec![Part::warns(format!("tried, it fails: {}", words.trim()))],
        _ => Vec::new(),
    }
}

fn string<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(data: &Value, key: &str) -> u64 {
    data.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn replaced(data: &Value, new: &str) -> Vec<Part> {
    if data.get("truncated") == Some(&Value::Bool(true)) {
        let text = format!(
            "replaces {} bytes by {}; the file is too long to be compared here",
            number(data, "bytes"),
            new.len()
        );
        return vec![Part::warns(text)];
    }
    let old = string(data, "content");
    if old == new {
        return vec![Part::says("the file has just this content already")];
    }
    compared(old, new)
}

fn compared(old: &str, new: &str) -> Vec<Part> {
    if old.len() + new.len() > BYTES {
        let text = format!(
            "replaces {} bytes by {}; too long to be compared here",
            old.len(),
            new.len()
        );
        return vec![Part::warns(text)];
    }
    let split = |text| -> Vec<&str> { str::split_inclusive(text, '\n').collect() };
    let all = diff::of(&split(old), &split(new));
    let count = |side: Side| all.iter().filter(|(of, _)| *of == side).count();
    let (added, removed) = (count(Side::New), count(Side::Old));
    let mut near = vec![false; all.len()];
    for (at, _) in all
        .iter()
        .enumerate()
        .filter(|(_, (side, _))| *side != Side::Both)
    {
        let end = (at + AROUND + 1).min(all.len());
        near[at.saturating_sub(AROUND)..end].fill(true);
    }
    let mut lines: Vec<Option<(Side, String)>> = Vec::new();
    for ((side, line), near) in all.iter().zip(near) {
        if near {
            lines.push(Some((*side, line.trim_end_matches('\n').to_owned())));
        } else if lines.last() != Some(&None) {
            lines.push(None);
        }
    }
    let mut parts = vec![Part::Diff {
        lines: short(lines),
        added,
        removed,
    }];
    parts.extend(last_line(old, new));
    parts
}

/// Else the last line would seem to come and go for nothing.
fn last_line(old: &str, new: &str) -> Option<Part> {
    match (old.ends_with('\n'), new.ends_with('\n')) {
        (true, false) if !new.is_empty() => Some(Part::says("the last line loses its line break")),
        (false, true) if !old.is_empty() => Some(Part::says("the last line gets a line break")),
        _ => None,
    }
}

fn short(mut lines: Vec<Option<(Side, String)>>) -> Vec<Option<(Side, String)>> {
    if lines.len() > LINES {
        lines.truncate(LINES);
        lines.push(None);
    }
    lines
}

/// A unified diff as our server writes it.
fn unified(text: &str) -> Part {
    let (mut added, mut removed) = (0, 0);
    let mut lines = Vec::new();
    for line in text.lines().skip(2) {
        let rest = || line.get(1..).unwrap_or_default().to_owned();
        lines.push(match line.chars().next() {
            Some('+') => {
                added += 1;
                Some((Side::New, rest()))
            }
            Some('-') => {
                removed += 1;
                Some((Side::Old, rest()))
            }
            Some(' ') => Some((Side::Both, rest())),
            // `@@`, `\ No newline`, and what was left out of a long one.
            _ if lines.last() == Some(&None) => continue,
            _ => None,
        });
    }
    Part::Diff {
        lines: short(lines),
        added,
        removed,
    }
}

/// What goes with a folder.
fn folder(data: &Value) -> Vec<Part> {
    let base = string(data, "path").trim_end_matches('/').to_owned();
    let entries = data.get("entries").and_then(Value::as_array);
    let mut rows: Vec<(char, String)> = Vec::new();
    for entry in entries.into_iter().flatten().take(ROWS) {
        let is_folder = ["type", "kind"]
            .iter()
            .any(|key| matches!(string(entry, key), "directory" | "folder"));
        let slash = if is_folder { "/" } else { "" };
        rows.push(('-', format!("{base}/{}{slash}", string(entry, "name"))));
    }
    let total = usize::try_from(number(data, "total")).unwrap_or(usize::MAX);
    let mut parts = vec![Part::warns(match total {
        0 => "an empty folder".to_owned(),
        1 => "a folder with 1 entry, and all below it".to_owned(),
        n => format!("a folder with {n} entries, and all below them"),
    })];
    if total > rows.len() {
        rows.push((' ', format!("and {} more", total - rows.len())));
    }
    if !rows.is_empty() {
        parts.push(Part::Tree { rows });
    }
    parts
}

/// Which change is taken back.
fn change(data: &Value, wanted: &str) -> Vec<Part> {
    let changes = data.get("changes").and_then(Value::as_array);
    let can = |entry: &&Value| entry.get("can_undo") == Some(&Value::Bool(true));
    let is_meant = |entry: &&Value| match wanted {
        "" => can(entry),
        wanted => string(entry, "change") == wanted,
    };
    let Some(entry) = changes.into_iter().flatten().find(is_meant) else {
        return vec![Part::says("there is no such change among the last 200")];
    };
    let to = match string(entry, "destination") {
        "" => String::new(),
        to => format!(" to {to}"),
    };
    let text = format!(
        "takes back {} of {}{to}, made at {}",
        string(entry, "tool"),
        string(entry, "path"),
        string(entry, "time")
    );
    vec![Part::says(text)]
}

fn rows(data: &Value, key: &str, verb: &str, given: &Map<String, Value>) -> Vec<Part> {
    let (rows, table) = (number(data, key), text(given, "table"));
    let text = match rows {
        0 => format!("no row of `{table}` {verb}"),
        1 => format!("1 row of `{table}` {verb}"),
        n => format!("{n} rows of `{table}` {verb}"),
    };
    vec![if rows > 100 {
        Part::warns(text)
    } else {
        Part::says(text)
    }]
}
