//! Hands an address to the person's browser: one program, one argument, no shell, nothing of it on our terminal.
//!
//! The person has agreed to the address before. Where nothing here can show a page, it says so at once.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::AppEvent;

/// How long the opener may take to say that it cannot. Some stay for as long as the browser does.
const PATIENCE: Duration = Duration::from_secs(3);

/// The addresses that are being opened.
#[derive(Debug, Default)]
pub struct Browser {
    opening: JoinSet<(String, Result<(), String>)>,
}

impl Browser {
    /// Begins to open an address. Must be called inside a tokio runtime.
    pub fn begin(&mut self, url: String) {
        self.opening.spawn(async move {
            let outcome = open(&url).await;
            (url, outcome)
        });
    }

    /// Waits until it is known of an address whether it was opened; for ever while none is. Loses nothing when dropped.
    pub async fn opened(&mut self) -> AppEvent {
        loop {
            match self.opening.join_next().await {
                Some(Ok((url, outcome))) => return AppEvent::Opened(url, outcome),
                // A task that was cut off with the program has nobody to tell.
                Some(Err(_)) => {}
                None => return std::future::pending().await,
            }
        }
    }
}

/// Opens an address, or says in a few words why it could not be.
///
/// # Errors
/// Those words.
pub async fn open(url: &str) -> Result<(), String> {
    // The app has checked that too; a browser's opener would do other things with other words.
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err("it is no http or https address".to_owned());
    }
    let openers = openers(|name| std::env::var_os(name).is_some())?;
    for opener in openers {
        let (program, before) = opener.split_first().unwrap_or((&"xdg-open", &[]));
        let mut command = Command::new(program);
        command
            .args(before)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C and a closing terminal are not meant for the browser.
            .process_group(0);
        let Ok(mut child) = command.spawn() else {
            continue;
        };
        return match timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if !status.success() => Err(format!("{program} failed: {status}")),
            Ok(Err(error)) => Err(format!("{program} failed: {error}")),
            Ok(Ok(_)) | Err(_) => Ok(()),
        };
    }
    Err("there is no program here that opens addresses".to_owned())
}

/// The programs to try, best first, by what the environment holds.
fn openers(has: impl Fn(&str) -> bool) -> Result<&'static [&'static [&'static str]], String> {
    if has("WSL_DISTRO_NAME") {
        return Ok(&[&["wslview"], &["xdg-open"]]);
    }
    if cfg!(target_os = "macos") {
        // Over SSH it would open on a screen that nobody may be looking at.
        return if has("SSH_CONNECTION") {
            Err("this is a session over SSH".to_owned())
        } else {
            Ok(&[&["open"]])
        };
    }
    if has("DISPLAY") || has("WAYLAND_DISPLAY") {
        Ok(&[&["xdg-open"], &["gio", "open"]])
    } else {
        Err("there is no display here".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_page_is_not_opened() {
        for url in ["file:///etc/passwd", "--help", "javascript:alert(1)"] {
            assert!(open(url).await.is_err(), "{url}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_display_it_is_said() {
        assert!(openers(|_| false).is_err());
        assert!(openers(|name| name == "SSH_CONNECTION").is_err());
        assert!(openers(|name| name == "WAYLAND_DISPLAY").is_ok());
    }
}
