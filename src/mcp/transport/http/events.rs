//! Server-sent events from bytes in any pieces, as the HTML standard reads them. Pure.
//!
//! Ours, because the crate that the protocol library uses fails on what the standard tells to ignore (unknown fields, lines without
//! a colon, a second `id:`) and knows no limit. Here nothing but length is an error. Used by `stream`.

use std::collections::VecDeque;
use std::time::Duration;

/// What a byte order mark is in UTF-8; one may stand at the beginning of a stream.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// One event, or a block of lines without data, which still can carry an id or a waiting time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its kind; absent for a message.
    pub name: Option<String>,
    /// Its data lines, joined.
    pub data: Option<String>,
    /// The place in the stream to resume from; an empty one forgets the last.
    pub id: Option<String>,
    /// How long to wait before the stream is asked for again.
    pub retry: Option<Duration>,
}

impl Event {
    /// The message in it, where there is one.
    pub fn message(&self) -> Option<&str> {
        let is_message = matches!(self.name.as_deref(), None | Some("" | "message"));
        let data = self.data.as_deref().filter(|_| is_message)?;
        (!data.trim().is_empty()).then_some(data)
    }
}

/// An event is longer than the limit; nothing more can be read from the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// The reader of one stream.
#[derive(Debug)]
pub struct Parser {
    most: usize,
    line: Vec<u8>,
    event: Event,
    /// Bytes in `event`.
    size: usize,
    after_cr: bool,
    started: bool,
}

impl Parser {
    /// A reader of events of at most so many bytes each.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            event: Event::default(),
            size: 0,
            after_cr: false,
            started: false,
        }
    }

    /// Takes the next bytes and puts the events that they end into `ready`.
    ///
    /// # Errors
    /// When an event, or a line that does not end, is too long. What was ended before is in `ready` all the same.
    pub fn feed(&mut self, mut bytes: &[u8], ready: &mut VecDeque<Event>) -> Result<(), TooLong> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            if self.size + self.line.len() + piece.len() > self.most {
                return Err(TooLong);
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            ready.extend(self.line(&line));
            line.clear();
            self.line = line;
        }
        Ok(())
    }

    /// A whole line; gives the event that an empty one ends.
    fn line(&mut self, line: &[u8]) -> Option<Event> {
        let line = match std::mem::replace(&mut self.started, true) {
            true => line,
            false => line.strip_prefix(MARK).unwrap_or(line),
        };
        if line.is_empty() {
            self.size = 0;
            let event = std::mem::take(&mut self.event);
            return (event != Event::default()).then_some(event);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let value = String::from_utf8_lossy(value);
        let event = &mut self.event;
        match field {
            b"data" => match &mut event.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                None => event.data = Some(value.into_owned()),
            },
            b"event" => event.name = Some(value.into_owned()),
            b"id" if !value.contains('\0') => event.id = Some(value.into_owned()),
            b"retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                event.retry = value.parse().ok().map(Duration::from_millis);
            }
            // A comment, or a field that the standard does not know.
            _ => return None,
        }
        self.size += line.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::new(1000);
        let mut ready = VecDeque::new();
        for piece in pieces {
            parser.feed(piece, &mut ready).unwrap();
        }
        ready.into()
    }

    fn data(text: &str) -> Event {
        Event {
            data: Some(text.to_owned()),
            ..Event::default()
        }
    }

    #[test]
    fn the_standards_own_cases_are_read() {
        for (text, expected) in [
            ("data: a\n\n", vec![data("a")]),
            ("data:a\r\rdata: b\r\n\r\n", vec![data("a"), data("b")]),
            ("\u{feff}data: a\n\n", vec![data("a")]),
            ("data:  a\ndata\ndata: b\n\n", vec![data(" a\n\nb")]),
            (": a comment\n\n:\n\n", vec![]),
            ("unknown: x\nnothing\ndata: a\n\n", vec![data("a")]),
            ("data: never ended\n", vec![]),
            ("\n\n\n", vec![]),
        ] {
            assert_eq!(read(&[text.as_bytes()]), expected, "{text:?}");
        }
    }

    #[test]
    fn ids_and_waits_are_kept_also_without_data_and_bad_ones_are_no_error() {
        let events = read(&[b"id: 7\nretry: 250\n\nevent: endpoint\ndata: /x\nid: a\0b\nretry: soon\nid: 8\nid: 9\n\n"]);
        let primed = Event {
            id: Some("7".into()),
            retry: Some(Duration::from_millis(250)),
            ..Event::default()
        };
        let endpoint = Event {
            name: Some("endpoint".into()),
            id: Some("9".into()),
            ..data("/x")
        };
        assert_eq!(events, [primed.clone(), endpoint.clone()]);
        assert_eq!(primed.message(), None);
        assert_eq!(endpoint.message(), None);
        assert_eq!(data("{}").message(), Some("{}"));
        assert_eq!(data(" ").message(), None);
    }

    #[test]
    fn what_never_ends_is_too_long_and_what_came_before_is_kept() {
        let mut ready = VecDeque::new();
        let mut parser = Parser::new(10);
        assert_eq!(
            parser.feed(b"data: a\n\ndata: 12345", &mut ready),
            Err(TooLong)
        );
        assert_eq!(ready, [data("a")]);
        let mut parser = Parser::new(10);
        let lines = b"data:1\n".repeat(2);
        assert_eq!(parser.feed(&lines, &mut ready), Err(TooLong));
        let mut parser = Parser::new(10);
        let comments = b":12345678\n".repeat(1000);
        assert_eq!(parser.feed(&comments, &mut ready), Ok(()));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            text in "((data|id|event|retry|x)?:? ?[a-z0-9é{}]{0,4}(\r|\n|\r\n)){0,20}",
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }

        #[test]
        fn any_message_comes_out_as_it_went_in(text in "[^\r\n\0]{1,40}", ends in prop::sample::select(vec!["\n", "\r", "\r\n"])) {
            let whole = format!("data: {text}{ends}{ends}");
            prop_assert_eq!(read(&[whole.as_bytes()]), vec![data(&text)]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _either_way = Parser::new(20).feed(&bytes, &mut VecDeque::new());
        }
    }
}
