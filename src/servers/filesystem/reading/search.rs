//! `search_files`: finds files and folders by a glob on their names. Never follows a link to a folder.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::reading::glob::Glob;
use crate::servers::filesystem::roots::Place;
use crate::servers::toolbox::{Answer, Refusal};

/// Matches that are named; the rest is counted.
const MAX_MATCHES: usize = 1000;

/// Entries that are looked at before the search gives up.
const MAX_VISITED: usize = 500_000;

/// Folders below each other.
const MAX_DEPTH: usize = 64;

/// Arguments of `search_files`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchArgs {
    /// The folder to search, `.` for all.
    path: String,
    /// A glob such as `*.py` or `src/**/*.py`.
    pattern: String,
    /// Globs of what to leave out.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
}

/// What fits.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Matches {
    /// The folder searched.
    path: String,
    /// The glob.
    pattern: String,
    /// What fits, sorted; at most 1000.
    matches: Vec<String>,
    /// How many fit.
    total: usize,
    /// Whether some are left out.
    truncated: bool,
}

/// `search_files`
pub fn search_files(
    files: &Files,
    args: SearchArgs,
    stop: &CancellationToken,
) -> Result<Answer<Matches>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let dir = place.open_dir("search")?;
    let mut search = Search {
        place: &place,
        glob: Glob::new("pattern", &args.pattern)?,
        except: Glob::excluding(&args.exclude_patterns)?,
        stop,
        visited: 0,
        cut: false,
        found: Vec::new(),
    };
    search.folder(&dir, Path::new(""), 0);
    let Search { mut found, cut, .. } = search;
    found.sort();
    let total = found.len();
    found.truncate(MAX_MATCHES);
    let matches = Matches {
        path: place.shown(),
        pattern: args.pattern,
        truncated: cut || total > found.len(),
        matches: found,
        total,
    };
    let text = matches.text();
    Ok(Answer::new(matches, text))
}

impl Matches {
    fn text(&self) -> String {
        if self.matches.is_empty() {
            let hint = if self.pattern.contains(['*', '?', '[', '{']) {
                String::new()
            } else {
                format!(
                    " The pattern is a glob: `*{}*` fits parts of names.",
                    self.pattern
                )
            };
            return format!(
                "Nothing below `{}` fits `{}`.{hint}",
                self.path, self.pattern
            );
        }
        let mut text = self.matches.join("\n");
        if self.truncated {
            text.push_str(&format!(
                "\n({} of {} shown)",
                self.matches.len(),
                self.total
            ));
        }
        text
    }
}

struct Search<'s> {
    place: &'s Place<'s>,
    glob: Glob,
    except: Vec<Glob>,
    stop: &'s CancellationToken,
    visited: usize,
    cut: bool,
    found: Vec<String>,
}

impl Search<'_> {
    /// Looks through one folder; what cannot be read is passed over.
    fn folder(&mut self, dir: &Dir, below: &Path, depth: usize) {
        let Ok(entries) = dir.entries() else { return };
        for entry in entries.flatten() {
            self.visited += 1;
            if self.visited > MAX_VISITED || self.stop.is_cancelled() {
                self.cut = true;
                return;
            }
            let path: PathBuf = below.join(entry.file_name());
            let rel = self.place.rel.join(&path);
            if self.place.root.hides(&rel) || self.except.iter().any(|glob| glob.fits(&path)) {
                continue;
            }
            if self.glob.fits(&path) {
                self.found.push(self.place.at(rel).shown());
            }
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if depth >= MAX_DEPTH {
                self.cut = true;
            } else if let Ok(inner) = entry.open_dir() {
                self.folder(&inner, &path, depth + 1);
            }
        }
    }
}
