//! A unified diff of two texts, with three lines around each change. Pure but for the time that it may take.

use std::time::Duration;

use similar::TextDiff;

/// After this long the diff is no longer the shortest, but still right.
const PATIENCE: Duration = Duration::from_secs(2);

/// The diff, empty when the texts are equal.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after);
    diff.unified_diff().header(name, name).to_string()
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
