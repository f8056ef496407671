//! `@modelcontextprotocol/server-everything`: every kind of answer, over stdio and over Streamable HTTP. It sends a notification
//! before its answer to `initialize`, which a client must bear.

use mcpdeck::app::form::Kind;
use mcpdeck::app::form::tree::{Tree, TreeKey};
use serde_json::{Value, json};

use crate::deck::Deck;
use crate::npm::{HttpServer, Npm, npm};

/// What the pinned version offers to a client without sampling, elicitation or roots, sorted.
pub const TOOLS: [&str; 13] = [
    "echo",
    "get-annotated-message",
    "get-env",
    "get-resource-links",
    "get-resource-reference",
    "get-structured-content",
    "get-sum",
    "get-tiny-image",
    "gzip-file-as-resource",
    "simulate-research-query",
    "toggle-simulated-logging",
    "toggle-subscriber-updates",
    "trigger-long-running-operation",
];

/// What it offers besides to a client that can do as much as ours.
pub const MORE: [&str; 4] = [
    "get-roots-list",
    "trigger-elicitation-request",
    "trigger-sampling-request",
    "trigger-url-elicitation",
];

fn deck(npm: &Npm) -> Deck {
    let deck = Deck::new();
    deck.stdio("all", "node", &[&npm.everything(), "stdio"]);
    deck
}

#[test]
fn all_its_tools_are_listed() {
    let Some(npm) = npm() else { return };
    let mut known = [TOOLS.as_slice(), &MORE].concat();
    known.sort_unstable();
    assert_eq!(deck(&npm).tools("all"), known);
}

#[test]
fn text_comes_back_unchanged() {
    let Some(npm) = npm() else { return };
    let ran = deck(&npm).call("all", "echo", &["message=xin chào = 你好 👩‍💻"]);
    assert_eq!(ran.text(), "Echo: xin chào = 你好 👩‍💻");
}

#[test]
fn numbers_are_numbers() {
    let Some(npm) = npm() else { return };
    let ran = deck(&npm).call("all", "get-sum", &["a=2", "b=40"]);
    assert_eq!(ran.text(), "The sum of 2 and 40 is 42.");
}

/// Fills a form in by keys: rows by their names, `>` chooses the next option, everything else is typed.
fn filled(tools: &[Value], name: &str, keys: &[(&str, &str)]) -> Value {
    let tool = tools.iter().find(|tool| tool["name"] == name);
    let mut tree = Tree::new(&tool.expect("it is listed")["input_schema"]);
    for (row, keys) in keys {
        let at = tree.rows.iter().position(|known| known.name == *row);
        tree.enter(at.unwrap_or_else(|| panic!("no row {row} in {:#?}", tree.rows)));
        for key in keys.chars() {
            match key {
                '>' => tree.press(TreeKey::Right, 0),
                key => tree.insert(key),
            }
        }
    }
    tree.accept().unwrap_or_else(|| panic!("{:#?}", tree.rows))
}

#[test]
fn its_schemas_are_forms_and_what_is_filled_in_is_what_it_gets() {
    let Some(npm) = npm() else { return };
    let deck = deck(&npm);
    let listed = deck.run(&["list", "all", "--json"]).json();
    let tools = listed["servers"][0]["tools"].as_array().expect("tools");
    for tool in tools {
        let mut tree = Tree::new(&tool["input_schema"]);
        for row in &tree.rows {
            let bare = row
                .field()
                .is_some_and(|field| matches!(field.kind, Kind::Json(_)));
            assert!(!bare, "{} of {} has no field", row.name, tool["name"]);
        }
        let before = tree.value().to_string();
        tree.toggle_raw();
        tree.toggle_raw();
        assert_eq!(tree.value().to_string(), before);
    }
    let sum = filled(tools, "get-sum", &[("a", "2"), ("b", "40")]).to_string();
    let ran = deck.call("all", "get-sum", &["--args", &sum]);
    assert_eq!(ran.text(), "The sum of 2 and 40 is 42.");
    let echo = filled(tools, "echo", &[("message", "xin chào 你好 👩‍💻")]).to_string();
    let ran = deck.call("all", "echo", &["--args", &echo]);
    assert_eq!(ran.text(), "Echo: xin chào 你好 👩‍💻");
    let place = filled(tools, "get-structured-content", &[("location", ">")]).to_string();
    let ran = deck.call("all", "get-structured-content", &["--args", &place]);
    assert!(
        ran.json()["structured_content"]["temperature"].is_number(),
        "{ran:#?}"
    );
}

