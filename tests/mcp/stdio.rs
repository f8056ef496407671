//! Children: good ones, and each way of being bad.

use std::time::{Duration, Instant};

use mcpdeck::config::{Bundled, Launch};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::event::{CallEvent, Progress, ServerEvent};
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::request::ListKind;
use mcpdeck::mcp::result::{Block, CallOutcome};
use mcpdeck::mcp::wire::record::{Direction, WireKind};
use serde_json::{Value, json};

use crate::support::*;

fn methods(received: &[Value]) -> Vec<&str> {
    received
        .iter()
        .filter_map(|message| message["method"].as_str())
        .collect()
}

#[tokio::test]
async fn a_good_server_connects_lists_answers_and_ends() {
    let mut server = scripted(
        r#"
        [[tools]]
        name = "add"
        inputSchema = { type = "object" }
        "#,
    );
    let hello = server.connected().await;
    assert_eq!(
        (hello.name.as_str(), hello.revision.as_str()),
        ("scripted", "2025-11-25")
    );
    assert_eq!(server.listed().await.items[0].name, "add");
    let arguments = r#"{"b":1,"a":{"z":1.50,"Y":[null,"é\n"]},"10":2,"9":12345678901234567890}"#;
    let line = server
        .text(1, "add", serde_json::from_str(arguments).unwrap())
        .await;
    let sent = arguments.replace("1.50", "1.5");
    assert!(
        line.contains(&format!(r#""arguments":{sent}"#)),
        "the arguments as given, in their order: {line}"
    );
    let message: Value = serde_json::from_str(&line).unwrap();
    assert!(
        message["params"]["_meta"]["progressToken"].is_number(),
        "each call asks for progress: {line}"
    );
    server.connection.close();
    assert_eq!(server.ended().await.kind, FailureKind::Stopped);
    server.closed().await;
}

#[tokio::test]
async fn the_call_is_tied_to_its_id_on_the_wire() {
    let mut server = scripted("");
    server.connected().await;
    server.connection.call(request(7, "t", json!({})));
    let id = server.sent(7).await;
    server.outcome(7).await;
    let found = server.wire().iter().any(|record| {
        record.direction == Direction::Out
            && matches!(&record.kind, WireKind::Request { id: of, method }
                if *of == id && method == "tools/call")
    });
    assert!(found, "a request {id} on the wire");
}

#[tokio::test]
async fn initialize_never_carries_the_newest_revision() {
    let mut server = scripted("");
    server.connected().await;
    let received = server.received(1).await;
    assert_eq!(
        methods(&received)[..2],
        ["initialize", "notifications/initialized"]
    );
    assert_eq!(received[0]["params"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn a_modern_server_is_spoken_to_without_a_handshake() {
    let mut server = scripted_as("era = \"modern\"", auto);
    let hello = server.connected().await;
    assert_eq!(hello.revision, "2026-07-28");
    assert_eq!(hello.name, "scripted");
    let received = server.received(1).await;
    assert_eq!(
        methods(&received),
        ["server/discover", "subscriptions/listen", "tools/call"]
    );
    assert_eq!(
        received[1]["params"]["notifications"],
        json!({ "toolsListChanged": true })
    );
    for message in &received {
        let meta = &message["params"]["_meta"];
        assert_eq!(
            meta["io.modelcontextprotocol/protocolVersion"],
            "2026-07-28"
        );
        assert_eq!(
            meta["io.modelcontextprotocol/clientInfo"]["name"],
            "mcpdeck"
        );
        assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
    }
}

#[tokio::test]
async fn a_call_carries_its_trace_beside_what_else_belongs_to_it_in_both_eras() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for era in ["legacy", "modern"] {
        let mut server = scripted_as(&format!("era = \"{era}\""), auto);
        server.connected().await;
        let mut traced = request(1, "add", json!({}));
        traced.trace = Some(trace.to_owned());
        server.connection.call(traced);
        server.outcome(1).await;
        server.connection.call(request(2, "add", json!({})));
        server.outcome(2).await;
        let received = server.received(3).await;
        let calls = received.iter().filter(|m| m["method"] == "tools/call");
        let metas: Vec<&Value> = calls.map(|call| &call["params"]["_meta"]).collect();
        assert_eq!(metas[0]["traceparent"], trace, "{era}");
        assert_eq!(metas[1].get("traceparent"), None, "{era}");
        for meta in metas {
            assert!(meta["progressToken"].is_number(), "{era}: {meta}");
            let version = &meta["io.modelcontextprotocol/protocolVersion"];
            assert_eq!(version.is_string(), era == "modern", "{meta}");
        }
        server.closed().await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_discover_hears_initialize_in_the_same_process() {
    let mut server = scripted_as("", auto);
    assert_eq!(server.connected().await.revision, "2025-11-25");
    let received = server.received(1).await;
    assert_eq!(
        methods(&received)[..3],
        ["server/discover", "initialize", "notifications/initialized"]
    );
}

#[tokio::test]
async fn a_server_that_ignores_discover_is_not_waited_for_ten_seconds() {
    let since = Instant::now();
    let mut server = scripted_as("[[on]]\nmethod = \"server/discover\"\nsilent = true", auto);
    assert_eq!(server.connected().await.revision, "2025-11-25");
    assert!(since.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn the_late_answer_of_a_slow_starter_is_dropped() {
    let mut server = scripted_as("era = \"both\"\n[start]\ndelay_ms = 2000", auto);
    assert_eq!(server.connected().await.revision, "2025-11-25");
    let received = server.received(1).await;
    assert_eq!(methods(&received)[..2], ["server/discover", "initialize"]);
}

#[tokio::test]
async fn a_slow_starter_without_initialize_is_found_to_be_modern() {
    let mut server = scripted_as("era = \"modern\"\n[start]\ndelay_ms = 2000", auto);
    assert_eq!(server.connected().await.revision, "2026-07-28");
}

#[tokio::test]
async fn a_server_that_cannot_bear_discover_gets_a_fresh_process() {
    for bad in [
        "exit = 1",
        "stdout = ['{}']\nsilent = true",
        "result = { hello = 1 }",
    ] {
        let script = format!("[[on]]\nmethod = \"server/discover\"\n{bad}");
        let mut server = scripted_as(&script, auto);
        assert_eq!(server.connected().await.revision, "2025-11-25", "{bad}");
        let received = server.received(1).await;
        assert_eq!(methods(&received)[0], "initialize", "{bad}");
    }
}

#[tokio::test]
async fn a_forced_era_is_obeyed() {
    let mut server = scripted_as("era = \"both\"", |_| {});
    assert_eq!(server.connected().await.revision, "2025-11-25");
    let mut server = scripted_as("era = \"both\"", modern);
    assert_eq!(server.connected().await.revision, "2026-07-28");
    let mut server = scripted_as("", modern);
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.contains("server/discover"), "{failure:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_fails_within_its_startup_timeout() {
    let mut server = scripted_as(
        "[start]\nstdout = ['Server started']\n[[on]]\nmethod = \"initialize\"\nsilent = true",
        |dial| dial.spec.startup_timeout = Duration::from_millis(700),
    );
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.stdout_line.as_deref(), Some("Server started"));
    assert!(failure.hint.unwrap().contains("startup_timeout_sec"));
}

#[tokio::test]
async fn a_server_that_never_lists_its_tools_fails_within_its_startup_timeout() {
    let script = r#"
        [[tools]]
        name = "late"
        inputSchema = { type = "object" }
        [[on]]
        method = "tools/list"
        times = 1
        stderr = ["waiting for the database"]
        silent = true
        "#;
    let mut server = scripted_as(script, |dial| {
        dial.spec.startup_timeout = Duration::from_secs(3);
    });
    let began = Instant::now();
    server.connected().await;
    server.connection.list(ListKind::Tools);
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("list its tools"), "{failure:?}");
    assert_eq!(failure.stderr, ["waiting for the database"]);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn pages_that_go_on_for_ever_are_bounded_as_one_listing() {
    let script = r#"
        [[on]]
        method = "tools/list"
        cursor = "more"
        silent = true
        [[on]]
        method = "tools/list"
        result = { tools = [], nextCursor = "more" }
        "#;
    let mut server = scripted_as(script, |dial| {
        dial.spec.startup_timeout = Duration::from_secs(3);
    });
    server.connected().await;
    server.connection.list(ListKind::Tools);
    assert_eq!(server.ended().await.kind, FailureKind::Timeout);
}

#[tokio::test]
async fn pages_are_read_to_the_last_and_odd_tools_cost_themselves_alone() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/list"
        cursor = "2"
        result = { tools = [{ name = "third", inputSchema = {}, icons = [{ src = "x", sizes = "48x48" }] }], nextCursor = "3" }
        [[on]]
        method = "tools/list"
        cursor = "3"
        result = { tools = [{ name = "fourth", inputSchema = {} }], nextCursor = "2" }
        [[on]]
        method = "tools/list"
        times = 1
        [on.result]
        nextCursor = "2"
        tools = [
          { name = "first", inputSchema = { type = "object" }, annotations = { readOnlyHint = "yes", destructiveHint = true } },
          { name = "schemaless" },
          { inputSchema = {} },
          7,
          { name = "second", inputSchema = {}, description = 5 },
          { name = "first", inputSchema = {} },
        ]
        "#,
    );
    server.connected().await;
    let listing = server.listed().await;
    let names: Vec<&str> = listing.items.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "third", "fourth"]);
    assert_eq!(listing.items[0].annotations.read_only, None);
    assert_eq!(listing.items[0].annotations.destructive, Some(true));
    let rejected: Vec<Option<&str>> = listing
        .rejected
        .iter()
        .map(|rejected| rejected.name.as_deref())
        .collect();
    assert_eq!(rejected, [Some("schemaless"), None, None, Some("first")]);
}

#[tokio::test]
async fn an_unknown_block_is_kept_and_the_others_are_read() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        result = { content = [{ type = "text", text = "a" }, { type = "hologram", x = 1 }], isError = true }
        "#,
    );
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let CallOutcome::Answered { result } = server.outcome(1).await else {
        panic!("answered");
    };
    assert!(result.is_error);
    assert_eq!(
        result.content,
        [
            Block::Text { text: "a".into() },
            Block::Other {
                value: json!({"type": "hologram", "x": 1})
            }
        ]
    );
}

#[tokio::test]
async fn a_broken_or_endless_answer_fails_its_call_at_once_and_only_that() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        tool = "broken"
        stdout = ['{"jsonrpc":"2.0","id":{id},"result":{"content":[}']
        silent = true
        [[on]]
        method = "tools/call"
        tool = "long"
        long_line = 17000000
        silent = true
        [[on]]
        method = "tools/call"
        tool = "empty"
        stdout = ['{"jsonrpc":"2.0","id":{id}}']
        silent = true
        [[on]]
        method = "tools/call"
        tool = "waits"
        silent = true
        "#,
    );
    server.connected().await;
    server.connection.call(request(9, "waits", json!({})));
    server.sent(9).await;
    for (call, tool, why) in [
        (1, "broken", "no valid JSON"),
        (2, "long", "more than 16 MiB"),
        (3, "empty", "neither"),
    ] {
        server.connection.call(request(call, tool, json!({})));
        match server.outcome(call).await {
            CallOutcome::Unreadable { why: said } => assert!(said.contains(why), "{said}"),
            other => panic!("{tool}: {other:?}"),
        }
    }
    // Both the other call and the connection have survived.
    server.text(4, "t", json!({})).await;
    server.connection.cancel(CallId(9));
    assert_eq!(server.outcome(9).await, CallOutcome::Cancelled);
}

