//! Whether a log is whole. Pure: the bytes of its files in, a report out. Called by `mcpdeck audit verify` and when a log opens.
//!
//! A chain shows what was changed inside it; that its end is missing only something outside it can show: the head beside the
//! file, or one that was kept elsewhere.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use serde_json::Value;

use crate::chain::line::{self, Head, Line, sha256};

/// No line is longer, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What was found in a log that is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The last line.
    pub head: Head,
    /// How many lines.
    pub lines: u64,
    /// The calls that began and have no end: the process ended first.
    pub open: BTreeSet<u64>,
    /// How many lines were torn by the end of a process, and noted at the next start.
    pub torn: u64,
    /// How often the log was found without its head's last lines, and noted at the next start.
    pub behind: u64,
}

/// Why a log is not whole: the file, the line in it, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which of the files, from 0.
    pub file: usize,
    /// The line in it, from 1.
    pub line: usize,
    /// A sentence.
    pub why: String,
}

/// Walks through the lines of a log, one file after the other.
#[derive(Debug, Default)]
pub struct Walk {
    report: Report,
    file: usize,
    line: usize,
    torn: Option<String>,
    anchors: Vec<Head>,
    partial: bool,
    first: u64,
}

impl Walk {
    /// A walk over a log from its beginning, in which each of `anchors` must be found.
    pub fn new(anchors: Vec<Head>) -> Self {
        Self {
            anchors,
            ..Self::default()
        }
    }

    /// The same over a log whose first files are elsewhere.
    #[must_use]
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Walks through the next file.
    ///
    /// # Errors
    /// Something is not as it was written, or cannot be read.
    pub fn file(&mut self, file: &mut impl BufRead) -> Result<(), Broken> {
        self.line = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = io::Read::take(&mut *file, LONGEST).read_until(b'\n', &mut line);
            if let Err(error) = read {
                return Err(self.broken(&format!("it cannot be read: {error}")));
            }
            if line.is_empty() {
                break;
            }
            self.line += 1;
            match line.strip_suffix(b"\n") {
                Some(line) => self.line(line)?,
                None => return Err(self.broken("the line is not whole")),
            }
        }
        if self.line == 0 {
            return Err(self.broken("the file is empty"));
        }
        self.file += 1;
        Ok(())
    }

    /// What was found, if all anchors were and nothing is open.
    ///
    /// # Errors
    /// The end, or one of the anchors, is missing.
    pub fn end(mut self) -> Result<Report, Broken> {
        self.file = self.file.saturating_sub(1);
        if self.torn.is_some() {
            return Err(self.broken("the last line is not whole"));
        }
        if let Some(anchor) = self.anchors.first() {
            let why = format!("the line {} is missing that must be there", anchor.text());
            return Err(self.broken(&why));
        }
        Ok(self.report)
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let Some(line) = line::read(bytes) else {
            // A line that the end of a process tore is noted by the line after it, which must name it.
            if self.torn.is_some() {
                self.line = self.line.saturating_sub(1);
                return Err(self.broken("the line was changed"));
            }
            self.torn = Some(sha256(bytes));
            return Ok(());
        };
        if let Some(torn) = self.torn.take() {
            if line.members.get("torn").and_then(Value::as_str) != Some(&torn) {
                self.line = self.line.saturating_sub(1);
                return Err(self.broken("the line was changed"));
            }
            self.report.torn += 1;
        } else if line.members.contains_key("torn") {
            return Err(self.broken("the torn line that it names is not before it"));
        }
        if self.partial && self.report.lines == 0 {
            self.first = line.seq;
            self.report.head = Head {
                seq: line.seq.checked_sub(1),
                hash: line.previous.clone(),
            };
        }
        if line.seq != self.report.head.next() {
            let (here, there) = (line.seq, self.report.head.next());
            let why = format!("it is the line {here}, and {there} should be here");
            return Err(self.broken(&why));
        }
        if line.previous != self.report.head.hash {
            return Err(self.broken("it does not follow the line before it"));
        }
        self.anchor(&line)?;
        self.count(&line)?;
        self.report.lines += 1;
        self.report.head = Head {
            seq: Some(line.seq),
            hash: line.hash,
        };
        Ok(())
    }

    fn anchor(&mut self, line: &Line) -> Result<(), Broken> {
        let differs = |a: &Head| a.seq == Some(line.seq) && a.hash != line.hash;
        if self.anchors.iter().any(differs) {
            return Err(self.broken("it is another line than the one that must be there"));
        }
        self.anchors.retain(|a| a.seq != Some(line.seq));
        Ok(())
    }

    fn count(&mut self, line: &Line) -> Result<(), Broken> {
        match line.members.get("event").and_then(Value::as_str) {
            Some("call") => {
                self.report.open.insert(line.seq);
            }
            Some("end") => {
                let call = line.members.get("call").and_then(Value::as_u64);
                if !call.is_some_and(|c| c < self.first || self.report.open.remove(&c)) {
                    return Err(self.broken("it ends a call that is not running"));
                }
            }
            Some("opened") if line.members.contains_key("unanchored") => self.report.behind += 1,
            Some(_) => {}
            None => return Err(self.broken("it names no event")),
        }
        Ok(())
    }

    fn broken(&self, why: &str) -> Broken {
        Broken {
            file: self.file,
            line: self.line,
            why: why.to_owned(),
        }
    }
}