#[test]
fn a_wrong_type_is_named_before_it_is_sent() {
    let Some(npm) = npm() else { return };
    let deck = deck(&npm);
    let log = deck.home.work().join("wire.jsonl");
    let log_arg = log.to_string_lossy().into_owned();
    let args = [
        "--wire-log",
        &log_arg,
        "call",
        "all",
        "get-sum",
        "a=x",
        "b=1",
    ];
    let ran = deck.run(&args);
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(
        ran.err.contains("`a`"),
        "the argument is not named: {ran:#?}"
    );
    let wire = std::fs::read_to_string(&log).unwrap_or_default();
    assert!(!wire.contains("tools/call"), "it was sent: {wire}");
}

#[test]
fn structured_content_is_kept() {
    let Some(npm) = npm() else { return };
    let ran = deck(&npm).call("all", "get-structured-content", &["location=New York"]);
    let expected = json!({"temperature": 33, "conditions": "Cloudy", "humidity": 82});
    assert_eq!(ran.json()["structured_content"], expected, "{ran:#?}");
}

#[test]
fn an_image_is_a_block_of_its_own() {
    let Some(npm) = npm() else { return };
    let ran = deck(&npm).call("all", "get-tiny-image", &[]);
    let value = ran.json();
    let content = value["content"].as_array().expect("content");
    let image = content.iter().find(|block| block["type"] == "image");
    let data = image.and_then(|block| block["data"].as_str());
    assert!(
        data.is_some_and(|data| data.starts_with("iVBOR")),
        "{ran:#?}"
    );
}

#[test]
fn a_long_call_with_progress_ends_well() {
    let Some(npm) = npm() else { return };
    let arguments = ["duration=1", "steps=4"];
    let ran = deck(&npm).call("all", "trigger-long-running-operation", &arguments);
    let words = "Long running operation completed. Duration: 1 seconds, Steps: 4.";
    assert_eq!(ran.text(), words);
}

#[test]
fn the_server_sees_no_secret_of_ours() {
    let Some(npm) = npm() else { return };
    let deck = deck(&npm);
    let args = ["call", "all", "get-env", "--json"];
    let ran = deck.run_with(&args, &[("OPENAI_API_KEY", "sk-planted"), ("PLANTED", "x")]);
    let seen: Value = serde_json::from_str(&ran.text()).expect("its environment");
    assert!(seen.get("PATH").is_some(), "{seen}");
    for name in ["OPENAI_API_KEY", "PLANTED", "MCPDECK_CONFIG_DIR"] {
        assert!(
            seen.get(name).is_none(),
            "{name} reached the server: {seen}"
        );
    }
}

#[test]
fn the_wire_log_holds_the_whole_conversation_as_json_lines() {
    let Some(npm) = npm() else { return };
    let deck = deck(&npm);
    let log = deck.home.work().join("wire.jsonl");
    let log_arg = log.to_string_lossy().into_owned();
    let args = [
        "--wire-log",
        &log_arg,
        "call",
        "all",
        "echo",
        "message=seen",
        "--json",
    ];
    assert_eq!(deck.run(&args).text(), "Echo: seen");
    let wire = std::fs::read_to_string(&log).expect("the wire log");
    let lines: Vec<Value> = wire
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let holds = |what: &str| lines.iter().any(|line| line.to_string().contains(what));
    for what in [
        "tools/list",
        "tools/call",
        "list_changed",
        "Echo: seen",
        "Starting default",
    ] {
        assert!(holds(what), "{what} is not in the log:\n{wire}");
    }
}

#[test]
fn the_same_holds_over_streamable_http() {
    let Some(npm) = npm() else { return };
    let deck = Deck::new();
    let server = HttpServer::start(&npm, &deck.home, "streamableHttp");
    deck.http("web", &server.url);
    let listed = deck.tools("web");
    for tool in TOOLS {
        assert!(listed.iter().any(|name| name == tool), "{tool}: {listed:?}");
    }
    assert_eq!(
        deck.call("web", "echo", &["message=chào"]).text(),
        "Echo: chào"
    );
    let long = deck.call(
        "web",
        "trigger-long-running-operation",
        &["duration=1", "steps=2"],
    );
    assert!(long.text().contains("completed"), "{long:#?}");
}
