//! The conversation as one record: it feeds the model's request, the chat pane, `ask --json` and the saved session.
//!
//! Pure. Only the host writes it. Calls are in the host's list of calls; the transcript says where they belong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::agent::model::Usage;
use crate::ids::{CallId, Moment, TurnId};

/// The entries, oldest first. An entry is never removed; only the last assistant entry of a running turn still grows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Transcript {
    entries: Vec<Entry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// What the person said to the model.
    User {
        /// The text.
        text: String,
        /// When.
        at: Moment,
        /// The model sees it; false for what was typed while there was none.
        sent: bool,
    },
    /// One step of the model: its text, then its calls.
    Assistant(Assistant),
    /// A line from mcpdeck to the person; the model does not see it.
    Note(Note),
    /// A line from mcpdeck to the model (which servers and tools are missing, an answer that was cut); shown dimmed.
    Told {
        /// The text.
        text: String,
    },
    /// From here on the model sees less of what stands before.
    Compacted(Compacted),
    /// A call that the person made by hand; the model does not see it.
    Hand {
        /// Which call.
        call: CallId,
    },
}

/// What the model sees otherwise from here on. Nothing of the record itself is changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Compacted {
    /// Calls whose results it sees folded.
    #[serde(default)]
    pub folded: Vec<(CallId, Fold)>,
    /// What stands for the earlier entries.
    #[serde(default)]
    pub summary: Option<Summary>,
    /// Tokens of the request before, by our estimate.
    pub before: u64,
    /// Tokens of it after.
    pub after: u64,
}

/// What stands for all entries before a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The model's words.
    pub text: String,
    /// How many entries right before this one it sees as they are.
    pub keeps: usize,
}

/// How far a result is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// To its head and tail.
    Ends,
    /// To one line that says how long it was.
    Line,
}

/// What the model sees of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Visible<'a> {
    /// What stands for what came before.
    pub summary: Option<&'a str>,
    /// The entries, oldest first.
    pub entries: Vec<&'a Entry>,
}

/// One step of the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Assistant {
    /// The turn.
    pub turn: TurnId,
    /// The step of the turn, from 1.
    pub step: u32,
    /// Its text so far, Markdown.
    pub text: String,
    /// Its reasoning so far; never sent back.
    pub reasoning: String,
    /// A call that is being written: model-safe name and bytes of arguments so far.
    pub preparing: Option<(String, usize)>,
    /// Its calls, in order.
    pub calls: Vec<CallId>,
    /// The stream is still running.
    pub open: bool,
    /// When the request was sent.
    pub since: Moment,
    /// Tokens, where told.
    pub usage: Option<Usage>,
}

/// A line from mcpdeck to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// How grave.
    pub level: Level,
    /// One sentence or more.
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// How grave a note is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Info,
    /// Odd, and handled.
    Warning,
    /// Something did not work.
    Error,
}

impl Transcript {
    /// All entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// The assistant entry that is still open, if any.
    pub fn open_mut(&mut self) -> Option<&mut Assistant> {
        self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Assistant(step) if step.open => Some(step),
            Entry::Assistant(_)
            | Entry::User { .. }
            | Entry::Note(_)
            | Entry::Told { .. }
            | Entry::Compacted(_)
            | Entry::Hand { .. } => None,
        })
    }

    /// The last step of the model, open or not.
    pub fn last_step_mut(&mut self) -> Option<&mut Assistant> {
        self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Assistant(step) => Some(step),
            Entry::User { .. }
            | Entry::Note(_)
            | Entry::Told { .. }
            | Entry::Compacted(_)
            | Entry::Hand { .. } => None,
        })
    }

    /// What the model sees of it.
    pub fn visible(&self) -> Visible<'_> {
        let is_said = |entry: &&Entry| !matches!(entry, Entry::Compacted(_));
        let from = self.visible_from();
        Visible {
            summary: self.summed().map(|(_, summary)| summary.text.as_str()),
            entries: self.entries.iter().skip(from).filter(is_said).collect(),
        }
    }

    /// The first entry that the model sees as it is.
    pub fn visible_from(&self) -> usize {
        let summed = self.summed();
        summed.map_or(0, |(at, summary)| at.saturating_sub(summary.keeps))
    }

    /// The last summary and its place.
    fn summed(&self) -> Option<(usize, &Summary)> {
        self.entries
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, entry)| match entry {
                Entry::Compacted(of) => of.summary.as_ref().map(|summary| (at, summary)),
                Entry::User { .. }
                | Entry::Assistant(_)
                | Entry::Note(_)
                | Entry::Told { .. }
                | Entry::Hand { .. } => None,
            })
    }

    /// How far results are folded, the last word on each.
    pub fn folds(&self) -> BTreeMap<CallId, Fold> {
        let folded = self.entries.iter().filter_map(|entry| match entry {
            Entry::Compacted(of) => Some(&of.folded),
            Entry::User { .. }
            | Entry::Assistant(_)
            | Entry::Note(_)
            | Entry::Told { .. }
            | Entry::Hand { .. } => None,
        });
        folded.flatten().copied().collect()
    }

    /// Writes down how many tokens the last compaction came to.
    pub fn compacted_to(&mut self, tokens: u64) {
        let last = self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Compacted(of) => Some(of),
            Entry::User { .. }
            | Entry::Assistant(_)
            | Entry::Note(_)
            | Entry::Told { .. }
            | Entry::Hand { .. } => None,
        });
        if let Some(of) = last {
            of.after = tokens;
        }
    }

    /// Writes down what the model is told. It is told before it answers, so the line stands before an answer that is open.
    pub fn tell(&mut self, text: String) {
        self.before_answer(Entry::Told { text });
    }

    /// Adds an entry that belongs before the answer that is open, if one is.
    pub fn before_answer(&mut self, entry: Entry) {
        self.entries.insert(self.place(), entry);
    }

    /// Where that is.
    pub fn place(&self) -> usize {
        let is_open = |entry: &Entry| matches!(entry, Entry::Assistant(step) if step.open);
        let place = self.entries.iter().rposition(is_open);
        place.unwrap_or(self.entries.len())
    }

    /// The model's steps in the conversation.
    pub fn steps(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Assistant(_)))
            .count()
    }

    /// Adds a note to the person.
    pub fn note(&mut self, level: Level, text: impl Into<String>, hint: Option<String>) {
        self.push(Entry::Note(Note {
            level,
            text: text.into(),
            hint,
        }));
    }

    /// Whether a note says just this.
    pub fn has_note(&self, text: &str) -> bool {
        let says = |entry: &Entry| matches!(entry, Entry::Note(note) if note.text == text);
        self.entries.iter().any(says)
    }

    /// Forgets everything: a new conversation.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
