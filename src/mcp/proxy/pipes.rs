//! Two pairs of pipes joined: a client on ours, its server as a child on the other. Bytes pass as they are and at once.
//!
//! The child has our whole environment, our signals, and our end has its exit code: to the client it is as if it had started the
//! server itself. It also ends where we are killed outright. The tap sees lines, and only delays them where the wire log's disk is behind.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr};
use tokio::signal::unix::{Signal as Heard, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::transport::LONGEST_MESSAGE;
use crate::mcp::transport::child::{Program, not_started};
use crate::mcp::transport::supervise;
use crate::mcp::wire::lines::{Line, LineSplitter};
use crate::mcp::wire::record::{Direction, WireKind, classify};
use crate::mcp::wire::tap::ConnectionTap;

/// How much of an over-long line is recorded.
const LONG_LINE_KEPT: usize = 64 * 1024;
/// The longest line of stderr that is recorded as one.
const STDERR_LINE: usize = 4 * 1024;
/// How long what a child has written may still take to come once it has ended; a grandchild can hold the pipes.
const DRAIN: Duration = Duration::from_secs(2);

/// The signals that are passed on.
const PASSED: [(i32, Signal); 6] = [
    (1, Signal::HUP),
    (2, Signal::INT),
    (3, Signal::QUIT),
    (10, Signal::USR1),
    (12, Signal::USR2),
    (15, Signal::TERM),
];

/// Starts the program and joins it to our own stdin, stdout and stderr, until it has ended.
///
/// # Errors
/// When it cannot be started.
pub async fn run(program: &Program, tap: &ConnectionTap) -> Result<ExitStatus, Box<Failure>> {
    // Before the child is there: a signal in between would end us and not it.
    let mut signals = Signals::listen();
    let mut child = program.spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        let why = "the child has no pipes";
        return Err(Box::new(Failure::new(FailureKind::Spawn, why)));
    };
    let lines = |direction| Lines::new(direction, tap.clone());
    let up = pump(tokio::io::stdin(), stdin, lines(Direction::Out));
    tokio::spawn(async move {
        if up.await == Over::Deaf {
            // The server no longer reads: the client shall notice, as it would have.
            close_stdin();
        }
    });
    let down = pump(stdout, tokio::io::stdout(), lines(Direction::In));
    let mut down = tokio::spawn(async move {
        if down.await == Over::Ended {
            close_stdout();
        }
    });
    let mut err = tokio::spawn(errors(stderr, lines(Direction::Stderr)));
    let status = until_ended(&mut child, &mut signals).await;
    drained(&mut down).await;
    if let Some(Some(error)) = drained(&mut err).await {
        return Err(Box::new(not_started(
            &error,
            &program.file,
            program.display(),
        )));
    }
    status.map_err(|error| {
        let why = format!("the end of the server cannot be known: {error}");
        Box::new(Failure::new(FailureKind::Exited, why))
    })
}

/// What came of a task; nothing where a grandchild holds its pipe.
async fn drained<T>(task: &mut JoinHandle<T>) -> Option<T> {
    timeout(DRAIN, task).await.ok()?.ok()
}

/// Passes on what the server writes to stderr, but for the one word of the supervisor, which is why it could not be started.
async fn errors(mut stderr: ChildStderr, lines: Lines) -> Option<io::Error> {
    let mut first = [0; 1024];
    let count = stderr.read(&mut first).await.unwrap_or(0);
    let first = &first[..count];
    if let Some(number) = first.strip_prefix(supervise::REFUSED.as_bytes()) {
        let number = String::from_utf8_lossy(number).trim().parse();
        return Some(io::Error::from_raw_os_error(number.unwrap_or(0)));
    }
    pump(first.chain(stderr), tokio::io::stderr(), lines).await;
    None
}

/// Waits for the end of the child, and passes on what comes for it.
async fn until_ended(child: &mut Child, signals: &mut Signals) -> io::Result<ExitStatus> {
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    let group = group.and_then(Pid::from_raw);
    loop {
        tokio::select! {
            status = child.wait() => return status,
            signal = signals.next() => {
                if let Some(group) = group {
                    let _already_gone = kill_process_group(group, signal);
                }
            }
        }
    }
}

/// Lets go of our stdin: whoever writes to it is told that nobody reads.
fn close_stdin() {
    if let Ok(null) = std::fs::File::open("/dev/null") {
        let _kept_open = rustix::stdio::dup2_stdin(&null);
    }
}

/// Lets go of our stdout: whoever reads it comes to its end.
fn close_stdout() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _kept_open = rustix::stdio::dup2_stdout(&null);
    }
}

