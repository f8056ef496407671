//! Globs on names and paths, the same for every tool that takes one. Pure.

use std::path::Path;

use globset::{GlobBuilder, GlobSet};

use crate::servers::filesystem::names::{composed, shown_path};
use crate::servers::toolbox::Refusal;

/// Bytes of a glob; a path has no more.
const MAX_LENGTH: usize = 4096;

/// A glob that fits the name alone or, when it contains a slash, the path below the folder searched.
pub struct Glob {
    matcher: GlobSet,
    by_name: bool,
}

impl Glob {
    /// The glob that the argument `field` gives.
    ///
    /// # Errors
    /// It is none.
    pub fn new(field: &str, pattern: &str) -> Result<Self, Refusal> {
        let pattern = composed(pattern.trim_start_matches("./"));
        let wrong = |why: String| Refusal(format!("`{field}`: `{pattern}` is no glob: {why}."));
        if pattern.len() > MAX_LENGTH {
            return Err(Refusal(format!(
                "`{field}` has more than {MAX_LENGTH} bytes, which is no sensible glob."
            )));
        }
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
        let glob = glob.map_err(|error| wrong(error.kind().to_string()))?;
        // A set of one: a single matcher panics where its expression turns out too large or too deep.
        let set = GlobSet::builder().add(glob).build();
        Ok(Self {
            matcher: set.map_err(|_| wrong("it nests too deep".to_owned()))?,
            by_name: !pattern.contains('/'),
        })
    }

    /// All that `excludePatterns` gives.
    ///
    /// # Errors
    /// One is none.
    pub fn excluding(patterns: &[String]) -> Result<Vec<Self>, Refusal> {
        let each = patterns.iter().map(|p| Self::new("excludePatterns", p));
        each.collect()
    }

    /// Whether a path below the folder searched fits.
    pub fn fits(&self, below: &Path) -> bool {
        let path = composed(&shown_path(below));
        let name = path.rsplit('/').next().unwrap_or(&path);
        self.matcher
            .is_match(if self.by_name { name } else { &path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        Glob::new("pattern", pattern).unwrap().fits(Path::new(path))
    }

    #[test]
    fn a_pattern_without_a_slash_fits_at_any_depth() {
        assert!(fits("*.py", "a.py"));
        assert!(fits("*.py", "src/deep/a.py"));
        assert!(!fits("*.py", "src/a.pyc"));
        assert!(fits("*", ".hidden"));
    }

    #[test]
    fn a_pattern_with_a_slash_is_taken_from_the_folder() {
        assert!(fits("src/*.py", "src/a.py"));
        assert!(!fits("src/*.py", "src/deep/a.py"));
        assert!(fits("**/*.py", "src/deep/a.py"));
        assert!(fits("**/*.py", "a.py"));
        assert!(fits("./src/**", "src/deep/a.py"));
    }

    #[test]
    fn both_unicode_forms_fit() {
        assert!(fits("b\u{e1}o*", "ba\u{301}o c\u{e1}o.md"));
    }

    #[test]
    fn a_broken_glob_is_named() {
        let broken = Glob::new("pattern", "[a");
        assert!(broken.is_err_and(|e| e.0.contains("[a") && e.0.contains("`pattern`")));
        let deep = "{".repeat(1000) + "a" + &"}".repeat(1000);
        assert!(Glob::new("pattern", &deep).is_err_and(|e| e.0.contains("too deep")));
        assert!(Glob::new("pattern", &"*".repeat(5000)).is_err());
    }
}
