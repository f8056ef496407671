//! Lines to a recording. A file that ends in the middle of a line, as after a crash, is good up to its last whole line; anything
//! else that is odd is an error with the number of its line.
//!
//! Pure: `file` gives the lines.

use serde_json::{Map, Value};

use crate::ids::Moment;
use crate::record::form::{Entry, Header, Lost, VERSION, What};

/// A recorded session.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// The number of the line in which the file breaks off; it was left out.
    pub cut: Option<usize>,
    /// What the recording says of itself that it lost.
    pub lost: Lost,
}

impl Recording {
    /// Whether the session came to its end, and was not killed.
    pub fn is_whole(&self) -> bool {
        self.cut.is_none() && matches!(self.entries.last().map(|last| &last.what), Some(What::End))
    }

    /// When the last thing happened.
    pub fn end(&self) -> Moment {
        self.entries.last().map(|last| last.at).unwrap_or_default()
    }

    /// What there is to say to whoever reads it, as sentences.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(line) = self.cut {
            notes.push(format!(
                "the file breaks off in line {line}: what stands before it is read"
            ));
        } else if !self.is_whole() {
            notes.push(
                "the recording has no end: the program was killed, or the disk was full".into(),
            );
        }
        if self.lost.is_any() {
            let Lost { wire, events } = self.lost;
            notes.push(format!(
                "not all could be written down: {events} events and {wire} records of the wire are missing"
            ));
        }
        notes
    }
}

/// Takes one line after the other.
#[derive(Debug, Default)]
pub struct Reader {
    header: Option<Header>,
    entries: Vec<Entry>,
    lost: Lost,
    line: usize,
    /// The complaint about the last line, which counts only if another one follows or the line has its end.
    doubt: Option<String>,
}

/// Whether a first line is that of a recording.
pub fn is_header(line: &str) -> bool {
    let value: Result<Map<String, Value>, _> = serde_json::from_str(line);
    value.is_ok_and(|members| members.contains_key("mcpdeck_recording"))
}

impl Reader {
    /// Takes a line without its end; `whole` says that the end was there.
    ///
    /// # Errors
    /// What is wrong with the line, with its number.
    pub fn take(&mut self, line: &str, whole: bool) -> Result<(), String> {
        self.line += 1;
        let number = self.line;
        if let Some(doubt) = self.doubt.take() {
            return Err(doubt);
        }
        let taken = match self.header {
            None => self.head(line),
            Some(_) => self.entry(line),
        };
        let Err(why) = taken else {
            return Ok(());
        };
        let complaint = format!("line {number}: {why}");
        if whole || self.header.is_none() {
            return Err(complaint);
        }
        self.doubt = Some(complaint);
        Ok(())
    }

    /// Whether the header was there.
    pub fn has_begun(&self) -> bool {
        self.header.is_some()
    }

    /// What came of the lines.
    ///
    /// # Errors
    /// When there was none.
    pub fn finish(self) -> Result<Recording, String> {
        let header = self.header.ok_or("the file is empty")?;
        Ok(Recording {
            header,
            entries: self.entries,
            cut: self.doubt.map(|_| self.line),
            lost: self.lost,
        })
    }

    fn head(&mut self, line: &str) -> Result<(), String> {
        if !is_header(line) {
            return Err(
                "this is no recording of mcpdeck: the first line has no `mcpdeck_recording`".into(),
            );
        }
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let version = value.get("mcpdeck_recording").and_then(Value::as_u64);
        if version != Some(u64::from(VERSION)) {
            let has = version.map_or("none".to_owned(), |version| version.to_string());
            let by = value.get("program").and_then(Value::as_str);
            return Err(format!(
                "the recording has format {has}, written by mcpdeck {}; this version reads format {VERSION}",
                by.unwrap_or("of no known version")
            ));
        }
        let header = serde_json::from_value(value)
            .map_err(|error| format!("the header is not as it should be: {error}"))?;
        self.header = Some(header);
        Ok(())
    }

    fn entry(&mut self, line: &str) -> Result<(), String> {
        let members: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("no JSON object: {error}"))?;
        let mut at = None;
        let mut what = None;
        for (name, body) in members {
            if name == "at" {
                at = body.as_u64().map(Moment);
            } else if what.is_none() {
                what = Some(What::read(&name, body)?);
            } else {
                return Err(format!("`{name}` stands beside another entry"));
            }
        }
        let at = at.ok_or("`at`, the moment in microseconds, is missing")?;
        let what = what.ok_or("nothing happens in it")?;
        if let What::Lost(lost) = &what {
            self.lost.wire += lost.wire;
            self.lost.events += lost.events;
        }
        let line = self.line;
        self.entries.push(Entry { line, at, what });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Seq;

    const HEAD: &str = r#"{"mcpdeck_recording":1,"program":"1","kind":"headless","started":"2026-01-01T00:00:00Z","start":{}}"#;

    fn read(lines: &[(&str, bool)]) -> Result<Recording, String> {
        let mut reader = Reader::default();
        for (line, whole) in lines {
            reader.take(line, *whole)?;
        }
        reader.finish()
    }

    #[test]
    fn a_file_that_was_cut_off_is_good_to_its_last_whole_line() {
        let seen = (r#"{"at":5,"seen":3}"#, true);
        let whole = read(&[(HEAD, true), seen, (r#"{"at":6,"end":true}"#, true)]).unwrap();
        assert!(whole.is_whole() && whole.notes().is_empty());
        let cut = read(&[(HEAD, true), seen, (r#"{"at":6,"en"#, false)]).unwrap();
        assert_eq!(cut.cut, Some(3));
        assert_eq!(cut.entries.len(), 1);
        assert_eq!(cut.entries[0].what, What::Seen(Seq(3)));
        assert_eq!(cut.end(), Moment(5));
        // Without its end, but whole: it counts.
        let last = read(&[(HEAD, true), (r#"{"at":5,"seen":3}"#, false)]).unwrap();
        assert_eq!((last.cut, last.entries.len()), (None, 1));
        assert!(!last.is_whole());
    }

    #[test]
    fn what_is_odd_is_named_with_its_line() {
        for (lines, says) in [
            (vec![], "the file is empty"),
            (vec![("{}", true)], "line 1: this is no recording"),
            (vec![("no", false)], "line 1: this is no recording"),
            (
                vec![(r#"{"mcpdeck_recording":9,"program":"7.1"}"#, true)],
                "line 1: the recording has format 9, written by mcpdeck 7.1; this version reads format 1",
            ),
            (vec![(HEAD, true), ("{", true)], "line 2: no JSON object"),
            (
                vec![(HEAD, true), (r#"{"seen":1}"#, true)],
                "line 2: `at`, the moment in microseconds, is missing",
            ),
            (
                vec![(HEAD, true), (r#"{"at":1}"#, true)],
                "line 2: nothing happens in it",
            ),
            (
                vec![(HEAD, true), (r#"{"at":1,"xy":1}"#, true)],
                "line 2: `xy` is no kind of entry",
            ),
            (
                vec![(HEAD, true), (r#"{"at":1,"seen":"x"}"#, true)],
                "line 2: `seen` is not as it should be",
            ),
            // A line in the middle that has no end is odd all the same.
            (
                vec![(HEAD, true), ("{", false), (r#"{"at":1,"end":1}"#, true)],
                "line 2: no JSON object",
            ),
        ] {
            let why = read(&lines).unwrap_err();
            assert!(why.starts_with(says), "{why}");
        }
    }
}
