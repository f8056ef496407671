//! `mcpdeck trust` and `mcpdeck untrust`: what a folder's `mcp.toml` would start, the yes to it, and how that is taken back.
//!
//! Also the refusal of every headless command in a folder whose file nobody has agreed to.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::{output, setup};
use crate::config::trust::{Change, Record};
use crate::config::{self, Asks, Config, Environment, Flags, FolderFile, PASSED_ON};
use crate::text::clean;

/// The only name that a folder's file has.
const NAME: &str = "mcp.toml";

/// `mcpdeck trust ...`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TrustArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<TrustCommand>,
    /// The folder, or its mcp.toml; without it the current one
    pub file: Option<PathBuf>,
    /// Agree without being asked, after having looked
    #[arg(long, short)]
    pub yes: bool,
}

/// The words after `trust`.
#[derive(Debug, Subcommand)]
pub enum TrustCommand {
    /// The files that you have agreed to, the newest first
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// `mcpdeck untrust ...`
#[derive(Debug, Args)]
pub struct UntrustArgs {
    /// The folder, or its mcp.toml; without it the current one
    pub file: Option<PathBuf>,
}

/// Shows what a folder's file would start and takes the person's yes, or lists what they have agreed to.
pub fn run(args: &TrustArgs, global: &Global) -> Result<ExitCode, CliError> {
    if let Some(TrustCommand::List { json }) = args.command {
        list(json);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(asks) = found(args.file.as_deref(), global)? else {
        return Ok(ExitCode::SUCCESS);
    };
    output::data(&told(&asks));
    if !args.yes && !agreed()? {
        output::note("not trusted; nothing was changed");
        return Ok(ExitCode::from(ErrorKind::Usage.code()));
    }
    let folder = &asks.folder;
    setup::trust_book().trust(folder).map_err(|error| {
        let what = format!("the yes could not be written down: {error}");
        CliError::new(ErrorKind::Usage, what).hint("`--trust` is a yes for one run")
    })?;
    output::note(&clean::line(&format!(
        "trusted as it is now: {}",
        folder.path.display()
    )));
    Ok(ExitCode::SUCCESS)
}

/// Takes the yes for a folder's file back.
pub fn untrust(args: &UntrustArgs, global: &Global) -> Result<ExitCode, CliError> {
    let folder = folder(args.file.as_deref(), global)?;
    let path = config::folder_file(&folder.join(NAME));
    let was = setup::trust_book().forget(&path).map_err(|error| {
        CliError::new(
            ErrorKind::Usage,
            format!("it could not be written down: {error}"),
        )
    })?;
    let shown = clean::line(&path.to_string_lossy());
    output::note(&match was {
        true => format!("no longer trusted: {shown}"),
        false => format!("it was not trusted: {shown}"),
    });
    Ok(ExitCode::SUCCESS)
}

/// What a headless command says in a folder whose file nobody has agreed to.
pub fn refused(asks: &Asks) -> CliError {
    let state = match asks.before {
        Some(_) => "has changed since you trusted it",
        None => "is not trusted yet",
    };
    let path = clean::line(&asks.folder.path.to_string_lossy());
    let text = format!(
        "{path} {state}, so nothing of it was started:\n{}",
        lines(asks)
    );
    CliError::new(ErrorKind::Usage, text.trim_end())
        .hint("when you have looked at it: mcpdeck trust")
        .hint("for this run only: the option --trust")
}

/// The file that waits for a yes; none where there is nothing to agree to, which is said.
fn found(file: Option<&Path>, global: &Global) -> Result<Option<Asks>, CliError> {
    let environment = Environment {
        cwd: folder(file, global)?,
        ..Environment::read()
    };
    let flags = Flags {
        config: None,
        ..global.flags()
    };
    let resolved = config::load_explained(&flags, &environment)
        .map_err(|error| crate::cli::config::refused(&error))?;
    let shown = clean::line(&environment.cwd.join(NAME).to_string_lossy());
    let Some(folder) = resolved.folder else {
        if environment.cwd.join(NAME).is_file() {
            output::note(&format!("{shown} is your own: it needs no trust"));
            return Ok(None);
        }
        return Err(
            CliError::new(ErrorKind::Usage, format!("there is no {shown}")).hint(
                "a file of another name is given by `--config FILE`, which is your own word for it",
            ),
        );
    };
    if folder.says.is_empty() {
        output::note(&format!(
            "{shown} starts and reaches nothing: it needs no trust"
        ));
        return Ok(None);
    }
    Ok(Some(Asks {
        before: before(&folder),
        folder,
        with: resolved.config.into(),
        without: Config::default().into(),
    }))
}

/// What the file said when it was agreed to last, if it is another one now.
fn before(folder: &FolderFile) -> Option<Vec<String>> {
    let book = setup::trust_book();
    if book.trusts(folder) {
        output::note("you trust this file already");
        return None;
    }
    book.record(&folder.path).map(|record| record.says)
}

/// The folder that is meant.
fn folder(file: Option<&Path>, global: &Global) -> Result<PathBuf, CliError> {
    if global.config.is_some() {
        let why = "`--config` needs no trust: naming a file is your own word for it";
        return Err(CliError::new(ErrorKind::Usage, why)
            .hint("`mcpdeck trust FOLDER` is for a folder's own mcp.toml"));
    }
    let cwd = Environment::read().cwd;
    let Some(file) = file else {
        return Ok(cwd);
    };
    let path = cwd.join(file);
    if path.is_dir() {
        return Ok(path);
    }
    match (path.file_name(), path.parent()) {
        (Some(name), Some(folder)) if name == NAME => Ok(folder.to_path_buf()),
        _ => {
            let shown = clean::line(&file.to_string_lossy());
            let why = format!("`{shown}` is neither a folder nor called {NAME}");
            Err(CliError::new(ErrorKind::Usage, why)
                .hint("a file of another name is given by `--config FILE`, which needs no trust"))
        }
    }
}

fn told(asks: &Asks) -> String {
    let mut text = format!("{}\n\n", clean::line(&asks.folder.path.to_string_lossy()));
    if asks.says_the_same() {
        text.push_str(
            "What it says is the same; comments, order, looks or a hidden value have changed.\n\n",
        );
    }
    text.push_str(&lines(asks));
    let passed = PASSED_ON.join(" ");
    let _infallible = write!(
        text,
        "\nA program that it starts runs as you do. Of your environment it gets {passed} LC_*, what is named above, and\n\
         nothing else. A yes is for this folder and for the file as it is now, not for what its programs become later.\n"
    );
    text
}

/// What the file says, a line each; what is new or gone since the last yes has a sign.
fn lines(asks: &Asks) -> String {
    let mut text = String::new();
    for (change, line) in asks.lines() {
        let sign = match (change, asks.before.is_some()) {
            (_, false) => "",
            (Change::Same, true) => "  ",
            (Change::New, true) => "+ ",
            (Change::Gone, true) => "- ",
        };
        let _infallible = writeln!(text, "{sign}{}", clean::line(line));
    }
    text
}

fn agreed() -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let why = "nobody can be asked here: stdin and stderr must be a terminal";
        return Err(CliError::new(ErrorKind::Usage, why).hint("`--yes` agrees without a question"));
    }
    output::note("\nTrust it as it is now? y yes   n no");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && matches!(line.trim(), "y" | "yes"))
}

fn list(as_json: bool) {
    let records = setup::trust_book().list();
    if as_json {
        let record = |record: &Record| {
            json!({
                "path": record.path, "sha256": record.sha256, "since": since(record),
                "state": state(record), "says": record.says,
            })
        };
        let records: Vec<_> = records.iter().map(record).collect();
        output::json(&json!({ "trusted": records }));
        return;
    }
    for record in &records {
        let path = clean::line(&record.path.to_string_lossy());
        output::data(&format!(
            "{}  {:<10} {path}\n",
            since(record),
            state(record)
        ));
    }
    if records.is_empty() {
        output::note("no folder's file is trusted yet");
    }
}

fn since(record: &Record) -> String {
    let seconds = i64::try_from(record.at).unwrap_or_default();
    let at = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What has become of the file since.
fn state(record: &Record) -> &'static str {
    match std::fs::read(&record.path) {
        Ok(bytes) if FolderFile::digest(&bytes) == record.sha256 => "as it was",
        Ok(_) => "changed",
        Err(_) => "gone",
    }
}
