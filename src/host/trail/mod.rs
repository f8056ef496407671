//! One moment, everywhere: all that is known of a call, or of the time around a frame, on one time line.
//!
//! Pure, made from the host's state and the wire log whenever it is looked at. `steps` are the words for what was decided,
//! `frames` what was on the wire. All text of servers and models in it is raw.

mod frames;
mod steps;

pub use frames::is_on_wire;

use std::time::Duration;

use crate::host::call::ToolCall;
use crate::host::outcome;
use crate::host::state::Host;
use crate::ids::{CallId, Moment, Seq, ServerName};
use crate::mcp::wire::log::WireLog;
use crate::mcp::wire::record::WireRecord;

/// Rows of frames that are shown; of more, the first and the last ones.
const MOST: usize = 1_000;
/// What comes this soon after a call's end still belongs to it: a line of stderr may be slower than the answer.
const AFTER: Duration = Duration::from_millis(100);
/// How far around a moment is looked that no call explains.
const AROUND: Duration = Duration::from_secs(1);

/// What a time line is asked for from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum From {
    /// A call.
    Call(CallId),
    /// A record of the wire: a frame, a line of stderr, noise.
    Record(Seq),
}

/// A time line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trail {
    /// The call that it is about; absent: no call ran at that moment.
    pub call: Option<CallId>,
    /// The server.
    pub server: Option<ServerName>,
    /// What its times count from: the making of the call, or the moment.
    pub zero: Moment,
    /// The rows, oldest first.
    pub rows: Vec<Row>,
    /// The row from which it was asked for.
    pub start: Option<usize>,
    /// Other calls that the same server had at that moment.
    pub beside: Vec<CallId>,
    /// Records in its time that are left out, because they belong to those, or are too many.
    pub left_out: usize,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When; absent where only the order is known.
    pub at: Option<Moment>,
    /// What it is.
    pub mark: Mark,
    /// It in a line.
    pub text: String,
    /// Where all of it is.
    pub whole: Whole,
    /// Its place on the wire.
    pub seq: Option<Seq>,
    /// Whether it is something bad.
    pub bad: bool,
}

/// Where all of a row is to be had: nothing long is copied before somebody wants to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    /// It is its line.
    Line,
    /// This, which is not long.
    Said(String),
    /// The record with its number.
    Record,
    /// The call's arguments.
    Arguments,
    /// What came of the call.
    Result,
    /// What the model reads of it.
    ToModel,
}

/// What a row is. The order is that of rows of the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The person said it.
    Person,
    /// The model said it.
    Model,
    /// The call's arguments.
    Arguments,
    /// The person was asked.
    Asked,
    /// Who decided, and why.
    Ruled,
    /// The cache.
    Cache,
    /// The breaker.
    Breaker,
    /// It waits.
    Waits,
    /// It was given to its server.
    Sent,
    /// To the server.
    Out,
    /// From the server.
    In,
    /// A fault of the lab.
    Fault,
    /// The server's progress.
    Progress,
    /// The task that carries it.
    Task,
    /// HTTP, and what of a stream is no message.
    Http,
    /// The server's stderr.
    Stderr,
    /// What is no message.
    Noise,
    /// It is sent again.
    Again,
    /// What came of it.
    Result,
    /// What the model reads of it.
    ToModel,
    /// Where it is written down.
    Record,
}

impl Mark {
    /// Its name, at most eight letters: legible without colour.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "you",
            Self::Model => "model",
            Self::Arguments => "args",
            Self::Asked => "asked",
            Self::Ruled => "decided",
            Self::Waits => "waits",
            Self::Cache => "cache",
            Self::Breaker => "breaker",
            Self::Sent => "sent",
            Self::Out => "-> out",
            Self::In => "<- in",
            Self::Fault => "! fault",
            Self::Progress => "progress",
            Self::Task => "task",
            Self::Http => "http",
            Self::Stderr => "stderr",
            Self::Noise => "noise",
            Self::Again => "again",
            Self::Result => "result",
            Self::ToModel => "to model",
            Self::Record => "record",
        }
    }
}

impl Row {
    fn new(at: impl Into<Option<Moment>>, mark: Mark, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            at: at.into(),
            mark,
            text,
            whole: Whole::Line,
            seq: None,
            bad: false,
        }
    }

    fn whole(mut self, whole: Whole) -> Self {
        self.whole = whole;
        self
    }

    fn bad(mut self, bad: bool) -> Self {
        self.bad = bad;
        self
    }
}

