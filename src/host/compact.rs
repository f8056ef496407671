//! Room in the model's context: old results are folded, then what was said before is summed up by the model, before a request is
//! longer than the model can read, and when the person wants it.
//!
//! Pure. The conversation itself is never changed: a marker in the transcript says what the model sees instead. The summary is a
//! request of its own, with a stream of its own; a turn that needs it waits for it and goes on whatever comes of it.

use serde::Serialize;

use crate::agent::model::{Message, ModelEvent, ToolOffer};
use crate::agent::prompt;
use crate::agent::summary;
use crate::agent::transcript::{Compacted, Entry, Fold, Level, Summary, Visible};
use crate::agent::turn::TurnState;
use crate::agent::window::{self, OldResult};
use crate::host::effect::Effect;
use crate::host::outcome;
use crate::host::state::{Host, ModelState};
use crate::ids::{CallId, Moment, StreamId};

/// A summary that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compacting {
    /// Its stream.
    pub stream: StreamId,
    /// The stream of the step that waits for it; absent: the person wanted it.
    pub resume: Option<StreamId>,
    /// The first entry that it does not stand for.
    pub until: usize,
    /// Tokens of the request before.
    pub before: u64,
    /// What is written so far.
    pub text: String,
    /// Since when.
    pub since: Moment,
}

impl Host {
    /// Tokens of the model's context: by the configuration, by what its endpoint tells, by what it has refused, or a usual one.
    pub fn window(&self) -> u64 {
        let told = match &self.model {
            ModelState::Ready { label } => label.context,
            ModelState::Searching { .. } | ModelState::Absent { .. } => None,
        };
        let said = self.settings.limits.context_tokens.map(u64::from);
        let window = said.or(told).unwrap_or(window::USUAL);
        self.book.narrowed.map_or(window, |least| least.min(window))
    }

    /// Tokens of the next request, by our estimate.
    pub(super) fn used(&self) -> u64 {
        self.used_with(&self.offers_now())
    }

    fn used_with(&self, offers: &[ToolOffer]) -> u64 {
        let messages: u64 = self.messages().iter().map(window::of_message).sum();
        messages + offers.iter().map(window::of_offer).sum::<u64>()
    }

    /// The conversation as the model sees it.
    pub(super) fn messages(&self) -> Vec<Message> {
        self.messages_of(&self.transcript.visible())
    }

    fn messages_of(&self, visible: &Visible<'_>) -> Vec<Message> {
        let limit = self.settings.limits.result_tokens;
        let folds = self.transcript.folds();
        let system = prompt::system(&self.instructions());
        let record = |id: CallId| {
            let fold = folds.get(&id).copied();
            self.call(id)
                .and_then(|call| outcome::record(call, limit, fold))
        };
        let attached = |id| self.attachment(id);
        prompt::messages(system, visible, record, attached)
    }

    pub(super) fn offers_now(&self) -> Vec<ToolOffer> {
        match self.book.hushed {
            true => Vec::new(),
            false => self.offers(),
        }
    }

    /// Makes room before a step's request where it would fill the context. Gives the request for a summary when the step has to
    /// wait for one.
    pub(super) fn make_room(
        &mut self,
        stream: StreamId,
        offers: &[ToolOffer],
        now: Moment,
    ) -> Option<Effect> {
        let (used, context) = (self.used_with(offers), self.window());
        if !window::is_full(used, context) {
            return None;
        }
        self.fold(window::excess(used, context), false, used);
        if !window::is_full(self.used_with(offers), context) {
            return None;
        }
        self.sum_up(Some(stream), "", now)
    }

    /// The request was longer than the model can read: everything that can go goes.
    pub(super) fn shorten(&mut self, stream: StreamId, now: Moment) -> Option<Effect> {
        let used = self.used();
        self.book.narrowed = Some((used / 10 * 9).min(self.window()));
        self.fold(u64::MAX, true, used);
        self.sum_up(Some(stream), "", now)
    }

    /// The person wants room.
    pub(super) fn compact(&mut self, words: &str, now: Moment) -> Vec<Effect> {
        if self.is_busy() {
            let hint = Some("Esc interrupts it".to_owned());
            let text = "A turn is running: the conversation is not shortened now";
            self.transcript.note(Level::Warning, text, hint);
            return Vec::new();
        }
        if let Some(effect) = self.sum_up(None, words.trim(), now) {
            return vec![effect];
        }
        let text = match self.fold(u64::MAX, false, self.used()) {
            true => "There is no model to sum the conversation up: old results were folded",
            false => "There is nothing to shorten yet",
        };
        self.transcript.note(Level::Info, text, None);
        Vec::new()
    }

    /// Folds results, oldest first, until this many tokens are saved. Those of the last step stay, because the model has not seen
    /// them yet, unless `all`. Gives whether any was folded.
    fn fold(&mut self, excess: u64, all: bool, before: u64) -> bool {
        let results = self.old_results(all);
        let folded = window::plan(&results, excess);
        if folded.is_empty() {
            return false;
        }
        let entry = Compacted {
            folded,
            summary: None,
            before,
            after: 0,
        };
        self.transcript.before_answer(Entry::Compacted(entry));
        let after = self.used();
        self.transcript.compacted_to(after);
        true
    }

