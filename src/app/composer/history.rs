//! What was sent before, and the draft that waits while one looks at it.
//!
//! Pure. Kept for as long as the program runs.

/// Entries kept.
const ENTRIES: usize = 500;
/// A longer text is not worth keeping twice.
const LONGEST: usize = 64 << 10;

/// The texts sent, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    entries: Vec<String>,
    at: Option<usize>,
    draft: String,
}

impl History {
    /// Adds a text that was sent.
    pub fn push(&mut self, text: &str) {
        self.leave();
        if text.trim().is_empty()
            || text.len() > LONGEST
            || self.entries.last().is_some_and(|last| last == text)
        {
            return;
        }
        if self.entries.len() == ENTRIES {
            self.entries.remove(0);
        }
        self.entries.push(text.to_owned());
    }

    /// The entry before the one on show; `current` becomes the draft when none is.
    pub fn older(&mut self, current: &str) -> Option<&str> {
        let at = match self.at {
            Some(at) => at.checked_sub(1)?,
            None => {
                let last = self.entries.len().checked_sub(1)?;
                current.clone_into(&mut self.draft);
                last
            }
        };
        self.at = Some(at);
        self.entries.get(at).map(String::as_str)
    }

    /// The entry after the one on show, in the end the draft.
    pub fn newer(&mut self) -> Option<&str> {
        let at = self.at? + 1;
        if at < self.entries.len() {
            self.at = Some(at);
            self.entries.get(at).map(String::as_str)
        } else {
            self.at = None;
            Some(&self.draft)
        }
    }

    /// An entry on show was changed: it is a draft from now on.
    pub fn leave(&mut self) {
        self.at = None;
        self.draft.clear();
    }
}
