//! Looks through one file, line by line, within a budget that the whole search shares.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::time::Instant;

use regex::bytes::Regex;
use tokio_util::sync::CancellationToken;

/// Bytes of a line that are matched at once; a longer line is matched in pieces, so that each ends soon.
const PIECE: usize = 16 * 1024;

/// Bytes that are matched between two looks at the clock. The worst expression of the permitted size takes about a millisecond
/// for each byte in an unoptimised build: what counts are bytes, not lines.
const UNWATCHED: usize = 512;

/// Bytes of a piece that are matched again with the next one, for what lies across the cut.
const OVERLAP: usize = 1024;

/// Bytes of a line that are shown.
const SHOWN: usize = 400;

/// Bytes in which a NUL makes a file binary.
const SNIFFED: usize = 8 * 1024;

/// What a search may still use.
pub struct Budget<'s> {
    stop: &'s CancellationToken,
    deadline: Instant,
    bytes: u64,
    results: usize,
    shown: usize,
    spent: Option<&'static str>,
}

impl<'s> Budget<'s> {
    /// A fresh one.
    pub fn new(
        stop: &'s CancellationToken,
        deadline: Instant,
        bytes: u64,
        results: usize,
        shown: usize,
    ) -> Self {
        Self {
            stop,
            deadline,
            bytes,
            results,
            shown,
            spent: None,
        }
    }

    /// What is used up, if anything.
    pub fn spent(&self) -> Option<&'static str> {
        self.spent
    }

    /// Whether the search may go on. Looks at the clock.
    pub fn goes_on(&mut self) -> bool {
        if self.spent.is_none() {
            if self.stop.is_cancelled() {
                self.spent = Some("cancelled");
            } else if Instant::now() >= self.deadline {
                self.spent = Some("time");
            }
        }
        self.spent.is_none()
    }

    fn read(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes as u64);
        if self.bytes == 0 {
            self.spent = self.spent.or(Some("bytes searched"));
        }
    }

    /// Takes room for a line to show.
    fn show(&mut self, line: &str) {
        self.shown = self.shown.saturating_sub(line.len().max(1));
        if self.shown == 0 {
            self.spent = self.spent.or(Some("size of the answer"));
        }
    }

    /// Takes room for one more result; none when there is no more.
    fn result(&mut self) -> bool {
        if self.results == 0 {
            self.spent = self.spent.or(Some("max_results"));
            return false;
        }
        self.results -= 1;
        true
    }
}

/// A matching line of one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Hit {
    /// The number of the line.
    pub line: u64,
    /// The byte at which the match begins, from 1.
    pub column: usize,
    /// The line as it is shown.
    pub text: String,
    /// Lines before.
    pub before: Vec<String>,
    /// Lines after.
    pub after: Vec<String>,
}

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is text; its hits.
    Text(Vec<Hit>),
    /// It is none.
    Binary,
}

/// Looks through a file.
///
/// # Errors
/// It cannot be read.
pub fn search(
    file: impl Read,
    regex: &Regex,
    context: usize,
    budget: &mut Budget<'_>,
) -> io::Result<Outcome> {
    let mut reader = BufReader::with_capacity(PIECE, file);
    let beginning = reader.fill_buf()?;
    if beginning.iter().take(SNIFFED).any(|byte| *byte == 0) {
        return Ok(Outcome::Binary);
    }
    let mut hits = Hits {
        context,
        ..Hits::default()
    };
    let mut piece = Piece {
        line: 1,
        ..Piece::default()
    };
    let mut unwatched = 0;
    while budget.spent().is_none() || hits.wants_more() {
        let read = piece.read(&mut reader)?;
        if read == 0 {
            break;
        }
        budget.read(read);
        unwatched += read;
        if unwatched >= UNWATCHED {
            unwatched = 0;
            if !budget.goes_on() {
                break;
            }
        }
        hits.piece(&piece, regex, budget);
        piece.end();
    }
    Ok(Outcome::Text(hits.found))
}

/// A line, or a piece of one that is too long to be matched at once.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    /// The number of its line.
    line: u64,
    /// Where in the line it begins.
    at: usize,
    /// Whether the line goes on after it.
    open: bool,
}

impl Piece {
    /// Reads on to the end of the line or of what is matched at once.
    fn read(&mut self, reader: &mut impl BufRead) -> io::Result<usize> {
        let limit = PIECE as u64;
        let read = reader.take(limit).read_until(b'\n', &mut self.bytes)?;
        let whole = self.bytes.ends_with(b"\n");
        self.open = read == PIECE && !whole && !reader.fill_buf()?.is_empty();
        Ok(read)
    }

