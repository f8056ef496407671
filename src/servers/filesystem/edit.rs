//! `edit_file`: replaces exact, unique pieces of a text file, or shows as a diff what that would do.

use std::io::Read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::change::replace;
use crate::servers::filesystem::changes::record::Seen;
use crate::servers::filesystem::diff::unified;
use crate::servers::filesystem::names::{composed, shown_path};
use crate::servers::filesystem::roots::Place;
use crate::servers::toolbox::{Answer, Refusal};

/// The largest file that is edited.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes of a diff that are told.
const MAX_DIFF: usize = 256 * 1024;

/// Arguments of `edit_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditArgs {
    /// The file.
    path: String,
    /// What is replaced, one after the other.
    #[schemars(length(min = 1))]
    edits: Vec<Edit>,
    /// Show the diff and change nothing.
    #[serde(default, rename = "dryRun")]
    dry_run: bool,
    /// The same as dryRun.
    #[serde(default, rename = "dry_run")]
    dry_run_too: bool,
}

/// One replacement.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// The exact text to replace; must occur exactly once.
    #[serde(rename = "oldText")]
    #[schemars(length(min = 1))]
    old_text: String,
    /// What takes its place.
    #[serde(rename = "newText")]
    new_text: String,
}

/// What was edited.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Edited {
    /// The file.
    path: String,
    /// How many pieces were replaced.
    replacements: usize,
    /// The change as a unified diff; of a long one the beginning and the end.
    diff: String,
    /// Whether nothing was changed because only the diff was asked for.
    dry_run: bool,
    /// The name of this change; `undo` takes it back.
    change: Option<String>,
}

/// `edit_file`
pub fn edit_file(
    files: &Files,
    args: EditArgs,
    _stop: &CancellationToken,
) -> Result<Answer<Edited>, Refusal> {
    let dry_run = args.dry_run || args.dry_run_too;
    // Held from before the reading, so that no other change comes between.
    let turn = if dry_run { None } else { Some(files.turn()?) };
    let place = files.roots.find(&args.path)?;
    let (before, seen) = read(&place)?;
    let mut after = before.clone();
    for (number, edit) in args.edits.iter().enumerate() {
        after = apply(&after, edit)
            .map_err(|why| Refusal(format!("`edits[{number}]`: {why} Nothing was changed.")))?;
    }
    let made = match turn {
        Some(mut turn) if after != before => {
            Some(replace(&mut turn, &place, after.as_bytes(), Some(seen))?)
        }
        _ => None,
    };
    let edited = Edited {
        path: place.shown(),
        replacements: args.edits.len(),
        diff: shortened(unified(&place.shown(), &before, &after)),
        dry_run,
        change: made.as_ref().map(|made| made.id.clone()),
    };
    let mut text = edited.diff.clone();
    if edited.dry_run {
        text.push_str("(dry run: nothing was changed)");
    }
    if let Some(trash) = made.and_then(|made| made.kept) {
        let trash = shown_path(&trash);
        text.push_str(&format!("The earlier content is in the trash: {trash}"));
    }
    Ok(Answer::new(edited, text))
}

/// A diff that fits into an answer. The change is made by then, and an answer that is too long to be read would hide that.
fn shortened(diff: String) -> String {
    if diff.len() <= MAX_DIFF {
        return diff;
    }
    let (mut head, mut tail) = (MAX_DIFF / 2, diff.len() - MAX_DIFF / 2);
    while !diff.is_char_boundary(head) {
        head -= 1;
    }
    while !diff.is_char_boundary(tail) {
        tail += 1;
    }
    let left_out = tail - head;
    format!(
        "{}\n[{left_out} bytes of the diff left out]\n{}",
        &diff[..head],
        &diff[tail..]
    )
}

/// The text, and the file that it was read from.
fn read(place: &Place<'_>) -> Result<(String, Seen), Refusal> {
    let (mut file, meta) = place.open()?;
    if meta.len() > MAX_BYTES {
        return Err(Refusal(format!(
            "`{}` has {} bytes; files above {MAX_BYTES} are not edited.",
            place.shown(),
            meta.len()
        )));
    }
    let mut raw = Vec::new();
    let read = file.read_to_end(&mut raw);
    read.map_err(|error| place.failure("read", &error))?;
    let text = String::from_utf8(raw).map_err(|_| {
        Refusal(format!(
            "`{}` is not UTF-8 text, so it cannot be edited.",
            place.shown()
        ))
    })?;
    Ok((text, Seen::from(&meta)))
}

/// Replaces the one place, or says why there is not exactly one.
fn apply(text: &str, edit: &Edit) -> Result<String, String> {
    let windows = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
    let (mut old, mut new) = (edit.old_text.clone(), edit.new_text.clone());
    // A client that shows the text may have made its line ends plain.
    if !text.contains(&old) && text.contains("\r\n") {
        (old, new) = (windows(&old), windows(&new));
    }
    match text.matches(&old).count() {
        1 => Ok(text.replacen(&old, &new, 1)),
        0 if composed(text).contains(&composed(&old)) => Err(
            "oldText occurs only in another Unicode form of the same letters; copy it from read_text_file.".to_owned(),
        ),
        0 => Err("oldText does not occur in the file; it must match exactly, with spaces and line ends. read_text_file shows the text.".to_owned()),
        n => Err(format!(
            "oldText occurs {n} times; add the lines around it until it is unique."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old: &str, new: &str) -> Edit {
        Edit {
            old_text: old.to_owned(),
            new_text: new.to_owned(),
        }
    }

    #[test]
    fn only_a_unique_piece_is_replaced() {
        assert_eq!(apply("a b c", &edit("b", "x")).unwrap(), "a x c");
        assert!(apply("a b b", &edit("b", "x")).is_err_and(|e| e.contains("2 times")));
        assert!(apply("a", &edit("b", "x")).is_err_and(|e| e.contains("does not occur")));
    }

    #[test]
    fn windows_line_ends_stay() {
        let after = apply("one\r\ntwo\r\n", &edit("one\ntwo", "1\n2")).unwrap();
        assert_eq!(after, "1\r\n2\r\n");
    }

    #[test]
    fn another_unicode_form_is_named() {
        let complaint = apply("ba\u{301}o", &edit("b\u{e1}o", "x")).unwrap_err();
        assert!(complaint.contains("Unicode form"), "{complaint}");
    }
}
