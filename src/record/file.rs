//! The file itself: a thread that writes, so that nobody waits for a disk, and the lines of a file for whoever reads it.
//!
//! Impure. What cannot be written in time is counted, and the count is written where it is missing. Opened by `cli`, fed by the
//! terminal's loop, the driver and the tap.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::ids::Moment;
use crate::record::form::{Clean, Header, Lost, name};
use crate::record::held::{Body, Held, Line, Said};
use crate::record::read::{Reader, Recording};
use crate::text::clean;

/// Bytes that may wait for the disk before records of the wire are left out, and before events are.
const WIRE_WAITS: usize = 32 << 20;
const EVENTS_WAIT: usize = 128 << 20;
/// What the end of the program waits for a disk that hangs.
const CLOSING: Duration = Duration::from_secs(5);

/// The longest line of a file that is read, and the longest file.
pub const MOST_LINE: u64 = 64 << 20;
/// See [`MOST_LINE`].
pub const MOST_FILE: u64 = 2 << 30;

enum Job {
    Line {
        name: &'static str,
        at: Moment,
        body: String,
        said: Said,
    },
    Close(Moment, Sender<()>),
}

/// The open file. Cheap to clone; never waits but in [`Sink::close`].
#[derive(Clone)]
pub struct Sink {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    jobs: Sender<Job>,
    /// Bytes that wait for the thread.
    waiting: AtomicUsize,
    lost_wire: AtomicU64,
    lost_events: AtomicU64,
    failed: Mutex<Option<String>>,
}