impl Trail {
    /// The time line of a call, or of the moment of a record; absent when that is not kept any more.
    pub fn of(host: &Host, wire: &WireLog, from: From, now: Moment) -> Option<Self> {
        match from {
            From::Call(id) => Some(of_call(host, wire, host.call(id)?, now)),
            From::Record(seq) => Some(of_record(host, wire, wire.get(seq)?, now)),
        }
    }

    /// All of a row, raw; absent when it is not kept any more.
    pub fn whole(&self, host: &Host, wire: &WireLog, row: &Row) -> Option<String> {
        let call = || host.call(self.call?);
        match &row.whole {
            Whole::Line => Some(row.text.clone()),
            Whole::Said(text) => Some(text.clone()),
            Whole::Record => Some(wire.get(row.seq?)?.text.clone()),
            Whole::Arguments => Some(call()?.arguments.clone()),
            Whole::Result => Some(outcome::words_of(call()?).into_owned()),
            Whole::ToModel => steps::read_by_model(host, call()?),
        }
    }

    fn starting_at(mut self, seq: Seq) -> Self {
        self.start = self.rows.iter().position(|row| row.seq == Some(seq));
        self
    }
}

/// A record's call: the one whose request it belongs to, else the newest that ran on that server then.
fn of_record(host: &Host, wire: &WireLog, record: &WireRecord, now: Moment) -> Trail {
    let ran = ran_at(host, &record.server, record.at);
    let its = host.calls.iter().rev();
    let its = its.filter(|call| call.server.as_ref() == Some(&record.server));
    let of = frames::of_call(record);
    let own = of.and_then(|id| {
        let mut its = its;
        its.find(|call| frames::is_on_wire(call, record.generation, &id))
    });
    let found = own.or_else(|| ran.first().copied());
    match found {
        Some(call) => of_call(host, wire, call, now).starting_at(record.seq),
        None => surroundings(wire, record).starting_at(record.seq),
    }
}

/// The calls that a server had at a moment, the newest first.
fn ran_at<'a>(host: &'a Host, server: &ServerName, at: Moment) -> Vec<&'a ToolCall> {
    let ran = |call: &&ToolCall| {
        let end = steps::end(call).map_or(Moment(u64::MAX), |end| end.plus(AFTER));
        call.server.as_ref() == Some(server) && (call.created..=end).contains(&at)
    };
    host.calls.iter().rev().filter(ran).collect()
}

fn of_call(host: &Host, wire: &WireLog, call: &ToolCall, now: Moment) -> Trail {
    let end = steps::end(call).unwrap_or(now);
    let mut rows = steps::rows(host, call);
    let mut left_out = 0;
    let mut beside = Vec::new();
    // A call without a step came from an earlier run: nothing of this run's wire is its.
    if let Some(server) = call.server.as_ref().filter(|_| !call.steps.is_empty()) {
        let others = host.calls.iter().filter(|other| {
            let over = steps::end(other).unwrap_or(now);
            other.id != call.id
                && other.server.as_ref() == Some(server)
                && other.created <= end
                && over >= call.created
        });
        let others: Vec<&ToolCall> = others.collect();
        let time = (call.created, end.plus(AFTER));
        let (frames, skipped) = frames::rows(wire, server, time, call, &others);
        beside = others.iter().map(|other| other.id).collect();
        left_out = skipped;
        steps::beside_frames(&mut rows, call, &frames);
        rows.extend(frames);
    }
    Trail {
        call: Some(call.id),
        server: call.server.clone(),
        zero: call.created,
        rows: in_order(rows),
        start: None,
        beside,
        left_out,
    }
}

/// What was on the server's wire around a moment that no call explains.
fn surroundings(wire: &WireLog, record: &WireRecord) -> Trail {
    let micros = u64::try_from(AROUND.as_micros()).unwrap_or(u64::MAX);
    let from = Moment(record.at.0.saturating_sub(micros));
    let time = (from, record.at.plus(AROUND));
    let (rows, left_out) = frames::around(wire, &record.server, time);
    Trail {
        server: Some(record.server.clone()),
        zero: record.at,
        rows: in_order(rows),
        left_out,
        ..Trail::default()
    }
}

/// By time; what has none stands with what it came behind.
fn in_order(rows: Vec<Row>) -> Vec<Row> {
    let mut last = Moment(0);
    let timed = rows.into_iter().map(|row| {
        last = row.at.unwrap_or(last);
        (last, row)
    });
    let mut timed: Vec<(Moment, Row)> = timed.collect();
    timed.sort_by_key(|(at, row)| (*at, row.mark, row.seq));
    timed.into_iter().map(|(_, row)| row).collect()
}
