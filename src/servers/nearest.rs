//! The known name that is nearest to a mistyped one, for error messages. Pure; used by every server.

/// The nearest of `known` to `wanted` without regard to case, if it is near enough to be worth naming.
pub fn nearest<'a, I>(wanted: &str, known: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    let wanted: Vec<char> = wanted.to_lowercase().chars().collect();
    let limit = (wanted.len() / 3).max(2);
    known
        .into_iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, by characters.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, cb) in b.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, ca) in a.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX);
            let here = (diagonal + usize::from(*ca != cb))
                .min(left + 1)
                .min(above + 1);
            diagonal = above;
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left = here;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let known = ["customers", "orders", "order_items", "products"];
        assert_eq!(nearest("custmers", known), Some("customers"));
        assert_eq!(nearest("ORDER", known), Some("orders"));
        assert_eq!(nearest("zebra", known), None);
    }

    #[test]
    fn the_distance_is_levenshteins() {
        let chars: Vec<char> = "kitten".chars().collect();
        assert_eq!(distance(&chars, "sitting"), 3);
        assert_eq!(distance(&chars, ""), 6);
        assert_eq!(distance(&[], "abc"), 3);
    }
}
