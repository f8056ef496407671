//! Each feature that `@modelcontextprotocol/server-everything` has, at work over each of its transports: stdio, Streamable HTTP, and
//! the HTTP+SSE of 2024-11-05.

use mcpdeck::config::{ProtocolChoice, ServerSpec};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind, Reference};
use mcpdeck::mcp::result::{Block, CallOutcome};
use mcpdeck::mcp::tool::TaskSupport;
use serde_json::{Value, json};

use crate::everything::{MORE, TOOLS};
use crate::home::Home;
use crate::npm::{HttpServer, Npm, npm};
use crate::support;
use crate::wire::{Program, Wire};

/// A connection over one of its transports.
struct Way {
    name: &'static str,
    wire: Wire,
    _server: Option<HttpServer>,
    _home: Home,
}

/// One connection over each of its transports.
async fn ways(npm: &Npm) -> Vec<Way> {
    let mut ways = Vec::new();
    for name in ["stdio", "streamableHttp", "sse"] {
        let home = Home::new();
        let server = (name != "stdio").then(|| HttpServer::start(npm, &home, name));
        let spec: ServerSpec = match &server {
            Some(server) => support::http(&server.url),
            None => Program::new("node", &[&npm.everything(), "stdio"])
                .spec(&home, ProtocolChoice::Legacy),
        };
        ways.push(Way {
            name,
            wire: Wire::dial(spec).await,
            _server: server,
            _home: home,
        });
    }
    ways
}

#[tokio::test]
async fn its_tools_are_listed_with_what_they_claim() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let words = wire.hello.instructions.as_deref().unwrap_or_default();
        assert!(words.contains("Everything"), "{name}: {words}");
        let tools = wire.tools().await;
        let mut names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        names.sort_unstable();
        let mut known = [TOOLS.as_slice(), &MORE].concat();
        known.sort_unstable();
        assert_eq!(names, known, "{name}");
        let tool = |wanted: &str| tools.iter().find(|tool| tool.name == wanted).cloned();
        let annotated = tool("get-annotated-message").expect("listed");
        assert_eq!(
            annotated.title.as_deref(),
            Some("Get Annotated Message Tool")
        );
        let hints = annotated.annotations;
        assert_eq!(
            (hints.read_only, hints.destructive),
            (Some(true), Some(false))
        );
        assert_eq!(
            (hints.idempotent, hints.open_world),
            (Some(true), Some(false))
        );
        let structured = tool("get-structured-content").expect("listed");
        assert!(structured.output_schema.is_some(), "{name}");
        let research = tool("simulate-research-query").expect("listed");
        assert_eq!(research.task, TaskSupport::Required, "{name}");
    }
}

#[tokio::test]
async fn every_kind_of_block_is_kept() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let image = wire.call("get-tiny-image", json!({})).await.content;
        assert!(
            matches!(&image[1], Block::Image { mime, data } if mime == "image/png" && data.starts_with("iVBOR")),
            "{name}: {image:?}"
        );
        let annotated = json!({"messageType": "error", "includeImage": true});
        let annotated = wire.call("get-annotated-message", annotated).await.content;
        assert_eq!(annotated[0].as_text(), "Error: Operation failed");
        assert!(matches!(annotated[1], Block::Image { .. }), "{name}");
        let links = wire.call("get-resource-links", json!({"count": 3})).await;
        let is_link =
            |block: &&Block| matches!(block, Block::Link { uri, .. } if uri.starts_with("demo://"));
        assert_eq!(links.content.iter().filter(is_link).count(), 3, "{name}");
        let embedded = json!({"resourceType": "Blob", "resourceId": 2});
        let embedded = wire.call("get-resource-reference", embedded).await.content;
        assert!(
            matches!(&embedded[1], Block::Resource { uri, blob: Some(_), .. } if uri.ends_with("/blob/2")),
            "{name}: {embedded:?}"
        );
        let weather = json!({"location": "Chicago"});
        let weather = wire.call("get-structured-content", weather).await;
        let structured = weather.structured.expect("structured content");
        assert_eq!(structured["conditions"], "Light rain / drizzle");
        assert_eq!(weather.content.len(), 1, "{name}: both are kept");
    }
}

