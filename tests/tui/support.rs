//! The screen itself is shown to work, with small programs of the shell, before anything is believed that it says of ours.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Duration;

use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen, Signal};

/// Prints as hexadecimal what a terminal sends next, so many bytes of it.
fn dump(count: usize) -> String {
    format!("head -c {count} | od -An -v -tx1 | tr -d ' \\n'; echo;")
}

/// The same for bytes known here.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sh(home: &Home, script: &str) -> Command {
    let mut command = home.command("/bin/sh");
    command.args(["-c", script]);
    command
}

#[test]
fn what_is_typed_is_seen_and_the_program_ends_well() {
    let home = Home::new();
    let screen = Screen::start(&home.command("cat"), (40, 10));
    screen.send("chào bạn");
    screen.key(Key::Enter);
    screen.wait("the echo and the copy", LIMIT, |s| {
        s.contents() == "chào bạn\nchào bạn"
    });
    assert_eq!(screen.cursor(), Some((0, 2)));
    assert_eq!(screen.row(1), "chào bạn");
    screen.key(Key::Ctrl('d'));
    assert!(screen.exit_status(LIMIT).success());
}

#[test]
fn the_alternate_screen_the_cursor_and_the_raw_bytes_are_known() {
    let home = Home::new();
    let script = r"printf 'before'; printf '\033[?1049h\033[H\033[?25linside'; read x;
        printf '\033[?25h\033[?1049l'; read x; exit 7";
    let screen = Screen::start(&sh(&home, script), (40, 10));
    screen.wait_text("inside");
    assert!(screen.alternate_screen());
    assert_eq!(screen.cursor(), None);
    assert!(!screen.text().contains("before"));
    screen.key(Key::Enter);
    screen.wait("the first screen again", LIMIT, |s| !s.alternate_screen());
    assert!(screen.text().contains("before"));
    assert!(screen.cursor().is_some());
    screen.key(Key::Enter);
    assert_eq!(screen.exit_status(LIMIT).exit_code(), 7);
    let raw = screen.raw_output();
    assert!(raw.windows(8).any(|bytes| bytes == b"\x1b[?1049h"));
}

#[test]
fn a_resize_reaches_the_program() {
    let home = Home::new();
    let script = r#"trap 'echo "now $(stty size)"' WINCH; echo ready; while :; do read x; done"#;
    let screen = Screen::start(&sh(&home, script), (120, 40));
    screen.wait_text("ready");
    screen.resize((60, 20));
    // Some shells run the trap only once the read returns.
    screen.key(Key::Enter);
    screen.wait_text("now 20 60");
}

#[test]
fn a_signal_ends_the_program_and_is_named() {
    let home = Home::new();
    let screen = Screen::start(&sh(&home, "echo ready; exec cat"), (40, 10));
    screen.wait_text("ready");
    screen.signal(Signal::TERM);
    let status = screen.exit_status(LIMIT);
    let signal = status.signal().unwrap_or("no signal");
    assert!(signal.starts_with("Terminated"), "{signal}");
    assert!(!status.success());
}

#[test]
fn a_paste_is_bracketed_only_when_the_program_asks() {
    let home = Home::new();
    let script = format!(
        r"stty raw -echo; echo ready; {} printf '\033[?2004h'; echo again; {} read x",
        dump(3),
        dump(15)
    );
    let screen = Screen::start(&sh(&home, &script), (80, 10));
    screen.wait_text("ready");
    screen.paste("a\nb");
    screen.wait_text(&hex(b"a\rb"));
    screen.wait_text("again");
    screen.paste("a\nb");
    screen.wait_text(&hex(b"\x1b[200~a\rb\x1b[201~"));
}

#[test]
fn the_terminal_answers_what_a_terminal_is_asked() {
    let home = Home::new();
    let script = format!(
        r"stty raw -echo; printf '\033[3;5H\033[6n'; {} printf '\033[c'; {} printf '\033]11;?\033\\'; {} read x",
        dump(6),
        dump(9),
        dump(25)
    );
    let dark = Some((0x10, 0x20, 0x30));
    let screen = Screen::start_on(&sh(&home, &script), (120, 10), dark);
    screen.wait_text(&hex(b"\x1b[3;5R"));
    screen.wait_text(&hex(b"\x1b[?62;22c"));
    screen.wait_text(&hex(b"\x1b]11;rgb:1010/2020/3030\x1b\\"));
}

#[test]
fn a_frame_is_not_looked_at_before_it_is_whole() {
    let home = Home::new();
    let script = r"stty -echo; printf '\033[?2026h first half'; read x; printf ' second half\033[?20'; read x;
        printf '26l\033[?2026hnext'; printf 'frame\033[?2026l'; read x";
    let screen = Screen::start(&sh(&home, script), (60, 10));
    let sees = |words: &'static str| {
        screen.becomes(Duration::from_millis(200), move |s| {
            s.contents().contains(words)
        })
    };
    assert!(!sees("first half"));
    screen.key(Key::Enter);
    assert!(!sees("second half"), "its end is cut in two");
    screen.key(Key::Enter);
    screen.wait_text("first half second halfnextframe");
}

