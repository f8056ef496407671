//! `mcpdeck export FILE --format har|otlp`: what passed on the wire, for the tools that people have for HTTP and for traces.

mod har;
mod otlp;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, ValueEnum};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::{output, recorded};
use crate::ids::Moment;
use crate::mcp::wire::exchange;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// HTTP Archive 1.2: an entry for each request with its answer, and for each notification
    Har,
    /// OTLP as JSON (`ExportTraceServiceRequest`): a span for each request with its answer
    Otlp,
}

/// `mcpdeck export ...`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// What `--record` or `--wire-log` wrote
    pub file: PathBuf,
    /// How it is written
    #[arg(long, value_enum)]
    pub format: Format,
    /// Write it to this new file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The wall clock of a recording.
struct Wall(DateTime<Utc>);

impl Wall {
    fn at(&self, moment: Moment) -> DateTime<Utc> {
        let micros = i64::try_from(moment.0).unwrap_or(i64::MAX);
        let at = self.0.checked_add_signed(TimeDelta::microseconds(micros));
        at.unwrap_or(self.0)
    }

    fn text(&self, moment: Moment) -> String {
        self.at(moment).to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// Nanoseconds since 1970, as OTLP writes them.
    fn nanos(&self, moment: Moment) -> String {
        let nanos = self.at(moment).timestamp_nanos_opt();
        nanos.unwrap_or_default().to_string()
    }
}

/// Writes the wire in another form.
pub fn run(args: &ExportArgs) -> Result<ExitCode, CliError> {
    let frames = recorded::frames(&args.file)?;
    let started = DateTime::parse_from_rfc3339(&frames.started);
    let wall = Wall(started.map_or(DateTime::UNIX_EPOCH, |time| time.to_utc()));
    let found = exchange::exchanges(&frames.records);
    if found.all.is_empty() {
        let what = format!("{}: nothing passed on a wire in it", args.file.display());
        return Err(CliError::new(ErrorKind::Usage, what)
            .hint("record a session in which a server is called"));
    }
    let document = match args.format {
        Format::Har => har::document(&found, &wall),
        Format::Otlp => otlp::document(&found, &wall, &frames.started),
    };
    match &args.out {
        None => output::json(&document),
        Some(path) => write(path, &document)?,
    }
    if found.others > 0 {
        output::note(&format!(
            "left out: {} lines that are no message or belong to none, such as stderr",
            found.others
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, document: &serde_json::Value) -> Result<(), CliError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let written = file.and_then(|mut file| {
        serde_json::to_writer_pretty(&mut file, document)?;
        file.write_all(b"\n")
    });
    written.map_err(|error| {
        CliError::new(
            ErrorKind::Usage,
            format!("cannot write {}: {error}", path.display()),
        )
        .hint("give --out a new file in a folder that exists and can be written to")
    })
}
