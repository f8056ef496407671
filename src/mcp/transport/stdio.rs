//! MCP over the pipes of a child process.
//!
//! Four tasks a child: a writer, a reader, a drain of stderr and a keeper that ends it. The tap sees the byte streams, so it also
//! sees what is no message. Nothing but messages is ever written to the child, and no stray line is ever answered.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::fault::{FaultKind, Plan};
use crate::mcp::transport::child::Program;
use crate::mcp::transport::group::Group;
use crate::mcp::transport::keeper::{Keeper, Refused};
use crate::mcp::transport::meddler::{self, Meddler};
use crate::mcp::transport::reader::Reader;
use crate::mcp::transport::supervise;
use crate::mcp::transport::{IN_QUEUE, Inbound, LONGEST_MESSAGE, Link, Notes, OUT_QUEUE, Outgoing};
use crate::mcp::weight;
use crate::mcp::wire::lines::{Line, LineSplitter, head};
use crate::mcp::wire::record::{Direction, WireKind, classify_value};
use crate::mcp::wire::tap::ConnectionTap;

/// How much of an over-long line is kept.
pub(super) const LONG_LINE_KEPT: usize = 64 * 1024;
/// The longest line of stderr.
const STDERR_LINE: usize = 4 * 1024;

/// Starts the program and its tasks.
///
/// # Errors
/// When it cannot be started.
pub fn start(
    program: &Program,
    tap: &ConnectionTap,
    faults: &Meddler,
    tasks: &TaskTracker,
) -> Result<Link, Box<Failure>> {
    joined(program, tap, faults, tasks, |reader| reader)
}

/// The same for whoever passes on what others say: each message comes with its line, and the lab has no hand in it.
///
/// # Errors
/// When it cannot be started.
pub fn start_verbatim(
    program: &Program,
    tap: &ConnectionTap,
    tasks: &TaskTracker,
) -> Result<Link, Box<Failure>> {
    joined(program, tap, &Meddler::default(), tasks, Reader::verbatim)
}

fn joined(
    program: &Program,
    tap: &ConnectionTap,
    faults: &Meddler,
    tasks: &TaskTracker,
    reading: impl FnOnce(Reader) -> Reader,
) -> Result<Link, Box<Failure>> {
    let mut child = program.spawn()?;
    let pipes = Pipes::of(&mut child)?;
    let group = Group::of(&child, program).ok_or_else(without_pipes)?;
    let (out, queue) = mpsc::channel(OUT_QUEUE);
    let (reports, inbound) = mpsc::channel(IN_QUEUE);
    let notes = Notes::new(program.display());
    notes.group(group);
    let keeper = Keeper {
        child,
        group,
        program: (program.file.clone(), program.display()),
        refused: Refused::default(),
        stop: CancellationToken::new(),
        close_stdin: CancellationToken::new(),
        deaf: CancellationToken::new(),
        notes: notes.clone(),
        reports: reports.clone(),
    };
    let (stop, refused) = (keeper.stop.clone(), keeper.refused.clone());
    let stdin = Stdin {
        pipe: pipes.stdin,
        close: keeper.close_stdin.clone(),
        deaf: keeper.deaf.clone(),
        faults: faults.clone(),
        group,
    };
    let reader = reading(Reader::new(reports.clone(), &notes, tap, faults));
    tasks.spawn(write(stdin, queue, reports, tap.clone()));
    let drained = tasks.spawn(drain(pipes.stderr, notes.clone(), tap.clone(), refused));
    let read = tasks.spawn(read(pipes.stdout, reader));
    tasks.spawn(keeper.keep(read, drained));
    Ok(Link {
        out,
        inbound,
        notes,
        stop,
        is_child: true,
        settled: None,
    })
}

/// The ends of a child's pipes that are ours.
struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

impl Pipes {
    fn of(child: &mut Child) -> Result<Self, Box<Failure>> {
        Ok(Self {
            stdin: child.stdin.take().ok_or_else(without_pipes)?,
            stdout: child.stdout.take().ok_or_else(without_pipes)?,
            stderr: child.stderr.take().ok_or_else(without_pipes)?,
        })
    }
}

