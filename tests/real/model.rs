//! A real model on the demo's workspace: lists files, creates one, totals the orders; held against the disk and the database.
//!
//! Gated by `MCPDECK_TEST_MODEL_URL`, an OpenAI-compatible endpoint (`MCPDECK_TEST_MODEL_NAME` names the model where it has several).
//! Without it the test says that it is skipped. What the model says is its own; asked for is only that the work was done, or the
//! number stands in its answer or in the result of its query.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use rusqlite::Connection;
use serde_json::Value;

use crate::home::Home;

const VARIABLE: &str = "MCPDECK_TEST_MODEL_URL";

/// A prompt may be put so often: a small model does not hit each time.
const TRIES: usize = 3;

struct Model {
    home: Home,
    config: PathBuf,
    url: String,
}

/// One turn.
struct Turn {
    events: Vec<Value>,
    err: String,
}

fn say(words: &str) {
    // Written past the test harness, which keeps what a passing test prints.
    let _closed = writeln!(io::stderr(), "{words}");
}

fn model() -> Option<Model> {
    let Some(url) = env::var(VARIABLE).ok().filter(|url| !url.is_empty()) else {
        say(&format!("skipped: set {VARIABLE}"));
        return None;
    };
    let home = Home::new();
    let made = home
        .command(env!("CARGO_BIN_EXE_mcpdeck"))
        .args(["--model-url", &url])
        .args(["demo", "--keep", "demo", "--make-only"])
        .output()
        .expect("mcpdeck demo");
    let path = String::from_utf8(made.stdout).expect("a path");
    let config = PathBuf::from(path.trim_end());
    Some(Model { home, config, url })
}

impl Model {
    fn ask(&self, prompt: &str) -> Turn {
        let mut command = self.home.command(env!("CARGO_BIN_EXE_mcpdeck"));
        command.arg("--config").arg(&self.config);
        command.args(["--model-url", &self.url]);
        if let Ok(name) = env::var("MCPDECK_TEST_MODEL_NAME") {
            command.args(["--model", &name]);
        }
        command.args(["ask", "--json", "--approve", "files.*", prompt]);
        let started = Instant::now();
        let output = command.stdin(Stdio::null()).output().expect("mcpdeck ask");
        let events: Vec<Value> = String::from_utf8(output.stdout)
            .expect("UTF-8")
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event a line"))
            .collect();
        let turn = Turn {
            events,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        say(&format!(
            "\n> {prompt}\n{}  ({:.0} s, exit code {:?})",
            turn.told(),
            started.elapsed().as_secs_f32(),
            output.status.code()
        ));
        assert_eq!(turn.last()["type"], "turn_end", "{}", turn.err);
        turn
    }

    /// Puts the prompt until the turn has done what was asked.
    fn until(&self, prompt: &str, done: impl Fn(&Turn) -> bool) {
        for _ in 0..TRIES {
            if done(&self.ask(prompt)) {
                return;
            }
        }
        panic!("not done in {TRIES} tries: {prompt}");
    }
}

impl Turn {
    fn last(&self) -> &Value {
        self.events.last().expect("events")
    }

    fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.events
            .iter()
            .filter(move |event| event["type"] == kind)
    }

    fn answer(&self) -> String {
        self.of("text")
            .filter_map(|text| text["delta"].as_str())
            .collect()
    }

    /// The answer and every result of a call that went well, in one text.
    fn found(&self) -> String {
        let results = self
            .of("tool_result")
            .filter(|result| result["is_error"] == false);
        let results: String = results.map(Value::to_string).collect();
        self.answer() + &results
    }

    /// What happened, for whoever reads the suite's output.
    fn told(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            match event["type"].as_str() {
                Some("tool_call") => {
                    text += &format!(
                        "  call {}.{} {}\n",
                        event["server"], event["tool"], event["arguments"]
                    );
                }
                Some("tool_result") => {
                    text += &format!("  -> {}, {} ms\n", event["outcome"], event["duration_ms"])
                }
                Some("error" | "note") => {
                    text += &format!("  {}: {}\n", event["type"], event["message"])
                }
                Some("turn_end") => {
                    text += &format!(
                        "  {}, {} steps, {}\n",
                        event["stop_reason"], event["steps"], event["usage"]
                    )
                }
                _ => {}
            }
        }
        format!("{text}  answer: {}\n", self.answer().trim())
    }
}

#[test]
fn a_conversation_lists_files_creates_one_and_totals_the_orders() {
    let Some(model) = model() else { return };
    let files = model.home.work().join("demo/files");
    model.until("List the files here.", |turn| {
        ["README.md", "notes", "reports"]
            .iter()
            .all(|name| turn.found().contains(name))
    });
    model.until(
        "Create the file greeting.txt with exactly this content: Hello from MCP!",
        |_| {
            let text = fs::read_to_string(files.join("greeting.txt"));
            text.is_ok_and(|text| text.trim() == "Hello from MCP!")
        },
    );
    let database = Connection::open(model.home.work().join("demo/shop.db")).expect("the database");
    let total: f64 = database
        .query_row("SELECT SUM(total) FROM orders", [], |row| row.get(0))
        .expect("a sum");
    // `11678.3`: the beginning of every way to write it, once the commas are out.
    let digits = format!("{total:.1}");
    model.until(
        "What is the sum of the column total over all rows of the table orders in the shop database?",
        |turn| turn.found().replace(',', "").contains(&digits),
    );
}
