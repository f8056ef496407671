//! Takes a change back: what it replaced gets its name again, and what has the name now goes to the trash. That is a change
//! like any other, so that it can be taken back too.

use std::ffi::OsStr;
use std::io;

use cap_std::fs::Dir;
use rustix::io::Errno;

use crate::servers::filesystem::changes::put::{Made, Put};
use crate::servers::filesystem::changes::record::{Action, Left, Seen};
use crate::servers::filesystem::changes::spot::{Spot, rename_new, settle};
use crate::servers::filesystem::changes::{Change, End, Ground, Turn, left, on};
use crate::servers::filesystem::trash::Slot;
use crate::servers::filesystem::tree::{self, Keep};
use crate::servers::toolbox::Refusal;

/// A change that was taken back.
#[derive(Debug)]
pub struct Undone {
    /// The change that was taken back.
    pub change: Change,
    /// The change that did it; undoing that makes the first one again.
    pub id: String,
    /// Where what lay there lies in the trash now.
    pub kept: Option<std::path::PathBuf>,
}

impl Turn<'_> {
    /// Takes back the named change, or the last one on this ground that stands. With `force` also when something else lies
    /// there by now, which goes to the trash then.
    ///
    /// # Errors
    /// A sentence with what to do; all is as it was.
    pub fn undo(
        &mut self,
        ground: &dyn Ground,
        id: Option<&str>,
        force: bool,
    ) -> Result<Undone, Refusal> {
        let change = self.chosen(ground, id)?.clone();
        let done = match &change.end {
            End::Done(done) if change.undone_by.is_none() => done.clone(),
            _ => return Err(self.not_standing(&change)),
        };
        let id = change.begun.id.clone();
        let made = match &change.begun.action {
            Action::Move { from, to, seen } => {
                let (from, to) = (ground.open(from)?, ground.open(to)?);
                self.move_back(&from, &to, *seen, done.left.as_ref(), &id)
            }
            Action::Put { place, old, .. } => {
                let spot = ground.open(place)?;
                let now = spot.seen().map_err(|error| spot.failure("undo", &error))?;
                if !force {
                    must_be_left(&spot, done.left.as_ref(), &change)?;
                }
                self.put_back(&spot, *old, now, &id)
            }
        }?;
        Ok(Undone {
            id: made.id,
            kept: made.kept,
            change,
        })
    }

    fn chosen(&self, ground: &dyn Ground, id: Option<&str>) -> Result<&Change, Refusal> {
        let here = |change: &&Change| on(ground, &change.begun.action);
        let found = match id {
            Some(id) => self.journal.get(id).filter(here),
            None => {
                let mut changes = self.journal.changes().iter().rev().filter(here);
                changes.find(|change| change.stands() && !change.begun.backward)
            }
        };
        found.ok_or_else(|| {
            let mut said = id.map_or_else(
                || "There is no change to undo.".to_owned(),
                |id| format!("There is no change `{id}`; it may be too old. list_changes shows those that can be undone."),
            );
            if let Some(foreign) = self.foreign() {
                said = format!("{said} {foreign}");
            }
            Refusal(said)
        })
    }

    fn not_standing(&self, change: &Change) -> Refusal {
        let id = &change.begun.id;
        Refusal(match (&change.end, &change.undone_by) {
            (_, Some(by)) => {
                format!(
                    "The change `{id}` was undone already, by `{by}`. To have it again, undo `{by}`."
                )
            }
            (End::Open, _) => format!(
                "The change `{id}` was cut short, and where it stopped cannot be found out. What it replaced may lie in {}.",
                self.trash.place().join(id).display()
            ),
            _ => {
                format!("The change `{id}` did not come into effect, so there is nothing to undo.")
            }
        })
    }

    fn put_back(
        &mut self,
        spot: &Spot,
        old: Option<Seen>,
        now: Option<Seen>,
        id: &str,
    ) -> Result<Made, Refusal> {
        if old.is_none() && now.is_none() {
            return Err(Refusal(format!(
                "`{}` is gone already, so there is nothing to undo.",
                spot.shown
            )));
        }
        let slot = match old {
            Some(_) => Some(self.filled_slot(spot, id)?),
            None => None,
        };
        let bring = |dir: &Dir, temporary: &OsStr| match &slot {
            Some(slot) => bring(slot, &spot.name, dir, temporary),
            None => Ok(()),
        };
        self.put(&Put {
            tool: "undo",
            verb: "undo the change of",
            spot,
            old: now,
            make: if old.is_some() { Some(&bring) } else { None },
            sha256: None,
            undoes: Some(id),
        })
    }

    fn filled_slot(&self, spot: &Spot, id: &str) -> Result<Slot, Refusal> {
        let slot = self.trash.open(id).ok();
        slot.filter(|slot| slot.holds(&spot.name)).ok_or_else(|| {
            Refusal(format!(
                "What the change `{id}` replaced is no longer in the trash at `{}`.",
                self.trash.place().display()
            ))
        })
    }

    fn move_back(
        &mut self,
        from: &Spot,
        to: &Spot,
        was: Seen,
        left: Option<&Left>,
        id: &str,
    ) -> Result<Made, Refusal> {
        let now = to.seen().map_err(|error| to.failure("undo", &error))?;
        let still = || left.is_some_and(|left| left::is_still(left, to).unwrap_or(false));
        let Some(now) = now.filter(|now| now.is(&was) || still()) else {
            return Err(Refusal(format!(
                "`{}` is no longer what was moved there from `{}`, so the move is not undone. Undo the later changes first; \
                 list_changes shows them.",
                to.shown, from.shown
            )));
        };
        if from.seen().is_ok_and(|seen| seen.is_some()) {
            return Err(Refusal(format!(
                "`{}` has its old name `{}` taken by something else by now, so the move is not undone. Move or delete that \
                 first, then undo `{id}`.",
                to.shown, from.shown
            )));
        }
        let moved = self.shift("undo", to, from, now, Some(id))?;
        Ok(Made {
            id: moved,
            kept: None,
            weight: tree::Weight::default(),
        })
    }
}

