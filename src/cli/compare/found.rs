//! What differs between what passed on two wires. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::offers::{OfferChange, Offers};
use super::tools::{ToolChange, Tools};
use crate::config::FolderFile;
use crate::ids::ServerName;
use crate::mcp::wire::exchange::{Exchange, exchanges};
use crate::mcp::wire::record::WireRecord;
use crate::text::diff::{self, Side};

/// Places that are told of one result.
const PLACES: usize = 5;

/// What differs.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether both asked for a list of tools: else nothing is known of them.
    pub listed: bool,
    pub tools: Vec<ToolChange>,
    /// What servers say of themselves, prompts, resources and templates.
    pub offers: Vec<OfferChange>,
    /// All calls of both in order: on which side each is.
    pub calls: Vec<CallLine>,
    /// Calls whose answers are longer than is kept: what lies behind is not known.
    pub cut: usize,
    pub times: Vec<Times>,
}

/// A call, and what differs in its result where both have it.
#[derive(Debug)]
pub(super) struct CallLine {
    pub side: Side,
    /// `server.tool {"a":1}`
    pub call: String,
    pub result: Vec<Place>,
}

/// A place in a result.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub at: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// How long the calls of a tool took.
#[derive(Debug)]
pub(super) struct Times {
    pub tool: String,
    pub before: Duration,
    pub after: Duration,
    pub calls: (usize, usize),
    /// By more than was allowed.
    pub slower: bool,
}

impl Found {
    /// Whether anything differs that counts.
    pub(super) fn differs(&self) -> bool {
        let call = |line: &CallLine| line.side != Side::Both || !line.result.is_empty();
        !self.tools.is_empty()
            || !self.offers.is_empty()
            || self.calls.iter().any(call)
            || self.times.iter().any(|times| times.slower)
    }
}

/// One session as it is compared.
struct Session {
    tools: Tools,
    offers: Offers,
    calls: Vec<Call>,
    cut: usize,
}

struct Call {
    tool: String,
    words: String,
    result: Value,
    took: Option<Duration>,
}

pub(super) fn compare(before: &[WireRecord], after: &[WireRecord], slower: Option<u32>) -> Found {
    let names = renamed(before, after);
    let (before, after) = (session(before, None), session(after, names.as_ref()));
    let listed = before.tools.is_known() && after.tools.is_known();
    let mut offers = before.offers.changes(&after.offers);
    offers.extend(before.tools.refusals(&after.tools));
    Found {
        listed,
        tools: match listed {
            true => before.tools.changes(&after.tools),
            false => Vec::new(),
        },
        offers,
        calls: calls(&before, &after),
        cut: before.cut + after.cut,
        times: times(&before, &after, slower),
    }
}

/// Where both have one server alone, it is the same one, however it is called.
fn renamed(before: &[WireRecord], after: &[WireRecord]) -> Option<ServerName> {
    let only = |records: &[WireRecord]| {
        let first = records.first()?.server.clone();
        let is_alone = records.iter().all(|record| record.server == first);
        is_alone.then_some(first)
    };
    only(after)?;
    only(before)
}

fn session(records: &[WireRecord], name: Option<&ServerName>) -> Session {
    let mut session = Session {
        tools: Tools::default(),
        offers: Offers::default(),
        calls: Vec::new(),
        cut: 0,
    };
    let all = exchanges(records).all;
    for one in all.iter().filter(|one| one.from_us) {
        let server = name.unwrap_or(&one.request.server);
        if one.method == "tools/list" {
            session.tools.take(one, server);
        } else if let Some((tool, words)) = asked(one, server).filter(|_| !is_round(one)) {
            let is_cut = one.answer.as_ref().is_some_and(|it| it.record.is_cut());
            session.cut += usize::from(is_cut);
            session.calls.push(Call {
                words,
                tool,
                result: result(one),
                took: one.took(),
            });
        } else {
            session.offers.take(one, server);
        }
    }
    session
}

/// What is called, read or got, and the same with its arguments.
fn asked(one: &Exchange<'_>, server: &ServerName) -> Option<(String, String)> {
    if let Some((tool, arguments)) = one.tool_call() {
        let tool = format!("{server}.{tool}");
        let words = format!("{tool} {}", sorted(arguments));
        return Some((tool, words));
    }
    let params = one.params.as_ref();
    let text = |name: &str| params?.get(name)?.as_str();
    match one.method {
        "resources/read" => {
            let what = format!("{server} read {}", text("uri")?);
            Some((what.clone(), what))
        }
        "prompts/get" => {
            let what = format!("{server} prompt {}", text("name")?);
            let arguments = params.and_then(|params| params.get("arguments"));
            let words = format!("{what} {}", arguments.map(sorted).unwrap_or_default());
            Some((what, words))
        }
        _ => None,
    }
}

