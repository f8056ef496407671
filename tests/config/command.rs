//! `mcpdeck config` as it is built.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::Machine;

fn run(machine: &Machine, args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcpdeck"))
        .args(args)
        .current_dir(machine.path("project"))
        .env_clear()
        .env("MCPDECK_CONFIG_DIR", machine.path("config"))
        .env("HOME", machine.path("home"))
        .env("SHOP_TOKEN", "a-very-secret-token")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(stdin.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn path_prints_the_users_own_file() {
    let machine = Machine::new();
    let output = run(&machine, &["config", "path"], "");
    let path = format!("{}\n", machine.path("config/mcp.toml").display());
    assert_eq!(text(&output.stdout), path);
    assert!(text(&output.stderr).contains("does not exist"));
    assert!(output.status.success());
}

#[test]
fn import_reads_stdin_and_prints_toml() {
    let json = r#"{"mcpServers": {"a": {"command": "x"}}}"#;
    let output = run(&Machine::new(), &["config", "import", "-"], json);
    assert_eq!(text(&output.stdout), "[mcp_servers.a]\ncommand = \"x\"\n");
    let output = run(&Machine::new(), &["config", "import", "-"], "no");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot import what stdin gave: not JSON"));
}

#[test]
fn check_lists_servers_model_and_warnings() {
    let machine = Machine::new().project(
        "[mcp_servers.shop]\ncommand = 'serve-shop'\nargs = ['--token', '${SHOP_TOKEN}']\n[mcp_servers.off]\ncommand = 'y'\nenabled = false\n",
    );
    let output = run(
        &machine,
        &["config", "check", "--model-url", "http://localhost:1/v1"],
        "",
    );
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "  shop  good  serve-shop --token ${SHOP_TOKEN}\n",
        "  off   off   y\n",
        "http://localhost:1/v1, its first model, without a key (from: --model-url)",
    ] {
        assert!(said.contains(part), "{part} is not in\n{said}");
    }
    assert!(!said.contains("a-very-secret-token"));
}

#[test]
fn a_list_shows_no_value_of_a_variable() {
    let machine = Machine::new().project(
        "[mcp_servers.shop]\ncommand = 'no-such-program'\nargs = ['--token', '${SHOP_TOKEN}']\n",
    );
    for args in [&["list", "--json"][..], &["list"]] {
        let output = run(&machine, args, "");
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(said.contains("no-such-program"), "{said}");
        assert!(!said.contains("a-very-secret-token"), "{said}");
    }
}

#[test]
fn check_is_content_with_a_missing_variable_of_a_server_that_is_off() {
    let machine =
        Machine::new().project("[mcp_servers.a]\nurl = 'https://h/${NOT_SET}'\nenabled = false\n");
    let output = run(&machine, &["config", "check"], "");
    assert_eq!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(
        said.contains("a  off") && said.contains("NOT_SET"),
        "{said}"
    );
}

#[test]
fn check_ends_with_2_when_a_server_or_the_file_is_wrong() {
    let machine = Machine::new().project("[mcp_servers.\"shop\\u001b[2J\"]\ncomand = 'x'\n");
    let output = run(&machine, &["config", "check"], "");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stdout);
    assert!(said.contains("did you mean `command`?"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");

    let output = run(&machine, &["config", "check", "--json"], "");
    assert_eq!(output.status.code(), Some(2));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["ok"], &report["servers"][0]["name"]),
        (&false.into(), &"shop\u{1b}[2J".into())
    );

    let machine = machine.project("modle = 1\n");
    let output = run(&machine, &["config", "check"], "");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    assert!(
        text(&output.stderr).contains("mcp.toml:1:1: unknown key `modle`"),
        "{}",
        text(&output.stderr)
    );

    let output = run(&machine, &["config", "check", "--json"], "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (
            &report["errors"][0]["line"],
            &report["errors"][0]["nearest"]
        ),
        (&1.into(), &"model".into())
    );
}

#[test]
fn check_tells_what_is_wrong_with_servers_when_the_rest_is_wrong_too() {
    let machine = Machine::new().project(
        "[mcp_servers.a]\ncomand = 'x'\n[mcp_servers.off]\ncommand = '${NOT_SET}'\nenabled = false\n[ui]\ntheme = 'drak'\n",
    );
    let output = run(&machine, &["config", "check"], "");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    let server = said.find("mcp.toml:2:1: mcp_servers.a: unknown key `comand`");
    let theme = said.find("mcp.toml:7:9: ui.theme: unknown value `drak`");
    assert!(server.is_some() && server < theme, "{said}");
    assert!(!said.contains("NOT_SET"), "{said}");
}
