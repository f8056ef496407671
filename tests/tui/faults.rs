//! The worst of the faults on a terminal: a key is answered while the fault goes on, the other server works, and afterwards
//! memory, descriptors, processes and the terminal are as they were. And the ways out that `leaving` does not take.

use std::io::Write as _;
use std::time::{Duration, Instant};

use portable_pty::{PtySize, native_pty_system};
use rustix::termios::{Action, tcflow};
use serde::Deserialize;

use crate::aftermath;
use crate::deck::{Deck, WIDE, binary, calls, endpoint, model, says, scripted};
use crate::home::Home;
use crate::leaving::assert_given_back;
use crate::screen::{Key, LIMIT, Screen, Signal, builder};

/// What the person is promised is 100 ms; a machine that has much else to do is given more, and the figure is printed.
const KEY: Duration = Duration::from_secs(8);
/// Descriptors that the program may open for itself meanwhile: a file that it writes, a socket to the model.
const SPARE: usize = 6;

const GOOD: &str = "[[tools]]\nname = 'echo'\ninputSchema = { type = 'object' }\n";
const TOOL: &str = "[[tools]]\nname = 'do'\ninputSchema = { type = 'object' }\n";

/// The scripts of `tests/fixtures/faults/servers` that are shown here, and whether the turn must be interrupted.
const WORST: [(&str, bool); 12] = [
    ("answers in a line of 100 MB", false),
    ("answers nested 200,000 deep", false),
    ("tells of progress for ever", true),
    ("hangs on a call", true),
    ("floods stdout with 20,000 lines of noise", false),
    ("floods stderr in the middle of a call", false),
    ("answers with a flood of log messages", false),
    ("tells a thousand times that its tools have changed", false),
    ("ends in the middle of a call", false),
    ("has 5,000 tools and one bad", false),
    ("drips its answer byte by byte", false),
    ("answers with 4 MB of text", false),
];

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    script: String,
}

fn script(name: &str) -> String {
    let files = [
        include_str!("../fixtures/faults/servers/lists.toml"),
        include_str!("../fixtures/faults/servers/calls.toml"),
    ];
    let mut cases = files
        .iter()
        .flat_map(|text| toml::from_str::<File>(text).expect("cases").case);
    let case = cases.find(|case| case.name == name);
    let script = case.unwrap_or_else(|| panic!("no case {name:?}")).script;
    let own = if script.contains("[[tools]]") {
        ""
    } else {
        TOOL
    };
    format!("{script}\n{own}")
}

