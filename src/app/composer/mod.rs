//! The input: several lines, edited by graphemes, with history and undo.
//!
//! Pure. The view asks it for its text and its caret, and folds long lines with [`motion::rows`].
//!
//! Input methods for Vietnamese (Telex, VNI) send backspaces and type the letters anew, some of them as combining characters:
//! so the text is kept in NFC at every place where something is put in or taken out, and a backspace takes a whole grapheme.

mod history;
pub mod motion;
mod undo;

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use crate::app::composer::history::History;
use crate::app::composer::undo::{Kind, Step, Undo};
use crate::text::clean;

/// The longest text, in bytes: beyond it nothing more goes in.
pub const LIMIT: usize = 4 << 20;

/// A text being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Composer {
    text: String,
    caret: usize,
    goal: Option<usize>,
    undo: Undo,
    history: History,
}

/// Where the caret can go from where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Motion {
    /// One grapheme back.
    Left,
    /// One grapheme on.
    Right,
    /// To the start of the word before.
    WordLeft,
    /// To the end of the word after.
    WordRight,
    /// To the start of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// To the start of the text.
    Start,
    /// To the end of the text.
    End,
}

/// One way of editing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edit {
    /// Moves the caret.
    Move(Motion),
    /// Takes out what lies between the caret and there.
    Delete(Motion),
    /// Takes the last step back.
    Undo,
    /// Does the step again that was taken back.
    Redo,
}

impl Composer {
    /// The text, lines parted by `\n`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The caret as a byte offset in the text; always between graphemes.
    pub fn caret(&self) -> usize {
        self.caret
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Puts a typed character in. A control character other than `\n` is no text and is left out, and so is one that turns
    /// the direction of reading: nobody types it, and it would show the text other than it is sent.
    pub fn insert(&mut self, typed: char) {
        let turns = matches!(typed, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || (typed.is_control() && typed != '\n') {
            return;
        }
        let mut buffer = [0; 4];
        self.put(typed.encode_utf8(&mut buffer), Kind::Typed);
    }

    /// Puts a pasted text in, as one step: without control characters and sequences, a tab as four spaces. Answers with the
    /// bytes that did not fit.
    pub fn paste(&mut self, pasted: &str) -> usize {
        let clean = clean::block(pasted);
        let mut fits = LIMIT.saturating_sub(self.text.len()).min(clean.len());
        while !clean.is_char_boundary(fits) {
            fits -= 1;
        }
        self.undo.close();
        self.put(&clean[..fits], Kind::Other);
        clean.len() - fits
    }

    /// Puts a text in the place of a range of bytes, as one step. A range that does not fit the text changes nothing.
    pub fn put_at(&mut self, range: Range<usize>, with: &str) {
        let clean = clean::block(with);
        let fits = self.text.get(range.clone()).is_some()
            && motion::snap(&self.text, range.start) == range.start
            && motion::snap(&self.text, range.end) == range.end;
        if fits && self.text.len() + clean.len() <= LIMIT {
            self.caret = range.end;
            self.undo.close();
            self.replace(range, &clean, Kind::Other);
        }
    }

    /// Replaces the text; undo brings the old one back.
    pub fn set(&mut self, text: &str) {
        self.history.leave();
        self.replace_all(text);
    }

    /// Empties the input and answers with its text, which goes into the history.
    pub fn submit(&mut self) -> String {
        self.history.push(&self.text);
        let text = std::mem::take(&mut self.text);
        let history = std::mem::take(&mut self.history);
        *self = Self {
            history,
            ..Self::default()
        };
        text
    }

    /// Adds a text to the history that was sent without being typed here.
    pub fn remember(&mut self, text: &str) {
        self.history.push(text);
    }

    /// Does one edit. The caret stays between graphemes whatever comes.
    pub fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Move(motion) => self.go(self.target(motion)),
            Edit::Delete(motion) => self.delete(motion),
            Edit::Undo => self.take_back(),
            Edit::Redo => self.do_again(),
        }
    }

    fn target(&self, motion: Motion) -> usize {
        let (text, caret) = (&self.text, self.caret);
        match motion {
            Motion::Left => motion::before(text, caret),
            Motion::Right => motion::after(text, caret),
            Motion::WordLeft => motion::word_before(text, caret),
            Motion::WordRight => motion::word_after(text, caret),
            Motion::LineStart => motion::line(text, caret).start,
            Motion::LineEnd => motion::line(text, caret).end,
            Motion::Start => 0,
            Motion::End => text.len(),
        }
    }

