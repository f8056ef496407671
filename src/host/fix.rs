//! One thing to do about a server that does not work: the one that the cause names.
//!
//! Pure. For `check`, `lint` and the overview of the inspector, which show the same words.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::Launch;
use crate::host::server::Server;
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

/// Where a server's settings are: what to do about one of them is said in those words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given {
    /// In its table of the configuration.
    #[default]
    Table,
    /// On the command line, for this run.
    Flags,
}

/// What to do first.
pub fn of(server: &Server, given: Given) -> String {
    let Some(failure) = server.status.failure() else {
        return match server.verdict.cause {
            Cause::Silent | Cause::Busy => {
                "see by --wire-log what it was asked last, then restart it".to_owned()
            }
            _ => "see by --wire-log what it answers".to_owned(),
        };
    };
    let wants_sign_in = failure.kind == FailureKind::NeedsSignIn;
    if let Some(fix) = sign_in(server, given).filter(|_| wants_sign_in) {
        return fix;
    }
    if let Some(name) = variable(failure) {
        return variable_fix(server, &name, given);
    }
    if failure.kind == FailureKind::Timeout {
        return silent(server, failure, given);
    }
    match &failure.hint {
        Some(hint) if given == Given::Table => hint.clone(),
        // A hint that speaks of the table is of no use without one.
        Some(hint) if !hint.contains("table") && !hint.contains("`protocol = ") => hint.clone(),
        _ => by_kind(server, failure, given),
    }
}

/// Whether a person can sign in there: not where the configuration says who we are.
pub fn signs_in(server: &Server) -> bool {
    server.spec.as_ref().is_some_and(|spec| match &spec.launch {
        Launch::Http(launch) => !launch.is_told_who_we_are(),
        Launch::Stdio(_) | Launch::Bundled(_) => false,
    })
}

fn sign_in(server: &Server, given: Given) -> Option<String> {
    match given {
        Given::Table => signs_in(server).then(|| {
            format!(
                "mcpdeck login {0}, or name the variable that holds a token: `bearer_token_env_var` of [mcp_servers.{0}]",
                server.name
            )
        }),
        Given::Flags if signs_in(server) => {
            Some("give the token that it wants: --header 'Authorization: Bearer TOKEN'".to_owned())
        }
        Given::Flags => Some("the token in --header is not the one that it wants".to_owned()),
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

fn variable_fix(server: &Server, name: &str, given: Given) -> String {
    match (given, is_given(server, name)) {
        (Given::Flags, _) => format!("give it the variable: --env {name}=VALUE"),
        (Given::Table, true) => format!(
            "set `{name}` where mcpdeck is started: `env_vars` of the server passes it on, and it is not there"
        ),
        (Given::Table, false) => format!(
            "add `env_vars = [\"{name}\"]` to [mcp_servers.{}], and set `{name}` where mcpdeck is started",
            server.name
        ),
    }
}

fn is_given(server: &Server, name: &str) -> bool {
    match server.spec.as_ref().map(|spec| &spec.launch) {
        Some(Launch::Stdio(launch)) => launch.env_vars.iter().any(|known| known == name),
        _ => false,
    }
}

fn by_kind(server: &Server, failure: &Failure, given: Given) -> String {
    let target = failure.target.as_deref().unwrap_or("its command");
    match failure.kind {
        FailureKind::Exited => ended(failure, target),
        FailureKind::Spawn | FailureKind::Stopped => {
            format!("run it by hand to see more: {target}")
        }
        FailureKind::Timeout => silent(server, failure, given),
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

/// What the exit code says where the program itself says nothing that is known.
fn ended(failure: &Failure, target: &str) -> String {
    match failure.exit.as_deref() {
        Some("exit code 0") => format!(
            "a server goes on until its stdin is closed: see whether the command needs another argument, such as `serve` or `stdio`: {target}"
        ),
        Some("exit code 127") => format!(
            "a program that it starts is not there: install it, or correct the command or the first line of the script: {target}"
        ),
        Some("exit code 126") => {
            format!("a program that it starts may not be run: chmod +x it: {target}")
        }
        _ => format!("run it by hand to see more: {target}"),
    }
}

/// What to do about one that says nothing, or nothing that is a message.
fn silent(server: &Server, failure: &Failure, given: Given) -> String {
    let target = failure.target.as_deref().unwrap_or("its command");
    if failure.stdout_line.is_some() {
        return format!(
            "it prints and does not answer: see whether this is its MCP mode: {target}"
        );
    }
    match given {
        Given::Flags => format!("see what it waits for before it reads its stdin: {target}"),
        Given::Table => match &failure.hint {
            Some(hint) => hint.clone(),
            None => format!(
                "raise `startup_timeout_sec` of [mcp_servers.{}], or see what it waits for: {target}",
                server.name
            ),
        },
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
