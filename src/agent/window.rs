//! How much of a result the model sees: head and tail of what is too long, and where the rest is.
//!
//! Pure. Tokens are estimated at four bytes each for ASCII and one for each other character, which errs on the safe side.

use std::path::Path;

/// A cautious estimate of the tokens of a text.
pub fn tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
    ascii.div_ceil(4) + other
}

/// Whether a text has more tokens than this.
pub fn is_too_long(text: &str, limit: u32) -> bool {
    tokens(text) > u64::from(limit)
}

/// Head and tail of a text that is too long, two thirds to one, with a line between them that says what is left out and
/// which file holds all of it.
pub fn cut(text: &str, limit: u32, saved_to: Option<&Path>) -> String {
    if !is_too_long(text, limit) {
        return text.to_owned();
    }
    let head = take(text.chars(), u64::from(limit) * 2 / 3);
    let tail: String = take(text.chars().rev(), u64::from(limit) / 3)
        .chars()
        .rev()
        .collect();
    let left_out = text.len().saturating_sub(head.len() + tail.len());
    let place = match saved_to {
        Some(path) => format!("; the whole result is in {}", path.display()),
        None => String::new(),
    };
    format!("{head}\n[... {left_out} bytes left out{place} ...]\n{tail}")
}

fn take(chars: impl Iterator<Item = char>, limit: u64) -> String {
    let mut quarters = 0;
    chars
        .take_while(|c| {
            quarters += if c.is_ascii() { 1 } else { 4 };
            quarters <= limit * 4
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_names_its_file() {
        assert_eq!(cut("short", 100, None), "short");
        let long = "x".repeat(4000);
        let cut = cut(&long, 100, Some(Path::new("/tmp/r.txt")));
        assert!(
            cut.contains("bytes left out; the whole result is in /tmp/r.txt"),
            "{cut}"
        );
        assert!(cut.len() < 600, "{}", cut.len());
    }

    proptest! {
        #[test]
        fn a_cut_text_is_within_the_limit_and_its_note(text in ".{0,400}", limit in 0u32..50) {
            let cut = cut(&text, limit, None);
            prop_assert!(tokens(&cut) <= tokens(&text).max(u64::from(limit) + 20));
        }
    }
}
