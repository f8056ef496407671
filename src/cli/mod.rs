//! Arguments in, words and exit code out: one file per subcommand.
//!
//! The only layer that prints, and it prints through `output` alone: stdout is data, stderr is everything else.

mod address;
mod args;
mod ask;
mod attach;
mod attach_screen;
mod audit;
mod auth;
mod cache;
mod call;
mod check;
mod compare;
mod complete;
mod config;
mod conformance;
mod deck;
pub mod demo;
mod error;
mod export;
mod failure;
mod global;
mod hand;
mod inspect;
mod interrupt;
mod lint;
mod list;
mod login;
mod logs;
mod output;
mod pins;
mod prompt;
mod proxy;
mod read;
mod recorded;
mod replay;
mod replies;
mod resume;
mod save;
mod serve;
mod sessions;
mod setup;
mod status;
mod target;
mod test;
mod token;
mod trust;
mod undo;
mod watch;

use std::process::ExitCode;

use clap::Parser;

pub use error::{CliError, ErrorKind};

/// Parses the arguments, runs the subcommand, and turns what came of it into an exit code.
pub fn run() -> ExitCode {
    // Not a subcommand for people, and in a hurry: a server waits to be started.
    if let Some(code) = crate::mcp::transport::supervise::asked() {
        return code;
    }
    // Not a subcommand for people: this process is about to become a server.
    if let Some(code) = crate::mcp::transport::confine::asked() {
        return code;
    }
    outlive_full_files();
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(refusal) => return output::usage(&refusal),
    };
    match carry_out(args) {
        Ok(code) => output::closing(code),
        Err(error) => output::error(&error),
    }
}

/// A file that reaches the limit of the shell (`ulimit -f`) is an error of that file, as on a full disk, and not the end of the
/// program: a signal that is listened to kills nobody. What is started from here dies of it as it would have.
#[cfg(unix)]
fn outlive_full_files() {
    let heard = std::sync::Arc::default();
    let _else_as_before = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, heard);
}

/// Other systems have no such limit.
#[cfg(not(unix))]
fn outlive_full_files() {}

fn carry_out(args: args::Args) -> Result<ExitCode, CliError> {
    let global = &args.global;
    match args.command {
        None => deck::open(global, &args.begin),
        Some(_) if args.begin.is_given() => Err(resume::misplaced()),
        Some(what) if global.record.is_some() && !what.runs_session() => Err(recorded::misplaced()),
        Some(args::Command::Demo(what)) => demo::run(&what, global),
        Some(args::Command::Ask(what)) => ask::run(&what, global),
        Some(args::Command::List(what)) => list::run(&what, global),
        Some(args::Command::Status(what)) => status::run(&what, global),
        Some(args::Command::Check(what)) => check::run(&what, global),
        Some(args::Command::Call(what)) => call::run(&what, global),
        Some(args::Command::Inspect(what)) => inspect::run(&what, global),
        Some(args::Command::Lint(what)) => lint::run(&what, global),
        Some(args::Command::Test(what)) => test::run(&what, global),
        Some(args::Command::Proxy(what)) => proxy::run(&what, global),
        Some(args::Command::Attach(what)) => attach::run(&what, global),
        Some(args::Command::Cache(what)) => cache::run(&what),
        Some(args::Command::Read(what)) => read::run(&what, global),
        Some(args::Command::Replay(what)) => replay::run(&what),
        Some(args::Command::Compare(what)) => compare::run(&what),
        Some(args::Command::Export(what)) => export::run(&what),
        Some(args::Command::Prompt(what)) => prompt::run(&what, global),
        Some(args::Command::Complete(what)) => complete::run(&what, global),
        Some(args::Command::Watch(what)) => watch::run(&what, global),
        Some(args::Command::Pins(what)) => pins::run(&what, global),
        Some(args::Command::Login(what)) => login::run(&what, global),
        Some(args::Command::Logout(what)) => auth::logout(&what, global),
        Some(args::Command::Auth(what)) => auth::run(&what, global),
        Some(args::Command::Sessions(what)) => sessions::run(&what),
        Some(args::Command::Config(what)) => config::run(&what, &global.flags()),
        Some(args::Command::Trust(what)) => trust::run(&what, global),
        Some(args::Command::Untrust(what)) => trust::untrust(&what, global),
        Some(args::Command::Serve(what)) => serve::run(*what, global),
        Some(args::Command::Token(what)) => token::run(&what),
        Some(args::Command::Audit(what)) => audit::run(&what),
        Some(args::Command::Undo(what)) => undo::run(&what, global),
        Some(args::Command::ConformanceClient(what)) => conformance::run(&what, global),
    }
}
