//! Holds what came against what was expected. Pure: the same two give the same failures, in the order of the file's keys.

use serde::Serialize;
use serde_json::Value;

use crate::cli::test::came::Came;
use crate::config::cases::{Expect, ExpectedCall, Field, Part, Want};
use crate::host::arguments;
use crate::mcp::wire::lines::head;
use crate::text::human;

/// How much of an answer a failure shows.
const SHOWN: usize = 600;

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What was expected.
    pub expected: String,
    /// What came.
    pub came: String,
}

/// Everything that is not as expected.
pub fn judge(expect: &Expect, came: &Came) -> Vec<Failure> {
    let mut failures = Vec::new();
    if let Some(why) = &came.nothing {
        failures.push(failure("an answer", why));
    } else {
        failures.extend(error(expect, came));
        failures.extend(text(expect, came));
        failures.extend(expect.json.iter().filter_map(|field| {
            let whole = match field.of {
                Part::Content => came.content.as_ref(),
                Part::Result => Some(&came.result),
            };
            one_field(field, whole, &came.text)
        }));
        failures.extend(schema(expect, came));
    }
    if let Some(calls) = &expect.calls {
        failures.extend(all_calls(calls, &came.calls));
    }
    if let Some(limit) = expect.within
        && came.took > limit
    {
        failures.push(Failure {
            expected: format!("an answer within {}", human::duration(limit)),
            came: human::duration(came.took),
        });
    }
    failures
}

fn failure(expected: impl Into<String>, came: &str) -> Failure {
    Failure {
        expected: expected.into(),
        came: shown(came),
    }
}

/// The beginning of what may be very long.
fn shown(text: &str) -> String {
    match head(text, SHOWN) {
        whole if whole.len() == text.len() => whole.to_owned(),
        part => format!("{part}... ({} in all)", human::bytes(text.len() as u64)),
    }
}

/// Whether it went wrong, where it should, and in the way in which it should.
fn error(expect: &Expect, came: &Came) -> Option<Failure> {
    let refusal = |code: i64| format!("the server refused ({code}): {}", came.text);
    let error = match (expect.error_code, came.error_code) {
        (Some(wanted), Some(code)) if wanted == code => None,
        (Some(wanted), code) => {
            let came = code.map_or_else(|| came.text.clone(), refusal);
            Some(failure(format!("the error code {wanted}"), &came))
        }
        (None, Some(_)) if expect.is_error => None,
        (None, Some(code)) => Some(failure("an answer", &refusal(code))),
        (None, None) if expect.is_error == came.is_error => None,
        (None, None) if expect.is_error => {
            let what = "an error of the tool (is_error = true)";
            Some(failure(what, &came.text))
        }
        (None, None) => {
            let text = format!("the tool failed: {}", came.text);
            Some(failure("no error", &text))
        }
    };
    let mismatch = came.mismatch.as_deref();
    error.or_else(|| {
        let what = "structured content that fits the tool's own outputSchema";
        mismatch.map(|why| failure(what, why))
    })
}

fn text(expect: &Expect, came: &Came) -> Vec<Failure> {
    let text = came.text.as_str();
    let is = |wanted: &String| text.trim_end() == wanted.trim_end();
    let whole = expect.text.iter().filter(|wanted| !is(wanted));
    let whole = whole.map(|wanted| format!("the text {wanted:?}"));
    let parts = expect.contains.iter();
    let parts = parts.filter(|part| !text.contains(part.as_str()));
    let parts = parts.map(|part| format!("a text that contains {part:?}"));
    let lacks = expect.lacks.iter();
    let lacks = lacks.filter(|part| text.contains(part.as_str()));
    let lacks = lacks.map(|part| format!("a text without {part:?}"));
    let matches = expect.matches.iter();
    let matches = matches.filter(|pattern| !pattern.is_match(text));
    let matches = matches.map(|pattern| format!("a text that matches `{}`", pattern.as_str()));
    let all = whole.chain(parts).chain(lacks).chain(matches);
    all.map(|expected| failure(expected, text)).collect()
}

fn schema(expect: &Expect, came: &Came) -> Option<Failure> {
    let schema = expect.schema.as_ref()?;
    let what = "JSON that fits the schema";
    match &came.content {
        None => Some(failure(what, &format!("no JSON: {}", came.text))),
        Some(value) => {
            let checked = arguments::check_output(value, &schema.value);
            checked.err().map(|why| failure(what, &why))
        }
    }
}

