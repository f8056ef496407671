//! The program's own log: `tracing` to a file a day in the data directory, the last seven kept, never to the terminal.
//!
//! The file is made with the first line. Every line passes the redactor, and is one line whatever was in it. Called by `setup`
//! once the configuration is known; `terminal::guard` gives the terminal back after a panic, which stands here as well.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::LogLevel;
use crate::mcp::wire::redact::Redactor;

/// Days that are kept.
const DAYS: usize = 7;
/// The variable that wins over `[log] level`.
const VARIABLE: &str = "MCPDECK_LOG";

/// Begins the log; what fails leaves the program without one. Only the first call counts.
pub fn begin(folder: PathBuf, level: LogLevel, redactor: Arc<Redactor>) {
    let level = std::env::var(VARIABLE)
        .ok()
        .and_then(|word| LogLevel::parse(&word))
        .unwrap_or(level);
    let filter = match level {
        LogLevel::Off => return,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What libraries say is of interest when something is wrong, and may be long and many otherwise.
    let others = filter.min(LevelFilter::WARN);
    let file = LogFile {
        inner: Arc::new(Mutex::new(Place::Folder(folder))),
        redactor,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_target(false)
        .with_writer(file);
    let targets = Targets::new()
        .with_target("mcpdeck", filter)
        .with_default(others);
    let subscriber = tracing_subscriber::registry().with(targets).with(lines);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        hook_panics();
    }
}

/// A panic is written down before anything else is done about it.
fn hook_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            tracing::error!("panic: {info}");
            before(info);
        }));
    });
}

/// Where the lines go.
enum Place {
    Folder(PathBuf),
    File(RollingFileAppender),
    /// The file could not be made; nobody is told twice.
    Nowhere,
}

#[derive(Clone)]
struct LogFile {
    inner: Arc<Mutex<Place>>,
    redactor: Arc<Redactor>,
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = self.line(bytes);
        let mut place = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Place::Folder(folder) = &*place {
            *place = open(folder);
        }
        if let Place::File(file) = &mut *place {
            file.write_all(line.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogFile {
    /// One event without secrets, as one line.
    fn line(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let text = self.redactor.redact(text.trim_end_matches('\n'));
        let mut line = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            match c {
                c if c.is_control() => line.extend(c.escape_default()),
                c => line.push(c),
            }
        }
        line.push('\n');
        line
    }
}

fn open(folder: &std::path::Path) -> Place {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    let file = builder.create(folder).ok().and_then(|()| {
        let builder = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("mcpdeck")
            .filename_suffix("log")
            .max_log_files(DAYS);
        builder.build(folder).ok()
    });
    file.map_or(Place::Nowhere, Place::File)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_without_secrets_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = LogFile {
            inner: Arc::new(Mutex::new(Place::Folder(folder.path().join("logs")))),
            redactor: Arc::new(Redactor::new(["hunter22"])),
        };
        assert!(!folder.path().join("logs").exists());
        let said = "a hunter22\nERROR forged\u{1b}[2J ghp_0123456789012345678901\n";
        file.write_all(said.as_bytes()).unwrap();
        let mut files = std::fs::read_dir(folder.path().join("logs")).unwrap();
        let written = std::fs::read_to_string(files.next().unwrap().unwrap().path()).unwrap();
        assert_eq!(written, "a ***\\nERROR forged\\u{1b}[2J ghp_***\n");
        assert!(files.next().is_none());
    }

    #[test]
    fn a_folder_that_cannot_be_made_costs_the_log_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let in_the_way = folder.path().join("file");
        std::fs::write(&in_the_way, "").unwrap();
        let mut file = LogFile {
            inner: Arc::new(Mutex::new(Place::Folder(in_the_way))),
            redactor: Arc::default(),
        };
        assert_eq!(file.write(b"a line\n").unwrap(), 7);
    }
}
