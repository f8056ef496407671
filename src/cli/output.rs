//! The only place that writes to stdout and stderr. A closed pipe is no error: whoever read has read enough.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::cli::error::CliError;
use crate::mcp::wire::redact::Redactor;
use crate::text::clean;

/// What the configuration calls a secret, from the moment that it is read.
static SECRETS: OnceLock<Arc<Redactor>> = OnceLock::new();

/// From now on no secret of the configuration is shown on a screen.
pub fn hide(secrets: Arc<Redactor>) {
    let _known_already = SECRETS.set(secrets);
}

fn shown(text: &str) -> Cow<'_, str> {
    match SECRETS.get() {
        Some(secrets) => Cow::Owned(secrets.hide(text)),
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
    let _closed_pipe = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes whole lines of data to stdout: a text that does not end with a line break gets one; an empty one is no line.
pub fn lines(text: &str) {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    data(&format!("{text}{end}"));
}

/// Writes one JSON document, indented.
pub fn json(document: &Value) {
    data(&clean::json(&format!("{document:#}\n")));
}

/// Writes one JSON value on a line of its own.
pub fn event(event: &Value) {
    data(&clean::json(&format!("{event}\n")));
}

/// Writes bytes to stdout as they are, for whoever asked for just that.
pub fn bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _closed_pipe = out.write_all(bytes).and_then(|()| out.flush());
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