async fn play(name: &str, interrupt: bool) -> String {
    let step = calls(&[("bad__do", "{\"n\":1}"), ("good__echo", "{\"n\":1}")]);
    let told = endpoint(vec![
        step,
        says("All done."),
        calls(&[("good__echo", "{\"n\":2}")]),
        says("And again."),
    ])
    .await;
    let home = Home::new();
    let free = "approve = \"never\"\n";
    let config = model(&told)
        + &scripted(&home, "good", GOOD)
        + free
        + &scripted(&home, "bad", &script(name))
        + free;
    home.write("mcp.toml", &config);
    tokio::task::block_in_place(|| {
        let deck = Deck::open(home, WIDE, &[]);
        deck.ready(2, 2);
        let pid = deck.screen.pid();
        let figures = || {
            (
                aftermath::memory(pid, "VmRSS").unwrap_or(0),
                aftermath::descriptors(pid).unwrap_or(0),
            )
        };
        let before = figures();
        deck.say("go");
        // While the fault goes on, or right behind it.
        let pressed = Instant::now();
        deck.screen.send("zqz");
        deck.screen.wait(&format!("{name}: the key"), LIMIT, |s| {
            s.contents().contains("zqz")
        });
        let took = pressed.elapsed();
        assert!(took < KEY, "{name}: {took:?} until a key was answered");
        if interrupt {
            deck.screen
                .wait(&format!("{name}: the good server's call"), LIMIT, |s| {
                    s.contents().contains("good.echo")
                });
            // Once for what was typed, once for the turn, whichever the first one meant.
            deck.screen.key(Key::Ctrl('u'));
            deck.screen.wait_gone("zqz");
            deck.screen.key(Key::Esc);
        } else {
            deck.hear("All done.");
            deck.screen.key(Key::Ctrl('u'));
        }
        deck.idle();
        if !interrupt {
            // The other server is as usable as before.
            deck.say("again");
            deck.hear("And again.");
            deck.idle();
        }
        let after = figures();
        assert!(
            after.0 < before.0 + aftermath::MOST_MEMORY,
            "{name}: {} MB before, {} MB after",
            before.0 / 1024,
            after.0 / 1024
        );
        assert!(
            after.1 <= before.1 + SPARE,
            "{name}: {} descriptors before, {} after",
            before.1,
            after.1
        );
        assert_eq!(aftermath::harmful(&deck.screen.text()), None, "{name}");
        deck.screen.send("\u{3}\u{3}");
        let status = deck.screen.exit_status(LIMIT);
        assert!(status.success(), "{name}: {status}");
        assert_given_back(&deck.screen, name);
        assert_eq!(
            aftermath::processes(&deck.home.path("")),
            Vec::new(),
            "{name}"
        );
        let tmp = aftermath::files(&deck.home.path("tmp"));
        assert!(tmp.is_empty(), "{name}: {tmp:?}");
        format!(
            "{took:>9.1?} until a key, {:>4} to {:>4} MB, {} to {} descriptors: {name}",
            before.0 / 1024,
            after.0 / 1024,
            before.1,
            after.1
        )
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worst_servers_leave_the_terminal_usable_and_nothing_behind() {
    let only = std::env::var("MCPDECK_FAULT").unwrap_or_default();
    for (name, interrupt) in WORST.into_iter().filter(|(name, _)| name.contains(&only)) {
        println!("{}", play(name, interrupt).await);
    }
}

fn waiting(home: &Home) -> String {
    "[model]\nprovider = \"none\"\n".to_owned()
        + &scripted(
            home,
            "s",
            "start = { spawn = ['sleep', '1000'], ignore_eof = true, ignore_term = true }\n",
        )
}

/// Each way out that is no key, at moments when it is least welcome.
#[test]
fn signals_end_it_in_order_at_any_moment() {
    type Moment = fn(&Screen);
    let moments: [(&str, Moment); 4] = [
        ("at rest", |_| {}),
        ("under the help", |s| {
            s.key(Key::F(1));
            s.wait_text("Everywhere");
        }),
        ("in a paste without an end", |s| {
            s.send("\u{1b}[200~half a paste")
        }),
        ("in the smallest window", |s| s.resize((1, 1))),
    ];
    let signals = [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
    ];
    for (number, (name, moment)) in moments.into_iter().enumerate() {
        let home = Home::new();
        home.write("mcp.toml", &waiting(&home));
        let deck = Deck::open(home, WIDE, &[]);
        deck.ready(1, 1);
        moment(&deck.screen);
        let (signal, code) = signals[number];
        deck.screen.signal(signal);
        let status = deck.screen.exit_status(LIMIT);
        assert_eq!(status.exit_code(), code, "{name}: {status}");
        assert_given_back(&deck.screen, name);
        assert_eq!(
            aftermath::processes(&deck.home.path("")),
            Vec::new(),
            "{name}"
        );
    }
}

/// The other side of the terminal goes away, and nobody had read from it for a while; with the signal that tells of it, and
/// without, as where the program was started by something that keeps the signal from it; while it waits, and while it writes.
#[test]
fn a_terminal_that_is_gone_ends_the_program_and_its_servers() {
    for signalled in [true, false] {
        for writing in [true, false] {
            a_terminal_goes(signalled, writing);
        }
    }
}

fn a_terminal_goes(signalled: bool, writing: bool) {
    let home = Home::new();
    home.write("mcp.toml", &waiting(&home));
    let log = home.path("wire.jsonl");
    let mut command = home.command(binary());
    command.args(["--trust", "--wire-log"]).arg(&log);
    let size = PtySize {
        rows: 40,
        cols: 120,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pty = native_pty_system()
        .openpty(size)
        .expect("a pseudo-terminal");
    let mut command = builder(&command);
    command.set_controlling_tty(signalled);
    let mut child = pty.slave.spawn_command(command).expect("mcpdeck");
    drop(pty.slave);
    let began = Instant::now();
    while !std::fs::read_to_string(&log)
        .unwrap_or_default()
        .contains("tools/list")
    {
        assert!(began.elapsed() < LIMIT, "no server");
        std::thread::yield_now();
    }
    let mut typed = pty.master.take_writer().expect("a writer");
    if writing {
        // As by Ctrl-S: the frame of the key that is typed then cannot be written before the terminal is gone.
        let path = pty.master.tty_name().expect("a name");
        let terminal = std::fs::File::open(path).expect("the terminal");
        tcflow(&terminal, Action::OOff).expect("output that stands");
        typed.write_all(b"?").expect("a key");
        until_it_writes(child.process_id().expect("a process"));
    }
    drop((typed, pty.master));
    let (told, ended) = std::sync::mpsc::channel();
    let waits = std::thread::spawn(move || told.send(child.wait()));
    let status = ended
        .recv_timeout(LIMIT)
        .expect("the end of mcpdeck")
        .expect("a status");
    let when = format!("signalled: {signalled}, writing: {writing}");
    assert_eq!(status.exit_code(), 129, "{when}: {status}");
    waits.join().expect("the wait").expect("told");
    assert_eq!(aftermath::processes(&home.path("")), Vec::new());
}

/// Until the thread that draws waits for the terminal; where the system does not tell what a thread waits for, not at all.
fn until_it_writes(pid: u32) {
    let began = Instant::now();
    loop {
        match std::fs::read_to_string(format!("/proc/{pid}/wchan")) {
            Ok(place) if place == "wait_woken" => return,
            Ok(place) if place.len() > 1 || began.elapsed() < LIMIT => {
                assert!(began.elapsed() < LIMIT, "it waits in {place}");
            }
            _ => return,
        }
        std::thread::yield_now();
    }
}

/// What the environment says of the terminal may be wrong, poor or missing.
#[test]
fn poor_terminals_are_drawn_on() {
    for (name, value) in [
        ("TERM", "dumb"),
        ("TERM", ""),
        ("TERM", "no-such-terminal"),
        ("COLORTERM", "mauve"),
        ("LANG", "C"),
        ("LANG", "tlh_QO.KOI-8"),
        ("NO_COLOR", "1"),
        ("COLUMNS", "-5"),
    ] {
        let home = Home::new();
        home.write("mcp.toml", "[model]\nprovider = \"none\"\n");
        let deck = Deck::open_with(home, (80, 24), &[], &[(name, value)]);
        deck.screen.wait_text("mcpdeck");
        deck.screen.send("still here");
        deck.screen.wait_text("still here");
        deck.screen.key(Key::Ctrl('u'));
        deck.screen.wait_gone("still here");
        deck.screen.send("\u{3}\u{3}");
        let status = deck.screen.exit_status(LIMIT);
        assert!(status.success(), "{name}={value}: {status}");
        assert_given_back(&deck.screen, value);
    }
}

/// Two windows on one data folder, each with the same servers.
#[test]
fn two_windows_on_one_data_folder_do_not_disturb_each_other() {
    let home = Home::new();
    home.write(
        "mcp.toml",
        &("[model]\nprovider = \"none\"\n".to_owned() + &scripted(&home, "s", GOOD)),
    );
    let first = Screen::start(home.command(binary()).arg("--trust"), WIDE);
    let second = Screen::start(home.command(binary()).arg("--trust"), WIDE);
    for screen in [&first, &second] {
        screen.wait_text("Servers · 1 of 1 ready");
    }
    first.send("\u{3}\u{3}");
    assert!(first.exit_status(LIMIT).success());
    second.send("on its own");
    second.wait_text("on its own");
    second.wait_text("Servers · 1 of 1 ready");
    second.send("\u{3}\u{3}\u{3}");
    assert!(second.exit_status(LIMIT).success());
    assert_eq!(aftermath::processes(&home.path("")), Vec::new());
}
