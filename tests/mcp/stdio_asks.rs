//! Questions of servers, in the form of both eras, and what becomes of the calls that wait for them.

use std::time::Duration;

use mcpdeck::ids::CallId;
use mcpdeck::mcp::ask::{Ask, Reply};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::request::Method;
use mcpdeck::mcp::result::CallOutcome;
use serde_json::{Value, json};

use crate::support::*;

fn answer<'a>(received: &'a [Value], id: &str) -> &'a Value {
    let of_it = |message: &&Value| message["id"] == id && message.get("method").is_none();
    received.iter().find(of_it).expect("an answer")
}

fn calls<'a>(received: &'a [Value], method: &str) -> Vec<&'a Value> {
    let of_it = |message: &&Value| message["method"] == method;
    received.iter().filter(of_it).collect()
}

#[tokio::test]
async fn what_is_served_is_declared_in_both_eras_and_nothing_else() {
    let mut server = scripted("");
    server.connected().await;
    let legacy = json!({
        "roots": { "listChanged": true },
        "sampling": { "tools": {} },
        "elicitation": { "form": {}, "url": {} },
    });
    assert_eq!(
        server.received(1).await[0]["params"]["capabilities"],
        legacy
    );
    let mut server = scripted_as("era = \"modern\"", modern);
    server.connected().await;
    let modern = json!({
        "roots": {},
        "sampling": { "tools": {} },
        "elicitation": { "form": {}, "url": {} },
        "extensions": { "io.modelcontextprotocol/tasks": {} },
    });
    for message in server.received(1).await {
        let meta = &message["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], modern);
    }
}

const ASKING: &str = r#"
    [[on]]
    method = "tools/call"
    tool = "asks"
    stdout = [
      '{"jsonrpc":"2.0","id":"r","method":"roots/list"}',
      '{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"maxTokens":5}}',
      '{"jsonrpc":"2.0","id":"f","method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object","properties":{}}}}',
      '{"jsonrpc":"2.0","id":"u","method":"elicitation/create","params":{"mode":"url","message":"go","url":"https://a.example/x","elicitationId":"e1"}}',
    ]
    wait_for = "u"
    "#;

#[tokio::test]
async fn a_server_of_the_old_era_asks_by_requests_of_its_own() {
    let mut server = scripted(ASKING);
    server.connected().await;
    server.connection.call(request(1, "asks", json!({})));
    let mut methods = Vec::new();
    for number in 0..4 {
        let (ask, call, what) = server.asked().await;
        assert_eq!(
            call,
            Some(CallId(1)),
            "the only call under way waits for it"
        );
        methods.push(what.method());
        match what {
            Ask::Sampling(_) => server.connection.reply(
                ask,
                Reply::Error {
                    code: -1,
                    message: "no".into(),
                },
            ),
            _ => server.reply(ask, json!({ "n": number })),
        }
    }
    assert_eq!(
        methods,
        [
            "roots/list",
            "sampling/createMessage",
            "elicitation/create",
            "elicitation/create"
        ]
    );
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::Answered { .. }
    ));
    let received = server.received(2).await;
    assert_eq!(answer(&received, "r")["result"], json!({ "n": 0 }));
    assert_eq!(
        answer(&received, "s")["error"],
        json!({ "code": -1, "message": "no" })
    );
    assert_eq!(answer(&received, "f")["result"], json!({ "n": 2 }));
    assert_eq!(answer(&received, "u")["result"], json!({ "n": 3 }));
}

#[tokio::test]
async fn what_is_no_question_is_answered_at_once() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        tool = "asks"
        stdout = [
          '{"jsonrpc":"2.0","id":"bad","method":"sampling/createMessage","params":{}}',
          '{"jsonrpc":"2.0","id":"mode","method":"elicitation/create","params":{"mode":"dance"}}',
          '{"jsonrpc":"2.0","id":"unknown","method":"sing/aloud","params":{}}',
          '{"jsonrpc":"2.0","id":"ping","method":"ping"}',
          '{"jsonrpc":"2.0","method":"notifications/never_heard_of","params":{"x":1}}',
        ]
        "#,
    );
    server.connected().await;
    server.text(1, "asks", json!({})).await;
    let received = server.received(2).await;
    assert_eq!(answer(&received, "bad")["error"]["code"], -32602);
    assert_eq!(answer(&received, "mode")["error"]["code"], -32602);
    assert_eq!(answer(&received, "unknown")["error"]["code"], -32601);
    assert_eq!(answer(&received, "ping")["result"], json!({}));
}

