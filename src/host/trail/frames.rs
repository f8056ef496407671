//! What was on the wire in the time of a call, as rows: its own frames, and what its server said and did beside them.
//!
//! Pure. Frames of other calls are left out; what belongs to no call is not, because that is what one looks for.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{MOST, Mark, Row, Whole};
use crate::host::call::ToolCall;
use crate::host::step::Step;
use crate::ids::{Generation, Moment, Seq, ServerName};
use crate::mcp::wire::log::WireLog;
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};
use crate::text::human;

/// Records of a time that are looked at; of more, the first and the last ones: a flood may not hold up the frame.
const LOOKED_AT: usize = 10_000;
/// Characters of a record that stand in a row.
const LINE: usize = 400;

/// The id of a request of ours to which a record belongs, as JSON text.
pub(super) fn of_call(record: &WireRecord) -> Option<String> {
    let is_out = record.direction == Direction::Out;
    match &record.kind {
        WireKind::Request { id, .. } if is_out => Some(id.clone()),
        WireKind::Response { id } | WireKind::Error { id, .. } if !is_out => Some(id.clone()),
        WireKind::Fault { id, .. } => id.clone(),
        WireKind::Notification { method } => named(record, method),
        WireKind::Request { .. }
        | WireKind::Response { .. }
        | WireKind::Error { .. }
        | WireKind::NotMessage
        | WireKind::NotJson
        | WireKind::Stderr
        | WireKind::Http { .. } => None,
    }
}

/// The request that a notification is about: the token of its progress, which is our request's id, or what it cancels.
fn named(record: &WireRecord, method: &str) -> Option<String> {
    let key = match (method, record.direction) {
        ("notifications/progress", Direction::In) => "progressToken",
        ("notifications/cancelled", Direction::Out) => "requestId",
        _ => return None,
    };
    let message: Value = serde_json::from_str(&record.text).ok()?;
    Some(message.get("params")?.get(key)?.to_string())
}

/// Whether a call was on the wire with this id. An id may come back as text.
pub fn is_on_wire(call: &ToolCall, generation: Generation, id: &str) -> bool {
    let wanted = id.trim_matches('"');
    call.steps.iter().any(|(_, step)| {
        matches!(step, Step::OnWire { generation: on, request_id }
            if *on == generation && request_id == wanted)
    })
}

/// The rows of a call's time, and how many records were left out.
pub(super) fn rows(
    wire: &WireLog,
    server: &ServerName,
    time: (Moment, Moment),
    call: &ToolCall,
    others: &[&ToolCall],
) -> (Vec<Row>, usize) {
    let (looked_at, mut skipped) = look(wire, server, time);
    let mut kept = Vec::new();
    // Requests that belong to no call, such as a probe, and whose answers follow.
    let mut foreign = BTreeSet::new();
    for record in &looked_at {
        let id = of_call(record);
        let is = |of: &ToolCall| {
            let id = id.as_ref();
            id.is_some_and(|id| is_on_wire(of, record.generation, id))
        };
        let is_anothers = || others.iter().any(|other| is(other));
        if !is(call) && (is_anothers() || is_of_another_time(record, &id, &mut foreign)) {
            skipped += 1;
            continue;
        }
        kept.push(*record);
    }
    skipped += cut(&mut kept, MOST);
    (written(wire, &kept, &looked_at), skipped)
}

/// The records of a server in a time, and how many of them are not even looked at.
fn look<'a>(
    wire: &'a WireLog,
    server: &ServerName,
    (from, to): (Moment, Moment),
) -> (Vec<&'a WireRecord>, usize) {
    let its = wire.between(from, to).filter(|it| it.server == *server);
    let mut its: Vec<&WireRecord> = its.collect();
    let left = cut(&mut its, LOOKED_AT);
    (its, left)
}

fn written(wire: &WireLog, kept: &[&WireRecord], known: &[&WireRecord]) -> Vec<Row> {
    let moments = known.iter().map(|record| (record.seq, record.at)).collect();
    let row = |record: &&WireRecord| row(wire, record, &moments);
    kept.iter().map(row).collect()
}

