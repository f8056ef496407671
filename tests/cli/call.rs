//! `call`: arguments in their three forms, results in two, and every way to end.

use serde_json::json;

use crate::deck::Deck;

const TOOL: &str = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object', properties = { count = { type = 'integer' }, text = { type = 'string' }, tags = { type = 'array' } }, required = ['text'] }\n";

/// The arguments that reached the server: its answer is the request as it came.
fn arrived(deck: &Deck, args: &[&str]) -> serde_json::Value {
    let all: Vec<&str> = ["call", "s", "echo"].iter().chain(args).copied().collect();
    let ran = deck.run(&all).expect(0);
    ran.json()["params"]["arguments"].clone()
}

fn echo() -> Deck {
    let deck = Deck::new("");
    deck.scripted("s", TOOL, "");
    deck
}

#[test]
fn arguments_arrive_with_the_types_of_the_schema_or_as_written() {
    let deck = echo();
    assert_eq!(
        arrived(&deck, &["text=12", "count=12"]),
        json!({ "text": "12", "count": 12 })
    );
    assert_eq!(
        arrived(&deck, &["text=a=b", "tags:=[1,\"x\"]"]),
        json!({ "text": "a=b", "tags": [1, "x"] })
    );
    let whole = json!({ "text": "Xin chào", "count": 3 });
    assert_eq!(arrived(&deck, &["--args", &whole.to_string()]), whole);
}

#[test]
fn a_server_is_started_by_the_command_behind_run_and_needs_no_configuration() {
    let deck = Deck::new("");
    let script = deck.home.write("s.script.toml", TOOL);
    let script = script.to_string_lossy().into_owned();
    let start = ["--run", crate::deck::BIN, "serve", "scripted", &script];
    let args = ["call", "mine", "echo", "--json", "text=a"];
    let ran = deck.run(&[&args[..], &start[..]].concat()).expect(0);
    assert_eq!(ran.json()["server"], "mine");
    let means = [
        "call",
        "--protocol",
        "legacy",
        "--env",
        "A=1",
        "mine",
        "echo",
    ];
    let ran = deck
        .run(&[&means[..], &["--json", "text=a"], &start[..]].concat())
        .expect(0);
    assert_eq!(ran.json()["server"], "mine");
    let header = ["call", "--header", "A: 1", "mine", "echo", "text=a"];
    let wrong = deck.run(&[&header[..], &start[..]].concat()).expect(2);
    assert!(wrong.err.contains("--header is of no use"), "{wrong}");
    let pins = deck.home.data_dir().join("pins.json");
    assert!(!pins.exists(), "nothing is pinned by a look");
    // What stands behind it is the command's, and nobody else's.
    let wrong = deck.run(&["call", "mine", "echo", "text=a"]).expect(2);
    assert!(wrong.err.contains("mine"), "{wrong}");
    let gone = deck
        .run(&["call", "mine", "echo", "--run", "no-such-program", "--json"])
        .expect(3);
    assert!(gone.err.contains("no-such-program"), "{gone}");
    // A URL says where it is.
    let away = deck
        .run(&["call", "http://127.0.0.1:1/mcp", "echo"])
        .expect(3);
    assert!(away.err.contains("`127-0-0-1-1`"), "{away}");
}

#[test]
fn the_result_is_text_on_stdout_or_one_json_document() {
    let deck = Deck::demo();
    let sql = "sql=SELECT count(*) AS n FROM orders";
    let words = deck.run(&["call", "shop", "query_database", sql]).expect(0);
    assert_eq!(
        (words.out.as_str(), words.err.as_str()),
        ("n\n--\n80\n(1 row)\n", "")
    );
    let ran = deck
        .run(&["call", "shop", "query_database", sql, "--json"])
        .expect(0);
    let value = ran.json();
    assert_eq!(value["is_error"], false);
    assert_eq!(value["structured_content"]["rows"], json!([[80]]));
    assert_eq!(value["content"][0]["text"], "n\n--\n80\n(1 row)");
}

#[test]
fn a_call_of_its_own_run_is_never_answered_from_what_another_run_kept() {
    let deck = Deck::new("");
    deck.scripted("s", TOOL, "[mcp_servers.s.tools.echo]\ncache_sec = 600\n");
    for _ in 0..2 {
        let value = deck
            .run(&["call", "s", "echo", "text=a", "--json"])
            .expect(0)
            .json();
        assert!(value.get("cached_ms").is_none(), "{value}");
    }
    // What is kept between runs is kept by the terminal program: here there is nothing, and that is said.
    let none = deck.run(&["cache"]).expect(0);
    assert!(none.err.contains("no lists are kept"), "{none}");
    let json = deck.run(&["cache", "--json"]).expect(0).json();
    assert_eq!(json, json!({ "lists": [] }));
    let gone = deck.run(&["cache", "clear", "s"]).expect(0);
    assert_eq!(gone.out, "removed 0 files\n");
}

#[test]
fn a_tool_that_says_error_ends_with_1_and_its_words_are_the_data() {
    let deck = Deck::demo();
    let args = ["call", "shop", "query_database", "sql=SELEC"];
    let ran = deck.run(&args).expect(1);
    assert!(ran.out.contains("syntax error"), "{ran}");
    let value = deck
        .run(&[&args[..], &["--json"]].concat())
        .expect(1)
        .json();
    assert_eq!(value["is_error"], true);
}