#[tokio::test]
async fn a_question_that_the_server_takes_back_is_withdrawn() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        tool = "asks"
        stdout = [
          '{"jsonrpc":"2.0","id":7,"method":"roots/list"}',
          '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}',
        ]
        "#,
    );
    server.connected().await;
    server.connection.call(request(1, "asks", json!({})));
    let (ask, ..) = server.asked().await;
    assert_eq!(server.event().await, ServerEvent::AskWithdrawn(ask));
    server.reply(ask, json!({ "roots": [] }));
    let received = server.received(2).await;
    let answered = received
        .iter()
        .any(|message| message.get("result").is_some());
    assert!(!answered, "nobody waits for it: {received:?}");
}

#[tokio::test]
async fn a_server_may_ask_before_it_answers_the_handshake() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "initialize"
        stdout = ['{"jsonrpc":"2.0","id":"early","method":"roots/list"}']
        wait_for = "early"
        result = { protocolVersion = "2025-06-18", capabilities = { tools = {} }, serverInfo = { name = "n", version = "1" } }
        [[on]]
        method = "notifications/initialized"
        stdout = ['{"jsonrpc":"2.0","id":"next","method":"roots/list"}']
        silent = true
        "#,
    );
    let (ask, call, what) = server.asked().await;
    assert_eq!((call, what), (None, Ask::Roots));
    server.reply(ask, json!({ "roots": [] }));
    assert_eq!(server.connected().await.revision, "2025-06-18");
    let (next, ..) = server.asked().await;
    assert_ne!(next, ask);
    server.reply(next, json!({ "roots": [1] }));
    let received = server.received(1).await;
    assert_eq!(answer(&received, "early")["result"], json!({ "roots": [] }));
    assert_eq!(answer(&received, "next")["result"], json!({ "roots": [1] }));
    server.connection.roots_changed();
    let received = server.received(2).await;
    assert_eq!(
        calls(&received, "notifications/roots/list_changed").len(),
        1
    );
}

#[tokio::test]
async fn the_time_of_a_call_stands_still_while_a_person_thinks() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        tool = "asks"
        stdout = ['{"jsonrpc":"2.0","id":"f","method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object"}}}']
        wait_for = "f"
        [[on]]
        method = "tools/call"
        tool = "slow"
        progress = [{ progress = 1, delay_ms = 600 }, { progress = 2, delay_ms = 600 }, { progress = 3, delay_ms = 600 }]
        "#,
    );
    server.connected().await;
    let mut asks = request(1, "asks", json!({}));
    asks.timeout = Duration::from_millis(1000);
    asks.max_total = Duration::from_millis(1000);
    server.connection.call(asks);
    let (ask, ..) = server.asked().await;
    // Another call measures longer than the first one's whole time.
    server.text(2, "slow", json!({})).await;
    server.reply(ask, json!({ "action": "decline" }));
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::Answered { .. }
    ));
}

#[tokio::test]
async fn a_cancelled_call_takes_its_questions_along() {
    let mut server = scripted(ASKING);
    server.connected().await;
    server.connection.call(request(1, "asks", json!({})));
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(server.asked().await.0);
    }
    server.connection.cancel(CallId(1));
    let mut withdrawn = Vec::new();
    loop {
        match server.event().await {
            ServerEvent::AskWithdrawn(ask) => withdrawn.push(ask),
            ServerEvent::Call(..) => break,
            _ => {}
        }
    }
    assert_eq!(withdrawn, asked[1..], "all but the roots");
    let received = server.received(2).await;
    assert_eq!(
        answer(&received, "f")["result"],
        json!({ "action": "cancel" })
    );
    assert!(answer(&received, "s")["error"].is_object());
}

/// A modern server that asks twice and then answers with the request as it came.
const ROUNDS: &str = r#"
    era = "modern"
    [[on]]
    method = "METHOD"
    times = 1
    [on.result]
    resultType = "input_required"
    requestState = "st\"ate é/= 1"
    [on.result.inputRequests]
    a = { method = "roots/list" }
    b = { method = "elicitation/create", params = { message = "m", requestedSchema = { type = "object" } } }
    [[on]]
    method = "METHOD"
    has = "requestState"
    times = 1
    [on.result]
    resultType = "input_required"
    [on.result.inputRequests]
    c = { method = "sampling/createMessage", params = { messages = [], maxTokens = 1 } }
    [[on]]
    method = "METHOD"
    has = "inputResponses"
    result = RESULT
    "#;