impl Sink {
    /// Makes the file, for the owner's eyes alone, writes the header, and starts the thread. A file that is there is refused.
    ///
    /// # Errors
    /// When it is there already, cannot be made, or the thread not started.
    pub fn create(path: &Path, header: &Header, clean: Box<dyn Clean>) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let mut value = serde_json::to_value(header)?;
        clean.value(&mut value);
        file.write_all(clean::json(value.to_string()).as_bytes())?;
        file.write_all(b"\n")?;
        let (jobs, queue) = mpsc::channel();
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            jobs,
            waiting: AtomicUsize::new(0),
            lost_wire: AtomicU64::new(0),
            lost_events: AtomicU64::new(0),
            failed: Mutex::default(),
        });
        let writer = Writer {
            out: BufWriter::new(file),
            sync: File::sync_data,
            failed: false,
            held: Held::new(clean),
            // The thread ends when the last sink is gone: it may not hold one itself.
            shared: Arc::downgrade(&shared),
        };
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || writer.run(&queue))?;
        Ok(Self { shared })
    }

    /// Writes an entry, after the secrets in it have been taken out.
    pub fn put(&self, name: &'static str, at: Moment, body: &impl Serialize, said: Said) {
        let (limit, lost) = match name {
            name::WIRE => (WIRE_WAITS, &self.shared.lost_wire),
            _ => (EVENTS_WAIT, &self.shared.lost_events),
        };
        let sent = serde_json::to_string(body).is_ok_and(|body| {
            let size = body.len();
            let before = self.shared.waiting.fetch_add(size, Ordering::Relaxed);
            let job = Job::Line {
                name,
                at,
                body,
                said,
            };
            let fits = before + size <= limit && self.shared.jobs.send(job).is_ok();
            if !fits {
                self.shared.waiting.fetch_sub(size, Ordering::Relaxed);
            }
            fits
        });
        if !sent {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes the end and waits until all is in the file.
    ///
    /// # Errors
    /// What went wrong since the start, as a sentence.
    pub fn close(&self, at: Moment) -> Result<(), String> {
        let path = self.shared.path.display();
        let not_whole = |why: &str| Err(format!("the recording {path} is not whole: {why}"));
        let (done, waits) = mpsc::channel();
        if self.shared.jobs.send(Job::Close(at, done)).is_err()
            || waits.recv_timeout(CLOSING).is_err()
        {
            return not_whole("the disk does not answer");
        }
        let failed = self.shared.failed.lock();
        match failed.unwrap_or_else(PoisonError::into_inner).as_deref() {
            Some(why) => not_whole(why),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sink({})", self.shared.path.display())
    }
}

struct Writer<W: Write> {
    out: BufWriter<W>,
    sync: fn(&W) -> io::Result<()>,
    /// Nothing is written behind a line that the disk took a part of: the file would not be good up to there any more.
    failed: bool,
    held: Held,
    shared: std::sync::Weak<Shared>,
}

impl<W: Write> Writer<W> {
    fn run(mut self, queue: &Receiver<Job>) {
        loop {
            let job = match queue.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) => {
                    self.note(|out| out.flush());
                    queue.recv().ok()
                }
                Err(TryRecvError::Disconnected) => None,
            };
            match job {
                Some(Job::Line {
                    name,
                    at,
                    body,
                    said,
                }) => self.line(name, at, body, said),
                Some(Job::Close(at, done)) => {
                    self.end(at);
                    let _asker_gone = done.send(());
                    // What comes later belongs to no session: the end is the last line.
                    return;
                }
                None => {
                    let rest = self.held.finish();
                    return self.write(rest);
                }
            }
        }
    }

    fn line(&mut self, entry: &'static str, at: Moment, body: String, said: Said) {
        if let Some(shared) = self.shared.upgrade() {
            shared.waiting.fetch_sub(body.len(), Ordering::Relaxed);
        }
        self.tell_lost(at);
        let body = match entry {
            // What is on the wire has passed the redactor of its connection.
            name::WIRE => Some(Body::Clean(body)),
            _ => readable(&body).map(Body::Value),
        };
        match (body, self.shared.upgrade()) {
            (Some(body), _) => {
                let free = self.held.push(entry, at, body, said);
                self.write(free);
            }
            (None, Some(shared)) => {
                shared.lost_events.fetch_add(1, Ordering::Relaxed);
                self.tell_lost(at);
            }
            (None, None) => {}
        }
    }

    fn tell_lost(&mut self, at: Moment) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let lost = Lost {
            wire: shared.lost_wire.swap(0, Ordering::Relaxed),
            events: shared.lost_events.swap(0, Ordering::Relaxed),
        };
        if let (true, Ok(body)) = (lost.is_any(), serde_json::to_value(lost)) {
            let body = Body::Value(body);
            let free = self.held.push(name::LOST, at, body, Said::Whole);
            self.write(free);
        }
    }

    fn end(&mut self, at: Moment) {
        self.tell_lost(at);
        let mut rest = self.held.finish();
        rest.push(Line {
            name: name::END,
            at,
            body: Body::Value(Value::Bool(true)),
        });
        self.write(rest);
        let sync = self.sync;
        self.note(|out| out.flush().and_then(|()| sync(out.get_ref())));
    }

    fn write(&mut self, lines: Vec<Line>) {
        for line in lines {
            let body = match line.body {
                Body::Clean(body) => body,
                Body::Value(body) => body.to_string(),
            };
            let text = format!("{{\"at\":{},\"{}\":{body}}}", line.at.0, line.name);
            let mut text = clean::json(text);
            text.push('\n');
            if !self.failed {
                self.note(|out| out.write_all(text.as_bytes()));
            }
        }
    }

    /// Does something with the file and keeps the first error of all.
    fn note(&mut self, act: impl FnOnce(&mut BufWriter<W>) -> io::Result<()>) {
        let Err(error) = act(&mut self.out) else {
            return;
        };
        self.failed = true;
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let mut failed = shared.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() {
            tracing::warn!(%error, "the recording is not whole");
            *failed = Some(error.to_string());
        }
    }
}

/// A body as it will stand in its line, one level deeper: what is nested too deeply for a reader would make the file unreadable.
fn readable(body: &str) -> Option<Value> {
    let [value] = serde_json::from_str::<[Value; 1]>(&format!("[{body}]")).ok()?;
    Some(value)
}