#[test]
fn titles_bells_and_copies_are_counted_and_not_drawn() {
    let home = Home::new();
    let script = r"printf '\033]2;stolen\033\\\007\033]52;c;aGVsbG8=\033\\done'; read x";
    let screen = Screen::start(&sh(&home, script), (40, 10));
    screen.wait_text("done");
    assert_eq!(screen.text(), "done");
    assert_eq!(screen.titles(), ["stolen"]);
    assert_eq!(screen.copied(), ["aGVsbG8="]);
    assert_eq!(screen.bells(), 1);
}

#[test]
fn a_wait_that_fails_shows_the_last_screen() {
    let home = Home::new();
    let screen = Screen::start(&sh(&home, "echo here I am; exec cat"), (40, 10));
    screen.wait_text("here I am");
    let failed = catch_unwind(AssertUnwindSafe(|| {
        screen.wait("a miracle", Duration::from_millis(50), |_| false);
    }));
    let words = failed.expect_err("the wait cannot succeed");
    let words = words.downcast_ref::<String>().expect("words");
    assert!(
        words.starts_with("out of time, waiting for a miracle"),
        "{words}"
    );
    assert!(words.contains("|here I am\n"), "{words}");
}

#[test]
fn a_wait_fails_at_once_when_the_program_has_ended() {
    let home = Home::new();
    let screen = Screen::start(&sh(&home, "echo bye; exit 3"), (40, 10));
    let failed = catch_unwind(AssertUnwindSafe(|| {
        screen.wait("a miracle", Duration::from_secs(600), |_| false);
    }));
    let words = failed.expect_err("the wait cannot succeed");
    let words = words.downcast_ref::<String>().expect("words");
    assert!(words.starts_with("the program has ended"), "{words}");
    assert_eq!(screen.exit_status(LIMIT).exit_code(), 3);
}

#[test]
fn a_large_paste_does_not_block_a_program_that_writes_as_much() {
    let home = Home::new();
    let screen = Screen::start(&sh(&home, "stty raw -echo; echo ready; exec cat"), (80, 24));
    screen.wait_text("ready");
    screen.send("x".repeat(200_000) + "the end");
    screen.wait_text("the end");
    assert!(screen.raw_output().len() > 200_000);
}

#[test]
fn the_home_is_the_only_thing_a_program_sees() {
    let home = Home::new();
    let screen = Screen::start(
        &sh(&home, "env | cut -d= -f1 | sort | tr '\\n' ' '; pwd"),
        (200, 10),
    );
    assert!(screen.exit_status(LIMIT).success());
    let text = screen.text();
    for name in [
        "HOME",
        "MCPDECK_CONFIG_DIR",
        "MCPDECK_DATA_DIR",
        "PATH",
        "TERM",
        "TMPDIR",
    ] {
        assert!(
            text.split_whitespace().any(|word| word == name),
            "{name}: {text}"
        );
    }
    for name in [
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "CARGO_MANIFEST_DIR",
        "USER",
    ] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    assert!(text.contains(&*home.work().to_string_lossy()), "{text}");
}

#[test]
fn a_dropped_screen_leaves_no_program_behind() {
    let home = Home::new();
    let marker = home.work().join("ended");
    let script = format!(
        "trap 'echo > {}; exit' TERM; echo ready; while :; do read x; done",
        marker.display()
    );
    let screen = Screen::start(&sh(&home, &script), (40, 10));
    screen.wait_text("ready");
    drop(screen);
    assert!(marker.is_file(), "the program was not asked to end");
}

#[test]
fn keys_are_the_bytes_of_a_terminal() {
    let home = Home::new();
    let first = b"\x1b[A\x1bOP\x1b[15~\x1b[24~\x1b[5~\x1b[Z\x03\x1b\x1bx\x7f\x1b[3~";
    let script = format!(
        r"stty raw -echo; echo ready; {} printf '\033[?1h'; echo again; {} read x",
        dump(first.len()),
        dump(3)
    );
    let screen = Screen::start(&sh(&home, &script), (200, 10));
    screen.wait_text("ready");
    for key in [
        Key::Up,
        Key::F(1),
        Key::F(5),
        Key::F(12),
        Key::PageUp,
        Key::BackTab,
    ] {
        screen.key(key);
    }
    for key in [
        Key::Ctrl('c'),
        Key::Esc,
        Key::Alt('x'),
        Key::Backspace,
        Key::Delete,
    ] {
        screen.key(key);
    }
    screen.wait_text(&hex(first));
    screen.wait_text("again");
    screen.key(Key::Up);
    screen.wait_text(&hex(b"\x1bOA"));
}
