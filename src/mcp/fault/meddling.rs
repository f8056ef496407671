//! What the faults of one connection do to each message: counted, decided and written here, carried out by `transport`.
//!
//! Pure: the same messages and the same faults give the same plans. Knows of requests only whether they were calls.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Cadence, Fault, FaultKind, Faults, Scope};

/// Calls under way that are remembered.
const CALLS: usize = 4096;
/// The longest that one message drips.
const DRIP: Duration = Duration::from_secs(30);

/// The faults of one connection, and how far each of them has counted.
#[derive(Debug, Clone, Default)]
pub struct Meddling {
    faults: Faults,
    counts: BTreeMap<FaultKind, u64>,
    /// Ids of calls under way.
    calls: BTreeSet<i64>,
}

/// What becomes of one message from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// It waits so long.
    pub delay: Option<Duration>,
    /// Each of its bytes takes so long.
    pub drip: Option<Duration>,
    /// It does not arrive.
    pub drop: bool,
    /// It arrives twice.
    pub twice: bool,
    /// It arrives behind the next one.
    pub behind: bool,
    /// It is cut in its middle.
    pub cut: bool,
    /// Its result is one of so many bytes.
    pub giant: Option<usize>,
    /// So many `list_changed` come behind it.
    pub storm: u64,
}

impl Meddling {
    /// Other faults are on from now on. Those that stay as they are count on.
    pub fn set(&mut self, faults: Faults) {
        let before = std::mem::replace(&mut self.faults, faults);
        let is_same = |kind: &FaultKind| before.0.get(kind) == self.faults.0.get(kind);
        self.counts.retain(|kind, _| is_same(kind));
        if self.faults.is_empty() {
            self.calls.clear();
        }
    }

    /// Whether any is on.
    pub fn is_on(&self) -> bool {
        !self.faults.is_empty()
    }

    /// A request goes out: its answer is known by its id.
    pub fn sent(&mut self, message: &Value) {
        if let Some(id) = id_of(message).filter(|_| is_call(message)) {
            if self.calls.len() >= CALLS {
                self.calls.pop_first();
            }
            self.calls.insert(id);
        }
    }

    /// Which of these faults strikes a request on its way out. Only the first that is due counts.
    pub fn at_request(&mut self, message: &Value, kinds: &[FaultKind]) -> Option<FaultKind> {
        let is_request = id_of(message).is_some() && message.get("method").is_some();
        let is_call = is_call(message);
        let mut due = |kind: &&FaultKind| is_request && self.is_due(**kind, is_call).is_some();
        kinds.iter().find(|kind| due(kind)).copied()
    }

    /// What becomes of a message from the server, and by which faults.
    pub fn at_answer(&mut self, message: &Value) -> (Plan, Vec<FaultKind>) {
        let is_answer = message.get("method").is_none();
        let of_call = is_answer && id_of(message).is_some_and(|id| self.calls.remove(&id));
        let mut plan = Plan::default();
        let mut struck = Vec::new();
        for kind in FaultKind::ALL {
            let has_result = message.get("result").is_some();
            if kind.is_outward() || (kind == FaultKind::Giant && !has_result) {
                continue;
            }
            if let Some(fault) = self.is_due(kind, of_call) {
                plan.add(kind, fault.amount);
                struck.push(kind);
            }
        }
        (plan, struck)
    }

    /// Counts a message that a fault may concern; gives the fault when it strikes.
    fn is_due(&mut self, kind: FaultKind, of_call: bool) -> Option<Fault> {
        let fault = *self.faults.0.get(&kind)?;
        if fault.scope == Scope::Calls && !of_call {
            return None;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        match fault.cadence {
            Cadence::Always => Some(fault),
            Cadence::Every(nth) => (*count).is_multiple_of(nth.max(1).into()).then_some(fault),
            Cadence::Once => self.faults.0.remove(&kind),
        }
    }
}

impl Plan {
    fn add(&mut self, kind: FaultKind, amount: u64) {
        match kind {
            FaultKind::Delay => self.delay = Some(Duration::from_millis(amount)),
            FaultKind::Drip => self.drip = Some(Duration::from_millis(amount.max(1))),
            FaultKind::Drop => self.drop = true,
            FaultKind::Duplicate => self.twice = true,
            FaultKind::Reorder => self.behind = true,
            FaultKind::Malformed => self.cut = true,
            FaultKind::ListStorm => self.storm = amount,
            FaultKind::Giant => {
                let bytes = usize::try_from(amount).unwrap_or(1).saturating_mul(1 << 20);
                self.giant = Some(bytes);
            }
            FaultKind::Unauthorized | FaultKind::Expired | FaultKind::Kill => {}
        }
    }

