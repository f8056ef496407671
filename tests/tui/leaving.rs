//! Whatever ends or stops the program, the terminal is given back and nothing is left running.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, test_kill_process};

use crate::deck::{Deck, WIDE, binary, scripted};
use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen, Signal};

/// A server that does not want to end, with a child of its own.
const STUBBORN: &str = r#"
start = { spawn = ["sleep", "1000"], ignore_eof = true }
"#;

#[test]
fn on_every_way_out_the_terminal_is_given_back_and_the_children_are_gone() {
    type Way = fn(&Screen);
    let ways: [(&str, Way, u32); 6] = [
        ("Ctrl-C twice", |s| s.send("\u{3}\u{3}"), 0),
        ("Ctrl-D", |s| s.key(Key::Ctrl('d')), 0),
        ("/quit", |s| s.send("/quit\r"), 0),
        ("SIGTERM", |s| s.signal(Signal::TERM), 143),
        ("SIGHUP", |s| s.signal(Signal::HUP), 129),
        ("SIGINT", |s| s.signal(Signal::INT), 130),
    ];
    for (name, leave, code) in ways {
        let deck = stubborn();
        let screen = &deck.screen;
        deck.ready(1, 1);
        screen.send("half a prompt");
        screen.wait_text("half a prompt");
        if code == 0 {
            // The input must be empty for Ctrl-D, and `/quit` must begin it.
            screen.key(Key::Ctrl('u'));
            screen.wait_gone("half a prompt");
        }
        let grandchild = grandchild(&deck);
        assert!(runs(grandchild), "a control: it runs before");
        leave(screen);
        let status = screen.exit_status(LIMIT);
        assert_eq!(status.exit_code(), code, "{name}: {status}");
        assert_given_back(screen, name);
        assert!(!runs(grandchild), "{name}: {grandchild:?} is still there");
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_everything_back() {
    let home = Home::new();
    let program = binary();
    home.write(
        "mcp.toml",
        &("[model]\nprovider = \"none\"\n".to_owned() + &scripted(&home, "s", "")),
    );
    let script = format!(
        r#"set -m; "{program}" --trust; echo "stopped, $?"; read x; fg >/dev/null; echo "ended, $?"; read x"#
    );
    let mut command = home.command("/bin/sh");
    command.args(["-c", &script]);
    let screen = Screen::start(&command, WIDE);
    screen.wait_text("Servers · 1 of 1 ready");
    screen.send("half a prompt");
    screen.wait_text("half a prompt");
    screen.key(Key::Ctrl('z'));
    screen.wait_text("stopped, ");
    assert_given_back(&screen, "Ctrl-Z");
    assert!(!screen.text().contains("half a prompt"));
    screen.resize((100, 30));
    screen.key(Key::Enter);
    screen.wait_text("half a prompt");
    screen.wait_text("Servers · 1 of 1 ready");
    assert!(screen.alternate_screen());
    assert!(screen.look(vt100::Screen::bracketed_paste));
    screen.send(" goes on");
    screen.wait_text("half a prompt goes on");
    // Once to clear the input, twice to quit.
    screen.send("\u{3}\u{3}\u{3}");
    screen.wait_text("ended, 0");
    assert_given_back(&screen, "the end after Ctrl-Z");
    screen.key(Key::Enter);
    screen.exit_status(LIMIT);
}

fn stubborn() -> Deck {
    let home = Home::new();
    let config = "[model]\nprovider = \"none\"\n".to_owned() + &scripted(&home, "s", STUBBORN);
    home.write("mcp.toml", &config);
    Deck::open(home, WIDE, &[])
}

/// The child that the server has told of on its stderr.
fn grandchild(deck: &Deck) -> Pid {
    let wire = deck.wire();
    let told = wire
        .iter()
        .find_map(|(_, text)| text.strip_prefix("spawned "));
    let id = told.and_then(|id| id.trim().parse().ok());
    let raw = fs::read_to_string(deck.home.path("wire.jsonl")).unwrap_or_default();
    id.and_then(Pid::from_raw)
        .unwrap_or_else(|| panic!("no grandchild in {raw}"))
}

/// A process that has ended and that nobody has asked about yet does not run.
fn runs(process: Pid) -> bool {
    match fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())) {
        Ok(stat) => !stat.contains(") Z") && !stat.contains(") X"),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => test_kill_process(process).is_ok(),
    }
}

#[track_caller]
pub fn assert_given_back(screen: &Screen, name: &str) {
    screen.look(|s| {
        assert!(!s.alternate_screen(), "{name}: the alternate screen stays");
        assert!(!s.hide_cursor(), "{name}: the cursor is hidden");
        assert!(!s.bracketed_paste(), "{name}: pastes are still bracketed");
        assert!(
            !s.application_cursor(),
            "{name}: the arrow keys are changed"
        );
        let mouse = s.mouse_protocol_mode();
        assert_eq!(mouse, vt100::MouseProtocolMode::None, "{name}: the mouse");
    });
}
