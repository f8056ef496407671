//! A unified diff of two texts as one hunk: from the first changed line to the last, with three lines around. Pure.

/// Lines shown before and after the change.
const CONTEXT: usize = 3;

/// The diff, empty when the texts are equal.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let head = common(old.iter(), new.iter());
    let rest = old.len().min(new.len()) - head;
    let tail = common(old.iter().rev(), new.iter().rev()).min(rest);
    let from = head.saturating_sub(CONTEXT);
    let around = tail.min(CONTEXT);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let mut diff = format!(
        "--- {name}\n+++ {name}\n@@ -{} +{} @@\n",
        range(from, old_end + around),
        range(from, new_end + around)
    );
    push(&mut diff, ' ', old.get(from..head));
    push(&mut diff, '-', old.get(head..old_end));
    push(&mut diff, '+', new.get(head..new_end));
    push(&mut diff, ' ', old.get(old_end..old_end + around));
    diff
}

fn common<'a>(a: impl Iterator<Item = &'a &'a str>, b: impl Iterator<Item = &'a &'a str>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

/// Start and length as the format wants them: an empty range names the line before it.
fn range(from: usize, end: usize) -> String {
    let start = if end > from { from + 1 } else { from };
    format!("{start},{}", end - from)
}

fn push(diff: &mut String, sign: char, lines: Option<&[&str]>) {
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
    fn repeated_lines_are_not_counted_twice() {
        assert_eq!(
            unified("f", "a\na\n", "a\n"),
            "--- f\n+++ f\n@@ -1,2 +1,1 @@\n a\n-a\n"
        );
    }

    #[test]
    fn a_missing_last_newline_is_told() {
        let diff = unified("f", "a", "b");
        assert_eq!(
            diff,
            "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("f", "a", "a"), "");
    }
}