#[tokio::test]
async fn a_modern_server_asks_by_its_answer_and_gets_the_same_request_again() {
    let text = "{ content = [{ type = \"text\", text = \"t\" }] }";
    let read = "{ contents = [{ uri = \"file:///a\", text = \"t\" }] }";
    let got = "{ messages = [{ role = \"user\", content = { type = \"text\", text = \"t\" } }] }";
    for (method, wire, result) in [
        (Method::Tool, "tools/call", text),
        (Method::Resource, "resources/read", read),
        (Method::Prompt, "prompts/get", got),
    ] {
        let script = ROUNDS.replace("METHOD", wire).replace("RESULT", result);
        let mut server = scripted_as(&script, modern);
        server.connected().await;
        let mut call = request(1, "file:///a", json!({ "uri": "file:///a" }));
        call.method = method;
        server.connection.call(call);
        for _ in 0..2 {
            let (ask, call, what) = server.asked().await;
            assert_eq!(call, Some(CallId(1)));
            server.reply(ask, json!({ "of": what.method() }));
        }
        let (ask, _, what) = server.asked().await;
        assert_eq!(what.method(), "sampling/createMessage");
        server.reply(ask, json!({ "of": "c" }));
        let outcome = server.outcome(1).await;
        assert!(
            matches!(outcome, CallOutcome::Answered { .. }),
            "{wire}: {outcome:?}"
        );
        // A tools/call with the rules used up repeats its line, which is the last one that counts here.
        let seen: Vec<Value> = server
            .wire()
            .iter()
            .filter_map(|record| serde_json::from_str(&record.text).ok())
            .filter(|message: &Value| message["method"] == wire)
            .collect();
        assert_eq!(seen.len(), 3, "{wire}");
        let ids: Vec<&Value> = seen.iter().map(|message| &message["id"]).collect();
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        let plain = |message: &Value| {
            let mut params = message["params"].clone();
            let object = params.as_object_mut().unwrap();
            for key in ["_meta", "inputResponses", "requestState"] {
                object.remove(key);
            }
            params
        };
        assert!(plain(&seen[0]) == plain(&seen[1]) && plain(&seen[1]) == plain(&seen[2]));
        assert_eq!(seen[1]["params"]["requestState"], "st\"ate é/= 1");
        assert_eq!(
            seen[1]["params"]["inputResponses"],
            json!({ "a": { "of": "roots/list" }, "b": { "of": "elicitation/create" } })
        );
        assert_eq!(seen[2]["params"].get("requestState"), None);
        assert_eq!(
            seen[2]["params"]["inputResponses"],
            json!({ "c": { "of": "c" } })
        );
    }
}

