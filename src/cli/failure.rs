//! Servers that are not there, for the headless subcommands: waiting for them, choosing one, and telling the true cause.

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::interrupt::Interrupt;
use crate::config::Config;
use crate::driver::headless::Headless;
pub use crate::host::fix::signs_in;
use crate::host::server::Listing;
use crate::host::{CallEnd, Host, Server, outcome};
use crate::ids::ServerName;
use crate::mcp::failure::FailureKind;
use crate::mcp::status::Status;
use crate::text::{clean, nearest};

/// Leaves only this server in the configuration.
pub fn keep_only(config: &mut Config, name: &str) -> Result<(), CliError> {
    let wanted = ServerName::new(name);
    let known: Vec<ServerName> = config
        .servers
        .iter()
        .map(|spec| spec.name.clone())
        .chain(config.broken.iter().map(|broken| broken.name.clone()))
        .collect();
    if !known.contains(&wanted) {
        return Err(unknown(name, &known));
    }
    config.servers.retain(|spec| spec.name == wanted);
    config.broken.retain(|broken| broken.name == wanted);
    config
        .servers
        .iter_mut()
        .for_each(|spec| spec.enabled = true);
    Ok(())
}

fn unknown(name: &str, known: &[ServerName]) -> CliError {
    let error = CliError::new(
        ErrorKind::Usage,
        format!("no server `{name}` in the configuration"),
    );
    let names: Vec<&str> = known.iter().map(ServerName::as_str).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => error.hint("`mcpdeck config path` shows which files are read"),
        None => error.hint(format!("there are: {}", names.join(", "))),
    }
}

/// Every server is ready, failed or switched off.
pub fn is_settled(host: &Host) -> bool {
    host.servers.iter().all(|server| server.status.is_settled())
}

/// Every server is settled, and no list is being read.
pub fn is_listed(host: &Host) -> bool {
    let quiet = |server: &Server| server.listing.values().all(|at| *at == Listing::Quiet);
    is_settled(host) && host.servers.iter().all(quiet)
}

/// Waits until every server is ready, failed or switched off; an interrupt ends the wait.
pub async fn settled(run: &mut Headless, interrupt: &mut Interrupt) -> Result<(), CliError> {
    tokio::select! {
        () = run.until(is_settled) => Ok(()),
        signal = interrupt.wait() => Err(interrupted(signal)),
    }
}

/// The same, and waits until all lists have been read.
pub async fn listed(run: &mut Headless, interrupt: &mut Interrupt) -> Result<(), CliError> {
    tokio::select! {
        () = run.until(is_listed) => Ok(()),
        signal = interrupt.wait() => Err(interrupted(signal)),
    }
}

/// What a run ends with that this signal ended.
pub fn interrupted(signal: u8) -> CliError {
    CliError::new(ErrorKind::Interrupted(signal), "interrupted")
}

/// How a call ended, for a person: the model's words without the prefix that tells it how to read them.
pub fn cause(end: &CallEnd) -> String {
    let words = outcome::words(end).into_owned();
    let bare = words
        .strip_prefix("error: ")
        .or_else(|| words.strip_prefix("denied: "));
    bare.map(str::to_owned).unwrap_or(words)
}

/// The true cause of a server that is not there.
pub fn of(server: &Server) -> CliError {
    let Some(failure) = server.status.failure() else {
        return CliError::new(
            ErrorKind::Server,
            format!("server `{}` is {}", server.name, server.status.word()),
        );
    };
    let mut text = format!("server `{}` failed: {}", server.name, failure.message);
    let mut add = |label: &str, value: &str| {
        text.push_str(&format!("\n  {label}: {}", clean::line(value)));
    };
    if let Some(target) = &failure.target {
        add("started", target);
    }
    if let Some(exit) = &failure.exit {
        add("ended", exit);
    }
    if let Some(line) = &failure.stdout_line {
        add("stdout", line);
    }
    for line in &failure.stderr {
        add("stderr", line);
    }
    let kind = match &server.status {
        Status::Failed { .. } if server.spec.is_none() => ErrorKind::Usage,
        _ => ErrorKind::Server,
    };
    let error = CliError::new(kind, text);
    match &failure.hint {
        _ if failure.kind == FailureKind::NeedsSignIn && signs_in(server) => {
            error.hint(format!("mcpdeck login {}", server.name))
        }
        Some(hint) => error.hint(hint.clone()),
        None => error,
    }
}
