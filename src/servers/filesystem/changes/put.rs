//! Gives a name something else, or nothing, in one step; what had the name goes to the trash. Write, edit, copy, delete, new
//! folders and their undoing are all this one change.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use cap_std::fs::Dir;
use rustix::io::Errno;

use crate::servers::filesystem::changes::left;
use crate::servers::filesystem::changes::record::{Action, Seen, Sort};
use crate::servers::filesystem::changes::spot::{
    self, Spot, is_unknown_way, rename_new, seen, settle,
};
use crate::servers::filesystem::changes::{Turn, beside};
use crate::servers::filesystem::trash::Slot;
use crate::servers::filesystem::tree::{self, Keep, Weight};
use crate::servers::toolbox::Refusal;

/// Makes the new thing under a name in a folder, down to the disk.
pub type Make<'p> = &'p dyn Fn(&Dir, &OsStr) -> io::Result<()>;

/// One change of a name.
pub struct Put<'p> {
    /// The tool that makes it.
    pub tool: &'static str,
    /// What it does, for sentences: `write`, `delete`.
    pub verb: &'static str,
    /// The name.
    pub spot: &'p Spot,
    /// What has it now. If it is something else by the time of the change, nothing is changed.
    pub old: Option<Seen>,
    /// What makes the new thing; none to leave nothing there.
    pub make: Option<Make<'p>>,
    /// The digest of the new content, where it is known.
    pub sha256: Option<String>,
    /// The change that is taken back; what it replaced is the new thing.
    pub undoes: Option<&'p str>,
}

/// A change that was made.
#[derive(Debug)]
pub struct Made {
    /// Its name.
    pub id: String,
    /// Where what was replaced lies in the trash.
    pub kept: Option<PathBuf>,
    /// How much that is.
    pub weight: Weight,
}

