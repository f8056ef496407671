//! The input: several lines, edited by graphemes, with history and undo.
//!
//! Pure. The view asks it for its text and its caret and wraps both itself.

/// A text being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Composer {
    text: String,
    caret: usize,
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
}
