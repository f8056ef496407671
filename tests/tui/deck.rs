//! mcpdeck on a screen, in a home of its own, with servers and a model that do what a test says.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::endpoint::{Endpoint, Reply};
use crate::home::Home;
use crate::screen::{Key, LIMIT, Screen};

/// The size that the layout is made for.
pub const WIDE: (u16, u16) = (120, 40);
/// Longer than the time in which a key that follows the question is taken for typing.
const ARMED: Duration = Duration::from_millis(450);

/// The program as built.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_mcpdeck")
}

/// A running mcpdeck. The screen ends before its home goes.
pub struct Deck {
    pub screen: Screen,
    pub home: Home,
}

impl Deck {
    /// Starts mcpdeck on what the home's work folder holds, with a wire log.
    #[track_caller]
    pub fn open(home: Home, size: (u16, u16), args: &[&str]) -> Self {
        Self::open_with(home, size, args, &[])
    }

    /// The same with further variables in its environment.
    #[track_caller]
    pub fn open_with(
        home: Home,
        size: (u16, u16),
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        // What a test wrote into its own home is what it wants to run.
        let args = [args, &["--trust"]].concat();
        Self::open_untrusted(home, size, &args, variables)
    }

    /// The same in a folder whose `mcp.toml` nobody has agreed to.
    #[track_caller]
    pub fn open_untrusted(
        home: Home,
        size: (u16, u16),
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = home.command(binary());
        command.args(args);
        // The log of an earlier start in this home would be added to.
        let log = home.path("wire.jsonl");
        let _none_yet = fs::remove_file(&log);
        command.arg("--wire-log").arg(log);
        command.envs(variables.iter().copied());
        let screen = Screen::start(&command, size);
        Self { screen, home }
    }

    /// Waits until so many servers are ready, of how many there are, and the model, if there is any, is found.
    #[track_caller]
    pub fn ready(&self, ready: usize, all: usize) {
        let servers = format!("Servers · {ready} of {all} ready");
        self.screen.wait(&servers, LIMIT, |s| {
            let text = s.contents();
            text.contains(&servers) && !text.contains("looking for a model")
        });
    }

    /// Types a prompt and sends it.
    #[track_caller]
    pub fn say(&self, prompt: &str) {
        self.screen.send(prompt);
        let last: String = tail(prompt);
        let what = format!("{last:?} in the input");
        self.screen
            .wait(&what, LIMIT, |s| input(s).replace(' ', "").ends_with(&last));
        self.screen.key(Key::Enter);
    }

    /// Waits for the question about a call, and until it takes an answer.
    #[track_caller]
    pub fn question(&self, about: &str) {
        self.screen.wait("the question", LIMIT, |s| {
            let text = s.contents();
            text.contains("Allow this call?") && text.contains(&format!("{about} ·"))
        });
        self.armed("Allow this call?");
    }

    /// Waits until the question that says this takes an answer: a key that follows it at once is taken for typing.
    #[track_caller]
    pub fn armed(&self, says: &str) {
        let went = self.screen.becomes(ARMED, |s| !s.contents().contains(says));
        assert!(!went, "nobody answered, and the question went");
    }

    /// Answers the question about a call by a key.
    #[track_caller]
    pub fn answer(&self, about: &str, key: char) {
        self.question(about);
        self.screen.key(Key::Char(key));
        self.screen.wait_gone("Allow this call?");
    }

    /// Waits until the chat says this, wherever its lines break.
    #[track_caller]
    pub fn hear(&self, words: &str) {
        self.screen
            .wait(&format!("{words:?} in the chat"), LIMIT, |s| {
                chat(s).contains(words)
            });
    }

    /// Waits until no turn runs.
    #[track_caller]
    pub fn idle(&self) {
        self.screen.wait("the end of the turn", LIMIT, is_idle);
    }