#[tokio::test]
async fn a_broken_message_without_an_id_fails_everyone_who_waits() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        tool = "waits"
        silent = true
        [[on]]
        method = "tools/call"
        tool = "breaks"
        stdout = ['{"jsonrpc":"2.0","result":{"content":[}']
        silent = true
        "#,
    );
    server.connected().await;
    server.connection.call(request(1, "waits", json!({})));
    server.sent(1).await;
    server.connection.call(request(2, "breaks", json!({})));
    for call in [1, 2] {
        assert!(
            matches!(server.outcome(call).await, CallOutcome::Unreadable { .. }),
            "{call}"
        );
    }
}

#[tokio::test]
async fn noise_is_recorded_harms_nobody_and_is_never_answered() {
    let mut server = scripted(
        r#"
        [start]
        stdout = ["Server started on stdio", "42", "{}", "[]"]
        [[on]]
        method = "tools/call"
        tool = "noisy"
        stdout = ["debug: called", "{ not json", "null", '"text"']
        "#,
    );
    server.connected().await;
    server.text(1, "noisy", json!({})).await;
    let received = server.received(2).await;
    assert_eq!(
        methods(&received),
        [
            "initialize",
            "notifications/initialized",
            "tools/call",
            "tools/call"
        ],
        "nothing but requests and notifications was written"
    );
    assert_eq!(received.len(), 4);
    let strays: Vec<String> = server
        .wire()
        .iter()
        .filter(|record| matches!(record.kind, WireKind::NotJson | WireKind::NotMessage))
        .map(|record| record.text.clone())
        .collect();
    assert_eq!(
        strays,
        [
            "Server started on stdio",
            "42",
            "{}",
            "[]",
            "debug: called",
            "{ not json",
            "null",
            "\"text\""
        ]
    );
}

