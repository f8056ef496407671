//! The filter language of the wire: a line of terms, all of which must hold, becomes a test of one record.
//!
//! Pure. `server: method: tool: id: status: kind: dir: size: >100ms text`; `-` before a term turns it round, commas in a value are
//! alternatives, quotes hold a text together. What cannot be understood is told in words. Used by the tab's index.

mod kind;

use std::time::Duration;

use regex::{Regex, RegexBuilder};

use crate::mcp::wire::log::Entry;
use crate::mcp::wire::record::{Direction, WireKind};

use self::kind::{Kind, kind};

/// The longest filter, in bytes.
const LONGEST: usize = 2_000;
/// The keys, as an error names them.
const KEYS: &str = "server, method, tool, id, status, kind, dir, size";

/// A test of records. The empty one holds for all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Debug, Clone)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Server(Regex),
    Method(Regex),
    Tool(Regex),
    Id(Vec<String>),
    Status(Vec<StatusTest>),
    Kind(Vec<Kind>),
    Way(Vec<Direction>),
    Size(Compare, u64),
    Latency(Compare, u64),
    Text(Regex),
}

#[derive(Debug, Clone, Copy)]
enum StatusTest {
    /// `404`.
    Is(u16),
    /// `4xx`.
    Class(u16),
    /// `>=400`.
    Compared(Compare, u64),
}

#[derive(Debug, Clone, Copy)]
enum Compare {
    More,
    MoreOrSame,
    Less,
    LessOrSame,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// What is wrong with it and how it is written instead, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a filter has at most {LONGEST} bytes"));
        }
        let terms: Result<Vec<Term>, String> = words(text)?.iter().map(Term::parse).collect();
        Ok(Self { terms: terms? })
    }

    /// Whether it holds for all.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it holds for a record.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.terms
            .iter()
            .all(|term| term.test.holds(entry) != term.negated)
    }
}

/// One word of the line: what stands before any quote, and all of it without the quotes.
struct Word {
    text: String,
    /// Bytes of `text` that stood before the first quote: only there a key can be.
    bare: usize,
    negated: bool,
}

fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let behind = rest.strip_prefix(['-', '!']);
        let negated = behind.is_some_and(|term| term.starts_with(|c: char| !c.is_whitespace()));
        let mut text = String::new();
        let mut bare = None;
        let mut quoted = false;
        let mut end = rest.len();
        for (at, c) in rest.char_indices().skip(usize::from(negated)) {
            match c {
                '"' => {
                    quoted = !quoted;
                    bare.get_or_insert(text.len());
                }
                c if c.is_whitespace() && !quoted => {
                    end = at;
                    break;
                }
                c => text.push(c),
            }
        }
        if quoted {
            return Err("a quote is not closed: write \" once more".to_owned());
        }
        let bare = bare.unwrap_or(text.len());
        words.push(Word {
            text,
            bare,
            negated,
        });
        rest = rest[end..].trim_start();
    }
    Ok(words)
}

impl Term {
    fn parse(word: &Word) -> Result<Self, String> {
        Ok(Self {
            negated: word.negated,
            test: Test::parse(word)?,
        })
    }
}

impl Test {
    fn parse(word: &Word) -> Result<Self, String> {
        let (text, bare) = (word.text.as_str(), &word.text[..word.bare]);
        if bare.starts_with(['>', '<']) && text.len() > 1 {
            let (compare, value) = compare(text);
            return Ok(Self::Latency(compare, micros(value)?));
        }
        let is_key = |key: &&str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic());
        let key = bare.split_once(':').map(|(key, _)| key).filter(is_key);
        let Some(key) = key else {
            return Ok(Self::Text(any_of([text], false)?));
        };
        let value = &text[key.len() + 1..];
        if value.starts_with("//") {
            return Ok(Self::Text(any_of([text], false)?));
        }
        Self::keyed(&key.to_ascii_lowercase(), value)
    }

    fn keyed(key: &str, value: &str) -> Result<Self, String> {
        if value.is_empty() {
            return Err(format!("`{key}:` wants a value behind it"));
        }
        let values = || value.split(',').filter(|value| !value.is_empty());
        Ok(match key {
            "server" => Self::Server(any_of(values(), true)?),
            "method" => Self::Method(any_of(values(), true)?),
            "tool" => Self::Tool(any_of(values(), true)?),
            "id" => Self::Id(values().map(str::to_owned).collect()),
            "status" => Self::Status(values().map(status).collect::<Result<_, _>>()?),
            "kind" => Self::Kind(values().map(kind).collect::<Result<_, _>>()?),
            "dir" => Self::Way(values().map(way).collect::<Result<_, _>>()?),
            "size" => {
                let (compare, value) = compare(value);
                Self::Size(compare, bytes(value)?)
            }
            _ => {
                return Err(format!(
                    "there is no `{key}:`; the keys are {KEYS}; to look for the text itself put it in quotes"
                ));
            }
        })
    }

    fn holds(&self, entry: &Entry) -> bool {
        let record = &entry.record;
        let about = entry.about.as_deref();
        match self {
            Self::Server(words) => words.is_match(record.server.as_str()),
            Self::Method(words) => about.is_some_and(|about| words.is_match(&about.method)),
            Self::Tool(words) => about
                .and_then(|about| about.name.as_deref())
                .is_some_and(|name| words.is_match(name)),
            Self::Id(ids) => id_of(&record.kind).is_some_and(|id| ids.iter().any(|it| it == id)),
            Self::Status(tests) => entry
                .status
                .is_some_and(|status| tests.iter().any(|test| test.holds(status))),
            Self::Kind(kinds) => kinds.iter().any(|kind| kind.holds(entry)),
            Self::Way(ways) => ways.contains(&record.direction),
            Self::Size(compare, bytes) => compare.holds(record.bytes as u64, *bytes),
            Self::Latency(compare, micros) => entry
                .latency
                .is_some_and(|latency| compare.holds(in_micros(latency), *micros)),
            Self::Text(words) => words.is_match(&record.text),
        }
    }
}

