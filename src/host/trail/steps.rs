//! What the host knows of a call, as rows: the words before it, the arguments, what was decided, what came of it.
//!
//! Pure.

use super::{Mark, Row, Whole};
use crate::agent::transcript::{Assistant, Entry};
use crate::host::call::{CallEnd, CallState, Origin, Ruler, ToolCall};
use crate::host::outcome;
use crate::host::state::Host;
use crate::host::step::Step;
use crate::ids::Moment;
use crate::text::human;

/// Characters of a text that stand in a row.
const LINE: usize = 400;

/// When a call ended, where it has.
pub(super) fn end(call: &ToolCall) -> Option<Moment> {
    match &call.state {
        CallState::Done { at, .. } => Some(*at),
        CallState::Asking { .. } | CallState::Queued { .. } | CallState::Running { .. } => None,
    }
}

/// All that is known of it but the wire, in the order in which it came.
pub(super) fn rows(host: &Host, call: &ToolCall) -> Vec<Row> {
    let mut rows = before(host, call);
    let name = call.title();
    let arguments = Row::new(
        call.created,
        Mark::Arguments,
        format!("{name} {}", head_of(&call.arguments)),
    );
    rows.push(arguments.whole(Whole::Arguments));
    let has_ruling = |(_, step): &(Moment, Step)| matches!(step, Step::Ruled { .. });
    if let Some(ruling) = call
        .ruling
        .as_ref()
        .filter(|_| !call.steps.iter().any(has_ruling))
    {
        let text = format!("{}: {}", who(ruling.by), ruling.why);
        rows.push(Row::new(None, Mark::Ruled, text));
    }
    rows.extend(call.steps.iter().filter_map(|(at, step)| row(*at, step)));
    if call.steps_lost > 0 {
        let text = format!("{} more steps are not kept", call.steps_lost);
        rows.push(Row::new(None, Mark::Waits, text));
    }
    rows.extend(after(host, call));
    rows
}

/// What came before the call: the person's words, and the model's.
fn before(host: &Host, call: &ToolCall) -> Vec<Row> {
    let entries = host.transcript.entries();
    let made = |entry: &Entry| match entry {
        Entry::Assistant(step) => step.calls.contains(&call.id),
        _ => false,
    };
    let Some(place) = entries.iter().position(made) else {
        let by = match call.origin {
            Origin::Hand => "you made this call by hand",
            Origin::Model { .. } => "the model made this call",
        };
        return vec![Row::new(call.created, Mark::Person, by)];
    };
    let mut rows = Vec::new();
    let asked = entries[..place].iter().rev().find_map(|entry| match entry {
        Entry::User { text, at, .. } => Some((text, *at)),
        _ => None,
    });
    if let Some((text, at)) = asked {
        rows.push(said_row(at, Mark::Person, text));
    }
    if let Some(Entry::Assistant(step)) = entries.get(place) {
        rows.extend(said(step, call));
    }
    rows
}

fn said(step: &Assistant, call: &ToolCall) -> Vec<Row> {
    let mut rows = Vec::new();
    let reasoning = step.reasoning.trim();
    if !reasoning.is_empty() {
        rows.push(said_row(
            step.since,
            Mark::Model,
            &format!("thinks: {reasoning}"),
        ));
    }
    let text = match step.text.trim() {
        "" => "(no words before the call)",
        text => text,
    };
    rows.push(said_row(call.created, Mark::Model, text));
    rows
}

fn said_row(at: Moment, mark: Mark, text: &str) -> Row {
    Row::new(at, mark, head_of(text)).whole(Whole::Said(text.to_owned()))
}

/// A step as a row; that a request is on the wire is told by its frame.
fn row(at: Moment, step: &Step) -> Option<Row> {
    let (mark, text) = match step {
        Step::OnWire { .. } => return None,
        step => words(at, step),
    };
    let is_bad = matches!(
        step,
        Step::HeldBack { .. } | Step::BreakerOpened | Step::Again { .. } | Step::Adrift { .. }
    );
    Some(Row::new(at, mark, text).bad(is_bad))
}

