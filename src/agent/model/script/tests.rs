//! The script through its public face: the demo's own script with the results that its servers give, and scripts with mistakes.

use serde_json::{Value, json};

use super::*;
use crate::agent::model::{
    Finish, Message, ModelCall, ModelErrorKind, ModelEvent, ModelRequest, ToolOffer,
};
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

fn rows(columns: &[&str], rows: Value) -> Value {
    let columns: Vec<Value> = columns
        .iter()
        .map(|name| json!({"name": name, "type": "TEXT"}))
        .collect();
    let count = rows.as_array().unwrap().len();
    json!({"columns": columns, "rows": rows, "row_count": count, "truncated": false, "sql": "…", "elapsed_ms": 1})
}

/// What the bundled servers answer, in their own shapes.
fn workspace(name: &str, arguments: &Value) -> String {
    let sql = arguments["sql"].as_str().unwrap_or_default();
    let answer = match name {
        "files__list_directory" => json!({"path": ".", "entries": [
            {"name": "Báo cáo.md", "type": "file", "size": 812, "modified": "2026-01-02T03:04:05Z"},
            {"name": "src", "type": "directory", "size": null, "modified": null}], "total": 2, "truncated": false}),
        "files__write_file" => {
            json!({"path": "hello.txt", "bytes": 15, "created": true, "previous": null})
        }
        "files__search_files" => {
            json!({"path": ".", "pattern": arguments["pattern"], "matches": ["a.py", "b/c.py"], "total": 2, "truncated": false})
        }
        "files__read_text_file" => {
            json!({"path": "hello.txt", "content": "Hello from MCP!", "lines": 1, "bytes": 15, "truncated": false})
        }
        "files__delete_file" => {
            json!({"path": "hello.txt", "trashed_to": ".trash/1/hello.txt", "files": 1})
        }
        "shop__get_table_schema" => json!({"table": arguments["table"], "columns": [
            {"name": "id", "type": "INTEGER", "nullable": false, "default": null, "primary_key": true}],
            "foreign_keys": [{"columns": ["customer_id"], "table": "customers", "to": ["id"]}], "indexes": [], "rows": 1200}),
        _ if sql.starts_with("SELECT name, email") => rows(
            &["name", "email"],
            json!([["Lê Thị Hoa", "hoa@example.com"]]),
        ),
        _ if sql.contains("WITH sums") => rows(
            &["name", "orders", "total"],
            json!([["Lê Thị Hoa", 7, 12345.5]]),
        ),
        _ if sql.contains("SELECT MAX(total) FROM orders)") => {
            rows(&["name", "order_id", "total"], json!([["Minh", 41, 990]]))
        }
        _ if sql.contains("LEFT JOIN") => {
            rows(&["name", "orders"], json!([["Minh", 9], ["Hoa", 0]]))
        }
        _ if sql.contains("GROUP BY status") => rows(
            &["status", "orders", "revenue"],
            json!([["paid", 8, 100.5]]),
        ),
        _ if sql.contains("COALESCE") => rows(&["orders", "revenue"], json!([[60, 98765.4]])),
        _ => panic!("{name} {arguments}"),
    };
    answer.to_string()
}

