//! `mcpdeck inspect`: the terminal program on one server, with the inspector in front and no configuration and no model behind.
//!
//! `deck` opens it; here it is said on what. With `--watch` the server is restarted when its files change.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::app::App;
use crate::app::inspector::overview::FileWatch;
use crate::cli::deck::{self, Deck, Files};
use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::resume::ResumeArgs;
use crate::cli::setup;
use crate::cli::target::Target;
use crate::config::{Config, Permitted, Provider};
use crate::driver::Clock;
use crate::driver::touched::Sources;
use crate::host::Settings;
use crate::host::fix::Given;
use crate::ids::ServerName;
use crate::mcp::pins::Pins;

/// `mcpdeck inspect ...`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The server.
    #[command(flatten)]
    pub target: Target,
    /// Restart the server when this file, or a file in this folder, changes; may be given several times
    #[arg(long, value_name = "PATH")]
    pub watch: Vec<PathBuf>,
    /// Repeat the last call after such a restart, whatever it does; without this only one that may be made twice, or that you agree to
    #[arg(long, requires = "watch")]
    pub repeat: bool,
}

/// Opens it.
pub fn run(args: &InspectArgs, global: &Global) -> Result<ExitCode, CliError> {
    let clock = Clock::start();
    deck::in_terminal(
        "without one, use `mcpdeck lint`, `mcpdeck list` or `mcpdeck call SERVER TOOL`",
    )?;
    for path in &args.watch {
        std::fs::metadata(path).map_err(|error| {
            let what = format!("--watch: cannot look at {}: {error}", path.display());
            CliError::new(ErrorKind::Usage, what)
        })?;
    }
    let mut config = args.target.config(global)?;
    config.model.provider = Provider::None;
    let broken = config.broken.first().map(|broken| broken.name.clone());
    let first = config.servers.first().map(|spec| spec.name.clone());
    let Some(server) = first.or(broken) else {
        return Err(CliError::new(
            ErrorKind::Usage,
            "there is no server to look at",
        ));
    };
    let begin = ResumeArgs {
        no_save: true,
        ..ResumeArgs::default()
    };
    let deck = Deck {
        permitted: Permitted::Runs(Arc::new(config)),
        book: setup::trust_book(),
        files: Files::Sources(Sources::begin(args.watch.clone())),
        begin: &begin,
        settings,
        prepare: Box::new(|app| prepare(args, server, app)),
    };
    deck::show(deck, global, clock)
}

/// What is looked at is not met: nothing is pinned of it, no list of an earlier day stands for what it says now.
fn settings(config: &Config) -> Settings {
    Settings {
        pins: Pins::default(),
        pins_file: None,
        // Its tools are being changed by the very person who looks on: a change is told, and asks for nothing.
        accept_tools: vec!["*".to_owned()],
        ..setup::settings(config)
    }
}

fn prepare(args: &InspectArgs, server: ServerName, app: &mut App) {
    app.inspect_alone(server);
    if let Some(inspector) = &mut app.inspector {
        inspector.overview.given = given(&args.target);
        inspector.overview.watch = FileWatch {
            paths: args.watch.clone(),
            repeats_all: args.repeat,
            ..FileWatch::default()
        };
    }
}

/// Where the server's settings are.
pub fn given(target: &Target) -> Given {
    match target.is_named() {
        true => Given::Table,
        false => Given::Flags,
    }
}