#[tokio::test]
async fn a_flood_on_stderr_holds_nothing_back_and_its_end_is_kept() {
    let mut server =
        scripted("[start]\nstderr_lines = 20000\n[[on]]\nmethod = \"tools/call\"\nexit = 7");
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let failure = server.ended().await;
    assert_eq!(failure.exit.as_deref(), Some("exit code 7"));
    assert_eq!(failure.stderr.len(), 20);
    assert_eq!(failure.stderr[19], "line 19999 of a flood");
}

#[tokio::test]
async fn a_long_line_of_stderr_is_cut() {
    let long = "y".repeat(10_000);
    let mut server = scripted(&format!("[start]\nstderr = [\"{long}\"]\nexit = 1"));
    assert_eq!(server.ended().await.stderr[0].len(), 4096);
}

/// Whether a process still does anything.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    match stat {
        Ok(stat) => !stat.contains(") Z") && !stat.contains(") X"),
        Err(_) if std::path::Path::new("/proc/self").exists() => false,
        Err(_) => {
            let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
            rustix::process::test_kill_process(pid.unwrap()).is_ok()
        }
    }
}

async fn grandchild(server: &mut Server) -> String {
    // Its line has been written before the first answer, but the pipes are two.
    for call in 1000.. {
        server.text(call, "t", json!({})).await;
        let said = server
            .wire()
            .iter()
            .find_map(|record| record.text.strip_prefix("spawned ").map(str::to_owned));
        if let Some(pid) = said {
            return pid;
        }
    }
    unreachable!()
}