#[test]
fn the_demo_answers_each_of_its_prompts_from_the_results() {
    let script = Script::parse(DEMO).unwrap();
    let wanted: [(&str, &[&str], &[&str]); 10] = [
        (
            "list files",
            &["files__list_directory"],
            &["**2 entries**", "| Báo cáo.md | file | 812 |"],
        ),
        (
            "create hello.txt with \"Hello from MCP!\"",
            &["files__write_file"],
            &["created `hello.txt`", "15 bytes"],
        ),
        (
            "find every .py file below here",
            &["files__search_files"],
            &["**2 files** fit `**/*.py`", "- `b/c.py`"],
        ),
        (
            "read hello.txt back",
            &["files__read_text_file"],
            &["```\nHello from MCP!\n```", "1 line, 15 bytes"],
        ),
        (
            "delete it",
            &["files__delete_file"],
            &["`.trash/1/hello.txt`"],
        ),
        (
            "the schema of customers and orders",
            &["shop__get_table_schema", "shop__get_table_schema"],
            &[
                "### customers (1,200 rows)",
                "### orders",
                "`customer_id` refers to `customers(id)`",
                "| id | INTEGER | no | yes |",
            ],
        ),
        (
            "show me all customers",
            &["shop__query_database"],
            &["**1 customer**", "| Lê Thị Hoa | hoa@example.com |"],
        ),
        (
            "the customer with the highest order total",
            &["shop__query_database", "shop__query_database"],
            &[
                "**Lê Thị Hoa**",
                "**12,345.50** in 7 orders",
                "number 41, by Minh: 990.00",
            ],
        ),
        (
            "orders per customer",
            &["shop__query_database"],
            &["| name | orders |\n| --- | ---: |\n| Minh | 9 |\n| Hoa | 0 |"],
        ),
        (
            "total revenue",
            &["shop__query_database", "shop__query_database"],
            &["**98,765.40** over 60 orders", "| paid | 8 | 100.5 |"],
        ),
    ];
    for (prompt, tools, parts) in wanted {
        let (made, text) = play(&script, prompt, workspace);
        let made: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(made, tools, "{prompt}");
        for part in parts {
            assert!(text.contains(part), "{prompt}: no {part:?} in\n{text}");
        }
    }
}

#[test]
fn the_demo_offers_all_its_prompts_in_turn_and_they_match_their_own_replies() {
    let script = Script::parse(DEMO).unwrap();
    let mut offered = vec![script.suggestion_after(None).unwrap()];
    while let Some(next) = script.suggestion_after(offered.last().copied()) {
        offered.push(next);
        assert!(offered.len() <= 13);
    }
    assert_eq!(offered, script.prompts().collect::<Vec<_>>());
    assert_eq!(offered.len(), 13);
    for (index, prompt) in offered.iter().enumerate() {
        assert_eq!(
            &script.find(prompt).unwrap().0.prompt,
            prompt,
            "prompt {index} is caught by another reply"
        );
    }
    assert_eq!(
        script.suggestion_after(Some("sing")),
        Some("List the files here")
    );
}

#[test]
fn natural_variants_reach_the_right_reply() {
    let script = Script::parse(DEMO).unwrap();
    let cases = [
        (
            "please list the files in this folder",
            "List the files here",
        ),
        ("What files are here?", "List the files here"),
        ("ls", "List the files here"),
        (
            "Create a file hello.txt with Hello from MCP!",
            "Create `hello.txt` with \"Hello from MCP!\"",
        ),
        ("find all python files", "Find every `.py` file below here"),
        ("cat hello.txt", "Read `hello.txt` back"),
        ("remove hello.txt", "Delete `hello.txt`"),
        ("Delete it.", "Delete `hello.txt`"),
        (
            "what columns do customers and orders have",
            "Show the schema of customers and orders",
        ),
        (
            "list all customers and their email",
            "Show all customers with their e-mail",
        ),
        (
            "Who has the highest order total?",
            "Which customer has the highest order total?",
        ),
        (
            "how many orders per customer",
            "How many orders does each customer have?",
        ),
        (
            "orders per customer",
            "How many orders does each customer have?",
        ),
        ("show me the total revenue", "What is the total revenue?"),
        (
            "Plan my meeting with Tech",
            "Prepare a meeting with Anh of Sao Mai Tech",
        ),
        ("review our pipeline, please", "Analyse the sales pipeline"),
        (
            "which clients were not contacted lately",
            "Follow up with clients not contacted for over a week",
        ),
    ];
    for (said, prompt) in cases {
        assert_eq!(
            script.find(said).map(|found| found.0.prompt.as_str()),
            Some(prompt),
            "{said}"
        );
    }
    assert!(script.find("write me a poem about the sea").is_none());
}