/// Why a change came to nothing; all is as it was.
pub(super) enum Stopped {
    /// What the system said.
    Failed(io::Error),
    /// Something has the name that had none.
    Taken,
    /// Something else has the name than was seen.
    Changed,
    /// It could be neither finished nor taken back; the next turn tries again.
    Stuck(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Errno> for Stopped {
    fn from(error: Errno) -> Self {
        match error {
            Errno::EXIST | Errno::NOTEMPTY => Self::Taken,
            other => Self::Failed(other.into()),
        }
    }
}

impl Turn<'_> {
    /// Makes the change.
    ///
    /// # Errors
    /// A sentence; all is as it was.
    pub fn put(&mut self, put: &Put<'_>) -> Result<Made, Refusal> {
        let weight = self.weighed(put)?;
        let id = self.next_id();
        let beside = beside(&id);
        let slot = self.slot_for(put, &id)?;
        let action = Action::Put {
            place: put.spot.place.clone(),
            old: put.old,
            new: put.make.is_some(),
            beside: beside.clone(),
            sha256: put.sha256.clone(),
        };
        if let Err(refusal) = self.begin(&id, put.tool, action, put.undoes) {
            slot.into_iter().for_each(Slot::discard);
            return Err(refusal);
        }
        if let Err(stopped) = self.effect(put, &beside, slot.as_ref()) {
            if !matches!(stopped, Stopped::Stuck(_)) {
                self.give_back(put.spot, &beside, put.undoes);
                slot.into_iter().for_each(Slot::discard);
                self.abandoned(&id);
            }
            return Err(stopped.told(put));
        }
        let left = left::left(put.spot, put.sha256.as_deref()).ok();
        self.done(&id, left, weight.bytes);
        if let Some(undone) = put.undoes {
            let _forgotten_later = self.trash.discard(undone);
        }
        self.prune(&id);
        let kept = slot.map(|slot| slot.path.join(&put.spot.name));
        Ok(Made { id, kept, weight })
    }

    /// How much would go to the trash.
    fn weighed(&self, put: &Put<'_>) -> Result<Weight, Refusal> {
        if put.old.is_none() {
            return Ok(Weight::default());
        }
        let weight = tree::weigh(&put.spot.dir, &put.spot.name, None);
        let weight = weight.map_err(|error| put.spot.failure(put.verb, &error))?;
        if weight.bytes > self.trash.max_bytes {
            return Err(Refusal(format!(
                "`{}` has {} bytes, and the trash keeps at most {}, so what is there now could not be brought back. Nothing was \
                 changed. A person can raise MCPDECK_TRASH_MAX_BYTES for this server.",
                put.spot.shown, weight.bytes, self.trash.max_bytes
            )));
        }
        Ok(weight)
    }

    fn slot_for(&self, put: &Put<'_>, id: &str) -> Result<Option<Slot>, Refusal> {
        if put.old.is_none() {
            return Ok(None);
        }
        let slot = self.trash.slot(id, &put.spot.absolute());
        slot.map(Some).map_err(|error| {
            Refusal(format!(
                "`{}` was not changed, because the trash at `{}` cannot be written: {error}.",
                put.spot.shown,
                self.trash.place().display()
            ))
        })
    }

    /// Steps 2 to 4.
    fn effect(&self, put: &Put<'_>, beside: &str, slot: Option<&Slot>) -> Result<(), Stopped> {
        let (dir, name) = (&put.spot.dir, put.spot.name.as_os_str());
        let temporary = OsStr::new(beside);
        if let Some(slot) = slot
            && !slot.is_near(dir)
        {
            tree::copy(dir, name, &slot.dir, name, Keep::All)?;
            self.trash.settle(slot);
        }
        if let Some(make) = put.make {
            make(dir, temporary)?;
        }
        match (slot, put.old) {
            (Some(slot), Some(old)) if put.make.is_some() => {
                replace(dir, temporary, name, &old, slot)?;
            }
            (Some(slot), Some(old)) => take_away(dir, temporary, name, &old, slot)?,
            _ => rename_new(dir, temporary, dir, name)?,
        }
        settle(dir);
        if let Some(slot) = slot {
            self.trash.settle(slot);
        }
        Ok(())
    }

    /// Takes the new thing away that did not come into effect; what came from the trash goes back there.
    pub(super) fn give_back(&self, spot: &Spot, beside: &str, undoes: Option<&str>) {
        let temporary = OsStr::new(beside);
        if let Some(slot) = undoes.and_then(|id| self.trash.open(id).ok())
            && !slot.holds(&spot.name)
        {
            let _still_beside = rename_new(&spot.dir, temporary, &slot.dir, &spot.name);
            return;
        }
        let _already_gone = tree::remove(&spot.dir, temporary);
    }
}

/// The new thing gets the name, and the old one goes to the trash.
fn replace(
    dir: &Dir,
    temporary: &OsStr,
    name: &OsStr,
    old: &Seen,
    slot: &Slot,
) -> Result<(), Stopped> {
    match spot::swap(dir, temporary, name) {
        Ok(()) => {}
        Err(error) if is_unknown_way(error) => {
            return replace_without_swap(dir, temporary, name, old, slot);
        }
        Err(error) => return Err(error.into()),
    }
    let kept = if matches!(seen(dir, temporary), Ok(Some(taken)) if taken == *old) {
        keep(dir, temporary, name, slot)
    } else {
        Err(Stopped::Changed)
    };
    kept.map_err(|stopped| match spot::swap(dir, temporary, name) {
        Ok(()) => stopped,
        Err(error) => Stopped::Stuck(error.into()),
    })
}

/// Where two names cannot change places: the trash gets a copy first, then a rename replaces the file.
fn replace_without_swap(
    dir: &Dir,
    temporary: &OsStr,
    name: &OsStr,
    old: &Seen,
    slot: &Slot,
) -> Result<(), Stopped> {
    if old.sort == Sort::Folder {
        let what = "this file system cannot replace a folder in one step; delete it first";
        return Err(io::Error::other(what).into());
    }
    if !slot.holds(name) {
        tree::copy(dir, name, &slot.dir, name, Keep::All)?;
        settle(&slot.dir);
    }
    if seen(dir, name)?.is_none_or(|now| now != *old) {
        return Err(Stopped::Changed);
    }
    rustix::fs::renameat(dir, temporary, dir, name)?;
    Ok(())
}

/// The name gets free, and what had it goes to the trash.
fn take_away(
    dir: &Dir,
    temporary: &OsStr,
    name: &OsStr,
    old: &Seen,
    slot: &Slot,
) -> Result<(), Stopped> {
    if seen(dir, name)?.is_none_or(|now| !now.is(old)) {
        return Err(Stopped::Changed);
    }
    if slot.is_near(dir) {
        match rename_new(dir, name, &slot.dir, name) {
            // A folder that only looks near, such as one that is mounted twice.
            Err(Errno::XDEV) => {}
            outcome => return Ok(outcome?),
        }
    }
    rename_new(dir, name, dir, temporary)?;
    keep(dir, temporary, name, slot).map_err(|stopped| {
        match rename_new(dir, temporary, dir, name) {
            Ok(()) => stopped,
            Err(error) => Stopped::Stuck(error.into()),
        }
    })
}

/// Brings the old thing from its name beside into the trash. Where a rename cannot, it goes only when the trash has an equal
/// copy.
pub(super) fn keep(dir: &Dir, temporary: &OsStr, name: &OsStr, slot: &Slot) -> Result<(), Stopped> {
    if !slot.holds(name) {
        match rename_new(dir, temporary, &slot.dir, name) {
            Ok(()) => return Ok(()),
            Err(Errno::XDEV) => tree::copy(dir, temporary, &slot.dir, name, Keep::All)?,
            Err(error) => return Err(Stopped::Failed(error.into())),
        }
    }
    settle(&slot.dir);
    if !tree::same(dir, temporary, &slot.dir, name)? {
        return Err(Stopped::Changed);
    }
    // It lies whole in the trash by now; what cannot be removed stays under its name beside.
    let _left_over = tree::remove(dir, temporary);
    Ok(())
}

impl Stopped {
    fn told(self, put: &Put<'_>) -> Refusal {
        let path = &put.spot.shown;
        match self {
            Self::Failed(error) => {
                let Refusal(mut said) = put.spot.failure(put.verb, &error);
                said.push_str(" Nothing was changed.");
                Refusal(said)
            }
            Self::Taken => Refusal(format!(
                "`{path}` exists already. Nothing was changed. Choose another name, or delete it first."
            )),
            Self::Changed => Refusal(format!(
                "`{path}` was changed by somebody else at this moment. Nothing was changed. Read it again and repeat."
            )),
            Self::Stuck(error) => Refusal(format!(
                "Cannot {} `{path}`: {error}. What was there lies beside it under a name that begins with `.mcpdeck-`; the next \
                 change tries to put it back.",
                put.verb
            )),
        }
    }
}

#[cfg(test)]
mod tests;
