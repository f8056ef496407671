//! Recordings on the command line: where one is begun, and how files are read, both those of `--record` and of `--wire-log`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::app::recorded::Start;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::output;
use crate::config::{Config, Provider};
use crate::driver::Clock;
use crate::host::Settings;
use crate::ids::Moment;
use crate::mcp::wire::record::WireRecord;
use crate::mcp::wire::redact::Redactor;
use crate::record::form::VERSION;
use crate::record::{Header, Kind, Reader, Recording, Sink, What, file, read};

/// Begins the recording that `--record` asks for; what `redactor` knows stands nowhere in it.
///
/// # Errors
/// When the file is there already or cannot be made.
pub fn begin(
    global: &Global,
    start: &Start,
    kind: Kind,
    clock: Clock,
    redactor: Arc<Redactor>,
) -> Result<Option<Sink>, CliError> {
    let Some(path) = &global.record else {
        return Ok(None);
    };
    let began: chrono::DateTime<chrono::Utc> = clock.wall(Moment(0)).into();
    let header = Header {
        mcpdeck_recording: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        kind,
        started: began.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        start: start.to_write(),
    };
    let sink = Sink::create(path, &header, Box::new(redactor));
    sink.map(Some).map_err(|error| {
        let shown = path.display();
        let refused = |what: String| CliError::new(ErrorKind::Usage, what);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                refused(format!("--record {shown}: the file is there already"))
                    .hint("give a new file: a recording never writes over another")
            }
            _ => refused(format!("cannot write the recording {shown}: {error}"))
                .hint("give --record a new file in a folder that exists and can be written to"),
        }
    })
}

/// `--record` where no session runs: the file would never be there.
pub fn misplaced() -> CliError {
    let what = "--record keeps a session, and this command runs none";
    CliError::new(ErrorKind::Usage, what)
        .hint("give it to `mcpdeck`, `demo`, `inspect`, `ask`, `call`, `test` or `proxy`")
}

/// Ends the recording, after all else has ended in this way.
///
/// # Errors
/// What went wrong before, else what went wrong with the recording.
pub fn end(sink: Option<Sink>, closed: Result<(), String>, clock: Clock) -> Result<(), String> {
    let written = sink.map_or(Ok(()), |sink| sink.close(clock.now()));
    match (closed, written) {
        (Err(first), Err(second)) => Err(format!("{first}; {second}")),
        (first, second) => first.and(second),
    }
}

/// What a headless run begins with.
pub fn headless(config: &Config, settings: &Settings) -> Start {
    Start {
        config: Arc::new(config.clone()),
        settings: settings.clone(),
        size: (120, 40),
        here: crate::app::Here {
            folder: std::env::current_dir().unwrap_or_default(),
            home: std::env::home_dir(),
        },
        opening: None,
        inspect: None,
        attached: None,
        asks: None,
    }
}

/// What the program begins with where nothing is its own but the look at a proxy's wire: no server, no model, no configuration.
pub fn attached(behind: String) -> Start {
    let mut config = Config::default();
    config.model.provider = Provider::None;
    Start {
        attached: Some(behind),
        ..headless(&config, &Settings::default())
    }
}

/// Reads a recording; what is odd about it goes to stderr.
///
/// # Errors
/// When it cannot be read or is none.
pub fn load(path: &Path) -> Result<Recording, CliError> {
    let recording = file::load(path).map_err(|why| {
        CliError::new(ErrorKind::Usage, why).hint(
            "give a file that `mcpdeck --record FILE` wrote; `mcpdeck replay --help` says how",
        )
    })?;
    for note in recording.notes() {
        output::note(&format!("note: {note}"));
    }
    Ok(recording)
}

/// What passed on the wire, and when that was.
#[derive(Debug, Default)]
pub struct Frames {
    /// The records in order.
    pub records: Vec<WireRecord>,
    /// The wall-clock time of moment 0, as RFC 3339.
    pub started: String,
}

/// Reads the wire out of a recording, or a file of `--wire-log`.
///
/// # Errors
/// When the file cannot be read or is neither.
pub fn frames(path: &Path) -> Result<Frames, CliError> {
    let refused = |why: String| {
        CliError::new(ErrorKind::Usage, format!("{}: {why}", path.display()))
            .hint("give a file of `--record` or of `--wire-log`")
    };
    let mut log: Option<Log> = None;
    let mut reader = Reader::default();
    file::lines(path, |line, whole| {
        let is_first = log.is_none() && !reader.has_begun();
        if is_first && !read::is_header(line) {
            log = Some(Log::default());
        }
        match &mut log {
            Some(log) => log.take(line, whole),
            None => reader.take(line, whole),
        }
    })
    .map_err(refused)?;
    match log {
        Some(log) => Ok(log.frames),
        None => of_recording(reader.finish().map_err(refused)?).map_err(refused),
    }
}

fn of_recording(recording: Recording) -> Result<Frames, String> {
    for note in recording.notes() {
        output::note(&format!("note: {note}"));
    }
    let mut records = Vec::new();
    for entry in recording.entries {
        if let What::Wire(body) = entry.what {
            let record = serde_json::from_value(body);
            records.push(record.map_err(|error| format!("line {}: {error}", entry.line))?);
        }
    }
    Ok(Frames {
        records,
        started: recording.header.started,
    })
}

/// The lines of a wire log as they are taken.
#[derive(Default)]
struct Log {
    frames: Frames,
    begun: Option<chrono::DateTime<chrono::FixedOffset>>,
    line: usize,
    doubt: Option<String>,
}

impl Log {
    fn take(&mut self, line: &str, whole: bool) -> Result<(), String> {
        self.line += 1;
        if let Some(doubt) = self.doubt.take() {
            return Err(doubt);
        }
        match (self.record(line), whole) {
            (Ok(()), _) => Ok(()),
            (Err(why), true) => Err(why),
            // The last line may break off.
            (Err(why), false) if self.line > 1 => {
                self.doubt = Some(why);
                Ok(())
            }
            (Err(why), false) => Err(why),
        }
    }

    fn record(&mut self, line: &str) -> Result<(), String> {
        let number = self.line;
        let odd = |why: String| format!("line {number} is of no recording and no wire log: {why}");
        let mut value: Value =
            serde_json::from_str(line).map_err(|error| odd(error.to_string()))?;
        let time = value.get("time").and_then(Value::as_str);
        let time = time.ok_or_else(|| odd("it has no `time`".to_owned()))?;
        let time = chrono::DateTime::parse_from_rfc3339(time)
            .map_err(|error| odd(format!("`time`: {error}")))?;
        let begun = *self.begun.get_or_insert_with(|| {
            self.frames.started = time.to_rfc3339();
            time
        });
        let since = (time - begun).to_std().unwrap_or(Duration::ZERO);
        let kind = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.insert("at".to_owned(), Moment::from_start(since).0.into());
            // In a wire log the kind stands beside the rest.
            members.insert("kind".to_owned(), kind);
        }
        let record = WireRecord::deserialize(&value).map_err(|error| odd(error.to_string()))?;
        self.frames.records.push(record);
        Ok(())
    }
}
