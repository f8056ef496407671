//! `mcpdeck audit show | verify | head | export`: the record of calls, whether it is whole, and where it ends.
//!
//! Without a file it is the person's own record, of the calls that mcpdeck made; with one that of a served server, or a copy.

mod show;

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use crate::chain::{self as audit, Broken, Head, Report, Walk};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output;
use crate::cli::setup;

/// `mcpdeck audit ...`
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: AuditCommand,
}

/// What there is to do with a record.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Find any changed, removed, reordered, inserted or missing line; exit code 1 when there is one
    Verify {
        /// The record; its older files FILE.1, FILE.2 ... are found beside it. Or all files, oldest first. Without one: your own
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// A line that must be in it, as `audit head` printed it before; repeatable
        #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
        expect_head: Vec<Head>,
        /// The first files are elsewhere: begin with the first line that is here
        #[arg(long)]
        partial: bool,
    },
    /// Print the number and hash of the last line, to keep where nobody who can change the record can change it
    Head {
        /// The record; without one your own
        file: Option<PathBuf>,
    },
    /// Show the calls that mcpdeck made: when, which, who decided and why, what came of them
    Show {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// Print the lines as they are recorded
        #[arg(long)]
        json: bool,
    },
    /// Print the whole record for another program, once it is verified
    Export {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// As comma-separated values, which is the default
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
}

/// Which calls.
#[derive(Debug, Args)]
pub struct Which {
    /// Of this server
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// With this number, as the time line of a call names it; each run counts from 1, and the newest is the last
    #[arg(long, value_name = "N")]
    call: Option<u64>,
    /// Of this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Since then: 30m, 12h, 7d, or a day such as 2026-01-31
    #[arg(long, value_name = "WHEN", value_parser = show::since)]
    since: Option<DateTime<Utc>>,
}

/// How often a record that is being written is read again until its head holds still.
const TRIES: usize = 5;

/// Runs the subcommand.
pub fn run(args: &AuditArgs) -> Result<ExitCode, CliError> {
    match &args.what {
        AuditCommand::Verify {
            files,
            expect_head,
            partial,
        } => verify(files, expect_head, *partial),
        AuditCommand::Show { which, json } => show::show(which, *json),
        AuditCommand::Export { which, json, .. } => show::export(which, *json),
        AuditCommand::Head { file } => {
            let file = &file.clone().unwrap_or_else(setup::audit_file);
            let head = beside(file)?.filter(|head| head.seq.is_some());
            let Some(head) = head else {
                let message = format!("`{}` has no head beside it", file.display());
                return Err(CliError::new(ErrorKind::Usage, message));
            };
            output::data(&format!("{}\n", head.text()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn head(text: &str) -> Result<Head, String> {
    Head::parse(text).ok_or_else(|| "write it as `mcpdeck audit head` prints it".to_owned())
}

fn beside(file: &Path) -> Result<Option<Head>, CliError> {
    audit::head(file).map_err(|e| unreadable(&audit::beside(file, "head"), &e))
}

fn verify(given: &[PathBuf], expected: &[Head], partial: bool) -> Result<ExitCode, CliError> {
    let own = setup::audit_file();
    if given.is_empty() && !own.exists() {
        output::data("there is no record yet: no call has been made\n");
        return Ok(ExitCode::SUCCESS);
    }
    let (report, files) = checked(given, &own, expected, partial)?;
    output::data(&words(&report, files.len()));
    Ok(ExitCode::SUCCESS)
}

/// Walks through a record to its end; gives its files, oldest first.
fn checked(
    given: &[PathBuf],
    own: &PathBuf,
    expected: &[Head],
    partial: bool,
) -> Result<(Report, Vec<PathBuf>), CliError> {
    let last = given.last().unwrap_or(own);
    let mut outcome = Err(missing_head(last));
    let mut files = Vec::new();
    for _ in 0..TRIES {
        files = match given {
            [] | [_] => with_older(last)?,
            all => all.to_vec(),
        };
        let before = beside(last)?;
        outcome = walk(&files, expected, partial)?
            .and_then(|report| ends(report, &before, expected, last));
        // A record that is being written has moved on meanwhile.
        if outcome.is_ok() || beside(last)? == before {
            break;
        }
    }
    match outcome {
        Ok(report) => Ok((report, files)),
        Err(broken) => {
            let file = files.get(broken.file).unwrap_or(last).display().to_string();
            let place = match broken.line {
                0 => format!("`{file}`"),
                line => format!("`{file}`, line {line}"),
            };
            Err(CliError::new(
                ErrorKind::Tool,
                format!("the record is not whole: {place}: {}", broken.why),
            ))
        }
    }
}

/// The files of a record, oldest first.
fn with_older(last: &Path) -> Result<Vec<PathBuf>, CliError> {
    let older = audit::older(last).map_err(|e| unreadable(last, &e))?;
    let older = older.into_iter().map(|(_, path)| path);
    Ok(older.chain([last.to_owned()]).collect())
}

fn walk(
    files: &[PathBuf],
    expected: &[Head],
    partial: bool,
) -> Result<Result<Report, Broken>, CliError> {
    let mut walk = Walk::new(expected.to_vec());
    if partial {
        walk = walk.partial();
    }
    for path in files {
        let file = File::open(path).map_err(|e| unreadable(path, &e))?;
        if let Err(broken) = walk.file(&mut BufReader::new(file)) {
            return Ok(Err(broken));
        }
    }
    Ok(walk.end())
}

/// The end of the lines must be where the head says; without a head, only an expected one can vouch for it.
fn ends(
    report: Report,
    head: &Option<Head>,
    expected: &[Head],
    file: &Path,
) -> Result<Report, Broken> {
    let at = |why: &str| Broken {
        file: usize::MAX,
        line: 0,
        why: why.to_owned(),
    };
    match head {
        Some(head) if *head == report.head => Ok(report),
        Some(head) if head.seq < report.head.seq => Err(at(
            "it has lines after its head: they were added, or the process ended before it wrote the head",
        )),
        Some(_) => Err(at(
            "its last lines are missing, or are others than the head says",
        )),
        None if expected.contains(&report.head) => Ok(report),
        None => Err(missing_head(file)),
    }
}

fn missing_head(file: &Path) -> Broken {
    let head = audit::beside(file, "head");
    Broken {
        file: usize::MAX,
        line: 0,
        why: format!(
            "there is no `{}`, so nobody can tell whether its end is missing; give the last line with --expect-head",
            head.display()
        ),
    }
}

fn words(report: &Report, files: usize) -> String {
    let mut text = format!("whole: {} lines in {files} files\n", report.lines);
    let _ = writeln!(text, "head: {}", report.head.text());
    for (count, what) in [
        (
            report.open.len() as u64,
            "calls without an end: the process ended first, or they still run",
        ),
        (
            report.torn,
            "lines torn by the end of a process, as its next start noted",
        ),
        (
            report.behind,
            "starts that found more lines than the head said, as they noted",
        ),
    ] {
        if count > 0 {
            let _ = writeln!(text, "note: {count} {what}");
        }
    }
    text
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    let message = format!("cannot read `{}`: {error}", path.display());
    CliError::new(ErrorKind::Usage, message)
}
