//! What came of the files, in words and as JSON. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::test::judge::Failure;
use crate::text::clean;
use crate::text::human::{self, plural};

/// What came of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The file as it is shown.
    pub file: String,
    /// The server.
    pub server: String,
    /// Why the server is not there; then no case was run.
    pub broken: Option<String>,
    /// The cases.
    pub cases: Vec<Judged>,
    /// How long all of it took.
    pub took: Duration,
}

/// What came of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// The verdict on a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// All is as expected.
    Passed,
    /// Something is not.
    Failed(Vec<Failure>),
    /// It was not run, and this is why.
    Skipped(String),
    /// It could not be run, because there is no server.
    Broken,
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Skipped.
    pub skipped: usize,
    /// Could not be run.
    pub broken: usize,
}

impl Totals {
    /// Counts.
    pub fn of(reports: &[Report]) -> Self {
        let mut totals = Self::default();
        for case in reports.iter().flat_map(|report| &report.cases) {
            *match case.verdict {
                Verdict::Passed => &mut totals.passed,
                Verdict::Failed(_) => &mut totals.failed,
                Verdict::Skipped(_) => &mut totals.skipped,
                Verdict::Broken => &mut totals.broken,
            } += 1;
        }
        totals
    }

    /// All of them.
    pub fn all(&self) -> usize {
        self.passed + self.failed + self.skipped + self.broken
    }

    /// The last line.
    pub fn words(&self, files: usize) -> String {
        let mut parts = vec![format!("{} passed", self.passed)];
        let more = [
            (self.failed, "failed"),
            (self.skipped, "skipped"),
            (self.broken, "not run for want of the server"),
        ];
        for (count, what) in more {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        let (cases, files) = (plural(self.all(), "case"), plural(files, "file"));
        format!("{cases} in {files}: {}", parts.join(", "))
    }
}

/// A case in a line, and the failures below it.
pub fn words(case: &Judged) -> String {
    let name = clean::line(&case.name);
    let took = human::duration(case.took);
    match &case.verdict {
        Verdict::Passed => format!("  ok    {name} ({took})"),
        Verdict::Skipped(why) => format!("  skip  {name}: {}", clean::line(why)),
        Verdict::Broken => format!("  --    {name}"),
        Verdict::Failed(failures) => {
            let mut text = format!("  FAIL  {name} ({took})");
            for failure in failures {
                text.push_str(&format!(
                    "\n          expected  {}",
                    hung(&failure.expected)
                ));
                text.push_str(&format!("\n          came      {}", hung(&failure.came)));
            }
            text
        }
    }
}

/// Several lines under one another, cleaned.
fn hung(text: &str) -> String {
    let text = clean::block(text);
    text.trim_end().replace('\n', "\n                    ")
}

/// All of it as one document.
pub fn json(reports: &[Report], totals: &Totals) -> Value {
    let case = |case: &Judged| {
        let (status, failures, reason) = match &case.verdict {
            Verdict::Passed => ("passed", None, None),
            Verdict::Failed(failures) => ("failed", Some(failures), None),
            Verdict::Skipped(why) => ("skipped", None, Some(why)),
            Verdict::Broken => ("not_run", None, None),
        };
        let mut document = json!({
            "name": case.name,
            "status": status,
            "duration_ms": u64::try_from(case.took.as_millis()).unwrap_or(u64::MAX),
        });
        if let Some(failures) = failures {
            document["failures"] = json!(failures);
        }
        if let Some(reason) = reason {
            document["reason"] = json!(reason);
        }
        document
    };
    let report = |report: &Report| {
        let cases: Vec<Value> = report.cases.iter().map(case).collect();
        json!({
            "file": report.file,
            "server": report.server,
            "error": report.broken,
            "cases": cases,
        })
    };
    json!({
        "passed": totals.passed,
        "failed": totals.failed,
        "skipped": totals.skipped,
        "not_run": totals.broken,
        "files": reports.iter().map(report).collect::<Vec<_>>(),
    })
}
