//! The known-bad controls: for each rule a small text that breaks it, and beside it one that looks alike and does not.

use crate::rules;
use crate::source::{self, Source};

/// The words of every violation in a file of this name whose body, after a good first line, is this.
fn broken(path: &str, body: &str) -> Vec<String> {
    let source = Source::new(path, &format!("//! A control.\n{body}\n"));
    let found = rules::check(&source).into_iter();
    found.map(|v| format!("{}: {}", v.line, v.words)).collect()
}

#[track_caller]
fn breaks(path: &str, body: &str, words: &str) {
    let found = broken(path, body);
    assert!(
        found.iter().any(|line| line.contains(words)),
        "no `{words}` for {path}:\n{body}\nfound: {found:#?}"
    );
}

#[track_caller]
fn keeps(path: &str, body: &str) {
    assert_eq!(broken(path, body), [""; 0], "for {path}:\n{body}");
}

#[test]
fn an_import_upwards_is_found_in_every_way_to_write_it() {
    let upwards = "`mcp` imports upwards from `host`";
    breaks("mcp/tool.rs", "use crate::host::Host;", upwards);
    breaks("mcp/tool.rs", "use crate::{ids::Seq, host::Host};", upwards);
    breaks(
        "mcp/tool.rs",
        "use crate::{\n    ids,\n    host as h,\n};",
        upwards,
    );
    breaks("mcp/tool.rs", "pub(crate) use crate::host;", upwards);
    breaks("mcp/tool.rs", "fn f(host: &crate::host::Host) {}", upwards);
    breaks("mcp/tool.rs", "type F = <X as crate::host::Y>::Z;", upwards);
    breaks("mcp/tool.rs", "use super::super::host::Host;", upwards);
    breaks("mcp/wire/log.rs", "use super::super::super::host;", upwards);
    breaks("mcp/mod.rs", "use super::host::Host;", upwards);
    breaks(
        "mcp/tool.rs",
        "macro_rules! m { () => { $crate::host::f() } }",
        upwards,
    );
    keeps(
        "mcp/tool.rs",
        "use crate::ids::{Seq, Moment};\nuse super::status::Status;",
    );
    keeps("mcp/wire/log.rs", "use super::super::status::Status;");
    keeps(
        "host/mod.rs",
        "use crate::{agent::model, config, mcp::tool::Tool};",
    );
}

#[test]
fn a_violation_names_its_line() {
    let found = broken(
        "mcp/tool.rs",
        "use crate::ids;\n\nuse crate::{\n    ids,\n    host,\n};",
    );
    assert_eq!(found, ["6: `mcp` imports upwards from `host`"]);
}

#[test]
fn layers_of_one_height_and_strangers_do_not_import_each_other() {
    breaks(
        "ids.rs",
        "use crate::text::clean;",
        "`ids` imports upwards from `text`",
    );
    breaks(
        "app/update.rs",
        "use crate::driver::X;",
        "do not know each other",
    );
    breaks("driver/run.rs", "use crate::app::App;", "upwards");
    keeps("terminal/run.rs", "use crate::{app, driver};");
    keeps("cli/ask.rs", "use crate::driver::run;");
}

#[test]
fn the_bundled_servers_stand_aside() {
    breaks(
        "servers/filesystem/mod.rs",
        "use crate::text::clean;",
        "stands aside",
    );
    breaks(
        "terminal/run.rs",
        "use crate::servers::filesystem;",
        "only `cli` starts them",
    );
    keeps("cli/serve.rs", "use crate::servers::filesystem;");
    keeps("servers/guard/mod.rs", "use crate::servers::filesystem;");
}

#[test]
fn the_root_names_only_the_command_line_and_nobody_names_all() {
    breaks(
        "main.rs",
        "fn main() { mcpdeck::host::run() }",
        "starts `cli`",
    );
    breaks("host/mod.rs", "use crate::*;", "glob import");
    breaks(
        "host/mod.rs",
        "use crate::engine::X;",
        "`engine` is no layer",
    );
    breaks(
        "engine/mod.rs",
        "use crate::ids;",
        "in no layer of the table",
    );
    keeps("main.rs", "fn main() { mcpdeck::cli::run() }");
}

