//! What fits a query, best first: the one place that knows the matcher.
//!
//! Pure. The palette and the completions of the input ask it.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A thing that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit<T> {
    /// The thing.
    pub item: T,
    /// Character positions in its name that fit the query.
    pub hits: Vec<u32>,
}

/// Things with a name and further words. Where the name alone does not fit, name and words together are tried; then nothing is
/// marked. Equals stay in their order.
pub fn rank<T>(query: &str, items: impl IntoIterator<Item = (String, String, T)>) -> Vec<Fit<T>> {
    let (case, normal) = (CaseMatching::Smart, Normalization::Smart);
    let pattern = Pattern::parse(query, case, normal);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let beyond = |name: &str, words: &str| {
        let both = format!("{name} {words}");
        pattern.score(Utf32Str::new(&both, &mut buffer), &mut matcher)
    };
    by(&pattern, beyond, items)
}

/// The same for a query that is a part of a text: no sign in it has a meaning of its own, and its words stand in the further
/// words as they are or not at all, for there are many of those.
pub fn rank_plain<T>(
    query: &str,
    items: impl IntoIterator<Item = (String, String, T)>,
) -> Vec<Fit<T>> {
    let (case, normal) = (CaseMatching::Ignore, Normalization::Smart);
    let pattern = Pattern::new(query, case, normal, AtomKind::Fuzzy);
    let query = query.to_lowercase();
    let beyond = |_: &str, words: &str| {
        let words = words.to_lowercase();
        let all = query.split_whitespace().all(|word| words.contains(word));
        all.then_some(0)
    };
    by(&pattern, beyond, items)
}

/// What fits by its name, the best first, then what fits `beyond` it.
fn by<T>(
    pattern: &Pattern,
    mut beyond: impl FnMut(&str, &str) -> Option<u32>,
    items: impl IntoIterator<Item = (String, String, T)>,
) -> Vec<Fit<T>> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut fitting: Vec<((bool, u32), Fit<T>)> = Vec::new();
    for (name, words, item) in items {
        let mut hits = Vec::new();
        let haystack = Utf32Str::new(&name, &mut buffer);
        let score = match pattern.indices(haystack, &mut matcher, &mut hits) {
            Some(score) => Some((true, score)),
            None => {
                hits.clear();
                beyond(&name, &words).map(|score| (false, score))
            }
        };
        let Some(score) = score else { continue };
        hits.sort_unstable();
        hits.dedup();
        fitting.push((score, Fit { item, hits }));
    }
    fitting.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    fitting.into_iter().map(|(_, fit)| fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Vec<usize> {
        let rows = [
            ("@files:a.txt", "text/plain · with a blank"),
            ("@files:báo-cáo", "text/plain Báo cáo"),
        ];
        let rows = rows.map(|(name, words)| (name.to_owned(), words.to_owned()));
        let rows = rows.into_iter().enumerate();
        let fits = rank_plain(query, rows.map(|(at, (name, words))| (name, words, at)));
        fits.into_iter().map(|fit| fit.item).collect()
    }

    #[test]
    fn names_are_found_by_letters_and_words_as_they_stand() {
        assert_eq!(found("blank"), [0]);
        assert_eq!(found("bao"), [1]);
        assert_eq!(found("fcao"), [1]);
        assert_eq!(found("wtblnk"), Vec::<usize>::new());
        assert_eq!(found(""), [0, 1]);
    }
}