/// Whether there is a process of this number, whosever it is.
pub fn is_there(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// Ends this process as the child has ended: by the same signal, or with the same code.
pub fn end_like(status: ExitStatus) -> u8 {
    if let Some(code) = status.code() {
        return u8::try_from(code & 0xff).unwrap_or(1);
    }
    let number = status.signal().unwrap_or(9);
    let _killed_below = signal_hook::low_level::emulate_default_handler(number);
    u8::try_from(128 + number).unwrap_or(u8::MAX)
}

/// The signals that come for us and are meant for the server.
struct Signals(Vec<(Signal, Heard)>);

impl Signals {
    fn listen() -> Self {
        let listen = |(number, passed): &(i32, Signal)| {
            let heard = signal(SignalKind::from_raw(*number)).ok()?;
            Some((*passed, heard))
        };
        Self(PASSED.iter().filter_map(listen).collect())
    }

    async fn next(&mut self) -> Signal {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let waits = self.0.iter_mut().map(|(passed, heard)| {
            let passed = *passed;
            Box::pin(async move {
                heard.recv().await;
                passed
            })
        });
        futures::future::select_all(waits).await.0
    }
}

/// Why nothing passes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// One side has said all.
    Ended,
    /// The other side does not read any more.
    Deaf,
}

/// Passes bytes on as they come, each read as one write, and shows their lines to the tap first: what a message causes cannot be
/// recorded before it. Ends with either side; the other side's end is then dropped, which closes it.
pub async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut lines: Lines,
) -> Over {
    let mut buffer = vec![0; 64 * 1024];
    let over = loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break Over::Ended,
            Ok(count) => count,
        };
        lines.see(&buffer[..count]).await;
        let written = async {
            to.write_all(&buffer[..count]).await?;
            to.flush().await
        };
        if written.await.is_err() {
            break Over::Deaf;
        }
    };
    lines.finish().await;
    let _already_closed = to.shutdown().await;
    over
}

/// What passes in one direction, as lines for the tap.
pub struct Lines {
    splitter: LineSplitter,
    direction: Direction,
    tap: ConnectionTap,
}

impl Lines {
    /// Lines of one direction.
    pub fn new(direction: Direction, tap: ConnectionTap) -> Self {
        let splitter = match direction {
            Direction::Stderr => LineSplitter::new(STDERR_LINE, STDERR_LINE),
            Direction::In | Direction::Out => LineSplitter::new(LONGEST_MESSAGE, LONG_LINE_KEPT),
        };
        Self {
            splitter,
            direction,
            tap,
        }
    }

    async fn see(&mut self, bytes: &[u8]) {
        for line in self.splitter.push(bytes) {
            self.record(&line).await;
        }
    }

    async fn finish(&mut self) {
        if let Some(line) = self.splitter.finish() {
            self.record(&line).await;
        }
    }

    async fn record(&self, line: &Line) {
        let bytes = match line.too_long {
            true => LONGEST_MESSAGE + 1,
            false => line.text.len(),
        };
        match self.direction {
            Direction::Stderr => {
                let text = self.tap.redacted_stderr(&line.text);
                let kind = WireKind::Stderr;
                self.tap.record(Direction::Stderr, kind, bytes, &text).await;
            }
            direction => {
                let kind = classify(direction, line.text.trim_start_matches('\u{feff}'));
                self.tap.record(direction, kind, bytes, &line.text).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::duplex;

    use super::*;
    use crate::ids::{Generation, ServerName};
    use crate::mcp::wire::redact::Redactor;
    use crate::mcp::wire::tap::Tap;

    /// What comes out when bytes go in by pieces, through pipes of this size.
    fn passed(pieces: &[Vec<u8>], size: usize) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tap =
                Tap::none().connection(ServerName::new("s"), Generation(1), Redactor::default());
            let (mut ours, from) = duplex(size);
            let (to, mut theirs) = duplex(size);
            let write = async {
                for piece in pieces {
                    ours.write_all(piece).await.unwrap();
                }
                drop(ours);
            };
            let mut out = Vec::new();
            let read = theirs.read_to_end(&mut out);
            let pump = pump(from, to, Lines::new(Direction::Out, tap));
            let (_, read, over) = tokio::join!(write, read, pump);
            assert!(read.is_ok() && over == Over::Ended);
            out
        })
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_come_out_as_they_went_in(
            pieces in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..60), 0..12),
            size in 1usize..64,
        ) {
            prop_assert_eq!(passed(&pieces, size), pieces.concat());
        }
    }

    #[test]
    fn a_side_that_no_longer_reads_is_told() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tap =
                Tap::none().connection(ServerName::new("s"), Generation(1), Redactor::default());
            let (mut ours, from) = duplex(64);
            let (to, theirs) = duplex(64);
            drop(theirs);
            ours.write_all(b"x").await.unwrap();
            let over = pump(from, to, Lines::new(Direction::Out, tap)).await;
            assert_eq!(over, Over::Deaf);
        });
    }
}