#[tokio::test]
async fn the_end_of_a_server_is_the_end_of_its_grandchildren() {
    let mut server = scripted("[start]\nspawn = [\"sleep\", \"1000\"]");
    server.connected().await;
    let pid = grandchild(&mut server).await;
    assert!(runs(&pid), "a control: it runs before");
    server.closed().await;
    assert!(!runs(&pid));
}

#[tokio::test]
async fn a_server_that_will_not_go_is_killed_with_its_group() {
    let mut server =
        scripted("[start]\nspawn = [\"sleep\", \"1000\"]\nignore_eof = true\nignore_term = true");
    server.connected().await;
    let pid = grandchild(&mut server).await;
    server.connection.close();
    let failure = server.ended().await;
    assert_eq!(failure.exit.as_deref(), Some("signal 9 (SIGKILL)"));
    server.closed().await;
    assert!(!runs(&pid));
}

#[tokio::test]
async fn a_cancelled_call_is_over_at_once_and_the_server_is_told_and_lives() {
    let mut server = scripted("[[on]]\nmethod = \"tools/call\"\ntool = \"slow\"\nsilent = true");
    server.connected().await;
    server.connection.call(request(1, "slow", json!({})));
    let id = server.sent(1).await;
    let since = Instant::now();
    server.connection.cancel(CallId(1));
    assert_eq!(server.outcome(1).await, CallOutcome::Cancelled);
    // Measured within a few milliseconds; the limit is wide because the machine may be busy.
    let took = since.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    let received = server.received(2).await;
    let told = received
        .iter()
        .find(|message| message["method"] == "notifications/cancelled")
        .expect("the server was told");
    assert_eq!(told["params"]["requestId"].to_string(), id);
}

