//! The files that the host has written: results that are too long for the model, and "always" answers.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::config::AllowRule;
use crate::config::rules::save_allow_rule;
use crate::host::HostEvent;
use crate::ids::CallId;

/// How long results are kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Writes a result where only its owner can read it; reports a failure.
pub async fn result(call: CallId, path: PathBuf, text: String, events: mpsc::Sender<HostEvent>) {
    let file = path.clone();
    let written = tokio::task::spawn_blocking(move || write_private(&file, &text)).await;
    if let Some(why) = failure(written) {
        let why = format!(
            "The whole result of call {call} could not be saved to {}: {why}",
            path.display()
        );
        let _gone = events
            .send(HostEvent::SaveFailed {
                call: Some(call),
                why,
            })
            .await;
    }
}

/// Writes a rule to the user's configuration; reports a failure.
pub async fn rule(user_file: Option<PathBuf>, rule: AllowRule, events: mpsc::Sender<HostEvent>) {
    let what = format!("{}.{}", rule.server, rule.tool);
    let (place, written) = match user_file {
        Some(file) => {
            let place = file.display().to_string();
            (
                place,
                tokio::task::spawn_blocking(move || save_allow_rule(&file, &rule)).await,
            )
        }
        None => (
            "the configuration directory".to_owned(),
            Ok(Err(io::Error::other("it has no place here"))),
        ),
    };
    if let Some(why) = failure(written) {
        let why = format!(
            "The answer \"always\" for {what} could not be saved to {place}: {why}; it holds for this session"
        );
        let _gone = events.send(HostEvent::SaveFailed { call: None, why }).await;
    }
}

fn failure(written: Result<io::Result<()>, tokio::task::JoinError>) -> Option<String> {
    match written {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())?;
    prune(path);
    Ok(())
}

/// Removes what earlier runs saved more than [`KEPT`] ago: only folders beside this run's own that are named by a process id, as
/// it is. What cannot be removed stays.
fn prune(saved: &Path) {
    let Some(results) = saved.parent().and_then(Path::parent) else {
        return;
    };
    let Ok(entries) = fs::read_dir(results) else {
        return;
    };
    for folder in entries.flatten() {
        let is_ours = folder
            .file_name()
            .to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok());
        let age = folder.metadata().and_then(|about| about.modified()).ok();
        let is_old = age
            .and_then(|time| time.elapsed().ok())
            .is_some_and(|age| age > KEPT);
        if is_ours && is_old {
            let _stays = fs::remove_dir_all(folder.path());
        }
    }
}
