//! `${VAR}` and `~` in values, and relative paths. Pure: the variables are an argument.
//!
//! The rules: `${VAR}` is the variable's text, `${VAR:-text}` is `text` where the variable is unset or empty, `$${` stands for
//! a literal `${`, and any other `$` is itself. What a variable holds is not expanded again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why a value cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpandError {
    /// The variable is not set, and there is no default.
    Missing(String),
    /// `${` without its `}`, or without a name between them.
    Malformed(String),
}

/// Expands the variables of one value.
pub fn expand(text: &str, vars: &BTreeMap<String, String>) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let before = &rest[..at];
        let after = &rest[at + 2..];
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some(end) = after.find('}') else {
            return Err(ExpandError::Malformed(rest[at..].to_owned()));
        };
        let (name, default) = match after[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&after[..end], None),
        };
        if !is_variable(name) {
            return Err(ExpandError::Malformed(rest[at..at + end + 3].to_owned()));
        }
        match (vars.get(name), default) {
            (Some(value), None) => out.push_str(value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => return Err(ExpandError::Missing(name.to_owned())),
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Whether a name may stand between `${` and `}`.
pub fn is_variable(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    // Windows has names such as `ProgramFiles(x86)`.
    let plain = |c: char| c.is_ascii_alphanumeric() || "_()".contains(c);
    starts && name.chars().all(plain)
}

/// A path as its file means it: `~` is the home folder, and what is relative starts at the file's folder.
pub fn path(text: &str, folder: &Path, home: Option<&Path>) -> PathBuf {
    let from_home = match text.strip_prefix('~') {
        Some("") => home.map(Path::to_path_buf),
        Some(rest) => rest
            .strip_prefix(std::path::is_separator)
            .and_then(|rest| home.map(|home| home.join(rest))),
        None => None,
    };
    tidy(&from_home.unwrap_or_else(|| folder.join(text)))
}

/// Takes the `.` steps out; `..` stays, because a link may stand before it.
fn tidy(path: &Path) -> PathBuf {
    path.components().collect()
}

/// An SQLite URL or path with its file resolved as [`path`] does; other schemes are left alone for the server to judge.
pub fn database_url(text: &str, folder: &Path, home: Option<&Path>) -> String {
    let (scheme, rest) = match text.strip_prefix("sqlite:") {
        Some(rest) => ("sqlite:", rest.strip_prefix("//").unwrap_or(rest)),
        None if text.contains("://") || text == ":memory:" => return text.to_owned(),
        None => ("", text),
    };
    let (file, query) = match rest.find('?') {
        Some(at) if !scheme.is_empty() => rest.split_at(at),
        _ => (rest, ""),
    };
    if file.is_empty() || file == ":memory:" {
        return text.to_owned();
    }
    let file = path(file, folder, home);
    format!("{scheme}{}{query}", file.display())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::{ExpandError, database_url, expand, path};

    fn vars() -> BTreeMap<String, String> {
        [("A", "one"), ("EMPTY", ""), ("LOOP", "${A}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn variables_expand_once() {
        for (text, expanded) in [
            ("x${A}y${A}", "xoney".to_owned() + "one"),
            ("${NONE:-two}", "two".to_owned()),
            ("${EMPTY:-two}", "two".to_owned()),
            ("${EMPTY}", String::new()),
            ("${LOOP}", "${A}".to_owned()),
            ("$A $$ $${A} a$", "$A $$ ${A} a$".to_owned()),
        ] {
            assert_eq!(expand(text, &vars()), Ok(expanded), "{text}");
        }
    }

    #[test]
    fn what_cannot_expand_is_named() {
        let missing = ExpandError::Missing("NONE".to_owned());
        assert_eq!(expand("a${NONE}", &vars()), Err(missing));
        for text in ["${A", "${}", "${A B}", "${env:A}"] {
            let malformed = ExpandError::Malformed(text.to_owned());
            assert_eq!(expand(text, &vars()), Err(malformed));
        }
    }

    #[test]
    #[cfg(unix)]
    fn paths_start_at_the_files_folder() {
        let (folder, home) = (Path::new("/work/shop"), Some(Path::new("/home/ana")));
        for (text, full) in [
            (".", "/work/shop"),
            ("./docs", "/work/shop/docs"),
            ("~", "/home/ana"),
            ("~/notes", "/home/ana/notes"),
            ("~bob", "/work/shop/~bob"),
            ("/etc", "/etc"),
        ] {
            assert_eq!(path(text, folder, home), PathBuf::from(full), "{text}");
        }
        for (text, full) in [
            ("sqlite:shop.db", "sqlite:/work/shop/shop.db"),
            (
                "sqlite://shop.db?mode=ro",
                "sqlite:/work/shop/shop.db?mode=ro",
            ),
            ("sqlite:///var/shop.db", "sqlite:/var/shop.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("~/shop.db", "/home/ana/shop.db"),
            ("postgres://host/db", "postgres://host/db"),
        ] {
            assert_eq!(database_url(text, folder, home), full, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_without_variables_is_left_alone(text in "[^{]{0,40}") {
            prop_assert_eq!(expand(&text, &BTreeMap::new()), Ok(text));
        }

        #[test]
        fn escaping_undoes_expanding(text in "\\PC{0,40}|[${}A:-]{0,20}") {
            let escaped = text.replace("${", "$${");
            prop_assert_eq!(expand(&escaped, &BTreeMap::new()), Ok(text));
        }
    }
}
