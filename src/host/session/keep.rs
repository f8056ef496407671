//! What became final since the last look becomes lines. Looks after every command and every event.
//!
//! Pure. An entry is final when no open one stands before it; a call is written each time it comes further, before the entry
//! that names it. Nothing is written before the person has spoken, so that a session in which nobody spoke leaves no file.

use std::collections::BTreeMap;

use crate::agent::transcript::{Compacted, Entry};
use crate::host::call::{CallState, Origin, ToolCall};
use crate::host::effect::Effect;
use crate::host::keep::Keep;
use crate::host::session::bound::bounded;
use crate::host::session::line::{CallLine, Line, Stage, StepLine, Written};
use crate::host::session::state::{Saving, SessionWrite};
use crate::host::state::{Host, ModelState};
use crate::ids::CallId;

/// How far the conversation is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keeper {
    /// Which conversation of this run.
    pub conversation: u64,
    /// The number of the last order.
    pub batch: u64,
    /// The number of the last order of the conversation before.
    pub first_batch: u64,
    /// The person has spoken: lines go out.
    pub begun: bool,
    /// Entries that are written.
    pub entries: usize,
    /// Calls before this place are written to their end, or belong to an earlier conversation.
    pub calls: usize,
    /// The place of the conversation's first call.
    pub first_call: usize,
    /// The calls' numbers in the session, and how far each is written.
    pub numbers: BTreeMap<CallId, (u64, u8)>,
    /// The last number.
    pub last: u64,
    /// The name as it is written.
    pub title: Option<String>,
    /// Written lines wait for the end of the turn.
    pub unsynced: bool,
}

impl Keeper {
    /// The keeper of the next conversation, which has no calls before this place.
    pub fn next(&self, calls: usize) -> Self {
        Self {
            conversation: self.conversation + 1,
            batch: self.batch,
            first_batch: self.batch,
            calls,
            first_call: calls,
            ..Self::default()
        }
    }

    /// The number of a call in the session.
    fn number(&mut self, id: CallId) -> u64 {
        let last = &mut self.last;
        let (number, _) = self.numbers.entry(id).or_insert_with(|| {
            *last += 1;
            (*last, 0)
        });
        *number
    }
}

impl Host {
    /// What is to be written down now, if anything. Before everything else that is to be done: a call is written before it is sent.
    pub(in crate::host) fn keep_session(&mut self) -> Option<Effect> {
        self.keep_conversation(false)
    }

    /// The same; with `last`, the conversation is over, and a file that it has is let go.
    pub(super) fn keep_conversation(&mut self, last: bool) -> Option<Effect> {
        let lets_go = last && (self.session.id.is_some() || self.book.keeper.begun);
        if self.session.saving == Saving::Off || !(self.has_begun() || lets_go) {
            return None;
        }
        let mut lines = self.moved_calls();
        lines.extend(self.final_entries());
        lines.extend(self.new_title());
        let sync = !self.is_busy();
        let keeper = &mut self.book.keeper;
        if lines.is_empty() && !(sync && keeper.unsynced) && !lets_go {
            return None;
        }
        keeper.batch += 1;
        keeper.unsynced = !sync;
        if !matches!(self.session.saving, Saving::Failed { .. }) {
            self.session.saving = Saving::Going;
        }
        Some(Effect::Keep(Keep::Session(SessionWrite {
            conversation: keeper.conversation,
            batch: keeper.batch,
            lines,
            sync,
            last,
        })))
    }

    fn has_begun(&mut self) -> bool {
        let keeper = &mut self.book.keeper;
        if !keeper.begun {
            let new = self.transcript.entries().iter().skip(keeper.entries);
            keeper.begun = new
                .into_iter()
                .any(|entry| matches!(entry, Entry::User { .. }));
        }
        // A name is written at once where there is a file already.
        keeper.begun || (self.session.id.is_some() && self.session.title != keeper.title)
    }

