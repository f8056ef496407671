//! A unified diff of two texts, with three lines around each change. Pure but for the time that it may take.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag};

/// After this long the diff is no longer the shortest, but still right.
const PATIENCE: Duration = Duration::from_secs(2);

/// The lines that are shown around a change.
const AROUND: usize = 3;

/// The diff, empty when the texts are equal.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let mut diff = String::new();
    for piece in pieces(&before, &after) {
        if diff.is_empty() {
            diff = format!("--- {name}\n+++ {name}\n");
        }
        write_piece(&mut diff, &piece, &before, &after);
    }
    diff
}

/// The changes, those with few lines between them in one piece.
///
/// Lines are compared as numbers and by one algorithm: the library's own diff of texts brings in all that it has, for every kind of
/// text, which took a tenth of the time that this program is compiled in.
fn pieces(before: &[&str], after: &[&str]) -> Vec<Vec<DiffOp>> {
    let mut known = HashMap::new();
    let mut number = |line| {
        let next = known.len();
        *known.entry(line).or_insert(next)
    };
    let before: Vec<usize> = before.iter().map(|line| number(*line)).collect();
    let after: Vec<usize> = after.iter().map(|line| number(*line)).collect();
    let (before, after) = (before.as_slice(), after.as_slice());
    let mut found = Compact::new(Replace::new(Capture::new()), before, after);
    let (old, new) = (0..before.len(), 0..after.len());
    let end = Some(Instant::now() + PATIENCE);
    let done: Result<(), Infallible> =
        myers::diff_deadline(&mut found, before, old, after, new, end);
    let Ok(()) = done;
    let found: Capture = found.into_inner().into_inner();
    found.into_grouped_ops(AROUND)
}

fn write_piece(diff: &mut String, piece: &[DiffOp], before: &[&str], after: &[&str]) {
    let (Some(first), Some(last)) = (piece.first(), piece.last()) else {
        return;
    };
    let old = place(first.old_range().start..last.old_range().end);
    let new = place(first.new_range().start..last.new_range().end);
    // A text takes whatever is written to it.
    let _never = writeln!(diff, "@@ -{old} +{new} @@");
    for change in piece {
        let (tag, old, new) = change.as_tag_tuple();
        let (old, new) = (before.get(old), after.get(new));
        match tag {
            DiffTag::Equal => write_lines(diff, ' ', old),
            _ => {
                write_lines(diff, '-', old);
                write_lines(diff, '+', new);
            }
        }
    }
}

/// Lines as a unified diff counts them: from one, and those before an empty range.
fn place(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn write_lines(diff: &mut String, sign: char, lines: Option<&[&str]>) {
    for line in lines.unwrap_or_default() {
        diff.push(sign);
        diff.push_str(line);
        if !line.ends_with('\n') {
            diff.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_three_lines_around() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(
            unified("f", before, after),
            "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
    }

    #[test]
    fn changes_far_apart_are_pieces_of_their_own() {
        let before: String = (0..40).map(|n| format!("{n}\n")).collect();
        let after = before.replacen("2\n", "two\n", 1).replace("37\n", "xxx\n");
        let diff = unified("f", &before, &after);
        assert_eq!(diff.matches("@@ -").count(), 2, "{diff}");
        assert!(diff.contains("-2\n+two\n") && diff.contains("-37\n+xxx\n"));
    }

    #[test]
    fn a_missing_last_newline_is_told() {
        let diff = unified("f", "a", "b");
        assert_eq!(
            diff,
            "--- f\n+++ f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("f", "a", "a"), "");
    }
}
