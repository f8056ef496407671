//! The TOML as people write it: a tree of values that know where they were written.
//!
//! Knows nothing of what the keys mean, save for how one file is laid over another. Read with the parser's own tree and not
//! through serde, because a value must keep its file and line through the merge, and one wrong key must not hide the next.

use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use crate::config::error::{Place, Problem};

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it is shown in messages.
    pub shown: PathBuf,
    /// Its folder: relative paths in it start here.
    pub folder: PathBuf,
    /// Whether it is the person's own, and may say which calls run without asking.
    pub trusted: bool,
}

/// The place of a key or value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// Which of the sources.
    pub file: usize,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl At {
    /// The place with its file's name.
    pub fn place(self, sources: &[Source]) -> Option<Place> {
        Some(Place {
            file: sources.get(self.file)?.shown.clone(),
            line: self.line,
            column: self.column,
        })
    }
}

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub at: At,
    /// What.
    pub value: Value,
}

/// A TOML value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    String(String),
    /// An integer; `None` where it does not fit 64 bits.
    Integer(Option<i64>),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A date or time: no key of ours takes one.
    Datetime,
    /// An array.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// The type, as a message names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime => "a date or time",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// A table's entries in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub at: At,
    /// Its value.
    pub node: Node,
}

impl Table {
    /// The entry of this key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The table of this key, where it is one.
    pub fn table(&self, key: &str) -> Option<&Self> {
        match &self.get(key)?.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Lays another table over this one: its values win, tables merge key by key.
    pub fn overlay(&mut self, over: Self) {
        for entry in over.entries {
            let Some(mine) = self.entries.iter_mut().find(|mine| mine.key == entry.key) else {
                self.entries.push(entry);
                continue;
            };
            match (&mut mine.node.value, entry.node.value) {
                (Value::Table(below), Value::Table(above)) => below.overlay(above),
                (_, value) => {
                    mine.at = entry.at;
                    mine.node = Node {
                        at: entry.node.at,
                        value,
                    };
                }
            }
        }
    }

    /// Takes the entries of these keys out.
    pub fn remove(&mut self, keys: &[&str]) {
        self.entries
            .retain(|entry| !keys.contains(&entry.key.as_str()));
    }
}

/// Reads one file's text; `file` is its index among `sources`.
pub fn parse(text: &str, file: usize, sources: &[Source]) -> Result<Table, Box<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::new(text, file);
    match DeTable::parse(text) {
        Ok(table) => Ok(lines.table(table.get_ref())),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let at = lines.at(span.start);
            let what = match error.message() {
                "duplicate key" => format!("`{}` is set twice", text.get(span).unwrap_or("")),
                message => message.replace('\n', "; "),
            };
            Err(Box::new(Problem {
                place: at.place(sources),
                key: String::new(),
                message: format!("not valid TOML: {what}"),
                expected: None,
                nearest: None,
                unset: false,
            }))
        }
    }
}

/// Turns the parser's byte offsets into lines and columns.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    file: usize,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str, file: usize) -> Self {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
            file,
        }
    }

    fn at(&self, offset: usize) -> At {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        At {
            file: self.file,
            line,
            column: before.chars().count() + 1,
        }
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let mut entries: Vec<(usize, Entry)> = table
            .iter()
            .map(|(key, value)| {
                let entry = Entry {
                    key: key.get_ref().to_string(),
                    at: self.at(key.span().start),
                    node: self.node(value.get_ref(), value.span().start),
                };
                (key.span().start, entry)
            })
            .collect();
        // The parser sorts by name.
        entries.sort_by_key(|(start, _)| *start);
        Table {
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    fn node(&self, value: &DeValue<'_>, start: usize) -> Node {
        let value = match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(number) => {
                Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok())
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            DeValue::Datetime(_) => Value::Datetime,
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.node(item.get_ref(), item.span().start))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node {
            at: self.at(start),
            value,
        }
    }
}
