//! Each kind of expectation, met and not met.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::config::cases::{self, Suite};
use crate::config::{Environment, Flags};

/// What is expected, as a file has it.
fn expectation(act: &str, text: &str) -> Expect {
    let file = format!(
        "server = \"s\"\n[model]\nprovider = \"none\"\n[[case]]\n{act}\n[case.expect]\n{text}\n"
    );
    let environment = Environment::default();
    let suite: Suite =
        cases::read(&file, Path::new("a.toml"), &Flags::default(), &environment).expect(&file);
    suite.cases.into_iter().next().expect("a case").expect
}

fn expect(text: &str) -> Expect {
    expectation("call = 'x'", text)
}

fn came() -> Came {
    let content = json!({
        "total": 5.0,
        "items": [{ "id": 1, "name": "a" }, { "id": 2, "name": "b" }],
        "none": null,
    });
    Came {
        text: "5 rows\nof 7".to_owned(),
        result: json!({ "structured_content": content }),
        content: Some(content),
        took: Duration::from_millis(40),
        ..Came::default()
    }
}

#[test]
fn what_is_as_expected_passes() {
    for text in [
        "",
        "text = \"5 rows\\nof 7\\n\"",
        "contains = ['rows', 'of 7']",
        "lacks = 'error'",
        "matches = ['^\\d+ rows', '(?m)^of \\d$']",
        "within_ms = 40",
        "json = [{ path = '$.total', equals = 5 }]",
        "json = [{ path = '$.items[*].id', equals = [1, 2] }]",
        "json = [{ path = '$.items[0]', equals = { name = 'a', id = 1 } }]",
        "json = [{ path = '$.none', equals_json = 'null' }]",
        "json = [{ path = '$.nothing', exists = false }, { path = '$.none', exists = true }]",
        "json = [{ path = '$.items[*]', count = 2 }]",
        "json = [{ path = '$.items[?@.id > 1].name', equals = 'b' }]",
        "json = [{ path = '$.items[*].name', matches = '^[ab]$' }]",
        "json = [{ path = '$.items[*].id', matches = '^\\d$' }]",
        "json = [{ path = '$.structured_content.total', of = 'result', exists = true }]",
        "schema = { type = 'object', required = ['total'] }",
    ] {
        assert_eq!(judge(&expect(text), &came()), [], "{text}");
    }
}

#[test]
fn what_is_not_as_expected_says_what_was_expected_and_what_came() {
    let rows = "5 rows\nof 7";
    for (text, expected, came_words) in [
        ("text = '5 rows'", "the text \"5 rows\"", rows),
        ("contains = 'cols'", "a text that contains \"cols\"", rows),
        ("lacks = 'rows'", "a text without \"rows\"", rows),
        ("matches = '^of'", "a text that matches `^of`", rows),
        ("within_ms = 39", "an answer within 39 ms", "40 ms"),
        (
            "is_error = true",
            "an error of the tool (is_error = true)",
            rows,
        ),
        ("error_code = -32602", "the error code -32602", rows),
        (
            "json = [{ path = '$.total', equals = 6 }]",
            "`$.total` to be 6",
            "5.0",
        ),
        (
            "json = [{ path = '$.total', equals = '5' }]",
            "`$.total` to be \"5\"",
            "5.0",
        ),
        (
            "json = [{ path = '$.x', equals = 6 }]",
            "`$.x` to be 6",
            "nothing is there",
        ),
        (
            "json = [{ path = '$.items[*].id', equals = 1 }]",
            "`$.items[*].id` to be 1",
            "2 values: 1, 2",
        ),
        (
            "json = [{ path = '$.items[*]', count = 3 }]",
            "`$.items[*]` to find 3 values",
            "2 values: {\"id\":1,\"name\":\"a\"}, {\"id\":2,\"name\":\"b\"}",
        ),
        (
            "json = [{ path = '$.items[*].name', contains = 'a' }]",
            "`$.items[*].name` to contain \"a\"",
            "2 values: \"a\", \"b\"",
        ),
        (
            "json = [{ path = '$.none', exists = false }]",
            "`$.none` not to be there",
            "null",
        ),
        (
            "json = [{ path = '$.none', matches = 'null' }]",
            "`$.none` to match `null`",
            "null",
        ),
        (
            "schema = { type = 'array' }",
            "JSON that fits the schema",
            "the answer: {\"total\":5.0,\"items\":[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}],\"none\":null} is not of type \"array\"",
        ),
    ] {
        let failures = judge(&expect(text), &came());
        let [failure] = failures.as_slice() else {
            panic!("{text}: {failures:?}");
        };
        assert_eq!(
            (failure.expected.as_str(), failure.came.as_str()),
            (expected, came_words)
        );
    }
}

