//! Arguments in, words and exit code out: one file per subcommand.
//!
//! The only layer that prints, and it prints through `output` alone: stdout is data, stderr is everything else.

mod args;
mod config;
mod error;
mod output;
mod serve;

use std::process::ExitCode;

use clap::Parser;

pub use error::{CliError, ErrorKind};

/// Parses the arguments, runs the subcommand, and turns what came of it into an exit code.
pub fn run() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(refusal) => return output::usage(&refusal),
    };
    let outcome = match args.command {
        args::Command::Serve(what) => serve::run(what),
        args::Command::Config(what) => config::run(&what, &args.global.flags()),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => output::error(&error),
    }
}
