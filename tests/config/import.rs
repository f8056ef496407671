//! Other programs' JSON to our TOML, and back through the loader.

use std::fmt::Write as _;

use mcpdeck::config::{Config, ImportError, Launch, import};
use proptest::prelude::*;
use serde_json::json;

use crate::{Machine, fixtures, names};

fn load(toml: &str) -> Config {
    let machine = Machine::new()
        .var("TOKEN", "t")
        .var("API_KEY", "k")
        .var("HOME", "/home/ana")
        .project(toml);
    machine.config()
}

#[test]
fn the_three_forms_become_toml_that_loads() {
    let mut all = String::new();
    for name in names("import") {
        let json = std::fs::read_to_string(fixtures("import").join(&name)).unwrap();
        let toml = import(&json).unwrap();
        writeln!(all, "=== {name}\n{toml}").unwrap();
        let config = load(&toml);
        assert_eq!(config.broken, [], "{toml}");
        assert!(config.warnings.is_empty(), "{:?}\n{toml}", config.warnings);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn what_is_no_list_of_servers_is_refused() {
    assert!(matches!(import("{"), Err(ImportError::Json(_))));
    for text in ["{}", "[]", "3", "{\"mcpServers\": []}"] {
        assert_eq!(import(text), Err(ImportError::NoServers), "{text}");
    }
}

proptest! {
    #[test]
    fn a_program_comes_through_word_for_word(
        name in "\\PC{0,12}",
        command in "[a-z]{1,8}",
        args in proptest::collection::vec("\\PC{0,12}|[$ {}a\"'\\\\\n]{0,8}", 0..4),
        value in "\\PC{0,12}|[\t\r\n#=\u{1}]{0,6}",
    ) {
        // `${...}` means something on both sides; it has tests of its own.
        prop_assume!(!args.iter().any(|arg| arg.contains("$")) && !value.contains("$"));
        let server = json!({"command": command, "args": args, "env": {"X": value}});
        let json = json!({"mcpServers": {name: server, "second": {"url": "http://x/mcp"}}});
        let toml = import(&json.to_string()).unwrap();
        let config = load(&toml);
        prop_assert_eq!(&config.broken, &[], "{}", toml);
        prop_assert_eq!(config.servers.len(), json["mcpServers"].as_object().map_or(0, |servers| servers.len()));
        let mut stdio = config.servers.iter().filter_map(|server| match &server.launch {
            Launch::Stdio(stdio) => Some(stdio),
            _ => None,
        });
        if let Some(stdio) = stdio.next() {
            prop_assert_eq!(&stdio.command, &command);
            prop_assert_eq!(&stdio.args, &args);
            prop_assert_eq!(stdio.env["X"].expose(), value);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = import(&text);
        let _ = import(&json!({"servers": {text.clone(): {"command": text, "args": [text, 1, null], "env": {text.clone(): text}}}}).to_string());
    }
}
