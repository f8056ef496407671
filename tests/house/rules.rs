//! The rules, each a function from one source file to what breaks it. No files are read here, so that each rule can be shown
//! a known-bad text.

use crate::source::{Path, Source};
use crate::table::{self, matches};

/// One broken rule, ready to print.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    pub path: String,
    pub line: usize,
    pub words: String,
}

/// Everything that one file breaks.
pub fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    opens_with_its_paragraph(source, &mut found);
    if is_test_file(&source.path) {
        return found;
    }
    let paths = source.paths();
    layers(source, &paths, &mut found);
    doors(source, &paths, &mut found);
    sizes(source, &mut found);
    printing(source, &mut found);
    if table::is_pure(&source.path) {
        purity(source, &paths, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Everything that a file among the tests breaks.
pub fn check_test(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    opens_with_its_paragraph(source, &mut found);
    for (at, what) in source.code.match_indices("#[ignore") {
        add(source, source.line_of(at), format!("`{what}`"), &mut found);
    }
    if !table::WAITS.iter().any(|(path, _)| *path == source.path) {
        found.extend(waits(source));
    }
    found
}

/// Where a file lets time pass: a sleep of a thread or of the runtime, however it is imported.
pub fn waits(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    for path in source.paths() {
        let [.., clock, sleep] = path.segments.as_slice() else {
            continue;
        };
        let is_sleep = ["sleep", "sleep_until", "sleep_ms"].contains(&sleep.as_str());
        if is_sleep && ["thread", "time"].contains(&clock.as_str()) {
            let words = format!("`{clock}::{sleep}`: wait for an event, or with `until`");
            add(source, path.line, words, &mut found);
        }
    }
    found
}

/// A module that a file declares under `#[cfg(test)]` and keeps in a file of its own.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn opens_with_its_paragraph(source: &Source, found: &mut Vec<Violation>) {
    let first = source.raw.lines().next().unwrap_or("");
    if first
        .strip_prefix("//!")
        .is_none_or(|w| w.trim().is_empty())
    {
        let words = "the file does not open with `//!` and what it is".to_owned();
        add(source, 1, words, found);
    }
}

fn layers(source: &Source, paths: &[Path], found: &mut Vec<Violation>) {
    let from = table::layer_of(&source.path);
    let is_root = source.path == "lib.rs" || source.path == "main.rs";
    if !is_root && from != table::ASIDE && table::height(from).is_none() {
        let words = format!("`{from}` is in no layer of the table in tests/house/table.rs");
        add(source, 1, words, found);
        return;
    }
    for path in paths {
        let Some(inside) = in_crate(&source.path, path) else {
            continue;
        };
        let to = inside.first().map_or("*", String::as_str);
        if let Some(words) = wrong_import(from, to, is_root) {
            add(source, path.line, words, found);
        }
    }
}

/// What is wrong with a layer naming another, if anything is.
fn wrong_import(from: &str, to: &str, is_root: bool) -> Option<String> {
    if to == "*" {
        return Some("a glob import of the crate's root names every layer at once".to_owned());
    }
    if from == to || (is_root && to == "cli") {
        return None;
    }
    if is_root {
        return Some(format!(
            "the program starts `cli` and nothing else, not `{to}`"
        ));
    }
    if from == table::ASIDE {
        if table::COMMON.contains(&to) {
            return None;
        }
        return Some(format!("`servers` stands aside and may not name `{to}`"));
    }
    if to == table::ASIDE {
        let words = format!("`{from}` may not name `servers`; only `cli` starts them");
        return (from != "cli").then_some(words);
    }
    let Some(height) = table::height(to) else {
        return Some(format!("`{to}` is no layer of the table"));
    };
    if table::height(from).is_some_and(|own| own <= height) {
        return Some(format!("`{from}` imports upwards from `{to}`"));
    }
    let strangers = table::STRANGERS.contains(&(from, to));
    strangers.then(|| format!("`{from}` and `{to}` do not know each other"))
}

/// The segments of a path below the crate's root: after `crate`, after the crate's name in `main.rs`, or after as many
/// `super` as lead there. None for a path that stays in its module or names another crate.
fn in_crate<'a>(file: &str, path: &'a Path) -> Option<&'a [String]> {
    let first = path.segments.first()?;
    if first == "crate" || (first == "mcpdeck" && file == "main.rs") {
        return Some(&path.segments[1..]);
    }
    let supers = path.segments.iter().take_while(|s| *s == "super").count();
    let depth = depth_of(file);
    (supers > 0 && supers >= depth).then(|| &path.segments[supers..])
}