#[tokio::test]
async fn resources_are_listed_and_read_as_text_and_as_bytes() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let uris = wire.names(ListKind::Resources).await;
        assert_eq!(uris.len(), 7, "{name}: {uris:?}");
        let blocks = wire.read(&uris[0]).await;
        assert!(
            matches!(blocks.as_slice(), [Block::Resource { text: Some(text), .. }] if text.len() > 100),
            "{name}: {blocks:?}"
        );
        let templates = wire.names(ListKind::Templates).await;
        let family =
            ["text", "blob"].map(|kind| format!("demo://resource/dynamic/{kind}/{{resourceId}}"));
        assert_eq!(templates, family, "{name}");
        let text = wire.read("demo://resource/dynamic/text/7").await[0].as_text();
        assert!(text.starts_with("Resource 7: "), "{name}: {text}");
        let blob = wire.read("demo://resource/dynamic/blob/7").await;
        assert!(
            matches!(
                blob.as_slice(),
                [Block::Resource {
                    blob: Some(_),
                    text: None,
                    ..
                }]
            ),
            "{name}: {blob:?}"
        );
    }
}

#[tokio::test]
async fn a_resource_made_by_a_call_is_announced_and_read() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let arguments =
            json!({"name": "a.gz", "data": "data:text/plain,tea", "outputType": "resourceLink"});
        let made = wire.call("gzip-file-as-resource", arguments).await.content;
        let [Block::Link { uri, .. }] = made.as_slice() else {
            panic!("{name}: {made:?}");
        };
        let changed = |event: &ServerEvent| *event == ServerEvent::Changed(ListKind::Resources);
        if !wire.passed.iter().any(changed) {
            wire.until(|event| changed(event).then_some(())).await;
        }
        let uris = wire.names(ListKind::Resources).await;
        assert!(uris.contains(uri), "{name}: {uris:?}");
        let blocks = wire.read(uri).await;
        // What gzip writes begins so, in base64.
        assert!(
            matches!(&blocks[0], Block::Resource { blob: Some(blob), .. } if blob.starts_with("H4sI")),
            "{name}: {blocks:?}"
        );
    }
}

#[tokio::test]
async fn a_resource_that_changes_is_told_to_who_has_subscribed() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let uri = wire.names(ListKind::Resources).await[0].clone();
        let subscribe = Errand::Subscribe { uri: uri.clone() };
        assert_eq!(wire.errand(subscribe).await, ErrandEnd::Done, "{name}");
        wire.call("toggle-subscriber-updates", json!({})).await;
        let updated =
            |event: &ServerEvent| *event == ServerEvent::ResourceUpdated { uri: uri.clone() };
        if !wire.passed.iter().any(updated) {
            wire.until(|event| updated(event).then_some(())).await;
        }
        let no_more = Errand::Unsubscribe { uri };
        assert_eq!(wire.errand(no_more).await, ErrandEnd::Done, "{name}");
    }
}

#[tokio::test]
async fn prompts_are_listed_and_filled_in() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let prompts = wire.names(ListKind::Prompts).await;
        let known = [
            "simple-prompt",
            "args-prompt",
            "completable-prompt",
            "resource-prompt",
        ];
        assert_eq!(prompts, known, "{name}");
        let said = wire.prompt("args-prompt", json!({"city": "Huế"})).await;
        assert_eq!(said[0].as_text(), "user: What's weather in Huế?", "{name}");
        let arguments = json!({"resourceType": "Text", "resourceId": "3"});
        let said = wire.prompt("resource-prompt", arguments).await;
        let Block::Said { role, block } = &said[1] else {
            panic!("{name}: {said:?}");
        };
        assert_eq!(role, "user");
        assert!(
            matches!(&**block, Block::Resource { text: Some(text), .. } if text.starts_with("Resource 3")),
            "{name}: {block:?}"
        );
    }
}

#[tokio::test]
async fn arguments_are_completed_by_what_is_known_already() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let prompt = || Reference::Prompt {
            name: "completable-prompt".to_owned(),
        };
        let template = Reference::Template {
            uri_template: "demo://resource/dynamic/text/{resourceId}".to_owned(),
        };
        let sales = [("department".to_owned(), "Sales".to_owned())];
        for (of, argument, value, context, wanted) in [
            (
                prompt(),
                "department",
                "S",
                vec![],
                vec!["Sales", "Support"],
            ),
            (
                prompt(),
                "name",
                "",
                sales.to_vec(),
                vec!["David", "Eve", "Frank"],
            ),
            (template, "resourceId", "7", vec![], vec!["7"]),
        ] {
            let complete = Errand::Complete {
                of,
                argument: argument.to_owned(),
                value: value.to_owned(),
                context: context.into_iter().collect(),
            };
            let end = wire.errand(complete).await;
            let ErrandEnd::Completed { values, .. } = &end else {
                panic!("{name}: {end:?}");
            };
            assert_eq!(*values, wanted, "{name}");
        }
    }
}

