//! `[case.expect]`: what may be expected, each key read into what the judge looks at.

use std::time::Duration;

use regex::Regex;
use serde_json::Value as Json;
use serde_json_path::JsonPath;

use crate::config::cases::value::{JSON_VALUES, json_of, tables};
use crate::config::cases::{Expect, ExpectedCall, Field, Part, Schema, Want};
use crate::config::file::{At, Table, Value};
use crate::config::reader::{Reader, one_of};

/// The keys for calls, reads and prompts.
const KEYS: [&str; 9] = [
    "is_error",
    "error_code",
    "text",
    "contains",
    "lacks",
    "matches",
    "json",
    "schema",
    "within_ms",
];
/// The keys for the words to a model.
const ASK_KEYS: [&str; 6] = ["text", "contains", "lacks", "matches", "within_ms", "calls"];
const ELSEWHERE: [(&str, &str); 8] = [
    ("isError", "is_error"),
    ("equals", "text"),
    ("regex", "matches"),
    ("not_contains", "lacks"),
    ("latency_ms", "within_ms"),
    ("timeout_ms", "within_ms"),
    ("json_schema", "schema"),
    ("tools", "calls"),
];
/// What a field wants: exactly one of them.
const WANTS: [&str; 6] = [
    "equals",
    "equals_json",
    "contains",
    "matches",
    "exists",
    "count",
];

/// Brackets of a JSON path in one another: its reader takes twice as long for each further one, and deep ones end the program.
const DEEPEST: usize = 12;

pub(super) fn expect(case: &mut Reader<'_>, is_ask: bool) -> Expect {
    let Some(table) = case.inner("expect") else {
        return Expect::default();
    };
    let mut reader = Reader::new(case.context, table, case.full("expect"));
    match is_ask {
        true => reader.only(&ASK_KEYS, &ELSEWHERE),
        false => reader.only(&KEYS, &ELSEWHERE),
    }
    let expect = Expect {
        is_error: reader.boolean("is_error").unwrap_or(false),
        error_code: code(&mut reader),
        text: reader.literal("text"),
        contains: words(&mut reader, "contains"),
        lacks: words(&mut reader, "lacks"),
        matches: patterns(&mut reader, "matches"),
        json: fields(&mut reader),
        schema: schema(&mut reader),
        within: reader
            .number("within_ms", 1.0, 86_400_000.0)
            .and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok()),
        calls: calls(&mut reader),
    };
    case.problems.append(&mut reader.problems);
    expect
}

fn code(reader: &mut Reader<'_>) -> Option<i64> {
    let entry = reader.entry("error_code")?;
    if let Value::Integer(Some(code)) = entry.node.value {
        return Some(code);
    }
    let message = format!("wrong type: {}", entry.node.value.kind());
    let expected = "a JSON-RPC error code, such as -32602";
    reader.complain(entry.node.at, "error_code", message, expected);
    None
}

/// A text or several, as they stand.
fn placed_words(reader: &mut Reader<'_>, key: &str) -> Vec<(At, String)> {
    let Some(entry) = reader.entry(key) else {
        return Vec::new();
    };
    let items = match &entry.node.value {
        Value::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.node),
    };
    let mut words = Vec::new();
    for item in items {
        match &item.value {
            Value::String(text) => words.push((item.at, text.clone())),
            other => {
                let message = format!("wrong type: {}", other.kind());
                reader.complain(item.at, key, message, "a text, or an array of texts");
            }
        }
    }
    words
}

fn words(reader: &mut Reader<'_>, key: &str) -> Vec<String> {
    let words = placed_words(reader, key).into_iter();
    words.map(|(_, text)| text).collect()
}

fn patterns(reader: &mut Reader<'_>, key: &str) -> Vec<Regex> {
    let words = placed_words(reader, key).into_iter();
    let patterns = words.filter_map(|(at, text)| pattern(reader, at, key, &text));
    patterns.collect()
}

fn pattern(reader: &mut Reader<'_>, at: At, key: &str, text: &str) -> Option<Regex> {
    let error = match Regex::new(text) {
        Ok(pattern) => return Some(pattern),
        Err(error) => error.to_string(),
    };
    // Its last line says what, the others draw where.
    let why = error.lines().last().unwrap_or_default().trim();
    let why = why.strip_prefix("error: ").unwrap_or(why);
    let message = format!("`{text}` is no regular expression: {why}");
    reader.complain(at, key, message, "such as '^\\d+ rows$'");
    None
}

fn fields(reader: &mut Reader<'_>) -> Vec<Field> {
    let Some(entry) = reader.entry("json") else {
        return Vec::new();
    };
    let mut fields = Vec::new();
    for (at, table) in tables(reader, entry, "json") {
        let mut inner = Reader::new(reader.context, table, reader.full("json"));
        fields.extend(field(&mut inner, at));
        reader.problems.append(&mut inner.problems);
    }
    fields
}

