//! A recording as the terminal program replays it: what it began with, and its steps with their types.
//!
//! Pure.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::event::AppEvent;
use crate::app::recorded::{Drawn, Start};
use crate::app::state::App;
use crate::config::Config;
use crate::host::{Command, HostEvent};
use crate::ids::{Moment, Seq};
use crate::mcp::wire::lines::head;
use crate::mcp::wire::record::WireRecord;
use crate::record::{Entry, Kind, Lost, Recording, What};

/// How much of a line the terminal program had seen; see the tap's live channel.
const LIVE_TEXT: usize = 64 * 1024;

/// A recorded session.
#[derive(Debug, Clone)]
pub struct Session {
    /// What it began with.
    pub start: Start,
    /// Which way it was run.
    pub kind: Kind,
    /// When that was.
    pub started: String,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// What there is to say of the file, as sentences.
    pub notes: Vec<String>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its line in the file.
    pub line: usize,
    /// When.
    pub at: Moment,
    /// What.
    pub what: Happened,
}

/// What happened in a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    /// The host was started.
    Start,
    /// An event of the program; of a headless run, a report to its host.
    Event(Box<AppEvent>),
    /// A command that no key made.
    Command(Box<Command>),
    /// The configuration was read again.
    Config(Arc<Config>),
    /// A frame was drawn.
    Drawn(Box<Drawn>),
    /// The model was asked this.
    Asked(String),
    /// What is missing from here on.
    Lost(Lost),
    /// The session came to its end.
    End,
}

impl Session {
    /// Gives a recording its types.
    ///
    /// # Errors
    /// What is odd in it, with the number of its line.
    pub fn read(recording: Recording) -> Result<Self, String> {
        let notes = recording.notes();
        let start = Start::deserialize(&recording.header.start)
            .map_err(|error| format!("line 1: what the program began with: {error}"))?;
        let kind = recording.header.kind;
        let mut wire = HashMap::new();
        let mut steps = Vec::with_capacity(recording.entries.len());
        for entry in recording.entries {
            let (line, at) = (entry.line, entry.at);
            if let Some(what) = happened(entry, kind, &mut wire)? {
                steps.push(Step { line, at, what });
            }
        }
        Ok(Self {
            start,
            kind,
            started: recording.header.started,
            steps,
            notes,
        })
    }

    /// When the last thing happened.
    pub fn end(&self) -> Moment {
        self.steps.last().map(|step| step.at).unwrap_or_default()
    }
}

type Wire = HashMap<Seq, WireRecord>;

fn happened(entry: Entry, kind: Kind, wire: &mut Wire) -> Result<Option<Happened>, String> {
    let line = entry.line;
    let event = |event| Some(Happened::Event(Box::new(event)));
    Ok(match entry.what {
        What::App(body) => event(typed(line, body)?),
        What::Host(body) => event(AppEvent::Host(typed::<HostEvent>(line, body)?)),
        What::Command(body) => Some(Happened::Command(Box::new(typed(line, body)?))),
        What::Config(body) => Some(Happened::Config(Arc::new(typed(line, body)?))),
        What::Drawn(body) => Some(Happened::Drawn(Box::new(typed(line, body)?))),
        What::Start => Some(Happened::Start),
        What::Asked(body) => {
            let words = body.get("words").and_then(Value::as_str);
            Some(Happened::Asked(words.unwrap_or_default().to_owned()))
        }
        What::Wire(body) => {
            let mut record: WireRecord = typed(line, body)?;
            record.text.truncate(head(&record.text, LIVE_TEXT).len());
            match kind {
                // Nobody looked at the wire: whoever replays it may.
                Kind::Headless => event(AppEvent::Wire(record)),
                Kind::Terminal => {
                    wire.insert(record.seq, record);
                    None
                }
            }
        }
        // One that was lost had been counted.
        What::Seen(seq) => wire.remove(&seq).map(AppEvent::Wire).and_then(event),
        What::Lost(lost) => Some(Happened::Lost(lost)),
        What::End => Some(Happened::End),
    })
}

fn typed<T: DeserializeOwned>(line: usize, body: Value) -> Result<T, String> {
    serde_json::from_value(body)
        .map_err(|error| format!("line {line} is not as this version writes it: {error}"))
}

impl Step {
    /// Does to the program what happened then. What it wants done outside is nobody's to do.
    pub fn apply(&self, app: &mut App) {
        let at = self.at;
        match &self.what {
            Happened::Start => {
                app.start(at);
            }
            Happened::Event(event) => {
                app.update(AppEvent::clone(event), at);
            }
            Happened::Command(command) => {
                app.host.command(Command::clone(command), at);
                app.update(AppEvent::Tick, at);
            }
            Happened::Config(config) => {
                app.host.reload(config, at);
                app.update(AppEvent::Tick, at);
            }
            Happened::Drawn(drawn) => {
                app.update(AppEvent::Drawn(drawn.measured.clone()), at);
            }
            Happened::Asked(_) | Happened::Lost(_) | Happened::End => {}
        }
    }
}
