//! What is the same, gone and new between two rows of pieces: words of a text, lines of a file.
//!
//! Pure, and bounded: what both sides begin and end with is set aside first, and where too much is left between, the old
//! is shown whole and then the new. Called by `mcp::pins` and `host::preview`.

use std::convert::Infallible;

use serde::Serialize;
use similar::DiffTag;
use similar::algorithms::{Capture, myers};
use unicode_segmentation::UnicodeSegmentation;

/// Pieces that are compared with each other at most, on each side: the worst case takes the product.
const MOST: usize = 2_000;

/// On which side a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// On both.
    Both,
    /// On the old one alone: it is gone.
    Old,
    /// On the new one alone.
    New,
}

/// All pieces of both sides in the order in which they are read.
pub fn of<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Side, &'a str)> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let ends = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = ends.take_while(same).count();
    let old_middle = &old_rest[..old_rest.len() - tail];
    let new_middle = &new_rest[..new_rest.len() - tail];
    let both = |pieces: &[&'a str]| pieces.iter().map(|piece| (Side::Both, *piece)).collect();
    let mut out: Vec<(Side, &'a str)> = both(&old[..head]);
    out.extend(middle(old_middle, new_middle));
    out.extend(
        old_rest[old_middle.len()..]
            .iter()
            .map(|p| (Side::Both, *p)),
    );
    out
}

fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(Side, &'a str)> {
    let gone = |pieces: &[&'a str]| pieces.iter().map(|p| (Side::Old, *p)).collect::<Vec<_>>();
    let come = |pieces: &[&'a str]| pieces.iter().map(|p| (Side::New, *p)).collect::<Vec<_>>();
    if old.is_empty() || new.is_empty() || old.len() > MOST || new.len() > MOST {
        return [gone(old), come(new)].concat();
    }
    let mut found = Capture::new();
    let done: Result<(), Infallible> =
        myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    let Ok(()) = done;
    let mut out = Vec::new();
    // What went stands before what came for it, however they were found.
    let (mut went, mut came) = (Vec::new(), Vec::new());
    for change in found.into_ops() {
        let (tag, before, after) = change.as_tag_tuple();
        let (before, after) = (old.get(before), new.get(after));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        if tag == DiffTag::Equal {
            out.append(&mut went);
            out.append(&mut came);
            out.extend(before.iter().map(|piece| (Side::Both, *piece)));
        } else {
            went.extend(gone(before));
            came.extend(come(after));
        }
    }
    out.append(&mut went);
    out.append(&mut came);
    out
}

/// The difference of two texts word by word; neighbours of one side are one piece.
pub fn words(old: &str, new: &str) -> Vec<(Side, String)> {
    let parts = |text| UnicodeSegmentation::split_word_bounds(text).collect::<Vec<&str>>();
    let mut out: Vec<(Side, String)> = Vec::new();
    for (side, piece) in of(&parts(old), &parts(new)) {
        match out.last_mut() {
            Some((last, text)) if *last == side => text.push_str(piece),
            _ => out.push((side, piece.to_owned())),
        }
    }
    settled(out)
}

/// Blanks between two changes belong to them: `[-old words-]{+new words+}` reads better than a change for each word.
fn settled(pieces: Vec<(Side, String)>) -> Vec<(Side, String)> {
    let is_blank = |(side, text): &(Side, String)| *side == Side::Both && text.trim().is_empty();
    let mut out: Vec<(Side, String)> = Vec::new();
    let (mut gone, mut come) = (String::new(), String::new());
    let flush = |gone: &mut String, come: &mut String, out: &mut Vec<(Side, String)>| {
        for (side, text) in [(Side::Old, gone), (Side::New, come)] {
            if !text.is_empty() {
                out.push((side, std::mem::take(text)));
            }
        }
    };
    for (at, piece) in pieces.iter().enumerate() {
        let changes_on = pieces
            .get(at + 1)
            .is_some_and(|(side, _)| *side != Side::Both);
        let in_change = !gone.is_empty() || !come.is_empty();
        match piece.0 {
            Side::Old => gone.push_str(&piece.1),
            Side::New => come.push_str(&piece.1),
            Side::Both if in_change && changes_on && is_blank(piece) => {
                gone.push_str(&piece.1);
                come.push_str(&piece.1);
            }
            Side::Both => {
                flush(&mut gone, &mut come, &mut out);
                out.push(piece.clone());
            }
        }
    }
    flush(&mut gone, &mut come, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn side(pieces: &[(Side, String)], not: Side) -> String {
        let kept = pieces.iter().filter(|(side, _)| *side != not);
        kept.map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_changed_word_is_one_change() {
        let pieces = words("Reads a text file.", "Reads any binary file.");
        let piece = |side, text: &str| (side, text.to_owned());
        assert_eq!(
            pieces,
            [
                piece(Side::Both, "Reads "),
                piece(Side::Old, "a text"),
                piece(Side::New, "any binary"),
                piece(Side::Both, " file."),
            ]
        );
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_from_it(old in "[a-cđ漢 \n👍🏽]{0,40}", new in "[a-cđ漢 \n👍🏽]{0,40}") {
            let pieces = words(&old, &new);
            prop_assert_eq!(side(&pieces, Side::New), old);
            prop_assert_eq!(side(&pieces, Side::Old), new);
        }
    }

    #[test]
    fn what_is_too_long_is_shown_whole_and_soon() {
        let old: Vec<String> = (0..50_000).map(|n| format!("o{n}")).collect();
        let new: Vec<String> = (0..50_000).map(|n| format!("n{n}")).collect();
        let (a, b): (Vec<&str>, Vec<&str>) = (
            old.iter().map(String::as_str).collect(),
            new.iter().map(String::as_str).collect(),
        );
        assert_eq!(of(&a, &b).len(), 100_000);
    }
}
