//! Why a server is not there: the true cause, with what a person needs to mend it.
//!
//! Made by `connection` and `transport`, kept in the server's status, shown by the pane, `list` and the model's one line.

use serde::{Deserialize, Serialize};

/// A server that failed to start, or ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What failed, on what, why: one sentence without a full stop.
    pub message: String,
    /// The command as resolved (`/usr/bin/npx -y ...`), or the URL.
    pub target: Option<String>,
    /// `exit code 1`, `signal 9 (SIGKILL)`.
    pub exit: Option<String>,
    /// The last lines of stderr, oldest first; at most 20.
    pub stderr: Vec<String>,
    /// The line on stdout that is no MCP message, when that is the cause.
    pub stdout_line: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

/// What sort of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Its configuration is wrong.
    Config,
    /// The program could not be started.
    Spawn,
    /// The process ended by itself.
    Exited,
    /// No word within the start-up timeout.
    Timeout,
    /// It spoke, but not MCP, or refused every version.
    Protocol,
    /// The URL could not be reached.
    Network,
    /// HTTP status 4xx or 5xx.
    Http,
    /// HTTP 401 or 403.
    NeedsSignIn,
    /// It was ended from here.
    Stopped,
}

impl Failure {
    /// A failure with a message and nothing else yet.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            target: None,
            exit: None,
            stderr: Vec::new(),
            stdout_line: None,
            hint: None,
        }
    }

    /// The cause on one line, the most telling part first.
    pub fn headline(&self) -> String {
        let mut line = self.message.clone();
        if let Some(exit) = self
            .exit
            .as_ref()
            .filter(|exit| !line.contains(exit.as_str()))
        {
            line.push_str(&format!(" ({exit})"));
        }
        if let Some(telling) = self.last_words() {
            line.push_str(&format!(": {}", telling.trim()));
        }
        line
    }

    /// What the server said last that says why: a line of its stderr, or the one on stdout that is no message.
    pub fn last_words(&self) -> Option<&str> {
        self.telling_line().or(self.stdout_line.as_deref())
    }

    /// The line of stderr that says most: the last one that speaks of an error, else the last one. Runtimes print traces and
    /// version lines behind the cause.
    fn telling_line(&self) -> Option<&str> {
        let speaks = |line: &&String| {
            let line = line.to_lowercase();
            line.contains("error") || line.contains("panicked") || line.contains("fatal")
        };
        let lines = || self.stderr.iter().filter(|line| !line.trim().is_empty());
        lines()
            .rfind(speaks)
            .or_else(|| lines().next_back())
            .map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_names_the_cause_and_not_the_version_line_behind_it() {
        let mut failure = Failure::new(FailureKind::Exited, "the server's process ended");
        failure.exit = Some("exit code 1".into());
        failure.stderr = [
            "Error: Cannot find module 'x'",
            "    at main.js:1",
            "",
            "Node.js v20",
        ]
        .map(String::from)
        .into();
        let cause = "the server's process ended (exit code 1): Error: Cannot find module 'x'";
        assert_eq!(failure.headline(), cause);
        failure.stderr = ["one", "two", " "].map(String::from).into();
        assert_eq!(
            failure.headline(),
            "the server's process ended (exit code 1): two"
        );
    }
}
