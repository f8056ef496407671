//! What the server said, as a sentence: message, detail and hint. Pure.

use tokio_postgres::Error;
use tokio_postgres::error::ErrorPosition;

/// The error without its category; `place` says where in the statement, by the number of a character from 1. Ends without a full
/// stop.
pub fn in_words(error: &Error, place: impl Fn(u32) -> String) -> String {
    let Some(said) = error.as_db_error() else {
        return chain(error);
    };
    let mut text = said.message().trim_end_matches('.').to_owned();
    // A query that a function made has positions that nobody can see.
    if let Some(ErrorPosition::Original(position)) = said.position() {
        text.push_str(&place(*position));
    }
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        text.push_str(&format!(". {}", more.trim_end_matches('.')));
    }
    text
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
