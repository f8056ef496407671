//! The bytes of a part of a file: from an offset, by lines from the beginning, or the last lines; never more than a limit.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use tokio_util::sync::CancellationToken;

/// Bytes that are looked through for the lines asked for.
const MAX_SCANNED: u64 = 4 * 1024 * 1024 * 1024;

/// Which part is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// From a byte on.
    From(u64),
    /// Lines by number, from 1.
    Lines {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// The last lines.
    Tail(u64),
}

/// What was read.
#[derive(Debug, Default)]
pub struct Part {
    /// The bytes.
    pub raw: Vec<u8>,
    /// Where in the file they begin.
    pub start: u64,
    /// Whether the file has nothing after them.
    pub ended: bool,
    /// The number of their first line, where lines were counted.
    pub first_line: Option<u64>,
    /// How many lines the file has, when it has fewer than the first one asked for.
    pub too_far: Option<u64>,
}

impl Want {
    /// Reads the part. `size` is what the system says of the file.
    ///
    /// # Errors
    /// The system refuses, the call was cancelled, the lines lie too deep.
    pub fn read(
        self,
        file: &mut (impl Read + Seek),
        size: u64,
        limit: u64,
        stop: &CancellationToken,
    ) -> io::Result<Part> {
        match self {
            Self::From(offset) => from(file, offset, limit),
            Self::Lines { first, last } => {
                let mut reader = Lines {
                    reader: BufReader::with_capacity(64 * 1024, file),
                    at: 0,
                    stop,
                };
                reader.range(first, last, limit)
            }
            Self::Tail(lines) => tail(file, size, lines, limit),
        }
    }
}

fn from(file: &mut (impl Read + Seek), offset: u64, limit: u64) -> io::Result<Part> {
    let size = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let behind = || io::Error::other(format!("offset {offset} lies behind its end"));
    // Files of `/proc` have no end to seek to.
    if offset > size && size > 0 {
        return Err(behind());
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut raw = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut raw)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if raw.is_empty() && offset > size {
        return Err(behind());
    }
    let ended = raw.len() <= limit;
    raw.truncate(limit);
    Ok(Part {
        raw,
        start: offset,
        ended,
        first_line: (offset == 0).then_some(1),
        too_far: None,
    })
}

fn tail(file: &mut (impl Read + Seek), size: u64, lines: u64, limit: u64) -> io::Result<Part> {
    let mut window = size.saturating_sub(limit);
    file.seek(SeekFrom::Start(window))?;
    let keep = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut raw = Vec::new();
    // What is appended meanwhile belongs to the end as well; a file of `/proc` says that it is empty.
    while file.take(limit).read_to_end(&mut raw)? > 0 && window < MAX_SCANNED.max(size) {
        let passed = raw.len().saturating_sub(keep);
        raw.drain(..passed);
        window += passed as u64;
    }
    let mut begin = raw.len();
    let mut left = lines;
    // A line end at the very end ends the last line and begins none.
    let body = raw.strip_suffix(b"\n").unwrap_or(&raw);
    let mut breaks = body.iter().enumerate().rev().filter(|(_, b)| **b == b'\n');
    while left > 0 {
        left -= 1;
        match breaks.next() {
            Some((at, _)) => begin = at + 1,
            None => {
                begin = 0;
                break;
            }
        }
    }
    Ok(Part {
        raw: raw.split_off(begin),
        start: window + begin as u64,
        ended: true,
        first_line: None,
        too_far: None,
    })
}

/// A reader that counts lines.
struct Lines<'s, R> {
    reader: BufReader<R>,
    at: u64,
    stop: &'s CancellationToken,
}

impl<R: Read> Lines<'_, R> {
    fn range(&mut self, first: u64, last: u64, limit: u64) -> io::Result<Part> {
        let mut line = 1;
        let mut begun = false;
        while line < first {
            let Some(whole) = self.piece(|_| {}, usize::MAX)? else {
                let lines = line - 1 + u64::from(begun);
                return Ok(Part {
                    too_far: Some(lines),
                    ..Part::default()
                });
            };
            line += u64::from(whole);
            begun = !whole;
        }
        let start = self.at;
        let mut raw = Vec::new();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        while line <= last && raw.len() < limit {
            let room = limit - raw.len();
            match self.piece(|bytes| raw.extend_from_slice(bytes), room)? {
                Some(whole) => line += u64::from(whole),
                None => break,
            }
        }
        let ended = self.reader.fill_buf()?.is_empty();
        // A file of three lines that end in a line end has no fourth one.
        let nothing = raw.is_empty() && first > 1;
        Ok(Part {
            raw,
            start,
            ended,
            first_line: Some(first),
            too_far: nothing.then_some(first - 1),
        })
    }

    /// Reads to the end of the line or of what the buffer or the room holds; whether it was the end of the line, none at the end
    /// of the file.
    fn piece(&mut self, mut take: impl FnMut(&[u8]), room: usize) -> io::Result<Option<bool>> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the call was cancelled"));
        }
        if self.at > MAX_SCANNED {
            return Err(io::Error::other(
                "these lines lie too deep in it; read it by offset",
            ));
        }
        let buffer = self.reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1).min(room);
        let whole = end.is_some_and(|end| end < length);
        take(buffer.get(..length).unwrap_or_default());
        self.reader.consume(length);
        self.at += length as u64;
        Ok(Some(whole))
    }
}

