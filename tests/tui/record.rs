//! A session of the demo is recorded, and then there is neither server nor model: it is drawn again byte by byte, watched with
//! time under the person's hand, and run anew on what was recorded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::deck::{Deck, binary, is_idle};
use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen};

const WIDE: (u16, u16) = (120, 40);
const PROMPTS: [&str; 2] = ["List the files here", "Find every `.py` file below here"];

/// A recorded demo: its home, its file, and what the screen showed when it was over.
struct Recorded {
    home: Home,
    file: PathBuf,
    last: Vec<String>,
}

fn rows(screen: &vt100::Screen) -> Vec<String> {
    let (_, cols) = screen.size();
    let rows = screen.rows(0, cols.get());
    rows.map(|row| row.trim_end().to_owned()).collect()
}

/// Records two prompts; the workspace, and with it the servers' data, is gone afterwards.
#[track_caller]
fn recorded() -> Recorded {
    let home = Home::new();
    let file = home.path("demo.jsonl");
    let deck = Deck::open(home, WIDE, &["--record", &file.to_string_lossy(), "demo"]);
    deck.ready(3, 3);
    PROMPTS
        .into_iter()
        .for_each(|prompt| answered(&deck, prompt));
    // The name of what was saved comes a moment later.
    deck.screen.wait_text("saved");
    let last = deck.screen.look(rows);
    deck.quit();
    let home = deck.home;
    let left = fs::read_dir(home.path("tmp")).expect("the folder for temporary files");
    assert_eq!(left.count(), 0, "the demo's workspace is gone");
    Recorded { home, file, last }
}

#[track_caller]
fn answered(deck: &Deck, prompt: &str) {
    deck.say(prompt);
    deck.hear(&format!("❯ {prompt}"));
    deck.screen.wait("the end of the turn", LIMIT, is_idle);
    deck.idle();
}

fn replay(home: &Home, file: &Path, args: &[&str]) -> Output {
    let mut command = home.command(binary());
    command.arg("replay").arg(file).args(args);
    command.output().expect("the program")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_recorded_demo_replays_to_the_same_frames_and_transcript_twenty_times() {
    let Recorded { home, file, last } = recorded();
    let first = replay(&home, &file, &["--frames", "-"]);
    assert!(first.status.success(), "{}", err(&first));
    assert!(
        err(&first).contains("frames, each as it was seen"),
        "{}",
        err(&first)
    );
    let frames = out(&first);
    assert!(frames.matches("--- frame ").count() > 20, "{frames}");
    // Not by the digests of the recording alone: what stood on the screen is one of them.
    assert!(
        frames.contains(&last.join("\n")),
        "{}\n{frames}",
        last.join("\n")
    );
    let transcript = out(&replay(&home, &file, &["--transcript"]));
    for words in [
        PROMPTS[0],
        PROMPTS[1],
        "files.search_files",
        "9 files",
        "There are",
    ] {
        assert!(transcript.contains(words), "no {words:?} in {transcript}");
    }
    for turn in 2..=20 {
        let again = replay(&home, &file, &["--frames", "-"]);
        assert!(again.status.success(), "{turn}: {}", err(&again));
        assert!(
            out(&again) == frames,
            "the frames of replay {turn} are others"
        );
        let words = replay(&home, &file, &["--transcript"]);
        assert_eq!(out(&words), transcript, "replay {turn}");
    }

    // The control: one letter of the model is another, and it is seen.
    let other = home.path("other.jsonl");
    let text = fs::read_to_string(&file).expect("the recording");
    assert!(text.contains("There are"), "what is changed is there");
    fs::write(&other, text.replacen("There are", "There ARE", 1)).expect("a file");
    let differs = replay(&home, &other, &["--frames", "-"]);
    assert_eq!(differs.status.code(), Some(1), "{}", err(&differs));
    assert!(
        err(&differs).contains("are not as they were seen"),
        "{}",
        err(&differs)
    );
}

#[test]
fn time_is_under_the_persons_hand() {
    let Recorded { home, file, .. } = recorded();
    let mut command = home.command(binary());
    command.arg("replay").arg(&file);
    let screen = Screen::start(&command, (120, 42));
    screen.wait_text("■ paused");
    screen.wait_text("before the first event");
    screen.send("G");
    screen.wait_text("the end of the session");
    screen.wait_text("9 files");
    // Back over the last scenes, to before the second answer, and forward again.
    for _ in 0..60 {
        if !screen.look(|s| s.contents().contains("9 files")) {
            break;
        }
        let before = screen.text();
        screen.send("<");
        screen.wait("another moment", LIMIT, |s| s.contents() != before);
    }
    screen.wait_gone("9 files");
    screen.send("G");
    screen.wait_text("9 files");
    // Looking around: a call is opened in a copy, and a step throws it away.
    screen.key(Key::Tab);
    screen.wait_text("looking around");
    screen.key(Key::Enter);
    screen.wait_text("made at");
    screen.send(",");
    screen.wait_gone("looking around");
    // Nothing can be said, and nothing is sent.
    screen.send("x");
    screen.wait_text("nothing can be said in a replay");
    screen.send("g");
    screen.wait_text("before the first event");
    screen.send("++++++++ ");
    screen.wait_text("64x");
    screen.wait_text("the end of the session");
    screen.send("q");
    assert!(screen.exit_status(LIMIT).success());
}

#[test]
fn the_demo_runs_again_on_its_recording_alone() {
    let Recorded { home, file, .. } = recorded();
    let (binary, shown) = (binary(), file.display().to_string());
    let mut config =
        format!("roots = [\".\"]\n[model]\nprovider = \"replay\"\nrecording = \"{shown}\"\n");
    for server in ["files", "shop", "crm"] {
        config.push_str(&format!(
            "[mcp_servers.{server}]\ncommand = \"{binary}\"\napprove = \"never\"\n\
             args = [\"serve\", \"replay\", \"{shown}\", \"--server\", \"{server}\"]\n"
        ));
    }
    home.write("mcp.toml", &config);
    let again = home.path("again.jsonl");
    let deck = Deck::open(home, WIDE, &["--record", &again.to_string_lossy()]);
    deck.ready(3, 3);
    PROMPTS
        .into_iter()
        .for_each(|prompt| answered(&deck, prompt));
    deck.quit();
    let home = deck.home;
    let before = out(&replay(&home, &file, &["--transcript"]));
    let after = out(&replay(&home, &again, &["--transcript"]));
    assert!(before.contains("9 files"), "{before}");
    assert_eq!(before, after);
    let mut command = home.command(binary);
    let compared = command.arg("compare").args([&file, &again]).output();
    let compared = compared.expect("the program");
    assert!(
        compared.status.success(),
        "{}{}",
        out(&compared),
        err(&compared)
    );
    assert!(
        out(&compared).contains("no difference"),
        "{}",
        out(&compared)
    );
}
