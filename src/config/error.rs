//! What is wrong with a configuration: file, line, key, what was expected, and the name that was probably meant.
//!
//! A [`Problem`] is one such finding. Those of a server's table end in its `BrokenServer`, all others in a [`ConfigError`], which
//! then names those of the servers too.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it is shown: relative where it lies below the working directory.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where; nothing for a flag or a variable.
    pub place: Option<Place>,
    /// The table or key, such as `mcp_servers.files.args`; empty for the file as a whole.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
    /// The known name that was probably meant.
    pub nearest: Option<String>,
    /// Whether it is a variable that is not set, which harms nothing where the value is not used.
    pub unset: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected {expected}")?;
        }
        if let Some(nearest) = &self.nearest {
            write!(f, "\n  did you mean `{nearest}`?")?;
        }
        Ok(())
    }
}

/// Why there is no configuration at all.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file that was asked for, or that exists, cannot be read.
    #[error("cannot read the configuration file `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something is wrong outside any server's table: all that is, and what is wrong inside those tables besides.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

/// Puts problems into the order in which a person meets them in the file.
pub(crate) fn sort(problems: &mut [Problem]) {
    let key = |problem: &Problem| {
        let place = problem.place.as_ref();
        place.map(|place| (place.file.clone(), place.line, place.column))
    };
    problems.sort_by_key(key);
}

/// Several problems, one after the other.
pub(crate) fn lines(problems: &[Problem]) -> String {
    let all: Vec<String> = problems.iter().map(Problem::to_string).collect();
    all.join("\n")
}
