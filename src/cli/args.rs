//! The command line as `clap` reads it. Words only: what they do is in the file of each subcommand.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::cli::config::ConfigArgs;
use crate::cli::serve::ServeArgs;
use crate::config::Flags;

/// The terminal for people who work with MCP servers.
#[derive(Debug, Parser)]
#[command(name = "mcpdeck", version, about)]
pub struct Args {
    /// What every subcommand takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one of mcpdeck's own MCP servers over stdio, for mcpdeck or for any other host.
    Serve(ServeArgs),
    /// Check the configuration, find its files, import another program's.
    Config(ConfigArgs),
}

/// What every subcommand takes: where the configuration is, and which model wins over it.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalArgs {
    /// Read this file instead of ./mcp.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The base URL of an OpenAI-compatible endpoint, such as http://localhost:11434/v1.
    #[arg(long, global = true, value_name = "URL")]
    pub model_url: Option<String>,
    /// The model's name at the endpoint.
    #[arg(long = "model", global = true, value_name = "NAME")]
    pub model_name: Option<String>,
    /// The environment variable that holds the endpoint's key.
    #[arg(long, global = true, value_name = "NAME")]
    pub model_key_env: Option<String>,
}

impl GlobalArgs {
    /// The command line's part of the configuration.
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            model_url: self.model_url.clone(),
            model_name: self.model_name.clone(),
            model_key_env: self.model_key_env.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_subcommand_redefines_what_all_of_them_take() {
        super::Args::command().debug_assert();
    }
}
