//! Errands in both eras: completion, subscriptions, levels of log messages.

use std::collections::BTreeMap;

use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::request::{Errand, ErrandEnd, Reference};
use serde_json::{Value, json};

use crate::support::*;

fn of<'a>(received: &'a [Value], method: &str) -> Vec<&'a Value> {
    let of_it = |message: &&Value| message["method"] == method;
    received.iter().filter(of_it).collect()
}

fn complete() -> Errand {
    Errand::Complete {
        of: Reference::Template {
            uri_template: "file:///{path}".into(),
        },
        argument: "path".into(),
        value: "a".into(),
        context: BTreeMap::from([("other".into(), "b".into())]),
    }
}

fn subscribe(uri: &str) -> Errand {
    Errand::Subscribe { uri: uri.into() }
}

fn unsubscribe(uri: &str) -> Errand {
    Errand::Unsubscribe { uri: uri.into() }
}

fn level(level: &str) -> Errand {
    Errand::SetLogLevel {
        level: level.into(),
    }
}

#[tokio::test]
async fn completion_asks_with_what_is_known_where_the_revision_has_it() {
    let many: Vec<String> = (0..120).map(|n| format!("\"v{n}\"")).collect();
    for (revision, knows_context) in [("2025-11-25", true), ("2025-03-26", false)] {
        let script = format!(
            "revision = \"{revision}\"\n[[on]]\nmethod = \"completion/complete\"\nresult = {{ completion = {{ values = [{}, 7], total = 300 }} }}",
            many.join(", ")
        );
        let mut server = scripted(&script);
        server.connected().await;
        let ErrandEnd::Completed {
            values,
            total,
            more,
        } = server.errand(1, complete()).await
        else {
            panic!("completed");
        };
        assert_eq!((values.len(), total, more), (100, Some(300), true));
        let received = server.received(1).await;
        let params = &of(&received, "completion/complete")[0]["params"];
        let reference = json!({ "type": "ref/resource", "uri": "file:///{path}" });
        assert_eq!(params["ref"], reference);
        assert_eq!(params["argument"], json!({ "name": "path", "value": "a" }));
        assert_eq!(params.get("context").is_some(), knows_context, "{revision}");
    }
}

#[tokio::test]
async fn an_errand_that_fails_says_why() {
    let mut server =
        scripted("[[on]]\nmethod = \"resources/subscribe\"\nresult = { resultType = \"later\" }");
    server.connected().await;
    for (what, words) in [
        (complete(), "refused completion/complete with error -32601"),
        (subscribe("file:///a"), "unknown type"),
        (level("loud"), "`loud` is no level"),
    ] {
        let ErrandEnd::Failed { why } = server.errand(1, what).await else {
            panic!("failed: {words}");
        };
        assert!(why.contains(words), "{why}");
    }
}

#[tokio::test]
async fn an_errand_has_one_end_also_when_the_server_goes() {
    let mut server = scripted(
        "[[on]]\nmethod = \"completion/complete\"\nsilent = true\n[[on]]\nmethod = \"logging/setLevel\"\nexit = 3",
    );
    server.connected().await;
    server
        .connection
        .errand(mcpdeck::ids::ErrandId(1), complete());
    server
        .connection
        .errand(mcpdeck::ids::ErrandId(2), level("info"));
    let mut ends = Vec::new();
    loop {
        match server.event().await {
            ServerEvent::Errand(id, ErrandEnd::Failed { why }) => {
                assert!(why.contains("exit code 3"), "{why}");
                ends.push(id.0);
            }
            ServerEvent::Ended(_) => break,
            _ => {}
        }
    }
    assert_eq!(ends, [1, 2]);
}

#[tokio::test]
async fn the_old_era_subscribes_and_sets_levels_by_requests() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "resources/subscribe"
        stdout = ['{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a"}}']
        result = {}
        [[on]]
        method = "resources/unsubscribe"
        result = {}
        [[on]]
        method = "logging/setLevel"
        result = {}
        "#,
    );
    server.connected().await;
    server
        .connection
        .errand(mcpdeck::ids::ErrandId(1), subscribe("file:///a"));
    let updated = ServerEvent::ResourceUpdated {
        uri: "file:///a".into(),
    };
    assert_eq!(server.event().await, updated);
    assert_eq!(
        server.errand(2, unsubscribe("file:///a")).await,
        ErrandEnd::Done
    );
    assert_eq!(server.errand(3, level("debug")).await, ErrandEnd::Done);
    let received = server.received(1).await;
    let subscribed = &of(&received, "resources/subscribe")[0]["params"];
    assert_eq!(*subscribed, json!({ "uri": "file:///a" }));
    let set = &of(&received, "logging/setLevel")[0]["params"];
    assert_eq!(*set, json!({ "level": "debug" }));
}

#[tokio::test]
async fn the_new_era_carries_the_level_along() {
    let mut server = scripted_as("era = \"modern\"", modern);
    server.connected().await;
    assert_eq!(server.errand(1, level("warning")).await, ErrandEnd::Done);
    let received = server.received(1).await;
    assert!(of(&received, "logging/setLevel").is_empty());
    let level = "io.modelcontextprotocol/logLevel";
    assert_eq!(
        of(&received, "tools/call")[0]["params"]["_meta"][level],
        "warning"
    );
    let listen = &of(&received, "subscriptions/listen")[0]["params"];
    assert_eq!(listen["_meta"].get(level), None);
}
