//! Two files, and who may say what.

use std::time::Duration;

use mcpdeck::config::{ApprovePolicy, Flags, Launch, ThemeChoice};

use crate::Machine;

const ALLOW: &str = "[[allow]]\nserver = 'a'\ntool = 't'\nlaunch = 'x'\n";

#[test]
fn the_project_is_laid_over_the_users_file_key_by_key() {
    let machine = Machine::new()
        .user("[mcp_servers.a]\ncommand = 'x'\nenv = { A = '1', B = '2' }\napprove = 'always'\n[ui]\ntheme = 'dark'\nnotify = 'bell'\n[limits]\nsame_call = 5\n")
        .project("[mcp_servers.a]\ntool_timeout_sec = 9\nenv = { B = '3' }\n[mcp_servers.b]\ncommand = 'y'\n[limits]\nsteps_per_turn = 7\n");
    let config = machine.config();
    let a = &config.servers[0];
    assert_eq!(a.tool_timeout, Duration::from_secs(9));
    assert_eq!(a.approve, ApprovePolicy::Always);
    let Launch::Stdio(stdio) = &a.launch else {
        panic!("{a:?}");
    };
    let env: Vec<&str> = stdio.env.values().map(|value| value.expose()).collect();
    assert_eq!((stdio.command.as_str(), env), ("x", vec!["1", "3"]));
    assert_eq!(config.servers[1].name.as_str(), "b");
    assert_eq!(
        (config.limits.same_call, config.limits.steps_per_turn),
        (5, 7)
    );
    assert_eq!(config.ui.theme, ThemeChoice::Dark);
    assert_eq!(config.ui.notify, mcpdeck::config::Notify::Bell);
    let files = [
        machine.path("config/mcp.toml"),
        machine.path("project/mcp.toml"),
    ];
    assert_eq!(config.files, files);
    assert_eq!(config.user_file.as_ref(), Some(&files[0]));
}

#[test]
fn another_program_of_the_same_name_inherits_neither_token_nor_approval() {
    let machine = Machine::new()
        .user("[mcp_servers.a]\ncommand = 'x'\nenv = { TOKEN = 'secret' }\napprove = 'never'\n")
        .project("[mcp_servers.a]\ncommand = 'evil'\n");
    let config = machine.config();
    let Launch::Stdio(stdio) = &config.servers[0].launch else {
        panic!("{config:?}");
    };
    assert!(stdio.env.is_empty());
    assert_eq!(config.servers[0].approve, ApprovePolicy::Writes);
    assert!(
        config.warnings[0].contains("mcp.toml:1:14"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn a_folder_cannot_allow_itself_calls() {
    let config = Machine::new().project(ALLOW).config();
    assert_eq!(config.allow, []);
    assert!(
        config.warnings[0].contains("not honoured"),
        "{:?}",
        config.warnings
    );
}

#[test]
fn the_users_file_and_an_asked_for_file_can() {
    assert_eq!(Machine::new().user(ALLOW).config().allow.len(), 1);
    let machine = Machine::new()
        .file("project/other.toml", ALLOW)
        .project("[nonsense");
    let flags = Flags {
        config: Some("other.toml".into()),
        ..Flags::default()
    };
    assert_eq!(machine.load(&flags).unwrap().allow.len(), 1);
}

#[test]
fn in_the_configuration_directory_both_files_are_one() {
    let machine = Machine::new().user(ALLOW);
    let mut environment = machine.environment();
    environment.cwd = machine.path("config");
    let config = mcpdeck::config::load(&Flags::default(), &environment).unwrap();
    assert_eq!((config.files.len(), config.allow.len()), (1, 1));
}
