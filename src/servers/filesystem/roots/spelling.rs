//! A name that is given in one Unicode form and lies on the disk in the other. Used by `Roots::find`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::servers::filesystem::names::composed;
use crate::servers::filesystem::roots::{Root, or_dot};

impl Root {
    /// The path as it is spelled on the disk: where no file has these bytes and exactly one has the same letters in the other
    /// Unicode form, that one is meant. A file that has exactly these bytes always wins.
    pub(super) fn respelled(&self, rel: PathBuf) -> PathBuf {
        let there = |path: &Path| self.dir.symlink_metadata(path).is_ok();
        if rel.to_str().is_none_or(str::is_ascii) || there(&rel) {
            return rel;
        }
        let mut found = PathBuf::new();
        for part in &rel {
            let next = found.join(part);
            let next = if there(&next) {
                next
            } else {
                self.twin(&found, part)
                    .map_or(next, |name| found.join(name))
            };
            found = next;
        }
        found
    }

    fn twin(&self, folder: &Path, name: &OsStr) -> Option<OsString> {
        let wanted = composed(name.to_str()?);
        let mut twins = self
            .dir
            .read_dir(or_dot(folder))
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .filter(|name| name.to_str().is_some_and(|name| composed(name) == wanted));
        let twin = twins.next();
        if twins.next().is_some() { None } else { twin }
    }
}
