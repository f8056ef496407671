//! The command line as `clap` reads it. Words only: what they do is in the file of each subcommand.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::cli::ask::AskArgs;
use crate::cli::call::CallArgs;
use crate::cli::config::ConfigArgs;
use crate::cli::demo::DemoArgs;
use crate::cli::list::ListArgs;
use crate::cli::serve::ServeArgs;
use crate::config::Flags;

/// The terminal for people who work with MCP servers: chat with an agent, watch its tool calls and the health of the servers.
///
/// Without a subcommand it opens the terminal program on the servers of `./mcp.toml`.
#[derive(Debug, Parser)]
#[command(name = "mcpdeck", version, about)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What every subcommand takes.
    #[command(flatten)]
    pub global: Global,
}

/// What every subcommand takes.
#[derive(Debug, Clone, ClapArgs)]
pub struct Global {
    /// Read this file instead of `./mcp.toml`
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Ask the model at this OpenAI-compatible base URL, such as http://127.0.0.1:11434/v1
    #[arg(long, global = true, value_name = "URL")]
    pub model_url: Option<String>,
    /// Ask for this model
    #[arg(long = "model", global = true, value_name = "NAME")]
    pub model_name: Option<String>,
    /// Take the key of --model-url from this variable
    #[arg(long, global = true, value_name = "VARIABLE")]
    pub model_key_env: Option<String>,
    /// Write every message and every stray line to this file, as JSON lines without secrets
    #[arg(long, global = true, value_name = "FILE")]
    pub wire_log: Option<PathBuf>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try it without a key: a scratch workspace, real servers, and a script that plays the model
    Demo(DemoArgs),
    /// Ask the agent and print its answer
    Ask(AskArgs),
    /// List the servers, or the tools of one
    List(ListArgs),
    /// Call one tool and print its result
    Call(CallArgs),
    /// Check the configuration, find its files, import another program's
    Config(ConfigArgs),
    /// Run one of mcpdeck's own MCP servers over stdio, for mcpdeck or for any other host
    Serve(ServeArgs),
}

impl Global {
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
