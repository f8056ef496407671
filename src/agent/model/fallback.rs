//! Calls that a model wrote as text: bare JSON, a fenced block, or `<tool_call>` (also `<tools>`).
//!
//! Pure; used by `assemble`, which asks only when there was no structured call. Strict on purpose: the whole answer must be calls, each
//! names an offered tool and brings its required keys. Whatever is found here is confirmed like any other call.

use serde_json::{Map, Value};

use crate::agent::model::request::ToolOffer;

/// A longer text is no call; this bounds what is held back and the work of looking at it.
const MAX_HELD: usize = 64 * 1024;

/// Qwen's templates ask for the first; its small models also write the second, in which the template lists the tools.
const TAGS: [(&str, &str); 2] = [("<tool_call>", "</tool_call>"), ("<tools>", "</tools>")];
const FENCE: &str = "```";

/// The first keys that a call written as JSON may have.
const FIRST_KEYS: [&str; 9] = [
    "name",
    "arguments",
    "parameters",
    "function",
    "tool",
    "tool_name",
    "tool_calls",
    "type",
    "id",
];

/// A call as it stood in the text: name and arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenCall {
    /// The offered name.
    pub name: String,
    /// The arguments, an object as JSON.
    pub arguments: String,
}

/// The calls that this whole answer consists of, or nothing if it is an answer in words.
pub fn calls_in(answer: &str, offers: &[ToolOffer]) -> Option<Vec<WrittenCall>> {
    let answer = answer.trim();
    if offers.is_empty() || answer.len() > MAX_HELD {
        return None;
    }
    let mut calls = Vec::new();
    for body in bodies(answer)? {
        for value in serde_json::Deserializer::from_str(body).into_iter::<Value>() {
            calls.extend(from_value(&value.ok()?, offers)?);
        }
    }
    (!calls.is_empty()).then_some(calls)
}

/// The JSON inside the wrapping; `None` if there is anything beside it.
fn bodies(answer: &str) -> Option<Vec<&str>> {
    let mut bodies = Vec::new();
    let mut rest = answer;
    while !rest.is_empty() {
        let (body, after) = if let Some((inner, close)) = tagged(rest) {
            // Some servers end the answer at the closing tag and swallow it.
            inner.split_once(close).unwrap_or((inner, ""))
        } else if let Some(inner) = rest.strip_prefix(FENCE) {
            let (info, inner) = inner.split_once('\n')?;
            if !is_call_fence(info) {
                return None;
            }
            inner
                .split_once("\n```")
                .or_else(|| inner.split_once(FENCE))
                .unwrap_or((inner, ""))
        } else {
            (rest, "")
        };
        bodies.push(body);
        rest = after.trim_start();
    }
    Some(bodies)
}

/// What stands behind an opening tag, and the tag that closes it.
fn tagged(text: &str) -> Option<(&str, &'static str)> {
    TAGS.iter()
        .find_map(|(open, close)| Some((text.strip_prefix(open)?, *close)))
}

fn is_call_fence(info: &str) -> bool {
    matches!(
        info.trim(),
        "" | "json" | "JSON" | "tool_call" | "tool_code" | "tool" | "xml"
    )
}

fn from_value(value: &Value, offers: &[ToolOffer]) -> Option<Vec<WrittenCall>> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let calls: Option<Vec<_>> = items.iter().map(|item| from_value(item, offers)).collect();
            Some(calls?.into_iter().flatten().collect())
        }
        Value::Object(fields) => match fields.get("tool_calls") {
            Some(calls) if fields.len() == 1 => from_value(calls, offers),
            Some(_) => None,
            None => Some(vec![from_object(fields, offers)?]),
        },
        _ => None,
    }
}

