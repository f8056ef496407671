//! The known name that a mistyped one was probably meant to be.

/// The candidate nearest to `word`, where it is near enough to be a slip of the hand; the first of equally near ones.
pub fn nearest<'a, I>(word: &str, candidates: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    // A word longer than any name we know is no slip, and the distance costs its length squared.
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let typed = letters(word);
    let allowed = (typed.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 64)
        .map(|candidate| (distance(&typed, &letters(candidate)), candidate))
        .filter(|(far, candidate)| *far <= allowed && *far < candidate.chars().count())
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Case and the kind of dash are no difference.
fn letters(word: &str) -> Vec<char> {
    let flat = |c| if c == '-' { '_' } else { c };
    word.chars()
        .flat_map(char::to_lowercase)
        .map(flat)
        .collect()
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replace = above[j] + usize::from(x != y);
            let mut best = replace.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KEYS: [&str; 5] = ["command", "args", "env", "env_vars", "enabled_tools"];

    #[test]
    fn slips_of_the_hand_are_understood() {
        for (typed, meant) in [
            ("comand", "command"),
            ("Command", "command"),
            ("agrs", "args"),
            ("arg", "args"),
            ("env-vars", "env_vars"),
            ("enabledTools", "enabled_tools"),
        ] {
            assert_eq!(nearest(typed, KEYS), Some(meant), "{typed}");
        }
    }

    #[test]
    fn another_word_is_not_a_slip() {
        for typed in ["colour", "x", "", "timeout", &"e".repeat(1000)] {
            assert_eq!(nearest(typed, KEYS), None, "{typed}");
        }
    }
}
