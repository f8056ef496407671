//! `--wire-log FILE`: a thread of its own that writes lines, so that no connection waits for a disk.
//!
//! Nothing is dropped: when the disk is slower than the wire the bounded queue holds the connections back. Secrets are taken out on
//! that thread, before anything is written. Used by `tap` alone.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::mcp::wire::passed::Passed;
use crate::mcp::wire::record::WireRecord;
use crate::text::clean;

/// Lines that may wait for the disk.
const QUEUE: usize = 1024;
/// Bytes for which one place in the queue stands: a longer line waits until as many are free.
const PLACE: usize = 16 * 1024;

enum Job {
    Line(Box<Passed>, DateTime<Utc>),
    Flush(oneshot::Sender<Option<String>>),
}

/// The open file. Cheap to clone; the thread ends with the last clone.
#[derive(Clone)]
pub struct WireFile {
    jobs: mpsc::Sender<Job>,
}

impl WireFile {
    /// Opens the file for the owner's eyes alone and starts its thread. What it holds already stays: lines are added.
    ///
    /// # Errors
    /// When the file cannot be made or the thread not started.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("wire-log".to_owned())
            .spawn({
                let path = path.to_path_buf();
                move || write_all(file, &path, queue)
            })?;
        Ok(Self { jobs })
    }

    /// Queues what has passed just now; waits while the queue is full.
    pub(super) async fn put(&self, passed: Passed) {
        let places = (passed.weight() / PLACE + 1).min(QUEUE);
        let job = Job::Line(Box::new(passed), Utc::now());
        if let Ok(mut permits) = self.jobs.reserve_many(places).await
            && let Some(permit) = permits.next()
        {
            permit.send(job);
        }
    }

    /// Waits until everything queued so far is in the file.
    ///
    /// # Errors
    /// The first error of the writing since the start, as a sentence.
    pub async fn flush(&self) -> Result<(), String> {
        let (done, waits) = oneshot::channel();
        if self.jobs.send(Job::Flush(done)).await.is_err() {
            return Err("the wire log's thread has ended".to_owned());
        }
        match waits.await {
            Ok(None) => Ok(()),
            Ok(Some(error)) => Err(error),
            Err(_) => Err("the wire log's thread has ended".to_owned()),
        }
    }
}

impl std::fmt::Debug for WireFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WireFile")
    }
}

fn write_all(file: File, path: &Path, mut queue: mpsc::Receiver<Job>) {
    let mut out = BufWriter::new(file);
    let mut failed: Option<String> = None;
    while let Some(job) = queue.blocking_recv() {
        let mut note = |result: io::Result<()>| {
            if let Err(error) = result {
                failed.get_or_insert_with(|| {
                    format!("the wire log {} is not whole: {error}", path.display())
                });
            }
        };
        match job {
            Job::Line(passed, time) => {
                let line = line(passed.seen(usize::MAX), time);
                note(
                    out.write_all(line.as_bytes())
                        .and_then(|()| out.write_all(b"\n")),
                );
                if queue.is_empty() {
                    note(out.flush());
                }
            }
            Job::Flush(done) => {
                note(out.flush());
                let _asker_gone = done.send(failed.clone());
            }
        }
    }
}

/// One line of the file.
fn line(record: WireRecord, time: DateTime<Utc>) -> String {
    let mut line = json!({
        "time": time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "seq": record.seq,
        "server": record.server,
        "generation": record.generation,
        "direction": record.direction,
    });
    if let (Some(line), Ok(serde_json::Value::Object(kind))) =
        (line.as_object_mut(), serde_json::to_value(&record.kind))
    {
        line.extend(kind);
        line.insert("bytes".to_owned(), record.bytes.into());
        line.insert("text".to_owned(), record.text.into());
        if let Some(carried) = record.carried.and_then(|it| serde_json::to_value(it).ok()) {
            line.insert("http".to_owned(), carried);
        }
    }
    clean::json(line.to_string())
}