    /// The message as the host gets it.
    pub fn altered<'a>(&self, text: &'a str, message: &Value) -> Cow<'a, str> {
        let text = match self.giant {
            Some(bytes) => Cow::Owned(giant(message, bytes)),
            None => Cow::Borrowed(text),
        };
        if !self.cut {
            return text;
        }
        let mut end = text.len() / 2;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Cow::Owned(text[..end].to_owned())
    }

    /// Bytes that come at once, and the wait behind each such piece, for a message of so many bytes. A long one comes in larger
    /// pieces: nobody waits for hours.
    pub fn pieces(&self, bytes: usize) -> Option<(usize, Duration)> {
        let wait = self.drip?;
        let most = (DRIP.as_millis() / wait.as_millis().max(1)).max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Some((bytes.div_ceil(most).max(1), wait))
    }

    /// What a fault did to this message, for the time line.
    pub fn words(&self, kind: FaultKind, text: &str) -> String {
        let millis = |wait: Option<Duration>| wait.unwrap_or_default().as_millis();
        match kind {
            FaultKind::Delay => format!("held back for {} ms", millis(self.delay)),
            FaultKind::Drip => format!(
                "comes byte by byte: {} bytes, {} ms each",
                text.len(),
                millis(self.drip)
            ),
            FaultKind::Drop => "never reached the host".to_owned(),
            FaultKind::Duplicate => "reached the host twice".to_owned(),
            FaultKind::Reorder => "goes to the host behind the next message".to_owned(),
            FaultKind::Malformed => format!("reached the host cut in its middle: {}", end_of(text)),
            FaultKind::ListStorm => {
                format!(
                    "{} notifications/tools/list_changed were put behind it",
                    self.storm
                )
            }
            FaultKind::Giant => {
                let bytes = self.giant.unwrap_or_default() >> 20;
                format!("its result was replaced with one of {bytes} MiB")
            }
            FaultKind::Unauthorized => {
                "answered HTTP 401 by the lab; the server did not get it".to_owned()
            }
            FaultKind::Expired => {
                "answered HTTP 404 by the lab, as for a session that is gone; the server did not get it"
                    .to_owned()
            }
            FaultKind::Kill => {
                "the server's process was killed by the lab right after it got this".to_owned()
            }
        }
    }
}

/// The last characters of what is left of a message, which show where it was cut.
fn end_of(text: &str) -> String {
    let mut end: Vec<char> = text.chars().rev().take(60).collect();
    end.reverse();
    let end: String = end.into_iter().collect();
    match text.len() > end.len() {
        true => format!("…{end}"),
        false => end,
    }
}

/// The word that a storm is made of.
pub fn list_changed() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })
}

/// An answer like this one with a result of so many bytes, of a form that any of the three methods may be answered in.
fn giant(message: &Value, bytes: usize) -> String {
    let mut answer = message.clone();
    let text = "0123456789abcdef".repeat(bytes / 16);
    if let Some(result) = answer.get_mut("result").and_then(Value::as_object_mut) {
        result.remove("structuredContent");
        if result.contains_key("contents") {
            let uri = result
                .get("contents")
                .and_then(|of| of.pointer("/0/uri").cloned());
            let uri = uri.unwrap_or_else(|| "lab:giant".into());
            result.insert("contents".to_owned(), json!([{ "uri": uri, "text": text }]));
        } else if result.contains_key("messages") {
            let content = json!({ "type": "text", "text": text });
            let messages = json!([{ "role": "user", "content": content }]);
            result.insert("messages".to_owned(), messages);
        } else {
            let content = json!([{ "type": "text", "text": text }]);
            result.insert("content".to_owned(), content);
        }
    }
    answer.to_string()
}