    /// Makes room for what follows, and keeps the end of an open piece.
    fn end(&mut self) {
        if self.open {
            let passed = self.bytes.len().saturating_sub(OVERLAP);
            self.bytes.drain(..passed);
            self.at += passed;
        } else {
            self.bytes.clear();
            self.line += 1;
            self.at = 0;
        }
    }

    /// The text without the end of the line.
    fn text(&self) -> &[u8] {
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Where the expression fits. What touches the cut is left to the next piece, where it is seen whether the line ends there.
    fn find(&self, regex: &Regex) -> Option<usize> {
        let text = self.text();
        // The beginning of the line is not here again.
        let from = usize::from(self.at > 0);
        let found = regex.find_at(text, from.min(text.len()))?;
        (!self.open || found.end() < text.len()).then(|| found.start())
    }
}

/// The hits of a file, and the lines around them.
#[derive(Default)]
struct Hits {
    context: usize,
    /// The lines that may stand before the next hit.
    last: VecDeque<(u64, String)>,
    found: Vec<Hit>,
}

impl Hits {
    /// Whether the last hit still waits for lines after it.
    fn wants_more(&self) -> bool {
        let last = self.found.last();
        last.is_some_and(|hit| hit.after.len() < self.context)
    }

    /// Takes the next piece of a line.
    fn piece(&mut self, piece: &Piece, regex: &Regex, budget: &mut Budget<'_>) {
        let &Piece { line, at, .. } = piece;
        // A long line is told once, by the first piece that matches.
        if self.found.last().is_some_and(|hit| hit.line == line) {
            return;
        }
        let fits = piece.find(regex).filter(|_| budget.spent().is_none());
        let found = fits.filter(|_| budget.result());
        if self.context == 0 && found.is_none() {
            return;
        }
        let column = found.unwrap_or(0);
        let text = cut(piece.text(), column);
        if at == 0 || found.is_some() {
            self.follow(line, &text, budget);
        }
        if found.is_some() {
            budget.show(&text);
            // A long line has handed over its own beginning.
            let before = self.last.iter().filter(|(before, _)| *before < line);
            let before: Vec<String> = before.map(|(_, text)| text.clone()).collect();
            before.iter().for_each(|line| budget.show(line));
            self.found.push(Hit {
                line,
                column: at + column + 1,
                text: text.clone(),
                before,
                after: Vec::new(),
            });
        }
        if at == 0 && self.context > 0 {
            if self.last.len() == self.context {
                self.last.pop_front();
            }
            self.last.push_back((line, text));
        }
    }

