//! `--continue`, `--resume` and `--no-save`: which conversation a run begins with, and whether it is kept.

use std::time::Duration;

use clap::Args;

use crate::app::Opening;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::setup;
use crate::config::Config;
use crate::driver::headless::Headless;
use crate::driver::sessions::Store;
use crate::host::{Command, Saving, SessionCommand};

/// The most that the end of a headless run waits for a disk.
const DISK: Duration = Duration::from_secs(5);

/// What the terminal program begins with.
#[derive(Debug, Clone, Default, Args)]
pub struct ResumeArgs {
    /// Go on with the last conversation of this folder and configuration
    #[arg(long = "continue", conflicts_with_all = ["resume", "no_save"])]
    pub goes_on: bool,
    /// Go on with this saved conversation; without an ID, choose one from the list
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with = "no_save")]
    pub resume: Option<String>,
    /// Do not keep this conversation
    #[arg(long)]
    pub no_save: bool,
}

/// Which conversation a prompt is asked in.
#[derive(Debug, Clone, Args)]
pub struct AskSession {
    /// Ask in the last conversation of this folder and configuration
    #[arg(long = "continue", conflicts_with_all = ["resume", "no_save"])]
    pub goes_on: bool,
    /// Ask in this saved conversation, as `mcpdeck sessions list` names it
    #[arg(long, value_name = "ID", conflicts_with = "no_save")]
    pub resume: Option<String>,
    /// Do not keep this conversation
    #[arg(long)]
    pub no_save: bool,
}

impl ResumeArgs {
    /// Whether anything of it stands on the command line.
    pub fn is_given(&self) -> bool {
        self.goes_on || self.resume.is_some() || self.no_save
    }

    /// Whether the conversation is kept.
    pub fn keeps(&self) -> bool {
        !self.no_save
    }

    /// What to begin with.
    pub fn opening(&self, config: &Config) -> Result<Option<Opening>, CliError> {
        Ok(match self.resume.as_deref() {
            Some("") => Some(Opening::List),
            resume => id(self.goes_on, resume, config)?.map(Opening::Session),
        })
    }
}

impl AskSession {
    /// The session to ask in, if one was named.
    pub fn id(&self, config: &Config) -> Result<Option<String>, CliError> {
        id(self.goes_on, self.resume.as_deref(), config)
    }
}

/// The flags stand before a subcommand that does not know them.
pub fn misplaced() -> CliError {
    let what = "--continue, --resume and --no-save before a subcommand mean nothing";
    CliError::new(ErrorKind::Usage, what).hint("give them behind it: mcpdeck ask --continue PROMPT")
}

fn id(goes_on: bool, resume: Option<&str>, config: &Config) -> Result<Option<String>, CliError> {
    let store = Store::of(&setup::data_dir());
    let refused = |why: String| CliError::new(ErrorKind::Usage, why);
    if let Some(part) = resume {
        return store.find(part).map(Some).map_err(refused);
    }
    if !goes_on {
        return Ok(None);
    }
    let folder = setup::folder();
    let file = config.files.last().map(std::path::PathBuf::as_path);
    match store.latest(&folder, file).map_err(refused)? {
        Some(id) => Ok(Some(id)),
        None => {
            let what = format!(
                "no conversation of {} with this configuration is saved",
                folder.display()
            );
            Err(refused(what).hint("`mcpdeck sessions list` shows all that are"))
        }
    }
}

/// Makes a saved session the conversation of a headless run.
pub async fn resume(id: String, run: &mut Headless) -> Result<(), CliError> {
    let before = run.host.session.word.0;
    run.command(Command::Session(SessionCommand::Resume(id)));
    run.until(|host| !host.session.opening).await;
    match &run.host.session.word {
        (number, Err(why)) if *number > before => Err(CliError::new(ErrorKind::Usage, why.clone())),
        _ => Ok(()),
    }
}

/// Waits until what was said is on the disk, or could not be brought there.
pub async fn settle(run: &mut Headless) {
    let settled = run.until(|host| host.session.saving != Saving::Going);
    // What a disk that hangs is to take is given up.
    let _given_up = tokio::time::timeout(DISK, settled).await;
}
