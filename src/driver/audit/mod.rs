//! The client's record of calls: a thread of its own waits for the disk, so that no call does.
//!
//! `ledger` is the file. What could not be written is kept and tried again with the next line; the person is told at the first
//! failure. Used by `perform`; impure.

mod ledger;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::driver::audit::ledger::{Ledger, Line, now};
use crate::host::{AuditFrame, AuditRecord, HostEvent};
use crate::ids::CallId;
use crate::mcp::wire::redact::Redactor;

/// Lines of one write.
const AT_ONCE: usize = 512;
/// Lines that wait for a disk that takes none; more are lost, and counted.
const WAITING: usize = 10_000;
/// How long the end of the program waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

enum Job {
    Line(Option<CallId>, Line, bool),
    Close(oneshot::Sender<Result<(), String>>),
}

/// The record of calls of this program. Dropping it writes what is left.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    redactor: Arc<Redactor>,
    events: mpsc::Sender<HostEvent>,
    run: String,
    thread: Option<(Sender<Job>, JoinHandle<()>)>,
    failed: Option<String>,
}

impl Audit {
    /// A record at this path; file and thread are made with the first line.
    pub fn new(path: PathBuf, redactor: Arc<Redactor>, events: mpsc::Sender<HostEvent>) -> Self {
        let run = format!(
            "{}-{}",
            std::process::id(),
            chrono::Utc::now().timestamp_millis()
        );
        Self {
            path,
            redactor,
            events,
            run,
            thread: None,
            failed: None,
        }
    }

    /// Writes a line soon.
    pub fn record(&mut self, record: &AuditRecord) {
        let (call, ends) = (record.call, record.end.is_some());
        let mut line = json!({
            "event": if ends { "ended" } else { "sent" },
            "time": now(),
            "run": self.run,
            "call": record.call,
            "by": if record.by_model { "model" } else { "hand" },
            "server": record.server,
            "launch": record.launch,
            "method": record.method.wire(),
            "tool": record.tool,
            "arguments": format!("sha256:{}", record.arguments),
            "ruled_by": record.ruling.by,
            "why": record.ruling.why,
        });
        if let Some(end) = &record.end {
            line["outcome"] = end.outcome.as_str().into();
            line["ms"] = u64::try_from(end.took.as_millis())
                .unwrap_or(u64::MAX)
                .into();
            line["sent"] = end.sent.into();
            line["cached"] = end.cached.into();
            if let Some(error) = &end.error {
                line["error"] = error.as_str().into();
            }
            if let Some(cause) = &end.why {
                line["cause"] = cause.as_str().into();
            }
        }
        self.redactor.json(&mut line);
        if let serde_json::Value::Object(line) = line {
            self.send(Job::Line(Some(call), line, ends));
        }
    }

    /// Writes a line soon of a frame that is sent as it stands. What came of it is on the wire alone.
    pub fn frame(&mut self, frame: &AuditFrame) {
        let mut line = json!({
            "event": "frame",
            "time": now(),
            "run": self.run,
            "frame": frame.errand,
            "by": "hand",
            "server": frame.server,
            "launch": frame.launch,
            "method": frame.method,
            "tool": frame.tool,
            "arguments": format!("sha256:{}", frame.frame),
            "ruled_by": "hand",
            "why": "written as a raw frame on the wire",
        });
        self.redactor.json(&mut line);
        if let serde_json::Value::Object(line) = line {
            self.send(Job::Line(None, line, true));
        }
    }