    /// Hands a line to the hits just before it.
    fn follow(&mut self, line: u64, text: &str, budget: &mut Budget<'_>) {
        let near = self.context as u64;
        for hit in self.found.iter_mut().rev() {
            if hit.line + near < line {
                break;
            }
            // A piece of a line whose beginning has been handed over already.
            if hit.line + (hit.after.len() as u64) < line {
                hit.after.push(text.to_owned());
                budget.show(text);
            }
        }
    }
}

/// A line as it is shown: whole, or a window around the match.
fn cut(line: &[u8], at: usize) -> String {
    if line.len() <= SHOWN {
        return String::from_utf8_lossy(line).into_owned();
    }
    let begin = if at < SHOWN / 2 { 0 } else { at - SHOWN / 4 };
    let begin = begin.min(line.len() - SHOWN);
    let end = begin + SHOWN;
    // Whole characters only.
    let is_inside = |index: usize| line.get(index).is_some_and(|byte| byte & 0xC0 == 0x80);
    let step = |from: usize| (from..from + 4).find(|index| !is_inside(*index));
    let (begin, end) = (step(begin).unwrap_or(begin), step(end).unwrap_or(end));
    let shown = String::from_utf8_lossy(line.get(begin..end).unwrap_or_default());
    let before = if begin > 0 { "..." } else { "" };
    let after = if end < line.len() { "..." } else { "" };
    format!("{before}{shown}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn hits(pattern: &str, context: usize, results: usize, text: &[u8]) -> Vec<Hit> {
        let stop = CancellationToken::new();
        let later = Instant::now() + Duration::from_secs(60);
        let mut budget = Budget::new(&stop, later, 1 << 30, results, 1 << 20);
        let regex = Regex::new(pattern).unwrap();
        match search(text, &regex, context, &mut budget).unwrap() {
            Outcome::Text(hits) => hits,
            Outcome::Binary => panic!("binary"),
        }
    }

    #[test]
    fn hits_know_their_lines_and_neighbours() {
        let found = hits("b|d", 1, 9, b"a\r\nxb\nc\nd\ne\nf");
        let told: Vec<_> = found
            .iter()
            .map(|h| (h.line, h.column, h.text.as_str()))
            .collect();
        assert_eq!(told, [(2, 2, "xb"), (4, 1, "d")]);
        assert_eq!(
            (&found[0].before, &found[0].after),
            (&vec!["a".to_owned()], &vec!["c".to_owned()])
        );
        assert_eq!(
            (&found[1].before, &found[1].after),
            (&vec!["c".to_owned()], &vec!["e".to_owned()])
        );
    }

    #[test]
    fn the_last_result_keeps_its_lines_after() {
        let found = hits("a", 2, 1, b"a\nb\na\nd\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].after, ["b", "a"]);
    }

    #[test]
    fn a_long_line_is_cut_around_its_match_and_told_once() {
        let mut text = "đ".repeat(100_000);
        text.push_str("needle");
        text.push_str(&"đ".repeat(100_000));
        text.push_str("needle\nneedle");
        let found = hits("needle", 1, 9, text.as_bytes());
        assert_eq!(found.iter().map(|h| h.line).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(found[0].column, 200_001);
        assert!(found[0].before.is_empty());
        assert_eq!(found[0].after, ["needle"]);
        assert!(found[0].text.contains("needle") && found[0].text.len() < 420);
        assert!(!found[0].text.contains('\u{FFFD}'));
    }

    #[test]
    fn a_long_line_is_matched_as_if_it_were_whole() {
        for length in [PIECE - 3, PIECE, PIECE + 3, 2 * PIECE - OVERLAP, 5 * PIECE] {
            let mut text = "a".repeat(length);
            text.push_str("needle");
            text.push_str(&"b".repeat(PIECE + 7));
            let bytes = text.as_bytes();
            assert_eq!(
                hits("needle", 0, 9, bytes)[0].column,
                length + 1,
                "{length}"
            );
            assert_eq!(hits("^a", 0, 9, bytes)[0].column, 1);
            assert_eq!(hits("^needle|^b|a$|needle$", 0, 9, bytes), []);
            assert_eq!(hits("b$", 0, 9, bytes)[0].column, text.len());
            assert_eq!(hits("^$", 0, 9, bytes), []);
        }
        assert_eq!(hits("a$", 0, 9, "a".repeat(PIECE).as_bytes()).len(), 1);
        assert_eq!(hits("^$", 0, 9, b"a\n\nb\n").len(), 1);
    }

    /// Lines without end; the call is cancelled once the first of them are read.
    struct Endless<'s> {
        stop: &'s CancellationToken,
        given: usize,
    }

    impl Read for Endless<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.given > 0 {
                self.stop.cancel();
            }
            assert!(self.given < 4 * PIECE, "it went on");
            for (at, byte) in buffer.iter_mut().enumerate() {
                *byte = if at % 1000 == 999 { b'\n' } else { b'a' };
            }
            self.given += buffer.len();
            Ok(buffer.len())
        }
    }

    #[test]
    fn lines_of_any_length_are_given_up_soon() {
        let stop = CancellationToken::new();
        let later = Instant::now() + Duration::from_secs(60);
        let mut budget = Budget::new(&stop, later, 1 << 30, 9, 1 << 20);
        let regex = Regex::new("none").unwrap();
        let given = 0;
        search(Endless { stop: &stop, given }, &regex, 0, &mut budget).unwrap();
        assert_eq!(budget.spent(), Some("cancelled"));
    }

    #[test]
    fn what_is_cancelled_or_late_stops() {
        let text = "line\n".repeat(2000);
        let regex = Regex::new("none").unwrap();
        let stopped = CancellationToken::new();
        stopped.cancel();
        let later = Instant::now() + Duration::from_secs(60);
        for (stop, deadline, why) in [
            (&stopped, later, "cancelled"),
            (&CancellationToken::new(), Instant::now(), "time"),
        ] {
            let mut budget = Budget::new(stop, deadline, 1 << 30, 9, 1 << 20);
            search(text.as_bytes(), &regex, 0, &mut budget).unwrap();
            assert_eq!(budget.spent(), Some(why));
            assert!(budget.bytes > (1 << 30) - 5000, "it went on");
        }
    }
}
