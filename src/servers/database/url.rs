//! Which engine a URL means, and a URL as it may be shown: without what stands before its host or behind its `?`. Pure.

/// The scheme of a URL and no more of it: a user, a password or a key may stand anywhere behind.
pub fn masked(url: &str) -> String {
    url.split_once(':').map_or(url, |(kind, _)| kind).to_owned()
}