#[tokio::test]
async fn log_messages_below_the_level_stay_away() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let uris = wire.names(ListKind::Resources).await;
        for (level, uri) in [("error", &uris[0]), ("debug", &uris[1])] {
            let level = level.to_owned();
            let end = wire.errand(Errand::SetLogLevel { level }).await;
            assert_eq!(end, ErrandEnd::Done, "{name}");
            let uri = uri.clone();
            let end = wire.errand(Errand::Subscribe { uri }).await;
            assert_eq!(end, ErrandEnd::Done, "{name}");
        }
        let about = |event: &ServerEvent, uri: &str| matches!(event, ServerEvent::Log { text, .. } if text.contains("Subscribe") && text.contains(uri));
        if !wire.passed.iter().any(|event| about(event, &uris[1])) {
            wire.until(|event| about(event, &uris[1]).then_some(()))
                .await;
        }
        let kept_away = !wire.passed.iter().any(|event| about(event, &uris[0]));
        assert!(kept_away, "{name}: {:?}", wire.passed);
    }
}

#[tokio::test]
async fn progress_comes_step_by_step() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let call = wire.start_tool(LONG, json!({"duration": 1, "steps": 4}));
        wire.answer(call).await;
        let steps = wire
            .of_call(call)
            .into_iter()
            .filter_map(|event| match event {
                CallEvent::Progress(progress) => Some((progress.done, progress.total)),
                _ => None,
            });
        let wanted = [1.0, 2.0, 3.0, 4.0].map(|done| (done, Some(4.0)));
        assert_eq!(steps.collect::<Vec<_>>(), wanted, "{name}");
    }
}

#[tokio::test]
async fn a_long_call_is_cancelled_and_the_server_goes_on() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let call = wire.start_tool(LONG, json!({"duration": 600, "steps": 600}));
        let is_progress =
            |event: &ServerEvent| matches!(event, ServerEvent::Call(_, CallEvent::Progress(_)));
        wire.until(|event| is_progress(event).then_some(())).await;
        wire.cancel(call);
        assert_eq!(wire.outcome(call).await, CallOutcome::Cancelled, "{name}");
        let echo = wire.call("echo", json!({"message": "still here"})).await;
        assert_eq!(echo.as_text(), "Echo: still here", "{name}");
    }
}

#[tokio::test]
async fn our_model_is_asked_for_words() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let arguments = json!({"prompt": "Name a tea.", "maxTokens": 20});
        let call = wire.start_tool("trigger-sampling-request", arguments);
        let (ask, what) = wire.asked().await;
        let Ask::Sampling(sampling) = what else {
            panic!("{name}: {what:?}");
        };
        assert_eq!(sampling.max_tokens, 20, "{name}");
        assert_eq!(
            sampling.system.as_deref(),
            Some("You are a helpful test server.")
        );
        assert!(
            sampling.messages[0].content[0]
                .as_text()
                .ends_with("Name a tea.")
        );
        let text = json!({"type": "text", "text": "Sencha"});
        wire.reply(
            ask,
            json!({"role": "assistant", "content": text, "model": "ours"}),
        );
        let answer = wire.answer(call).await.as_text().into_owned();
        assert!(answer.contains("Sencha"), "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_form_with_every_kind_of_field_is_answered_in_three_ways() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        for (reply, says) in [
            (
                json!({"action": "accept", "content": {"name": "Bình", "integer": 7}}),
                "Name: Bình",
            ),
            (json!({"action": "decline"}), "declined"),
            (json!({"action": "cancel"}), "cancelled"),
        ] {
            let call = wire.start_tool("trigger-elicitation-request", json!({}));
            let (ask, what) = wire.asked().await;
            let Ask::Form { schema, .. } = what else {
                panic!("{name}: {what:?}");
            };
            let fields = schema["properties"]
                .as_object()
                .map_or(0, serde_json::Map::len);
            assert_eq!(fields, 13, "{name}: {schema}");
            wire.reply(ask, reply);
            let answer = wire.answer(call).await.as_text().into_owned();
            assert!(answer.contains(says), "{name}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_url_is_asked_for_and_the_answer_arrives() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        for (action, says) in [("accept", "completed"), ("decline", "declined")] {
            let arguments = json!({"url": "https://example.com/grant", "elicitationId": "visit-1"});
            let call = wire.start_tool("trigger-url-elicitation", arguments);
            let (ask, what) = wire.asked().await;
            let Ask::Url { url, id, .. } = what else {
                panic!("{name}: {what:?}");
            };
            assert_eq!(url, "https://example.com/grant", "{name}");
            assert_eq!(id.as_deref(), Some("visit-1"), "{name}");
            wire.reply(ask, json!({"action": action}));
            let answer = wire.answer(call).await.as_text().into_owned();
            assert!(answer.contains(says), "{name}: {answer}");
        }
    }
}

