//! `mcpdeck` without a subcommand: the terminal program on the configured servers.

use std::io::IsTerminal;
use std::process::ExitCode;

use crate::cli::args::Global;
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::setup;

/// Opens the terminal program.
pub fn open(global: &Global) -> Result<ExitCode, CliError> {
    let _config = setup::config(global)?;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CliError::new(ErrorKind::Usage, "stdin and stdout must be a terminal")
            .hint("without one, use `mcpdeck ask PROMPT`, `mcpdeck list` or `mcpdeck call SERVER TOOL`"));
    }
    Ok(ExitCode::SUCCESS)
}
