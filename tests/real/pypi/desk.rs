//! What a FastMCP server can do, at work in both eras: its questions, progress, messages, tasks, and lists that change.

use mcpdeck::config::ProtocolChoice::{Legacy, Modern};
use mcpdeck::mcp::ask::Ask;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::request::{Errand, ErrandEnd, ListKind, Reference};
use mcpdeck::mcp::result::{Block, CallOutcome};
use serde_json::json;

use crate::home::Home;
use crate::pypi::{Pypi, desk, pypi};
use crate::wire::{Program, Wire};

/// The server in both eras, each with its home.
async fn both(pypi: &Pypi) -> Vec<(Home, Wire)> {
    let mut both = Vec::new();
    for protocol in [Legacy, Modern] {
        let home = Home::new();
        let program = Program::new(pypi.python(), &[&desk()]);
        let wire = Wire::dial(program.spec(&home, protocol)).await;
        both.push((home, wire));
    }
    both
}

#[tokio::test]
async fn its_words_for_the_model_arrive() {
    let Some(pypi) = pypi() else { return };
    for (_home, wire) in both(&pypi).await {
        let words = wire.hello.instructions.as_deref();
        assert_eq!(words, Some("Ask before you write."));
        assert_eq!(wire.hello.name, "desk");
    }
}

#[tokio::test]
async fn a_form_is_filled_in_declined_or_dismissed() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        for (reply, says) in [
            (
                json!({"action": "accept", "content": {"name": "Bình"}}),
                "accept: Bình",
            ),
            (json!({"action": "decline"}), "decline: None"),
            (json!({"action": "cancel"}), "cancel: None"),
        ] {
            let call = wire.start_tool("ask_name", json!({}));
            let (ask, what) = wire.asked().await;
            let Ask::Form { message, schema } = what else {
                panic!("{what:?}");
            };
            assert_eq!(message, "Who is there?");
            assert_eq!(schema["required"], json!(["name"]));
            wire.reply(ask, reply);
            assert_eq!(wire.answer(call).await.as_text(), says);
        }
    }
}

#[tokio::test]
async fn our_model_is_asked_and_its_words_reach_the_tool() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let call = wire.start_tool("ask_model", json!({}));
        let (ask, what) = wire.asked().await;
        let Ask::Sampling(sampling) = what else {
            panic!("{what:?}");
        };
        assert_eq!(sampling.max_tokens, 50);
        assert_eq!(sampling.messages[0].role, "user");
        assert_eq!(sampling.messages[0].content[0].as_text(), "Write a haiku.");
        let text = json!({"type": "text", "text": "Old pond"});
        wire.reply(
            ask,
            json!({"role": "assistant", "content": text, "model": "ours"}),
        );
        assert_eq!(wire.answer(call).await.as_text(), "ours wrote: Old pond");
    }
}

#[tokio::test]
async fn roots_are_told() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let call = wire.start_tool("ask_roots", json!({}));
        let (ask, what) = wire.asked_anything().await;
        assert_eq!(what, Ask::Roots);
        wire.reply(
            ask,
            json!({"roots": [{"uri": "file:///srv/tea", "name": "tea"}]}),
        );
        assert_eq!(wire.answer(call).await.as_text(), "file:///srv/tea");
    }
}

#[tokio::test]
async fn a_question_whose_call_is_cancelled_is_withdrawn_and_the_server_goes_on() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let call = wire.start_tool("ask_name", json!({}));
        let (ask, _) = wire.asked().await;
        wire.cancel(call);
        assert_eq!(wire.outcome(call).await, CallOutcome::Cancelled);
        let seen = |event: &ServerEvent| *event == ServerEvent::AskWithdrawn(ask);
        if !wire.passed.iter().any(seen) {
            wire.until(|event| seen(event).then_some(())).await;
        }
        let answer = wire.call("add", json!({"a": 1, "b": 2})).await;
        assert_eq!(answer.as_text(), "3");
    }
}

#[tokio::test]
async fn a_call_that_waits_for_ever_is_cancelled_and_the_server_goes_on() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let call = wire.start_tool("wait", json!({}));
        wire.until(|event| {
            matches!(event, ServerEvent::Call(_, CallEvent::Sent { .. })).then_some(())
        })
        .await;
        wire.cancel(call);
        assert_eq!(wire.outcome(call).await, CallOutcome::Cancelled);
        let answer = wire.call("add", json!({"a": 1, "b": 2})).await;
        assert_eq!(answer.structured, Some(json!({"result": 3})));
    }
}

