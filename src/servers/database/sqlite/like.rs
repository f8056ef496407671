//! `LIKE` as the engine does it, counting its steps. Pure; called by `functions`.
//!
//! The engine's own looks at no clock and may compare each character of a pattern with each of a text.

/// What a match came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Decided.
    Matches(bool),
    /// Too many steps.
    TooMuch,
}

/// One place of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Any characters.
    Any,
    /// One character.
    One,
    /// This one, small if it is a letter of ASCII.
    Exactly(char),
}

/// Whether the text fits the pattern, with at most `most` steps.
pub fn like(pattern: &str, text: &str, escape: Option<char>, most: u64) -> Outcome {
    let Some(places) = places(until_nul(pattern), escape) else {
        return Outcome::Matches(false);
    };
    let mut text = until_nul(text).chars();
    let (mut at, mut steps) = (0, 0);
    // Behind the last `%`: where the pattern goes on, and the text from there.
    let mut again: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        steps += 1;
        if steps > most {
            return Outcome::TooMuch;
        }
        let here = text.clone();
        match (places.get(at), text.next()) {
            (Some(Place::Any), _) => {
                at += 1;
                text = here.clone();
                again = Some((at, here));
                if at == places.len() {
                    return Outcome::Matches(true);
                }
            }
            (Some(Place::One), Some(_)) => at += 1,
            (Some(Place::Exactly(wanted)), Some(c)) if *wanted == c.to_ascii_lowercase() => at += 1,
            (None, None) => return Outcome::Matches(true),
            // The text is over: no later begin can do better.
            (_, None) => return Outcome::Matches(false),
            _ => match &mut again {
                None => return Outcome::Matches(false),
                Some((place, begin)) => {
                    begin.next();
                    (at, text) = (*place, begin.clone());
                }
            },
        }
    }
}

/// None when the pattern ends within an escape, which nothing fits.
fn places(pattern: &str, escape: Option<char>) -> Option<Vec<Place>> {
    let mut places = Vec::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        places.push(match c {
            c if Some(c) == escape => Place::Exactly(characters.next()?.to_ascii_lowercase()),
            '%' => Place::Any,
            '_' => Place::One,
            c => Place::Exactly(c.to_ascii_lowercase()),
        });
    }
    Some(places)
}

/// To the engine a text ends there.
fn until_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_decides_as_the_engine_does(
            pattern in "[%_abAéÉ!\\x00]{0,8}",
            text in "[abABéÉ%_!\\x00]{0,12}",
            escape in proptest::option::of("[!%_a]"),
        ) {
            thread_local! {
                static OWN: rusqlite::Connection = rusqlite::Connection::open_in_memory().unwrap();
            }
            let wanted: bool = OWN.with(|own| match &escape {
                None => own.query_row("SELECT ?2 LIKE ?1", (&pattern, &text), |row| row.get(0)),
                Some(escape) => own.query_row("SELECT ?2 LIKE ?1 ESCAPE ?3", (&pattern, &text, escape), |row| row.get(0)),
            }).unwrap();
            let escape = escape.and_then(|escape| escape.chars().next());
            prop_assert_eq!(like(&pattern, &text, escape, 10_000), Outcome::Matches(wanted));
        }
    }

    #[test]
    fn a_match_that_would_take_too_long_is_given_up() {
        let (pattern, text) = (format!("%{}b", "a".repeat(500)), "a".repeat(5000));
        assert_eq!(like(&pattern, &text, None, 100_000), Outcome::TooMuch);
        assert_eq!(like("%b", &text, None, 100_000), Outcome::Matches(false));
    }
}