fn from_object(fields: &Map<String, Value>, offers: &[ToolOffer]) -> Option<WrittenCall> {
    let call = match fields.get("function") {
        Some(Value::Object(inner)) => inner,
        _ => fields,
    };
    let name = ["name", "tool", "tool_name", "function"]
        .iter()
        .find_map(|key| call.get(*key)?.as_str())?;
    let arguments = match ["arguments", "parameters"]
        .iter()
        .find_map(|key| call.get(*key))?
    {
        Value::Object(arguments) => arguments.clone(),
        Value::String(text) => serde_json::from_str(text).ok()?,
        _ => return None,
    };
    let offer = offers.iter().find(|offer| offer.name == name)?;
    let required = offer.schema.get("required").and_then(Value::as_array);
    let complete = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .all(|key| arguments.contains_key(key));
    complete.then(|| WrittenCall {
        name: name.to_owned(),
        arguments: Value::Object(arguments).to_string(),
    })
}

/// Holds back the beginning of an answer as long as it may be a call, so that nothing that was shown has to be taken back.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    held: String,
    open: bool,
    /// Looking again at every fragment would cost the square of the length.
    next_look: usize,
}

impl Gate {
    /// A gate that holds nothing: for requests without tools.
    pub fn open() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// More of the answer; gives what may be shown now.
    pub fn push(&mut self, text: &str) -> String {
        if self.open {
            return text.to_owned();
        }
        self.held.push_str(text);
        if self.held.len() < self.next_look {
            return String::new();
        }
        if may_be_call(&self.held) {
            self.next_look = self.held.len() + self.held.len() / 4;
            return String::new();
        }
        self.open = true;
        std::mem::take(&mut self.held)
    }

    /// What was held back until the end.
    pub fn into_held(self) -> String {
        self.held
    }
}

/// Whether a text that begins so may still become a call.
fn may_be_call(start: &str) -> bool {
    let start = start.trim_start();
    if start.len() > MAX_HELD {
        return false;
    }
    let mut openings = TAGS.iter().map(|(open, _)| *open).chain([FENCE]);
    if openings.any(|opening| opening.starts_with(start)) {
        return true;
    }
    if let Some((inner, close)) = tagged(start) {
        return may_be_wrapped(inner, close);
    }
    if let Some(inner) = start.strip_prefix(FENCE) {
        return match inner.split_once('\n') {
            Some((info, body)) => is_call_fence(info) && may_be_wrapped(body, FENCE),
            None => inner.len() < 16,
        };
    }
    may_be_json_call(start)
}

/// The JSON up to its closing mark, of which perhaps only a part has come; behind it only another call may follow.
fn may_be_wrapped(inner: &str, close: &str) -> bool {
    if let Some((body, after)) = inner.split_once(close) {
        return may_be_json_call(body) && (after.trim().is_empty() || may_be_call(after));
    }
    let partial = (1..close.len())
        .rev()
        .find(|length| inner.ends_with(&close[..*length]));
    may_be_json_call(&inner[..inner.len() - partial.unwrap_or(0)])
}

