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
    let pattern = Pattern::parse(query, CaseMatching::Smart, Normalization::Smart);
    by(&pattern, items)
}

/// The same for a query that is a part of a text: no sign in it has a meaning of its own.
pub fn rank_plain<T>(
    query: &str,
    items: impl IntoIterator<Item = (String, String, T)>,
) -> Vec<Fit<T>> {
    let (case, kind) = (CaseMatching::Ignore, AtomKind::Fuzzy);
    let pattern = Pattern::new(query, case, Normalization::Smart, kind);
    by(&pattern, items)
}

fn by<T>(pattern: &Pattern, items: impl IntoIterator<Item = (String, String, T)>) -> Vec<Fit<T>> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut fitting: Vec<(u32, Fit<T>)> = Vec::new();
    for (name, words, item) in items {
        let mut hits = Vec::new();
        let haystack = Utf32Str::new(&name, &mut buffer);
        let score = match pattern.indices(haystack, &mut matcher, &mut hits) {
            Some(score) => Some(score),
            None => {
                hits.clear();
                let both = format!("{name} {words}");
                pattern.score(Utf32Str::new(&both, &mut buffer), &mut matcher)
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
