//! The tools that look: list a folder, read a text file, describe a file, list the roots. They change nothing.

use std::ffi::OsStr;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use cap_std::fs::{Dir, File, Metadata, MetadataExt};
use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::names::shown;
use crate::servers::filesystem::roots::{Place, kind_name};
use crate::servers::toolbox::{Answer, Refusal};

/// Entries of one listing; the rest is counted.
const MAX_ENTRIES: usize = 1000;

/// Bytes of one read.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Arguments of the tools that take one path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathArgs {
    /// The path: relative to the first allowed folder, or absolute inside an allowed folder.
    pub path: String,
}

/// Arguments of a tool that takes none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoArgs {}

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
    _stop: &CancellationToken,
) -> Result<Answer<Listing>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let failed = |error: io::Error| place.failure("list", &error);
    let dir = place.root.dir.open_dir(place.way()).map_err(failed)?;
    let mut found = Vec::new();
    for entry in dir.entries().map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if place.root.hides(&place.rel.join(&name)) {
            continue;
        }
        // An entry that vanishes while it is listed is left out.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        found.push((!kind.is_dir(), shown(&name).to_lowercase(), name));
    }
    found.sort();
    let total = found.len();
    let kept = found.iter().take(MAX_ENTRIES);
    let listing = Listing {
        path: place.shown(),
        entries: kept
            .filter_map(|(_, _, name)| Entry::of(&dir, name))
            .collect(),
        total,
        truncated: total > MAX_ENTRIES,
    };
    let text = listing.text();
    Ok(Answer::new(listing, text))
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
}

impl Listing {
    fn text(&self) -> String {
        let mut lines: Vec<String> = self
            .entries
            .iter()
            .map(|entry| match (entry.kind, entry.size) {
                ("directory", _) => format!("[DIR] {}", entry.name),
                ("symlink", _) => format!("[LINK] {}", entry.name),
                (_, Some(size)) => format!("[FILE] {} ({size} bytes)", entry.name),
                (_, None) => format!("[OTHER] {}", entry.name),
            })
            .collect();
        if self.entries.is_empty() {
            lines.push(format!("`{}` is empty.", self.path));
        }
        if self.truncated {
            lines.push(format!(
                "({} of {} entries shown; search_files finds the rest)",
                self.entries.len(),
                self.total
            ));
        }
        lines.join("\n")
    }
}

/// Arguments of `read_text_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// The file.
    path: String,
    /// Only the first so many lines.
    #[schemars(range(min = 1))]
    head: Option<usize>,
    /// Only the last so many lines.
    #[schemars(range(min = 1))]
    tail: Option<usize>,
}

/// The text of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Text {
    /// The file.
    path: String,
    /// The text, or the part of it that was asked for.
    content: String,
    /// Lines of `content`.
    lines: usize,
    /// Bytes of the whole file.
    bytes: u64,
    /// Whether the file has more than `content`.
    truncated: bool,
}

/// `read_text_file`
pub fn read_text_file(
    files: &Files,
    args: ReadArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Text>, Refusal> {
    if args.head.is_some() && args.tail.is_some() {
        return Err(Refusal::new("Give `head` or `tail`, not both."));
    }
    let place = files.roots.find(&args.path)?;
    let (mut file, meta) = place.open()?;
    let bytes = meta.len();
    let from_end = args.tail.is_some() && bytes > MAX_BYTES;
    let raw = read_part(&mut file, from_end.then(|| bytes - MAX_BYTES));
    let raw = raw.map_err(|error| place.failure("read", &error))?;
    let whole = decode(&raw, from_end, bytes > MAX_BYTES)
        .ok_or_else(|| Refusal(binary(&place, bytes, &raw)))?;
    let content = match (args.head, args.tail) {
        (Some(n), _) => first_lines(whole, n),
        (None, Some(n)) => last_lines(whole, n),
        (None, None) => whole,
    };
    let truncated = bytes > MAX_BYTES || content.len() < whole.len();
    let mut text = content.to_owned();
    if truncated {
        let unit = if text.ends_with('\n') { "" } else { "\n" };
        text.push_str(&format!(
            "{unit}[a part: {} of {bytes} bytes; head and tail read other parts]",
            content.len()
        ));
    }
    let data = Text {
        path: place.shown(),
        lines: content.lines().count(),
        content: content.to_owned(),
        bytes,
        truncated,
    };
    Ok(Answer::new(data, text))
}

/// Reads at most `MAX_BYTES`, from the given offset or the beginning.
fn read_part(file: &mut File, from: Option<u64>) -> io::Result<Vec<u8>> {
    if let Some(offset) = from {
        file.seek(SeekFrom::Start(offset))?;
    }
    let mut raw = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut raw)?;
    Ok(raw)
}

