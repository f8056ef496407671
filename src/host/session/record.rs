//! A saved session put together again: its entries in their order, its calls as far as they came, its name and its tokens.
//!
//! Pure. Whatever is missing in the lines, what comes of it is a conversation that a model can go on with: a call has one place,
//! and every place has its call.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::agent::model::Usage;
use crate::agent::transcript::{Assistant, Entry, Note};
use crate::host::session::line::{CallLine, Header, Line, StepLine};
use crate::host::session::read::Reading;
use crate::ids::{CallId, Moment, TurnId};
use crate::text::{clean, wrap};

/// Columns of a name that is taken from the first prompt.
const NAME: usize = 72;

/// A session as it was saved.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Record {
    /// Its name for programs.
    pub id: String,
    /// Its first line.
    pub header: Option<Header>,
    /// The name that the person gave it.
    pub title: Option<String>,
    /// The conversation; its calls have their numbers in the session.
    pub entries: Vec<Entry>,
    /// The calls in the order in which they were made, each as far as it came.
    pub calls: Vec<CallLine>,
    /// The models that answered, in the order of their first answer.
    pub models: Vec<String>,
    /// Tokens of all steps.
    pub usage: Usage,
    /// The last moment that a line speaks of.
    pub last: Option<Moment>,
    /// What is not as it should be, as a sentence.
    pub trouble: Option<String>,
}

impl Record {
    /// Puts the lines together. `id` is the name of the file; `map` says what a moment of the file is here.
    pub fn of(id: &str, reading: Reading, map: impl Fn(Moment) -> Moment) -> Self {
        let trouble = reading.trouble();
        let mut record = Self {
            id: id.to_owned(),
            trouble,
            header: reading.header,
            ..Self::default()
        };
        let lines: Vec<Line> = reading
            .lines
            .into_iter()
            .map(|line| line.retimed(&map))
            .collect();
        let mut builder = Builder::new(&lines);
        for line in lines {
            record.last = record.last.max(line.moment());
            record.take(line, &mut builder);
        }
        builder.place(&mut record.entries);
        record.calls = builder.calls;
        record.distinguish();
        record
    }

    fn take(&mut self, line: Line, builder: &mut Builder) {
        match line {
            Line::Call(call) => builder.call(*call),
            Line::Title { title } => self.title = Some(title),
            Line::Step(step) => {
                builder.place(&mut self.entries);
                let usage = step.usage.unwrap_or_default();
                self.usage.prompt = self.usage.prompt.saturating_add(usage.prompt);
                self.usage.completion = self.usage.completion.saturating_add(usage.completion);
                if let Some(model) = &step.model
                    && !self.models.contains(model)
                {
                    self.models.push(model.clone());
                }
                self.entries.push(builder.step(step));
            }
            Line::User { text, at, sent } => {
                builder.place(&mut self.entries);
                self.entries.push(Entry::User { text, at, sent });
            }
            Line::Note { level, text, hint } => {
                self.entries.push(Entry::Note(Note { level, text, hint }));
            }
            Line::Told { text } => {
                builder.place(&mut self.entries);
                self.entries.push(Entry::Told { text });
            }
            Line::Compacted(compacted) => {
                builder.place(&mut self.entries);
                self.entries.push(Entry::Compacted(compacted));
            }
            Line::Hand { call } => {
                if builder.knows(call) && builder.placed.insert(call) {
                    self.entries.push(Entry::Hand { call: CallId(call) });
                }
            }
            Line::Session(_) => {}
        }
    }

    /// No two calls of the model have the same id: an endpoint refuses that.
    fn distinguish(&mut self) {
        let mut taken = BTreeSet::new();
        for call in &mut self.calls {
            let number = call.call;
            let Some(written) = &mut call.model else {
                continue;
            };
            let mut tries = 0u64;
            while !taken.insert(written.call.id.clone()) {
                tries += 1;
                written.call.id = format!("s{:08}", (number + tries * 1_000_003) % 100_000_000);
            }
        }
    }

