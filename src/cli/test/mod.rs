//! `mcpdeck test FILE.toml...`: calls with expected results, for the continuous integration of a server's author.
//!
//! `config::cases` reads the files, `run` does what the cases say, `judge` (pure) compares, `report` and `junit` (pure) write it
//! down. All files are read before the first server is started, so that a slip in the last one costs nothing.

mod came;
mod judge;
mod junit;
mod prepare;
mod report;
mod run;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::replies::ReplyArgs;
use crate::cli::{output, setup};
use report::{Report, Totals};

/// What a script can tell from the end of a run.
pub const EXIT_CODES: &str = "Exit codes: 0 all cases passed, 1 a case failed, 2 usage or a bad file, 3 a server could not be started, 130 interrupted";

/// `mcpdeck test ...`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The test files
    #[arg(value_name = "FILE.toml", required = true)]
    pub files: Vec<PathBuf>,
    /// Run only the cases with this in their names, in any case of letters
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Write the outcome to this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// What is answered to the servers.
    #[command(flatten)]
    pub replies: ReplyArgs,
}

/// Reads the files, runs their cases one after the other, and reports.
pub fn run(args: &TestArgs, global: &Global) -> Result<ExitCode, CliError> {
    if global.record.is_some() && args.files.len() > 1 {
        let what = "--record keeps one session, and each test file is one";
        return Err(CliError::new(ErrorKind::Usage, what).hint("record one file at a time"));
    }
    let jobs = prepare::jobs(args, global)?;
    let junit = args.junit.as_deref();
    // Now, and not after the last case: a path that is wrong costs nothing, and what an earlier run has left tells of no other.
    let junit = junit.map(|file| {
        Ok((
            file,
            File::create(file).map_err(|error| no_junit(file, &error))?,
        ))
    });
    let junit = junit.transpose()?;
    let reports = setup::block_on(async {
        let mut reports = Vec::new();
        for job in jobs {
            let report = run::suite(job, args, global).await?;
            reports.push(report);
        }
        Ok(reports)
    });
    if let (Err(_), Some((file, _))) = (&reports, &junit) {
        forget(file);
    }
    let reports = reports?;
    let totals = Totals::of(&reports);
    if args.json {
        output::json(&report::json(&reports, &totals));
    } else {
        output::lines(&totals.words(reports.len()));
    }
    if let Some((file, mut out)) = junit {
        let written = out.write_all(junit::xml(&reports).as_bytes());
        written.map_err(|error| no_junit(file, &error))?;
    }
    Ok(ExitCode::from(code(&reports, &totals)))
}

/// A run that ended early leaves no report: an empty one is read as a broken one. A device or a link that was named as the file stays.
fn forget(file: &Path) {
    if fs::symlink_metadata(file).is_ok_and(|it| it.is_file()) {
        // What cannot be removed is empty.
        let _gone = fs::remove_file(file);
    }
}

fn code(reports: &[Report], totals: &Totals) -> u8 {
    if reports.iter().any(|report| report.broken.is_some()) {
        return ErrorKind::Server.code();
    }
    match totals.failed {
        0 => 0,
        _ => ErrorKind::Tool.code(),
    }
}

fn no_junit(file: &Path, error: &io::Error) -> CliError {
    let what = format!("cannot write {}: {error}", file.display());
    CliError::new(ErrorKind::Usage, what)
        .hint("give --junit a file in a folder that exists and can be written to")
}
