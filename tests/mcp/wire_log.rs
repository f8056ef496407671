//! `--wire-log`: everything in the file, secrets not.

use std::sync::Arc;
use std::time::Instant;

use mcpdeck::config::{Launch, Secret};
use mcpdeck::ids::{CallId, Generation, ServerName};
use mcpdeck::mcp::connection::{Dial, dial};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::wire::record::{Direction, WireKind};
use mcpdeck::mcp::wire::redact::Redactor;
use mcpdeck::mcp::wire::{Tap, WireFile};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::*;

/// Runs a chatty server with a secret in its environment and gives the lines of the file.
async fn logged(secret: &str, text: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wire.jsonl");
    let script = folder.path().join("script.toml");
    std::fs::write(
        &script,
        "[start]\nstdout = [\"noise\"]\nstderr = [\"words\"]",
    )
    .unwrap();
    let own = binary();
    let mut launch = command(
        own.to_str().unwrap(),
        &["serve", "scripted", script.to_str().unwrap()],
    );
    launch.env.insert("KEY".to_owned(), Secret::new(secret));
    let tap = Tap::new(Instant::now(), Some(WireFile::create(&file).unwrap()), None);
    let (reports, mut events) = mpsc::channel(64);
    let what = Dial {
        spec: spec(Launch::Stdio(launch)),
        generation: Generation(4),
        own_binary: binary(),
        tap: tap.clone(),
        remembered_era: None,
        authorizer: mcpdeck::mcp::auth::Authorizer::default(),
        faults: Default::default(),
    };
    let connection = dial(what, reports);
    connection.call(request(0, "too early", json!({})));
    let mut asked = false;
    loop {
        let (_, _, event) = tokio::time::timeout(LIMIT, events.recv())
            .await
            .unwrap()
            .unwrap();
        match event {
            ServerEvent::Connected(_) if !asked => {
                asked = true;
                connection.call(request(1, "t", json!({ "say": text })));
            }
            ServerEvent::Call(CallId(1), CallEvent::Finished(_)) => break,
            _ => {}
        }
    }
    connection.closed().await;
    tap.flush().await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn what_is_a_secret_elsewhere_is_one_on_each_wire() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wire.jsonl");
    let program = Arc::new(Redactor::default());
    program.learn("the key of a model");
    let log = Some(WireFile::create(&file).unwrap());
    let tap = Tap::recorded(Instant::now(), log, None, None, program.clone());
    let connection =
        |name| tap.connection(ServerName::new(name), Generation(1), Redactor::default());
    connection("b").learn("a token that came later");
    let text = "plain, the key of a model, a token that came later";
    for direction in [Direction::Out, Direction::Stderr] {
        let a = connection("a");
        a.record(direction, WireKind::NotJson, text.len(), text)
            .await;
        assert_eq!(a.redacted_stderr(text), "plain, ***, ***");
    }
    tap.flush().await.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("plain, ***, ***").count(), 2, "{text}");
    assert!(program.knows("a token that came later"));
}

#[tokio::test]
async fn the_file_holds_every_line_with_its_place_and_time() {
    let lines = logged("unused-secret", "hello").await;
    let find = |key: &str, value: Value| {
        lines
            .iter()
            .find(|line| line[key] == value)
            .unwrap_or_else(|| panic!("{key} = {value} in {lines:?}"))
    };
    assert_eq!(find("kind", json!("not_json"))["text"], "noise");
    let stderr = find("direction", json!("stderr"));
    assert_eq!(stderr["text"], "words");
    let call = find("method", json!("tools/call"));
    assert_eq!(
        (
            &call["server"],
            &call["generation"],
            &call["direction"],
            &call["kind"]
        ),
        (&json!("s"), &json!(4), &json!("out"), &json!("request"))
    );
    assert_eq!(
        call["bytes"],
        call["text"].as_str().unwrap().len(),
        "nothing of it was cut or masked"
    );
    let time = call["time"].as_str().unwrap();
    assert!(
        chrono::DateTime::parse_from_rfc3339(time).is_ok(),
        "RFC 3339: {time}"
    );
    let mut numbers: Vec<u64> = lines.iter().map(|l| l["seq"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    let all: Vec<u64> = (0..lines.len() as u64).collect();
    assert_eq!(numbers, all, "no number is missing");
}

#[tokio::test]
async fn secrets_of_the_configuration_and_known_shapes_stay_out_of_the_file() {
    let secret = "hunter2-of-the-config";
    let said = format!("{secret} and Authorization: Bearer abc.def-ghi and sk-abcdefghijklmnop");
    // A control: with another secret configured, the same text is written, so the search below can find it.
    let lines = logged("something-else", &said).await;
    let whole: String = lines.iter().map(Value::to_string).collect();
    assert!(whole.contains(secret));

    let lines = logged(secret, &said).await;
    let whole: String = lines.iter().map(Value::to_string).collect();
    for gone in [secret, "abc.def-ghi", "sk-abcdefghijklmnop"] {
        assert!(!whole.contains(gone), "{gone} in {whole}");
    }
    assert!(whole.contains("***"));
}
