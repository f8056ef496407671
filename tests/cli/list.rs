//! `list`: servers and tools, for people and as JSON.

use serde_json::json;

use crate::deck::Deck;

#[test]
fn the_servers_are_one_line_each() {
    let deck = Deck::demo();
    deck.add("[mcp_servers.off]\ncommand = \"nothing\"\nenabled = false\n");
    let ran = deck.run(&["list"]).expect(0);
    deck.snapshot("list", &ran.out);
    assert_eq!(ran.err, "");
}

#[test]
fn one_server_is_listed_with_its_tools() {
    let deck = Deck::demo();
    let ran = deck.run(&["list", "shop"]).expect(0);
    deck.snapshot("list_shop", &ran.out);
}

#[test]
fn as_json_it_is_one_document_with_schemas() {
    let deck = Deck::demo();
    let all = deck.run(&["list", "--json"]).expect(0).json();
    let names: Vec<_> = all["servers"]
        .as_array()
        .expect("servers")
        .iter()
        .map(|s| &s["name"])
        .collect();
    assert_eq!(names, ["files", "shop", "crm"]);
    let one = deck.run(&["list", "shop", "--json"]).expect(0).json();
    let shop = &one["servers"][0];
    assert_eq!(
        (&shop["state"], &shop["era"], &shop["revision"]),
        (&json!("ready"), &json!("modern"), &json!("2026-07-28"))
    );
    let tools = shop["tools"].as_array().expect("tools");
    let query = tools.iter().find(|tool| tool["name"] == "query_database");
    let schema = &query.expect("the tool")["input_schema"];
    assert_eq!(schema["properties"]["sql"]["type"], "string", "{schema:#}");
}

#[test]
fn a_tool_that_cannot_be_used_is_listed_with_the_reason() {
    let deck = Deck::new("");
    let script = "[[tools]]\nname = 'good'\ninputSchema = { type = 'object' }\n[[tools]]\ndescription = 'nameless'\n";
    deck.scripted("s", script, "");
    let ran = deck.run(&["list", "s"]).expect(0);
    assert!(ran.out.contains("  good"), "{ran}");
    assert!(ran.out.contains("not usable: "), "{ran}");
}

#[test]
fn an_unknown_server_is_refused_with_the_nearest_name() {
    let deck = Deck::demo();
    let ran = deck.run(&["list", "shpo"]).expect(2);
    assert!(ran.err.contains("no server `shpo`"), "{ran}");
    assert!(ran.err.contains("hint: did you mean `shop`?"), "{ran}");
    assert_eq!(ran.out, "");
}

#[test]
fn the_command_of_a_failed_server_can_be_typed_again() {
    let deck =
        Deck::new("[mcp_servers.s]\ncommand = 'sh'\nargs = ['-c', 'echo oh dear >&2; exit 3']\n");
    let ran = deck.run(&["list", "s"]).expect(3);
    assert!(
        ran.err.contains("sh -c 'echo oh dear >&2; exit 3'"),
        "{ran}"
    );
}

#[test]
fn without_servers_it_says_so_and_where_to_name_them() {
    let ran = Deck::new("").run(&["list"]).expect(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("no servers are configured"), "{ran}");
}
