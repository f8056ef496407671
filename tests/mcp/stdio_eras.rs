//! Which era and which revision: what servers answer, and what comes of it.

use std::time::{Duration, Instant};

use mcpdeck::mcp::connection::Dial;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::FailureKind;
use mcpdeck::mcp::status::Era;
use serde_json::{Value, json};

use crate::support::*;

fn methods(received: &[Value]) -> Vec<&str> {
    received
        .iter()
        .filter_map(|message| message["method"].as_str())
        .collect()
}

#[tokio::test]
async fn every_revision_with_a_handshake_is_spoken() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut server = scripted(&format!("revision = \"{revision}\""));
        let hello = server.connected().await;
        assert_eq!(
            (hello.revision.as_str(), hello.era),
            (revision, Era::Legacy)
        );
        server.text(1, "t", json!({})).await;
    }
}

#[tokio::test]
async fn an_unknown_revision_is_refused_with_words() {
    let plain: fn(&mut Dial) = |_| {};
    for choose in [plain, auto] {
        let mut server = scripted_as("revision = \"2031-01-01\"", choose);
        let failure = server.ended().await;
        assert_eq!(failure.kind, FailureKind::Protocol);
        assert!(failure.message.contains("2031-01-01"), "{failure:?}");
        assert!(failure.message.contains("2025-06-18"), "{failure:?}");
    }
}

fn speaks(versions: &str) -> String {
    format!(
        r#"
        [[on]]
        method = "server/discover"
        error = {{ code = -32022, message = "Unsupported protocol version", data = {{ supported = [{versions}], requested = "2026-07-28" }} }}
        "#
    )
}

#[tokio::test]
async fn a_server_that_names_its_revisions_is_spoken_to_in_the_newest_that_is_known() {
    let mut server = scripted_as(&speaks(r#""2024-11-05", "2025-06-18", "2031-01-01""#), auto);
    server.connected().await;
    let received = server.received(1).await;
    assert_eq!(methods(&received)[..2], ["server/discover", "initialize"]);
    assert_eq!(received[1]["params"]["protocolVersion"], "2025-06-18");
}

#[tokio::test]
async fn a_server_that_speaks_only_what_nobody_knows_is_refused_at_once() {
    let since = Instant::now();
    let mut server = scripted_as(&speaks(r#""2031-01-01""#), auto);
    let failure = server.ended().await;
    assert!(failure.message.contains("but 2031-01-01"), "{failure:?}");
    assert!(since.elapsed() < Duration::from_secs(20));
    let mut server = scripted_as(&speaks(r#""2025-11-25""#), modern);
    let failure = server.ended().await;
    assert!(failure.hint.unwrap().contains("auto"));
}

#[tokio::test]
async fn a_server_that_starts_after_fifteen_seconds_is_waited_for() {
    let mut old = scripted_as("[start]\ndelay_ms = 15000", auto);
    let mut new = scripted_as("era = \"modern\"\n[start]\ndelay_ms = 15000", auto);
    assert_eq!(old.connected().await.era, Era::Legacy);
    assert_eq!(new.connected().await.era, Era::Modern);
}

#[tokio::test]
async fn a_remembered_era_saves_the_question_and_a_wrong_one_does_no_harm() {
    let mut server = scripted_as("", |dial| {
        auto(dial);
        dial.remembered_era = Some(Era::Legacy);
    });
    server.connected().await;
    assert_eq!(methods(&server.received(1).await)[0], "initialize");
    let mut server = scripted_as("era = \"modern\"", |dial| {
        auto(dial);
        dial.remembered_era = Some(Era::Legacy);
    });
    assert_eq!(server.connected().await.era, Era::Modern);
    let mut server = scripted_as("", |dial| {
        auto(dial);
        dial.remembered_era = Some(Era::Modern);
    });
    assert_eq!(server.connected().await.era, Era::Legacy);
}

#[tokio::test]
async fn an_error_that_smells_of_the_other_era_comes_with_what_to_set() {
    let error = r#"result = { isError = true, content = [{ type = "text", text = "elicitation via server-initiated requests is unavailable on 2026-07-28 connections." }] }"#;
    for (era, is_told) in [("modern", true), ("legacy", false)] {
        let script = format!("era = \"{era}\"\n[[on]]\nmethod = \"tools/call\"\n{error}");
        let mut server = scripted_as(&script, auto);
        server.connected().await;
        server.connection.call(request(1, "t", json!({})));
        let mut told = false;
        loop {
            match server.event().await {
                ServerEvent::Log { text, .. } => told = text.contains("protocol = \"legacy\""),
                ServerEvent::Call(_, mcpdeck::mcp::event::CallEvent::Finished(_)) => break,
                _ => {}
            }
        }
        assert_eq!(told, is_told, "{era}");
    }
}

#[tokio::test]
async fn a_forced_era_that_a_server_does_not_speak_is_refused_with_what_to_set() {
    let mut server = scripted_as("", modern);
    let failure = server.ended().await;
    assert!(failure.message.contains("server/discover"), "{failure:?}");
    let hint = failure.hint.unwrap_or_default();
    assert!(hint.contains("protocol = \"auto\""), "{hint}");
}