/// Looks at one place of the JSON.
fn one_field(field: &Field, whole: Option<&Value>, text: &str) -> Option<Failure> {
    let path = &field.written;
    let Some(whole) = whole else {
        return Some(failure(
            format!("JSON with `{path}`"),
            &format!("no JSON: {text}"),
        ));
    };
    let found = field.path.query(whole).all();
    let is_one = is_singular(path);
    let (is_met, wish) = met(&field.want, &found, is_one);
    if is_met {
        return None;
    }
    let came = match found.as_slice() {
        [] => "nothing is there".to_owned(),
        [one] => one.to_string(),
        several => {
            let all: Vec<String> = several.iter().map(ToString::to_string).collect();
            format!("{} values: {}", all.len(), all.join(", "))
        }
    };
    Some(failure(format!("`{path}` {wish}"), &came))
}

/// Whether a path leads to one place (RFC 9535, 2.3.5.1): there an array is wanted as it is, and not its items one by one.
fn is_singular(path: &str) -> bool {
    !path.contains(['*', '?', ':', ',']) && !path.contains("..")
}

/// Whether the values found are as wanted, and the wish in words.
fn met(want: &Want, found: &[&Value], is_one: bool) -> (bool, String) {
    let all = |is_good: &dyn Fn(&str) -> bool| {
        let good = |value: &&Value| match value {
            Value::String(text) => is_good(text),
            Value::Number(number) => is_good(&number.to_string()),
            _ => false,
        };
        !found.is_empty() && found.iter().all(good)
    };
    match want {
        Want::Equals(wanted) => {
            let one = matches!(found, [one] if same(one, wanted));
            let several = matches!(wanted, Value::Array(items) if items.len() == found.len()
                && !is_one
                && !found.is_empty()
                && items.iter().zip(found).all(|(item, value)| same(item, value)));
            (one || several, format!("to be {wanted}"))
        }
        Want::Contains(part) => (
            all(&|text| text.contains(part.as_str())),
            format!("to contain {part:?}"),
        ),
        Want::Matches(pattern) => (
            all(&|text| pattern.is_match(text)),
            format!("to match `{}`", pattern.as_str()),
        ),
        Want::Exists(wanted) => {
            let words = if *wanted {
                "to be there"
            } else {
                "not to be there"
            };
            (found.is_empty() != *wanted, words.to_owned())
        }
        Want::Count(wanted) => (found.len() == *wanted, format!("to find {wanted} values")),
    }
}

/// Whether two values mean the same: `5` and `5.0` do, and so do objects with their keys in another order.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || (x.is_f64() != y.is_f64() && x.as_f64() == y.as_f64())
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            let fits = |(key, value): (&String, &Value)| y.get(key).is_some_and(|y| same(value, y));
            x.len() == y.len() && x.iter().all(fits)
        }
        _ => a == b,
    }
}

/// The calls of the model, one after the other; what is too many or too few is said once.
fn all_calls(wanted: &[ExpectedCall], made: &[(String, Value)]) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (at, (want, made)) in wanted.iter().zip(made).enumerate() {
        failures.extend(one_call(at + 1, want, made));
    }
    if wanted.len() != made.len() {
        let names: Vec<&str> = wanted.iter().map(|call| call.tool.as_str()).collect();
        let came: Vec<&str> = made.iter().map(|(tool, _)| tool.as_str()).collect();
        let list = |names: &[&str]| match names {
            [] => "no call".to_owned(),
            [one] => format!("1 call: {one}"),
            names => format!("{} calls: {}", names.len(), names.join(", ")),
        };
        failures.push(failure(list(&names), &list(&came)));
    }
    failures
}

fn one_call(
    number: usize,
    want: &ExpectedCall,
    (tool, arguments): &(String, Value),
) -> Vec<Failure> {
    let came = format!("{tool} {arguments}");
    if want.tool != *tool {
        let expected = format!("call {number} to be of `{}`", want.tool);
        return vec![failure(expected, &came)];
    }
    let mut failures = Vec::new();
    if let Some(wanted) = &want.arguments
        && !same(wanted, arguments)
    {
        let expected = format!("call {number}, `{tool}`, with {wanted}");
        failures.push(failure(expected, &arguments.to_string()));
    }
    for field in &want.json {
        if let Some(found) = one_field(field, Some(arguments), "") {
            failures.push(Failure {
                expected: format!("call {number}, `{tool}`, with {}", found.expected),
                came: found.came,
            });
        }
    }
    failures
}

#[cfg(test)]
mod tests;
