//! The files that the host has written: results that are too long for the model, and "always" answers.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::config::AllowRule;
use crate::config::rules::save_allow_rule;
use crate::host::HostEvent;
use crate::ids::CallId;
use crate::mcp::wire::redact::{Lines, Redactor};

/// How long results are kept.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Writes a result, without secrets, where only its owner can read it; reports a failure.
pub async fn result(
    call: CallId,
    path: PathBuf,
    text: String,
    redactor: Arc<Redactor>,
    events: mpsc::Sender<HostEvent>,
) {
    let file = path.clone();
    let write = move || write_private(&file, &text, &redactor);
    let written = tokio::task::spawn_blocking(write).await;
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

fn write_private(path: &Path, text: &str, redactor: &Redactor) -> io::Result<()> {
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
    let mut file = io::BufWriter::new(options.open(path)?);
    // Line by line: what is long is not held a second time.
    let mut lines = Lines::default();
    for line in text.split_inclusive('\n') {
        file.write_all(lines.next(redactor, line).as_bytes())?;
    }
    file.flush()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_result_is_whole_but_for_secrets_even_those_of_several_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results/call-1.txt");
        let text = "Tên: Ánh 👋\r\n\r\nkey hunter2-hunter2\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQ==\n-----END PRIVATE KEY-----\nlast, without a break";
        write_private(&path, text, &Redactor::new(["hunter2-hunter2"])).expect("written");
        let kept = fs::read_to_string(&path).expect("the file");
        assert!(kept.starts_with("Tên: Ánh 👋\r\n\r\nkey ***\n"), "{kept}");
        assert!(kept.ends_with("\nlast, without a break"), "{kept}");
        assert!(!kept.contains("kqhkiG9w0BAQ"), "{kept}");
        let plain = "a\n\n\tb\r\n";
        write_private(&path, plain, &Redactor::default()).expect("written");
        assert_eq!(fs::read_to_string(&path).expect("the file"), plain);
    }
}
