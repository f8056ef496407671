//! Tokens and subjects that are good no more: a file that is read again when it has changed. Asked by the gate for each request.
//!
//! One a line: a token's `jti`, or `sub:NAME`; empty lines, those that begin with `#` and what follows ` #` say
//! nothing. A list that cannot be read
//! lets nobody in.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::servers::guard::token::Claims;

/// A larger file is no list, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file's time is told in steps: what changed in the same step as it was read looks unchanged, so a reading of a file that
/// young is not kept.
const SETTLED: Duration = Duration::from_secs(2);

/// The names on a list. Pure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Denied {
    tokens: HashSet<String>,
    subjects: HashSet<String>,
}

impl Denied {
    /// Reads the text of a list.
    ///
    /// # Errors
    /// A line could never match; a sentence that names it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut denied = Self::default();
        // Some editors begin a file with this mark; it belongs to no name.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let named = denied.add(line);
            named.ok_or_else(|| format!("line {} names no subject", number + 1))?;
            // A name may hold a `#`; who writes why behind a name means the name: both are denied.
            if let Some((name, _why)) = line.split_once(" #").or(line.split_once("\t#")) {
                let named = denied.add(name.trim());
                named.ok_or_else(|| format!("line {} names no subject", number + 1))?;
            }
        }
        Ok(denied)
    }

    fn add(&mut self, line: &str) -> Option<()> {
        match line.strip_prefix("sub:").map(str::trim) {
            Some("") => return None,
            Some(subject) => self.subjects.insert(subject.to_owned()),
            None => self.tokens.insert(line.to_owned()),
        };
        Some(())
    }

    /// Whether the token or its subject is on the list.
    pub fn holds(&self, claims: &Claims) -> bool {
        let token = claims
            .id
            .as_ref()
            .is_some_and(|id| self.tokens.contains(id));
        token || self.subjects.contains(&claims.subject)
    }
}

/// The file.
#[derive(Debug)]
pub struct DenyList {
    path: PathBuf,
    last: Mutex<Option<Reading>>,
}

#[derive(Debug)]
struct Reading {
    stamp: Stamp,
    settled: bool,
    denied: Denied,
}

/// What changes when a file does.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: (u64, u64),
}

impl DenyList {
    /// Reads the list for the first time.
    ///
    /// # Errors
    /// It cannot be read; a sentence that names the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        let list = Self {
            path: path.to_owned(),
            last: Mutex::new(None),
        };
        list.with(|_| ())?;
        Ok(list)
    }

    /// Whether the token or its subject is on the list as it is now.
    ///
    /// # Errors
    /// The list cannot be read; nobody may come in.
    pub fn holds(&self, claims: &Claims) -> Result<bool, String> {
        self.with(|denied| denied.holds(claims))
    }

    fn with<T>(&self, ask: impl FnOnce(&Denied) -> T) -> Result<T, String> {
        let named =
            |why: &str| format!("cannot read the deny list `{}`: {why}", self.path.display());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = std::fs::metadata(&self.path).map(|data| Stamp::of(&data));
        let stamp = stamp.map_err(|e| named(&e.to_string()))?;
        if let Some(reading) = last.as_ref()
            && reading.settled
            && reading.stamp == stamp
        {
            return Ok(ask(&reading.denied));
        }
        if stamp.length > LARGEST {
            return Err(named("it is larger than 64 MiB"));
        }
        // The time before the reading: what is changed while it is read is younger than that.
        let now = SystemTime::now();
        let text = std::fs::read_to_string(&self.path).map_err(|e| named(&e.to_string()))?;
        let denied = Denied::parse(&text).map_err(|why| named(&why))?;
        let settled = stamp
            .modified
            .and_then(|modified| now.duration_since(modified).ok())
            .is_some_and(|age| age > SETTLED);
        let answer = ask(&denied);
        *last = Some(Reading {
            stamp,
            settled,
            denied,
        });
        Ok(answer)
    }
}

impl Stamp {
    fn of(data: &Metadata) -> Self {
        Self {
            modified: data.modified().ok(),
            length: data.len(),
            inode: inode(data),
        }
    }
}

#[cfg(unix)]
fn inode(data: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (data.dev(), data.ino())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: Option<&str>, subject: &str) -> Claims {
        Claims {
            subject: subject.to_owned(),
            id: id.map(str::to_owned),
            scopes: Vec::new(),
            expires: 0,
        }
    }

    #[test]
    fn a_list_denies_what_its_writer_meant_whatever_his_editor_added() {
        let text = "\u{feff}jti-1 # stolen\r\n  sub:ann\t# left\r\n# jti-2\nsub:Bob #2\n";
        let denied = Denied::parse(text).unwrap();
        for (id, subject) in [
            (Some("jti-1"), "x"),
            (None, "ann"),
            (None, "Bob #2"),
            (None, "Bob"),
        ] {
            assert!(denied.holds(&named(id, subject)), "{id:?} {subject}");
        }
        assert!(!denied.holds(&named(Some("jti-2"), "x")));
        for wrong in ["sub:", "a\nsub: # nobody"] {
            assert!(Denied::parse(wrong).is_err(), "{wrong}");
        }
    }
}