fn id_of(message: &Value) -> Option<i64> {
    match message.get("id")? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn is_call(message: &Value) -> bool {
    let method = message.get("method").and_then(Value::as_str);
    matches!(
        method,
        Some("tools/call" | "resources/read" | "prompts/get")
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on(kind: FaultKind, cadence: Cadence, scope: Scope) -> Meddling {
        let amount = Fault::usual(kind).amount;
        let fault = Fault {
            cadence,
            scope,
            amount,
        };
        let mut meddling = Meddling::default();
        meddling.set(Faults([(kind, fault)].into()));
        meddling
    }

    fn call(id: i64) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call" })
    }

    fn answer(id: i64) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "result": { "content": [] } })
    }

    fn dropped(meddling: &mut Meddling, ids: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut gone = Vec::new();
        for id in ids {
            meddling.sent(&call(id));
            if meddling.at_answer(&answer(id)).0.drop {
                gone.push(id);
            }
        }
        gone
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_is_set_to() {
        for (cadence, gone) in [
            (Cadence::Once, vec![1]),
            (Cadence::Always, vec![1, 2, 3, 4, 5]),
            (Cadence::Every(2), vec![2, 4]),
            (Cadence::Every(0), vec![1, 2, 3, 4, 5]),
        ] {
            let mut meddling = on(FaultKind::Drop, cadence, Scope::Calls);
            assert_eq!(dropped(&mut meddling, 1..=5), gone, "{cadence:?}");
            assert_eq!(meddling.is_on(), cadence != Cadence::Once);
        }
    }

    #[test]
    fn what_is_no_call_is_left_alone_unless_everything_is_meant() {
        let ping = json!({ "jsonrpc": "2.0", "id": 9, "method": "ping" });
        let pong = json!({ "jsonrpc": "2.0", "id": 9, "result": {} });
        let note = json!({ "jsonrpc": "2.0", "method": "notifications/message" });
        for (scope, struck) in [(Scope::Calls, false), (Scope::Everything, true)] {
            let mut meddling = on(FaultKind::Drop, Cadence::Always, scope);
            meddling.sent(&ping);
            assert_eq!(meddling.at_answer(&pong).0.drop, struck);
            assert_eq!(meddling.at_answer(&note).0.drop, struck);
            let mut meddling = on(FaultKind::Kill, Cadence::Always, scope);
            let kinds = [FaultKind::Kill];
            assert_eq!(meddling.at_request(&ping, &kinds).is_some(), struck);
            assert_eq!(meddling.at_request(&call(1), &kinds), Some(kinds[0]));
            assert_eq!(meddling.at_request(&note, &kinds), None);
        }
    }

    #[test]
    fn a_giant_result_is_of_the_form_of_the_one_that_it_replaces() {
        let plan = Plan {
            giant: Some(1 << 20),
            ..Plan::default()
        };
        for (result, place) in [
            (
                json!({ "content": [], "structuredContent": {} }),
                "/result/content/0/text",
            ),
            (
                json!({ "contents": [{ "uri": "a:b", "text": "x" }] }),
                "/result/contents/0/text",
            ),
            (json!({ "messages": [] }), "/result/messages/0/content/text"),
        ] {
            let message = json!({ "jsonrpc": "2.0", "id": "7", "result": result });
            let text = plan.altered("", &message);
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["id"], "7");
            let long = value.pointer(place).and_then(Value::as_str).unwrap();
            assert_eq!(long.len(), 1 << 20);
            assert_eq!(value.pointer("/result/structuredContent"), None);
        }
    }

    proptest! {
        #[test]
        fn a_message_is_cut_between_characters_and_is_no_json_any_more(text in "[a-zé語🚀\"]{0,40}") {
            let message = json!({ "jsonrpc": "2.0", "id": 1, "result": { "text": text } });
            let whole = message.to_string();
            let plan = Plan { cut: true, ..Plan::default() };
            let cut = plan.altered(&whole, &message);
            prop_assert!(whole.starts_with(&*cut) && cut.len() <= whole.len() / 2);
            prop_assert!(serde_json::from_str::<Value>(&cut).is_err());
        }

        #[test]
        fn nothing_drips_for_longer_than_its_bound(bytes in 0usize..100_000_000, wait in 1u64..1000) {
            let plan = Plan { drip: Some(Duration::from_millis(wait)), ..Plan::default() };
            let (piece, wait) = plan.pieces(bytes).unwrap();
            let pieces = u32::try_from(bytes.div_ceil(piece)).unwrap();
            prop_assert!(wait * pieces <= DRIP);
        }
    }
}