#[tokio::test]
async fn an_answer_after_the_cancellation_is_ignored() {
    let mut server = scripted("[[on]]\nmethod = \"tools/call\"\ntool = \"slow\"\ndelay_ms = 300");
    server.connected().await;
    server.connection.call(request(1, "slow", json!({})));
    server.sent(1).await;
    server.connection.cancel(CallId(1));
    server.connection.call(request(2, "slow", json!({})));
    let mut ends = Vec::new();
    while ends.len() < 2 {
        if let ServerEvent::Call(call, CallEvent::Finished(outcome)) = server.event().await {
            ends.push((call, matches!(outcome, CallOutcome::Answered { .. })));
        }
    }
    assert_eq!(ends, [(CallId(1), false), (CallId(2), true)]);
}

#[tokio::test]
async fn progress_extends_the_timeout_and_is_reported() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        progress = [
          { progress = 1, total = 3, message = "one", delay_ms = 400 },
          { progress = 2, delay_ms = 400 },
          { progress = 3, delay_ms = 400 },
        ]
        delay_ms = 400
        "#,
    );
    server.connected().await;
    let mut call = request(1, "t", json!({}));
    call.timeout = Duration::from_millis(1200);
    server.connection.call(call);
    let (before, outcome) = server.call_events(1).await;
    assert!(
        matches!(outcome, CallOutcome::Answered { .. }),
        "{outcome:?}"
    );
    let progress: Vec<f64> = before
        .iter()
        .filter_map(|event| match event {
            CallEvent::Progress(progress) => Some(progress.done),
            _ => None,
        })
        .collect();
    assert_eq!(progress, [1.0, 2.0, 3.0]);
    assert!(matches!(before[0], CallEvent::Sent { .. }));
    assert_eq!(
        before[1],
        CallEvent::Progress(Progress {
            done: 1.0,
            total: Some(3.0),
            message: Some("one".into())
        })
    );
}

#[tokio::test]
async fn a_call_times_out_without_progress_and_at_last_despite_it() {
    let steps = "{ progress = 1, delay_ms = 200 },".repeat(30);
    let mut server = scripted(&format!(
        "[[on]]\nmethod = \"tools/call\"\ntool = \"dead\"\nsilent = true\n\
         [[on]]\nmethod = \"tools/call\"\ntool = \"endless\"\nprogress = [{steps}]",
    ));
    server.connected().await;
    for (call, tool, total) in [(1, "dead", 30_000), (2, "endless", 1500)] {
        let mut what = request(call, tool, json!({}));
        what.timeout = Duration::from_millis(1000);
        what.max_total = Duration::from_millis(total);
        server.connection.call(what);
        match server.outcome(call).await {
            CallOutcome::TimedOut { after } => {
                assert!(after >= Duration::from_millis(total.min(1000)), "{after:?}");
                assert!(after < Duration::from_secs(5), "{after:?}");
            }
            other => panic!("{tool}: {other:?}"),
        }
    }
    let received = server.received(3).await;
    let told = methods(&received)
        .into_iter()
        .filter(|&method| method == "notifications/cancelled");
    assert_eq!(told.count(), 2);
}

