//! Children: good ones, and each way of being bad.

use serde_json::json;

use crate::support::*;

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
    let names: Vec<String> = server
        .listed()
        .await
        .tools
        .into_iter()
        .map(|tool| tool.name)
        .collect();
    assert_eq!(names, ["add"]);
    let line = server.text(1, "add", json!({"b": 1, "a": 2})).await;
    assert!(
        line.contains(r#""arguments":{"b":1,"a":2}"#),
        "arguments in their order: {line}"
    );
    server.closed().await;
}