    fn moved_calls(&mut self) -> Vec<Line> {
        let Self { calls, book, .. } = self;
        let keeper = &mut book.keeper;
        let mut lines = Vec::new();
        if !keeper.begun {
            return lines;
        }
        let mut all_over = true;
        for call in calls.iter().skip(keeper.calls) {
            let stage = stage(call);
            let order = stage.order();
            let number = keeper.number(call.id);
            let written = keeper.numbers.insert(call.id, (number, order));
            if written.is_none_or(|(_, at)| at < order) {
                let attached = book.attached.contains(&call.id);
                let line = call_line(call, number, stage, attached);
                lines.push(Line::Call(Box::new(bounded(line))));
            }
            all_over &= call.end().is_some();
            keeper.calls += usize::from(all_over);
        }
        lines
    }

    fn final_entries(&mut self) -> Vec<Line> {
        let model = match &self.model {
            ModelState::Ready { label } => Some(label.model.clone()),
            ModelState::Searching { .. } | ModelState::Absent { .. } => None,
        };
        let keeper = &mut self.book.keeper;
        let mut lines = Vec::new();
        if !keeper.begun {
            return lines;
        }
        while let Some(entry) = self.transcript.entries().get(keeper.entries) {
            let Some(line) = entry_line(entry, keeper, model.as_deref()) else {
                break;
            };
            lines.push(line);
            keeper.entries += 1;
        }
        lines
    }

    fn new_title(&mut self) -> Option<Line> {
        let title = self.session.title.clone()?;
        let keeper = &mut self.book.keeper;
        if keeper.title.as_ref() == Some(&title) {
            return None;
        }
        keeper.title = Some(title.clone());
        Some(Line::Title { title })
    }
}

/// A line of an entry that is final.
fn entry_line(entry: &Entry, keeper: &mut Keeper, model: Option<&str>) -> Option<Line> {
    Some(match entry {
        Entry::User { text, at, sent } => Line::User {
            text: text.clone(),
            at: *at,
            sent: *sent,
        },
        Entry::Assistant(step) if step.open => return None,
        Entry::Assistant(step) => Line::Step(StepLine {
            turn: step.turn.0,
            step: step.step,
            text: step.text.clone(),
            reasoning: step.reasoning.clone(),
            calls: step.calls.iter().map(|id| keeper.number(*id)).collect(),
            since: step.since,
            usage: step.usage,
            model: model.map(str::to_owned),
        }),
        Entry::Note(note) => Line::Note {
            level: note.level,
            text: note.text.clone(),
            hint: note.hint.clone(),
        },
        Entry::Told { text } => Line::Told { text: text.clone() },
        Entry::Compacted(compacted) => {
            let folded = compacted.folded.iter();
            let folded = folded.map(|(id, fold)| (CallId(keeper.number(*id)), *fold));
            Line::Compacted(Compacted {
                folded: folded.collect(),
                ..compacted.clone()
            })
        }
        Entry::Hand { call } => Line::Hand {
            call: keeper.number(*call),
        },
    })
}

fn stage(call: &ToolCall) -> Stage {
    match &call.state {
        CallState::Asking { .. } | CallState::Queued { .. } => Stage::Made,
        CallState::Running { since, .. } => Stage::Sent { since: *since },
        CallState::Done { at, took, end } => Stage::Over {
            when: *at,
            took: *took,
            how: end.clone(),
        },
    }
}

fn call_line(call: &ToolCall, number: u64, stage: Stage, attached: bool) -> CallLine {
    CallLine {
        call: number,
        model: match &call.origin {
            Origin::Model { turn, call } => Some(Written {
                turn: turn.0,
                call: call.clone(),
            }),
            Origin::Hand => None,
        },
        server: call.server.clone(),
        method: call.method,
        tool: call.tool.clone(),
        arguments: call.arguments.clone(),
        made: call.created,
        stage,
        saved_to: call.saved_to.clone(),
        mismatch: call.mismatch.clone(),
        ruling: call.ruling.clone(),
        cached: call.cached,
        attached,
    }
}