#[tokio::test]
async fn a_call_under_way_when_the_process_ends_is_lost_before_the_end_is_told() {
    let mut server = scripted(
        "[[on]]\nmethod = \"tools/call\"\ntool = \"dies\"\nstderr = [\"out of memory\"]\nexit = 9\n\
         [[on]]\nmethod = \"tools/call\"\nsilent = true",
    );
    server.connected().await;
    server.connection.call(request(1, "waits", json!({})));
    server.connection.call(request(2, "dies", json!({})));
    let mut events = Vec::new();
    loop {
        match server.event().await {
            ServerEvent::Ended(failure) => {
                assert_eq!(failure.kind, FailureKind::Exited);
                assert_eq!(failure.exit.as_deref(), Some("exit code 9"));
                assert_eq!(failure.stderr, ["out of memory"]);
                assert!(failure.target.unwrap().contains("serve scripted"));
                break;
            }
            ServerEvent::Call(call, CallEvent::Finished(CallOutcome::Lost { why })) => {
                assert!(why.contains("exit code 9"), "{why}");
                events.push(call);
            }
            ServerEvent::Call(_, CallEvent::Sent { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(events, [CallId(1), CallId(2)]);
}

#[tokio::test]
async fn what_never_left_is_told_apart_from_what_is_lost() {
    // It answers the handshake and never reads again.
    let shell = r#"read line; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"deaf","version":"1"}}}'; exec sleep 1000"#;
    let launch = Launch::Stdio(command("sh", &["-c", shell]));
    let mut server = dialled(spec(launch), |_| {});
    server.connection.call(request(1, "early", json!({})));
    assert!(matches!(
        server.outcome(1).await,
        CallOutcome::NotSent { .. }
    ));
    server.connected().await;
    let big = "x".repeat(1_000_000);
    server
        .connection
        .call(request(2, "big", json!({ "x": big })));
    server.connection.call(request(3, "behind", json!({})));
    // The first fills the pipe, the second never gets in. A probe that times out is not waited for: the close is enough.
    wait_for(|| {
        server
            .wire()
            .iter()
            .any(|record| record.direction == Direction::Out && record.bytes > 1_000_000)
    })
    .await;
    server.connection.close();
    assert!(matches!(server.outcome(2).await, CallOutcome::Lost { .. }));
    assert!(matches!(
        server.outcome(3).await,
        CallOutcome::NotSent { .. }
    ));
    assert_eq!(server.ended().await.kind, FailureKind::Stopped);
}

#[tokio::test]
async fn a_missing_command_is_named_with_what_to_do() {
    let launch = Launch::Stdio(command("no-such-command-anywhere", &[]));
    let failure = dialled(spec(launch), |_| {}).ended().await;
    assert_eq!(failure.kind, FailureKind::Spawn);
    assert!(failure.message.contains("`no-such-command-anywhere`"));
    let hint = failure.hint.unwrap();
    assert!(hint.contains("PATH is "), "{hint}");

    let mut npx = command("npx", &["-y", "server"]);
    npx.env
        .insert("PATH".to_owned(), mcpdeck::config::Secret::new("/nowhere"));
    let failure = dialled(spec(Launch::Stdio(npx)), |_| {}).ended().await;
    let hint = failure.hint.unwrap();
    assert!(
        hint.contains("Node.js") && hint.contains("/nowhere"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_server_that_exits_at_start_says_why() {
    let mut server = scripted(
        "[start]\nstdout = [\"usage: server KEY\"]\nstderr = [\"one\", \"KEY is missing\"]\nexit = 3",
    );
    let failure = server.ended().await;
    assert_eq!(failure.kind, FailureKind::Exited);
    assert_eq!(failure.exit.as_deref(), Some("exit code 3"));
    assert_eq!(failure.stderr, ["one", "KEY is missing"]);
    assert_eq!(failure.stdout_line.as_deref(), Some("usage: server KEY"));
    assert!(failure.headline().contains("KEY is missing"));
}

#[tokio::test]
async fn the_environment_is_narrow_and_what_is_named_gets_through() {
    let shell = "env >&2; exit 1";
    let named = |env_vars: &[&str]| {
        let mut launch = command("sh", &["-c", shell]);
        launch.env_vars = env_vars.iter().map(|&name| name.to_owned()).collect();
        launch
            .env
            .insert("GIVEN".to_owned(), mcpdeck::config::Secret::new("yes"));
        launch
    };
    // Any variable of ours that no server needs; cargo sets a good many for its tests.
    let ours = std::env::vars()
        .map(|(name, _)| name)
        .find(|name| name.starts_with("CARGO") || name.starts_with("RUST"))
        .expect("a variable of ours");
    let ours = ours.as_str();
    for (env_vars, expected) in [(&[][..], false), (&[ours][..], true)] {
        let mut server = dialled(spec(Launch::Stdio(named(env_vars))), |_| {});
        server.ended().await;
        let lines: Vec<String> = server.wire().iter().map(|r| r.text.clone()).collect();
        let has = |name: &str| lines.iter().any(|line| line.starts_with(name));
        assert!(has("PATH="), "{lines:?}");
        assert!(has("GIVEN=yes"), "{lines:?}");
        assert_eq!(has(&format!("{ours}=")), expected, "{lines:?}");
    }
}

#[tokio::test]
async fn probes_ask_in_the_way_of_the_era() {
    for (era, method) in [("legacy", "ping"), ("modern", "server/discover")] {
        let mut server = scripted_as(&format!("era = \"{era}\""), auto);
        server.connected().await;
        server.connection.probe();
        let ServerEvent::Probed { millis } = server.event().await else {
            panic!("probed");
        };
        assert!(millis.is_some());
        let received = server.received(1).await;
        let asked: Vec<&str> = methods(&received);
        assert_eq!(asked[asked.len() - 2], method, "{asked:?}");
    }
}

#[tokio::test]
async fn what_a_child_uses_is_told_with_a_probe_and_its_grandchildren_count() {
    let script = "start = { stderr = ['one', 'two'], spawn = ['sleep', '1000'] }";
    let mut server = scripted_as(script, auto);
    server.connected().await;
    server.connection.probe();
    let (used, stderr_lines) = server.vitals().await;
    // The scripted server tells of its grandchild on a line of its own.
    assert_eq!(stderr_lines, 3);
    if cfg!(target_os = "linux") {
        let used = used.expect("the figures of its processes");
        assert_eq!(used.count, 2);
        assert!(used.resident > 1_000_000, "{used:?}");
    }
}

#[tokio::test]
async fn logs_and_changes_of_the_tools_are_reported() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "tools/call"
        stdout = [
          '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"warning","logger":"db","data":{"a":1}}}',
          '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
        ]
        "#,
    );
    server.connected().await;
    server.connection.call(request(1, "t", json!({})));
    let mut events = Vec::new();
    while events.len() < 2 {
        if let event @ (ServerEvent::Log { .. } | ServerEvent::Changed(ListKind::Tools)) =
            server.event().await
        {
            events.push(event);
        }
    }
    let log = ServerEvent::Log {
        level: "warning".into(),
        text: "db: {\"a\":1}".into(),
    };
    assert_eq!(events, [log, ServerEvent::Changed(ListKind::Tools)]);
}

#[tokio::test]
async fn ten_servers_start_and_answer_side_by_side() {
    let script = "[start]\ndelay_ms = 500";
    let since = Instant::now();
    let mut servers: Vec<Server> = (0..10).map(|_| scripted(script)).collect();
    for server in &mut servers {
        server.connected().await;
    }
    for (call, server) in servers.iter().enumerate() {
        server
            .connection
            .call(request(call as u64, "t", json!({ "n": call })));
    }
    for (call, server) in servers.iter_mut().enumerate() {
        let outcome = server.outcome(call as u64).await;
        let CallOutcome::Answered { result } = outcome else {
            panic!("{call}");
        };
        assert!(result.as_text().contains(&format!("{{\"n\":{call}}}")));
    }
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "one after the other would take longer: {:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn a_bundled_server_is_started_from_the_own_binary() {
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("fake-mcpdeck");
    std::fs::write(&fake, "#!/bin/sh\necho \"$@\" >&2\nexit 5\n").unwrap();
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let launch = Launch::Bundled(Bundled::Database {
        url: mcpdeck::config::StoreUrl::new("sqlite:shop.db", ""),
        access: mcpdeck::config::Access::ReadOnly,
    });
    let mut server = dialled(spec(launch), |dial| dial.own_binary = fake);
    let failure = server.ended().await;
    assert_eq!(
        failure.stderr,
        ["serve database sqlite:shop.db --read-only"]
    );
    assert_eq!(failure.exit.as_deref(), Some("exit code 5"));
}

#[tokio::test]
async fn the_signal_that_ended_a_server_is_named() {
    let launch = Launch::Stdio(command("sh", &["-c", "kill -9 $$"]));
    let failure = dialled(spec(launch), |_| {}).ended().await;
    assert_eq!(failure.kind, FailureKind::Exited);
    assert_eq!(failure.exit.as_deref(), Some("signal 9 (SIGKILL)"));
    assert!(failure.target.unwrap().ends_with("sh -c 'kill -9 $$'"));
}

#[tokio::test]
async fn a_server_that_closes_its_stdout_is_ended() {
    let launch = Launch::Stdio(command("sh", &["-c", "exec >&-; exec sleep 1000"]));
    let failure = dialled(spec(launch), |_| {}).ended().await;
    assert_eq!(failure.kind, FailureKind::Exited);
    assert!(failure.message.contains("closed its stdout"), "{failure:?}");
}

#[tokio::test]
async fn a_server_that_closes_its_stdin_is_ended_and_nobody_waits_for_its_answers() {
    let script = r#"read line
echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"d","version":"1"}}}'
read line
exec 0<&-
echo '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"deaf"}}'
exec sleep 1000"#;
    let mut server = dialled(
        spec(Launch::Stdio(command("bash", &["-c", script]))),
        |_| {},
    );
    server.connected().await;
    while !matches!(server.event().await, ServerEvent::Log { .. }) {}
    let began = Instant::now();
    server.connection.call(request(1, "t", json!({})));
    let (mut lost, mut failure) = (None, None);
    while failure.is_none() {
        match server.event().await {
            ServerEvent::Call(_, CallEvent::Finished(outcome)) => lost = Some(outcome),
            ServerEvent::Ended(ended) => failure = Some(ended),
            _ => {}
        }
    }
    assert!(matches!(lost, Some(CallOutcome::Lost { .. })), "{lost:?}");
    let message = failure.expect("an end").message;
    assert!(message.contains("closed its stdin"), "{message}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_modern_server_tells_when_its_tools_change() {
    let mut server = scripted_as(
        r#"
        era = "modern"
        [[on]]
        method = "subscriptions/listen"
        stdout = ['{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":{id}}}}']
        silent = true
        "#,
        modern,
    );
    server.connected().await;
    assert_eq!(server.event().await, ServerEvent::Changed(ListKind::Tools));
}

#[tokio::test]
async fn a_stream_of_changes_that_ends_is_asked_for_again_and_the_tools_with_it() {
    let script = r#"
        era = "modern"
        [[on]]
        method = "subscriptions/listen"
        times = 1
        result = { resultType = "complete" }
        [[on]]
        method = "subscriptions/listen"
        silent = true
        "#;
    let mut server = scripted_as(script, modern);
    server.connected().await;
    while server.event().await != ServerEvent::Changed(ListKind::Tools) {}
    let received = server.received(1).await;
    let asked = methods(&received)
        .into_iter()
        .filter(|method| *method == "subscriptions/listen");
    assert_eq!(asked.count(), 2);
}

#[tokio::test]
async fn a_close_during_the_handshake_ends_the_process() {
    let mut server = scripted(
        "[start]\nspawn = [\"sleep\", \"1000\"]\n[[on]]\nmethod = \"initialize\"\nsilent = true",
    );
    let mut pid = None;
    wait_for(|| {
        let said = server.wire().iter();
        pid = said
            .filter_map(|record| record.text.strip_prefix("spawned ").map(str::to_owned))
            .next();
        pid.is_some()
    })
    .await;
    server.connection.close();
    assert_eq!(server.ended().await.kind, FailureKind::Stopped);
    server.closed().await;
    assert!(!runs(&pid.unwrap()));
}

#[tokio::test]
async fn a_wire_pane_that_is_behind_loses_records_and_they_are_counted() {
    let (live, mut few) = mcpdeck::mcp::wire::live::channel(1);
    let tap = mcpdeck::mcp::wire::Tap::new(Instant::now(), None, Some(live));
    let mut server = scripted_as("", |dial| dial.tap = tap.clone());
    server.connected().await;
    server.text(1, "t", json!({})).await;
    assert!(few.try_recv().is_some());
    // initialize both ways, initialized, the call both ways: one was kept.
    assert_eq!(tap.dropped(), 4);
}
