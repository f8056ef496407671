//! Arguments made from words and results, calls made for each entry of a list, and templates that ask for what is not there.

use serde_json::{Value, json};

use super::{request, split, user};
use crate::agent::model::script::Script;
use crate::agent::model::{
    Message, ModelCall, ModelErrorKind, ModelEvent, ModelRequest, ToolOffer,
};

const SMALL: &str = r#"
opening = "o"
fallback = "f {{ prompt }}"
[[reply]]
prompt = "go"
when = ["take {n} of {what}"]
[[reply.step]]
say = "First."
call = { tool = "a.b", arguments = { n = "{{ (n if n is defined else 3)|int }}", deep = { list = ["<{{ prompt }}>"] } } }
[[reply.step]]
call = { tool = "a.b", arguments = { id = "{{ results[0].structured.id }}" } }
[[reply.step]]
say = "{{ results|length }} {{ results[1].structured.name.first }}"
"#;

fn small(messages: Vec<Message>) -> ModelRequest {
    let mut request = request(messages);
    request.tools = vec![ToolOffer {
        name: "a__b".into(),
        description: String::new(),
        schema: json!({}),
    }];
    request
}

#[test]
fn arguments_are_made_from_words_and_results_and_keep_their_types() {
    let script = Script::parse(SMALL).unwrap();
    let mut messages = vec![user("take 7 of Apples")];
    let (said, calls) = split(script.answer(&small(messages.clone())));
    assert_eq!(said, "First.");
    let arguments: Value = serde_json::from_str(&calls[0].arguments).unwrap();
    assert_eq!(
        arguments,
        json!({"n": 7, "deep": {"list": ["<take 7 of Apples>"]}})
    );
    messages.push(Message::Assistant {
        text: said,
        calls: calls.clone(),
    });
    messages.push(Message::Tool {
        call: calls[0].id.clone(),
        name: "a__b".into(),
        text: r#"{"id": 42}"#.into(),
    });
    let (_, second) = split(script.answer(&small(messages)));
    assert_eq!(second[0].arguments, r#"{"id":42}"#);
    assert_ne!(second[0].id, calls[0].id);
}

const REPEATED: &str = r#"
opening = "o"
fallback = "f"
[[reply]]
prompt = "go"
[[reply.step]]
call = { tool = "a.b", arguments = { n = 0 } }
[[reply.step]]
call = { tool = "a.b", each = "results[0].structured.list", if = "item.n > 1", arguments = { n = "{{ item.n }}" } }
[[reply.step]]
call = { tool = "a.b", if = "results|length == 2", arguments = { n = 9 } }
[[reply.step]]
say = "{{ results|length }}"
"#;

/// The numbers that are sent when the first answer is `first`, and what is said in the end or fails.
fn repeated(first: &str) -> (Vec<i64>, Result<String, String>) {
    let script = Script::parse(REPEATED).unwrap();
    let mut messages = vec![user("go")];
    let mut sent = Vec::new();
    loop {
        let events = script.answer(&small(messages.clone()));
        if let Some(ModelEvent::Failed(error)) = events.last() {
            return (sent, Err(error.message.clone()));
        }
        let (text, calls) = split(events);
        if calls.is_empty() {
            return (sent, Ok(text));
        }
        messages.push(Message::Assistant {
            text,
            calls: calls.clone(),
        });
        for call in calls {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
            sent.push(arguments["n"].as_i64().unwrap());
            messages.push(Message::Tool {
                call: call.id,
                name: call.name,
                text: first.to_owned(),
            });
        }
    }
}

#[test]
fn a_call_is_made_for_each_entry_that_fits_and_a_step_without_calls_is_passed_over() {
    let list = |numbers: &[i64]| {
        let entries: Vec<Value> = numbers.iter().map(|n| json!({"n": n})).collect();
        json!({"list": entries}).to_string()
    };
    assert_eq!(repeated(&list(&[1, 2, 3])), (vec![0, 2, 3], Ok("3".into())));
    assert_eq!(repeated(&list(&[5])), (vec![0, 5, 9], Ok("3".into())));
    assert_eq!(repeated(&list(&[1])), (vec![0], Ok("1".into())));
    assert_eq!(repeated(&list(&[])), (vec![0], Ok("1".into())));
    let (sent, said) = repeated(r#"{"list": 7}"#);
    assert!(sent == [0] && said.is_err_and(|why| why.contains("no list")));
}

#[test]
fn a_template_that_asks_for_what_is_not_there_fails_and_says_so() {
    let script = Script::parse(SMALL).unwrap();
    let call = |id: &str| ModelCall {
        id: id.into(),
        name: "a__b".into(),
        arguments: "{}".into(),
        extra: serde_json::Map::new(),
    };
    let assistant = |id: &str| Message::Assistant {
        text: String::new(),
        calls: vec![call(id)],
    };
    let tool = |id: &str| Message::Tool {
        call: id.into(),
        name: "a__b".into(),
        text: "{}".into(),
    };
    let messages = vec![
        user("go"),
        assistant("1"),
        tool("1"),
        assistant("2"),
        tool("2"),
    ];
    let events = script.answer(&small(messages));
    let Some(ModelEvent::Failed(error)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(error.kind, ModelErrorKind::Script);
    assert!(
        error.message.contains("\"go\"") && error.hint.is_some(),
        "{error:?}"
    );
}
