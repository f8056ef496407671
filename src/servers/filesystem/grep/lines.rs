//! Looks through one file, line by line, within a budget that the whole search shares.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::time::Instant;

use regex::bytes::Regex;
use tokio_util::sync::CancellationToken;

/// Bytes of a line that are matched at once; a longer line is matched in pieces, so that each ends soon.
const PIECE: usize = 64 * 1024;

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
    let mut piece = Vec::new();
    let (mut line, mut at, mut count) = (1, 0, 0_u32);
    while budget.spent().is_none() || hits.wants_more() {
        piece.clear();
        let limit = PIECE as u64;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut piece)?;
        if read == 0 {
            break;
        }
        budget.read(read);
        count = count.wrapping_add(1);
        if (count % 256 == 0 || read > PIECE / 16) && !budget.goes_on() {
            break;
        }
        let whole = piece.ends_with(b"\n");
        hits.piece(line, at, trimmed(&piece), regex, budget);
        (line, at) = if whole {
            (line + 1, 0)
        } else {
            (line, at + read)
        };
    }
    Ok(Outcome::Text(hits.found))
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The hits of a file, and the lines around them.
#[derive(Default)]
struct Hits {
    context: usize,
    /// The lines that may stand before the next hit.
    last: VecDeque<String>,
    found: Vec<Hit>,
}

impl Hits {
    /// Whether the last hit still waits for lines after it.
    fn wants_more(&self) -> bool {
        let last = self.found.last();
        last.is_some_and(|hit| hit.after.len() < self.context)
    }

    /// Takes the next piece of a line, which begins `at` its byte.
    fn piece(
        &mut self,
        line: u64,
        at: usize,
        piece: &[u8],
        regex: &Regex,
        budget: &mut Budget<'_>,
    ) {
        // A long line is told once, by its first piece or the first that matches.
        if self.found.last().is_some_and(|hit| hit.line == line) {
            return;
        }
        let fits = regex.find(piece).filter(|_| budget.spent().is_none());
        let found = fits.filter(|_| budget.result());
        if self.context == 0 && found.is_none() {
            return;
        }
        let column = found.map_or(0, |found| found.start());
        let text = cut(piece, column);
        if at == 0 || found.is_some() {
            self.follow(line, &text, budget);
        }
        if found.is_some() {
            budget.show(&text);
            let before: Vec<String> = self.last.iter().cloned().collect();
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
            self.last.push_back(text);
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
        assert!(found[0].text.contains("needle") && found[0].text.len() < 420);
        assert!(!found[0].text.contains('\u{FFFD}'));
    }
}
