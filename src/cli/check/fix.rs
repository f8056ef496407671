//! One thing to do about a server that does not work: the one that the cause names.

use std::sync::LazyLock;

use regex::Regex;

use crate::cli::failure;
use crate::config::Launch;
use crate::host::Server;
use crate::mcp::failure::{Failure, FailureKind};
use crate::mcp::verdict::Cause;

/// A variable of the environment, as programs name them.
static VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b").ok());

/// Words by which a program says that something is not there.
const LACKS: [&str; 9] = [
    "missing",
    "not set",
    "unset",
    "required",
    "undefined",
    "must be set",
    "not found",
    "not provided",
    "keyerror",
];

/// What to do first.
pub fn of(server: &Server) -> String {
    let Some(failure) = server.status.failure() else {
        return match server.verdict.cause {
            Cause::Silent | Cause::Busy => {
                "see by --wire-log what it was asked last, then restart it".to_owned()
            }
            _ => "see by --wire-log what it answers".to_owned(),
        };
    };
    if failure.kind == FailureKind::NeedsSignIn && failure::signs_in(server) {
        return format!("mcpdeck login {}", server.name);
    }
    if let Some(name) = variable(failure) {
        return match is_given(server, &name) {
            true => format!(
                "set `{name}` where mcpdeck is started: `env_vars` of the server passes it on, and it is not there"
            ),
            false => format!(
                "add `env_vars = [\"{name}\"]` to [mcp_servers.{}], and set `{name}` where mcpdeck is started",
                server.name
            ),
        };
    }
    match &failure.hint {
        Some(hint) => hint.clone(),
        None => by_kind(server, failure),
    }
}

/// The variable of the environment that the server says it lacks.
fn variable(failure: &Failure) -> Option<String> {
    let is_own_end = failure.kind == FailureKind::Exited;
    let lines = failure.stderr.iter().map(String::as_str);
    let lines = lines.chain(failure.stdout_line.as_deref());
    let lacks = |line: &&str| {
        let line = line.to_lowercase();
        LACKS.iter().any(|word| line.contains(word))
    };
    let found = |line: &str| Some(VARIABLE.as_ref()?.find(line)?.as_str().to_owned());
    is_own_end.then(|| lines.filter(lacks).find_map(found))?
}

fn is_given(server: &Server, name: &str) -> bool {
    match server.spec.as_ref().map(|spec| &spec.launch) {
        Some(Launch::Stdio(launch)) => launch.env_vars.iter().any(|known| known == name),
        _ => false,
    }
}

fn by_kind(server: &Server, failure: &Failure) -> String {
    let target = failure.target.as_deref().unwrap_or("its command");
    match failure.kind {
        FailureKind::Exited | FailureKind::Spawn | FailureKind::Stopped => {
            format!("run it by hand to see more: {target}")
        }
        FailureKind::Timeout => format!(
            "raise `startup_timeout_sec` of [mcp_servers.{}], or see what it waits for: {target}",
            server.name
        ),
        FailureKind::Protocol => {
            format!("see by --wire-log what it says; it may be no MCP server: {target}")
        }
        FailureKind::Network | FailureKind::Http => {
            format!("check that the server is up and that its `url` is right: {target}")
        }
        FailureKind::NeedsSignIn => {
            "give it the token that it wants, by `bearer_token_env_var`".to_owned()
        }
        FailureKind::Config => {
            "mend the server's table; `mcpdeck config check` names each fault".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(line: &str) -> Option<String> {
        let mut failure = Failure::new(FailureKind::Exited, "the server's process ended");
        failure.stderr = vec!["Server 1.0".into(), line.into()];
        variable(&failure)
    }

    #[test]
    fn the_variable_that_a_program_lacks_is_found_in_its_words() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(lacking("DB_URL missing"), some("DB_URL"));
        assert_eq!(
            lacking("Error: GITHUB_TOKEN environment variable is required"),
            some("GITHUB_TOKEN")
        );
        assert_eq!(lacking("KeyError: 'API_KEY_2'"), some("API_KEY_2"));
        assert_eq!(lacking("connected with API_KEY"), None);
        assert_eq!(lacking("Cannot find module: not found"), None);
    }
}
