//! What was done to the text, so that it can be taken back: differences, not copies, because a paste may be a megabyte.
//!
//! Pure. A word typed in one go is one step, and so is a paste; an input method's backspace-and-retype belongs to the word.

/// Steps kept.
const STEPS: usize = 500;
/// Bytes kept over all steps; the oldest go first.
const BYTES: usize = 16 << 20;
/// Characters that an input method takes back at most before it types them anew.
const RETYPED: usize = 8;

/// How a change came about: it decides what goes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A typed character.
    Typed,
    /// A backspace.
    Erased,
    /// Anything else: always a step of its own.
    Other,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub at: usize,
    /// What was there.
    pub removed: String,
    /// What is there now.
    pub inserted: String,
    /// The caret before and after.
    pub carets: (usize, usize),
    /// How it came about.
    pub kind: Kind,
}

/// Steps back and steps forth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undo {
    done: Vec<Step>,
    undone: Vec<Step>,
    closed: bool,
}

impl Undo {
    /// Remembers a change, as part of the last step where it belongs to it.
    pub fn record(&mut self, step: Step) {
        self.undone.clear();
        let open = !std::mem::take(&mut self.closed);
        if open && self.extends(&step) {
            return;
        }
        self.done.push(step);
        self.trim();
    }

    /// The next change begins a step of its own: the caret went elsewhere.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// The step to take back.
    pub fn back(&mut self) -> Option<Step> {
        let step = self.done.pop()?;
        self.undone.push(step.clone());
        self.closed = true;
        Some(step)
    }

    /// The step to do again.
    pub fn forth(&mut self) -> Option<Step> {
        let step = self.undone.pop()?;
        self.done.push(step.clone());
        self.closed = true;
        Some(step)
    }

    fn extends(&mut self, step: &Step) -> bool {
        match step.kind {
            Kind::Typed => {
                self.fold_retyping(step);
                let Some(last) = self.done.last_mut() else {
                    return false;
                };
                let new_word = last.inserted.ends_with(char::is_whitespace)
                    && !step.inserted.starts_with(char::is_whitespace);
                last.kind == Kind::Typed && !new_word && last.absorb(step)
            }
            Kind::Erased => self.done.last_mut().is_some_and(|last| {
                last.kind == Kind::Erased
                    && last.inserted.is_empty()
                    && step.inserted.is_empty()
                    && step.at + step.removed.len() == last.at
                    && {
                        last.removed.insert_str(0, &step.removed);
                        last.at = step.at;
                        last.carets.1 = step.carets.1;
                        true
                    }
            }),
            Kind::Other => false,
        }
    }

    /// Typed, taken back, typed anew at the same place: what an input method does for each accent.
    fn fold_retyping(&mut self, step: &Step) {
        let [.., typed, erased] = self.done.as_mut_slice() else {
            return;
        };
        let retyped = typed.kind == Kind::Typed
            && erased.kind == Kind::Erased
            && erased.inserted.is_empty()
            && step.at == erased.at
            && step.removed.is_empty()
            && erased.removed.chars().count() <= RETYPED;
        if retyped && typed.absorb(erased) {
            self.done.pop();
        }
    }

    fn trim(&mut self) {
        let size = |step: &Step| step.removed.len() + step.inserted.len();
        let mut bytes: usize = self.done.iter().map(size).sum();
        let mut drop = self.done.len().saturating_sub(STEPS);
        bytes -= self.done[..drop].iter().map(size).sum::<usize>();
        // The last step stays whatever its size: one undo always works.
        while bytes > BYTES && drop + 1 < self.done.len() {
            bytes -= size(&self.done[drop]);
            drop += 1;
        }
        self.done.drain(..drop);
    }
}

impl Step {
    /// Takes a later step into this one where that one changes nothing but the end of what this one inserted.
    fn absorb(&mut self, later: &Self) -> bool {
        let Some(keep) = later.at.checked_sub(self.at) else {
            return false;
        };
        let touches = self.inserted.get(keep..) == Some(later.removed.as_str());
        if touches {
            self.inserted.truncate(keep);
            self.inserted.push_str(&later.inserted);
            self.carets.1 = later.carets.1;
        }
        touches
    }
}