#[test]
fn a_refused_or_failed_call_is_told_as_it_is() {
    let script = Script::parse(DEMO).unwrap();
    for text in [
        "denied: the person said no",
        "Error: no such file",
        "{broken",
        "no JSON",
    ] {
        for prompt in Script::parse(DEMO).unwrap().prompts() {
            let (_, said) = play(&script, prompt, |_, _| text.into());
            assert!(said.contains(text), "{prompt}: {said}");
            assert!(
                !said.contains("gone") && !said.contains("form"),
                "{prompt}: {said}"
            );
        }
    }
}

#[test]
fn what_it_does_not_know_is_answered_by_what_it_is() {
    let script = Script::parse(DEMO).unwrap();
    let (said, calls) = split(script.answer(&request(vec![user("write a poem")])));
    assert!(calls.is_empty() && said.contains("I am a script that plays a model"));
    assert!(said.contains("- What is the total revenue?"));
    let (said, _) = split(script.answer(&request(Vec::new())));
    assert_eq!(said, script.opening());
}

#[test]
fn names_of_tools_are_found_however_they_were_joined() {
    let script = Script::parse(DEMO).unwrap();
    for (name, good) in [
        ("files_list_directory", true),
        ("Files-list-directory", true),
        ("files__list_directory_a3f", true),
        ("files__list_directory_with_sizes", false),
        ("other__list_directory", false),
    ] {
        let mut request = request(vec![user("ls")]);
        request.tools = vec![ToolOffer {
            name: name.into(),
            description: String::new(),
            schema: json!({}),
        }];
        let (said, calls) = split(script.answer(&request));
        assert_eq!(calls.iter().any(|call| call.name == name), good, "{name}");
        assert_eq!(
            said.contains("`files.list_directory`, but that tool is not on offer"),
            !good,
            "{name}"
        );
    }
}

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

#[test]
fn mistakes_are_told_with_their_line() {
    let head = "opening = \"o\"\nfallback = \"f\"\n";
    let cases = [
        ("opening = 3\nfallback = \"f\"\n", 1, "expected"),
        (
            "opening = \"{{ x\"\nfallback = \"f\"\nreply = []",
            1,
            "template",
        ),
        ("colour = 1", 3, "unknown field"),
        ("[[reply]]\nprompt = \"p\"", 3, "needs at least one"),
        (
            "[[reply]]\nprompt = \"p\"\nwhen = [\"a\", \"{}\"]\n[[reply.step]]\nsay = \"s\"",
            5,
            "no name",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\nsay = \"s\"\n[[reply.step]]\nsay = \"s\"",
            5,
            "needs `call`",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\ncall = { tool = \"a.b\" }",
            5,
            "cannot call",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\ncall = { tool = \"ab\" }\n[[reply.step]]\nsay = \"s\"",
            6,
            "`server.tool`",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\ncall = { tool = \"a.b\", if = \"1 +\" }\n[[reply.step]]\nsay = \"s\"",
            6,
            "`if`",
        ),
        (
            "[[reply]]\nprompt = \"p\"\n[[reply.step]]\nsay = \"{% if %}\"",
            6,
            "template",
        ),
    ];
    for (text, line, part) in cases {
        let text = if text.starts_with("opening") {
            text.to_owned()
        } else {
            format!("{head}{text}")
        };
        let error = Script::parse(&text).unwrap_err();
        assert!(
            error.line == line && error.message.contains(part),
            "{text}\n{error}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn any_prompt_and_any_result_is_answered_without_a_panic(prompt in ".{0,80}", index in 0..13_usize, result in ".{0,80}") {
        let script = Script::parse(DEMO).unwrap();
        split(script.answer(&request(vec![user(&prompt)])));
        let known = script.prompts().nth(index).unwrap().to_owned();
        let (_, text) = play(&script, &known, |_, _| result.clone());
        proptest::prop_assert!(!text.is_empty());
    }
}
