//! `mcpdeck test`: real servers as children, the words, the JSON, the JUnit file and the exit code for each way to end.

use serde_json::json;

use crate::deck::{BIN, Deck, Ran, quoted};

const TOOLS: &str = r#"
[[tools]]
name = 'echo'
inputSchema = { type = 'object' }

[[tools]]
name = 'fails'
inputSchema = { type = 'object' }

[[on]]
method = 'tools/call'
tool = 'fails'
result = { isError = true, content = [{ type = 'text', text = 'no <such> row & more' }] }
"#;

/// A test file on a scripted server of its own.
fn own(deck: &Deck, script: &str, cases: &str) -> String {
    let path = deck.home.write("s.script.toml", script);
    let text = format!(
        "[server]\ncommand = {}\nargs = [\"serve\", \"scripted\", {}]\n{cases}",
        quoted(BIN),
        quoted(&path.to_string_lossy()),
    );
    deck.home.write("cases.toml", &text);
    "cases.toml".to_owned()
}

fn run(script: &str, cases: &str, more: &[&str]) -> (Deck, Ran) {
    let deck = Deck::new("");
    let file = own(&deck, script, cases);
    let ran = deck.run(&[&["test", &file], more].concat());
    (deck, ran)
}

const CASES: &str = r#"
[[case]]
name = "echoes its arguments"
call = "echo"
arguments = { a = 2 }
expect = { contains = '"a":2', json = [{ path = '$.params.arguments.a', equals = 2 }], within_ms = 60000 }

[[case]]
name = "fails as it should"
call = "fails"
expect = { is_error = true, matches = 'no <\w+> row' }

[[case]]
name = "later"
call = "nothing"
skip = "not written yet"
"#;

