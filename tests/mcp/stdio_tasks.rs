//! Calls that a server carries as tasks, in the form of both eras.

use std::time::Duration;

use mcpdeck::ids::CallId;
use mcpdeck::mcp::connection::FollowRequest;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::result::CallOutcome;
use serde_json::{Value, json};

use crate::support::*;

fn of<'a>(received: &'a [Value], method: &str) -> Vec<&'a Value> {
    let of_it = |message: &&Value| message["method"] == method;
    received.iter().filter(of_it).collect()
}

fn follow(call: u64) -> FollowRequest {
    FollowRequest {
        call: CallId(call),
        task: "T".into(),
        timeout: LIMIT,
        max_total: LIMIT,
    }
}

/// The states of the task that were shown, each with its words.
fn shown(events: &[CallEvent]) -> Vec<String> {
    let state = |event: &CallEvent| match event {
        CallEvent::Task(task) => {
            assert_eq!(task.id, "T");
            Some(match &task.message {
                Some(message) => format!("{} {message}", task.status),
                None => task.status.clone(),
            })
        }
        _ => None,
    };
    events.iter().filter_map(state).collect()
}

const BEGINS: &str = r#"
    era = "modern"
    [[on]]
    method = "tools/call"
    tool = "long"
    result = { resultType = "task", taskId = "T", status = "working", createdAt = "x", lastUpdatedAt = "x", ttlMs = 60000, pollIntervalMs = 10 }
    "#;

fn modern_task(then: &str) -> String {
    format!("{BEGINS}{then}")
}

#[tokio::test]
async fn a_modern_task_is_polled_to_its_end() {
    let script = modern_task(
        r#"
        [[on]]
        method = "tasks/get"
        times = 1
        result = { resultType = "complete", taskId = "T", status = "working", statusMessage = "half", pollIntervalMs = 10 }
        [[on]]
        method = "tasks/get"
        result = { resultType = "complete", taskId = "T", status = "completed", result = { content = [{ type = "text", text = "done" }] } }
        "#,
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "long", json!({})));
    let (before, outcome) = server.call_events(1).await;
    assert_eq!(shown(&before), ["working", "working half", "completed"]);
    let CallOutcome::Answered { result } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(result.as_text(), "done");
    let received = server.received(2).await;
    let polls = of(&received, "tasks/get");
    assert_eq!(polls.len(), 2);
    let meta = "io.modelcontextprotocol/clientCapabilities";
    let declared = &polls[0]["params"]["_meta"][meta]["extensions"];
    assert!(declared["io.modelcontextprotocol/tasks"].is_object());
    assert_eq!(polls[0]["params"]["taskId"], "T");
}

