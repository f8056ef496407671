//! `mcpdeck demo`: the first run without a key. Makes a workspace to look at and to change without a care, writes its
//! `mcp.toml`, and opens the terminal program on it like on any other.

pub mod workspace;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::global::Global;
use crate::cli::resume::ResumeArgs;
use crate::cli::{deck, output};
use workspace::Workspace;

/// The script that plays the model.
const SCRIPT: &str = include_str!("../../../assets/demo/script.toml");

/// Cases for `mcpdeck test`, on the shop's database and on the script.
const CASES: &str = include_str!("../../../assets/demo/cases.toml");

/// `mcpdeck demo ...`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Make the workspace in this new folder and keep it; without it a temporary one is removed at the end
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// Make the workspace, print the path of its mcp.toml, and end
    #[arg(long, requires = "keep")]
    pub make_only: bool,
}

/// Makes the workspace and opens the terminal program on it.
pub fn run(args: &DemoArgs, global: &Global) -> Result<ExitCode, CliError> {
    match &args.keep {
        Some(folder) => run_in(folder, args.make_only, global),
        None => {
            let scratch = tempfile::Builder::new().prefix("mcpdeck-demo-").tempdir();
            let scratch = scratch.map_err(|error| {
                CliError::new(
                    ErrorKind::Usage,
                    format!("cannot make a temporary folder: {error}"),
                )
            })?;
            run_in(scratch.path(), false, global)
        }
    }
}

fn run_in(folder: &Path, make_only: bool, global: &Global) -> Result<ExitCode, CliError> {
    let config = make(folder, global.model_url.is_none()).map_err(|error| {
        CliError::new(
            ErrorKind::Usage,
            format!("cannot make the demo in {}: {error}", folder.display()),
        )
        .hint("give --keep a folder that does not exist yet")
    })?;
    if make_only {
        output::data(&format!("{}\n", config.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let global = Global {
        config: Some(config),
        ..global.clone()
    };
    deck::open(&global, &ResumeArgs::default())
}

/// Makes the workspace and its configuration; gives the configuration's path.
fn make(folder: &Path, scripted: bool) -> io::Result<PathBuf> {
    if folder.join("mcp.toml").exists() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it holds a mcp.toml already",
        ));
    }
    fs::create_dir_all(folder)?;
    let folder = &fs::canonicalize(folder)?;
    let workspace = workspace::create(folder)?;
    let script = folder.join("script.toml");
    fs::write(&script, SCRIPT)?;
    fs::write(folder.join("cases.toml"), CASES)?;
    let config = folder.join("mcp.toml");
    fs::write(
        &config,
        configuration(&workspace, scripted.then_some(script.as_path())),
    )?;
    Ok(config)
}

fn configuration(workspace: &Workspace, script: Option<&Path>) -> String {
    let files = toml::Value::from(workspace.files.to_string_lossy().into_owned());
    let trash = toml::Value::from(workspace.data.to_string_lossy().into_owned());
    let database = toml::Value::from(format!("sqlite:{}", workspace.database.display()));
    let crm = toml::Value::from(format!("sqlite:{}", workspace.crm.display()));
    let model = match script {
        Some(path) => {
            let path = toml::Value::from(path.to_string_lossy().into_owned());
            format!(
                "[model]\nprovider = \"scripted\"  # a script plays the model; its calls are real\nscript = {path}\n\n"
            )
        }
        None => String::new(),
    };
    format!(
        "# The demo's configuration; `mcpdeck --config` opens it again.\n\n{model}\
         [mcp_servers.files]\nbundled = \"filesystem\"\nroots = [{files}]\ndata_dir = {trash}  # what is deleted or replaced is kept here\n\n\
         [mcp_servers.shop]\nbundled = \"database\"\nurl = {database}\n\n\
         [mcp_servers.crm]\nbundled = \"crm\"\nurl = {crm}\n"
    )
}