#[test]
fn a_refusal_by_the_protocol_is_an_error_of_the_tool_too() {
    let deck = Deck::new("");
    let rule =
        "[[on]]\nmethod = 'tools/call'\nerror = { code = -32602, message = 'no such thing' }\n";
    deck.scripted("s", &format!("{TOOL}{rule}"), "");
    let ran = deck.run(&["call", "s", "echo", "text=x"]).expect(1);
    assert!(
        ran.err
            .contains("error: the server refused (-32602): no such thing"),
        "{ran}"
    );
    assert_eq!(ran.out, "");
}

#[test]
fn what_cannot_be_sent_is_a_matter_of_usage_and_says_why() {
    let deck = echo();
    for (args, words) in [
        (&["call", "s", "ehco", "text=x"][..], "did you mean `echo`?"),
        (&["call", "t", "echo"], "no server `t`"),
        (&["call", "s", "echo"], "\"text\" is a required property"),
        (&["call", "s", "echo", "text=x", "count=many"], "count"),
        (&["call", "s", "echo", "--args", "{"], "JSON"),
        (&["call", "s", "echo", "--args", "[1]"], "object"),
        (&["call", "s", "echo", "text"], "text"),
        (&["call", "s", "echo", "tags:=[", "text=x"], "tags"),
        (&["call", "s"], "<TOOL>"),
    ] {
        let ran = deck.run(args).expect(2);
        assert!(ran.err.contains(words), "{args:?}\n{ran}");
        assert!(!ran.err.contains("error: error:"), "{ran}");
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn a_server_that_dies_in_the_call_leaves_the_outcome_unknown() {
    let deck = Deck::new("");
    let rule = "[[on]]\nmethod = 'tools/call'\nstderr = ['out of memory']\nexit = 9\n";
    deck.scripted("s", &format!("{TOOL}{rule}"), "");
    let ran = deck.run(&["call", "s", "echo", "text=x"]).expect(3);
    assert!(ran.err.contains("outcome unknown"), "{ran}");
    let value = deck
        .run(&["call", "s", "echo", "text=x", "--json"])
        .expect(3)
        .json();
    assert_eq!(
        (&value["outcome"], &value["is_error"]),
        (&json!("outcome unknown"), &json!(true))
    );
}

#[test]
fn a_call_that_takes_too_long_is_given_up() {
    let deck = Deck::new("");
    let rule = "[[on]]\nmethod = 'tools/call'\nsilent = true\n";
    deck.scripted("s", &format!("{TOOL}{rule}"), "tool_timeout_sec = 1");
    let ran = deck.run(&["call", "s", "echo", "text=x"]).expect(3);
    assert!(ran.err.contains("no answer within 1"), "{ran}");
}

#[test]
fn a_call_by_hand_is_not_asked_about_and_a_disabled_server_is_started_for_it() {
    let deck = Deck::new("");
    deck.scripted("s", TOOL, "enabled = false\napprove = \"always\"");
    assert_eq!(arrived(&deck, &["text=x"]), json!({ "text": "x" }));
}

#[test]
fn a_refusal_that_smells_of_the_old_era_says_what_may_help() {
    let deck = Deck::new("");
    let words = "Sampling is not supported on 2026-07-28 connections";
    let script = format!(
        "era = 'modern'\n{TOOL}[[on]]\nmethod = 'tools/call'\nerror = {{ code = -32603, message = '{words}' }}\n"
    );
    deck.scripted("s", &script, "protocol = 'modern'");
    let ran = deck.run(&["call", "s", "echo", "text=x"]).expect(1);
    assert!(
        ran.err.contains(words) && ran.err.contains("hint: set `protocol = \"legacy\"`"),
        "{ran}"
    );
}

#[test]
fn what_cannot_be_saved_does_not_hide_what_the_tool_said() {
    let deck = Deck::new("");
    let rule = "[[on]]\nmethod = 'tools/call'\nresult = { content = [{ type = 'text', text = 'it is done' }, { type = 'image', mimeType = 'image/png', data = '*' }] }\n";
    deck.scripted("s", &format!("{TOOL}{rule}"), "");
    let ran = deck.run(&["call", "s", "echo", "text=x", "--output", "saved"]);
    assert!(ran.out.contains("it is done"), "{ran}");
    assert!(ran.err.contains("cannot be decoded"), "{ran}");
    let ran = deck.run(&["call", "s", "echo", "text=x", "--output", "saved", "--json"]);
    assert_eq!(ran.json()["content"][0]["text"], "it is done");
}

#[test]
fn tools_that_a_server_refuses_to_list_are_no_unknown_name() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    let script = "[[on]]\nmethod = 'tools/list'\nerror = { code = -32000, message = 'boom' }\n";
    deck.scripted("s", script, "");
    let ran = deck.run(&["call", "s", "echo"]).expect(3);
    assert!(
        ran.err.contains("refused tools/list") && ran.err.contains("boom"),
        "{ran}"
    );
}
