//! Trust in a folder's `mcp.toml`: whoever enters a folder has not said yet that its file may start programs, reach servers, or
//! send a key somewhere.
//!
//! Pure but for `store`, which keeps the answers. A yes is bound to the folder and to the bytes of the file, and to nothing else:
//! programs and scripts that the file only names may change without a new question, as those that a `Makefile` names may.
//! `load` says what a folder's file is, the front ends ask, `driver` reads it again when it changes.

mod says;
mod secrets;
mod store;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::settings::Config;

pub(crate) use says::says;
pub use store::{Record, TrustBook};

/// What a folder's file is, as far as a yes is bound to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderFile {
    /// Its place: the folder without links, because relative paths in the file start there, and the file's name.
    pub path: PathBuf,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// What it would start, reach and pass on, for people: a line that begins at the edge opens a paragraph, and one with `! `
    /// wants attention. Foreign text, raw. Empty for a file that changes nothing but looks.
    pub says: Vec<String>,
}

/// A folder's file that waits for a yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asks {
    /// The file.
    pub folder: FolderFile,
    /// What it said when it was trusted last, if it ever was.
    pub before: Option<Vec<String>>,
    /// The configuration with it.
    pub with: Arc<Config>,
    /// The configuration without it.
    pub without: Arc<Config>,
}

/// What a configuration comes to that may hold a folder's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Permitted {
    /// It may run.
    Runs(Arc<Config>),
    /// A part of it waits for a yes.
    Asks(Arc<Asks>),
}

/// What was read when the configuration's files changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum News {
    /// A configuration.
    Read(Permitted),
    /// What is wrong with the files now; what ran goes on.
    Wrong(String),
    /// A file that a server is made of has changed (`inspect --watch`).
    Touched(PathBuf),
}

/// How a line differs from what was trusted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was there.
    Same,
    /// It is new.
    New,
    /// It is gone.
    Gone,
}

impl FolderFile {
    /// SHA-256 of a file's bytes, in hexadecimal.
    pub fn digest(bytes: &[u8]) -> String {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            let _infallible = write!(text, "{byte:02x}");
        }
        text
    }
}

impl Asks {
    /// What the file says, each line with what became of it since the last yes. Lines that are gone stand where they were.
    pub fn lines(&self) -> Vec<(Change, &str)> {
        let now = &self.folder.says;
        let Some(before) = &self.before else {
            return now
                .iter()
                .map(|line| (Change::Same, line.as_str()))
                .collect();
        };
        differ(before, now)
    }

    /// Whether it was trusted before, and says the same: comments, order, looks or a hidden value have changed.
    pub fn says_the_same(&self) -> bool {
        self.before.as_ref() == Some(&self.folder.says)
    }
}

/// The longest common part stays, the rest is gone or new. A few dozen lines: the square of them is nothing; a file that brings
/// thousands is shown without its past.
fn differ<'t>(before: &'t [String], now: &'t [String]) -> Vec<(Change, &'t str)> {
    const MANY: usize = 2_000;
    if before.len() > MANY || now.len() > MANY {
        return now
            .iter()
            .map(|line| (Change::New, line.as_str()))
            .collect();
    }
    let mut common = vec![vec![0u32; now.len() + 1]; before.len() + 1];
    for (b, old) in before.iter().enumerate().rev() {
        for (n, new) in now.iter().enumerate().rev() {
            common[b][n] = match old == new {
                true => common[b + 1][n + 1] + 1,
                false => common[b + 1][n].max(common[b][n + 1]),
            };
        }
    }
    let (mut b, mut n) = (0, 0);
    let mut lines = Vec::new();
    while b < before.len() || n < now.len() {
        let same = b < before.len() && n < now.len() && before[b] == now[n];
        if same {
            lines.push((Change::Same, now[n].as_str()));
            (b, n) = (b + 1, n + 1);
        } else if n == now.len() || (b < before.len() && common[b + 1][n] >= common[b][n + 1]) {
            lines.push((Change::Gone, before[b].as_str()));
            b += 1;
        } else {
            lines.push((Change::New, now[n].as_str()));
            n += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_new_and_what_is_gone_stands_where_it_was() {
        let (before, now) = (texts("a b c d"), texts("a x c"));
        let told: Vec<_> = differ(&before, &now);
        assert_eq!(
            told,
            [
                (Change::Same, "a"),
                (Change::Gone, "b"),
                (Change::New, "x"),
                (Change::Same, "c"),
                (Change::Gone, "d"),
            ]
        );
    }

    #[test]
    fn a_digest_is_that_of_the_standard() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(FolderFile::digest(b""), empty);
    }

    proptest! {
        #[test]
        fn nothing_of_either_side_is_left_out(
            before in prop::collection::vec("[abc]", 0..12),
            now in prop::collection::vec("[abc]", 0..12),
        ) {
            let told = differ(&before, &now);
            let side = |left_out: Change| -> Vec<String> {
                let kept = told.iter().filter(|(change, _)| *change != left_out);
                kept.map(|(_, line)| (*line).to_owned()).collect()
            };
            prop_assert_eq!(side(Change::New), before.clone());
            prop_assert_eq!(side(Change::Gone), now.clone());
        }
    }
}
