//! `mcpdeck config check | path | import`: what the configuration says, where it lies, and how to bring one along.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::output;
use crate::config::{self, Config, ConfigError, Environment, Flags, Problem, Resolved, ServerSpec};
use crate::text::{clean, wrap};

/// `mcpdeck config ...`
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: ConfigCommand,
}

/// What there is to do with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read it all and say what it comes to; exit code 2 when anything is wrong.
    Check {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print where your own mcp.toml lies, whether or not it exists yet.
    Path,
    /// Print as TOML what Claude Desktop, Cursor or VS Code have as JSON.
    Import {
        /// The JSON file; `-` for stdin.
        file: PathBuf,
    },
}

/// Runs the subcommand.
pub fn run(args: &ConfigArgs, flags: &Flags) -> Result<ExitCode, CliError> {
    let environment = Environment::read();
    match &args.what {
        ConfigCommand::Check { json } => check(flags, &environment, *json),
        ConfigCommand::Path => path(flags, &environment),
        ConfigCommand::Import { file } => import(file),
    }
}

fn path(flags: &Flags, environment: &Environment) -> Result<ExitCode, CliError> {
    let Some(user) = environment.user_file() else {
        let error = CliError::new(
            ErrorKind::Usage,
            "this machine has no configuration directory",
        );
        return Err(error.hint("set `MCPDECK_CONFIG_DIR` to a folder of your choice"));
    };
    let over = flags.config.as_deref().unwrap_or(Path::new("mcp.toml"));
    let over = environment.cwd.join(over);
    for file in [&user, &over] {
        let state = if file.exists() {
            "is read"
        } else {
            "does not exist"
        };
        output::note(&clean::line(&format!("{}: {state}", file.display())));
    }
    output::data(&format!("{}\n", clean::line(&user.to_string_lossy())));
    Ok(ExitCode::SUCCESS)
}

fn import(file: &Path) -> Result<ExitCode, CliError> {
    let stdin = file == Path::new("-");
    let failed = |reason: String| {
        let name = if stdin {
            "what stdin gave".to_owned()
        } else {
            format!("`{}`", clean::line(&file.to_string_lossy()))
        };
        CliError::new(ErrorKind::Usage, format!("cannot import {name}: {reason}"))
    };
    let text = if stdin {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| failed(error.to_string()))?;
    let toml = config::import(&text).map_err(|error| {
        failed(error.to_string())
            .hint("give it the file that the other program keeps its servers in")
    })?;
    output::data(&toml);
    Ok(ExitCode::SUCCESS)
}

fn check(flags: &Flags, environment: &Environment, json: bool) -> Result<ExitCode, CliError> {
    let resolved = match config::load_explained(flags, environment) {
        Ok(resolved) => resolved,
        Err(error) if json => {
            output::data(&format!("{}\n", failure(&error)));
            return Ok(ExitCode::from(ErrorKind::Usage.code()));
        }
        Err(error) => return Err(refused(&error)),
    };
    let good = good(&resolved.config);
    let report = if json {
        format!("{}\n", as_json(&resolved, environment))
    } else {
        as_text(&resolved, environment)
    };
    output::data(&report);
    Ok(ExitCode::from(if good {
        0
    } else {
        ErrorKind::Usage.code()
    }))
}

/// Whether nothing is wrong but what is switched off.
fn good(config: &Config) -> bool {
    config.broken.iter().all(|server| !server.enabled)
}

/// A configuration that cannot be used, as every subcommand says it.
pub(super) fn refused(error: &ConfigError) -> CliError {
    let refused = CliError::new(ErrorKind::Usage, clean::block(&error.to_string()));
    refused.hint("`mcp.example.toml` shows every key; `mcpdeck config check` tries again")
}

fn failure(error: &ConfigError) -> Value {
    let one = |problem: &Problem| {
        json!({
            "file": problem.place.as_ref().map(|place| place.file.to_string_lossy()),
            "line": problem.place.as_ref().map(|place| place.line),
            "column": problem.place.as_ref().map(|place| place.column),
            "key": problem.key,
            "message": problem.message,
            "expected": problem.expected,
            "nearest": problem.nearest,
        })
    };
    let errors = match error {
        ConfigError::Invalid(problems) => problems.iter().map(one).collect(),
        ConfigError::Read { path, .. } => {
            vec![json!({"file": path.to_string_lossy(), "message": error.to_string()})]
        }
    };
    json!({"ok": false, "errors": errors})
}