    /// Writes all that is left; calls that were sent and have no end are written down as unknown.
    ///
    /// # Errors
    /// What could not be written, and why.
    pub async fn close(mut self) -> Result<(), String> {
        if self.thread.is_none() {
            return self.failed.take().map_or(Ok(()), Err);
        }
        let (done, closed) = oneshot::channel();
        self.send(Job::Close(done));
        match timeout(PATIENCE, closed).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("the record of calls was not written to its end".to_owned()),
            Err(_) => {
                // The thread hangs in the disk; joining it would hang here.
                self.thread = None;
                let path = self.path.display();
                Err(format!(
                    "the record of calls {path} was not written within 5 s"
                ))
            }
        }
    }

    fn send(&mut self, job: Job) {
        if self.thread.is_none() && self.failed.is_none() {
            let (sender, jobs) = channel();
            let writer = Writer {
                ledger: Ledger::new(self.path.clone(), self.run.clone()),
                path: self.path.clone(),
                events: self.events.clone(),
                waiting: Vec::new(),
                open: BTreeMap::new(),
                lost: 0,
                failing: false,
            };
            let thread = std::thread::Builder::new().name("audit".to_owned());
            match thread.spawn(move || writer.work(&jobs)) {
                Ok(thread) => self.thread = Some((sender, thread)),
                Err(error) => {
                    let why = format!("The record of calls could not be begun: {error}");
                    let event = HostEvent::SaveFailed {
                        call: None,
                        why: why.clone(),
                    };
                    let _told_at_the_end_too = self.events.try_send(event);
                    self.failed = Some(why);
                }
            }
        }
        if let Some((sender, _)) = &self.thread {
            let _thread_gone = sender.send(job);
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.thread.take() {
            drop(sender);
            let _panicked = thread.join();
        }
    }
}

/// The thread that writes.
struct Writer {
    ledger: Ledger,
    path: PathBuf,
    events: mpsc::Sender<HostEvent>,
    waiting: Vec<Line>,
    /// Calls that were sent and have no end, with the line that says so.
    open: BTreeMap<CallId, Line>,
    lost: usize,
    failing: bool,
}

impl Writer {
    fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut closing = None;
            for job in [first].into_iter().chain(jobs.try_iter().take(AT_ONCE)) {
                match job {
                    Job::Line(call, line, ends) => self.take(call, line, ends),
                    Job::Close(done) => closing = Some(done),
                }
            }
            if closing.is_some() {
                self.end_open();
            }
            let outcome = self.write();
            if let Some(done) = closing {
                let _nobody_waits = done.send(outcome);
                return;
            }
        }
        self.end_open();
        let _nobody_to_tell = self.write();
    }

    fn take(&mut self, call: Option<CallId>, line: Line, ends: bool) {
        match call {
            Some(call) if ends => drop(self.open.remove(&call)),
            Some(call) => drop(self.open.insert(call, line.clone())),
            None => {}
        }
        if self.waiting.len() < WAITING {
            self.waiting.push(line);
        } else {
            self.lost += 1;
        }
    }

    /// The program ends before they did: what came of them nobody knows.
    fn end_open(&mut self) {
        for (_, mut line) in std::mem::take(&mut self.open) {
            let more = [
                ("event", "ended".into()),
                ("time", now().into()),
                ("outcome", "outcome unknown".into()),
                ("sent", true.into()),
                ("cached", false.into()),
                ("cause", "mcpdeck ended before it did".into()),
            ];
            line.extend(more.map(|(name, value)| (name.to_owned(), value)));
            self.waiting.push(line);
        }
    }

    fn write(&mut self) -> Result<(), String> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if self.lost > 0 {
            let line = json!({ "event": "lost", "time": now(), "lines": self.lost });
            self.waiting.extend(line.as_object().cloned());
        }
        match self.ledger.append(&self.waiting) {
            Ok(told) => {
                self.waiting.clear();
                (self.lost, self.failing) = (0, false);
                if let Some(why) = told {
                    self.tell(why);
                }
                Ok(())
            }
            Err(error) => {
                if self.lost > 0 {
                    self.waiting.pop();
                }
                let why = format!(
                    "The record of calls could not be written to {}: {error}; it is tried again with the next call, \
                     and calls go on",
                    self.path.display()
                );
                if !std::mem::replace(&mut self.failing, true) {
                    self.tell(why);
                }
                let (count, path) = (self.waiting.len() + self.lost, self.path.display());
                Err(format!(
                    "{count} lines of the record of calls could not be written to {path}: {error}"
                ))
            }
        }
    }

    fn tell(&self, why: String) {
        tracing::error!("{why}");
        let event = HostEvent::SaveFailed { call: None, why };
        // A host that is that busy hears of it at the end.
        let _full_or_gone = self.events.try_send(event);
    }
}

#[cfg(test)]
mod tests;