fn without_pipes() -> Box<Failure> {
    Box::new(Failure::new(FailureKind::Spawn, "the child has no pipes"))
}

/// The child's stdin, and how both sides say that it is over.
struct Stdin {
    pipe: ChildStdin,
    /// Ours: close it.
    close: CancellationToken,
    /// The child's: it has closed its end.
    deaf: CancellationToken,
    /// The faults of the lab.
    faults: Meddler,
    /// The child's processes, which a fault can kill.
    group: Group,
}

impl Stdin {
    /// After a message has gone out: a fault of the lab may kill who got it.
    async fn meddle(&self, message: &Value, reports: &mpsc::Sender<Inbound>, tap: &ConnectionTap) {
        let kill = [FaultKind::Kill];
        if let Some(fault) = self.faults.at_request(message, &kill) {
            let words = Plan::default().words(fault, "");
            meddler::record(tap, Direction::Out, fault, message, &words).await;
            let _connection_gone = reports.send(Inbound::Meddled(fault)).await;
            self.group.kill();
        }
    }
}

async fn write(
    mut stdin: Stdin,
    mut queue: mpsc::Receiver<Outgoing>,
    reports: mpsc::Sender<Inbound>,
    tap: ConnectionTap,
) {
    loop {
        // The queue before the end: a cancellation that was sent just before must still reach the server.
        let outgoing = tokio::select! {
            biased;
            next = queue.recv() => match next {
                Some(outgoing) => outgoing,
                None => return,
            },
            () = stdin.close.cancelled() => return,
        };
        if !outgoing.gate.pass() {
            continue;
        }
        let mut line = outgoing.text();
        let kind = classify_value(&outgoing.message);
        tap.record(Direction::Out, kind, line.len(), &line).await;
        line.push('\n');
        let is_meddled = stdin.faults.is_on();
        stdin.faults.sent(&outgoing.message);
        let written = tokio::select! {
            biased;
            written = write_line(&mut stdin.pipe, line.as_bytes()) => written,
            () = stdin.close.cancelled() => return,
        };
        match (written, outgoing.id) {
            (Ok(()), Some(id)) => {
                let _connection_gone = reports.send(Inbound::Sent(id)).await;
            }
            (Ok(()), None) => {}
            // The child no longer reads. Whether it has ended is the keeper's to find out and to tell.
            (Err(_), _) => return stdin.deaf.cancel(),
        }
        if is_meddled {
            stdin.meddle(&outgoing.message, &reports, &tap).await;
        }
    }
}

async fn write_line(stdin: &mut ChildStdin, line: &[u8]) -> std::io::Result<()> {
    stdin.write_all(line).await?;
    stdin.flush().await
}

async fn drain(
    mut stderr: impl AsyncRead + Unpin,
    notes: Notes,
    tap: ConnectionTap,
    refused: Refused,
) {
    let mut splitter = LineSplitter::new(STDERR_LINE, STDERR_LINE);
    let mut buffer = vec![0; 8 * 1024];
    loop {
        let count = stderr.read(&mut buffer).await.unwrap_or(0);
        let lines: Vec<Line> = match count {
            0 => splitter.finish().into_iter().collect(),
            count => splitter.push(&buffer[..count]),
        };
        for line in lines {
            if let Some(number) = line.text.strip_prefix(supervise::REFUSED) {
                let _told_once = refused.set(number.trim().parse().unwrap_or(0));
                continue;
            }
            let bytes = line.text.len();
            let text = tap.redacted_stderr(&line.text);
            tap.record(Direction::Stderr, WireKind::Stderr, bytes, &text)
                .await;
            notes.stderr(text);
        }
        if count == 0 {
            return;
        }
    }
}

async fn read(mut stdout: impl AsyncRead + Unpin, mut reader: Reader) {
    let mut splitter = LineSplitter::new(LONGEST_MESSAGE, LONG_LINE_KEPT);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match reader.due() {
            None => stdout.read(&mut buffer).await,
            Some(due) => tokio::select! {
                biased;
                count = stdout.read(&mut buffer) => count,
                () = sleep_until(due) => match reader.release().await {
                    true => continue,
                    false => return,
                },
            },
        };
        let count = count.unwrap_or(0);
        let lines: Vec<Line> = match count {
            0 => splitter.finish().into_iter().collect(),
            count => splitter.push(&buffer[..count]),
        };
        for line in lines {
            if !reader.take(line).await {
                return;
            }
        }
        if count == 0 {
            reader.release().await;
            return;
        }
    }
}