fn as_json(resolved: &Resolved, environment: &Environment) -> Value {
    let Config {
        servers,
        broken,
        model,
        ..
    } = &resolved.config;
    let server = |spec: &ServerSpec| {
        json!({
            "name": spec.name,
            "ok": true,
            "enabled": spec.enabled,
            "required": spec.required,
            "launch": launch(spec, environment),
        })
    };
    let bad = broken.iter().map(|server| {
        json!({
            "name": server.name,
            "ok": !server.enabled,
            "enabled": server.enabled,
            "required": server.required,
            "error": server.error,
        })
    });
    json!({
        "ok": good(&resolved.config),
        "files": resolved.config.files,
        "user_file": resolved.config.user_file,
        "servers": servers.iter().map(server).chain(bad).collect::<Vec<_>>(),
        "model": {
            "provider": model.provider,
            "base_url": model.base_url,
            "name": model.name,
            "has_key": model.api_key.is_some(),
            "from": resolved.model_origin.to_string(),
        },
        "allow": resolved.config.allow,
        "warnings": resolved.config.warnings,
    })
}

fn as_text(resolved: &Resolved, environment: &Environment) -> String {
    let config = &resolved.config;
    let mut out = String::from("Files, the weakest first\n");
    if config.files.is_empty() {
        out.push_str("  none\n");
    }
    for file in &config.files {
        let _infallible = writeln!(out, "  {}", file.display());
    }
    out.push_str("Servers\n");
    out.push_str(&servers(config, environment));
    let _infallible = writeln!(out, "Model\n  {}", model(resolved));
    if !config.warnings.is_empty() {
        out.push_str("Warnings\n");
    }
    for warning in &config.warnings {
        let _infallible = writeln!(out, "  {warning}");
    }
    clean::block(&out)
}

fn servers(config: &Config, environment: &Environment) -> String {
    let names = config.servers.iter().map(|spec| spec.name.as_str());
    let names = names.chain(config.broken.iter().map(|server| server.name.as_str()));
    let widest = names.map(|name| wrap::width(&clean::line(name))).max();
    let Some(widest) = widest else {
        return "  none\n".to_owned();
    };
    let widest = widest.min(32);
    let mut out = String::new();
    for spec in &config.servers {
        let state = if spec.enabled { "good" } else { "off " };
        let name = wrap::pad(&clean::line(spec.name.as_str()), widest);
        let launch = clean::line(&launch(spec, environment));
        let _infallible = writeln!(out, "  {name}  {state}  {launch}");
    }
    for server in &config.broken {
        let name = wrap::pad(&clean::line(server.name.as_str()), widest);
        let state = if server.enabled { "wrong" } else { "off" };
        let _infallible = writeln!(out, "  {name}  {state}");
        for line in clean::block(&server.error).lines() {
            let _infallible = writeln!(out, "    {line}");
        }
    }
    out
}

fn model(resolved: &Resolved) -> String {
    let settings = &resolved.config.model;
    let mut parts = Vec::new();
    if let Some(script) = &settings.script {
        parts.push(format!("script {}", script.display()));
    }
    if let Some(url) = &settings.base_url {
        parts.push(url.clone());
        let name = settings.name.as_deref();
        parts.push(name.map_or_else(
            || "its first model".to_owned(),
            |name| format!("model {name}"),
        ));
        let key = settings.api_key.is_some();
        parts.push(if key { "with a key" } else { "without a key" }.to_owned());
    }
    let what = if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    };
    format!("{what} (from: {})", resolved.model_origin)
}

/// How a server is started, without the values of variables that look like secrets: `${TOKEN}` in `args` is common.
fn launch(spec: &ServerSpec, environment: &Environment) -> String {
    let mut text = spec.launch.identity();
    let secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        ["KEY", "TOKEN", "SECRET", "PASSWORD"]
            .iter()
            .any(|word| name.contains(word))
    };
    for (name, value) in &environment.vars {
        if value.len() >= 8 && secret(name) {
            text = text.replace(value.as_str(), "***");
        }
    }
    text
}