#[tokio::test]
async fn progress_is_told_step_by_step() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let call = wire.start_tool("count", json!({"steps": 3}));
        assert_eq!(wire.answer(call).await.as_text(), "counted to 3");
        let steps: Vec<(f64, Option<f64>, Option<String>)> = wire
            .of_call(call)
            .into_iter()
            .filter_map(|event| match event {
                CallEvent::Progress(p) => Some((p.done, p.total, p.message.clone())),
                _ => None,
            })
            .collect();
        let wanted = [1, 2, 3].map(|n| (f64::from(n), Some(3.0), Some(format!("step {n}"))));
        assert_eq!(steps, wanted);
    }
}

#[tokio::test]
async fn log_messages_come_when_they_are_wished_for() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let level = Errand::SetLogLevel {
            level: "info".to_owned(),
        };
        assert_eq!(wire.errand(level).await, ErrandEnd::Done);
        wire.call("count", json!({"steps": 1})).await;
        let said = |event: &ServerEvent| {
            matches!(event, ServerEvent::Log { level, text }
                if level == "info" && text.contains("counted to 1"))
        };
        if !wire.passed.iter().any(said) {
            wire.until(|event| said(event).then_some(())).await;
        }
    }
}

#[tokio::test]
async fn a_resource_and_one_of_a_family_are_read() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        assert_eq!(wire.names(ListKind::Resources).await, ["desk://note"]);
        let templates = wire.names(ListKind::Templates).await;
        assert_eq!(templates, ["desk://drawer/{name}"]);
        for (uri, says) in [
            ("desk://note", "buy tea"),
            ("desk://drawer/left", "left: empty"),
        ] {
            let blocks = wire.read(uri).await;
            let [Block::Resource { text, .. }] = blocks.as_slice() else {
                panic!("{blocks:?}");
            };
            assert_eq!(text.as_deref(), Some(says));
        }
    }
}

#[tokio::test]
async fn a_prompt_and_its_completions() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let said = wire.prompt("greet", json!({"name": "Anh"})).await;
        let [Block::Said { role, block }] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!(role, "user");
        assert_eq!(block.as_text(), "Greet Anh in a warm tone.");
        for of in [
            Reference::Prompt {
                name: "greet".to_owned(),
            },
            Reference::Template {
                uri_template: "desk://drawer/{name}".to_owned(),
            },
        ] {
            let complete = Errand::Complete {
                of,
                argument: "name".to_owned(),
                value: "B".to_owned(),
                context: Default::default(),
            };
            let end = wire.errand(complete).await;
            let ErrandEnd::Completed { values, .. } = &end else {
                panic!("{end:?}");
            };
            assert_eq!(values, &["Bình"]);
        }
    }
}

#[tokio::test]
async fn a_list_that_has_changed_is_said_to_have() {
    let Some(pypi) = pypi() else { return };
    // In the era of 2026-07-28 it says that its lists do not change.
    let home = Home::new();
    let program = Program::new(pypi.python(), &[&desk()]);
    let mut wire = Wire::dial(program.spec(&home, Legacy)).await;
    wire.call("grow", json!({})).await;
    let changed = |event: &ServerEvent| *event == ServerEvent::Changed(ListKind::Tools);
    if !wire.passed.iter().any(changed) {
        wire.until(|event| changed(event).then_some(())).await;
    }
    let tools = wire.names(ListKind::Tools).await;
    assert!(tools.iter().any(|name| name == "grown"), "{tools:?}");
}

#[tokio::test]
async fn work_goes_on_as_a_task_where_both_sides_know_tasks() {
    let Some(pypi) = pypi() else { return };
    for (_home, mut wire) in both(&pypi).await {
        let modern = wire.hello.revision == "2026-07-28";
        let call = wire.start_tool("work", json!({"pieces": 2}));
        assert_eq!(wire.answer(call).await.as_text(), "2 pieces of work");
        let is_task = |event: &&CallEvent| matches!(event, CallEvent::Task(_));
        let as_task = wire.of_call(call).iter().any(is_task);
        assert_eq!(as_task, modern, "{:?}", wire.of_call(call));
    }
}