#[test]
fn cases_that_pass_end_with_0_and_a_line_each() {
    let (deck, ran) = run(TOOLS, CASES, &[]);
    let ran = ran.expect(0);
    deck.snapshot("test_passed", &ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn a_case_that_fails_ends_with_1_and_says_what_came() {
    let failing = "[[case]]\nname = \"a slip\"\ncall = \"fails\"\n[[case]]\nname = \"no tool\"\ncall = \"nothing\"\n";
    let (deck, ran) = run(TOOLS, &format!("{CASES}{failing}"), &["--junit", "out.xml"]);
    let ran = ran.expect(1);
    deck.snapshot("test_failed", &ran.out);
    let xml = std::fs::read_to_string(deck.home.work().join("out.xml")).expect("out.xml");
    assert!(
        xml.contains("tests=\"5\" failures=\"2\" errors=\"0\" skipped=\"1\""),
        "{xml}"
    );
    assert!(xml.contains("no &lt;such&gt; row &amp; more"), "{xml}");
    assert!(xml.ends_with("</testsuites>\n"), "{xml}");
}

#[test]
fn a_call_that_hangs_is_given_up_at_its_limit_and_the_next_case_runs() {
    let rule = "[[on]]\nmethod = 'tools/call'\ntool = 'fails'\nsilent = true\n";
    let hangs = "[[case]]\nname = 'hangs'\ncall = 'fails'\nexpect = { within_ms = 300 }\n[[case]]\nname = 'after it'\ncall = 'echo'\n";
    let (_deck, ran) = run(&format!("{rule}{TOOLS}"), hangs, &["--json"]);
    let value = ran.expect(1).json();
    let cases = &value["files"][0]["cases"];
    assert_eq!(
        cases[0]["failures"][0]["came"],
        "none so far, and it was cancelled"
    );
    assert_eq!(
        cases[0]["failures"][1]["expected"],
        "an answer within 300 ms"
    );
    assert_eq!(cases[1]["status"], "passed", "{value}");
}

#[test]
fn a_report_that_cannot_be_written_costs_no_run_and_an_old_one_is_gone() {
    let start = "[start]\nstderr = ['started']\n";
    let script = format!("{start}{TOOLS}");
    let (deck, ran) = run(&script, CASES, &["--junit", "no/such/folder.xml"]);
    let ran = ran.expect(2);
    assert!(ran.err.contains("cannot write no/such/folder.xml"), "{ran}");
    assert_eq!(ran.out, "");
    deck.home.write("out.xml", "<old/>");
    deck.run(&["test", "cases.toml", "--junit", "out.xml"])
        .expect(0);
    let xml = std::fs::read_to_string(deck.home.work().join("out.xml")).expect("out.xml");
    assert!(xml.starts_with("<?xml") && !xml.contains("<old/>"), "{xml}");
}

#[test]
fn one_json_document_holds_all_of_it() {
    let (_deck, ran) = run(TOOLS, CASES, &["--json", "--filter", "FAILS"]);
    let value = ran.expect(0).json();
    assert_eq!(value["passed"], 1);
    let case = &value["files"][0]["cases"][0];
    assert_eq!(
        (&case["name"], &case["status"]),
        (&json!("fails as it should"), &json!("passed"))
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_before_anything_starts() {
    let start = "[start]\nstderr = ['started']\n";
    let bad = "[[case]]\ncall = 'echo'\nexpect = { schema = { type = 'objct' }, contain = 'x' }\n";
    let (_deck, ran) = run(&format!("{start}{TOOLS}"), bad, &[]);
    let ran = ran.expect(2);
    assert!(ran.err.contains("cases.toml:6:"), "{ran}");
    assert!(ran.err.contains("did you mean `contains`?"), "{ran}");
    let bad = "[[case]]\ncall = 'echo'\nexpect = { schema = { type = 'objct' } }\n";
    let (deck, ran) = run(TOOLS, bad, &[]);
    let ran = ran.expect(2);
    assert!(
        ran.err
            .contains("cases.toml:6:21: case.expect.schema: not a JSON Schema"),
        "{ran}"
    );
    for (args, words) in [
        (&["test", "none.toml"][..], "none.toml: cannot read it"),
        (
            &["test", "cases.toml", "none.toml"],
            "none.toml: cannot read it",
        ),
        (&["test"], "FILE.toml"),
        (
            &["test", "cases.toml", "cases.toml", "--record", "r.jsonl"],
            "--record keeps one session",
        ),
    ] {
        let ran = deck.run(args).expect(2);
        assert!(ran.err.contains(words), "{args:?}\n{ran}");
        assert_eq!(ran.out, "");
    }
    let (_deck, ran) = run(TOOLS, CASES, &["--filter", "nobody"]);
    assert!(ran.expect(2).err.contains("no case has this in its name"));
}

#[test]
fn a_server_that_does_not_start_ends_with_3_and_its_cases_are_errors() {
    let script = "[start]\nstderr = ['no database']\nexit = 7\n";
    let (deck, ran) = run(script, CASES, &["--junit", "out.xml"]);
    let ran = ran.expect(3);
    assert!(
        ran.err.contains("exit code 7") && ran.err.contains("no database"),
        "{ran}"
    );
    assert!(
        ran.out.contains("2 not run for want of the server"),
        "{ran}"
    );
    let xml = std::fs::read_to_string(deck.home.work().join("out.xml")).expect("out.xml");
    assert!(xml.contains("errors=\"2\" skipped=\"1\""), "{xml}");
}

#[test]
fn a_server_that_dies_in_a_call_fails_that_case() {
    let rule = "[[on]]\nmethod = 'tools/call'\nstderr = ['out of memory']\nexit = 9\n";
    let tool = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n";
    let (_deck, ran) = run(&format!("{tool}{rule}"), "[[case]]\ncall = 'echo'\n", &[]);
    let ran = ran.expect(1);
    assert!(ran.out.contains("expected  an answer"), "{ran}");
    // One that comes back has its next case.
    let rule = format!("{rule}tool = 'echo'\n");
    let more = "[[case]]\ncall = 'echo'\n[[case]]\ncall = 'lives'\n";
    let (_deck, ran) = run(
        &format!("{tool}{}{rule}", tool.replace("echo", "lives")),
        more,
        &[],
    );
    let ran = ran.expect(1);
    assert!(ran.out.contains("ok    call lives"), "{ran}");
}

#[test]
fn a_server_of_the_configuration_is_named_and_its_folder_must_be_trusted() {
    let deck = Deck::demo();
    let cases = r#"
server = "shop"
[[case]]
call = "query_database"
arguments = { sql = "SELECT count(*) AS n FROM orders" }
expect = { json = [{ path = "$.rows[0][0]", equals = 80 }], schema = { required = ["rows"] } }
[[case]]
read = "schema://main"
expect = { error_code = -32002 }
"#;
    deck.home.write("shop.toml", cases);
    let ran = deck
        .run(&["test", "shop.toml", "--filter", "query"])
        .expect(0);
    assert!(ran.out.contains("ok    call query_database"), "{ran}");
    deck.home
        .write("none.toml", "server = 'shp'\n[[case]]\ncall = 'x'\n");
    let ran = deck.run(&["test", "none.toml"]).expect(2);
    assert!(
        ran.err.contains("no server `shp`") && ran.err.contains("did you mean `shop`?"),
        "{ran}"
    );
    // The file is the person's own hand; the folder's configuration that it names is not.
    let stranger = Deck::new("");
    stranger
        .home
        .write("mcp.toml", "[mcp_servers.s]\ncommand = 'true'\n");
    stranger
        .home
        .write("t.toml", "server = 's'\n[[case]]\ncall = 'x'\n");
    let mut command = stranger.home.command(BIN);
    let ran = crate::deck::ran(command.args(["test", "t.toml"])).expect(2);
    assert!(ran.err.contains("mcpdeck trust"), "{ran}");
}

#[test]
fn words_to_a_scripted_model_are_held_by_the_calls_that_it_makes() {
    let script = r#"
opening = "I am a script."
fallback = "I do not know that one."
pace_ms = 0
[[reply]]
prompt = "List the files"
[[reply.step]]
call = { tool = "server.echo", arguments = { path = "." } }
[[reply.step]]
say = "There are {{ results|length }}."
"#;
    let cases = r#"
[model]
provider = "scripted"
script = "model.toml"
[[case]]
ask = "List the files"
[case.expect]
text = "There are 1."
calls = [{ tool = "echo", arguments = { path = "." } }]
[[case]]
name = "a slip"
ask = "List the files"
expect = { calls = [{ tool = "echo", json = [{ path = "$.path", equals = "/" }] }], lacks = "are" }
[[case]]
name = "another conversation"
ask = "Who are you?"
expect = { text = "I do not know that one.", calls = [] }
"#;
    let deck = Deck::new("");
    deck.home.write("model.toml", script);
    let file = own(&deck, TOOLS, cases);
    let ran = deck.run(&["test", &file]).expect(1);
    deck.snapshot("test_asked", &ran.out);
}

#[test]
fn what_a_failure_shows_has_no_control_characters_and_no_secret() {
    let script = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n[[on]]\nmethod = 'tools/call'\nresult = { content = [{ type = 'text', text = \"\\u001b[2Jgone s3cret-value-1\" }] }\n";
    let cases = "[server.env]\nAPI_KEY = 's3cret-value-1'\n[[case]]\ncall = 'echo'\nexpect = { text = 'x' }\n";
    let (deck, ran) = run(script, cases, &["--junit", "out.xml"]);
    let ran = ran.expect(1);
    let xml = std::fs::read_to_string(deck.home.work().join("out.xml")).expect("out.xml");
    for text in [&ran.out, &xml] {
        assert!(text.contains("gone") && !text.contains('\u{1b}'), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn the_cases_of_the_demo_pass() {
    let deck = Deck::demo();
    let ran = deck.run(&["test", "demo/cases.toml"]).expect(0);
    assert!(ran.out.ends_with("5 cases in 1 file: 5 passed\n"), "{ran}");
    assert_eq!(ran.err, "");
}

#[test]
fn the_readmes_test_file_is_good_but_for_its_server() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("\n[server]\n").expect("a block");
    let (toml, _) = rest.split_once("```").expect("its end");
    let deck = Deck::new("");
    deck.home.write("readme.toml", &format!("[server]\n{toml}"));
    let ran = deck.run(&["test", "readme.toml"]).expect(3);
    assert!(ran.err.contains("`my-server` was not found"), "{ran}");
}

#[test]
fn one_value_is_no_list_of_one() {
    let tool = "[[tools]]\nname = 't'\ninputSchema = { type = 'object' }\n[[on]]\nmethod = 'tools/call'\nresult = { content = [], structuredContent = { a = [6], b = 6 } }\n";
    for (path, code) in [("$.a", 0), ("$.b", 1), ("$.a[0]", 1), ("$.a[*]", 0)] {
        let cases = format!(
            "[[case]]\ncall = 't'\nexpect = {{ json = [{{ path = '{path}', equals = [6] }}] }}\n"
        );
        run(tool, &cases, &[]).1.expect(code);
    }
}
