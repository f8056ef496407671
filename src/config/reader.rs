//! Reads one table key by key into typed values, and collects everything that is wrong with it on the way.
//!
//! A wrong value is noted and read as absent, so that one pass finds all problems. Used by `resolve` alone.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::config::environment::Environment;
use crate::config::error::Problem;
use crate::config::expand::{self, ExpandError};
use crate::config::file::{At, Entry, Node, Source, Table, Value};
use crate::text::nearest;

/// What reading needs besides the table.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) sources: &'c [Source],
    pub(super) environment: &'c Environment,
}

impl Context<'_> {
    pub(super) fn problem(&self, at: At, key: &str, message: impl Into<String>) -> Problem {
        Problem {
            place: at.place(self.sources),
            key: key.to_owned(),
            message: message.into(),
            expected: None,
            nearest: None,
            unset: false,
        }
    }

    fn folder(&self, at: At) -> &Path {
        self.sources
            .get(at.file)
            .map_or(&self.environment.cwd, |source| &source.folder)
    }

    /// A path, resolved against the folder of the file that says it.
    pub(super) fn path(&self, text: &str, at: At) -> PathBuf {
        expand::path(text, self.folder(at), self.environment.home.as_deref())
    }

    /// A database URL, its file resolved in the same way.
    pub(super) fn database_url(&self, text: &str, at: At) -> String {
        expand::database_url(text, self.folder(at), self.environment.home.as_deref())
    }
}

/// A value with the place that a later complaint about it would name.
#[derive(Debug, Clone)]
pub(super) struct Read<T> {
    pub(super) at: At,
    pub(super) value: T,
}

