//! Every message about a wrong configuration, word for word.

use std::fmt::Write as _;

use mcpdeck::config::{ConfigError, Flags};
use proptest::prelude::*;

use crate::{Machine, fixture, names};

#[test]
fn each_message_names_file_line_key_and_what_was_expected() {
    let mut all = String::new();
    for name in names("invalid") {
        writeln!(all, "=== {name}").unwrap();
        match fixture("invalid", &name) {
            Ok(config) => {
                assert!(!config.broken.is_empty(), "{name} is not wrong");
                for server in &config.broken {
                    assert!(server.error.contains(&name), "{}", server.error);
                    writeln!(all, "[{}]\n{}", server.name, server.error).unwrap();
                }
                for server in &config.servers {
                    writeln!(all, "[{}] goes on", server.name).unwrap();
                }
            }
            Err(error) => {
                assert!(error.to_string().contains(&name), "{error}");
                writeln!(all, "error: {error}").unwrap();
            }
        }
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_file_that_was_asked_for_must_exist() {
    let machine = Machine::new();
    let flags = Flags {
        config: Some("nowhere.toml".into()),
        ..Flags::default()
    };
    let error = machine.load(&flags).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }), "{error}");
    assert!(error.to_string().contains("nowhere.toml"), "{error}");
    assert!(machine.load(&Flags::default()).is_ok());
}

#[test]
fn text_that_is_no_text_is_placed() {
    let machine = Machine::new().file("project/mcp.toml", b"a = 1\nb = \"\xff\"\n");
    let error = machine.load(&Flags::default()).unwrap_err().to_string();
    assert!(error.contains("line 2 is not UTF-8"), "{error}");
}

#[test]
fn both_files_are_complained_about_at_once() {
    let machine = Machine::new().user("a = [").project("b = [");
    let ConfigError::Invalid(problems) = machine.load(&Flags::default()).unwrap_err() else {
        panic!("not a problem of the text");
    };
    assert_eq!(problems.len(), 2);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let machine = Machine::new().file("project/mcp.toml", &bytes);
        let _ = machine.load(&Flags::default());
    }

    #[test]
    fn no_toml_panics(pieces in proptest::collection::vec(piece(), 0..12)) {
        let machine = Machine::new().project(&pieces.concat()).user("[mcp_servers.a]\ncommand = 'x'\n[model]\nbase_url = 'http://x/v1'\n");
        let _ = machine.load(&Flags::default());
    }
}

/// Stretches that are often valid, so that reading gets past the parser.
fn piece() -> impl Strategy<Value = String> {
    let key = proptest::sample::select(vec![
        "command",
        "args",
        "env",
        "url",
        "bundled",
        "roots",
        "approve",
        "tools",
        "base_url",
        "allow",
        "server",
        "headers",
        "provider",
        "startup_timeout_sec",
        "max_tokens",
        "mcp_servers",
        "model",
        "limits",
        "tools.x.approve",
        "http_headers.A",
        "\"é\"",
    ]);
    let value = proptest::sample::select(vec![
        "1",
        "-1",
        "0x10",
        "99999999999999999999",
        "1.5",
        "nan",
        "inf",
        "true",
        "\"x\"",
        "\"${A\"",
        "\"${HOME:-é}\"",
        "[]",
        "[1]",
        "['a', 'b']",
        "{}",
        "{ a = 1 }",
        "{ A = 'b' }",
        "1979-05-27",
        "\"filesystem\"",
        "\"database\"",
        "\"http://x\"",
        "\"~\"",
        "\"\\u0000\"",
    ]);
    let header = proptest::sample::select(vec![
        "[mcp_servers.a]\n",
        "[mcp_servers.b]\n",
        "[model]\n",
        "[limits]\n",
        "[ui]\n",
        "[[allow]]\n",
        "[mcp_servers]\n",
        "[[mcp_servers.c]]\n",
        "[mcp_servers.a.tools.t]\n",
    ]);
    prop_oneof![
        3 => (key, value).prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => header.prop_map(str::to_owned),
        1 => "\\PC{0,5}",
    ]
}
