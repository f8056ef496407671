//! Beginning and end of a session: both eras, the tools that are listed, what ends the process.

use rmcp::ClientLifecycleMode;
use rmcp::model::ProtocolVersion;
use serde_json::json;

use crate::client::{LIMIT, Served, command, modern};

const READING: [&str; 10] = [
    "list_directory",
    "list_directory_with_sizes",
    "directory_tree",
    "read_text_file",
    "read_media_file",
    "read_multiple_files",
    "search_files",
    "search_file_contents",
    "get_file_info",
    "list_allowed_directories",
];

#[tokio::test]
async fn both_eras_of_the_protocol_get_the_same_answer() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.txt"), "a").unwrap();
    let path = root.path().to_str().unwrap();
    let eras = [
        (
            ClientLifecycleMode::Initialize,
            ProtocolVersion::V_2025_11_25,
        ),
        (modern(), ProtocolVersion::V_2026_07_28),
    ];
    let mut answers = Vec::new();
    for (lifecycle, version) in eras {
        let served = Served::start_with(&["filesystem", path], &[], lifecycle).await;
        let info = served.client.peer_info().unwrap();
        assert_eq!(info.protocol_version, version);
        answers.push(served.good("list_directory", json!({"path": "."})).await);
        assert!(served.leave().await.success());
    }
    assert_eq!(answers[0]["entries"][0]["name"], "a.txt");
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn every_tool_tells_its_schemas_title_and_effect() {
    let root = tempfile::tempdir().unwrap();
    let served = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    assert_eq!(served.tools.len(), READING.len() + 8);
    for tool in &served.tools {
        let hints = tool.annotations.as_ref().unwrap();
        let reads = READING.contains(&tool.name.as_ref()) || tool.name == "list_changes";
        assert_eq!(hints.read_only_hint, Some(reads), "{}", tool.name);
        assert!(tool.title.is_some() && tool.output_schema.is_some());
        assert_eq!(tool.input_schema["type"], "object");
        assert!(tool.input_schema["properties"].is_object(), "{}", tool.name);
    }
}

#[tokio::test]
async fn read_only_leaves_out_what_changes_something() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().to_str().unwrap();
    let served = Served::start(&["filesystem", "--read-only", path]).await;
    let names: Vec<&str> = served.tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(names, READING);
    let params = rmcp::model::CallToolRequestParams::new("write_file").with_arguments(
        json!({"path": "x", "content": "x"})
            .as_object()
            .unwrap()
            .clone(),
    );
    assert!(served.client.call_tool(params).await.is_err());
    assert!(!root.path().join("x").exists());
}

#[tokio::test]
async fn what_is_not_declared_is_not_there() {
    let root = tempfile::tempdir().unwrap();
    let served = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    let declared = served.client.peer_info().unwrap().capabilities.clone();
    assert!(declared.prompts.is_none() && declared.resources.is_none());
    let errors = [
        served.client.list_prompts(None).await.err(),
        served.client.list_resources(None).await.err(),
        served.client.list_resource_templates(None).await.err(),
    ];
    for error in errors {
        let error = error.unwrap().to_string();
        assert!(error.contains("-32601"), "{error}");
    }
}

#[tokio::test]
async fn sigterm_ends_the_server_well() {
    let root = tempfile::tempdir().unwrap();
    let mut served = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    let id = i32::try_from(served.child.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = tokio::time::timeout(LIMIT, served.child.wait()).await;
    assert!(status.unwrap().unwrap().success());
}

#[tokio::test]
async fn a_start_that_cannot_succeed_says_why_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    std::fs::write(
        &text,
        "this is a text of some length, but it is no database at all".repeat(9),
    )
    .unwrap();
    let missing = dir.path().join("none");
    let (text, missing) = (text.to_str().unwrap(), missing.to_str().unwrap());
    let cases = [
        (["filesystem", missing], "none"),
        (["filesystem", text], "notes.txt"),
        (["database", missing], "no such file"),
        (["database", text], "not an SQLite database"),
        #[cfg(not(feature = "postgres"))]
        (["database", "postgres://me:secret@host/shop"], "postgres"),
        (["database", "mysql://me:secret@host/shop"], "only `sqlite"),
    ];
    for (args, why) in cases {
        let output = command(&args, dir.path())
            .stdin(std::process::Stdio::null())
            .output();
        let output = tokio::time::timeout(LIMIT, output).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains(why) && !said.contains("secret"),
            "{args:?}: {said}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_of_the_protocol_with_the_nearest_name() {
    let root = tempfile::tempdir().unwrap();
    let served = Served::start(&["filesystem", root.path().to_str().unwrap()]).await;
    let params = rmcp::model::CallToolRequestParams::new("read_textfile");
    let error = served
        .client
        .call_tool(params)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("read_text_file"), "{error}");
}