#[test]
fn errors_are_expected_only_where_the_file_says_so() {
    let failed = Came {
        is_error: true,
        text: "no such row".to_owned(),
        ..Came::default()
    };
    assert_eq!(
        judge(&expect("is_error = true\ncontains = 'no such'"), &failed),
        []
    );
    let failures = judge(&expect(""), &failed);
    assert_eq!(failures[0].came, "the tool failed: no such row");
    let refused = Came {
        error_code: Some(-32602),
        text: "bad".to_owned(),
        ..Came::default()
    };
    assert_eq!(
        judge(&expect("error_code = -32602\ntext = 'bad'"), &refused),
        []
    );
    assert_eq!(judge(&expect("is_error = true"), &refused), []);
    for text in ["", "error_code = -32601"] {
        let failures = judge(&expect(text), &refused);
        assert_eq!(failures[0].came, "the server refused (-32602): bad");
    }
    let nothing = Came {
        nothing: Some("no answer within 1 s".to_owned()),
        ..Came::default()
    };
    // Also a case that expects an error wants an answer.
    for text in ["", "is_error = true", "error_code = 1", "lacks = 'x'"] {
        assert_eq!(judge(&expect(text), &nothing).len(), 1, "{text}");
    }
    let odd = Came {
        mismatch: Some("`total`: not a number".to_owned()),
        ..came()
    };
    assert_eq!(judge(&expect(""), &odd).len(), 1);
}

#[test]
fn the_calls_of_a_model_are_held_in_order_with_their_arguments() {
    let made = vec![
        ("list".to_owned(), json!({ "all": true })),
        ("read".to_owned(), json!({ "path": "a", "head": 3 })),
    ];
    let turn = Came {
        calls: made,
        ..Came::default()
    };
    let calls = |text: &str| expectation("ask = 'x'", &format!("calls = [{text}]"));
    let good = "{ tool = 'list', arguments = { all = true } }, { tool = 'read', json = [{ path = '$.path', equals = 'a' }] }";
    assert_eq!(judge(&calls(good), &turn), []);
    for (text, expected, came) in [
        ("", "no call", "2 calls: list, read"),
        ("{ tool = 'list' }", "1 call: list", "2 calls: list, read"),
        (
            "{ tool = 'read' }, { tool = 'read' }",
            "call 1 to be of `read`",
            "list {\"all\":true}",
        ),
        (
            "{ tool = 'list', arguments = {} }, { tool = 'read' }",
            "call 1, `list`, with {}",
            "{\"all\":true}",
        ),
        (
            "{ tool = 'list' }, { tool = 'read', json = [{ path = '$.head', equals = 4 }] }",
            "call 2, `read`, with `$.head` to be 4",
            "3",
        ),
    ] {
        let failures = judge(&calls(text), &turn);
        assert_eq!(failures, [failure(expected, came)], "{text}");
    }
}

#[test]
fn a_long_answer_is_shown_by_its_beginning() {
    let long = Came {
        text: "đ".repeat(10_000),
        ..Came::default()
    };
    let failures = judge(&expect("text = 'x'"), &long);
    assert!(failures[0].came.len() < 700);
    assert!(
        failures[0].came.ends_with("(20.0 kB in all)"),
        "{failures:?}"
    );
}