#[tokio::test]
async fn a_modern_server_that_goes_on_asking_is_given_up() {
    let mut server = scripted_as(
        "era = \"modern\"\n[[on]]\nmethod = \"tools/call\"\nresult = { resultType = \"input_required\", requestState = \"s\" }",
        modern,
    );
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    match server.outcome(1).await {
        CallOutcome::Unreadable { why } => assert!(why.contains("10 times"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_answered_ends_the_call_with_words() {
    for (result, words) in [
        (r#"{ resultType = "later", content = [] }"#, "unknown type"),
        (r#"{ resultType = "input_required" }"#, "asks for nothing"),
        (
            r#"{ resultType = "input_required", inputRequests = { a = { method = "sing/aloud" } } }"#,
            "sing/aloud",
        ),
        (
            r#"{ resultType = "input_required", inputRequests = { a = { method = "elicitation/create" } } }"#,
            "requestedSchema",
        ),
    ] {
        let script =
            format!("era = \"modern\"\n[[on]]\nmethod = \"tools/call\"\nresult = {result}");
        let mut server = scripted_as(&script, modern);
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        match server.outcome(1).await {
            CallOutcome::Unreadable { why } => assert!(why.contains(words), "{why}"),
            other => panic!("{result}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_cancelled_call_withdraws_the_questions_of_its_round() {
    let script = ROUNDS
        .replace("METHOD", "tools/call")
        .replace("RESULT", "{}");
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let (first, ..) = server.asked().await;
    let (second, ..) = server.asked().await;
    server.connection.cancel(CallId(1));
    assert_eq!(server.event().await, ServerEvent::AskWithdrawn(first));
    assert_eq!(server.event().await, ServerEvent::AskWithdrawn(second));
    assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
    server.reply(first, json!({}));
    server.reply(second, json!({}));
}

#[tokio::test]
async fn a_question_that_is_refused_ends_the_modern_call() {
    let script = ROUNDS
        .replace("METHOD", "tools/call")
        .replace("RESULT", "{}");
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let (ask, ..) = server.asked().await;
    let (code, message) = (-1, "the user declined".to_owned());
    server.connection.reply(ask, Reply::Error { code, message });
    match server.outcome(1).await {
        CallOutcome::Refused { code: -1, message } => assert!(message.contains("declined")),
        other => panic!("{other:?}"),
    }
}

const VISIT: &str = r#"
    [[on]]
    method = "tools/call"
    times = 1
    [on.error]
    code = -32042
    message = "sign in"
    [on.error.data]
    elicitations = [{ mode = "url", url = "https://a.example/x", elicitationId = "e1", message = "go there" }]
    "#;

#[tokio::test]
async fn a_call_that_needs_a_visit_is_sent_again_after_it() {
    let mut server = scripted(VISIT);
    server.connected().await;
    server.connection.call(request(1, "t", json!({ "a": 1 })));
    let (ask, call, what) = server.asked().await;
    assert_eq!(call, Some(CallId(1)));
    let Ask::Url { url, id, .. } = what else {
        panic!("{what:?}");
    };
    assert_eq!(
        (url.as_str(), id.as_deref()),
        ("https://a.example/x", Some("e1"))
    );
    server.reply(ask, json!({ "action": "accept" }));
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::Answered { .. }
    ));
    let received = server.received(2).await;
    let sent = calls(&received, "tools/call");
    assert_eq!(
        sent[0]["params"]["arguments"],
        sent[1]["params"]["arguments"]
    );
}

#[tokio::test]
async fn a_visit_that_is_declined_ends_the_call() {
    let mut server = scripted(VISIT);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let (ask, ..) = server.asked().await;
    server.reply(ask, json!({ "action": "decline" }));
    let outcome = server.outcome(1).await;
    assert!(
        matches!(outcome, CallOutcome::Refused { code: -32042, .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_person_who_is_still_at_the_visit_is_waited_for_and_not_asked_again() {
    let script = VISIT.replace("times = 1", "times = 2")
        + r#"
        [[on]]
        method = "ping"
        stdout = ['{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e1"}}']
        result = {}
        "#;
    let mut server = scripted(&script);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let (ask, ..) = server.asked().await;
    server.reply(ask, json!({ "action": "accept" }));
    server.connection.probe();
    let mut done = false;
    let outcome = loop {
        match server.event().await {
            ServerEvent::UrlDone { id } => done = id == "e1",
            ServerEvent::Asked { .. } => panic!("asked again"),
            ServerEvent::Call(_, mcpdeck::mcp::event::CallEvent::Finished(outcome)) => {
                break outcome;
            }
            _ => {}
        }
    };
    assert!(
        done && matches!(outcome, CallOutcome::Answered { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_modern_child_that_asks_in_the_old_way_is_refused_and_the_person_is_told_what_to_set() {
    let mut server = scripted_as(
        r#"
        era = "modern"
        [[on]]
        method = "tools/call"
        tool = "asks"
        stdout = ['{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}']
        wait_for = "q"
        "#,
        modern,
    );
    server.connected().await;
    server.connection.call(request(1, "asks", json!({})));
    let said = loop {
        if let ServerEvent::Log { text, .. } = server.event().await {
            break text;
        }
    };
    assert!(said.contains("protocol = \"legacy\""), "{said}");
    server.outcome(1).await;
    let received = server.received(2).await;
    assert_eq!(answer(&received, "q")["error"]["code"], -32601);
}

#[tokio::test]
async fn a_server_that_asks_for_ever_finds_its_questions_refused_and_not_piled_up() {
    let question = |number: usize| {
        format!(
            r#"'{{"jsonrpc":"2.0","id":"q{number}","method":"elicitation/create","params":{{"message":"who?","requestedSchema":{{"type":"object","properties":{{}}}}}}}}'"#
        )
    };
    let questions: Vec<String> = (0..130).map(question).collect();
    let script = format!(
        "[[on]]\nmethod = \"tools/call\"\ntool = \"asks\"\nstdout = [{}]",
        questions.join(",\n")
    );
    let mut server = scripted(&script);
    server.connected().await;
    server.connection.call(request(1, "asks", json!({})));
    let mut asked = 0;
    loop {
        match server.event().await {
            ServerEvent::Asked { .. } => asked += 1,
            ServerEvent::Call(_, CallEvent::Finished(_)) => break,
            _ => {}
        }
    }
    assert_eq!(asked, 100);
    let received = server.received(2).await;
    for (number, has_error) in [(0, false), (99, false), (100, true), (129, true)] {
        let answer = answer(&received, &format!("q{number}"));
        assert_eq!(answer.get("error").is_some(), has_error, "{answer}");
    }
}

#[tokio::test]
async fn more_inputs_than_anybody_answers_are_not_asked_for() {
    let inputs: Vec<String> = (0..101)
        .map(|number| format!(r#"k{number} = {{ method = "roots/list" }}"#))
        .collect();
    let script = format!(
        "era = \"modern\"\n[[on]]\nmethod = \"tools/call\"\nresult = {{ resultType = \"input_required\", inputRequests = {{ {} }} }}",
        inputs.join(", ")
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    match server.outcome(1).await {
        CallOutcome::Unreadable { why } => assert!(why.contains("101 inputs at once"), "{why}"),
        other => panic!("{other:?}"),
    }
}
