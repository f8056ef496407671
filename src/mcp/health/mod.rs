//! How well a server does, from samples: each finished call, each probe, each end and each burst on stderr is one.
//!
//! Pure; time comes as an argument. Bounded: the last 100 calls, the last 20 probes, a quarter of an hour by minutes
//! (`minutes`), and what its tools usually take (`usual`). Whether it is slow or failing is read from them in `judging`; what all
//! of it comes to is for `verdict` to say.

mod judging;
mod minutes;
mod usual;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::Moment;

pub use judging::{Failing, Slowness};
use minutes::Minutes;
use usual::Usuals;

/// Calls kept for each server.
const WINDOW: usize = 100;
/// Probes kept for each server.
const PROBES: usize = 20;
/// A server that has been slow for so long is not: that is what it takes now.
const GETS_USED: Duration = Duration::from_secs(30 * 60);
/// Probes that a server which never answered one may leave unanswered before silence means something.
const NEVER_ANSWERED: u32 = 3;
/// Characters of an error that are kept.
const ERROR: usize = 2_000;

/// The samples of one server and what they come to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Health {
    calls_kept: VecDeque<Sample>,
    probes: VecDeque<Sample>,
    #[serde(skip)]
    minutes: Minutes,
    #[serde(skip)]
    usual: Usuals,
    /// The last thing that went wrong, as a sentence; kept when later calls are well.
    pub last_error: Option<String>,
    /// Calls finished since the program started.
    pub calls: u64,
    /// How many of them went wrong (`isError` among them).
    pub errors: u64,
    /// Calls in a row that went wrong, the newest.
    pub in_a_row: u32,
    /// When it answered anything last: a call, also with an error, or a probe.
    pub last_good: Option<Moment>,
    /// Times that it ended by itself after it had been there.
    pub exits: u64,
    /// Probes that it has left unanswered since it answered anything.
    missed: u32,
    /// What its connection makes of probes.
    listens: Listens,
    /// Since when it is slow.
    slow_since: Option<Moment>,
}

/// What a connection makes of probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
enum Listens {
    /// It has not answered one yet.
    #[default]
    Unknown,
    /// It has answered one: silence means something.
    Yes,
    /// It answers calls and no probes.
    No,
}

/// One finished call or probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When it was over.
    pub at: Moment,
    /// From sending to the answer, without the time in which the server waited for a person.
    pub took: Duration,
    /// What came of it.
    pub end: Finish,
    /// What its tool usually took by then, where that was known.
    usual: Option<Duration>,
}

/// What came of a call, as far as it says something of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was answered.
    Good,
    /// It was answered with an error, of the tool or of the protocol: proof that the server lives.
    Error,
    /// There was no answer, or none that could be read.
    Lost,
}

/// How long calls took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
}

/// The last 15 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Quarter {
    /// How long its answered calls took; absent without any.
    pub latency: Option<Latency>,
    /// Calls.
    pub calls: u64,
    /// Calls that went wrong.
    pub errors: u64,
    /// Times that the server ended by itself.
    pub exits: u64,
    /// Lines on its stderr.
    pub stderr: u64,
}

/// What a server's process group uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Processes.
    pub count: u32,
    /// Resident bytes of all; what they share is counted for each.
    pub resident: u64,
}

impl Health {
    /// Takes in a finished call of this tool.
    pub fn call(
        &mut self,
        tool: &str,
        took: Duration,
        end: Finish,
        error: Option<String>,
        now: Moment,
    ) {
        let wrong = end != Finish::Good;
        self.calls += 1;
        self.errors += u64::from(wrong);
        self.in_a_row = if wrong { self.in_a_row + 1 } else { 0 };
        let sample = self.sample(tool, took, end, now);
        push(&mut self.calls_kept, sample, WINDOW);
        self.minutes.call(now, took, end);
        if end != Finish::Lost {
            self.answered(now);
            if self.listens == Listens::Unknown && self.missed > 0 {
                self.listens = Listens::No;
            }
            self.missed = 0;
        }
        if let Some(error) = error {
            self.went_wrong(error);
        }
    }

    /// Takes in an answered probe.
    pub fn probe(&mut self, took: Duration, now: Moment) {
        let sample = self.sample("", took, Finish::Good, now);
        push(&mut self.probes, sample, PROBES);
        self.answered(now);
        (self.missed, self.listens) = (0, Listens::Yes);
    }

    /// Takes in a probe without an answer.
    pub fn missed(&mut self, error: String) {
        self.missed = self.missed.saturating_add(1);
        self.went_wrong(error);
    }

