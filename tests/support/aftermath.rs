//! What must hold after any fault, for every suite of faults: nothing of the program is left running or lying about, its memory
//! stays within what was promised, and no text of others acts on a terminal.
//!
//! Each check gives complaints in words instead of failing, so that one run shows all that is wrong with a whole table.

// Each test binary uses a part of this.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a fault may cost beyond the same run without it, in kB.
pub const MOST_MEMORY: u64 = 64 * 1024;

/// The first character that a terminal would act on, or that hides.
pub fn harmful(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(*c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
            || matches!(*c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
    })
}

/// What is wrong with a text that came out of the program.
pub fn text(what: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(c) = harmful(text) {
        let at = text.find(c).unwrap_or(0);
        let near: String = text[at..].chars().take(40).collect();
        wrong.push(format!("{what} holds {c:?}: {near:?}"));
    }
    for words in ["panicked at", "stack backtrace", "has overflowed its stack"] {
        if text.contains(words) {
            wrong.push(format!("{what} says {words:?}: {}", tail(text)));
        }
    }
    wrong
}

/// The last of a long text.
pub fn tail(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(600);
    text.chars().skip(skipped).collect()
}

/// The processes that belong to a home: by their environment, or by the folder that they stand in. Nothing where there is no
/// `/proc`.
pub fn processes(home: &Path) -> Vec<(u32, String)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let home = home.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let told = String::from_utf8_lossy(&read("environ")).contains(&home);
        let stands =
            fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&home));
        if told || stands {
            let command = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
            found.push((pid, command));
        }
    }
    found
}

/// Every file below a folder, by its path inside it.
pub fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            } else if let Ok(inside) = path.strip_prefix(root) {
                found.insert(inside.to_path_buf());
            }
        }
    }
    found
}

/// What a run has left behind that no later run will want: anything in the folder for temporary files, halves of files that were
/// being written, and anything new in the folder that it was started in.
pub fn litter(home: &Path, before: &BTreeSet<PathBuf>) -> Vec<String> {
    let is_litter = |path: &&PathBuf| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let half = name.starts_with(".tmp") || name.ends_with(".tmp") || name.ends_with(".new");
        half || path.starts_with("tmp") || path.starts_with("work")
    };
    let now = files(home);
    let new = now.difference(before).filter(is_litter);
    new.map(|path| format!("{} is left behind", path.display()))
        .collect()
}

/// A figure of a living process, in kB: `VmHWM`, `VmRSS`.
pub fn memory(pid: u32, figure: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure))?;
    line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().ok()
}

/// How many descriptors a living process holds.
pub fn descriptors(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}