/// Hands the lines of a file on, each without its end and with whether it had one. What is not UTF-8 in them is replaced.
///
/// # Errors
/// What the system says of the file, that it or a line of it is too long, or what `take` says.
pub fn lines(
    path: &Path,
    mut take: impl FnMut(&str, bool) -> Result<(), String>,
) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > MOST_FILE {
        return Err(format!("it has {size} bytes, and {MOST_FILE} are the most"));
    }
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let mut part = Read::take(&mut reader, MOST_LINE);
        part.read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.is_empty() {
            return Ok(());
        }
        let whole = line.last() == Some(&b'\n');
        if !whole && line.len() as u64 == MOST_LINE {
            return Err(format!(
                "line {number} is longer than {MOST_LINE} bytes, which are the most"
            ));
        }
        let text = String::from_utf8_lossy(&line);
        take(text.trim_end_matches(['\n', '\r']), whole)?;
    }
    Ok(())
}

/// Reads a recording.
///
/// # Errors
/// What is wrong with the file, as a sentence with its path.
pub fn load(path: &Path) -> Result<Recording, String> {
    let mut reader = Reader::default();
    lines(path, |line, whole| reader.take(line, whole))
        .and_then(|()| reader.finish())
        .map_err(|why| format!("the recording {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::form::What;

    struct Nothing;

    impl Clean for Nothing {
        fn text(&self, text: &str) -> String {
            text.to_owned()
        }

        fn value(&self, _: &mut Value) {}
    }

    /// A disk that is full once, after so many bytes.
    struct Full {
        written: Vec<u8>,
        room: Option<usize>,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = match self.room {
                Some(0) => {
                    self.room = None;
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Some(room) => room.min(bytes.len()),
                None => bytes.len(),
            };
            self.room = self.room.map(|room| room - taken);
            self.written.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is in the file when each of these bodies was to be written, and what the recording says of itself.
    fn written(bodies: &[String], room: Option<usize>) -> (String, Option<String>) {
        let shared = Arc::new(Shared {
            path: PathBuf::new(),
            jobs: mpsc::channel().0,
            waiting: AtomicUsize::new(bodies.iter().map(String::len).sum()),
            lost_wire: AtomicU64::new(0),
            lost_events: AtomicU64::new(0),
            failed: Mutex::default(),
        });
        let written = Vec::new();
        let mut writer = Writer {
            out: BufWriter::new(Full { written, room }),
            sync: |_| Ok(()),
            failed: false,
            held: Held::new(Box::new(Nothing)),
            shared: Arc::downgrade(&shared),
        };
        for body in bodies {
            writer.line(name::APP, Moment(1), body.clone(), Said::Whole);
        }
        writer.end(Moment(2));
        let text = String::from_utf8_lossy(&writer.out.get_ref().written).into_owned();
        let failed = shared.failed.lock().unwrap().clone();
        (text, failed)
    }

    fn read(text: &str) -> Result<Recording, String> {
        let head =
            r#"{"mcpdeck_recording":1,"program":"1","kind":"terminal","started":"","start":{}}"#;
        let mut reader = Reader::default();
        reader.take(head, true)?;
        for line in text.split_inclusive('\n') {
            reader.take(line.trim_end(), line.ends_with('\n'))?;
        }
        reader.finish()
    }

    #[test]
    fn a_disk_that_is_full_for_a_while_leaves_a_file_that_can_be_read() {
        let long = Value::from("x".repeat(20_000)).to_string();
        let bodies = [r#""a""#.to_owned(), long, r#""b""#.to_owned()];
        let (text, failed) = written(&bodies, Some(10_000));
        assert!(failed.is_some());
        let recording = read(&text).expect("good up to its last whole line");
        assert_eq!(recording.entries.len(), 1);
        assert!(recording.cut.is_some() && !recording.is_whole());
        // The same with room for all of it.
        let (text, failed) = written(&bodies, None);
        assert_eq!((failed, read(&text).unwrap().entries.len()), (None, 4));
    }

    #[test]
    fn what_is_nested_too_deeply_to_be_read_again_is_counted() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for (levels, lost) in [(100, 0), (126, 0), (127, 1), (200, 1)] {
            let (text, _) = written(&[nested(levels), r#""b""#.to_owned()], None);
            let recording = read(&text).expect("it can be read");
            assert_eq!(recording.lost.events, lost, "{levels} levels");
            let events = recording.entries.iter();
            let events = events.filter(|entry| matches!(entry.what, What::App(_)));
            assert_eq!(events.count() as u64, 2 - lost);
            assert!(recording.is_whole());
        }
    }
}