#[tokio::test]
async fn roots_are_told_and_told_again_when_they_change() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        for (count, roots) in [
            (1, json!([{"uri": "file:///srv/tea", "name": "tea"}])),
            (
                2,
                json!([{"uri": "file:///srv/tea"}, {"uri": "file:///srv/rice"}]),
            ),
        ] {
            if count == 2 {
                wire.roots_changed();
            }
            let (ask, what) = wire.asked_anything().await;
            assert_eq!(what, Ask::Roots, "{name}");
            wire.reply(ask, json!({"roots": roots.clone()}));
            // It says when it has kept them.
            let kept = format!("Roots updated: {count} root(s)");
            wire.until(|event| match event {
                ServerEvent::Log { text, .. } => text.contains(&kept).then_some(()),
                _ => None,
            })
            .await;
            let listed = wire
                .call("get-roots-list", json!({}))
                .await
                .as_text()
                .into_owned();
            for root in roots.as_array().into_iter().flatten() {
                let uri = root["uri"].as_str().unwrap_or_default();
                assert!(listed.contains(uri), "{name}: {listed}");
            }
        }
    }
}

#[tokio::test]
async fn a_tool_that_runs_only_as_a_task_runs_as_one() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let call = wire.start_tool(RESEARCH, json!({"topic": "tea", "ambiguous": false}));
        let report = wire.answer(call).await.as_text().into_owned();
        assert!(
            report.starts_with("# Research Report: tea"),
            "{name}: {report}"
        );
        let statuses = task_statuses(&wire, call);
        assert!(
            statuses.contains(&"working".to_owned()),
            "{name}: {statuses:?}"
        );
    }
}

#[tokio::test]
async fn a_task_that_needs_an_answer_gets_it_and_goes_on() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let call = wire.start_tool(RESEARCH, json!({"topic": "python", "ambiguous": true}));
        let (ask, what) = wire.asked().await;
        assert!(matches!(what, Ask::Form { .. }), "{name}: {what:?}");
        let content = json!({"interpretation": "snake"});
        wire.reply(ask, json!({"action": "accept", "content": content}));
        let report = wire.answer(call).await.as_text().into_owned();
        assert!(report.contains("python (snake)"), "{name}: {report}");
    }
}

const LONG: &str = "trigger-long-running-operation";
const RESEARCH: &str = "simulate-research-query";

fn task_statuses(wire: &Wire, call: u64) -> Vec<String> {
    let events = wire.of_call(call).into_iter();
    let statuses = events.filter_map(|event| match event {
        CallEvent::Task(task) => Some(task.status.clone()),
        _ => None,
    });
    statuses.collect()
}

#[tokio::test]
async fn a_refusal_of_a_tool_is_an_answer_and_no_end() {
    let Some(npm) = npm() else { return };
    for Way { name, mut wire, .. } in ways(&npm).await {
        let wrong: Value = json!({"a": "two", "b": 40});
        let call = wire.start_tool("get-sum", wrong);
        let outcome = wire.outcome(call).await;
        assert!(
            outcome.is_error() && !outcome.is_unknown(),
            "{name}: {outcome:?}"
        );
        let sum = wire.call("get-sum", json!({"a": 2, "b": 40})).await;
        assert!(sum.as_text().contains("42"), "{name}");
    }
}