/// Whether a record answers a request that went out before this time: that of a call that had ended, or of a probe.
fn is_of_another_time(
    record: &WireRecord,
    id: &Option<String>,
    foreign: &mut BTreeSet<(Generation, String)>,
) -> bool {
    let Some(id) = id else {
        return false;
    };
    let key = (record.generation, id.clone());
    match (&record.kind, record.direction) {
        (WireKind::Request { .. }, Direction::Out) => {
            foreign.insert(key);
            false
        }
        (WireKind::Response { .. } | WireKind::Error { .. }, _) => !foreign.contains(&key),
        (_, _) => false,
    }
}

/// The rows around a moment, and how many records were left out.
pub(super) fn around(
    wire: &WireLog,
    server: &ServerName,
    time: (Moment, Moment),
) -> (Vec<Row>, usize) {
    let (looked_at, skipped) = look(wire, server, time);
    let mut kept = looked_at.clone();
    let left = cut(&mut kept, MOST);
    (written(wire, &kept, &looked_at), skipped + left)
}

/// Takes the middle out of what is too long.
fn cut<T>(rows: &mut Vec<T>, most: usize) -> usize {
    let left = rows.len().saturating_sub(most);
    if left > 0 {
        rows.drain(most / 2..most / 2 + left);
    }
    left
}

fn row(wire: &WireLog, record: &WireRecord, known: &HashMap<Seq, Moment>) -> Row {
    let (mark, text, bad) = words(wire, record, known);
    Row {
        at: Some(record.at),
        mark,
        text,
        whole: Whole::Record,
        seq: Some(record.seq),
        bad,
    }
}

/// A record in a line: what it is, its size, and how long the answer took.
fn words(
    wire: &WireLog,
    record: &WireRecord,
    known: &HashMap<Seq, Moment>,
) -> (Mark, String, bool) {
    let way = match record.direction {
        Direction::Out => Mark::Out,
        Direction::In | Direction::Stderr => Mark::In,
    };
    let size = human::bytes(record.bytes as u64);
    let pair = wire.pair_of(record.seq);
    let took = || took(wire, record, pair, known);
    let head = || record.text.chars().take(LINE).collect::<String>();
    match &record.kind {
        WireKind::Request { id, method } => {
            let about = wire.entry(record.seq).and_then(|it| it.about.as_deref());
            let name = about.and_then(|about| about.name.as_deref());
            let name: String = name.unwrap_or_default().chars().take(LINE).collect();
            let name = if name.is_empty() {
                name
            } else {
                format!(" {name}")
            };
            let end = pair.map_or_else(|| ", no answer".to_owned(), |_| took());
            (way, format!("{method}{name}, id {id}, {size}{end}"), false)
        }
        WireKind::Response { id } => (way, format!("answer to {id}, {size}{}", took()), false),
        WireKind::Error { id, code } => {
            let text = format!("error {code} to {id}{}: {}", took(), head());
            (way, text, true)
        }
        WireKind::Notification { method } if method == "notifications/progress" => {
            (Mark::Progress, progress(&record.text), false)
        }
        WireKind::Notification { method } => (way, format!("{method}, {size}"), false),
        WireKind::NotMessage | WireKind::NotJson => (Mark::Noise, head(), true),
        WireKind::Stderr => (Mark::Stderr, head(), false),
        WireKind::Fault { .. } => (Mark::Fault, head(), true),
        WireKind::Http { status } => {
            let bad = status.is_some_and(|status| status >= 400);
            (Mark::Http, head(), bad)
        }
    }
}

/// How long the answer took, behind a comma; nothing where that is not known.
fn took(
    wire: &WireLog,
    record: &WireRecord,
    pair: Option<Seq>,
    known: &HashMap<Seq, Moment>,
) -> String {
    let at = |seq: Seq| known.get(&seq).copied().or_else(|| Some(wire.get(seq)?.at));
    let Some(at) = pair.and_then(at) else {
        return String::new();
    };
    let took = at.since(record.at).max(record.at.since(at));
    format!(", {}", human::duration(took))
}

/// `3 of 10: words`.
fn progress(text: &str) -> String {
    let message: Value = serde_json::from_str(text).unwrap_or_default();
    let params = &message["params"];
    let mut words = params["progress"].to_string();
    if !params["total"].is_null() {
        words.push_str(&format!(" of {}", params["total"]));
    }
    if let Some(said) = params["message"].as_str() {
        let said: String = said.chars().take(LINE).collect();
        words.push_str(&format!(": {said}"));
    }
    words
}