    fn old_results(&self, all: bool) -> Vec<OldResult> {
        let limit = self.settings.limits.result_tokens;
        let folds = self.transcript.folds();
        let visible = self.transcript.visible();
        let steps = visible.entries.iter().filter_map(|entry| match entry {
            Entry::Assistant(step) if !step.calls.is_empty() => Some(&step.calls),
            _ => None,
        });
        let steps: Vec<&Vec<CallId>> = steps.collect();
        let old = if all {
            steps.len()
        } else {
            steps.len().saturating_sub(1)
        };
        let result = |id: &CallId| {
            let call = self.call(*id)?;
            let fold = folds.get(id).copied();
            let seen = outcome::record(call, limit, fold)?.result;
            let saved_to = call.saved_to.as_deref();
            let tokens = |fold| window::tokens(&window::folded(&seen, fold, saved_to));
            let [ends, line] = [Fold::Ends, Fold::Line].map(tokens);
            Some(OldResult {
                call: *id,
                fold,
                tokens: [window::tokens(&seen), ends, line],
            })
        };
        steps
            .into_iter()
            .take(old)
            .flatten()
            .filter_map(result)
            .collect()
    }

    /// Asks the model to sum up: for a step all before the prompt that it answers, for the person everything. Absent where there
    /// is nothing to sum up, or nobody who could.
    fn sum_up(&mut self, resume: Option<StreamId>, words: &str, now: Moment) -> Option<Effect> {
        match &self.model {
            ModelState::Ready { label } if !label.scripted => {}
            _ => return None,
        }
        let until = self.summed_until(resume.is_some())?;
        let first = self.transcript.visible_from();
        let visible = self.transcript.visible();
        let part = Visible {
            summary: visible.summary,
            entries: self
                .transcript
                .entries()
                .get(first..until)?
                .iter()
                .collect(),
        };
        let before = self.used();
        let room = self.window().min(before) / 2;
        let request = summary::request(&self.messages_of(&part), words, room);
        let stream = self.book.numbers.stream();
        self.compacting = Some(Compacting {
            stream,
            resume,
            until,
            before,
            text: String::new(),
            since: now,
        });
        Some(Effect::StreamModel { stream, request })
    }

    /// The first entry that a summary made now would not stand for; absent: it would stand for nothing.
    fn summed_until(&self, in_a_turn: bool) -> Option<usize> {
        let entries = self.transcript.entries();
        let is_prompt = |entry: &Entry| matches!(entry, Entry::User { sent: true, .. });
        let until = match in_a_turn {
            true => entries.iter().rposition(is_prompt)?,
            false => entries.len(),
        };
        let first = self.transcript.visible_from();
        let mut part = entries.get(first..until)?.iter();
        let is_said = |entry: &Entry| matches!(entry, Entry::Assistant(step) if !step.open);
        part.any(is_said).then_some(until)
    }

    /// Whether this is the stream of a summary.
    pub(super) fn is_compacting(&self, stream: StreamId) -> bool {
        self.compacting
            .as_ref()
            .is_some_and(|it| it.stream == stream)
    }

    /// The model says something of a summary.
    pub(super) fn compacting_event(&mut self, event: ModelEvent) -> Vec<Effect> {
        match event {
            ModelEvent::Opened | ModelEvent::Reasoning(_) | ModelEvent::Preparing { .. } => {}
            ModelEvent::Text(delta) => {
                if let Some(it) = &mut self.compacting
                    && it.text.len() < summary::LONGEST
                {
                    it.text.push_str(&delta);
                }
            }
            ModelEvent::Done(completion) => {
                let usage = completion.usage.unwrap_or_default();
                self.usage.prompt += usage.prompt;
                self.usage.completion += usage.completion;
                return self.summed_up(None);
            }
            ModelEvent::Failed(error) => return self.summed_up(Some(error.message)),
        }
        Vec::new()
    }

    /// The summary is there, or does not come: what waits for it goes on.
    fn summed_up(&mut self, failed: Option<String>) -> Vec<Effect> {
        let Some(done) = self.compacting.take() else {
            return Vec::new();
        };
        let text: String = done.text.trim().chars().take(summary::LONGEST).collect();
        let why = failed.or_else(|| text.is_empty().then(|| "it came to nothing".to_owned()));
        match why {
            Some(why) => {
                let text = format!("The conversation could not be summed up: {why}");
                let hint = "/clear starts a new one; `context_tokens` in [limits] says how long a request may be";
                let note = crate::agent::transcript::Note {
                    level: Level::Warning,
                    text,
                    hint: Some(hint.to_owned()),
                };
                self.transcript.before_answer(Entry::Note(note));
            }
            None => self.stand_for(text, &done),
        }
        let is_awaited = |stream: &StreamId| matches!(&self.turn, TurnState::Streaming { stream: current, .. } if current == stream);
        match done.resume.filter(is_awaited) {
            Some(stream) => vec![self.ask_model(stream)],
            None => Vec::new(),
        }
    }

    fn stand_for(&mut self, text: String, done: &Compacting) {
        let keeps = self.transcript.place().saturating_sub(done.until);
        let entry = Compacted {
            folded: Vec::new(),
            summary: Some(Summary { text, keeps }),
            before: done.before,
            after: 0,
        };
        self.transcript.before_answer(Entry::Compacted(entry));
        // What it was told of missing servers may be in the part that it does not see any more.
        self.book.told = None;
        self.tell();
        let after = self.used();
        self.transcript.compacted_to(after);
    }

    /// A summary under way is not wanted any more.
    pub(super) fn abort_compacting(&mut self) -> Vec<Effect> {
        let Some(gone) = self.compacting.take() else {
            return Vec::new();
        };
        if gone.resume.is_none() {
            self.transcript.note(Level::Info, "Interrupted", None);
        }
        vec![Effect::AbortModel {
            stream: gone.stream,
        }]
    }
}
