//! Who goes to the authorization server's page: a person with a browser, or, for a test of conformance, the program itself.
//!
//! Nothing is opened here by itself: [`open`] is called after a person's yes.

use std::process::{Command, Stdio};

use url::Url;

use super::wire::is_loopback;

/// Who goes to the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Browser {
    /// A person: the address is shown, and a refusal waits for them.
    #[default]
    Person,
    /// Nobody: the page is fetched, and its redirect taken. For a suite of tests whose pages ask nothing.
    Headless,
}

/// Whether a browser that is opened here comes up before the person, and can come back to loopback here: not over SSH.
pub fn is_here() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let remote = set("SSH_CONNECTION") || set("SSH_TTY");
    let screen = cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY");
    screen && !remote
}

/// Opens an address in the person's browser. The address is one argument and passes no shell.
///
/// # Errors
/// Why it cannot be opened, as a sentence.
pub fn open(address: &str) -> Result<(), String> {
    let url = Url::parse(address).map_err(|error| format!("not a URL: {error}"))?;
    if !(url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url))) {
        return Err(
            "only `https:` addresses are opened, and `http:` ones on this machine".to_owned(),
        );
    }
    let program = match cfg!(target_os = "macos") {
        true => "open",
        false => "xdg-open",
    };
    let child = Command::new(program)
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(mut child) => {
            // Some of them stay until the browser ends; whoever waits for them must not hold the program.
            std::thread::spawn(move || child.wait());
            Ok(())
        }
        Err(error) => Err(format!("cannot start {program}: {error}")),
    }
}
