//! Bytes to lines, with a limit: pure, so that any way of cutting the stream into reads gives the same lines.
//!
//! Used by the stdio transport for stdout (messages) and stderr (words for people).

/// Cuts a byte stream into lines and never holds more than its limit.
#[derive(Debug)]
pub struct LineSplitter {
    limit: usize,
    keep: usize,
    buffer: Vec<u8>,
    discarding: bool,
}

/// One line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The line was longer than the limit: `text` is its beginning only, and it is reported as soon as the limit is passed.
    pub too_long: bool,
}

/// The beginning of a text, at most so many bytes and never half a character.
pub fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl LineSplitter {
    /// A splitter for lines of at most `limit` bytes; of a longer one the first `keep` bytes are reported.
    pub fn new(limit: usize, keep: usize) -> Self {
        Self {
            limit,
            keep: keep.min(limit),
            buffer: Vec::new(),
            discarding: false,
        }
    }

    /// Takes what was read and gives the lines that are whole now. Empty lines are left out.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            self.extend(piece, &mut lines);
            bytes = &bytes[(piece.len() + usize::from(end.is_some()))..];
            if end.is_some() {
                lines.extend(self.end_line());
            }
        }
        lines
    }

    /// The stream has ended: what stands after the last line end.
    pub fn finish(&mut self) -> Option<Line> {
        self.end_line()
    }

    fn extend(&mut self, piece: &[u8], lines: &mut Vec<Line>) {
        if self.discarding {
            return;
        }
        if self.buffer.len() + piece.len() <= self.limit {
            self.buffer.extend_from_slice(piece);
            return;
        }
        let wanted = self.keep.saturating_sub(self.buffer.len()).min(piece.len());
        self.buffer.extend_from_slice(&piece[..wanted]);
        self.buffer.truncate(self.keep);
        lines.push(Line {
            text: String::from_utf8_lossy(&self.buffer).into_owned(),
            too_long: true,
        });
        self.buffer = Vec::new();
        self.discarding = true;
    }

    fn end_line(&mut self) -> Option<Line> {
        let bytes = std::mem::take(&mut self.buffer);
        if std::mem::take(&mut self.discarding) {
            return None;
        }
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
        (!bytes.is_empty()).then(|| Line {
            text: String::from_utf8_lossy(bytes).into_owned(),
            too_long: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(lines: &[Line]) -> Vec<(&str, bool)> {
        lines
            .iter()
            .map(|line| (line.text.as_str(), line.too_long))
            .collect()
    }

    #[test]
    fn a_line_over_the_limit_is_reported_once_and_the_next_one_is_whole() {
        let mut splitter = LineSplitter::new(5, 3);
        let mut lines = splitter.push(b"12345\r");
        lines.extend(splitter.push(b"6789\nnext\r\n\nlast"));
        lines.extend(splitter.finish());
        assert_eq!(
            texts(&lines),
            [("123", true), ("next", false), ("last", false)]
        );
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_lines(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(1usize..20, 1..50),
        ) {
            let whole = {
                let mut splitter = LineSplitter::new(16, 8);
                let mut lines = splitter.push(&bytes);
                lines.extend(splitter.finish());
                lines
            };
            let mut splitter = LineSplitter::new(16, 8);
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at((*cut).min(rest.len()));
                pieces.extend(splitter.push(head));
                rest = tail;
            }
            pieces.extend(splitter.finish());
            prop_assert_eq!(whole, pieces);
        }
    }
}
