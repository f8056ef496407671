//! Conversations that are kept: asked on in another run, listed, named, exported and deleted; and what happens when the disk
//! does not play along or the program is killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::deck::{Deck, Ran, blocking, model_at, says, spawn};
use crate::endpoint::{Endpoint, Reply};

fn folder(deck: &Deck) -> PathBuf {
    deck.home.data_dir().join("sessions")
}

fn files(deck: &Deck) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder(deck)) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

fn session(ran: &Ran) -> String {
    let end = ran.turn_end();
    assert_eq!(end["session"]["saved"], true, "{ran}");
    end["session"]["id"].as_str().expect("an id").to_owned()
}

fn list(deck: &Deck) -> Vec<Value> {
    let document = deck.run(&["sessions", "list", "--json"]).expect(0).json();
    document["sessions"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_asked_on_in_another_run() {
    let replies = ["Chào, tôi là một mô hình.", "Bạn tên là Ánh."];
    let replies = replies.map(|text| Reply::chunks(&says(text)));
    let endpoint = Endpoint::with(replies.to_vec()).await;
    let deck = Deck::new(&model_at(&endpoint.base_url()));
    let (first, second) = blocking(|| {
        let first = deck.run(&["ask", "--json", "Tôi tên là Ánh"]).expect(0);
        let second = deck
            .run(&["ask", "--json", "--continue", "Tôi tên là gì?"])
            .expect(0);
        (first, second)
    });
    assert_eq!(session(&first), session(&second));
    assert_eq!(
        second.answer(),
        "Bạn tên là Ánh.",
        "what was said before is not printed again"
    );
    let seen = endpoint.seen();
    let asked = seen
        .iter()
        .rev()
        .find(|seen| seen.path.ends_with("/completions"));
    let messages = asked.expect("a request").body["messages"].clone();
    let said: Vec<(&str, &str)> = messages
        .as_array()
        .expect("messages")
        .iter()
        .skip(1)
        .map(|message| {
            let text = |name: &str| message[name].as_str().unwrap_or_default();
            (text("role"), text("content"))
        })
        .collect();
    assert_eq!(
        said,
        [
            ("user", "Tôi tên là Ánh"),
            ("assistant", "Chào, tôi là một mô hình."),
            ("user", "Tôi tên là gì?")
        ]
    );
    assert_eq!(files(&deck).len(), 1);
}

#[test]
fn sessions_are_listed_named_shown_exported_and_deleted() {
    let deck = Deck::demo();
    let id = session(
        &deck
            .run(&["ask", "--json", "List the files here"])
            .expect(0),
    );
    deck.run(&["ask", "--no-save", "List the files here"])
        .expect(0);
    let part = &id[..18];
    deck.run(&["sessions", "rename", part, "Tệp của tôi 📁"])
        .expect(0);
    let listed = list(&deck);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["title"]),
        (&json!(id), &json!("Tệp của tôi 📁"))
    );
    assert_eq!(listed[0]["folder"], json!(deck.home.work()));
    assert_eq!(
        (&listed[0]["turns"], &listed[0]["open"]),
        (&json!(1), &json!(false))
    );
    let words = deck.run(&["sessions", "list"]).expect(0);
    assert!(words.out.contains("Tệp của tôi 📁"), "{words}");
    assert!(words.out.contains("1 turn · just now"), "{words}");

    let shown = deck.run(&["sessions", "show", part]).expect(0);
    for words in [
        "# Tệp của tôi 📁\n",
        "## You, ",
        "List the files here",
        "`files.list_directory`, ok",
    ] {
        assert!(shown.out.contains(words), "no {words:?} in {shown}");
    }
    let exported = deck
        .run(&["sessions", "export", part, "--json"])
        .expect(0)
        .json();
    let entries = exported["entries"].as_array().expect("entries");
    let step = entries.iter().find(|entry| entry["entry"] == "step");
    assert_eq!(step.expect("a step")["calls"][0]["tool"], "list_directory");
    let file = deck.home.work().join("out.md");
    let out = file.to_string_lossy().into_owned();
    let export = ["sessions", "export", part, "--output", &out];
    deck.run(&export).expect(0);
    assert_eq!(fs::read_to_string(&file).expect("the export"), shown.out);
    let again = deck.run(&export).expect(2);
    assert!(
        again
            .err
            .contains("give --output a file that does not exist yet"),
        "{again}"
    );

    let unasked = deck.run(&["sessions", "delete", part]).expect(2);
    assert!(unasked.err.contains("--yes"), "{unasked}");
    assert_eq!(files(&deck).len(), 1);
    deck.run(&["sessions", "delete", part, "--yes"]).expect(0);
    assert_eq!(files(&deck), Vec::<PathBuf>::new());
    let gone = deck.run(&["sessions", "show", part]).expect(2);
    assert!(gone.err.contains("there is no session"), "{gone}");
    let none = deck.run(&["ask", "--continue", "x"]).expect(2);
    assert!(none.err.contains("no conversation of"), "{none}");
    let misplaced = deck.run(&["--continue", "list"]).expect(2);
    assert!(misplaced.err.contains("behind it"), "{misplaced}");
}

