//! The script through its public face: `demo` plays the demo's own script with the results that its servers give, `templates`
//! small ones with arguments and loops, and `mistakes` those that are none. Here is what they ask with.

mod demo;
mod mistakes;
mod templates;

use serde_json::{Value, json};

use super::*;
use crate::agent::model::{Finish, Message, ModelCall, ModelEvent, ModelRequest, ToolOffer};
use crate::config::ModelMode;

const DEMO: &str = include_str!("../../../../assets/demo/script.toml");

fn offers() -> Vec<ToolOffer> {
    let names = [
        "files__list_directory",
        "files__write_file",
        "files__search_files",
        "files__read_text_file",
        "files__delete_file",
        "shop__query_database",
        "shop__get_table_schema",
        "crm__search_contacts",
        "crm__get_contact_details",
        "crm__list_opportunities",
        "crm__pipeline_report",
        "crm__create_opportunity",
        "crm__log_activity",
    ];
    let offer = |name: &str| ToolOffer {
        name: name.into(),
        description: String::new(),
        schema: json!({}),
    };
    names.into_iter().map(offer).collect()
}

fn request(messages: Vec<Message>) -> ModelRequest {
    ModelRequest {
        messages,
        tools: offers(),
        mode: ModelMode::Tools,
        plain_schemas: false,
        more_tokens: false,
        wishes: Default::default(),
    }
}

fn user(text: &str) -> Message {
    Message::User { text: text.into() }
}

fn split(events: Vec<ModelEvent>) -> (String, Vec<ModelCall>) {
    let mut said = String::new();
    let mut calls = None;
    assert_eq!(events.first(), Some(&ModelEvent::Opened));
    for event in events {
        match event {
            ModelEvent::Text(text) => said += &text,
            ModelEvent::Done(done) => {
                assert_eq!(done.finish, Finish::Stop);
                assert!(calls.replace(done.calls).is_none());
            }
            ModelEvent::Failed(error) => panic!("{error:?}"),
            ModelEvent::Opened | ModelEvent::Preparing { .. } | ModelEvent::Reasoning(_) => {}
        }
    }
    (said, calls.expect("one Done"))
}

/// Asks, answers each call by `server`, and gives the calls made and the last text.
fn play(
    script: &Script,
    prompt: &str,
    server: impl Fn(&str, &Value) -> String,
) -> (Vec<(String, Value)>, String) {
    let mut messages = vec![
        Message::System {
            text: "rules".into(),
        },
        user("old"),
        user(prompt),
    ];
    let mut made = Vec::new();
    for _ in 0..5 {
        let (text, calls) = split(script.answer(&request(messages.clone())));
        if calls.is_empty() {
            return (made, text);
        }
        messages.push(Message::Assistant {
            text,
            calls: calls.clone(),
        });
        for call in calls {
            let arguments = serde_json::from_str(&call.arguments).unwrap();
            let text = server(&call.name, &arguments);
            made.push((call.name.clone(), arguments));
            messages.push(Message::Tool {
                call: call.id,
                name: call.name,
                text,
            });
        }
    }
    panic!("the script does not end");
}