fn words(at: Moment, step: &Step) -> (Mark, String) {
    match step {
        Step::Asked { why } => (Mark::Asked, format!("you were asked, because {why}")),
        Step::Ruled { by, why } => (Mark::Ruled, format!("{}: {why}", who(*by))),
        Step::WaitsForServer => (Mark::Waits, "its server still starts".to_owned()),
        Step::Queued { place } => {
            let text = format!("the server takes no more now: place {place} in its line");
            (Mark::Waits, text)
        }
        Step::CacheHit { since } => {
            let age = human::duration(at.since(*since));
            (Mark::Cache, format!("hit: an answer that is {age} old"))
        }
        Step::CacheMiss => (Mark::Cache, "miss: nothing is kept for it".to_owned()),
        Step::CacheShares { with } => {
            let text = format!("the equal call {with} is under way: its answer is this one's");
            (Mark::Cache, text)
        }
        Step::HeldBack { why } => (Mark::Breaker, why.clone()),
        Step::BreakerOpened => {
            let text = "this opened the circuit: nothing more is sent to the server for a while";
            (Mark::Breaker, text.to_owned())
        }
        Step::Sent { generation, again } => {
            let time = match again {
                0 => String::new(),
                again => format!(", time {}", again + 1),
            };
            let text = format!("given to the server on connection {generation}{time}");
            (Mark::Sent, text)
        }
        Step::OnWire { request_id, .. } => (Mark::Out, request_id.clone()),
        Step::Task { id, status } => (Mark::Task, format!("{id} is {status}")),
        Step::Again { why, wait } => {
            let wait = human::duration(*wait);
            let text = format!("{why}; it is sent again in {wait}, because twice is once for it");
            (Mark::Again, text)
        }
        Step::Adrift { why } => (Mark::Task, format!("{why}; the task may go on")),
        Step::Followed { generation } => (
            Mark::Task,
            format!("followed again on connection {generation}"),
        ),
    }
}

/// Who decided, in words.
fn who(by: Ruler) -> &'static str {
    match by {
        Ruler::Person => "you said",
        Ruler::Hand => "by hand",
        Ruler::Rule => "an earlier answer of yours",
        Ruler::Policy => "your configuration",
        Ruler::Flag => "a flag",
        Ruler::Mcpdeck => "mcpdeck",
    }
}

/// What came of it, and who read what of that.
fn after(host: &Host, call: &ToolCall) -> Vec<Row> {
    let CallState::Done { at, took, end } = &call.state else {
        return Vec::new();
    };
    let words = outcome::words_of(call);
    let head = match call.cached {
        Some(_) => format!("{}, from the cache", end.word()),
        None if took.is_zero() => end.word().to_owned(),
        None => format!("{} in {}", end.word(), human::duration(*took)),
    };
    let result = Row::new(*at, Mark::Result, format!("{head}: {}", head_of(&words)));
    let mut rows = vec![result.whole(Whole::Result).bad(end.is_error())];
    rows.push(to_model(host, call, end, *at));
    let n = call.id;
    let text = format!("call {n} of this run; in the shell: mcpdeck audit show --call {n}");
    rows.push(Row::new(*at, Mark::Record, text));
    rows
}

fn to_model(host: &Host, call: &ToolCall, end: &CallEnd, at: Moment) -> Row {
    if let Origin::Hand = call.origin {
        let text = "nothing: a call by hand is not shown to the model";
        return Row::new(at, Mark::ToModel, text);
    }
    let fold = host.transcript.folds().get(&call.id).copied();
    let limit = host.settings.limits.result_tokens;
    match outcome::record(call, limit, fold) {
        None => {
            let text = format!("nothing: {}", end.word());
            Row::new(at, Mark::ToModel, text)
        }
        Some(record) => {
            let all = outcome::words_of(call).len();
            let (has, folded) = (record.result.len(), fold.is_some());
            let size = human::bytes(has as u64);
            let text = match (has < all, folded) {
                (_, true) => format!("{size}, folded: the conversation was summed up since"),
                (true, _) => {
                    format!("{size} of {}: the rest was cut", human::bytes(all as u64))
                }
                (false, _) => format!("{size}, all of it"),
            };
            Row::new(at, Mark::ToModel, text).whole(Whole::ToModel)
        }
    }
}

/// What the model reads of it.
pub(super) fn read_by_model(host: &Host, call: &ToolCall) -> Option<String> {
    let fold = host.transcript.folds().get(&call.id).copied();
    let limit = host.settings.limits.result_tokens;
    Some(outcome::record(call, limit, fold)?.result)
}

/// What of a text stands in a row.
fn head_of(text: &str) -> &str {
    let end = text.char_indices().nth(LINE).map(|(at, _)| at);
    end.map_or(text, |end| &text[..end])
}

/// What the wire log does not show any more is said by the host: requests that were on the wire, and progress.
pub(super) fn beside_frames(rows: &mut Vec<Row>, call: &ToolCall, frames: &[Row]) {
    let has = |mark: Mark, at: Moment| {
        let near = |row: &Row| {
            row.at
                .is_some_and(|it| it.since(at).max(at.since(it)).as_secs() < 1)
        };
        frames.iter().any(|row| row.mark == mark && near(row))
    };
    for (at, step) in &call.steps {
        if let Step::OnWire { request_id, .. } = step
            && !has(Mark::Out, *at)
        {
            let text = format!("its request {request_id}; the frame is not kept any more");
            rows.push(Row::new(*at, Mark::Out, text));
        }
    }
    if !frames.iter().any(|row| row.mark == Mark::Progress) {
        let said = call.messages.iter();
        rows.extend(said.map(|it| Row::new(it.at, Mark::Progress, it.text.as_str())));
    }
}