#[tokio::test]
async fn the_questions_of_a_modern_task_are_put_once_and_answered_by_an_update() {
    let script = modern_task(
        r#"
        [[on]]
        method = "tasks/update"
        result = { resultType = "complete" }
        [[on]]
        method = "tasks/get"
        after = "tasks/update"
        result = { taskId = "T", status = "completed", result = { content = [] } }
        [[on]]
        method = "tasks/get"
        [on.result]
        taskId = "T"
        status = "input_required"
        pollIntervalMs = 10
        inputRequests = { a = { method = "roots/list" }, b = { method = "elicitation/create", params = { message = "m", requestedSchema = {} } } }
        "#,
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    let mut call = request(1, "long", json!({}));
    call.timeout = Duration::from_millis(1500);
    server.connection.call(call);
    let (first, of_call, _) = server.asked().await;
    let (second, ..) = server.asked().await;
    assert_eq!(of_call, Some(CallId(1)));
    server.reply(second, json!({ "action": "accept", "content": {} }));
    // Several more reports repeat the questions while one of them is open.
    while of(&server.received(9).await, "tasks/get").len() < 4 {}
    server.reply(first, json!({ "roots": [] }));
    loop {
        match server.event().await {
            ServerEvent::Asked { what, .. } => panic!("asked twice: {what:?}"),
            ServerEvent::Call(CallId(1), CallEvent::Finished(outcome)) => {
                assert!(
                    matches!(outcome, CallOutcome::Answered { .. }),
                    "{outcome:?}"
                );
                break;
            }
            _ => {}
        }
    }
    let received = server.received(2).await;
    let updates = of(&received, "tasks/update");
    assert_eq!(updates.len(), 1);
    let responses = json!({ "a": { "roots": [] }, "b": { "action": "accept", "content": {} } });
    assert_eq!(updates[0]["params"]["inputResponses"], responses);
}

#[tokio::test]
async fn a_modern_task_that_does_not_end_well_says_how() {
    for (report, words) in [
        (
            r#"result = { status = "failed", error = { code = -7, message = "broke" } }"#,
            "broke",
        ),
        (
            r#"result = { status = "cancelled", statusMessage = "full" }"#,
            "full",
        ),
        (r#"result = { status = "completed" }"#, "no `result`"),
        (
            r#"error = { code = -32602, message = "no such task" }"#,
            "no such task",
        ),
        (
            r#"result = { status = "input_required", inputRequests = { a = { method = "x/y" } } }"#,
            "x/y",
        ),
    ] {
        let script = modern_task(&format!("[[on]]\nmethod = \"tasks/get\"\n{report}"));
        let mut server = scripted_as(&script, modern);
        server.connected().await;
        server.connection.call(request(1, "long", json!({})));
        let said = match server.outcome(1).await {
            CallOutcome::Refused { code: -7, message } => message,
            CallOutcome::Lost { why } | CallOutcome::Unreadable { why } => why,
            other => panic!("{report}: {other:?}"),
        };
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn a_task_that_tells_by_itself_need_not_be_asked() {
    let script = modern_task(
        r#"
        [[on]]
        method = "tasks/get"
        stdout = ['{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"T","status":"completed","result":{"content":[]}}}']
        silent = true
        "#,
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "long", json!({})));
    let outcome = server.outcome(1).await;
    assert!(
        matches!(outcome, CallOutcome::Answered { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_cancelled_task_is_cancelled_at_the_server() {
    let mut server = scripted_as(
        &modern_task("[[on]]\nmethod = \"tasks/get\"\nsilent = true"),
        modern,
    );
    server.connected().await;
    server.connection.call(request(1, "long", json!({})));
    while !matches!(
        server.event().await,
        ServerEvent::Call(_, CallEvent::Task(_))
    ) {}
    server.connection.cancel(CallId(1));
    assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
    let received = server.received(2).await;
    assert_eq!(of(&received, "tasks/cancel")[0]["params"]["taskId"], "T");
    assert!(of(&received, "notifications/cancelled").is_empty());
}

#[tokio::test]
async fn a_task_outlives_its_connection_and_is_followed_on_the_next_one() {
    let script = modern_task("[[on]]\nmethod = \"tasks/get\"\nexit = 3");
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "long", json!({})));
    let (before, outcome) = server.call_events(1).await;
    assert_eq!(shown(&before), ["working"]);
    assert!(matches!(outcome, CallOutcome::Lost { .. }), "{outcome:?}");
    let ended = r#"[[on]]
        method = "tasks/get"
        result = { status = "completed", result = { content = [{ type = "text", text = "done" }] } }"#;
    let mut server = scripted_as(&modern_task(ended), modern);
    server.connected().await;
    server.connection.follow(follow(1));
    let (before, outcome) = server.call_events(1).await;
    assert_eq!(shown(&before), ["working", "completed"]);
    assert!(
        matches!(outcome, CallOutcome::Answered { .. }),
        "{outcome:?}"
    );
    let received = server.received(2).await;
    let long = |call: &&&Value| call["params"]["name"] == "long";
    assert_eq!(of(&received, "tools/call").iter().filter(long).count(), 0);
}

/// A server of 2025-11-25 whose tool runs only as a task.
const OLD: &str = r#"
    capabilities = { tools = {}, tasks = { cancel = {}, requests = { tools = { call = {} } } } }
    [[tools]]
    name = "long"
    inputSchema = {}
    execution = { taskSupport = "required" }
    [[tools]]
    name = "either"
    inputSchema = {}
    execution = { taskSupport = "optional" }
    [[on]]
    method = "tools/call"
    tool = "long"
    has = "task"
    result = { task = { taskId = "T", status = "working", createdAt = "x", lastUpdatedAt = "x", ttl = 60000, pollInterval = 10 } }
    [[on]]
    method = "tools/call"
    tool = "long"
    error = { code = -32601, message = "it runs as a task only" }
    "#;

#[tokio::test]
async fn a_tool_of_the_old_era_that_needs_a_task_runs_as_one() {
    let script = OLD.to_owned()
        + r#"
        [[on]]
        method = "tasks/get"
        times = 1
        result = { taskId = "T", status = "working", statusMessage = "half", pollInterval = 10 }
        [[on]]
        method = "tasks/get"
        result = { taskId = "T", status = "completed", pollInterval = 10 }
        [[on]]
        method = "tasks/result"
        result = { content = [{ type = "text", text = "done" }] }
        "#;
    for listed in [true, false] {
        let mut server = scripted(&script);
        server.connected().await;
        if listed {
            server.listed().await;
        }
        server
            .connection
            .call(request(1, "long", json!({ "a": 1 })));
        let (before, outcome) = server.call_events(1).await;
        assert_eq!(shown(&before), ["working", "working half", "completed"]);
        let CallOutcome::Answered { result } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(result.as_text(), "done");
        server.text(2, "either", json!({})).await;
        let received = server.received(3).await;
        let calls = of(&received, "tools/call");
        // Without a listing nobody could know, so it is tried plainly first.
        let sent = usize::from(!listed);
        assert!(calls[sent]["params"]["task"]["ttl"].is_number());
        assert_eq!(calls[sent]["params"]["arguments"], json!({ "a": 1 }));
        assert_eq!(calls[sent + 1]["params"].get("task"), None);
        assert_eq!(of(&received, "tasks/result").len(), 1);
    }
}

#[tokio::test]
async fn a_task_of_the_old_era_asks_while_its_result_is_awaited() {
    let script = OLD.to_owned()
        + r#"
        [[on]]
        method = "tasks/get"
        result = { taskId = "T", status = "input_required", pollInterval = 10 }
        [[on]]
        method = "tasks/result"
        stdout = ['{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"m","requestedSchema":{},"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"T"}}}}']
        wait_for = "q"
        result = { content = [{ type = "text", text = "done" }] }
        [[on]]
        method = "tools/call"
        tool = "waits"
        silent = true
        "#;
    let mut server = scripted(&script);
    server.connected().await;
    server.listed().await;
    // Another call is under way: only the metadata says whose question it is.
    server.connection.call(request(2, "waits", json!({})));
    server.connection.call(request(1, "long", json!({})));
    let (ask, call, _) = server.asked().await;
    assert_eq!(call, Some(CallId(1)));
    server.reply(ask, json!({ "action": "decline" }));
    let outcome = server.outcome(1).await;
    assert!(
        matches!(outcome, CallOutcome::Answered { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_task_of_the_old_era_is_followed_refused_and_cancelled() {
    let script = OLD.to_owned()
        + r#"
        [[on]]
        method = "tasks/get"
        times = 1
        result = { taskId = "T", status = "failed" }
        [[on]]
        method = "tasks/get"
        result = { taskId = "T", status = "working", pollInterval = 10 }
        [[on]]
        method = "tasks/result"
        error = { code = -7, message = "broke" }
        [[on]]
        method = "tasks/cancel"
        result = { taskId = "T", status = "cancelled" }
        "#;
    let mut server = scripted(&script);
    server.connected().await;
    server.connection.follow(follow(1));
    let message = "broke".to_owned();
    assert_eq!(
        server.outcome(1).await,
        CallOutcome::Refused { code: -7, message }
    );
    server.connection.follow(follow(2));
    while !matches!(
        server.event().await,
        ServerEvent::Call(_, CallEvent::Task(_))
    ) {}
    server.connection.cancel(CallId(2));
    assert_eq!(server.outcome(2).await, CallOutcome::Cancelled);
    assert_eq!(of(&server.received(3).await, "tasks/cancel").len(), 1);
}

#[tokio::test]
async fn a_task_of_which_nothing_is_heard_is_over_in_time_or_given_up() {
    let script = modern_task("[[on]]\nmethod = \"tasks/get\"\nsilent = true");
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    let mut call = request(1, "long", json!({}));
    call.timeout = Duration::from_millis(700);
    server.connection.call(call);
    let outcome = server.outcome(1).await;
    assert!(
        matches!(outcome, CallOutcome::TimedOut { .. }),
        "{outcome:?}"
    );
    assert_eq!(of(&server.received(2).await, "tasks/cancel").len(), 1);

    let script = modern_task(
        "[[on]]\nmethod = \"tasks/get\"\nerror = { code = -32603, message = \"oops\" }",
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    server.connection.call(request(1, "long", json!({})));
    match server.outcome(1).await {
        CallOutcome::Lost { why } => assert!(why.contains("oops"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(of(&server.received(2).await, "tasks/get").len(), 5);
}
