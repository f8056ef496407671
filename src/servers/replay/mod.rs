//! `mcpdeck serve replay FILE`: a server that answers as a recorded one did, with nothing of it there.
//!
//! It speaks lines of JSON on stdin and stdout and knows no protocol library: what was recorded is said as it was. `cli::serve`
//! takes the frames out of the file and hands them in as data. `book` knows what was recorded and finds an answer, `fit` says
//! whether two requests are the same (both pure); this loop reads, writes, and waits for answers to what the server asks.

mod book;
mod fit;

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};

use serde_json::{Value, json};

pub use book::{Book, Frame};

use book::{Found, Step};

/// Answers until stdin ends.
///
/// # Errors
/// What the system says of stdin or stdout.
pub fn run(book: Book) -> io::Result<()> {
    talk(book, io::stdin().lock(), io::stdout().lock())
}

fn talk(book: Book, mut input: impl BufRead, mut out: impl Write) -> io::Result<()> {
    let mut mock = Mock::new(book);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // What is no UTF-8 is no JSON either, and is answered as such.
        let said = mock.take(&String::from_utf8_lossy(&line));
        line.clear();
        for said in said {
            let written = writeln!(out, "{said}");
            match written.and_then(|()| out.flush()) {
                // The client is gone.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
    }
    Ok(())
}

/// The server: a line in, lines out.
#[derive(Debug)]
pub struct Mock {
    book: Book,
    plays: Vec<Play>,
}

/// One request that is being answered.
#[derive(Debug)]
struct Play {
    steps: VecDeque<Step>,
    /// The id of the server's own request whose answer it waits for.
    waits: Option<Value>,
}

impl Mock {
    /// A server that was asked nothing yet.
    pub fn new(book: Book) -> Self {
        let plays = Vec::new();
        Self { book, plays }
    }

    /// Takes a line of the client and gives what is said to it.
    pub fn take(&mut self, line: &str) -> Vec<Value> {
        if line.trim().is_empty() {
            return Vec::new();
        }
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            return vec![error(Value::Null, -32700, "this is no JSON", None)];
        };
        match (
            message.get("method").and_then(Value::as_str),
            message.get("id"),
        ) {
            (Some(method), Some(id)) => self.asked(method, id.clone(), &message),
            (Some(method), None) => {
                let steps = self.book.noticed(method);
                self.play(steps)
            }
            (None, Some(id)) => self.answered(&id.clone()),
            (None, None) => vec![error(Value::Null, -32600, "this is no message", None)],
        }
    }

    fn asked(&mut self, method: &str, id: Value, message: &Value) -> Vec<Value> {
        let params = message.get("params");
        match self.book.find(method, params) {
            Found::Steps(steps) => {
                let token = params.and_then(|p| p.pointer("/_meta/progressToken"));
                let steps = steps
                    .into_iter()
                    .filter_map(|step| step.for_client(&id, token));
                self.play(steps.collect())
            }
            Found::Missing {
                known,
                why,
                nearest,
            } => {
                let code = if known { -32602 } else { -32601 };
                vec![error(id, code, &why, nearest)]
            }
        }
    }

    /// The client has answered a request of the server's: whoever waited for it goes on.
    fn answered(&mut self, id: &Value) -> Vec<Value> {
        let waits = |play: &Play| play.waits.as_ref() == Some(id);
        match self.plays.iter().position(waits) {
            Some(at) => {
                let play = self.plays.remove(at);
                self.play(play.steps)
            }
            None => Vec::new(),
        }
    }

    fn play(&mut self, mut steps: VecDeque<Step>) -> Vec<Value> {
        let mut said = Vec::new();
        while let Some(step) = steps.pop_front() {
            let waits = match &step {
                Step::Ask(message) => message.get("id").cloned(),
                Step::Say(_) | Step::Answer(_) => None,
            };
            said.push(step.message());
            if waits.is_some() {
                self.plays.push(Play { steps, waits });
                break;
            }
        }
        said
    }
}

fn error(id: Value, code: i64, message: &str, data: Option<Value>) -> Value {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(members)) = (data, error.as_object_mut()) {
        members.insert("data".to_owned(), data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_odd_bytes_is_answered_and_not_the_end() {
        let input = b"\xff\xfe\n{\"id\":1,\"method\":\"ping\"}\n{\"id\":2,\"method\":\"ping\"}";
        let mut out = Vec::new();
        talk(Book::default(), &input[..], &mut out).expect("answered");
        let out = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 3, "{out}");
        assert!(lines[0].contains("-32700") && lines[2].contains("\"id\":2"));
    }
}