#[test]
fn each_crate_stays_behind_its_door() {
    breaks(
        "mcp/tool.rs",
        "use rmcp::model::Tool;",
        "`rmcp` may be named only in",
    );
    breaks(
        "host/mod.rs",
        "fn f() -> rmcp::Result {}",
        "`rmcp` may be named only in",
    );
    breaks(
        "host/mod.rs",
        "fn f() -> ::rmcp::Result {}",
        "`rmcp` may be named only in",
    );
    breaks(
        "agent/turn.rs",
        "use async_openai::Client;",
        "`async_openai` may be",
    );
    breaks(
        "app/state.rs",
        "use ratatui::text::Span;",
        "`ratatui` may be",
    );
    breaks(
        "view/chat.rs",
        "use crossterm::event;",
        "`crossterm` may be",
    );
    breaks("config/load.rs", "use clap::Parser;", "`clap` may be");
    breaks("driver/run.rs", "use rusqlite as sql;", "`rusqlite` may be");
    breaks(
        "mcp/transport/stdio.rs",
        "use cap_std::fs::Dir;",
        "`cap_std` may be",
    );
    breaks(
        "mcp/connection/peer.rs",
        "use rmcp::model::Tool;",
        "`rmcp` may be named only in",
    );
    breaks(
        "mcp/catalog.rs",
        "use jsonschema::Validator;",
        "`jsonschema` may be",
    );
    breaks(
        "servers/database/mod.rs",
        "use rustix::fs::openat;",
        "`rustix` may be",
    );
    breaks(
        "mcp/transport/http/client.rs",
        "use rmcp::model::Tool;",
        "`rmcp` may be",
    );
    keeps("mcp/auth/wire.rs", "use rmcp::transport::AuthError;");
    keeps(
        "servers/toolbox.rs",
        "use {jsonschema::Validator, rmcp::model};",
    );
    keeps(
        "servers/filesystem/roots.rs",
        "use {cap_std::fs, rustix::fs::openat};",
    );
    keeps("agent/model/openai/stream.rs", "use async_openai::Client;");
    keeps("view/chat.rs", "use ratatui::text::Span;");
    keeps("servers/database/mod.rs", "use rusqlite::Connection;");
    keeps("cli/demo/workspace.rs", "use rusqlite::Connection;");
    keeps(
        "mcp/tool.rs",
        "use crate::mcp::rmcp_names;\nfn f() { self.rmcp::<u8>() }",
    );
}

#[test]
fn the_runtime_stays_out_of_pure_files() {
    breaks(
        "host/mod.rs",
        "use tokio::sync::mpsc;",
        "`tokio` in a pure file",
    );
    breaks(
        "mcp/lifecycle.rs",
        "#[tokio::main]\nfn f() {}",
        "`tokio` in a pure file",
    );
    breaks(
        "config/file.rs",
        "use directories::ProjectDirs;",
        "`directories` in a pure",
    );
    breaks("app/mod.rs", "async fn f() {}", "`async fn` in a pure file");
    breaks(
        "app/mod.rs",
        "fn f() { g().await }",
        "`.await` in a pure file",
    );
    keeps(
        "mcp/connection/mod.rs",
        "use tokio::sync::mpsc;\nasync fn f() { g().await }",
    );
    keeps("driver/run.rs", "use tokio::time;");
    keeps(
        "config/load.rs",
        "use directories::ProjectDirs;\nuse std::{env, fs};",
    );
}

#[test]
fn pure_files_have_no_clock_environment_files_or_threads() {
    for (body, words) in [
        ("use std::time::Instant;", "`std::time::Instant`"),
        (
            "use std::time::{Duration, Instant};",
            "`std::time::Instant`",
        ),
        ("fn f() { let t = Instant::now(); }", "`Instant::now`"),
        ("fn f() { std::time::SystemTime::now(); }", "SystemTime"),
        ("use chrono::Utc;\nfn f() { Utc::now(); }", "`Utc::now`"),
        ("use std::{env, fmt};", "`std::env`"),
        ("fn f() { std::env::var(x); }", "`std::env::var`"),
        ("use std::fs;", "`std::fs`"),
        ("use std::fs::{self, File};", "`std::fs::self`"),
        ("use std::process::Command;", "`std::process::Command`"),
        ("fn f() { std::thread::spawn(g); }", "`std::thread::spawn`"),
        ("use std::sync::mpsc::Sender;", "`std::sync::mpsc::Sender`"),
        ("fn f(p: &Path) -> bool { p.exists() }", "`.exists()`"),
    ] {
        breaks("host/mod.rs", body, words);
    }
    keeps(
        "host/mod.rs",
        "use std::time::Duration;\nuse std::path::PathBuf;",
    );
    keeps(
        "host/mod.rs",
        "const HOME: &str = env!(\"CARGO_PKG_NAME\");",
    );
}