/// The bytes as text, or nothing when they are none; and how many bytes of a cut character before it are dropped. So is a cut
/// character at the end.
pub fn decode(raw: &[u8], cut_before: bool, cut_after: bool) -> Option<(usize, &str)> {
    let skipped = if cut_before {
        // At most three bytes of a character can lie before the first whole one.
        let whole = |byte: &u8| byte & 0xC0 != 0x80;
        raw.iter().take(4).position(whole).unwrap_or(0)
    } else {
        0
    };
    let raw = raw.get(skipped..)?;
    if raw.contains(&0) {
        return None;
    }
    match std::str::from_utf8(raw) {
        Ok(text) => Some((skipped, text)),
        Err(error) if cut_after && error.error_len().is_none() => {
            let text = std::str::from_utf8(raw.get(..error.valid_up_to())?).ok()?;
            Some((skipped, text))
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn read(want: Want, text: &[u8], limit: u64) -> Part {
        let size = text.len() as u64;
        let stop = CancellationToken::new();
        want.read(&mut Cursor::new(text), size, limit, &stop)
            .unwrap()
    }

    #[test]
    fn head_and_tail_keep_whole_lines() {
        let text = b"one\ntwo\nthree";
        let head = |last| read(Want::Lines { first: 1, last }, text, 100);
        assert_eq!(head(2).raw, b"one\ntwo\n");
        assert!(!head(2).ended && head(9).ended);
        assert_eq!(head(9).raw, text);
        let tail = |text: &[u8], lines| read(Want::Tail(lines), text, 100).raw;
        assert_eq!(tail(text, 1), b"three");
        assert_eq!(tail(b"one\ntwo\n", 1), b"two\n");
        assert_eq!(tail(b"one\n\n", 1), b"\n");
        assert_eq!(tail(text, 9), text);
        assert_eq!(tail(b"", 1), b"");
    }

    #[test]
    fn a_range_behind_the_end_tells_the_number_of_lines() {
        let range = |text: &[u8]| read(Want::Lines { first: 9, last: 10 }, text, 100).too_far;
        assert_eq!(range(b""), Some(0));
        assert_eq!(range(b"a\nb\nc"), Some(3));
        assert_eq!(range(b"a\nb\nc\n"), Some(3));
        let exactly = read(Want::Lines { first: 4, last: 9 }, b"a\nb\nc\n", 100);
        assert_eq!(exactly.too_far, Some(3));
        assert_eq!(
            read(Want::Lines { first: 1, last: 9 }, b"", 100).too_far,
            None
        );
    }

    #[test]
    fn a_character_cut_by_the_limit_does_not_make_text_binary() {
        let text = "xin chào";
        let cut = &text.as_bytes()[..7];
        assert_eq!(decode(cut, false, true), Some((0, "xin ch")));
        assert_eq!(decode(cut, false, false), None);
        let tail = &text.as_bytes()[7..];
        assert_eq!(decode(tail, true, true), Some((1, "o")));
        assert_eq!(decode(b"a\0b", false, false), None);
    }

    proptest! {
        #[test]
        fn lines_and_pages_are_those_of_the_text(
            text in "([a-đ\u{1F600}]{0,9}\r?\n?){0,12}",
            first in 1_u64..14,
            count in 0_u64..14,
            limit in 4_u64..40,
        ) {
            let all: Vec<&str> = text.split_inclusive('\n').collect();
            let skip = usize::try_from(first - 1).unwrap();
            let want = Want::Lines { first, last: first + count };
            let part = read(want, text.as_bytes(), 1000);
            let take = usize::try_from(count + 1).unwrap();
            let expected: String = all.iter().skip(skip).take(take).copied().collect();
            prop_assert_eq!(part.raw, expected.as_bytes());
            prop_assert_eq!(part.too_far.is_some(), skip > 0 && all.len() <= skip);

            let last: String = all.iter().skip(all.len().saturating_sub(skip)).copied().collect();
            prop_assert_eq!(read(Want::Tail(first - 1), text.as_bytes(), 1000).raw, last.as_bytes());

            let mut pages = String::new();
            let mut at = 0;
            loop {
                let part = read(Want::From(at), text.as_bytes(), limit);
                let (skipped, page) = decode(&part.raw, at > 0, !part.ended).unwrap();
                prop_assert_eq!(skipped, 0);
                pages.push_str(page);
                at += page.len() as u64;
                if part.ended {
                    break;
                }
            }
            prop_assert_eq!(pages, text);
        }
    }
}
