//! Subscriptions and changes in both eras.

use mcpdeck::ids::ErrandId;
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind};
use serde_json::{Value, json};

use crate::support::*;

fn subscribe(uri: &str) -> Errand {
    Errand::Subscribe { uri: uri.into() }
}

fn filters(received: &[Value]) -> Vec<Value> {
    let listens = received
        .iter()
        .filter(|message| message["method"] == "subscriptions/listen");
    listens
        .map(|message| message["params"]["notifications"].clone())
        .collect()
}

fn cancelled(received: &[Value]) -> Vec<Value> {
    let of_it = received
        .iter()
        .filter(|message| message["method"] == "notifications/cancelled");
    of_it
        .map(|message| message["params"]["requestId"].clone())
        .collect()
}

/// A notification on the stream that was just asked for.
fn on_stream(method: &str, more: &str) -> String {
    format!(
        r#"'{{"jsonrpc":"2.0","method":"notifications/{method}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{{id}}}}{more}}}}}'"#
    )
}

fn acknowledge(filter: &str) -> String {
    on_stream(
        "subscriptions/acknowledged",
        &format!(r#","notifications":{filter}"#),
    )
}

#[tokio::test]
async fn what_a_modern_server_says_that_it_tells_is_asked_for_once() {
    let script = format!(
        r#"
        era = "modern"
        capabilities = {{ tools = {{ listChanged = true }}, prompts = {{ listChanged = true }}, resources = {{ listChanged = true, subscribe = true }} }}
        [[on]]
        method = "subscriptions/listen"
        stdout = [{}, {}, {}, {}, '{{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":99}}}}}}']
        silent = true
        "#,
        acknowledge(r#"{"toolsListChanged":true}"#),
        on_stream("tools/list_changed", ""),
        on_stream("resources/list_changed", ""),
        on_stream("prompts/list_changed", ""),
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    for kind in ListKind::ALL {
        assert_eq!(server.event().await, ServerEvent::Changed(kind));
    }
    let all = json!({ "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true });
    let mut changes = 0;
    server.connection.call(request(1, "seen", json!({})));
    let outcome = loop {
        match server.event().await {
            ServerEvent::Changed(_) => changes += 1,
            ServerEvent::Call(_, mcpdeck::mcp::event::CallEvent::Finished(outcome)) => {
                break outcome;
            }
            _ => {}
        }
    };
    assert_eq!(changes, 0, "a foreign stream is none of ours");
    let mcpdeck::mcp::result::CallOutcome::Answered { result } = outcome else {
        panic!("{outcome:?}");
    };
    let received: Vec<Value> = result
        .as_text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(filters(&received), [all]);
}

#[tokio::test]
async fn a_wider_stream_replaces_the_narrower_one_once_it_stands() {
    let both = acknowledge(r#"{"resourceSubscriptions":["file:///a","file:///b"]}"#);
    let script = format!(
        r#"
        era = "modern"
        capabilities = {{ resources = {{}} }}
        [[on]]
        method = "subscriptions/listen"
        stdout = [{both}, {}]
        silent = true
        "#,
        on_stream("resources/updated", r#","uri":"file:///a""#)
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    assert_eq!(filters(&server.received(1).await), Vec::<Value>::new());
    assert_eq!(
        server.errand(1, subscribe("file:///a")).await,
        ErrandEnd::Done
    );
    let uri = "file:///a".to_owned();
    assert_eq!(server.event().await, ServerEvent::ResourceUpdated { uri });
    assert_eq!(
        server.errand(2, subscribe("file:///b")).await,
        ErrandEnd::Done
    );
    assert_eq!(
        server.errand(3, subscribe("file:///b")).await,
        ErrandEnd::Done
    );
    let received = server.received(2).await;
    let wanted = |uris: &[&str]| json!({ "resourceSubscriptions": uris });
    assert_eq!(
        filters(&received),
        [wanted(&["file:///a"]), wanted(&["file:///a", "file:///b"])]
    );
    let ids: Vec<&Value> = received
        .iter()
        .filter(|message| message["method"] == "subscriptions/listen")
        .map(|message| &message["id"])
        .collect();
    assert_eq!(cancelled(&received), [ids[0].clone()]);
    for uri in ["file:///a", "file:///b"] {
        let errand = Errand::Unsubscribe { uri: uri.into() };
        assert_eq!(server.errand(4, errand).await, ErrandEnd::Done);
    }
    let mut all_gone = false;
    for call in 10..200 {
        let received = server.received(call).await;
        let asked = filters(&received).len();
        if cancelled(&received).len() == asked {
            all_gone = true;
            break;
        }
    }
    assert!(all_gone, "nothing is wanted any more, so no stream is left");
}

#[tokio::test]
async fn a_resource_that_the_server_does_not_agree_to_is_said_to_be_refused() {
    let script = format!(
        "era = \"modern\"\n[[on]]\nmethod = \"subscriptions/listen\"\nstdout = [{}]\nsilent = true",
        acknowledge(r#"{"toolsListChanged":true}"#)
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    let end = server.errand(1, subscribe("file:///a")).await;
    let ErrandEnd::Failed { why } = end else {
        panic!("{end:?}");
    };
    assert!(why.contains("file:///a"), "{why}");
}

#[tokio::test]
async fn a_server_that_refuses_to_tell_is_not_asked_again() {
    let mut server = scripted_as("era = \"modern\"", modern);
    server.connected().await;
    let end = server.errand(1, subscribe("file:///a")).await;
    let ErrandEnd::Failed { why } = end else {
        panic!("{end:?}");
    };
    assert!(why.contains("-32601"), "{why}");
    server
        .connection
        .errand(ErrandId(2), subscribe("file:///a"));
    assert!(matches!(
        server.event().await,
        ServerEvent::Errand(ErrandId(2), ErrandEnd::Failed { .. })
    ));
}

#[tokio::test]
async fn a_stream_that_the_server_takes_down_comes_back_with_its_resources() {
    let ack = acknowledge(r#"{"resourceSubscriptions":["file:///a"]}"#);
    let down =
        r#"'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{id}}}'"#;
    let script = format!(
        r#"
        era = "modern"
        capabilities = {{ resources = {{}} }}
        [[on]]
        method = "subscriptions/listen"
        times = 1
        stdout = [{ack}, {down}]
        silent = true
        [[on]]
        method = "subscriptions/listen"
        stdout = [{ack}]
        silent = true
        "#
    );
    let mut server = scripted_as(&script, modern);
    server.connected().await;
    assert_eq!(
        server.errand(1, subscribe("file:///a")).await,
        ErrandEnd::Done
    );
    let uri = "file:///a".to_owned();
    assert_eq!(server.event().await, ServerEvent::ResourceUpdated { uri });
    let wanted = json!({ "resourceSubscriptions": ["file:///a"] });
    assert_eq!(filters(&server.received(1).await), [wanted.clone(), wanted]);
}

#[tokio::test]
async fn an_old_server_tells_of_all_three_kinds() {
    let mut server = scripted(
        r#"
        [[on]]
        method = "notifications/initialized"
        stdout = [
          '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed"}',
          '{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}',
          '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}',
        ]
        silent = true
        "#,
    );
    server.connected().await;
    for kind in [
        ListKind::Prompts,
        ListKind::Resources,
        ListKind::Templates,
        ListKind::Tools,
    ] {
        assert_eq!(server.event().await, ServerEvent::Changed(kind));
    }
}

#[tokio::test]
async fn a_wish_that_is_taken_back_before_it_is_granted_has_an_end_too() {
    let mut server = scripted_as(
        "era = \"modern\"\ncapabilities = {}\n[[on]]\nmethod = \"subscriptions/listen\"\nsilent = true",
        modern,
    );
    server.connected().await;
    // The first stream is not acknowledged yet, so the second wish waits for it.
    server
        .connection
        .errand(ErrandId(1), subscribe("file:///a"));
    server
        .connection
        .errand(ErrandId(2), subscribe("file:///b"));
    let uri = "file:///b".to_owned();
    server
        .connection
        .errand(ErrandId(3), Errand::Unsubscribe { uri });
    let ServerEvent::Errand(ErrandId(2), ErrandEnd::Failed { .. }) = server.event().await else {
        panic!("the wish has an end");
    };
    assert_eq!(
        server.event().await,
        ServerEvent::Errand(ErrandId(3), ErrandEnd::Done)
    );
}