#[test]
fn pure_files_do_not_reach_the_world_through_an_impure_module() {
    let words = "names the impure `mcp::connection`";
    breaks(
        "host/mod.rs",
        "use crate::mcp::connection::Connection;",
        words,
    );
    breaks(
        "host/mod.rs",
        "use crate::mcp::{connection::C, tool::T};",
        words,
    );
    breaks(
        "mcp/catalog.rs",
        "use crate::mcp::transport::stdio;",
        "`mcp::transport`",
    );
    breaks(
        "view/chat.rs",
        "use crate::driver::Driver;",
        "the impure `driver`",
    );
    keeps(
        "driver/perform.rs",
        "use crate::mcp::connection::Connection;",
    );
    keeps("host/mod.rs", "use crate::mcp::connections_seen;");
}

#[test]
fn every_file_says_what_it_is() {
    for raw in [
        "use std::fmt;\n",
        "// A comment.\n",
        "//!\n",
        "\n//! Late.\n",
        "",
    ] {
        let found = rules::check(&Source::new("ids.rs", raw));
        assert!(found.iter().any(|v| v.words.contains("`//!`")), "{raw:?}");
    }
    let found = rules::check(&Source::new("host/tests.rs", "use tokio::x;\n"));
    assert_eq!(
        found.len(),
        1,
        "test files need only their paragraph: {found:?}"
    );
}

#[test]
fn a_test_that_sleeps_or_is_left_out_is_found() {
    let words = |path: &str, body: &str| {
        let source = Source::new(path, &format!("//! A control.\n{body}\n"));
        let found = rules::check_test(&source).into_iter();
        found
            .map(|v| format!("{}: {}", v.line, v.words))
            .collect::<Vec<_>>()
    };
    for body in [
        "fn f() { std::thread::sleep(x); }",
        "fn f() { thread::sleep(x); }",
        "async fn f() { tokio::time::sleep(x).await; }",
        "async fn f() { time::sleep_until(x).await; }",
        "use tokio::time::{Duration, sleep};",
        "use tokio::{net, time::sleep as nap};",
        "use std::thread::{self, sleep};",
    ] {
        let found = words("mcp/stdio.rs", body);
        assert!(
            found.len() == 1 && found[0].contains("::sleep"),
            "{body}: {found:?}"
        );
    }
    assert_eq!(
        words("mcp/stdio.rs", "#[ignore = \"slow\"]\nfn f() {}"),
        ["2: `#[ignore`"]
    );
    for body in [
        "fn f() { command(\"sleep\", &[\"60\"]); }",
        "async fn f() { tokio::time::timeout(x, until(y)).await; }",
        "fn the_program_sleeps() { server::sleep(); }",
        "// tokio::time::sleep",
    ] {
        assert_eq!(words("mcp/stdio.rs", body), [""; 0], "{body}");
    }
    let wait = "async fn f() { tokio::time::sleep(x).await; }";
    assert_eq!(words("support/until.rs", wait), [""; 0]);
}

#[test]
fn only_one_file_prints() {
    breaks(
        "host/mod.rs",
        "fn f() { println!(\"x\"); }",
        "`println!` outside",
    );
    breaks(
        "servers/mod.rs",
        "fn f() { eprint!(\"x\"); }",
        "`eprint!` outside",
    );
    breaks("cli/ask.rs", "fn f() { dbg!(x); }", "`dbg!` outside");
    keeps("cli/output.rs", "fn f() { println!(\"x\"); }");
    keeps(
        "cli/ask.rs",
        "/// As `println!` does.\nfn f() { my_println!(\"println!\"); }",
    );
    assert_eq!(broken("cli/ask.rs", "fn f() { eprintln!(); }").len(), 1);
}

