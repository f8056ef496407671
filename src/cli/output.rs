//! The only place that writes to stdout and stderr. A closed pipe is no error: whoever read has read enough. What else keeps stdout
//! from being written, such as a full disk, is told at the end, and the exit code says so.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::cli::error::{CliError, ErrorKind};
use crate::mcp::wire::redact::Redactor;
use crate::text::clean;

/// Bytes of JSON that are cleaned at a time.
const PIECE: usize = 64 * 1024;

/// What the configuration calls a secret, from the moment that it is read.
static SECRETS: OnceLock<Arc<Redactor>> = OnceLock::new();

/// From now on no secret of the configuration is shown on a screen.
pub fn hide(secrets: Arc<Redactor>) {
    let _known_already = SECRETS.set(secrets);
}

/// Why something could not be written to stdout.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// Whether somebody still reads what is written.
fn heard(written: io::Result<()>) -> bool {
    match &written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _told_once = UNWRITTEN.set(error.to_string());
        }
        Ok(()) | Err(_) => {}
    }
    written.is_ok()
}

/// The exit code of a run that else ends with this one.
pub fn closing(code: ExitCode) -> ExitCode {
    match UNWRITTEN.get() {
        Some(why) if code == ExitCode::SUCCESS => error(
            &CliError::new(
                ErrorKind::Server,
                format!("stdout could not be written: {why}"),
            )
            .hint("what was written is not whole; make room, or write to another file"),
        ),
        Some(_) | None => code,
    }
}

fn shown(text: &str) -> Cow<'_, str> {
    match SECRETS.get() {
        Some(secrets) => secrets.hide(text),
        None => Cow::Borrowed(text),
    }
}

/// Writes data to stdout: as it is into a pipe or a file, without the secrets of the configuration onto a screen. A closed pipe
/// ends quietly.
pub fn data(text: &str) {
    let mut out = io::stdout().lock();
    let text = match out.is_terminal() {
        true => shown(text),
        false => Cow::Borrowed(text),
    };
    heard(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes whole lines of data to stdout: a text that does not end with a line break gets one; an empty one is no line.
pub fn lines(text: &str) {
    data(text);
    if !text.is_empty() && !text.ends_with('\n') {
        data("\n");
    }
}

/// Writes one JSON document, indented.
pub fn json(document: &impl Serialize) {
    streamed(document, PrettyFormatter::new());
}

/// Writes one JSON value on a line of its own. Whether somebody still reads.
pub fn event(event: &impl Serialize) -> bool {
    streamed(event, CompactFormatter)
}

/// Writes JSON as it comes to be: an answer of many megabytes is not held a second time as text.
fn streamed(value: &impl Serialize, format: impl Formatter) -> bool {
    let out = io::stdout().lock();
    if out.is_terminal() {
        let mut text = Vec::new();
        let _memory = write_json(&mut text, value, format);
        data(&String::from_utf8_lossy(&text));
        return true;
    }
    let mut out = BufWriter::new(out);
    heard(write_json(&mut out, value, format).and_then(|()| out.flush()))
}

fn write_json(out: impl Write, value: &impl Serialize, format: impl Formatter) -> io::Result<()> {
    let mut cleaned = Cleaned(out);
    value.serialize(&mut Serializer::with_formatter(&mut cleaned, format))?;
    cleaned.0.write_all(b"\n")
}

/// Takes JSON in pieces that end between two characters, as its serializer gives them, and passes them on cleaned.
struct Cleaned<W>(W);

impl<W: Write> Write for Cleaned<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        let text = match std::str::from_utf8(piece) {
            Ok(text) => text,
            // The piece ends inside a character: as far as it is whole.
            Err(error) => std::str::from_utf8(&piece[..error.valid_up_to()]).unwrap_or_default(),
        };
        self.0.write_all(clean::json(text.to_owned()).as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes bytes to stdout as they are, for whoever asked for just that.
pub fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    heard(out.write_all(bytes).and_then(|()| out.flush()));
}

/// Writes one line for people to stderr.
pub fn note(text: &str) {
    let _closed_pipe = writeln!(io::stderr().lock(), "{}", shown(text));
}

/// Prints a failure with its hints and gives its exit code.
pub fn error(error: &CliError) -> ExitCode {
    note(&format!("error: {}", clean::block(&error.message)));
    for hint in &error.hints {
        note(&format!("hint: {}", clean::block(hint)));
    }
    ExitCode::from(error.kind.code())
}

/// Prints what `clap` has to say: help to stdout with 0, a refusal to stderr with 2.
pub fn usage(refusal: &clap::Error) -> ExitCode {
    if refusal.use_stderr() {
        let _closed_pipe = write!(io::stderr().lock(), "{refusal}");
        return ExitCode::from(2);
    }
    data(&refusal.to_string());
    ExitCode::SUCCESS
}
