//! A recording as the host sees it: what of its events comes in pieces, and the model's side of a session as a tape.
//!
//! Pure. `said` is called by whoever writes events: the terminal program's form of them and the headless loop.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;

use crate::agent::model::ModelEvent;
use crate::agent::model::recorded::{Answer, Asked, Tape};
use crate::host::event::{HostEvent, ModelLabel};
use crate::ids::StreamId;
use crate::record::{Recording, Said, Source, What};

/// What an event says in pieces, and where its text stands: inside an event of the terminal program, or by itself.
pub fn said(event: &HostEvent, in_app: bool) -> Said {
    let HostEvent::Model {
        stream: StreamId(stream),
        event,
    } = event
    else {
        return Said::Whole;
    };
    let (text, reasoning) = match in_app {
        true => ("/Host/Model/event/Text", "/Host/Model/event/Reasoning"),
        false => ("/Model/event/Text", "/Model/event/Reasoning"),
    };
    match event {
        ModelEvent::Text(_) => Said::Piece(Source::Text(*stream), text),
        ModelEvent::Reasoning(_) => Said::Piece(Source::Reasoning(*stream), reasoning),
        ModelEvent::Done(_) | ModelEvent::Failed(_) => Said::Streamed(*stream),
        ModelEvent::Opened | ModelEvent::Preparing { .. } => Said::Whole,
    }
}

/// The model's side of a recording: what it was asked, and what it said.
#[derive(Debug, Default)]
pub struct Played {
    /// Its answers, in the order of their requests.
    pub tape: Tape,
    /// How it was called.
    pub label: Option<ModelLabel>,
}

/// Takes the model's side out of a recording.
///
/// # Errors
/// When an entry is not of its form, with its line.
pub fn played(recording: &Recording) -> Result<Played, String> {
    let mut order: Vec<u64> = Vec::new();
    let mut answers: BTreeMap<u64, Answer> = BTreeMap::new();
    let mut label = None;
    for entry in &recording.entries {
        let odd = |error: serde_json::Error| format!("line {}: {error}", entry.line);
        let event = match &entry.what {
            What::Asked(asked) => {
                let asked = Asked::deserialize(asked).map_err(odd)?;
                let stream = asked.stream;
                order.push(stream);
                answers.entry(stream).or_default().asked = Some(asked);
                continue;
            }
            What::App(event) => event.get("Host"),
            What::Host(event) => Some(event),
            _ => None,
        };
        let of_model = |event: &&Value| event.get("Model").or(event.get("ModelFound")).is_some();
        let Some(event) = event.filter(of_model) else {
            continue;
        };
        match HostEvent::deserialize(event).map_err(odd)? {
            HostEvent::Model { stream, event } => {
                if !order.contains(&stream.0) {
                    order.push(stream.0);
                }
                answers.entry(stream.0).or_default().events.push(event);
            }
            HostEvent::ModelFound(found) => label = label.or(found.ok()),
            _ => {}
        }
    }
    let take = |stream| answers.remove(&stream);
    let answers = order.into_iter().filter_map(take).collect();
    Ok(Played {
        tape: Tape::new(answers),
        label,
    })
}
