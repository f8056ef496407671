//! The command line as `clap` reads it. Words only: what they do is in the file of each subcommand.

use clap::{Parser, Subcommand};

use crate::cli::serve::ServeArgs;

/// The terminal for people who work with MCP servers.
#[derive(Debug, Parser)]
#[command(name = "mcpdeck", version, about)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one of mcpdeck's own MCP servers over stdio, for mcpdeck or for any other host.
    Serve(ServeArgs),
}
