//! The demo's own script: what it makes of the results, which words reach which reply, and what it says when a call goes wrong.

use serde_json::{Value, json};

use super::{DEMO, play, request, split, user};
use crate::agent::model::ToolOffer;
use crate::agent::model::script::Script;

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