fn may_be_json_call(start: &str) -> bool {
    let start = start.trim_start();
    let inner = start.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    let Some(inside) = inner.strip_prefix('{') else {
        return inner.is_empty();
    };
    let first_key_fits = match inside.trim_start().strip_prefix('"') {
        Some(key) => match key.split_once('"') {
            Some((key, _)) => FIRST_KEYS.contains(&key),
            None => FIRST_KEYS.iter().any(|known| known.starts_with(key)),
        },
        None => inside.trim_start().is_empty(),
    };
    first_key_fits
        && serde_json::Deserializer::from_str(start)
            .into_iter::<serde::de::IgnoredAny>()
            .all(|value| value.map_or_else(|error| error.is_eof(), |_| true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn offers() -> Vec<ToolOffer> {
        let offer = |name: &str, required: Value| ToolOffer {
            name: name.into(),
            description: String::new(),
            schema: json!({"type": "object", "required": required}),
        };
        vec![offer("list", json!([])), offer("write", json!(["path"]))]
    }

    fn names(answer: &str) -> Option<Vec<String>> {
        let calls = calls_in(answer, &offers())?;
        Some(
            calls
                .into_iter()
                .map(|call| format!("{}{}", call.name, call.arguments))
                .collect(),
        )
    }

    const CALLS: [&str; 9] = [
        r#"{"name": "list", "arguments": {}}"#,
        "```json\n{\"name\": \"list\", \"arguments\": {}}\n```",
        "\n```\n{\"name\": \"list\", \"parameters\": {}}\n```\n",
        "<tool_call>\n{\"name\": \"list\", \"arguments\": {}}\n</tool_call>",
        "<tool_call>{\"name\": \"list\", \"arguments\": \"{}\"}",
        "<tools>\n{\"name\": \"list\", \"arguments\": {}}\n</tools>",
        r#"{"type": "function", "function": {"name": "list", "arguments": "{}"}}"#,
        r#"[{"name": "list", "arguments": {}}]"#,
        r#"{"tool_calls": [{"function": {"name": "list", "arguments": {}}}]}"#,
    ];

    #[test]
    fn each_way_of_writing_a_call_is_read() {
        for answer in CALLS {
            assert_eq!(names(answer), Some(vec!["list{}".into()]), "{answer}");
        }
        let two = "<tool_call>{\"name\":\"list\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"write\",\"arguments\":{\"path\":\"a\"}}</tool_call>";
        assert_eq!(
            names(two),
            Some(vec!["list{}".into(), r#"write{"path":"a"}"#.into()])
        );
    }

    #[test]
    fn an_answer_in_words_or_an_incomplete_call_is_none() {
        for answer in [
            "",
            "Hello",
            r#"I call {"name": "list", "arguments": {}}"#,
            r#"{"name": "list", "arguments": {}} and then"#,
            "```json\n{\"name\": \"list\", \"arguments\": {}}\n```\nThat is how.",
            "```rust\n{\"name\": \"list\", \"arguments\": {}}\n```",
            r#"{"name": "erase", "arguments": {}}"#,
            r#"{"name": "write", "arguments": {"file": "a"}}"#,
            r#"{"name": "list"}"#,
            r#"{"name": "list", "arguments": [1]}"#,
            r#"[{"name": "list", "arguments": {}}, 3]"#,
            r#"{"name": "list", "arguments": {"#,
            "[]",
        ] {
            assert_eq!(names(answer), None, "{answer}");
        }
        assert_eq!(calls_in(CALLS[0], &[]), None);
    }

    #[test]
    fn text_that_is_no_call_is_let_through_at_once() {
        for (text, shown) in [
            ("Hel", true),
            ("{\"na", false),
            ("{\"colour", true),
            ("{\"name\": \"x\"", false),
            ("{ no", true),
            ("``", false),
            ("```py", false),
            ("```python\n", true),
            ("```json\n{\"ke", true),
            ("```json\n{", false),
            ("<tool", false),
            ("<b>", true),
            ("<tool_call>\nno", true),
            ("  ", false),
            ("{\"name\": \"x\"} no", true),
        ] {
            let mut gate = Gate::default();
            assert_eq!(gate.push(text) == text, shown, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn however_it_is_cut_a_call_is_never_shown_and_no_text_is_lost(
            which in 0..CALLS.len() + 3,
            cuts in proptest::collection::vec(1..5_usize, 1..200),
        ) {
            let texts = ["Just words, `code` and {braces}.", "{\"answer\": 42}", "```json\n{\"a\": 1}\n```\nThat was it."];
            let whole = CALLS.get(which).copied().unwrap_or_else(|| texts[which - CALLS.len()]);
            let mut gate = Gate::default();
            let mut shown = String::new();
            let mut letters = whole.chars();
            for cut in cuts.iter().cycle() {
                let piece: String = letters.by_ref().take(*cut).collect();
                if piece.is_empty() {
                    break;
                }
                shown += &gate.push(&piece);
            }
            if which < CALLS.len() {
                prop_assert_eq!(&shown, "");
            }
            prop_assert_eq!(shown + &gate.into_held(), whole);
        }
    }
}
