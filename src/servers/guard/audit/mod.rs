//! The record of calls: a line before each call, durable before it runs, and a line after it; a call that cannot be recorded does
//! not run. Called by `Guard`.
//!
//! A line's form and whether a log is whole are the business of [`crate::chain`]; `book` is the open log; a thread of its own
//! owns the book, so that the lines of many calls share one sync.
//!
//! Events: `opened` and `continued` (the start of a process, of a file; `torn` and `unanchored` say what the start found), `call`
//! (`subject`, `token`, `tool`, `arguments`, `decision`), `end` (the number of its `call`, `outcome`, `ms`), `denied` (at most 60 a
//! minute for each subject and for all strangers together; then `unrecorded` counts). Outcomes: `done`, `failed` (the tool says so),
//! `error` (the protocol does), `timeout`, `stopped`, `abandoned` (nobody waits for it any more), `left before it ran`.
//!
//! No line holds an argument or a token. Tokens stand by their `jti`, arguments as HMAC-SHA256 over their JSON with sorted names,
//! under a random key in `FILE.key`: a plain digest of a guessable argument gives it away. Destroy the key and they say nothing.
//!
//! What `verify` finds: a line changed, removed, inserted or moved; a file missing in between; a missing end, by `FILE.head`, which
//! a chain alone cannot show. A start after a crash goes on with the chain and notes the half line; a log whose end is missing is
//! not gone on with. What it cannot find: who can write all the files can write another history that is whole in itself, so keep
//! heads elsewhere (`mcpdeck audit head`, `audit verify --expect-head`). And nothing is said of what a tool does beside its answer.

mod book;
mod key;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use aws_lc_rs::hmac;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::chain::hex;
use crate::servers::guard::options::AuditOptions;
use book::Book;

pub use crate::chain::{Broken, Head, Report, Walk, append, beside, canonical, head, older};

type Done = oneshot::Sender<Result<u64, String>>;

/// Lines that could not be written and wait for room; more are lost, and their calls stay without an end.
const MOST_WAITING: usize = 10_000;
/// Lines of one write.
const MOST_AT_ONCE: usize = 512;

enum Job {
    /// A line, and who waits for it.
    Line(Map<String, Value>, Option<Done>),
    /// Answers when all before it is written.
    Flush(Done),
}

/// An open log.
#[derive(Debug)]
pub struct Audit {
    sender: Mutex<Option<Sender<Job>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    key: hmac::Key,
}

impl Audit {
    /// Opens the log of the options.
    ///
    /// # Errors
    /// It cannot be written; a sentence that names it.
    pub fn open(options: &AuditOptions) -> Result<Self, String> {
        let named =
            |e: std::io::Error| format!("cannot record to `{}`: {e}", options.path.display());
        let key = key::key(&options.path).map_err(named)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let mark = hex(hmac::sign(&key, b"mcpdeck audit key").as_ref());
        let mark = mark.get(..16).unwrap_or_default();
        let book = Book::open(options, mark).map_err(named)?;
        let (sender, jobs) = channel();
        let worker = std::thread::Builder::new().name("audit".to_owned());
        let worker = worker.spawn(move || work(book, &jobs)).map_err(named)?;
        Ok(Self {
            sender: Mutex::new(Some(sender)),
            worker: Mutex::new(Some(worker)),
            key,
        })
    }

    /// Writes a line and waits until it is durable; gives its number.
    ///
    /// # Errors
    /// It could not be written; a sentence.
    pub async fn durable(&self, line: Map<String, Value>) -> Result<u64, String> {
        let (done, written) = oneshot::channel();
        self.send(Job::Line(line, Some(done)));
        let mut heard = Heard {
            audit: self,
            written,
        };
        let written = (&mut heard.written).await;
        written.unwrap_or_else(|_| Err("the record of calls is closed".to_owned()))
    }

    /// Writes a line soon.
    pub fn soon(&self, line: Map<String, Value>) {
        self.send(Job::Line(line, None));
    }

