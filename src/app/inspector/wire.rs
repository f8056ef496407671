//! The Wire tab: every frame of every server, in order, with a filter, a mark, and all about the marked one.
//!
//! Plain state and what keys do to it; the log itself is the program's. Pure. `update` calls it, the view reads it.

pub mod detail;
pub mod filter;
pub mod outline;
pub mod rows;
pub mod words;

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use crate::app::composer::Composer;
use crate::app::inspector::wire::filter::Filter;
use crate::app::inspector::wire::rows::Rows;
use crate::app::intent::Move;
use crate::ids::Seq;
use crate::mcp::wire::log::{Entry, Pushed, WireLog};

/// The tab.
#[derive(Debug, Clone, Default)]
pub struct WireTab {
    /// Which frames have a row.
    pub rows: Rows,
    /// The filter in force, as it was written.
    pub filter: String,
    /// What was searched for last; empty: nothing.
    pub search: String,
    /// What is being written, if anything.
    pub prompt: Option<Prompt>,
    /// The marked frame; absent: the newest, and it follows.
    pub marked: Option<Seq>,
    /// The first row on show while a frame is marked.
    pub first: Option<Seq>,
    /// All about the marked frame.
    pub detail: DetailPart,
    /// The last raw frame that was written, to write another like it.
    pub raw: String,
}

/// What is being written at the foot of the tab.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What for.
    pub what: Asking,
    /// The text.
    pub input: Composer,
    /// Why it cannot be taken as it stands.
    pub wrong: Option<String>,
    /// The text that was looked at last.
    seen: String,
    /// The filter before, which Esc brings back.
    before: String,
    /// The mark before: each filter that is tried looks for the nearest to it.
    marked: Option<Seq>,
}

/// What a line is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The filter: in force while it is written.
    Filter,
    /// What to look for.
    Search,
    /// A frame to send as it stands.
    Raw,
}

/// The part of the tab with all about one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DetailPart {
    /// It has the keys.
    pub has_keys: bool,
    /// The frame that the rest is about.
    pub of: Option<Seq>,
    /// Lines of its JSON that are folded: see [`outline`].
    pub folded: BTreeSet<usize>,
    /// The line that the keys are at.
    pub line: usize,
}

/// What a key does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireKey {
    /// Through the list, or through the detail when it has the keys.
    Go(Move),
    /// Into the detail; there, folds what the line stands in, or unfolds it.
    Enter,
    /// Out of the detail.
    Back,
    /// Stands still, or goes on.
    Pause,
    /// To the newest, and along with it.
    Follow,
    /// Writes a filter.
    Filter,
    /// Takes the filter away.
    ClearFilter,
    /// Only the inspected server, or all of them.
    ThisServer,
    /// Writes what to look for.
    Search,
    /// To the next that has it.
    Next,
    /// To the one before that has it.
    Previous,
    /// To the answer of this request, or to the request of this answer.
    Pair,
    /// Folds all but the outermost, or unfolds all.
    FoldAll,
    /// Copies the frame as it passed.
    Copy,
    /// Copies it as it is shown, over many lines.
    CopyPretty,
    /// Writes a frame to send.
    Raw,
    /// Takes what is written.
    Submit,
    /// Leaves what is written.
    Leave,
}

impl WireTab {
    /// A record has come.
    pub fn pushed(&mut self, pushed: Pushed, log: &WireLog) {
        self.rows.pushed(pushed, log);
    }

