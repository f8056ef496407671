//! What is answered to servers where nobody can be asked, and how much of what they log is shown: the flags for it.
//!
//! Without a flag everything is declined. The host answers; this only reads what was said beforehand.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value};

use crate::cli::error::{CliError, ErrorKind};
use crate::config::{Config, LOG_LEVELS};
use crate::host::{Answers, Root, Settings};

/// Every server.
const ANY: &str = "*";

/// The flags.
#[derive(Debug, Clone, Default, Args)]
#[command(
    next_help_heading = "When a server asks or tells something (without these it is declined)"
)]
pub struct ReplyArgs {
    /// Fill in a field of a server's form: KEY=VALUE, or KEY:=JSON; may be given several times
    #[arg(long = "answer", value_name = "KEY=VALUE")]
    pub fields: Vec<String>,
    /// Fill in a server's form with this JSON object; `{}` takes its defaults
    #[arg(long, value_name = "JSON", conflicts_with = "fields")]
    pub answers: Option<String>,
    /// Let a server have the model write something
    #[arg(long)]
    pub allow_sampling: bool,
    /// Tell a server that asks that it may work in this folder; may be given several times
    #[arg(long = "root", value_name = "DIR")]
    pub roots: Vec<PathBuf>,
    /// Say yes to a server that sends you to a web page; the URL is printed, and never opened
    #[arg(long)]
    pub accept_urls: bool,
    /// Accept what this server has changed in its tools since you accepted them; may be given several times, `*` for all
    #[arg(long, value_name = "SERVER")]
    pub accept_tools: Vec<String>,
    /// Show the servers' log messages from this level on, on stderr
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LOG_LEVELS))]
    pub log_level: Option<String>,
}

impl ReplyArgs {
    /// Writes what was said into the settings of a run.
    pub fn apply(&self, settings: &mut Settings, config: &mut Config) -> Result<(), CliError> {
        settings.answers = self.given()?;
        settings.accept_tools.clone_from(&self.accept_tools);
        if !self.roots.is_empty() {
            settings.roots = Some(
                self.roots
                    .iter()
                    .map(|folder| root(folder))
                    .collect::<Result<_, _>>()?,
            );
        }
        if let Some(level) = &self.log_level {
            for server in &mut config.servers {
                server.log_level = Some(level.clone());
            }
        }
        Ok(())
    }

    fn given(&self) -> Result<Answers, CliError> {
        let any = |allowed: bool| allowed.then(|| ANY.to_owned()).into_iter().collect();
        let form = self.form()?;
        Ok(Answers {
            forms: form
                .map(|form| (ANY.to_owned(), form))
                .into_iter()
                .collect(),
            accept_urls: any(self.accept_urls),
            allow_sampling: any(self.allow_sampling),
        })
    }

    fn form(&self) -> Result<Option<Value>, CliError> {
        if let Some(text) = &self.answers {
            return match serde_json::from_str(text) {
                Ok(Value::Object(object)) => Ok(Some(Value::Object(object))),
                Ok(_) => Err(usage(
                    "--answers must be a JSON object, such as '{\"age\": 30}'",
                )),
                Err(error) => Err(usage(format!("--answers is not valid JSON: {error}"))),
            };
        }
        if self.fields.is_empty() {
            return Ok(None);
        }
        let fields: Result<Map<String, Value>, CliError> =
            self.fields.iter().map(|pair| field(pair)).collect();
        Ok(Some(Value::Object(fields?)))
    }
}

/// Whether a level is this one or a graver one. A level that the protocol does not have is shown: better too much.
pub fn is_at_least(level: &str, least: &str) -> bool {
    let place = |level: &str| LOG_LEVELS.iter().position(|known| *known == level);
    place(level).is_none_or(|level| place(least).is_none_or(|least| level >= least))
}

fn field(pair: &str) -> Result<(String, Value), CliError> {
    let Some((key, text)) = pair.split_once('=') else {
        return Err(usage(format!(
            "--answer {pair}: not KEY=VALUE or KEY:=JSON"
        )));
    };
    match key.strip_suffix(':') {
        None => Ok((key.to_owned(), Value::String(text.to_owned()))),
        Some(key) => match serde_json::from_str(text) {
            Ok(value) => Ok((key.to_owned(), value)),
            Err(error) => Err(usage(format!("--answer {pair}: not valid JSON: {error}"))),
        },
    }
}

fn root(folder: &Path) -> Result<Root, CliError> {
    let wrong = |why: String| usage(format!("--root {}: {why}", folder.display()));
    let whole = folder
        .canonicalize()
        .map_err(|error| wrong(error.to_string()))?;
    if !whole.is_dir() {
        return Err(wrong("it is not a folder".to_owned()));
    }
    Root::of(&whole).ok_or_else(|| wrong("it has no URI".to_owned()))
}

fn usage(why: impl Into<String>) -> CliError {
    CliError::new(ErrorKind::Usage, why)
}