    /// What the chat says below the last prompt of these words.
    pub fn answer_to(&self, prompt: &str) -> String {
        let text = self.screen.look(chat);
        let at = text.rfind(&format!("❯ {prompt}"));
        let at = at.unwrap_or_else(|| panic!("{prompt:?} is not in the chat: {text}"));
        text[at..].to_owned()
    }

    /// Quits by the keys, and gives what passed on the wire: direction and text.
    #[track_caller]
    pub fn quit(&self) -> Vec<(String, String)> {
        // Not once more: a Ctrl-C behind the end makes the system throw away what the screen has not read yet.
        self.screen.key(Key::Ctrl('c'));
        self.screen.key(Key::Ctrl('c'));
        let status = self.screen.exit_status(LIMIT);
        assert!(status.success(), "{status}");
        self.wire()
    }

    /// What stands in the wire log.
    pub fn wire(&self) -> Vec<(String, String)> {
        let log = fs::read_to_string(self.home.path("wire.jsonl")).expect("a wire log");
        log.lines()
            .map(|line| {
                let record: Value = serde_json::from_str(line).expect("a line of JSON");
                let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
                (text("direction"), text("text"))
            })
            .collect()
    }
}

/// The requests of a method that went out, as they were written.
pub fn sent(wire: &[(String, String)], method: &str) -> Vec<String> {
    let fits = |text: &str| {
        serde_json::from_str::<Value>(text).is_ok_and(|message| message["method"] == method)
    };
    wire.iter()
        .filter(|(direction, text)| direction == "out" && fits(text))
        .map(|(_, text)| text.clone())
        .collect()
}

/// The last characters of a text without its blanks, as many as stand on one row of the input.
fn tail(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default().replace(' ', "");
    let skipped = line.chars().count().saturating_sub(12);
    line.chars().skip(skipped).collect()
}

/// The chat's side of the screen without its frame.
fn left(screen: &vt100::Screen) -> Vec<String> {
    let side = |row: String| {
        row[..border(&row)]
            .trim_matches(|c: char| "│╭╮╰╯─ ".contains(c))
            .to_owned()
    };
    let (_, cols) = screen.size();
    screen.rows(0, cols.get()).map(side).collect()
}

/// The lists' side of the screen, where it stands beside the chat.
pub fn right(screen: &vt100::Screen) -> Vec<String> {
    let (_, cols) = screen.size();
    let side = |row: String| row[border(&row)..].to_owned();
    screen.rows(0, cols.get()).map(side).collect()
}

/// Where the frame of the chat's side ends and that of the other begins; the end of the row where they do not stand side by side.
fn border(row: &str) -> usize {
    let mut pairs = row.char_indices().zip(row.chars().skip(1));
    let found = pairs.find_map(|((at, end), begin)| {
        ("│╮╯".contains(end) && "│╭╰".contains(begin)).then_some(at + end.len_utf8())
    });
    found.unwrap_or(row.len())
}

/// The chat as one line: blanks for its line breaks, the input left out.
pub fn chat(screen: &vt100::Screen) -> String {
    let rows = left(screen);
    let end = rows.iter().position(|row| row.starts_with("Message"));
    let words: Vec<&str> = rows[..end.unwrap_or(rows.len())]
        .iter()
        .flat_map(|row| row.split_whitespace())
        .collect();
    words.join(" ")
}

/// The input as one line.
pub fn input(screen: &vt100::Screen) -> String {
    let rows = left(screen);
    let begin = rows.iter().position(|row| row.starts_with("Message"));
    let Some(begin) = begin else {
        return String::new();
    };
    let rows = &rows[begin + 1..];
    let end = rows.iter().position(String::is_empty).unwrap_or(rows.len());
    rows[..end].join(" ")
}

/// Whether the line on top says that nothing runs.
pub fn is_idle(screen: &vt100::Screen) -> bool {
    let (_, cols) = screen.size();
    let top = screen.rows(0, cols.get()).next().unwrap_or_default();
    top.trim_end().ends_with("idle")
}