#[test]
fn a_session_of_another_configuration_is_not_gone_on_with() {
    let deck = Deck::demo();
    deck.run(&["ask", "List the files here"]).expect(0);
    let other = deck
        .home
        .write("other.toml", "[model]\nprovider = \"none\"\n");
    let mut command = deck.home.command(crate::deck::BIN);
    command.args([
        "--config",
        &other.to_string_lossy(),
        "ask",
        "--continue",
        "x",
    ]);
    let ran = crate::deck::ran(command.stdin(Stdio::null())).expect(2);
    assert!(ran.err.contains("with this configuration"), "{ran}");
}

#[test]
fn where_nothing_can_be_written_the_answer_comes_and_it_is_said_once_that_it_is_not_saved() {
    let deck = Deck::demo();
    fs::write(folder(&deck), "a file where a folder should be").expect("a file");
    let words = deck.run(&["ask", "List the files here"]).expect(0);
    assert!(words.out.contains("entries"), "{words}");
    assert_eq!(
        words
            .err
            .matches("This conversation is not saved: ")
            .count(),
        1,
        "{words}"
    );
    let events = deck
        .run(&["ask", "--json", "List the files here"])
        .expect(0);
    assert_eq!(events.turn_end().get("session"), None, "{events}");
    assert_eq!(events.of_type("note").len(), 1, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_not_get_into_the_file() {
    let endpoint = Endpoint::with(vec![Reply::chunks(&says("It is k3y-of-the-house-42."))]).await;
    let config = model_at(&endpoint.base_url()) + "api_key_env = \"HOUSE_KEY\"\n";
    let deck = Deck::new(&config);
    blocking(|| {
        let mut command = deck.command(&["ask", "my key is k3y-of-the-house-42, and HOME is fine"]);
        command.env("HOUSE_KEY", "k3y-of-the-house-42");
        crate::deck::ran(command.stdin(Stdio::null())).expect(0);
    });
    let text = fs::read_to_string(&files(&deck)[0]).expect("the session");
    assert!(!text.contains("k3y-of"), "{text}");
    assert!(text.contains("my key is ***, and HOME is fine"), "{text}");
    assert!(text.contains("It is ***."), "{text}");
}

#[test]
fn a_session_that_another_window_has_open_is_gone_on_with_as_a_copy() {
    let deck = Deck::demo();
    let id = session(
        &deck
            .run(&["ask", "--json", "List the files here"])
            .expect(0),
    );
    let path = &files(&deck)[0];
    let before = fs::read(path).expect("the session");
    let window = fs::File::open(path).expect("the session");
    window.try_lock().expect("nobody else has it");
    let ran = deck
        .run(&[
            "ask",
            "--json",
            "--continue",
            "How many orders does each customer have?",
        ])
        .expect(0);
    assert_ne!(session(&ran), id);
    let notes = ran
        .of_type("note")
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    assert!(notes.contains("another window has it open"), "{ran}");
    assert_eq!(fs::read(path).expect("the session"), before);
    let listed = list(&deck);
    let row = |of: &Value| (of["turns"].clone(), of["open"].clone());
    assert_eq!(listed.len(), 2);
    assert_eq!(row(&listed[0]), (json!(2), json!(false)));
    assert_eq!(row(&listed[1]), (json!(1), json!(true)));
}

#[test]
fn a_torn_line_is_said_and_the_session_goes_on() {
    let deck = Deck::demo();
    let id = session(
        &deck
            .run(&["ask", "--json", "List the files here"])
            .expect(0),
    );
    let path = &files(&deck)[0];
    let mut text = fs::read(path).expect("the session");
    text.extend_from_slice(b"{\"line\":\"user\",\"text\":\"half");
    fs::write(path, text).expect("the session");
    let ran = deck
        .run(&[
            "ask",
            "--json",
            "--resume",
            &id[..13],
            "List the files here",
        ])
        .expect(0);
    assert_eq!(session(&ran), id);
    let notes = ran
        .of_type("note")
        .iter()
        .map(Value::to_string)
        .collect::<String>();
    assert!(
        notes.contains("its last line was cut while it was written"),
        "{ran}"
    );
    assert_eq!(list(&deck)[0]["trouble"], Value::Null);
}

/// Numbers that are the same in every run.
fn seeded(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// `MCPDECK_KILLS` of them; `.ci/suites/soak.sh` asks for 1,000. A session of its own for each fifty.
#[test]
fn killed_at_any_point_the_session_is_resumed_and_nothing_of_it_is_lost() {
    const EACH: u64 = 50;
    let kills = std::env::var("MCPDECK_KILLS").ok();
    let kills: u64 = kills.map_or(24, |text| text.parse().expect("a number"));
    let mut seed = 7;
    for begin in (0..kills).step_by(usize::try_from(EACH).expect("small")) {
        killed((kills - begin).min(EACH), &mut seed);
        println!("{} kills of {kills}", (begin + EACH).min(kills));
    }
}

/// So many kills of one session, each at another point.
fn killed(kills: u64, seed: &mut u64) {
    let deck = Deck::demo();
    let first = session(
        &deck
            .run(&["ask", "--json", "List the files here"])
            .expect(0),
    );
    let path = files(&deck).remove(0);
    let mut turns = 1;
    for kill in 0..kills {
        let before = fs::read(&path).expect("the session");
        let prompt = match kill % 3 {
            0 => "How many orders does each customer have?",
            1 => "Create `hello.txt` with \"Hello from MCP!\"",
            _ => "Delete `hello.txt`",
        };
        let args = ["ask", "--json", "--approve-all", "--resume", &first, prompt];
        let mut child = spawn(deck.command(&args).stdin(Stdio::null()));
        let events = BufReader::new(child.stdout.take().expect("stdout"));
        // The servers' own events come first; some runs end before they are killed.
        let after = 4 + seeded(seed) % 12;
        let seen = events
            .lines()
            .take(usize::try_from(after).expect("small"))
            .count();
        child.kill().expect("killed");
        child.wait().expect("its end");
        let text = fs::read(&path).expect("the session");
        let whole = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        assert!(
            text.starts_with(&before[..whole]),
            "kill {kill} after {seen} events"
        );
        let listed = list(&deck);
        assert_eq!(listed.len(), 1, "kill {kill}");
        let now = listed[0]["turns"].as_u64().expect("turns");
        assert!(now >= turns, "kill {kill}: {now} turns, were {turns}");
        turns = now;
    }
    let ran = deck
        .run(&["ask", "--json", "--resume", &first, "List the files here"])
        .expect(0);
    assert_eq!(session(&ran), first);
    let listed = list(&deck);
    assert_eq!(listed[0]["turns"].as_u64(), Some(turns + 1));
    assert!(
        turns > 4,
        "only {turns} turns got so far that they were written"
    );
    let exported = deck
        .run(&["sessions", "export", &first, "--json"])
        .expect(0)
        .json();
    assert_eq!(exported["trouble"], Value::Null, "{exported}");
}