    /// What it is called: the person's name for it, else its first prompt.
    pub fn name(&self) -> String {
        let first = self.entries.iter().find_map(|entry| match entry {
            Entry::User { text, .. } => Some(text.as_str()),
            _ => None,
        });
        name(self.title.as_deref(), first)
    }

    /// How often the person has spoken.
    pub fn turns(&self) -> usize {
        let is_user = |entry: &&Entry| matches!(entry, Entry::User { .. });
        self.entries.iter().filter(is_user).count()
    }
}

/// What a session is called, on one line of plain text.
pub fn name(title: Option<&str>, first: Option<&str>) -> String {
    let text = title
        .filter(|title| !title.trim().is_empty())
        .or(first)
        .unwrap_or_default();
    let line = text.lines().find(|line| !line.trim().is_empty());
    let line = clean::line(line.unwrap_or_default());
    match line.trim() {
        "" => "(nothing said)".to_owned(),
        line => wrap::truncate(line, NAME),
    }
}

/// Calls on their way to their places.
struct Builder {
    calls: Vec<CallLine>,
    places: BTreeMap<u64, usize>,
    /// Calls that a step or a hand's line names somewhere.
    named: BTreeSet<u64>,
    /// Calls that stand in the conversation.
    placed: BTreeSet<u64>,
    /// Calls that nothing names: their line was lost, and that they were made was not.
    homeless: Vec<u64>,
}

impl Builder {
    fn new(lines: &[Line]) -> Self {
        let mut named = BTreeSet::new();
        for line in lines {
            match line {
                Line::Step(step) => named.extend(step.calls.iter().copied()),
                Line::Hand { call } => {
                    named.insert(*call);
                }
                _ => {}
            }
        }
        Self {
            calls: Vec::new(),
            places: BTreeMap::new(),
            named,
            placed: BTreeSet::new(),
            homeless: Vec::new(),
        }
    }

    fn knows(&self, call: u64) -> bool {
        self.places.contains_key(&call)
    }

    fn call(&mut self, call: CallLine) {
        if let Some(place) = self.places.get(&call.call) {
            let before = &mut self.calls[*place];
            // What came further is not taken back by a line that is out of its order.
            if call.stage.order() >= before.stage.order() {
                *before = call;
            }
            return;
        }
        if !self.named.contains(&call.call) {
            self.homeless.push(call.call);
        }
        self.places.insert(call.call, self.calls.len());
        self.calls.push(call);
    }

    fn step(&mut self, step: StepLine) -> Entry {
        let calls = step.calls.into_iter().filter(|call| {
            let place = self.places.get(call).map(|place| &self.calls[*place]);
            place.is_some_and(|call| call.model.is_some()) && self.placed.insert(*call)
        });
        Entry::Assistant(Assistant {
            turn: TurnId(step.turn),
            step: step.step,
            calls: calls.map(CallId).collect(),
            text: step.text,
            reasoning: step.reasoning,
            preparing: None,
            open: false,
            since: step.since,
            usage: step.usage,
        })
    }

    /// Gives the calls that nothing names a place.
    fn place(&mut self, entries: &mut Vec<Entry>) {
        for number in std::mem::take(&mut self.homeless) {
            let Some(call) = self.places.get(&number).map(|place| &self.calls[*place]) else {
                continue;
            };
            self.placed.insert(number);
            let id = CallId(number);
            match (&call.model, entries.last_mut()) {
                (None, _) => entries.push(Entry::Hand { call: id }),
                (Some(written), Some(Entry::Assistant(step)))
                    if step.turn == TurnId(written.turn) && step.text.is_empty() =>
                {
                    step.calls.push(id);
                }
                (Some(written), _) => entries.push(Entry::Assistant(Assistant {
                    turn: TurnId(written.turn),
                    step: 1,
                    calls: vec![id],
                    since: call.made,
                    ..Assistant::default()
                })),
            }
        }
    }
}
