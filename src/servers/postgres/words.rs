//! What the server said, as a sentence: message, detail, hint, and where in the statement. Pure.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition};

/// Words shown of the place that the server names.
const WORDS: usize = 30;

/// A place in a statement, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    /// What stands there.
    words: String,
}

/// The error without its category, with the place in `sql` where the server names one: what it counts in begins `before`
/// characters in front of `sql`, or behind its beginning when that is negative. Ends without a full stop.
pub fn in_words(error: &Error, sql: &str, before: isize) -> String {
    let Some(said) = error.as_db_error() else {
        return chain(error);
    };
    let mut text = said.message().trim_end_matches('.').to_owned();
    if let Some(place) = at(said, sql, before) {
        text.push_str(&format!(
            ", at line {}, column {}",
            place.line, place.column
        ));
        if !place.words.is_empty() {
            text.push_str(&format!(": `{}`", place.words));
        }
    }
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        text.push_str(&format!(". {}", more.trim_end_matches('.')));
    }
    text
}

/// The place that the server names.
fn at(said: &DbError, sql: &str, before: isize) -> Option<Place> {
    match said.position()? {
        ErrorPosition::Original(position) => {
            let position = isize::try_from(*position).ok()?.checked_sub(before)?;
            place(sql, usize::try_from(position).ok()?)
        }
        // A query that a function made has positions that nobody can see.
        ErrorPosition::Internal { .. } => None,
    }
}

/// The place of a character, counted from 1; none behind the end of the statement.
fn place(sql: &str, position: usize) -> Option<Place> {
    let before = position.checked_sub(1)?;
    let at = match sql.char_indices().nth(before) {
        Some((at, _)) => at,
        // "At end of input" is just behind the last character.
        None if before == sql.chars().count() && !sql.is_empty() => sql.len(),
        None => return None,
    };
    let (head, tail) = (sql.get(..at)?, sql.get(at..)?);
    let line_start = head.rfind('\n').map_or(0, |newline| newline + 1);
    let words: String = tail
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(WORDS)
        .collect();
    Some(Place {
        line: head.matches('\n').count() + 1,
        column: head.get(line_start..)?.chars().count() + 1,
        words: words.trim().to_owned(),
    })
}

/// The driver's own error with its causes; it names no password.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters_and_names_line_column_and_words() {
        let sql = "SELECT 'Trần',\n  nmae FROM customers";
        let found = place(sql, 18).unwrap();
        assert_eq!((found.line, found.column), (2, 3));
        assert_eq!(found.words, "nmae FROM customers");
        assert_eq!(place("SELECT", 7).unwrap().column, 7);
        assert_eq!(place("SELECT", 8), None);
        assert_eq!(place("", 1), None);
        assert_eq!(place("x", 0), None);
    }
}
