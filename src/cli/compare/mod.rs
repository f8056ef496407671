//! `mcpdeck compare A B`: what differs between two recorded sessions, or two wire logs: what servers say of themselves, the
//! definitions of tools, prompts and resources, the calls, reads and prompts, their results, and how long they took.
//!
//! Exit code 1 where something differs. Times always differ a little: they count only with `--slower`.

mod found;
mod offers;
mod told;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::error::CliError;
use crate::cli::{output, recorded};

/// `mcpdeck compare ...`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// What `--record` or `--wire-log` wrote: how it was
    pub before: PathBuf,
    /// The same of another session: how it is
    pub after: PathBuf,
    /// Let a tool count as different whose median time is so many percent longer
    #[arg(long, value_name = "PERCENT")]
    pub slower: Option<u32>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Compares the two.
pub fn run(args: &CompareArgs) -> Result<ExitCode, CliError> {
    let before = recorded::frames(&args.before)?;
    let after = recorded::frames(&args.after)?;
    let found = found::compare(&before.records, &after.records, args.slower);
    match args.json {
        true => output::json(&told::value(&found)),
        false => output::data(&told::words(&found)),
    }
    Ok(ExitCode::from(u8::from(found.differs())))
}