    /// The frame that all is shown about: the marked one, else the newest row.
    pub fn shown<'a>(&self, log: &'a WireLog) -> Option<&'a Entry> {
        match self.marked {
            Some(marked) => log.entry(marked),
            None => self.rows.at(self.rows.len(log).checked_sub(1)?, log),
        }
    }

    /// Whether it goes along with the newest.
    pub fn follows(&self) -> bool {
        self.marked.is_none()
    }

    /// The place of the marked row; where a filter has hidden it, of the one behind it.
    pub fn place(&self, log: &WireLog) -> usize {
        let last = self.rows.len(log).saturating_sub(1);
        self.marked
            .map_or(last, |marked| self.rows.place(marked, log).min(last))
    }

    /// The first row on a screen of so many.
    pub fn window(&self, log: &WireLog, height: usize) -> usize {
        let last = self.rows.len(log).saturating_sub(height);
        if self.follows() {
            return last;
        }
        let place = self.place(log);
        let first = self
            .first
            .map_or(place, |first| self.rows.place(first, log));
        // The marked row is always in sight, however the screen has changed.
        let highest = place.saturating_sub(height.saturating_sub(1));
        first.clamp(highest, place).min(last)
    }

    /// Marks another row.
    pub fn go(&mut self, by: Move, log: &WireLog, height: usize) {
        let count = self.rows.len(log);
        if count == 0 {
            return;
        }
        let page = height.saturating_sub(1).max(1);
        let place = self.place(log);
        let to = match by {
            Move::Up => place.saturating_sub(1),
            Move::Down => place + 1,
            Move::PageUp => place.saturating_sub(page),
            Move::PageDown => place + page,
            Move::Top => 0,
            Move::Bottom => return self.follow(),
        };
        // Who goes on beyond the newest goes along with it.
        match to < count {
            true => self.mark_place(to, log, height),
            false if matches!(by, Move::Down) && place + 1 == count => self.follow(),
            false => self.mark_place(count - 1, log, height),
        }
    }

    /// Goes along with the newest.
    pub fn follow(&mut self) {
        self.rows.resume();
        self.marked = None;
        self.first = None;
    }

    /// Stands still, or goes on.
    pub fn pause(&mut self, log: &WireLog) {
        match self.rows.is_paused() {
            true => self.rows.resume(),
            false => self.rows.pause(log),
        }
    }

    fn mark_place(&mut self, place: usize, log: &WireLog, height: usize) {
        let first = self.window(log, height);
        self.marked = self.rows.at(place, log).map(|entry| entry.record.seq);
        let highest = (place + 1).saturating_sub(height.max(1));
        let first = first.clamp(highest, place);
        self.first = self.rows.at(first, log).map(|entry| entry.record.seq);
    }

    /// Marks a frame; false when it has no row.
    pub fn mark(&mut self, seq: Seq, log: &WireLog, height: usize) -> bool {
        let has_row = self.rows.has(seq, log);
        if has_row {
            self.mark_place(self.rows.place(seq, log), log, height);
        }
        has_row
    }

    /// Marks the other half of the pair.
    ///
    /// # Errors
    /// Why there is none to go to.
    pub fn to_pair(&mut self, log: &WireLog, height: usize) -> Result<(), &'static str> {
        let entry = self.shown(log).ok_or("there is no frame")?;
        let request = entry
            .record
            .carried
            .as_deref()
            .and_then(|it| it.request())
            .filter(|request| log.entry(*request).is_some());
        let other = match (entry.pair.or(request), entry.latency) {
            (Some(other), _) => other,
            (None, Some(_)) => return Err("the other half of the pair is not kept any more"),
            (None, None) => return Err("this frame has no pair"),
        };
        match self.mark(other, log, height) {
            true => Ok(()),
            false if self.rows.is_paused() => Err("its pair came after the pause: space goes on"),
            false => Err("the filter hides its pair: x takes the filter away"),
        }
    }

    /// Puts a filter in force.
    ///
    /// # Errors
    /// What is wrong with it; then the old one stays.
    pub fn set_filter(&mut self, text: &str, log: &WireLog) -> Result<(), String> {
        let filter = Filter::parse(text)?;
        text.trim().clone_into(&mut self.filter);
        self.rows.set(filter, log);
        self.first = None;
        // The mark goes to the nearest row behind it; where there is none, along with the newest.
        if let Some(marked) = self.marked {
            let place = self.rows.place(marked, log);
            self.marked = (place < self.rows.len(log))
                .then(|| self.rows.at(place, log))
                .flatten()
                .map(|entry| entry.record.seq);
        }
        Ok(())
    }

    /// Marks the next row that has what was searched for, or the one before; false when none has it.
    pub fn find(&mut self, onward: bool, log: &WireLog, height: usize) -> bool {
        let Some(wanted) = finder(&self.search) else {
            return false;
        };
        let count = self.rows.len(log);
        let here = self.place(log);
        let has_it = |place: &usize| {
            let entry = self.rows.at(*place, log);
            entry.is_some_and(|entry| wanted.is_match(&entry.record.text))
        };
        // Once around, and the row itself last.
        let found = match onward {
            true => (here + 1..count)
                .chain(0..(here + 1).min(count))
                .find(has_it),
            false => (0..here.min(count))
                .rev()
                .chain((here..count).rev())
                .find(has_it),
        };
        if let Some(place) = found {
            self.mark_place(place, log, height);
        }
        found.is_some()
    }

    /// Begins to write.
    pub fn ask(&mut self, what: Asking) {
        let mut input = Composer::default();
        self.detail.has_keys = false;
        match what {
            Asking::Filter => input.set(&self.filter),
            Asking::Search => {}
            Asking::Raw => input.set(&self.raw),
        }
        self.prompt = Some(Prompt {
            what,
            seen: input.text().to_owned(),
            input,
            wrong: None,
            before: self.filter.clone(),
            marked: self.marked,
        });
    }

    /// What is written has changed: a filter is in force at once, and what is wrong with it is said.
    pub fn written(&mut self, log: &WireLog) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        if prompt.input.text() == prompt.seen {
            return;
        }
        prompt.input.text().clone_into(&mut prompt.seen);
        prompt.wrong = None;
        if prompt.what == Asking::Filter {
            let text = prompt.input.text().to_owned();
            self.marked = prompt.marked;
            let wrong = self.set_filter(&text, log).err();
            if let Some(prompt) = &mut self.prompt {
                prompt.wrong = wrong;
            }
        }
    }

    /// Leaves what is written: a filter is as it was before.
    pub fn leave(&mut self, log: &WireLog) {
        if let Some(prompt) = self.prompt.take().filter(|it| it.what == Asking::Filter) {
            self.marked = prompt.marked;
            // It was in force, so it can be read.
            let _was_read = self.set_filter(&prompt.before, log);
        }
    }

    /// The lines of the detail that are folded, if they are still those of this frame.
    pub fn folded(&self, of: Seq) -> BTreeSet<usize> {
        match self.detail.of == Some(of) {
            true => self.detail.folded.clone(),
            false => BTreeSet::new(),
        }
    }

    /// The line of the detail that the keys are at.
    pub fn line(&self, of: Seq) -> usize {
        match self.detail.of == Some(of) {
            true => self.detail.line,
            false => 0,
        }
    }

    /// The detail is about this frame from now on.
    pub fn look_at(&mut self, of: Seq) -> &mut DetailPart {
        if self.detail.of != Some(of) {
            self.detail = DetailPart {
                has_keys: self.detail.has_keys,
                of: Some(of),
                ..DetailPart::default()
            };
        }
        &mut self.detail
    }
}

/// Finds a text whatever its case; nothing for an empty one.
pub fn finder(text: &str) -> Option<Regex> {
    let pattern = regex::escape(text);
    let regex = RegexBuilder::new(&pattern).case_insensitive(true).build();
    regex.ok().filter(|_| !text.is_empty())
}

/// A line that can be sent as a frame: one line of JSON, whatever it means.
///
/// # Errors
/// Why it is none.
pub fn raw_frame(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("nothing is written: a frame is one line of JSON".to_owned());
    }
    if text.contains(['\n', '\r']) {
        return Err("a frame is one line: take the line breaks out".to_owned());
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("this is no JSON: {error}")),
    }
}

#[cfg(test)]
mod tests;
