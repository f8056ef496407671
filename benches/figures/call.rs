//! One tool call through a connection to a real child process, with the tap as in the terminal program, against a bare loop
//! over pipes to the same child: write a line, read a line.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mcpdeck::ids::{CallId, Generation};
use mcpdeck::mcp::connection::{CallRequest, Dial, dial};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::request::Method;
use mcpdeck::mcp::result::CallOutcome;
use mcpdeck::mcp::wire::{Tap, live};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::ready::spec;
use crate::report::{Row, at, sorted};
use crate::{PROGRAM, runtime, write};

const CALLS: u64 = 3_000;
/// Calls before those that count.
const WARM_UP: u64 = 300;
const GOAL: f64 = 2.0;

/// Two rows: the middle one of all calls, and the slow ones.
pub fn measure() -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("echo.toml");
    write(&script, "");
    // Twice each, in turn, so that a busy moment of the machine meets both.
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        bare.extend(bare_loop(&script));
        ours.extend(runtime().block_on(through_a_connection(&script)));
    }
    let (bare, ours) = (sorted(bare), sorted(ours));
    vec![
        Row::quotient(
            "one tool call, median (baseline: bare JSON-RPC over a pipe)",
            at(&ours, 0.5),
            at(&bare, 0.5),
            GOAL,
        ),
        Row::within(
            "one tool call, 99th percentile",
            at(&ours, 0.99),
            at(&bare, 0.99),
            None,
        ),
    ]
}

/// The middle call of the bare loop alone.
pub fn bare_median() -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("echo.toml");
    write(&script, "");
    at(&sorted(bare_loop(&script)), 0.5)
}

fn arguments(number: u64) -> Map<String, Value> {
    let path = format!("notes/{number}.txt");
    let arguments = json!({"path": path, "content": "Hello from MCP! ".repeat(16)});
    arguments.as_object().cloned().unwrap_or_default()
}

fn bare_loop(script: &Path) -> Vec<Duration> {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "scripted"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut to = child.stdin.take().expect("its stdin");
    let mut from = BufReader::new(child.stdout.take().expect("its stdout"));
    let mut line = String::new();
    let mut samples = Vec::new();
    for number in 0..WARM_UP + CALLS {
        let started = Instant::now();
        let request = json!({
            "jsonrpc": "2.0", "id": number, "method": "tools/call",
            "params": {"name": "echo", "arguments": arguments(number)},
        });
        to.write_all(format!("{request}\n").as_bytes())
            .expect("a child that reads");
        line.clear();
        from.read_line(&mut line).expect("a child that answers");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(answer["id"], number);
        if number >= WARM_UP {
            samples.push(started.elapsed());
        }
    }
    drop(to);
    child.wait().expect("the child ends");
    samples
}

async fn through_a_connection(script: &Path) -> Vec<Duration> {
    let (live, mut records) = live::channel(4096);
    // As in the terminal program, somebody looks at the wire.
    let looks = tokio::spawn(async move { while records.recv().await.is_some() {} });
    let (reports, mut events) = mpsc::channel(64);
    let connection = dial(
        Dial {
            spec: spec("echo", script),
            generation: Generation(1),
            own_binary: PathBuf::from(PROGRAM),
            tap: Tap::new(Instant::now(), None, Some(live)),
            remembered_era: None,
            authorizer: mcpdeck::mcp::auth::Authorizer::default(),
            faults: Default::default(),
        },
        reports,
    );
    let mut event = async || events.recv().await.expect("a living connection").2;
    loop {
        match event().await {
            ServerEvent::Connected(_) => break,
            ServerEvent::Start(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut samples = Vec::new();
    for number in 0..WARM_UP + CALLS {
        let started = Instant::now();
        connection.call(CallRequest {
            call: CallId(number),
            method: Method::Tool,
            tool: "echo".to_owned(),
            arguments: arguments(number),
            timeout: Duration::from_secs(30),
            max_total: Duration::from_secs(30),
            trace: None,
        });
        loop {
            if let ServerEvent::Call(_, CallEvent::Finished(outcome)) = event().await {
                assert!(
                    matches!(outcome, CallOutcome::Answered { .. }),
                    "{outcome:?}"
                );
                break;
            }
        }
        if number >= WARM_UP {
            samples.push(started.elapsed());
        }
    }
    // Its last report must find room.
    let drain = async { while events.recv().await.is_some() {} };
    tokio::join!(connection.closed(), drain);
    looks.await.expect("the wire is read to its end");
    samples
}
