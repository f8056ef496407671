//! Bytes of a session's file to lines. Any prefix of a good file is a good file with every complete line in it.
//!
//! Pure. Called by the driver's `sessions`.

use serde::Deserialize;

use crate::host::session::line::{FORMAT, Header, Line};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The first line, where it could be read.
    pub header: Option<Header>,
    /// The other lines that could be read, in their order.
    pub lines: Vec<Line>,
    /// Bytes up to the end of the last line that ends, or that is whole without an end: what may be written on.
    pub good: u64,
    /// The last good line has no line break yet.
    pub unended: bool,
    /// Something behind the good bytes: a line that was cut while it was written.
    pub torn: bool,
    /// Lines that are no lines of a session at all.
    pub garbage: usize,
    /// Lines of a kind that this version does not know.
    pub unknown: usize,
}

/// What every line says, of whichever version.
#[derive(Deserialize)]
struct Kind {
    line: String,
}

/// The kinds that this version knows. A line that calls itself one of them and cannot be read is garbage.
const KNOWN: [&str; 9] = [
    "session",
    "user",
    "step",
    "note",
    "told",
    "compacted",
    "hand",
    "call",
    "title",
];

impl Reading {
    /// Reads a file.
    pub fn of(bytes: &[u8]) -> Self {
        let mut reading = Self::default();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            let next = at + line.len() + usize::from(end.is_some());
            let read = serde_json::from_slice::<Line>(line);
            match (read, end) {
                (Ok(line), end) => {
                    reading.take(line);
                    reading.good = next as u64;
                    reading.unended = end.is_none();
                }
                (Err(_), Some(_)) => {
                    reading.count(line);
                    reading.good = next as u64;
                    reading.unended = false;
                }
                (Err(_), None) => reading.torn = true,
            }
            at = next;
        }
        reading
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Session(header) if self.header.is_none() => self.header = Some(header),
            Line::Session(_) => self.garbage += 1,
            line => self.lines.push(line),
        }
    }

    fn count(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match serde_json::from_slice::<Kind>(line) {
            Ok(kind) if !KNOWN.contains(&kind.line.as_str()) => self.unknown += 1,
            Ok(_) | Err(_) => self.garbage += 1,
        }
    }

    /// Why nothing may be written into this file, if so.
    pub fn must_not_grow(&self) -> Option<String> {
        match &self.header {
            None => Some("its first line is missing or cannot be read".to_owned()),
            Some(header) if header.format > FORMAT => Some(format!(
                "it was written by mcpdeck {}, which is newer than this one",
                header.mcpdeck
            )),
            Some(_) => None,
        }
    }

    /// What is not as it should be, as a sentence; absent where all is well.
    pub fn trouble(&self) -> Option<String> {
        let garbage = match self.garbage {
            0 => None,
            1 => Some("1 line could not be read and was left out".to_owned()),
            many => Some(format!("{many} lines could not be read and were left out")),
        };
        let newer = "that this version does not know";
        let unknown = match self.unknown {
            0 => None,
            1 => Some(format!("1 line of a kind {newer} was left out")),
            many => Some(format!("{many} lines of kinds {newer} were left out")),
        };
        let parts = [
            self.must_not_grow(),
            garbage,
            unknown,
            self.torn
                .then(|| "its last line was cut while it was written".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
