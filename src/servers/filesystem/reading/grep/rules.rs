//! What .gitignore and .ignore say, read through the handle of each folder on the way.
//!
//! Deeper files count before those above them, and .ignore before .gitignore. A folder that holds a .git begins a repository:
//! the .gitignore above it says nothing about what is in it.

use std::io::Read;
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::OFlags;

/// Bytes of one file of rules that are read.
const MAX_BYTES: u64 = 32 * 1024;

/// The rules of all folders from the root down to the one looked at.
#[derive(Default)]
pub struct Rules {
    levels: Vec<Level>,
}

struct Level {
    ignore: Option<Gitignore>,
    git: Option<Gitignore>,
    /// What `.git/info/exclude` says, which only this machine knows.
    exclude: Option<Gitignore>,
    /// Whether a repository begins here.
    repository: bool,
}

impl Rules {
    /// Goes down into a folder that lies at `path` below the root.
    pub fn enter(&mut self, dir: &Dir, path: &Path) {
        self.levels.push(Level {
            ignore: rules(dir, ".ignore", path),
            git: rules(dir, ".gitignore", path),
            exclude: rules(dir, ".git/info/exclude", path),
            repository: dir.symlink_metadata(".git").is_ok(),
        });
    }

    /// Goes up again.
    pub fn leave(&mut self) {
        self.levels.pop();
    }

    /// Whether what lies at `path` below the root is left out.
    pub fn leave_out(&self, path: &Path, is_dir: bool) -> bool {
        let path = Path::new("/").join(path);
        let says = |rules: &Option<Gitignore>| match rules.as_ref()?.matched(&path, is_dir) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        };
        let ours = self
            .levels
            .iter()
            .rev()
            .find_map(|level| says(&level.ignore));
        if let Some(ours) = ours {
            return ours;
        }
        for level in self.levels.iter().rev() {
            if let Some(word) = says(&level.git).or_else(|| says(&level.exclude)) {
                return word;
            }
            if level.repository {
                break;
            }
        }
        false
    }
}

/// The rules in a file, if it is one and has some. A line that is no glob is passed over, as git does.
fn rules(dir: &Dir, name: &str, path: &Path) -> Option<Gitignore> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = dir.open_with(name, &options).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut raw = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut raw).ok()?;
    let mut builder = GitignoreBuilder::new(Path::new("/").join(path));
    for line in String::from_utf8_lossy(&raw).lines() {
        let _broken_line = builder.add_line(None, line);
    }
    let rules = builder.build().ok()?;
    (!rules.is_empty()).then_some(rules)
}