#[test]
fn a_file_is_small_without_its_tests() {
    let long = "const A: u8 = 1;\n".repeat(400);
    breaks("host/mod.rs", long.trim_end(), "401 lines without tests");
    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}",
        "const A: u8 = 1;\n".repeat(300),
        "    fn f() {}\n".repeat(200)
    );
    let just = "const A: u8 = 1;\n".repeat(399);
    keeps("host/mod.rs", just.trim_end());
    keeps("host/mod.rs", &tested);
}

#[test]
fn a_function_is_small_and_a_flat_match_less_so() {
    let function = |lines: usize| format!("fn f() {{\n{}}}", "    g();\n".repeat(lines));
    breaks(
        "host/mod.rs",
        &function(41),
        "`fn f` has 41 lines; at most 40",
    );
    keeps("host/mod.rs", &function(40));
    let commented = function(40).replace("g();\n", "g(); // why\n    // and why\n\n");
    keeps("host/mod.rs", &commented);

    let arms = |n: usize| "        A => g(),\n".repeat(n);
    let flat = |n: usize| format!("fn f() {{\n    match x {{\n{}    }}\n}}", arms(n));
    keeps("host/mod.rs", &flat(58));
    breaks("host/mod.rs", &flat(59), "`fn f` has 61 lines; at most 60");
    let not_alone = format!(
        "fn f() {{\n    match x {{\n{}    }}\n    g();\n}}",
        arms(45)
    );
    breaks("host/mod.rs", &not_alone, "at most 40");

    let inside = format!(
        "impl A {{\n    fn g(&self);\n    pub async {}\n}}",
        function(41)
    );
    breaks("driver/run.rs", &inside, "`fn f` has 41 lines");
}

#[test]
fn comments_literals_and_tests_are_not_code() {
    keeps(
        "host/mod.rs",
        "// use crate::driver::X;\n/* use tokio::x; /* std::fs */ */",
    );
    keeps(
        "host/mod.rs",
        "const A: &str = \"use crate::driver; \\\" std::fs::read\";",
    );
    keeps(
        "host/mod.rs",
        "const A: &str = r#\"use crate::driver; \" std::fs::read\"#;",
    );
    keeps("host/mod.rs", "const A: &[u8] = br\"std::fs::read \\\";");
    keeps(
        "host/mod.rs",
        "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() { fs::read(\"}\"); }\n}",
    );
    keeps(
        "host/mod.rs",
        "#[cfg(test)]\nuse std::{fs, env};\n#[cfg(all(test, unix))]\nfn f() -> [u8; 2] { std::fs::x() }",
    );
    let after = "#[cfg(test)]\nmod tests { fn f() {} }\nuse std::fs;";
    breaks("host/mod.rs", after, "4: `std::fs`");
    let living = "#[cfg(not(test))]\nuse std::fs;";
    breaks("host/mod.rs", living, "`std::fs`");
}

#[test]
fn quotes_and_braces_in_literals_do_not_lead_astray() {
    let code =
        "fn f<'a>(x: &'a str) -> char { '\"' } const B: [char; 3] = ['{', '\\'', '\\u{7d}'];";
    assert!(!source::strip(code).contains('"'));
    assert_eq!(source::strip(code).len(), code.len());
    assert_eq!(source::strip(code).matches('{').count(), 1);
    breaks(
        "host/mod.rs",
        "fn f() { g('\"', 'a') }\nuse std::fs;",
        "3: `std::fs`",
    );
    breaks(
        "host/mod.rs",
        "fn f() { g(\"é\\\\\") }\nuse std::fs;",
        "3: `std::fs`",
    );
    breaks(
        "host/mod.rs",
        "fn var() { r#type(\"r\") }\nuse std::fs;",
        "3: `std::fs`",
    );
    breaks(
        "host/mod.rs",
        "fn f() -> impl Fn() + use<'_> { g }\nuse std::fs;",
        "3: `std::fs`",
    );
}