fn field(reader: &mut Reader<'_>, at: At) -> Option<Field> {
    let known: Vec<&str> = ["path", "of"].into_iter().chain(WANTS).collect();
    reader.only(
        &known,
        &[("regex", "matches"), ("value", "equals"), ("is", "equals")],
    );
    let of = reader.choice(
        "of",
        &[("content", Part::Content), ("result", Part::Result)],
    );
    let want = want(reader, at);
    let expected = "a JSON path, such as `$.items[0].name`";
    let Some(entry) = reader.entry("path") else {
        reader.complain(at, "path", "missing", expected);
        return None;
    };
    let written = reader.literal("path")?;
    if depth(&written) > DEEPEST {
        let message = format!("nested in itself more than {DEEPEST} times");
        reader.complain(entry.node.at, "path", message, expected);
        return None;
    }
    match JsonPath::parse(&written) {
        Ok(path) => Some(Field {
            path,
            written,
            of: of.unwrap_or_default(),
            want: want?,
        }),
        Err(error) => {
            let place = error.position() + 1;
            let message = format!(
                "`{written}` is no JSON path (at character {place}): {}",
                error.message()
            );
            reader.complain(entry.node.at, "path", message, expected);
            None
        }
    }
}

/// How deep brackets stand in one another; those in a quoted name count as well.
fn depth(path: &str) -> usize {
    let mut open = 0_usize;
    let mut deepest = 0;
    for c in path.chars() {
        match c {
            '[' | '(' => open += 1,
            ']' | ')' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

fn want(reader: &mut Reader<'_>, at: At) -> Option<Want> {
    let said: Vec<&str> = WANTS.into_iter().filter(|key| reader.has(key)).collect();
    let [key] = said.as_slice() else {
        let message = match said.as_slice() {
            [] => "wants nothing".to_owned(),
            more => format!("wants several things: {}", one_of(more.iter().copied())),
        };
        reader.complain(at, "", message, format!("exactly {}", one_of(WANTS)));
        return None;
    };
    match *key {
        "equals" => json(reader, key).map(Want::Equals),
        "equals_json" => written_json(reader, key).map(Want::Equals),
        "contains" => reader.literal(key).map(Want::Contains),
        "matches" => {
            let at = reader.entry(key)?.node.at;
            let text = reader.literal(key)?;
            pattern(reader, at, key, &text).map(Want::Matches)
        }
        "exists" => reader.boolean(key).map(Want::Exists),
        _ => count(reader).map(Want::Count),
    }
}

fn count(reader: &mut Reader<'_>) -> Option<usize> {
    let entry = reader.entry("count")?;
    if let Value::Integer(Some(number)) = entry.node.value
        && let Ok(number) = usize::try_from(number)
    {
        return Some(number);
    }
    reader.complain(
        entry.node.at,
        "count",
        "out of range",
        "a whole number from 0",
    );
    None
}

/// A value as TOML has it.
fn json(reader: &mut Reader<'_>, key: &str) -> Option<Json> {
    let entry = reader.entry(key)?;
    match json_of(&entry.node) {
        Ok(value) => Some(value),
        Err((at, why)) => {
            reader.complain(at, key, why, JSON_VALUES);
            None
        }
    }
}

/// A value as JSON in a text.
fn written_json(reader: &mut Reader<'_>, key: &str) -> Option<Json> {
    let entry = reader.entry(key)?;
    let text = reader.literal(key)?;
    match serde_json::from_str(&text) {
        Ok(value) => Some(value),
        Err(error) => {
            let message = format!("not valid JSON: {error}");
            reader.complain(
                entry.node.at,
                key,
                message,
                "JSON in a text, such as 'null'",
            );
            None
        }
    }
}

fn schema(reader: &mut Reader<'_>) -> Option<Schema> {
    let entry = reader.entry("schema")?;
    let value = match &entry.node.value {
        Value::String(_) => written_json(reader, "schema")?,
        _ => json(reader, "schema")?,
    };
    Some(Schema {
        place: entry.node.at.place(reader.context.sources),
        value,
    })
}

fn calls(reader: &mut Reader<'_>) -> Option<Vec<ExpectedCall>> {
    let entry = reader.entry("calls")?;
    let mut calls = Vec::new();
    for (at, table) in tables(reader, entry, "calls") {
        calls.extend(expected_call(reader, at, table));
    }
    Some(calls)
}

fn expected_call(outer: &mut Reader<'_>, at: At, table: &Table) -> Option<ExpectedCall> {
    let mut reader = Reader::new(outer.context, table, outer.full("calls"));
    reader.only(
        &["tool", "arguments", "json"],
        &[("call", "tool"), ("args", "arguments")],
    );
    if !reader.has("tool") {
        reader.complain(at, "tool", "missing", "the tool's name");
    }
    let tool = reader.literal("tool");
    let call = ExpectedCall {
        tool: tool.clone().unwrap_or_default(),
        arguments: match reader.entry("arguments").map(|entry| &entry.node.value) {
            Some(Value::String(_)) => written_json(&mut reader, "arguments"),
            Some(_) => json(&mut reader, "arguments"),
            None => None,
        },
        json: fields(&mut reader),
    };
    outer.problems.append(&mut reader.problems);
    tool.map(|_| call)
}