/// Reads one table.
pub(super) struct Reader<'c> {
    pub(super) context: Context<'c>,
    pub(super) table: &'c Table,
    /// The table's full name, such as `mcp_servers.files`.
    name: String,
    pub(super) problems: Vec<Problem>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(context: Context<'c>, table: &'c Table, name: impl Into<String>) -> Self {
        Self {
            context,
            table,
            name: name.into(),
            problems: Vec::new(),
        }
    }

    /// The full name of one of its keys.
    pub(super) fn full(&self, key: &str) -> String {
        match (self.name.as_str(), key) {
            ("", key) => key.to_owned(),
            (name, "") => name.to_owned(),
            (name, key) => format!("{name}.{key}"),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    pub(super) fn entry(&self, key: &str) -> Option<&'c Entry> {
        self.table.get(key)
    }

    /// Notes a problem with one of its keys.
    pub(super) fn complain(
        &mut self,
        at: At,
        key: &str,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let mut problem = self.context.problem(at, &self.full(key), message);
        problem.expected = Some(expected.into());
        self.problems.push(problem);
    }

    /// Notes each key that is not among the known ones. `meant` gives names that other programs use for the same thing.
    pub(super) fn only(&mut self, known: &[&str], meant: &[(&str, &'static str)]) {
        for entry in &self.table.entries {
            let key = entry.key.as_str();
            if known.contains(&key) {
                continue;
            }
            let message = format!("unknown key `{key}`");
            let mut problem = self.context.problem(entry.at, &self.name, message);
            problem.expected = Some(one_of(known.iter().copied()));
            let elsewhere = meant.iter().find(|(theirs, _)| *theirs == key);
            problem.nearest = match elsewhere {
                Some((_, ours)) => Some((*ours).to_owned()),
                None => nearest(key, known.iter().copied()).map(str::to_owned),
            };
            self.problems.push(problem);
        }
    }

    fn wrong(&mut self, node: &Node, key: &str, expected: &str) {
        let message = format!("wrong type: {}", node.value.kind());
        self.complain(node.at, key, message, expected);
    }

    /// A string with its variables expanded.
    pub(super) fn string(&mut self, key: &str) -> Option<Read<String>> {
        let entry = self.table.get(key)?;
        self.expanded(&entry.node, key, "a string")
    }

    /// The strings of a key as the file writes them, before anything is expanded; complains about nothing.
    pub(super) fn written(&self, key: &str) -> Vec<String> {
        let text = |node: &Node| match &node.value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        match self.table.get(key).map(|entry| &entry.node) {
            Some(Node {
                value: Value::Array(items),
                ..
            }) => items.iter().filter_map(text).collect(),
            Some(node) => text(node).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// A string as it stands: `$` has no meaning in it.
    pub(super) fn literal(&mut self, key: &str) -> Option<String> {
        let entry = self.table.get(key)?;
        if let Value::String(text) = &entry.node.value {
            return Some(text.clone());
        }
        self.wrong(&entry.node, key, "a string");
        None
    }

    fn expanded(&mut self, node: &Node, key: &str, expected: &str) -> Option<Read<String>> {
        let Value::String(text) = &node.value else {
            self.wrong(node, key, expected);
            return None;
        };
        match expand::expand(text, &self.context.environment.vars) {
            Ok(value) => Some(Read { at: node.at, value }),
            Err(ExpandError::Missing(name)) => {
                self.missing(node.at, key, &name);
                None
            }
            Err(ExpandError::Malformed(piece)) => {
                self.complain(
                    node.at,
                    key,
                    format!("`{piece}` is not a variable"),
                    "`${NAME}` or `${NAME:-default}`; `$${` stands for a literal `${`",
                );
                None
            }
        }
    }

    fn missing(&mut self, at: At, key: &str, name: &str) {
        let set = self.context.environment.vars.keys().map(String::as_str);
        let mut problem = self.context.problem(
            at,
            &self.full(key),
            format!("the environment variable `{name}` is not set"),
        );
        problem.expected = Some(format!(
            "`{name}` in the environment that mcpdeck starts in"
        ));
        problem.nearest = nearest(name, set).map(str::to_owned);
        problem.unset = true;
        self.problems.push(problem);
    }

    /// The text of the variable that this key names, or that `name` is.
    pub(super) fn variable(&mut self, at: At, key: &str, name: &str) -> Option<String> {
        match self.context.environment.vars.get(name) {
            Some(value) if !value.is_empty() => Some(value.clone()),
            _ => {
                self.missing(at, key, name);
                None
            }
        }
    }

    /// An array of strings, each expanded.
    pub(super) fn strings(&mut self, key: &str) -> Option<Vec<Read<String>>> {
        let entry = self.table.get(key)?;
        let Value::Array(items) = &entry.node.value else {
            self.wrong(&entry.node, key, "an array of strings");
            return None;
        };
        let read = items
            .iter()
            .map(|item| self.expanded(item, key, "an array of strings"));
        Some(read.collect::<Vec<_>>().into_iter().flatten().collect())
    }

    /// The same without the places.
    pub(super) fn words(&mut self, key: &str) -> Option<Vec<String>> {
        let read = self.strings(key)?;
        Some(read.into_iter().map(|word| word.value).collect())
    }

    /// An array of folders that servers may be told of; a relative one starts at its file's folder. A project's file may name
    /// none outside its own folder: it must not open the person's others.
    pub(super) fn folders(&mut self, key: &str) -> Option<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for Read { at, value } in self.strings(key)? {
            let path = self.context.path(&value, at);
            let is_trusted = self.context.sources.get(at.file).is_none_or(|s| s.trusted);
            let climbs = path.components().any(|part| part == Component::ParentDir);
            let is_inside = path.starts_with(self.context.folder(at)) && !climbs;
            if !is_trusted && !is_inside {
                let message = format!("`{value}` is not inside the folder of this file");
                self.complain(
                    at,
                    key,
                    message,
                    "a folder of the project; others belong in your own mcp.toml",
                );
            }
            folders.push(path);
        }
        Some(folders)
    }

    /// A table of strings, each expanded.
    pub(super) fn string_map(&mut self, key: &str) -> BTreeMap<String, Read<String>> {
        let Some(entry) = self.table.get(key) else {
            return BTreeMap::new();
        };
        let Value::Table(table) = &entry.node.value else {
            self.wrong(&entry.node, key, "a table of strings");
            return BTreeMap::new();
        };
        let mut out = BTreeMap::new();
        for inner in &table.entries {
            let full = format!("{key}.{}", inner.key);
            if let Some(read) = self.expanded(&inner.node, &full, "a string") {
                out.insert(inner.key.clone(), read);
            }
        }
        out
    }

    /// A boolean.
    pub(super) fn boolean(&mut self, key: &str) -> Option<bool> {
        let entry = self.table.get(key)?;
        let Value::Boolean(truth) = entry.node.value else {
            self.wrong(&entry.node, key, "`true` or `false`");
            return None;
        };
        Some(truth)
    }

    /// A number between two bounds, both included.
    pub(super) fn number(&mut self, key: &str, least: f64, most: f64) -> Option<f64> {
        let entry = self.table.get(key)?;
        let expected = format!("a number from {least} to {most}");
        let number = match entry.node.value {
            #[allow(clippy::cast_precision_loss)] // The bounds are far below 2^53.
            Value::Integer(number) => number.map_or(f64::NAN, |number| number as f64),
            Value::Float(number) => number,
            _ => {
                self.wrong(&entry.node, key, &expected);
                return None;
            }
        };
        if (least..=most).contains(&number) {
            return Some(number);
        }
        self.complain(entry.node.at, key, "out of range", expected);
        None
    }

    /// A whole number of at least one.
    pub(super) fn whole(&mut self, key: &str) -> Option<u32> {
        let entry = self.table.get(key)?;
        let expected = "a whole number from 1 to 4294967295";
        let Value::Integer(number) = entry.node.value else {
            self.wrong(&entry.node, key, expected);
            return None;
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number > 0 => Some(number),
            _ => {
                self.complain(entry.node.at, key, "out of range", expected);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let expected = one_of(choices.iter().map(|(word, _)| *word));
        let entry = self.table.get(key)?;
        let word = self.expanded(&entry.node, key, &expected)?;
        let found = choices.iter().find(|(name, _)| *name == word.value);
        if let Some((_, choice)) = found {
            return Some(*choice);
        }
        self.complain(
            word.at,
            key,
            format!("unknown value `{}`", word.value),
            expected,
        );
        if let Some(problem) = self.problems.last_mut() {
            let names = choices.iter().map(|(name, _)| *name);
            problem.nearest = nearest(&word.value, names).map(str::to_owned);
        }
        None
    }

    /// A table inside this one, or its complaint.
    pub(super) fn inner(&mut self, key: &str) -> Option<&'c Table> {
        let entry = self.table.get(key)?;
        if let Value::Table(table) = &entry.node.value {
            return Some(table);
        }
        self.wrong(&entry.node, key, "a table");
        None
    }
}

/// "one of `a`, `b`", or "`a`" alone.
pub(super) fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [only] => only.clone(),
        all => format!("one of {}", all.join(", ")),
    }
}