    /// Waits until all lines so far are durable.
    ///
    /// # Errors
    /// They could not be written; a sentence.
    pub async fn flush(&self) -> Result<(), String> {
        let (done, written) = oneshot::channel();
        self.send(Job::Flush(done));
        let written = written.await;
        let written = written.unwrap_or_else(|_| Err("the record of calls is closed".to_owned()));
        written.map(|_| ())
    }

    /// What stands for arguments: who has the key beside the log can check a guess, nobody else.
    pub fn digest(&self, arguments: &Value) -> String {
        let tag = hmac::sign(&self.key, canonical(arguments).as_bytes());
        format!("hmac-sha256:{}", hex(tag.as_ref()))
    }

    fn send(&self, job: Job) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.as_ref() {
            // A receiver that is gone drops the job, and who waits for it hears that.
            let _ = sender.send(job);
        }
    }
}

/// Somebody who waits for a line. When he leaves before he heard of it, the call that it begins gets its end all the same.
struct Heard<'a> {
    audit: &'a Audit,
    written: oneshot::Receiver<Result<u64, String>>,
}

impl Drop for Heard<'_> {
    fn drop(&mut self) {
        self.written.close();
        if let Ok(Ok(call)) = self.written.try_recv() {
            self.audit.soon(never_ran(call));
        }
    }
}

/// The end of a call whose caller left before it ran.
fn never_ran(call: u64) -> Map<String, Value> {
    let pairs = [
        ("event", Value::from("end")),
        ("call", call.into()),
        ("outcome", "left before it ran".into()),
        ("ms", 0.into()),
    ];
    pairs
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

impl Drop for Audit {
    fn drop(&mut self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(worker) = worker {
            let _ = worker.join();
        }
    }
}

/// Writes what comes until nobody can send any more.
fn work(mut book: Book, jobs: &Receiver<Job>) {
    let mut waiting: Vec<Map<String, Value>> = Vec::new();
    while let Ok(first) = jobs.recv() {
        let mut lines = std::mem::take(&mut waiting);
        let mut batch = Batch::default();
        for job in [first]
            .into_iter()
            .chain(jobs.try_iter().take(MOST_AT_ONCE))
        {
            batch.sort(job, &mut lines);
        }
        waiting = batch.write(&mut book, lines);
    }
    if !waiting.is_empty() {
        // The last try; whoever reads the log sees the calls without an end.
        let _ = book.append(waiting);
    }
}

/// What is written at once, by who waits for it.
#[derive(Default)]
struct Batch {
    asked: Vec<(Map<String, Value>, Done)>,
    flushes: Vec<Done>,
}

impl Batch {
    fn sort(&mut self, job: Job, lines: &mut Vec<Map<String, Value>>) {
        match job {
            Job::Line(line, None) => lines.push(line),
            Job::Line(line, Some(done)) => self.asked.push((line, done)),
            Job::Flush(done) => self.flushes.push(done),
        }
    }

    /// Writes the lines that nobody waits for, which end calls, before the others; gives back what is still to be written.
    fn write(self, book: &mut Book, mut lines: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
        let ends = lines.len();
        let mut kept = lines.clone();
        let (asked, done): (Vec<_>, Vec<_>) = self.asked.into_iter().unzip();
        lines.extend(asked);
        let written = if lines.is_empty() {
            Ok(Vec::new())
        } else {
            book.append(lines)
        };
        if written.is_ok() {
            kept.clear();
        }
        kept.truncate(MOST_WAITING);
        for (at, done) in done.into_iter().enumerate() {
            let number = match &written {
                Ok(numbers) => numbers
                    .get(ends + at)
                    .copied()
                    .ok_or_else(|| "it was not written".to_owned()),
                Err(why) => Err(why.clone()),
            };
            // A caller who has left meanwhile does not run; the line that says so is written with those that wait.
            if let Err(Ok(call)) = done.send(number) {
                kept.push(never_ran(call));
            }
        }
        let mut flushed = written.map(|_| 0);
        if flushed.is_ok() && !kept.is_empty() {
            flushed = book.append(std::mem::take(&mut kept)).map(|_| 0);
        }
        for done in self.flushes {
            let _ = done.send(flushed.clone());
        }
        kept
    }
}
