//! A text in which places are masked one after the other; without any it stays where it is, and is not copied.
//!
//! Pure. Used by `redact` alone: what it looks through may be of many megabytes and mostly holds no secret.

use std::borrow::Cow;

use crate::mcp::wire::redact::MASK;

/// The text so far.
#[derive(Debug)]
pub(super) struct Masked<'a> {
    text: &'a str,
    out: String,
    copied: usize,
}

impl<'a> Masked<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            out: String::new(),
            copied: 0,
        }
    }

    /// Masks from `start` to `end`; both at a character, and not before what was masked last.
    pub(super) fn mask(&mut self, start: usize, end: usize) {
        self.out.push_str(&self.text[self.copied..start]);
        self.out.push_str(MASK);
        self.copied = end;
    }

    /// Where what was masked last ends.
    pub(super) fn end(&self) -> usize {
        self.copied
    }

    /// The text with all its masks.
    pub(super) fn done(mut self) -> Cow<'a, str> {
        if self.out.is_empty() {
            return Cow::Borrowed(self.text);
        }
        self.out.push_str(&self.text[self.copied..]);
        Cow::Owned(self.out)
    }
}

/// One step after others: where it masks nothing, the text stays as it was.
pub(super) fn then<'a>(
    text: Cow<'a, str>,
    step: impl for<'b> FnOnce(&'b str) -> Cow<'b, str>,
) -> Cow<'a, str> {
    let masked = match step(&text) {
        Cow::Owned(masked) => Some(masked),
        Cow::Borrowed(_) => None,
    };
    masked.map_or(text, Cow::Owned)
}
