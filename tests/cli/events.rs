//! `ask`: the answer in words, and every event of `--json` with its fields.

use serde_json::{Value, json};

use crate::deck::{Deck, blocking, calls, chunk, model_at, says};
use crate::endpoint::{Endpoint, Reply};

fn keys(event: &Value) -> Vec<&str> {
    let fields = event.as_object().expect("an object");
    fields.keys().map(String::as_str).collect()
}

#[test]
fn the_answer_is_on_stdout_and_the_rest_on_stderr() {
    let deck = Deck::demo();
    let ran = deck.run(&["ask", "List the files here"]).expect(0);
    deck.snapshot("ask_stdout", &ran.out);
    deck.snapshot("ask_stderr", &ran.err);
}

#[test]
fn a_call_that_runs_is_a_tool_call_and_a_tool_result() {
    let deck = Deck::demo();
    let ran = deck
        .run(&["ask", "--json", "How many orders does each customer have?"])
        .expect(0);
    let call = &ran.of_type("tool_call")[0];
    assert_eq!(keys(call), ["type", "call", "server", "tool", "arguments"]);
    assert_eq!(
        (&call["server"], &call["tool"]),
        (&json!("shop"), &json!("query_database"))
    );
    assert!(call["arguments"]["sql"].is_string(), "{call}");
    let result = &ran.of_type("tool_result")[0];
    for key in [
        "call",
        "is_error",
        "content",
        "structured_content",
        "duration_ms",
    ] {
        assert!(result.get(key).is_some(), "no `{key}` in {result}");
    }
    assert_eq!(result["call"], call["call"]);
    assert_eq!(result["is_error"], false);
    assert_eq!(result["structured_content"]["row_count"], 25);
    assert!(result["duration_ms"].is_u64(), "{result}");
    assert_eq!(result["content"][0]["type"], "text");
}

#[test]
fn the_order_is_servers_call_approval_result_text_end() {
    let deck = Deck::demo();
    let ran = deck
        .run(&[
            "ask",
            "--json",
            "Create `hello.txt` with \"Hello from MCP!\"",
        ])
        .expect(0);
    let events = ran.events();
    let mut order: Vec<&str> = events.iter().filter_map(|e| e["type"].as_str()).collect();
    order.dedup();
    assert_eq!(
        order,
        [
            "server",
            "tool_call",
            "approval",
            "tool_result",
            "text",
            "turn_end"
        ],
        "{ran}"
    );
    let at_work = |event: &&Value| !["server", "text"].contains(&event["type"].as_str().unwrap());
    let lines: Vec<String> = events
        .iter()
        .filter(at_work)
        .map(Value::to_string)
        .collect();
    deck.snapshot("events_of_a_refused_call", &lines.join("\n"));
}

#[test]
fn a_server_event_tells_each_change_of_state() {
    let deck = Deck::new("[model]\nprovider = \"none\"\n");
    deck.scripted("good", "", "");
    deck.scripted("bad", "[start]\nstderr = ['no key']\nexit = 7\n", "");
    let ran = deck.run(&["ask", "--json", "x"]).expect(4);
    let states = |name: &str| -> Vec<Value> {
        let mut events = ran.of_type("server");
        events.retain(|event| event["server"] == name);
        events.iter().map(|event| event["state"].clone()).collect()
    };
    assert_eq!(states("good"), ["starting", "ready"]);
    assert_eq!(states("bad"), ["starting", "failed"]);
    let events = ran.of_type("server");
    assert_eq!(
        keys(&events[0]),
        ["type", "server", "state", "tools", "failure"]
    );
    let failure = events.iter().find(|event| event["state"] == "failed");
    let failure = &failure.expect("a failed server")["failure"];
    assert_eq!(failure["exit"], "exit code 7");
    assert_eq!(failure["stderr"], json!(["no key"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_tells_reason_steps_and_tokens() {
    let mut usage = chunk(&json!({}), None);
    usage["choices"] = json!([]);
    usage["usage"] = json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16 });
    let [text, end] = says("Xin chào");
    let endpoint = Endpoint::with(vec![Reply::chunks(&[text, end, usage])]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let ran = blocking(|| deck.run(&["ask", "--json", "hello"])).expect(0);
    assert_eq!(ran.answer(), "Xin chào");
    let end = json!({
        "type": "turn_end", "stop_reason": "answered", "steps": 1,
        "usage": { "prompt_tokens": 11, "completion_tokens": 5 },
    });
    let mut told = ran.turn_end();
    let fields = told.as_object_mut().expect("an object");
    let session = fields.remove("session").expect("a session");
    assert_eq!(session["saved"], true);
    assert_eq!(told, end);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_comes_in_the_pieces_in_which_the_model_sends_it() {
    let pieces = ["Mot", " hai", " ba"].map(|text| chunk(&json!({ "content": text }), None));
    let [one, two, three] = pieces;
    let end = chunk(&json!({}), Some("stop"));
    let endpoint = Endpoint::with(vec![Reply::chunks(&[one, two, three, end])]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let ran = blocking(|| deck.run(&["ask", "--json", "hello"])).expect(0);
    let texts = ran.of_type("text");
    assert_eq!(keys(&texts[0]), ["type", "delta"]);
    assert_eq!(ran.answer(), "Mot hai ba");
    let words = blocking(|| deck.run(&["ask", "hello"])).expect(0);
    assert_eq!(
        (words.out.as_str(), words.err.as_str()),
        ("Mot hai ba\n", "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_comes_from_the_argument_or_from_stdin() {
    let endpoint = Endpoint::with(vec![Reply::chunks(&says("ok"))]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    blocking(|| {
        deck.run(&["ask", "by argument"]).expect(0);
        deck.run_with_stdin(&["ask", "-"], "bằng\nstdin\n")
            .expect(0);
        deck.run_with_stdin(&["ask"], "no dash").expect(0);
        deck.run_with_stdin(&["ask"], " \n").expect(2);
    });
    let seen = endpoint.seen();
    let prompts: Vec<&str> = seen
        .iter()
        .filter_map(|request| request.body["messages"].as_array()?.last()?["content"].as_str())
        .map(str::trim_end)
        .collect();
    assert_eq!(prompts, ["by argument", "bằng\nstdin", "no dash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_does_not_come_to_an_answer_is_no_success() {
    let cut = chunk(&json!({ "content": "half a" }), Some("length"));
    let endpoint = Endpoint::with(vec![Reply::chunks(&[cut])]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let ran = blocking(|| deck.run(&["ask", "--json", "x"])).expect(4);
    assert_eq!(ran.turn_end()["stop_reason"], "length");
    assert_eq!(ran.answer(), "half a");

    let endpoint = Endpoint::with(vec![Reply::chunks(&calls("s__echo", &json!({})))]).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let tool = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n";
    deck.scripted("s", tool, "approve = \"never\"");
    let ran = blocking(|| deck.run(&["ask", "--json", "x"])).expect(4);
    assert_eq!(ran.turn_end()["stop_reason"], "repeated", "{ran}");
    let outcomes: Vec<Value> = ran
        .of_type("tool_result")
        .iter()
        .map(|r| r["outcome"].clone())
        .collect();
    assert_eq!(outcomes[..2], ["ok", "ok"], "{ran}");
    assert_eq!(outcomes.get(2), Some(&json!("repeated")), "{ran}");
}