fn in_micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The id of a message without the quotes that a text has.
fn id_of(kind: &WireKind) -> Option<&str> {
    match kind {
        WireKind::Request { id, .. } | WireKind::Response { id } | WireKind::Error { id, .. } => {
            let inner = id.strip_prefix('"').and_then(|id| id.strip_suffix('"'));
            Some(inner.unwrap_or(id))
        }
        // What a fault did stands beside the frames of the message that it struck.
        WireKind::Fault { id, .. } => id.as_deref().map(|id| id.trim_matches('"')),
        WireKind::Notification { .. }
        | WireKind::NotMessage
        | WireKind::NotJson
        | WireKind::Stderr
        | WireKind::Http { .. } => None,
    }
}

/// Finds any of these words, whatever their case; one behind `=` must be the whole where that is allowed.
fn any_of<'a>(words: impl IntoIterator<Item = &'a str>, exact: bool) -> Result<Regex, String> {
    let one = |word: &str| match word.strip_prefix('=').filter(|_| exact) {
        Some(whole) => format!("^{}$", regex::escape(whole)),
        None => regex::escape(word),
    };
    let pattern: Vec<String> = words.into_iter().map(one).collect();
    // Without any word nothing would be looked for; `a^` is found nowhere.
    let pattern = match pattern.is_empty() {
        true => "a^".to_owned(),
        false => pattern.join("|"),
    };
    RegexBuilder::new(&pattern)
        .case_insensitive(true)
        .build()
        .map_err(|_| "a text in the filter is too long".to_owned())
}

fn compare(text: &str) -> (Compare, &str) {
    let signs = [
        (">=", Compare::MoreOrSame),
        ("<=", Compare::LessOrSame),
        (">", Compare::More),
        ("<", Compare::Less),
    ];
    let found = signs
        .into_iter()
        .find_map(|(sign, compare)| Some((compare, text.strip_prefix(sign)?)));
    found.unwrap_or((Compare::MoreOrSame, text))
}

/// A number and the unit behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let is_of_it = |c: char| c.is_ascii_digit() || c == '.';
    let end = text.find(|c| !is_of_it(c)).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number without a sign; `as` keeps it in its bounds"
)]
fn scaled(number: f64, by: f64) -> u64 {
    (number * by).round() as u64
}

fn micros(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: write `>100ms`, `>2s` or `<1min`");
    let (number, unit) = number(text).ok_or_else(wrong)?;
    let by = match unit {
        "us" | "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        "min" => 60e6,
        _ => return Err(wrong()),
    };
    Ok(scaled(number, by))
}

fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: write `size:>500`, `size:>10kB` or `size:<1MB`");
    let (number, unit) = number(text).ok_or_else(wrong)?;
    let by = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        _ => return Err(wrong()),
    };
    Ok(scaled(number, by))
}

fn status(text: &str) -> Result<StatusTest, String> {
    let wrong = || format!("`{text}` is no status: write `404`, `4xx` or `>=400`");
    let class = text.to_ascii_lowercase();
    if let Some(class) = class.strip_suffix("xx") {
        return Ok(StatusTest::Class(class.parse().map_err(|_| wrong())?));
    }
    match text.starts_with(['<', '>']) {
        true => {
            let (compare, value) = compare(text);
            let value = value.parse().map_err(|_| wrong())?;
            Ok(StatusTest::Compared(compare, value))
        }
        false => Ok(StatusTest::Is(text.parse().map_err(|_| wrong())?)),
    }
}

fn way(text: &str) -> Result<Direction, String> {
    match text.to_ascii_lowercase().as_str() {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        "stderr" => Ok(Direction::Stderr),
        _ => Err(format!(
            "`{text}` is no direction; there are in, out, stderr"
        )),
    }
}

impl StatusTest {
    fn holds(self, status: u16) -> bool {
        match self {
            Self::Is(wanted) => status == wanted,
            Self::Class(class) => status / 100 == class,
            Self::Compared(compare, value) => compare.holds(u64::from(status), value),
        }
    }
}

impl Compare {
    fn holds(self, value: u64, than: u64) -> bool {
        match self {
            Self::More => value > than,
            Self::MoreOrSame => value >= than,
            Self::Less => value < than,
            Self::LessOrSame => value <= than,
        }
    }
}

#[cfg(test)]
mod tests;