    /// A connection stands that has said nothing to probes yet.
    pub fn connected(&mut self, now: Moment) {
        (self.missed, self.listens) = (0, Listens::Unknown);
        self.answered(now);
    }

    /// It has ended by itself after it had been there.
    pub fn exited(&mut self, now: Moment) {
        self.exits += 1;
        self.minutes.exited(now);
    }

    /// It has written so many lines to stderr since the last time that was looked.
    pub fn stderr(&mut self, lines: u64, now: Moment) {
        if lines > 0 {
            self.minutes.stderr(now, lines);
        }
    }

    /// Keeps what went wrong.
    pub fn went_wrong(&mut self, error: String) {
        let error = match error.char_indices().nth(ERROR) {
            Some((end, _)) => error[..end].to_owned(),
            None => error,
        };
        self.last_error = Some(error);
    }

    /// It has been judged. To what it takes while it is slow one gets used only after a while.
    pub fn judged(&mut self, slow: bool, now: Moment) {
        self.slow_since = slow.then(|| self.slow_since.unwrap_or(now));
    }

    fn answered(&mut self, now: Moment) {
        self.last_good = Some(now);
    }

    fn sample(&mut self, tool: &str, took: Duration, end: Finish, now: Moment) -> Sample {
        let usual = self.usual.p95(tool);
        let is_odd = usual.is_some_and(|usual| judging::is_slow(took, usual, false));
        let since = self.slow_since.map(|since| now.since(since));
        let gets_used = since.is_some_and(|slow| slow >= GETS_USED);
        // What it says no with is quick, and what it loses is long.
        if end == Finish::Good && (!is_odd || gets_used) {
            self.usual.learn(tool, took);
        }
        Sample {
            at: now,
            took,
            end,
            usual,
        }
    }

    /// The last calls, oldest first; where there was none, the last probes.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Sample> + ExactSizeIterator {
        self.kept().iter()
    }

    fn kept(&self) -> &VecDeque<Sample> {
        match self.calls_kept.is_empty() {
            true => &self.probes,
            false => &self.calls_kept,
        }
    }

    /// The latency that this share (0.0 to 1.0) of the last 100 calls that were answered stays within, by the nearest-rank
    /// method; of the probes where there was no call; absent without any.
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let answered = self.kept().iter().filter(|s| s.end != Finish::Lost);
        nearest(&mut answered.map(|s| s.took).collect::<Vec<_>>(), share)
    }

    /// How long the last 100 calls took that were answered; the probes, where there was no call.
    pub fn latency(&self) -> Option<Latency> {
        Some(Latency {
            p50: self.percentile(0.5)?,
            p95: self.percentile(0.95)?,
            p99: self.percentile(0.99)?,
        })
    }

    /// Whether the latency is that of calls, and not of probes.
    pub fn is_of_calls(&self) -> bool {
        !self.calls_kept.is_empty()
    }

    /// The last 15 minutes.
    pub fn quarter(&self, now: Moment) -> Quarter {
        self.minutes.quarter(now)
    }

    /// How often it ended by itself in the last 15 minutes.
    pub fn exits_lately(&self, now: Moment) -> u64 {
        self.minutes.exits(now)
    }

    /// The share of the last 100 calls that went wrong, 0.0 to 1.0; absent without calls.
    pub fn error_rate(&self) -> Option<f64> {
        let wrong = self.calls_kept.iter().filter(|s| s.end != Finish::Good);
        let wrong = wrong.count();
        (!self.calls_kept.is_empty()).then(|| wrong as f64 / self.calls_kept.len() as f64)
    }

    /// Whether it leaves unanswered what it would have to answer.
    pub fn is_silent(&self) -> bool {
        match self.listens {
            Listens::Yes => self.missed > 0,
            Listens::Unknown => self.missed >= NEVER_ANSWERED,
            Listens::No => false,
        }
    }
}

fn push(samples: &mut VecDeque<Sample>, sample: Sample, most: usize) {
    if samples.len() == most {
        samples.pop_front();
    }
    samples.push_back(sample);
}

/// By the nearest-rank method.
fn nearest(took: &mut [Duration], share: f64) -> Option<Duration> {
    took.sort_unstable();
    let rank = (share * took.len() as f64).ceil() as usize;
    took.get(rank.saturating_sub(1).min(took.len().saturating_sub(1)))
        .copied()
}

#[cfg(test)]
mod tests;
