//! `list_directory` and `list_directory_with_sizes`: what lies directly in a folder.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use cap_std::fs::Dir;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::names::shown;
use crate::servers::filesystem::reading::read::{PathArgs, modified};
use crate::servers::filesystem::roots::{Place, kind_name};
use crate::servers::toolbox::{Answer, Refusal};

/// Entries of one listing; the rest is counted.
const MAX_ENTRIES: usize = 1000;

/// The content of a folder.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listing {
    /// The folder.
    path: String,
    /// Folders first, then by name; at most 1000.
    entries: Vec<Entry>,
    /// How many there are.
    total: usize,
    /// Whether some are left out.
    truncated: bool,
}

/// One entry of a folder.
#[derive(Debug, Serialize, JsonSchema)]
struct Entry {
    /// Its name.
    name: String,
    /// `file`, `directory`, `symlink` or `other`.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["file", "directory", "symlink", "other"]))]
    kind: &'static str,
    /// Bytes of a file.
    size: Option<u64>,
    /// When it was last changed, RFC 3339.
    modified: Option<String>,
}

/// `list_directory`
pub fn list_directory(
    files: &Files,
    args: PathArgs,
    stop: &CancellationToken,
) -> Result<Answer<Listing>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let (dir, mut found) = content(&place, stop)?;
    found.sort_by_cached_key(|(folder, name)| (!folder, shown(name).to_lowercase(), name.clone()));
    let total = found.len();
    let kept = found.iter().take(MAX_ENTRIES);
    let listing = Listing {
        path: place.shown(),
        entries: kept.filter_map(|(_, name)| Entry::of(&dir, name)).collect(),
        total,
        truncated: total > MAX_ENTRIES,
    };
    let text = listing.text();
    Ok(Answer::new(listing, text))
}

/// The folder, opened, and its names in no order; whether each is a folder itself.
fn content(
    place: &Place<'_>,
    stop: &CancellationToken,
) -> Result<(Dir, Vec<(bool, OsString)>), Refusal> {
    let failed = |error: io::Error| place.failure("list", &error);
    let dir = place.open_dir("list")?;
    let mut found = Vec::new();
    for entry in dir.entries().map_err(failed)? {
        if stop.is_cancelled() {
            return Err(Refusal::new("The call was cancelled."));
        }
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if place.root.hides(&place.rel.join(&name)) {
            continue;
        }
        // An entry that vanishes while it is listed is left out.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        found.push((kind.is_dir(), name));
    }
    Ok((dir, found))
}

impl Entry {
    /// None when it has vanished meanwhile.
    fn of(dir: &Dir, name: &OsStr) -> Option<Self> {
        let meta = dir.symlink_metadata(Path::new(name)).ok()?;
        Some(Self {
            name: shown(name),
            kind: kind_name(meta.file_type()),
            size: meta.is_file().then(|| meta.len()),
            modified: modified(&meta),
        })
    }

    fn line(&self) -> String {
        match (self.kind, self.size) {
            ("directory", _) => format!("[DIR] {}", self.name),
            ("symlink", _) => format!("[LINK] {}", self.name),
            (_, Some(size)) => format!("[FILE] {} ({size} bytes)", self.name),
            (_, None) => format!("[OTHER] {}", self.name),
        }
    }
}

fn lines(path: &str, entries: &[Entry], total: usize) -> String {
    let mut lines: Vec<String> = entries.iter().map(Entry::line).collect();
    if entries.is_empty() {
        lines.push(format!("`{path}` is empty."));
    }
    if total > MAX_ENTRIES {
        lines.push(format!(
            "({} of {total} entries shown; search_files finds the rest)",
            entries.len(),
        ));
    }
    lines.join("\n")
}

impl Listing {
    fn text(&self) -> String {
        lines(&self.path, &self.entries, self.total)
    }
}

/// Arguments of `list_directory_with_sizes`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SizesArgs {
    /// The folder.
    path: String,
    /// By name, or the largest first.
    #[serde(default, rename = "sortBy")]
    sort_by: SortBy,
}

/// The order of a listing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SortBy {
    #[default]
    Name,
    Size,
}

/// The content of a folder with its sum.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sizes {
    /// The folder.
    path: String,
    /// What lies in it, in the order asked for; at most 1000.
    entries: Vec<Entry>,
    /// How many there are.
    total: usize,
    /// How many of them are folders.
    directories: usize,
    /// Bytes of all files directly in the folder, also of those left out.
    bytes: u64,
    /// Whether some are left out.
    truncated: bool,
}

/// `list_directory_with_sizes`
pub fn list_directory_with_sizes(
    files: &Files,
    args: SizesArgs,
    stop: &CancellationToken,
) -> Result<Answer<Sizes>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let (dir, found) = content(&place, stop)?;
    let mut entries = Vec::new();
    for (_, name) in &found {
        if stop.is_cancelled() {
            return Err(Refusal::new("The call was cancelled."));
        }
        entries.extend(Entry::of(&dir, name));
    }
    entries.sort_by_cached_key(|entry| entry.name.clone());
    if matches!(args.sort_by, SortBy::Size) {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.size.unwrap_or(0)));
    }
    let total = entries.len();
    let sizes = Sizes {
        path: place.shown(),
        directories: entries.iter().filter(|e| e.kind == "directory").count(),
        bytes: entries.iter().filter_map(|entry| entry.size).sum(),
        total,
        truncated: total > MAX_ENTRIES,
        entries: {
            entries.truncate(MAX_ENTRIES);
            entries
        },
    };
    let text = format!(
        "{}\n\nTotal: {} entries, {} of them folders, {} bytes in files",
        lines(&sizes.path, &sizes.entries, total),
        sizes.total,
        sizes.directories,
        sizes.bytes
    );
    Ok(Answer::new(sizes, text))
}
