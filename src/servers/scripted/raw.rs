//! The bytes of a scripted server: lines, floods of lines, pieces of lines, and what is no text at all.
//!
//! Nothing here knows what a message is. Only the scripted server uses it.

use std::io::Write;
use std::time::Duration;

use tokio::time::sleep;

use super::script::Rule;

/// So many lines of a flood go out between two looks at what comes in.
const FLOOD: usize = 64;
/// What is written of a long line at a time.
const PIECE: usize = 64 * 1024;

/// What stands for the request in the raw texts of a rule.
pub(super) struct Marks {
    /// Its id, as JSON writes it.
    pub(super) id: String,
    /// Its progress token, likewise.
    pub(super) token: String,
}

impl Marks {
    /// Writes everything of a rule that comes before its answer.
    pub(super) async fn write(&self, rule: &Rule) {
        for number in 0..rule.repeat.unwrap_or(1) {
            let number_text = number.to_string();
            for line in &rule.stdout {
                out_line(&self.fill(line).replace("{n}", &number_text));
            }
            if rule.every_ms > 0 {
                sleep(Duration::from_millis(rule.every_ms)).await;
            } else if number % FLOOD == FLOOD - 1 {
                // The end of stdin ends a flood, too.
                tokio::task::yield_now().await;
            }
        }
        err_lines(&rule.stderr);
        if let Some(text) = &rule.raw {
            out(self.fill(text).as_bytes());
        }
        out(&rule.bytes);
        let begin = format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":""#,
            self.id
        );
        if let Some(bytes) = rule.long_line {
            out(begin.as_bytes());
            many(b'x', bytes);
            out(b"\n");
        }
        if let Some(depth) = rule.nest {
            out(begin.trim_end_matches('"').as_bytes());
            many(b'[', depth);
            many(b']', depth);
            out(b"}}\n");
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{id}", &self.id)
            .replace("{token}", &self.token)
    }
}

/// One line, at once or byte by byte.
pub(super) async fn drip(line: &str, wait_ms: u64) {
    if wait_ms == 0 {
        return out_line(line);
    }
    for byte in line.bytes().chain([b'\n']) {
        out(&[byte]);
        sleep(Duration::from_millis(wait_ms)).await;
    }
}

fn many(byte: u8, mut count: usize) {
    let piece = [byte; PIECE];
    while count > 0 {
        let now = count.min(PIECE);
        out(&piece[..now]);
        count -= now;
    }
}

/// A closed pipe is no failure: the client has gone.
fn out(bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let mut out = std::io::stdout().lock();
    let _closed_pipe = out.write_all(bytes).and_then(|()| out.flush());
}

/// One line on stdout. A closed pipe is no failure: the client has gone.
pub(super) fn out_line(line: &str) {
    let mut out = std::io::stdout().lock();
    let _closed_pipe = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Lines on stderr.
pub(super) fn err_lines(lines: &[String]) {
    let mut err = std::io::stderr().lock();
    for line in lines {
        let _closed_pipe = writeln!(err, "{line}");
    }
}
