//! What every subcommand takes: where the configuration is, which model wins over it, where the wire is written.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::address::address;
use crate::config::Flags;

/// What every subcommand takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Read this file instead of `./mcp.toml`
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Take this folder's `mcp.toml` as it is, for this run only (see `mcpdeck trust`)
    #[arg(long, global = true)]
    pub trust: bool,
    /// Ask the model at this OpenAI-compatible base URL, such as http://127.0.0.1:11434/v1
    #[arg(long, global = true, value_name = "URL")]
    pub model_url: Option<String>,
    /// Let a recorded session play the model: its n-th answer to the n-th request, and no endpoint is asked
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "model_url")]
    pub model_recording: Option<PathBuf>,
    /// Ask for this model
    #[arg(long = "model", global = true, value_name = "NAME")]
    pub model_name: Option<String>,
    /// Take the key of --model-url from this variable
    #[arg(long, global = true, value_name = "VARIABLE")]
    pub model_key_env: Option<String>,
    /// Write every message and every stray line to this file, as JSON lines without secrets
    #[arg(long, global = true, value_name = "FILE")]
    pub wire_log: Option<PathBuf>,
    /// Keep the whole session in this new file, without secrets: for `mcpdeck replay`, `compare`, `export` and `serve replay`
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Give figures to Prometheus at this address (`/metrics`); a port alone is one of this machine
    #[arg(long, global = true, value_name = "ADDR", value_parser = address)]
    pub metrics: Option<SocketAddr>,
    /// Let --metrics be an address that other machines can reach
    #[arg(long, global = true, requires = "metrics")]
    pub metrics_any_host: bool,
}

impl Global {
    /// The command line's part of the configuration.
    pub fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            without_folder: false,
            model_url: self.model_url.clone(),
            model_recording: self.model_recording.clone(),
            model_name: self.model_name.clone(),
            model_key_env: self.model_key_env.clone(),
        }
    }
}
