//! Brings changes to an end whose process died: each is found out to be before or after its one step, and is taken away or
//! finished accordingly. Nothing is removed but what was only being made ready.

use std::ffi::OsStr;

use cap_std::fs::Dir;

use crate::servers::filesystem::changes::put::keep;
use crate::servers::filesystem::changes::record::{Action, Begun, Left, Seen};
use crate::servers::filesystem::changes::spot::{Spot, rename_new, seen};
use crate::servers::filesystem::changes::{End, Ground, Turn, left, on};
use crate::servers::filesystem::trash::Slot;
use crate::servers::filesystem::tree;

/// Where a change stopped.
enum Found {
    /// Before its step.
    Before,
    /// After its step; all is in the trash.
    After,
    /// Not to be said, or not to be helped now.
    Unclear,
}

impl Turn<'_> {
    /// Ends what is open on this ground. What cannot be ended stays open for the next turn.
    pub(super) fn recover(&mut self, ground: &dyn Ground) {
        let changes = self.journal.changes().iter();
        let open =
            changes.filter(|change| change.end == End::Open && on(ground, &change.begun.action));
        let open: Vec<Begun> = open.map(|change| change.begun.clone()).collect();
        for begun in open {
            match &begun.action {
                Action::Put { place, .. } => {
                    if let Ok(spot) = ground.open(place) {
                        self.end_put(&spot, &begun);
                    }
                }
                Action::Move { to, seen: was, .. } => {
                    let there = ground.open(to).ok().filter(|to| is(to, was));
                    match there {
                        Some(to) => self.done(&begun.id, left::left(&to, None).ok(), 0),
                        None => self.abandoned(&begun.id),
                    }
                }
            }
        }
    }

    fn end_put(&mut self, spot: &Spot, begun: &Begun) {
        let Action::Put {
            old,
            new,
            beside,
            sha256,
            ..
        } = &begun.action
        else {
            return;
        };
        let sha256 = sha256.as_deref();
        match old {
            Some(old) => self.end_replaced(spot, begun, old, beside, sha256),
            None if *new => self.end_created(spot, begun, beside, sha256),
            None => self.abandoned(&begun.id),
        }
    }

    fn end_replaced(
        &mut self,
        spot: &Spot,
        begun: &Begun,
        old: &Seen,
        beside: &str,
        sha256: Option<&str>,
    ) {
        let id = &begun.id;
        let Ok(slot) = self.trash.open(id) else {
            // The trash was emptied by hand.
            self.abandoned(id);
            return;
        };
        let beside_name = OsStr::new(beside);
        match find_out(spot, beside_name, old, &slot) {
            Found::Before => {
                self.give_back(spot, beside, begun.undoes.as_deref());
                self.abandoned(id);
                // The old thing is where it was: what the trash has is a copy of it, perhaps cut short.
                slot.discard();
            }
            Found::After => {
                self.trash.settle(&slot);
                let weight = tree::weigh(&slot.dir, &spot.name, None);
                let left = known(spot, sha256);
                self.done(id, left, weight.unwrap_or_default().bytes);
            }
            Found::Unclear => {
                let _stays_open = rename_new(&spot.dir, beside_name, &slot.dir, beside_name);
                if seen(&spot.dir, beside_name).is_ok_and(|seen| seen.is_none()) {
                    self.abandoned(id);
                }
            }
        }
    }

    fn end_created(&mut self, spot: &Spot, begun: &Begun, beside: &str, sha256: Option<&str>) {
        let there = |name: &OsStr| seen(&spot.dir, name).is_ok_and(|seen| seen.is_some());
        let undoes = begun.undoes.as_deref();
        let source = undoes.and_then(|id| self.trash.open(id).ok());
        let unmoved = source.is_some_and(|slot| slot.holds(&spot.name));
        if unmoved || there(OsStr::new(beside)) || !there(&spot.name) {
            self.give_back(spot, beside, undoes);
            self.abandoned(&begun.id);
            return;
        }
        // Without a digest nobody knows whether this is what the change made.
        let left = known(spot, sha256);
        match (sha256, left) {
            (Some(_), None) => self.abandoned(&begun.id),
            (_, left) => self.done(&begun.id, left, 0),
        }
    }

    /// Forgets the oldest changes: see `prune`.
    pub(super) fn forget(&mut self, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        // Forgotten in the journal first: what stays in the trash then is only space.
        if self.journal.drop_changes(ids.clone()).is_ok() {
            for id in ids {
                let _only_space = self.trash.discard(&id);
            }
        }
    }
}

/// What is at the spot, when it is what the change was to put there.
fn known(spot: &Spot, sha256: Option<&str>) -> Option<Left> {
    let digest = left::digest_of(&spot.dir, &spot.name).ok()?;
    let wanted = sha256?;
    (digest == wanted).then(|| left::left(spot, sha256).ok())?
}

fn find_out(spot: &Spot, beside: &OsStr, old: &Seen, slot: &Slot) -> Found {
    let is_old = |dir: &Dir, name: &OsStr| matches!(seen(dir, name), Ok(Some(now)) if now.is(old));
    if is_old(&spot.dir, &spot.name) {
        return Found::Before;
    }
    if is_old(&spot.dir, beside) {
        // A copy that was cut short.
        if slot.holds(&spot.name)
            && !tree::same(&spot.dir, beside, &slot.dir, &spot.name).unwrap_or(false)
        {
            let _again = tree::remove(&slot.dir, &spot.name);
        }
        if keep(&spot.dir, beside, &spot.name, slot).is_ok() {
            return Found::After;
        }
        let back = rename_new(&spot.dir, beside, &spot.dir, &spot.name);
        return if back.is_ok() {
            Found::Before
        } else {
            Found::Unclear
        };
    }
    let nothing_beside = seen(&spot.dir, beside).is_ok_and(|seen| seen.is_none());
    if nothing_beside && slot.holds(&spot.name) {
        return Found::After;
    }
    Found::Unclear
}

fn is(spot: &Spot, was: &Seen) -> bool {
    matches!(spot.seen(), Ok(Some(now)) if now.is(was))
}