    fn delete(&mut self, motion: Motion) {
        let mut to = self.target(motion);
        // At the edge of a line the newline goes, so that holding the key goes on.
        if to == self.caret && motion == Motion::LineStart {
            to = motion::before(&self.text, to);
        } else if to == self.caret && motion == Motion::LineEnd {
            to = motion::after(&self.text, to);
        }
        let range = to.min(self.caret)..to.max(self.caret);
        let kind = if motion == Motion::Left {
            Kind::Erased
        } else {
            Kind::Other
        };
        if !range.is_empty() {
            self.replace(range, "", kind);
        }
    }

    /// One row up in an input of `cols` columns; false on the first row.
    pub fn up(&mut self, cols: usize) -> bool {
        self.vertical(cols, true)
    }

    /// One row down; false on the last row.
    pub fn down(&mut self, cols: usize) -> bool {
        self.vertical(cols, false)
    }

    /// Shows what was sent before; false when there is nothing older.
    pub fn older(&mut self) -> bool {
        let found = self.history.older(&self.text).map(str::to_owned);
        self.show(found)
    }

    /// Shows what was sent after it, in the end the draft; false when the draft is on show.
    pub fn newer(&mut self) -> bool {
        let found = self.history.newer().map(str::to_owned);
        self.show(found)
    }

    fn show(&mut self, found: Option<String>) -> bool {
        if let Some(text) = &found {
            self.replace_all(text);
        }
        found.is_some()
    }

    fn vertical(&mut self, cols: usize, up: bool) -> bool {
        let Some((at, goal)) = motion::vertical(&self.text, self.caret, cols, self.goal, up) else {
            return false;
        };
        self.go(at);
        self.goal = Some(goal);
        true
    }

    fn go(&mut self, at: usize) {
        self.caret = at;
        self.goal = None;
        self.undo.close();
    }

    fn put(&mut self, text: &str, kind: Kind) {
        if !text.is_empty() && self.text.len() + text.len() <= LIMIT {
            self.replace(self.caret..self.caret, text, kind);
        }
    }

    fn replace_all(&mut self, text: &str) {
        let old = std::mem::replace(&mut self.text, text.nfc().collect());
        let end = self.text.len();
        self.record(0, old, self.text.clone(), end, Kind::Other);
    }

    /// Puts `with` in the place of a range, and keeps the neighbourhood in NFC and the caret between graphemes.
    fn replace(&mut self, range: Range<usize>, with: &str, kind: Kind) {
        self.history.leave();
        let behind = range.end..motion::after(&self.text, range.end);
        let (range, with) = if with.is_ascii() && self.text[behind.clone()].is_ascii() {
            (range, with.to_owned())
        } else {
            self.composed(range, behind, with)
        };
        let removed = self.text[range.clone()].to_owned();
        self.text.replace_range(range.clone(), &with);
        let end = range.start + with.len();
        self.record(range.start, removed, with, end, kind);
    }

    /// The smallest change that leaves NFC: the grapheme before may take the new text in, and the whole the one behind.
    fn composed(
        &self,
        range: Range<usize>,
        behind: Range<usize>,
        with: &str,
    ) -> (Range<usize>, String) {
        let start = motion::before(&self.text, range.start);
        let before = &self.text[start..range.start];
        let head: String = before.chars().chain(with.chars()).nfc().collect();
        let loose = format!("{head}{}", &self.text[behind.clone()]);
        let whole: String = loose.nfc().collect();
        let (end, new) = if whole == loose {
            (range.end, head)
        } else {
            (behind.end, whole)
        };
        match new.strip_prefix(before) {
            Some(rest) => (range.start..end, rest.to_owned()),
            None => (start..end, new),
        }
    }

    fn record(&mut self, at: usize, removed: String, inserted: String, end: usize, kind: Kind) {
        let before = self.caret;
        self.caret = motion::snap(&self.text, end);
        self.goal = None;
        self.undo.record(Step {
            at,
            removed,
            inserted,
            carets: (before, self.caret),
            kind,
        });
    }

    fn take_back(&mut self) {
        if let Some(step) = self.undo.back() {
            let end = step.at + step.inserted.len();
            self.text.replace_range(step.at..end, &step.removed);
            self.caret = step.carets.0;
            self.goal = None;
            self.history.leave();
        }
    }

    fn do_again(&mut self) {
        if let Some(step) = self.undo.forth() {
            let end = step.at + step.removed.len();
            self.text.replace_range(step.at..end, &step.inserted);
            self.caret = step.carets.1;
            self.goal = None;
            self.history.leave();
        }
    }
}
