//! What is understood, what is complained about, and where.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn environment() -> Environment {
    Environment {
        cwd: "/work".into(),
        ..Environment::default()
    }
}

fn read_text(text: &str) -> Result<Suite, Vec<String>> {
    let flags = Flags::default();
    read(
        text,
        Path::new("/work/tests/a.toml"),
        &flags,
        &environment(),
    )
}

const GOOD: &str = r#"
[server]
command = "my-server"
args = ["--stdio"]

[model]
provider = "scripted"
script = "model.toml"

[[case]]
name = "adds"
call = "add"
arguments = { a = 2, b = 3 }
expect = { text = "5", within_ms = 500, matches = '^\d$' }

[[case]]
call = "add"
arguments = '{"a": null}'
[case.expect]
is_error = true
contains = ["a", "b"]
[[case.expect.json]]
path = "$.items[*].id"
count = 3
[[case.expect.json]]
path = "$.none"
of = "result"
equals_json = "null"

[[case]]
ask = "what is there?"
[[case.expect.calls]]
tool = "list"
arguments = { all = true }
"#;

#[test]
fn a_whole_file_is_understood() {
    let suite = read_text(GOOD).unwrap();
    assert_eq!(suite.shown, Path::new("tests/a.toml"));
    let Under::Own(spec) = &suite.server else {
        panic!("{:?}", suite.server);
    };
    assert_eq!(spec.launch.identity(), "my-server --stdio");
    let names: Vec<&str> = suite.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["adds", "call add", "ask what is there?"]);
    let Act::Call { arguments, .. } = &suite.cases[0].act else {
        panic!("{:?}", suite.cases[0].act);
    };
    assert_eq!(arguments, r#"{"a":2,"b":3}"#);
    let expect = &suite.cases[0].expect;
    assert_eq!(expect.within, Some(Duration::from_millis(500)));
    assert_eq!(expect.matches.len(), 1);
    let second = &suite.cases[1].expect;
    assert!(second.is_error);
    assert_eq!(second.json.len(), 2);
    assert_eq!(second.json[1].of, Part::Result);
    let calls = suite.cases[2].expect.calls.as_ref().unwrap();
    assert_eq!(calls[0].arguments, Some(serde_json::json!({ "all": true })));
    let model = suite.model.unwrap();
    assert_eq!(
        model.script.as_deref(),
        Some(Path::new("/work/tests/model.toml"))
    );
}

#[test]
fn each_complaint_names_file_line_key_and_what_is_allowed() {
    let server = "server = \"files\"\n";
    for (text, words) in [
        ("", "tests/a.toml:1:1: server: missing"),
        (
            server,
            "tests/a.toml:1:1: case: missing\n  expected at least one table `[[case]]`",
        ),
        (
            "server = 3\n[[case]]\ncall = \"a\"\n",
            "tests/a.toml:1:10: server: wrong type: an integer",
        ),
        (
            "[server]\ncomand = \"a\"\n[[case]]\ncall = \"a\"\n",
            "tests/a.toml:2:1: server: unknown key `comand`",
        ),
        (
            "[server]\ncomand = \"a\"\n[[case]]\ncall = \"a\"\n",
            "did you mean `command`?",
        ),
        (
            "server = \"a\"\n[[cases]]\ncall = \"a\"\n",
            "did you mean `case`?",
        ),
        (
            "server = \"a\"\n[[case]]\nname = \"x\"\n",
            "tests/a.toml:2:1: case: does nothing\n  expected exactly one of `call`, `read`, `prompt`, `ask`",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nread = \"y\"\n",
            "both `call` and `read`",
        ),
        (
            "server = \"a\"\n[[case]]\ntool = \"x\"\n",
            "did you mean `call`?",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\narguments = [1]\n",
            "case.arguments: no object",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\narguments = { d = 1979-05-27 }\n",
            "a date or time",
        ),
        (
            "server = \"a\"\n[[case]]\nprompt = \"x\"\narguments = { d = 1 }\n",
            "a value is no text",
        ),
        (
            "server = \"a\"\n[[case]]\nread = \"x\"\narguments = { d = 1 }\n",
            "this key only beside `call` or `prompt`",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { matches = '(' }\n",
            "tests/a.toml:4:22: case.expect.matches: `(` is no regular expression: unclosed group",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { within_ms = 0 }\n",
            "expected a number from 1 to 86400000",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { calls = [] }\n",
            "unknown key `calls`",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { json = [{ path = '$.a[', exists = true }] }\n",
            "`$.a[` is no JSON path",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { json = [{ path = '$.a' }] }\n",
            "case.expect.json: wants nothing",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { json = [{ path = '$', count = -1 }] }\n",
            "a whole number from 0",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { json = [{ path = '$', matches = ['1', '2'] }] }\n",
            "case.expect.json.matches: wrong type: an array",
        ),
        (
            "server = \"a\"\n[[case]]\ncall = \"x\"\nexpect = { schema = '{' }\n",
            "case.expect.schema: not valid JSON",
        ),
        (
            "server = \"a\"\n[model]\nprovider = \"scripd\"\n[[case]]\ncall = \"x\"\n",
            "did you mean `scripted`?",
        ),
        (
            "server = \"a\"\n[[case]]\nask = \"x\"\n",
            "model: missing, and a case asks a model",
        ),
        ("server = \"a\"\n[[case]\n", "not valid TOML"),
    ] {
        let found = read_text(text).expect_err(text).join("\n");
        assert!(found.contains(words), "{text}\n---\n{found}");
    }
}

#[test]
fn a_json_path_may_stand_in_itself_but_not_without_end() {
    let file = |deep: usize| {
        let path = format!("${}{}", "[?@".repeat(deep), "]".repeat(deep));
        format!(
            "server = 'a'\n[[case]]\ncall = 'x'\nexpect = {{ json = [{{ path = '{path}', exists = true }}] }}\n"
        )
    };
    assert!(read_text(&file(4)).is_ok());
    for deep in [13, 100_000] {
        let found = read_text(&file(deep)).unwrap_err();
        assert!(found[0].contains("nested in itself more than 12 times"));
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text = "server = 3\n[[case]]\ncall = 1\n[[case]]\nfoo = 2\n";
    let found = read_text(text).unwrap_err();
    let lines: Vec<&str> = found
        .iter()
        .filter_map(|one| one.split(':').nth(1))
        .collect();
    assert_eq!(lines, ["1", "3", "4", "5"], "{found:?}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(server = \"a\"\n|\\[\\[case\\]\\]\n|call = [\"'a1{}]{0,4}\n|expect = \\{[a-z_ =\"',{}$]{0,30}\\}\n|.{0,20}\n){0,8}") {
        let _either = read_text(&text);
    }
}
