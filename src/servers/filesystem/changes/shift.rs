//! Gives something another name, in one rename that never replaces anything.

use std::io;

use rustix::io::Errno;

use crate::servers::filesystem::changes::Turn;
use crate::servers::filesystem::changes::left;
use crate::servers::filesystem::changes::record::{Action, Seen};
use crate::servers::filesystem::changes::spot::{Spot, rename_new, settle};
use crate::servers::toolbox::Refusal;

impl Turn<'_> {
    /// Moves what is seen at one spot to the other, which must be free. Tells the name of the change.
    ///
    /// # Errors
    /// A sentence; all is as it was.
    pub fn shift(
        &mut self,
        tool: &str,
        from: &Spot,
        to: &Spot,
        seen: Seen,
        undoes: Option<&str>,
    ) -> Result<String, Refusal> {
        let id = self.next_id();
        let action = Action::Move {
            from: from.place.clone(),
            to: to.place.clone(),
            seen,
        };
        self.begin(&id, tool, action, undoes)?;
        if let Err(errno) = rename_new(&from.dir, &from.name, &to.dir, &to.name) {
            self.abandoned(&id);
            return Err(told(from, to, errno));
        }
        settle(&from.dir);
        settle(&to.dir);
        let left = left::left(to, None).ok();
        self.done(&id, left, 0);
        self.prune(&id);
        Ok(id)
    }
}

fn told(from: &Spot, to: &Spot, errno: Errno) -> Refusal {
    let (source, target) = (&from.shown, &to.shown);
    match errno {
        Errno::EXIST | Errno::NOTEMPTY => Refusal(format!(
            "`{target}` exists already, and a move never overwrites. Choose another name, or delete it first."
        )),
        Errno::INVAL => Refusal(format!(
            "`{source}` cannot be moved into itself (`{target}`)."
        )),
        Errno::XDEV => Refusal(format!(
            "`{source}` and `{target}` lie on different file systems. Copy it with copy_file, then delete the old one."
        )),
        other => from.failure("move", &io::Error::from(other)),
    }
}
