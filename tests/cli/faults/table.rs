//! Faults of servers that are child processes: one `[[case]]` each in `tests/fixtures/faults/servers`, its keys those of `Fault`.

use serde::Deserialize;

use super::run::{self, Fault};
use crate::aftermath;
use crate::deck::{BIN, Deck, blocking, quoted};

/// The tool that is called, unless the script has tools of its own.
const TOOL: &str = "[[tools]]\nname = 'do'\ninputSchema = { type = 'object' }\n";

const FILES: [(&str, &str); 4] = [
    (
        "start",
        include_str!("../../fixtures/faults/servers/start.toml"),
    ),
    (
        "lists",
        include_str!("../../fixtures/faults/servers/lists.toml"),
    ),
    (
        "calls",
        include_str!("../../fixtures/faults/servers/calls.toml"),
    ),
    (
        "ends",
        include_str!("../../fixtures/faults/servers/ends.toml"),
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Fault>,
}

fn faults(file: &str) -> Vec<Fault> {
    let (_, text) = FILES
        .iter()
        .find(|(name, _)| *name == file)
        .expect("a file");
    let file: File = toml::from_str(text).expect("a table of faults");
    file.case
}

pub fn count() -> usize {
    FILES.iter().map(|(name, _)| faults(name).len()).sum()
}

/// The table of a server that is a child process.
pub fn stdio(deck: &Deck, fault: &Fault) -> String {
    let has_tools = fault.script.contains("[[tools]]") || fault.script.contains("tools = [");
    let own = if has_tools { "" } else { TOOL };
    let script = format!("{}\n{own}", fault.script);
    let script = deck.home.write("bad.script.toml", &script);
    let script = script.to_string_lossy();
    let command = match &fault.command {
        None => vec![
            BIN.into(),
            "serve".into(),
            "scripted".into(),
            script.into_owned(),
        ],
        Some(words) => {
            let fill = |word: &String| word.replace("{mcpdeck}", BIN).replace("{script}", &script);
            words.iter().map(fill).collect()
        }
    };
    let args: Vec<String> = command[1..].iter().map(|arg| quoted(arg)).collect();
    format!(
        "command = {}\nargs = [{}]",
        quoted(&command[0]),
        args.join(", ")
    )
}

fn play(file: &str) {
    blocking(|| run::play_all(&faults(file), stdio));
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_do_not_come_up() {
    play("start");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_whose_lists_are_wrong() {
    play("lists");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_whose_answers_are_wrong() {
    play("calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_do_not_go() {
    play("ends");
}

/// The look at the processes would be worth nothing if it saw none.
#[test]
fn a_process_that_is_left_would_be_seen() {
    let deck = Deck::new("");
    let mut left = deck
        .home
        .command("sleep")
        .arg("1000")
        .spawn()
        .expect("sleep");
    let found = aftermath::processes(&deck.home.path(""));
    left.kill().expect("its end");
    left.wait().expect("its end");
    if std::path::Path::new("/proc/self").exists() {
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, left.id());
    }
    assert_eq!(aftermath::processes(&deck.home.path("")), Vec::new());
}

#[test]
fn litter_would_be_seen() {
    let deck = Deck::new("");
    let root = deck.home.path("");
    let before = aftermath::files(&root);
    assert_eq!(aftermath::litter(&root, &before), Vec::<String>::new());
    deck.home.write("new", "");
    std::fs::write(deck.home.path("tmp/x"), "").expect("a file");
    std::fs::write(deck.home.data_dir().join("eras.json.tmp"), "").expect("a file");
    std::fs::write(deck.home.data_dir().join("eras.json"), "").expect("a file");
    assert_eq!(aftermath::litter(&root, &before).len(), 3);
}
