//! Servers that are not there: the true cause, the exit code, and the others unharmed.

use crate::deck::Deck;
use crate::npm::npm;

#[test]
fn a_script_that_does_not_exist_is_said_in_nodes_own_words() {
    if npm().is_none() {
        return;
    }
    let deck = Deck::new();
    deck.stdio("gone", "node", &["/nowhere/index.js"]);
    let ran = deck.run(&["list", "gone"]);
    assert_eq!(ran.code, Some(3), "{ran:#?}");
    assert!(ran.err.contains("Cannot find module"), "{ran:#?}");
    assert!(ran.err.contains("exit code 1"), "{ran:#?}");
}

#[test]
fn one_server_that_fails_does_not_hide_the_others() {
    let Some(npm) = npm() else { return };
    let deck = Deck::new();
    deck.stdio("gone", "node", &["/nowhere/index.js"]);
    deck.stdio("all", "node", &[&npm.everything(), "stdio"]);
    assert_eq!(
        deck.call("all", "echo", &["message=here"]).text(),
        "Echo: here"
    );
    let ran = deck.run(&["list"]);
    for name in ["all", "gone", "17 tools", "Cannot find module"] {
        assert!(ran.out.contains(name), "{name}: {ran:#?}");
    }
}

#[test]
fn an_unknown_tool_is_refused_with_the_nearest_name() {
    let Some(npm) = npm() else { return };
    let deck = Deck::new();
    deck.stdio("all", "node", &[&npm.everything(), "stdio"]);
    let ran = deck.run(&["call", "all", "get-summ", "a=1", "b=2"]);
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(ran.err.contains("get-sum"), "no nearest name: {ran:#?}");
}

#[test]
fn nothing_runs_on_when_the_program_has_ended() {
    let Some(npm) = npm() else { return };
    let deck = Deck::new();
    // The shell notes its own process id, then becomes the server.
    let note = deck.home.work().join("pid");
    let script = r#"echo $$ > "$1"; exec node "$2" stdio"#;
    let note_arg = note.to_string_lossy().into_owned();
    deck.stdio(
        "all",
        "sh",
        &["-c", script, "sh", &note_arg, &npm.everything()],
    );
    assert_eq!(deck.call("all", "echo", &["message=x"]).text(), "Echo: x");
    let pid = std::fs::read_to_string(&note).expect("the process id");
    let pid = pid
        .trim()
        .parse()
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let alive = rustix::process::test_kill_process(pid.expect("a number"));
    assert!(alive.is_err(), "the server still runs");
}