/// How many `super` lead from a file's module to the crate's root.
fn depth_of(file: &str) -> usize {
    let parts = file.split('/').count();
    if file.ends_with("/mod.rs") {
        parts - 1
    } else {
        parts
    }
}

fn doors(source: &Source, paths: &[Path], found: &mut Vec<Violation>) {
    for path in paths {
        let Some(name) = path.segments.first() else {
            continue;
        };
        let door = table::DOORS.iter().find(|(of, _)| of == name);
        if let Some((_, behind)) = door
            && !behind.iter().any(|pattern| matches(&source.path, pattern))
        {
            let words = format!("`{name}` may be named only in {}", behind.join(", "));
            add(source, path.line, words, found);
        }
        if table::RUNTIME.contains(&name.as_str()) && table::is_pure(&source.path) {
            let words = format!("`{name}` in a pure file");
            add(source, path.line, words, found);
        }
    }
}

fn purity(source: &Source, paths: &[Path], found: &mut Vec<Violation>) {
    for path in paths {
        let text = path.segments.join("::");
        let banned = |what: &str| text == what || text.starts_with(&format!("{what}::"));
        let tail = |what: &str| text == what || text.ends_with(&format!("::{what}"));
        if table::FORBIDDEN_PATHS.iter().any(|p| banned(p))
            || table::FORBIDDEN_TAILS.iter().any(|p| tail(p))
        {
            add(source, path.line, format!("`{text}` in a pure file"), found);
        }
        if let Some(inside) = in_crate(&source.path, path)
            && let Some(module) = impure_module(inside)
        {
            let words = format!("a pure file names the impure `{module}`");
            add(source, path.line, words, found);
        }
    }
    for what in table::FORBIDDEN_TEXT {
        for (at, _) in source.code.match_indices(what) {
            let words = format!("`{what}` in a pure file");
            add(source, source.line_of(at), words, found);
        }
    }
}

/// The impure layer or module that a path inside the crate leads into, if it does.
fn impure_module(inside: &[String]) -> Option<String> {
    (1..=inside.len())
        .map(|n| inside[..n].join("/"))
        .find(|module| {
            table::IMPURE.iter().any(|(pattern, _)| {
                format!("{module}/") == *pattern || matches(&format!("{module}.rs"), pattern)
            })
        })
        .map(|module| module.replace('/', "::"))
}

fn sizes(source: &Source, found: &mut Vec<Violation>) {
    let lines = source.lines();
    if lines > table::FILE_LINES {
        let words = format!(
            "{lines} lines without tests; at most {}: the file wants to be two",
            table::FILE_LINES
        );
        add(source, 1, words, found);
    }
    for function in source.functions() {
        let most = if function.flat_match {
            table::FLAT_MATCH_LINES
        } else {
            table::FUNCTION_LINES
        };
        if function.lines > most {
            let words = format!(
                "`fn {}` has {} lines; at most {most}",
                function.name, function.lines
            );
            add(source, function.line, words, found);
        }
    }
}

fn printing(source: &Source, found: &mut Vec<Violation>) {
    if source.path == table::PRINTER {
        return;
    }
    for what in table::PRINTING {
        for (at, _) in source.code.match_indices(what) {
            let whole = !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole {
                let words = format!("`{what}` outside {}", table::PRINTER);
                add(source, source.line_of(at), words, found);
            }
        }
    }
}

fn add(source: &Source, line: usize, words: String, found: &mut Vec<Violation>) {
    found.push(Violation {
        path: source.path.clone(),
        line,
        words,
    });
}
