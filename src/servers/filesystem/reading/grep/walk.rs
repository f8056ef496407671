//! Goes through the folders to search, each opened through the handle of the one above. Follows no link.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirEntry, FileType, OpenOptions, OpenOptionsExt};
use regex::bytes::Regex;
use rustix::fs::OFlags;

use crate::servers::filesystem::reading::glob::Glob;
use crate::servers::filesystem::reading::grep::lines::{Budget, Outcome, search};
use crate::servers::filesystem::reading::grep::rules::Rules;
use crate::servers::filesystem::reading::grep::{Found, Match};
use crate::servers::filesystem::roots::Place;

/// Entries that are looked at before the search gives up.
const MAX_VISITED: usize = 500_000;

/// Folders below each other.
const MAX_DEPTH: usize = 64;

/// A search under way.
pub struct Walk<'s> {
    /// Where it begins.
    pub place: &'s Place<'s>,
    /// What is looked for.
    pub regex: Regex,
    /// Lines around each match.
    pub context: usize,
    /// Which files.
    pub glob: Option<Glob>,
    /// What is left out.
    pub except: Vec<Glob>,
    /// Whether names with a dot count.
    pub hidden: bool,
    /// What .gitignore and .ignore say, where they are asked.
    pub rules: Option<Rules>,
    /// What may still be used.
    pub budget: Budget<'s>,
    /// What was found.
    pub found: Found,
    /// Entries looked at.
    pub visited: usize,
}

impl Walk<'_> {
    /// Searches the folder at which the search begins. The rules of the folders above it hold as well.
    pub fn begin(&mut self, dir: &Dir) {
        let above: Vec<PathBuf> = self.place.rel.ancestors().skip(1).map(Into::into).collect();
        for path in above.iter().rev() {
            let opened = self.place.at(path.clone()).open_dir("search");
            if let (Some(rules), Ok(above)) = (&mut self.rules, opened) {
                rules.enter(&above, path);
            }
        }
        self.folder(dir, Path::new(""), 0);
    }

    fn folder(&mut self, dir: &Dir, below: &Path, depth: usize) {
        let Ok(entries) = dir.entries() else {
            self.found.unreadable += 1;
            return;
        };
        if let Some(rules) = &mut self.rules {
            rules.enter(dir, &self.place.rel.join(below));
        }
        let mut known = Vec::new();
        for entry in entries.flatten() {
            self.visited += 1;
            if self.visited > MAX_VISITED {
                self.found.stopped_by = Some("number of files");
                break;
            }
            let path = below.join(entry.file_name());
            if let Some(kind) = self.wanted(&entry, &path) {
                known.push((kind.is_dir(), path, entry));
            }
        }
        // Files before folders, so that what is near comes first.
        known.sort_by(|(a, one, _), (b, other, _)| (a, one).cmp(&(b, other)));
        for (is_dir, path, entry) in known {
            if !self.budget.goes_on() {
                break;
            }
            if !is_dir {
                self.entry(&entry, &path);
            } else if depth >= MAX_DEPTH {
                self.found.stopped_by = Some("depth");
            } else if let Ok(inner) = entry.open_dir() {
                self.folder(&inner, &path, depth + 1);
            } else {
                self.found.unreadable += 1;
            }
        }
        if let Some(rules) = &mut self.rules {
            rules.leave();
        }
    }

    /// The kind of an entry that is searched.
    fn wanted(&mut self, entry: &DirEntry, path: &Path) -> Option<FileType> {
        let kind = entry.file_type().ok()?;
        let is_dir = kind.is_dir();
        let rel = self.place.rel.join(path);
        if !(is_dir || kind.is_file()) || self.place.root.hides(&rel) {
            return None;
        }
        if !self.hidden && entry.file_name().as_encoded_bytes().starts_with(b".") {
            self.found.hidden += 1;
            return None;
        }
        let rules = self.rules.as_ref();
        if rules.is_some_and(|rules| rules.leave_out(&rel, is_dir)) {
            self.found.ignored += 1;
            return None;
        }
        let wanted = is_dir || self.glob.as_ref().is_none_or(|glob| glob.fits(path));
        let excluded = self.except.iter().any(|glob| glob.fits(path));
        (wanted && !excluded).then_some(kind)
    }

    fn entry(&mut self, entry: &DirEntry, path: &Path) {
        let mut options = OpenOptions::new();
        // What lies there now may be another thing than a moment before.
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let opened = entry.open_with(&options).and_then(|file| {
            let is_file = file.metadata()?.is_file();
            let special = || io::Error::from(io::ErrorKind::Unsupported);
            is_file.then_some(file).ok_or_else(special)
        });
        match opened {
            Ok(file) => self.file(file.into_std(), path),
            Err(_) => self.found.unreadable += 1,
        }
    }

    /// Searches one file, which lies at `path` below the beginning.
    pub fn file(&mut self, file: File, path: &Path) {
        let hits = match search(file, &self.regex, self.context, &mut self.budget) {
            Ok(Outcome::Text(hits)) => hits,
            Ok(Outcome::Binary) => {
                self.found.binary_files += 1;
                return;
            }
            Err(_) => {
                self.found.unreadable += 1;
                return;
            }
        };
        self.found.files_searched += 1;
        self.found.files_with_matches += usize::from(!hits.is_empty());
        let rel = if path.as_os_str().is_empty() {
            self.place.rel.clone()
        } else {
            self.place.rel.join(path)
        };
        let path = self.place.at(rel).shown();
        self.found.matches.extend(hits.into_iter().map(|hit| Match {
            path: path.clone(),
            line: hit.line,
            column: hit.column,
            text: hit.text,
            before: hit.before,
            after: hit.after,
        }));
    }
}
