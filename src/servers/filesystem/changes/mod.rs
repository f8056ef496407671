//! Makes changes so that nothing is lost: each is written to the journal before it touches anything, takes effect in one step,
//! and puts what it replaced into the trash, from where `undo` brings it back.
//!
//! A change of a name goes like this, all of it under the lock of the trash:
//! 1. `Begun` is on the disk: the name, what has it now (by its number), the folder in the trash.
//! 2. The new thing is made beside the name as `.mcpdeck-ID-LOT.tmp` and is on the disk. A trash on another file system gets its
//!    copy of the old thing now.
//! 3. One rename: the new thing and the old one change places, or the name is given or taken.
//! 4. The old thing goes from `.mcpdeck-ID-LOT.tmp` to the trash.
//! 5. `Done`.
//!
//! A process that dies leaves `Begun` without an end. Whoever has the lock next finds out from the numbers of the things where
//! it stopped (`recover`): before 3 the new thing is taken away, after 3 the rest is done.
//!
//! `record` and `journal` keep the book, `spot` names what is touched, `put` and `shift` make changes, `undo` takes them back,
//! `prune` forgets. Used by the changing tools and, through `history`, by the command line.

pub mod left;
pub mod prune;
pub mod put;
pub mod record;
pub mod shift;
pub mod spot;
pub mod undo;

mod journal;
mod recover;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{SecondsFormat, Utc};

use crate::servers::filesystem::names::shown_path;
use crate::servers::filesystem::trash::Trash;
use crate::servers::toolbox::Refusal;

pub use journal::{Change, End};

use journal::Journal;
use record::{Action, Begun, Done, Left, Line, Where};
use spot::Spot;

/// Opens places that the journal names; what it does not open is not touched.
pub trait Ground {
    /// Whether the place lies where changes are made.
    fn holds(&self, place: &Where) -> bool;

    /// The place, resolved anew beneath its root.
    ///
    /// # Errors
    /// The root or the folder is gone, or it leads out.
    fn open(&self, place: &Where) -> Result<Spot, Refusal>;
}

/// The trash and the journal, for all that change something.
pub struct Changes {
    trash: Trash,
    journal: Mutex<Journal>,
}

/// The right to change something; nobody else has it meanwhile.
pub struct Turn<'c> {
    trash: &'c Trash,
    journal: MutexGuard<'c, Journal>,
    /// What does the folder of the journal belong to: held until the turn is over.
    _lock: File,
}

impl Changes {
    /// The changes that this trash keeps.
    pub fn new(trash: Trash) -> Self {
        let journal = Mutex::new(Journal::new(trash.journal()));
        Self { trash, journal }
    }

    /// The trash.
    pub fn trash(&self) -> &Trash {
        &self.trash
    }

    /// Waits for the turn, and brings to an end what a killed process left half done on this ground.
    ///
    /// # Errors
    /// The data directory cannot be written: then nothing may be changed.
    pub fn turn(&self, ground: &dyn Ground) -> Result<Turn<'_>, Refusal> {
        // A panic in an earlier change left a journal that is read anew from where it ended.
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |error: io::Error| {
            Refusal(format!(
                "Nothing was changed, because the trash at `{}` cannot be used: {error}. What is replaced must be kept there; \
                 make the folder writable, or name another with MCPDECK_DATA_DIR.",
                self.trash.place().display()
            ))
        };
        let mut turn = Turn {
            _lock: self.trash.lock().map_err(refused)?,
            trash: &self.trash,
            journal,
        };
        let is_first = turn.journal.changes().is_empty();
        turn.journal.refresh().map_err(refused)?;
        if is_first {
            turn.sweep();
        }
        turn.recover(ground);
        Ok(turn)
    }

    /// The changes on this ground, newest first, at most so many; and a sentence about lines that nobody understands.
    ///
    /// # Errors
    /// The data directory cannot be written.
    pub fn listed(
        &self,
        ground: &dyn Ground,
        limit: usize,
    ) -> Result<(Vec<Change>, Option<String>), Refusal> {
        if !self.trash.journal().exists() {
            return Ok((Vec::new(), None));
        }
        let turn = self.turn(ground)?;
        let changes = turn.journal.changes().iter().rev();
        let changes = changes.filter(|change| on(ground, &change.begun.action));
        let changes = changes.take(limit).cloned().collect();
        Ok((changes, turn.foreign()))
    }
}

/// Whether all that an action touches lies on the ground.
fn on(ground: &dyn Ground, action: &Action) -> bool {
    match action {
        Action::Put { place, .. } => ground.holds(place),
        Action::Move { from, to, .. } => ground.holds(from) && ground.holds(to),
    }
}

/// A name beside a place under which a change makes things ready. Part of it is drawn by lot: somebody else may be changing
/// the same folder at the same second with a data directory of their own.
fn beside(id: &str) -> String {
    let lot = RandomState::new().hash_one(std::process::id());
    format!(".mcpdeck-{id}-{:08x}.tmp", lot & 0xffff_ffff)
}

impl Turn<'_> {
    /// What to say about lines of the journal that are not understood.
    fn foreign(&self) -> Option<String> {
        let lines = match self.journal.foreign() {
            0 => return None,
            1 => "1 line".to_owned(),
            n => format!("{n} lines"),
        };
        Some(format!(
            "{lines} of the journal in `{}` cannot be understood: from a newer version of mcpdeck, or damaged. The changes that \
             they tell of cannot be undone here.",
            shown_path(self.trash.place())
        ))
    }

    /// A name for the next change: the time, and a number within the second.
    fn next_id(&self) -> String {
        let stamp = Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
        let last = self.journal.changes().last().map(|c| c.begun.id.as_str());
        let same = last.and_then(|id| id.strip_prefix(&stamp)?.strip_prefix('-'));
        let mut number = same.and_then(|n| n.parse().ok()).unwrap_or(0_u64) + 1;
        loop {
            let id = format!("{stamp}-{number}");
            // A folder without a line: its process died before it wrote one.
            let taken = || self.trash.place().join(&id).symlink_metadata().is_ok();
            if self.journal.get(&id).is_none() && !taken() {
                return id;
            }
            number += 1;
        }
    }

    /// Writes down what is about to be done; nothing has been touched before that.
    fn begin(
        &mut self,
        id: &str,
        tool: &str,
        action: Action,
        undoes: Option<&str>,
    ) -> Result<(), Refusal> {
        let undone = undoes.and_then(|id| self.journal.get(id));
        let begun = Begun {
            id: id.to_owned(),
            time: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            tool: tool.to_owned(),
            action,
            backward: undone.is_some_and(|change| !change.begun.backward),
            undoes: undoes.map(str::to_owned),
        };
        let appended = self.journal.append(&[Line::Begun(begun)], true);
        appended.map_err(|error| {
            Refusal(format!(
                "Nothing was changed, because the journal in `{}` cannot be written: {error}.",
                self.trash.place().display()
            ))
        })
    }

    /// Writes down that it is done. A line that cannot be written is found out again by `recover`.
    fn done(&mut self, id: &str, left: Option<Left>, kept: u64) {
        let id = id.to_owned();
        let line = Line::Done(Done { id, left, kept });
        let _recovered_later = self.journal.append(&[line], false);
    }

    /// Writes down that it did not come into effect.
    fn abandoned(&mut self, id: &str) {
        let line = Line::Abandoned { id: id.to_owned() };
        let _recovered_later = self.journal.append(&[line], false);
    }
}
