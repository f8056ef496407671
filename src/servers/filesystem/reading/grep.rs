//! `search_file_contents`: lines that fit a regular expression, in a file or in all files below a folder.
//!
//! `walk` goes through the folders beneath the root's handle, `rules` says what .gitignore and .ignore leave out, `lines` looks
//! through one file. The expression runs in linear time (`regex`); matches, bytes, time and the answer are bounded.

mod lines;
mod rules;
mod text;
mod walk;

use std::path::Path;
use std::time::{Duration, Instant};

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::servers::filesystem::Files;
use crate::servers::filesystem::reading::glob::Glob;
use crate::servers::toolbox::{Answer, Refusal};

use lines::Budget;
use walk::Walk;

/// Matching lines in an answer, unless the client wants another number.
const RESULTS: usize = 200;

/// Bytes that are looked through.
const MAX_SEARCHED: u64 = 1024 * 1024 * 1024;

/// Bytes of lines in an answer.
const MAX_SHOWN: usize = 256 * 1024;

/// How long a search may take.
const MAX_TIME: Duration = Duration::from_secs(20);

/// How large a compiled expression may be; more would only slow down each line.
const MAX_REGEX: usize = 512 * 1024;

/// Arguments of `search_file_contents`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrepArgs {
    /// A regular expression, matched line by line (no look-around, no back references).
    pattern: String,
    /// The folder to search, or a single file; all by default.
    #[serde(default = "everything")]
    path: String,
    /// Only files whose name fits this glob, such as `*.rs` or `src/**/*.py`.
    glob: Option<String>,
    /// Globs of what to leave out.
    #[serde(default, rename = "excludePatterns")]
    exclude_patterns: Vec<String>,
    /// Takes the pattern letter by letter instead of as an expression.
    #[serde(default)]
    literal: bool,
    /// Capital and small letters are the same.
    #[serde(default)]
    ignore_case: bool,
    /// Lines to show before and after each match.
    #[serde(default)]
    #[schemars(range(max = 10))]
    context: usize,
    /// Also searches files and folders whose name begins with a dot.
    #[serde(default)]
    hidden: bool,
    /// Also searches what .gitignore and .ignore leave out.
    #[serde(default)]
    no_ignore: bool,
    /// How many matching lines to show at most; 200 by default.
    #[serde(default = "results")]
    #[schemars(range(min = 1, max = 1000))]
    max_results: usize,
}

fn everything() -> String {
    ".".to_owned()
}

fn results() -> usize {
    RESULTS
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The folder or file searched.
    path: String,
    /// Matching lines, by file and line.
    matches: Vec<Match>,
    /// Files that hold one of them.
    files_with_matches: usize,
    /// Files that were looked through.
    files_searched: usize,
    /// Files that hold no text and were passed over.
    binary_files: usize,
    /// Files and folders that .gitignore or .ignore leave out.
    ignored: usize,
    /// Files and folders passed over because their name begins with a dot.
    hidden: usize,
    /// Files and folders that could not be read.
    unreadable: usize,
    /// Whether a limit ended the search early.
    truncated: bool,
    /// Which limit that was.
    stopped_by: Option<&'static str>,
}

/// One matching line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Match {
    /// The file.
    path: String,
    /// The number of the line; the first is 1.
    line: u64,
    /// The byte of the line at which the match begins; the first is 1.
    column: usize,
    /// The line, cut around the match where it is very long.
    text: String,
    /// The lines before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    /// The lines after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
}

/// `search_file_contents`
pub fn search_file_contents(
    files: &Files,
    args: GrepArgs,
    stop: &CancellationToken,
) -> Result<Answer<Found>, Refusal> {
    let regex = args.regex()?;
    let place = files.roots.find(&args.path)?;
    let glob = args.glob.as_deref().map(|glob| Glob::new("glob", glob));
    let mut walk = Walk {
        place: &place,
        regex,
        context: args.context,
        glob: glob.transpose()?,
        except: Glob::excluding(&args.exclude_patterns)?,
        hidden: args.hidden,
        rules: (!args.no_ignore).then(rules::Rules::default),
        budget: args.budget(stop),
        found: Found::nothing(place.shown()),
        visited: 0,
    };
    let meta = place.root.dir.metadata(place.way());
    if meta
        .map_err(|error| place.failure("search", &error))?
        .is_dir()
    {
        walk.begin(&place.open_dir("search")?);
    } else {
        let (file, _meta) = place.open()?;
        walk.file(file.into_std(), Path::new(""));
    }
    if stop.is_cancelled() {
        return Err(Refusal::new("The call was cancelled."));
    }
    let Walk {
        mut found, budget, ..
    } = walk;
    found.stopped_by = budget.spent().or(found.stopped_by);
    found.truncated = found.stopped_by.is_some();
    let text = found.text(&args.pattern);
    Ok(Answer::new(found, text))
}

impl GrepArgs {
    fn budget<'s>(&self, stop: &'s CancellationToken) -> Budget<'s> {
        let deadline = Instant::now() + MAX_TIME;
        Budget::new(stop, deadline, MAX_SEARCHED, self.max_results, MAX_SHOWN)
    }

    fn regex(&self) -> Result<Regex, Refusal> {
        let pattern = if self.literal {
            regex::escape(&self.pattern)
        } else {
            self.pattern.clone()
        };
        if pattern.is_empty() {
            return Err(Refusal::new("`pattern` is empty, which fits every line."));
        }
        let regex = RegexBuilder::new(&pattern)
            .case_insensitive(self.ignore_case)
            .size_limit(MAX_REGEX)
            .dfa_size_limit(8 * MAX_REGEX)
            .build();
        regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => Refusal::new(
                "`pattern` is too large once compiled. Take smaller repetition counts, or `(?-u)` for ASCII classes.",
            ),
            other => Refusal(format!(
                "`pattern` is no regular expression: {other}. With `literal` it is taken letter by letter."
            )),
        })
    }
}

impl Found {
    fn nothing(path: String) -> Self {
        Self {
            path,
            matches: Vec::new(),
            files_with_matches: 0,
            files_searched: 0,
            binary_files: 0,
            ignored: 0,
            hidden: 0,
            unreadable: 0,
            truncated: false,
            stopped_by: None,
        }
    }
}