/// The arguments that the question shows, put together from its rows.
pub fn arguments(screen: &vt100::Screen) -> String {
    let rows = left(screen);
    let begin = rows
        .iter()
        .position(|row| row.starts_with("arguments as sent"));
    let rows = &rows[begin.map_or(rows.len(), |at| at + 1)..];
    let end = rows.iter().position(String::is_empty).unwrap_or(rows.len());
    rows[..end].concat()
}

/// The configuration of a server that plays a script; the script is written beside it.
pub fn scripted(home: &Home, name: &str, script: &str) -> String {
    let file = home.write(&format!("{name}.script.toml"), script);
    stdio(
        name,
        binary(),
        &["serve".as_ref(), "scripted".as_ref(), file.as_os_str()],
    )
}

/// The configuration of a server that is a child process.
pub fn stdio(name: &str, command: &str, args: &[&OsStr]) -> String {
    let args: Vec<Value> = args
        .iter()
        .map(|arg| json!(arg.to_string_lossy()))
        .collect();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "[mcp_servers.{name}]\ncommand = {}\nargs = {}",
        json!(command),
        json!(args)
    );
    out
}

/// The configuration of a model at an endpoint.
pub fn model(endpoint: &Endpoint) -> String {
    format!(
        "[model]\nbase_url = {}\nname = \"local\"\n",
        json!(endpoint.base_url())
    )
}

/// An endpoint with one model, `local`, that answers prompts with these in turn.
pub async fn endpoint(replies: Vec<Reply>) -> Endpoint {
    let queue = Mutex::new(replies.into_iter());
    Endpoint::start(move |request| {
        if request.method == "GET" {
            return Reply::json(
                200,
                &json!({ "object": "list", "data": [{ "id": "local", "object": "model" }] }),
            );
        }
        let next = queue.lock().expect("no poison").next();
        next.unwrap_or_else(|| Reply::new(500, "text/plain", "the test gave no reply"))
    })
    .await
}

/// The bodies of the prompts that came, without the questions for the list of models.
pub fn prompts(endpoint: &Endpoint) -> Vec<Value> {
    let seen = endpoint.seen().into_iter();
    seen.filter(|request| request.method == "POST")
        .map(|request| request.body)
        .collect()
}

/// One event of a stream.
pub fn event(delta: &Value, finish: Option<&str>) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_763_800_000, "model": "local",
        "choices": [choice],
    });
    format!("data: {chunk}\n\n")
}

/// One event with a piece of text.
pub fn piece(text: &str) -> String {
    event(&json!({ "role": "assistant", "content": text }), None)
}

/// A whole answer of text.
pub fn says(text: &str) -> Reply {
    Reply::stream(piece(text) + &event(&json!({}), Some("stop")) + "data: [DONE]\n\n")
}

/// A step that makes these calls: names as the model knows them, arguments as it writes them.
pub fn calls(calls: &[(&str, &str)]) -> Reply {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(index, (name, arguments))| {
            let id = format!("call_{index}_{}", name.len() + arguments.len());
            let function = json!({ "name": name, "arguments": arguments });
            json!({ "index": index, "id": id, "type": "function", "function": function })
        })
        .collect();
    let delta = json!({ "role": "assistant", "tool_calls": calls });
    Reply::stream(event(&delta, Some("tool_calls")) + "data: [DONE]\n\n")
}

/// The messages of a request's body.
pub fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map_or(&[], Vec::as_slice)
}

/// Asserts that each call that the request tells of has exactly one result, behind it.
#[track_caller]
pub fn assert_well_formed(body: &Value) {
    let mut open: Vec<&str> = Vec::new();
    for message in messages(body) {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let at = open.iter().position(|known| *known == id);
            open.remove(at.unwrap_or_else(|| panic!("a result without its call: {body:#}")));
        } else {
            assert!(open.is_empty(), "a call without its result: {body:#}");
        }
        let calls = message["tool_calls"].as_array();
        open.extend(calls.into_iter().flatten().filter_map(|c| c["id"].as_str()));
    }
    assert!(open.is_empty(), "a call without its result: {body:#}");
}