/// What a line of stdout means. Noise is noise; but a line that looks like a broken or over-long message may be the answer that
/// somebody waits for, and is reported as such so that nobody waits in vain.
pub(super) fn understand(line: &Line) -> (WireKind, Inbound) {
    let text = line.text.trim_start_matches('\u{feff}');
    if let Some(why) = beyond_reading(line) {
        let id = guess_id(text);
        return (WireKind::NotJson, Inbound::Unreadable { id, why });
    }
    let value = match serde_json::from_str::<Value>(text) {
        Ok(value) => value,
        Err(error) if looks_like_message(text) => {
            let unreadable = Inbound::Unreadable {
                id: guess_id(text),
                why: format!("the server sent a message that is no valid JSON ({error})"),
            };
            return (WireKind::NotJson, unreadable);
        }
        Err(_) => return (WireKind::NotJson, Inbound::Stray(line.text.clone())),
    };
    match classify_value(&value) {
        WireKind::NotMessage => {
            let inbound = match value.get("id").and_then(id_of) {
                Some(id) => Inbound::Unreadable {
                    id: Some(id),
                    why: "the server sent an answer with neither `result` nor `error`".to_owned(),
                },
                None => Inbound::Stray(line.text.clone()),
            };
            (WireKind::NotMessage, inbound)
        }
        kind => (kind, Inbound::Message(value)),
    }
}

/// Why a line is not even tried.
fn beyond_reading(line: &Line) -> Option<String> {
    let most = LONGEST_MESSAGE >> 20;
    if line.too_long {
        Some(format!("the server sent a line of more than {most} MiB"))
    } else {
        weight::is_too_much(&line.text).then(weight::too_much)
    }
}

/// An id of ours: a number, or the same number as text or as `1.0`, which some servers make of it.
pub fn id_of(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.is_f64() => {
            number.to_string().strip_suffix(".0")?.parse().ok()
        }
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn looks_like_message(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains("jsonrpc")
}

/// The id in what is left of a message: the number after the first `"id":`.
pub fn guess_id(text: &str) -> Option<i64> {
    let (_, rest) = head(text, LONG_LINE_KEPT).split_once("\"id\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> Line {
        Line {
            text: text.to_owned(),
            too_long: false,
        }
    }

    #[test]
    fn an_id_is_known_in_each_of_its_spellings() {
        let ids = serde_json::json!([7, "7", 7.0, 7.5, "x", null]);
        let ids: Vec<_> = ids.as_array().unwrap().iter().map(id_of).collect();
        assert_eq!(ids, [Some(7), Some(7), Some(7), None, None, None]);
    }

    #[test]
    fn a_broken_message_is_told_from_noise_and_its_id_is_found() {
        let told = |text: &str| match understand(&line(text)).1 {
            Inbound::Unreadable { id, .. } => format!("broken {id:?}"),
            Inbound::Stray(_) => "stray".to_owned(),
            Inbound::Message(_) => "message".to_owned(),
            other => format!("{other:?}"),
        };
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"#, "broken Some(7)"),
            (
                r#"{"jsonrpc":"2.0","result":{},"id" : "12","x"#,
                "broken Some(12)",
            ),
            ("{'jsonrpc': '2.0', 'id': 3}", "broken None"),
            (r#"{"jsonrpc":"2.0","id":4}"#, "broken Some(4)"),
            (r#"{"id":"5","result":null}"#, "message"),
            ("\u{feff}{\"id\":5,\"result\":1}", "message"),
            ("{ \"a\": nonsense", "stray"),
            ("the jsonrpc server has started", "stray"),
            ("{}", "stray"),
            ("[]", "stray"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(text in any::<String>(), tail in "[\"id: 0-9jsonrpc{}]{0,40}", too_long: bool) {
            understand(&Line { text, too_long });
            understand(&line(&format!("{{\"jsonrpc\"{tail}")));
        }
    }
}
