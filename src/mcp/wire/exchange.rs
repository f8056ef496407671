//! Requests with their answers, out of what passed on a wire: what is compared and exported.
//!
//! Pure. Lines that were cut, and lines that are no messages, have no part in it; they are counted.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::ids::{Generation, ServerName};
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};

/// One request and what came of it, or one notification.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange<'r> {
    /// The request's record.
    pub request: &'r WireRecord,
    /// Whether the client sent it.
    pub from_us: bool,
    /// Its method.
    pub method: &'r str,
    /// Its parameters; absent where it has none, or its text was cut.
    pub params: Option<Value>,
    /// It wants no answer.
    pub is_notification: bool,
    /// The answer, if it came.
    pub answer: Option<Answer<'r>>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<'r> {
    /// Its record.
    pub record: &'r WireRecord,
    /// `result`, or `error`.
    pub result: Result<Value, Value>,
}

/// What passed.
#[derive(Debug, Default)]
pub struct Exchanges<'r> {
    /// In the order of the requests.
    pub all: Vec<Exchange<'r>>,
    /// Lines of stderr, noise, and what else is no message.
    pub others: usize,
}

impl Exchange<'_> {
    /// How long the answer took.
    pub fn took(&self) -> Option<Duration> {
        let answer = self.answer.as_ref()?;
        Some(answer.record.at.since(self.request.at))
    }

    /// The tool, prompt or resource that it is about.
    pub fn about(&self) -> Option<&str> {
        let params = self.params.as_ref()?;
        let named = params.get("name").or_else(|| params.get("uri"));
        named.and_then(Value::as_str)
    }

    /// Whether it asks for the first page of a list.
    pub fn is_first_page(&self) -> bool {
        let params = self.params.as_ref();
        params.is_none_or(|params| params.get("cursor").is_none())
    }

    /// The tool's name and its arguments, where the client calls one.
    pub fn tool_call(&self) -> Option<(&str, &Value)> {
        const NONE: &Value = &Value::Null;
        if !self.from_us || self.method != "tools/call" {
            return None;
        }
        let params = self.params.as_ref()?;
        let name = params.get("name")?.as_str()?;
        Some((name, params.get("arguments").unwrap_or(NONE)))
    }
}

/// Ties answers to their requests.
pub fn exchanges(records: &[WireRecord]) -> Exchanges<'_> {
    let mut open: HashMap<(&ServerName, Generation, bool, &str), usize> = HashMap::new();
    let mut found = Exchanges::default();
    for record in records {
        let out = record.direction == Direction::Out;
        let key = |from_us, id| (&record.server, record.generation, from_us, id);
        match &record.kind {
            WireKind::Request { id, method } => {
                open.insert(key(out, id.as_str()), found.all.len());
                found.all.push(begun(record, method, false));
            }
            WireKind::Notification { method } => found.all.push(begun(record, method, true)),
            WireKind::Response { id } | WireKind::Error { id, .. } => {
                let asked = open.remove(&key(!out, id.as_str()));
                match asked.and_then(|at| found.all.get_mut(at)) {
                    Some(exchange) => exchange.answer = Some(answer(record)),
                    None => found.others += 1,
                }
            }
            _ => found.others += 1,
        }
    }
    found
}

fn begun<'r>(record: &'r WireRecord, method: &'r str, is_notification: bool) -> Exchange<'r> {
    Exchange {
        request: record,
        from_us: record.direction == Direction::Out,
        method,
        params: member(&record.text, "params"),
        is_notification,
        answer: None,
    }
}

fn answer(record: &WireRecord) -> Answer<'_> {
    let result = match record.kind {
        WireKind::Error { .. } => Err(member(&record.text, "error").unwrap_or_default()),
        _ => Ok(member(&record.text, "result").unwrap_or_default()),
    };
    Answer { record, result }
}

fn member(text: &str, name: &str) -> Option<Value> {
    let mut message: Value = serde_json::from_str(text).ok()?;
    message.get_mut(name).map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::wire::record::example as record;

    #[test]
    fn answers_of_both_sides_find_their_requests_and_the_rest_is_counted() {
        let (out, back) = (Direction::Out, Direction::In);
        let records = [
            record(
                1,
                out,
                r#"{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":1}}}"#,
            ),
            record(2, back, r#"{"id":1,"method":"roots/list"}"#),
            record(3, out, r#"{"id":1,"result":{"roots":[]}}"#),
            record(4, Direction::Stderr, "noise"),
            record(5, back, r#"{"method":"notifications/progress"}"#),
            record(7, back, r#"{"id":1,"error":{"code":-1,"message":"no"}}"#),
            record(8, back, r#"{"id":9,"result":{}}"#),
        ];
        let found = exchanges(&records);
        assert_eq!(found.others, 2);
        let told: Vec<_> = found
            .all
            .iter()
            .map(|e| (e.method, e.from_us, e.took()))
            .collect();
        let millis = |ms| Some(Duration::from_millis(ms));
        assert_eq!(
            told,
            [
                ("tools/call", true, millis(6)),
                ("roots/list", false, millis(1)),
                ("notifications/progress", false, None),
            ]
        );
        let call = &found.all[0];
        assert_eq!(call.tool_call(), Some(("t", &serde_json::json!({"a": 1}))));
        assert!(call.answer.as_ref().is_some_and(|a| a.result.is_err()));
        assert!(found.all[1].tool_call().is_none());
    }
}