/// Whether a server asked for more before it answered: the same call comes once more, and that one has the result.
fn is_round(one: &Exchange<'_>) -> bool {
    let result = one
        .answer
        .as_ref()
        .and_then(|answer| answer.result.as_ref().ok());
    result.and_then(|result| result.get("resultType")?.as_str()) == Some("input_required")
}

/// What came of a call, without what is said for the client alone.
fn result(one: &Exchange<'_>) -> Value {
    let Some(answer) = &one.answer else {
        return Value::String("no answer".to_owned());
    };
    match &answer.result {
        // Of what is longer than is kept the beginning and the length are held against each other.
        _ if answer.record.is_cut() => {
            let kept = FolderFile::digest(answer.record.text.as_bytes());
            serde_json::json!({ "cut": { "bytes": answer.record.bytes, "begins": kept } })
        }
        Ok(result) => {
            let mut result = result.clone();
            if let Some(members) = result.as_object_mut() {
                members.remove("_meta");
            }
            result
        }
        Err(error) => serde_json::json!({ "error": error }),
    }
}

/// JSON with the members of its objects in order, so that equal values have equal texts.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort();
            let pairs = keys
                .into_iter()
                .map(|key| (key.clone(), sorted(&members[key])));
            Value::Object(pairs.collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        value => value.clone(),
    }
}

fn calls(before: &Session, after: &Session) -> Vec<CallLine> {
    let words = |session: &'_ Session| -> Vec<String> {
        session
            .calls
            .iter()
            .map(|call| call.words.clone())
            .collect()
    };
    let (old, new) = (words(before), words(after));
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let (mut olds, mut news) = (before.calls.iter(), after.calls.iter());
    let line = |(side, call): (Side, &str)| {
        let was = (side != Side::New).then(|| olds.next()).flatten();
        let is = (side != Side::Old).then(|| news.next()).flatten();
        let mut result = Vec::new();
        if let (Some(was), Some(is)) = (was, is) {
            places("result", &was.result, &is.result, &mut result);
        }
        CallLine {
            side,
            call: call.to_owned(),
            result,
        }
    };
    diff::of(&old, &new).into_iter().map(line).collect()
}

/// Where two values differ, the first few places.
pub(super) fn places(at: &str, before: &Value, after: &Value, found: &mut Vec<Place>) {
    if before == after || found.len() >= PLACES {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let other = new.get(key);
                place(&format!("{at}.{key}"), Some(value), other, found);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                place(&format!("{at}.{key}"), None, Some(value), found);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for number in 0..old.len().max(new.len()) {
                let at = format!("{at}[{number}]");
                place(&at, old.get(number), new.get(number), found);
            }
        }
        // A text that is JSON is compared as such.
        (Value::String(old), Value::String(new)) => match (inside(old), inside(new)) {
            (Some(old), Some(new)) if old != new => places(at, &old, &new, found),
            _ => leaf(at, Some(before), Some(after), found),
        },
        _ => leaf(at, Some(before), Some(after), found),
    }
}

fn place(at: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Place>) {
    match (before, after) {
        (Some(before), Some(after)) => places(at, before, after, found),
        (before, after) => leaf(at, before, after, found),
    }
}

fn leaf(at: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Place>) {
    if found.len() < PLACES {
        found.push(Place {
            at: at.to_owned(),
            before: before.map(Value::to_string),
            after: after.map(Value::to_string),
        });
    }
}

fn inside(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() || value.is_array()).then_some(value)
}

fn times(before: &Session, after: &Session, slower: Option<u32>) -> Vec<Times> {
    let (old, new) = (by_tool(before), by_tool(after));
    let both = old.into_iter().filter_map(|(tool, old)| {
        let new = new.get(&tool)?;
        let (before, after) = (median(&old)?, median(new)?);
        let allowed = slower.map(|percent| before.mul_f64(1.0 + f64::from(percent) / 100.0));
        Some(Times {
            calls: (old.len(), new.len()),
            slower: allowed.is_some_and(|allowed| after > allowed),
            tool,
            before,
            after,
        })
    });
    both.collect()
}

fn by_tool(session: &Session) -> BTreeMap<String, Vec<Duration>> {
    let mut tools: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for call in &session.calls {
        if let Some(took) = call.took {
            tools.entry(call.tool.clone()).or_default().push(took);
        }
    }
    tools
}

fn median(times: &[Duration]) -> Option<Duration> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let upper = *times.get(times.len() / 2)?;
    let lower = *times.get((times.len() - 1) / 2)?;
    Some((upper + lower) / 2)
}
