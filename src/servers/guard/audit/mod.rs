//! The record of calls: a line before each call, durable before it runs, and a line after it; a call that cannot be recorded does
//! not run. Called by `Guard`.
//!
//! `chain` (a line's form) and `verify` (whether a log is whole) are pure; `files` and `book` are the files; a thread of its own
//! owns the book, so that the lines of many calls share one sync. No line holds an argument or a token: arguments stand as a
//! keyed digest, tokens by their `jti`.

mod book;
mod chain;
mod files;
mod verify;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use aws_lc_rs::hmac;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use crate::servers::guard::options::AuditOptions;
use book::Book;

pub use chain::{Head, append, canonical};
pub use files::{beside, head, older};
pub use verify::{Broken, Report, Walk};

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
        let key = files::key(&options.path).map_err(named)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let mark = chain::hex(hmac::sign(&key, b"mcpdeck audit key").as_ref());
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
        let written = written.await;
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
        format!("hmac-sha256:{}", chain::hex(tag.as_ref()))
    }

    fn send(&self, job: Job) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.as_ref() {
            // A receiver that is gone drops the job, and who waits for it hears that.
            let _ = sender.send(job);
        }
    }
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
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(MOST_AT_ONCE));
        let mut lines = std::mem::take(&mut waiting);
        let mut ends = lines.len();
        let mut asked: Vec<(usize, Done)> = Vec::new();
        let mut flushes = Vec::new();
        // Lines that nobody waits for come first: they end calls, and stay when the write fails.
        let (soon, durable): (Vec<Job>, Vec<Job>) = batch
            .into_iter()
            .partition(|job| matches!(job, Job::Line(_, None)));
        for job in soon.into_iter().chain(durable) {
            match job {
                Job::Line(line, None) => {
                    lines.push(line);
                    ends += 1;
                }
                Job::Line(line, Some(done)) => {
                    asked.push((lines.len(), done));
                    lines.push(line);
                }
                Job::Flush(done) => flushes.push(done),
            }
        }
        let kept = lines.get(..ends).map(<[_]>::to_vec).unwrap_or_default();
        let written = if lines.is_empty() {
            Ok(Vec::new())
        } else {
            book.append(lines)
        };
        if written.is_err() {
            waiting = kept;
            waiting.truncate(MOST_WAITING);
        }
        answer(&written, asked, flushes);
    }
    if !waiting.is_empty() {
        // The last try; whoever reads the log sees the calls without an end.
        let _ = book.append(waiting);
    }
}

fn answer(written: &Result<Vec<u64>, String>, asked: Vec<(usize, Done)>, flushes: Vec<Done>) {
    for (at, done) in asked {
        let number = match written {
            Ok(numbers) => numbers
                .get(at)
                .copied()
                .ok_or_else(|| "it was not written".to_owned()),
            Err(why) => Err(why.clone()),
        };
        let _ = done.send(number);
    }
    for done in flushes {
        let _ = done.send(written.as_ref().map(|_| 0).map_err(Clone::clone));
    }
}
