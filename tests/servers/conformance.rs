//! The fixture of the conformance suite: that it starts and speaks both eras. What it must show is the suite's to say
//! (`.ci/suites/conformance.sh`).

use std::collections::BTreeSet;

use rmcp::ClientLifecycleMode;
use rmcp::model::{CallToolRequestParams, CallToolResponse, GetPromptRequestParams};

use crate::client::{LIMIT, Served, modern};

#[tokio::test]
async fn both_eras_list_the_same_tools_and_get_the_same_text() {
    let mut seen = Vec::new();
    for lifecycle in [ClientLifecycleMode::Initialize, modern()] {
        let served = Served::start_with(&["conformance"], &[], lifecycle).await;
        let names: BTreeSet<String> = served.tools.iter().map(|t| t.name.to_string()).collect();
        assert_eq!(
            names.len(),
            served.tools.len(),
            "a name is there twice: {names:?}"
        );
        assert!(served.tools.iter().all(|tool| tool.description.is_some()));
        let prompts = served.client.list_all_prompts().await.unwrap();
        let resources = served.client.list_all_resources().await.unwrap();
        let call = CallToolRequestParams::new("test_simple_text");
        let said = served.client.call_tool(call).await.unwrap();
        let text = said.content[0].as_text().unwrap().text.clone();
        seen.push((names, prompts.len(), resources.len(), text));
        assert!(served.leave().await.success());
    }
    assert_eq!(seen[0], seen[1]);
    let (names, prompts, resources, text) = &seen[0];
    assert!(names.contains("test_input_required_result_multi_round"));
    assert_eq!((*prompts, *resources), (5, 3));
    assert_eq!(text, "This is a simple text response for testing.");
}

#[tokio::test]
async fn a_client_that_has_declared_nothing_is_not_asked() {
    let served = Served::start_with(&["conformance"], &[], modern()).await;
    for name in [
        "test_input_required_result_elicitation",
        "test_missing_capability",
    ] {
        let call = served
            .client
            .call_tool_once(CallToolRequestParams::new(name));
        let answer: Result<CallToolResponse, _> = tokio::time::timeout(LIMIT, call).await.unwrap();
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("-32021"), "{name}: {error}");
    }
    let prompt = GetPromptRequestParams::new("test_input_required_result_prompt");
    let error = served.client.get_prompt(prompt).await.unwrap_err();
    assert!(error.to_string().contains("-32021"), "{error}");
    let unknown = CallToolRequestParams::new("no_such_tool");
    let error = served.client.call_tool(unknown).await.unwrap_err();
    assert!(error.to_string().contains("no_such_tool"), "{error}");
}