/// Brings what a slot holds to a new name; it stays in the slot where a rename cannot cross.
fn bring(slot: &Slot, name: &OsStr, dir: &Dir, temporary: &OsStr) -> io::Result<()> {
    match rename_new(&slot.dir, name, dir, temporary) {
        Err(Errno::XDEV) => {
            tree::copy(&slot.dir, name, dir, temporary, Keep::All)?;
            settle(dir);
            Ok(())
        }
        outcome => Ok(outcome?),
    }
}

fn must_be_left(spot: &Spot, left: Option<&Left>, change: &Change) -> Result<(), Refusal> {
    let (path, id) = (&spot.shown, &change.begun.id);
    let Some(left) = left else {
        return Err(Refusal(format!(
            "The change `{id}` of `{path}` was cut short, so it cannot be said whether `{path}` was changed since. Nothing was \
             undone. With force it is undone anyway, and what is there now goes to the trash."
        )));
    };
    let still = left::is_still(left, spot);
    let still = still.map_err(|error| {
        Refusal(format!(
            "It cannot be said whether `{path}` was changed since the change `{id}`: {error}. Nothing was undone. With force it is \
             undone anyway, and what is there now goes to the trash."
        ))
    });
    if still? {
        return Ok(());
    }
    let what = match left {
        Left::Nothing => "exists again",
        Left::Content { .. } | Left::Thing { .. } => "was changed or removed",
    };
    Err(Refusal(format!(
        "`{path}` {what} since the change `{id}` ({}), so nothing was undone. Undo the later changes first, or undo `{id}` with \
         force: then what is there now goes to the trash.",
        change.begun.tool
    )))
}