/// The bytes as text, or nothing when they are none. A character that the limit cut is dropped.
fn decode(raw: &[u8], cut_before: bool, cut_after: bool) -> Option<&str> {
    let start = if cut_before {
        // At most three bytes of a character can lie before the first whole one.
        raw.iter().take(4).position(|byte| byte & 0xC0 != 0x80)?
    } else {
        0
    };
    let raw = raw.get(start..)?;
    if raw.contains(&0) {
        return None;
    }
    match std::str::from_utf8(raw) {
        Ok(text) => Some(text),
        Err(error) if cut_after && !cut_before && error.error_len().is_none() => {
            std::str::from_utf8(raw.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

fn binary(place: &Place<'_>, bytes: u64, raw: &[u8]) -> String {
    let kind = match raw {
        [0x89, b'P', b'N', b'G', ..] => "a PNG image",
        [0xFF, 0xD8, 0xFF, ..] => "a JPEG image",
        [b'G', b'I', b'F', b'8', ..] => "a GIF image",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive or an office document",
        [0x1F, 0x8B, ..] => "gzip-compressed",
        [0x7F, b'E', b'L', b'F', ..] => "a program",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16 text",
        _ if raw.starts_with(b"SQLite format 3\0") => "an SQLite database",
        _ => "binary data",
    };
    format!(
        "`{}` is not UTF-8 text but {kind} ({bytes} bytes), so it cannot be read as text. get_file_info describes it.",
        place.shown()
    )
}

fn first_lines(text: &str, n: usize) -> &str {
    let end: usize = text.split_inclusive('\n').take(n).map(str::len).sum();
    text.get(..end).unwrap_or(text)
}

fn last_lines(text: &str, n: usize) -> &str {
    let total = text.split_inclusive('\n').count();
    let skip = total.saturating_sub(n);
    let start: usize = text.split_inclusive('\n').take(skip).map(str::len).sum();
    text.get(start..).unwrap_or(text)
}

/// What is known of a file without reading it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Info {
    /// The file or folder.
    path: String,
    /// `file`, `directory`, `symlink` or `other`; a link is not followed.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["file", "directory", "symlink", "other"]))]
    kind: &'static str,
    /// Bytes.
    size: u64,
    /// When it was last changed, RFC 3339.
    modified: Option<String>,
    /// When it was made, RFC 3339, where the file system knows.
    created: Option<String>,
    /// Permissions in octal, such as `644`.
    permissions: String,
}

/// `get_file_info`
pub fn get_file_info(
    files: &Files,
    args: PathArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Info>, Refusal> {
    let place = files.roots.find(&args.path)?;
    let meta = place.root.dir.symlink_metadata(place.way());
    let meta = meta.map_err(|error| place.failure("describe", &error))?;
    let info = Info {
        path: place.shown(),
        kind: kind_name(meta.file_type()),
        size: meta.len(),
        modified: modified(&meta),
        created: meta.created().ok().map(|time| rfc3339(time.into_std())),
        permissions: format!("{:03o}", meta.mode() & 0o7777),
    };
    let text = format!(
        "{} {}, {} bytes, modified {}, permissions {}",
        info.kind,
        info.path,
        info.size,
        info.modified.as_deref().unwrap_or("unknown"),
        info.permissions
    );
    Ok(Answer::new(info, text))
}

/// The roots.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Allowed {
    /// Their paths.
    directories: Vec<String>,
}

/// `list_allowed_directories`
pub fn list_allowed_directories(
    files: &Files,
    _args: NoArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Allowed>, Refusal> {
    let paths = files
        .roots
        .iter()
        .map(|root| root.path.display().to_string());
    let directories: Vec<String> = paths.collect();
    let text = directories.join("\n");
    Ok(Answer::new(Allowed { directories }, text))
}

fn modified(meta: &Metadata) -> Option<String> {
    meta.modified().ok().map(|time| rfc3339(time.into_std()))
}

fn rfc3339(time: std::time::SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_keep_whole_lines() {
        let text = "one\ntwo\nthree";
        assert_eq!(first_lines(text, 2), "one\ntwo\n");
        assert_eq!(first_lines(text, 9), text);
        assert_eq!(last_lines(text, 1), "three");
        assert_eq!(last_lines("one\ntwo\n", 1), "two\n");
        assert_eq!(last_lines(text, 9), text);
    }

    #[test]
    fn a_character_cut_by_the_limit_does_not_make_text_binary() {
        let text = "xin chào";
        let cut = &text.as_bytes()[..7];
        assert_eq!(decode(cut, false, true), Some("xin ch"));
        assert_eq!(decode(cut, false, false), None);
        let tail = &text.as_bytes()[7..];
        assert_eq!(decode(tail, true, true), Some("o"));
        assert_eq!(decode(b"a\0b", false, false), None);
    }
}
