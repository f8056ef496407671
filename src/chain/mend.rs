//! What is done about the end of a log that a process left behind: a torn line is noted, a missing end refused.
//!
//! Pure. Called by whoever opens a log to go on with it.

use std::io;

use serde_json::{Map, Value};

use crate::chain::line::{self, Head, sha256};

/// What is wrong with a log that does not end where its head says.
const CUT: &str = "its end or the file `.head` beside it is missing or was changed; look with `mcpdeck audit verify`, and move it \
                   away with the files beside it to begin a new one";

/// What follows the last whole line: a line that lacks only its end gets it, anything else is noted as torn.
pub fn mend(head: &mut Head, rest: &[u8], note: &mut Map<String, Value>, text: &mut String) {
    if rest.is_empty() {
        return;
    }
    text.push('\n');
    match line::read(rest) {
        Some(line) if line.seq == head.next() && line.previous == head.hash => {
            *head = Head {
                seq: Some(line.seq),
                hash: line.hash,
            };
        }
        _ => {
            note.insert("torn".to_owned(), sha256(rest).into());
        }
    }
}

/// Compares the log's end with the head beside it; none is known to a log whose first opening was broken off.
///
/// # Errors
/// The log does not end where its head says.
pub fn compare(known: &Head, last: &Head, note: &mut Map<String, Value>) -> io::Result<()> {
    let more = match (known.seq, last.seq) {
        (None, None | Some(0)) => return Ok(()),
        (Some(known), Some(last)) => last.checked_sub(known),
        _ => None,
    };
    match more {
        Some(0) if known.hash == last.hash => Ok(()),
        // The process or the machine stopped between the lines and their head.
        Some(more) if more > 0 => {
            note.insert("unanchored".to_owned(), more.into());
            Ok(())
        }
        _ => Err(io::Error::other(CUT)),
    }
}
