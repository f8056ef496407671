//! The text beside what a search found: `file:line: text`, as everybody knows it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::servers::filesystem::reading::grep::{Found, Match};

impl Found {
    /// The matches in words, and what was passed over.
    pub fn text(&self, pattern: &str) -> String {
        let mut text = String::new();
        for matches in self.matches.chunk_by(|a, b| a.path == b.path) {
            file(matches, &mut text);
        }
        if self.matches.is_empty() {
            let _infallible = writeln!(
                text,
                "No line in `{}` fits `{pattern}` ({} files searched).",
                self.path, self.files_searched
            );
        }
        let passed = [
            (self.binary_files, "binary files"),
            (self.ignored, "left out by .gitignore or .ignore"),
            (self.hidden, "hidden"),
            (self.unreadable, "unreadable"),
        ];
        let passed = passed.into_iter().filter(|(count, _)| *count > 0);
        let passed: Vec<String> = passed.map(|(n, what)| format!("{n} {what}")).collect();
        if !passed.is_empty() && (self.matches.is_empty() || self.truncated) {
            let _infallible = writeln!(text, "(passed over: {})", passed.join(", "));
        }
        if let Some(limit) = self.stopped_by {
            let _infallible = writeln!(
                text,
                "(stopped early by the limit on {limit}: there may be more. Narrow the path, the glob or the pattern.)"
            );
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// The lines of one file; where matches are near each other, each line once.
fn file(matches: &[Match], text: &mut String) {
    let mut lines: BTreeMap<u64, (bool, &str)> = BTreeMap::new();
    for found in matches {
        let first = found.line.saturating_sub(found.before.len() as u64);
        for (number, line) in (first..).zip(&found.before) {
            lines.entry(number).or_insert((false, line));
        }
        lines.insert(found.line, (true, &found.text));
        for (number, line) in (found.line + 1..).zip(&found.after) {
            lines.entry(number).or_insert((false, line));
        }
    }
    let around = matches
        .iter()
        .any(|m| !m.before.is_empty() || !m.after.is_empty());
    let mut last = None;
    for (number, (fits, line)) in lines {
        if around && last.is_some_and(|last: u64| last + 1 < number) {
            text.push_str("--\n");
        }
        last = Some(number);
        let path = matches.first().map_or("", |found| &found.path);
        let sign = if fits { ':' } else { '-' };
        let _infallible = writeln!(text, "{path}{sign}{number}{sign} {line}");
    }
}
