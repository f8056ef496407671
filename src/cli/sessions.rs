//! `mcpdeck sessions list | show | rename | delete | export`: the saved conversations, without a server and without a model.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use chrono::{DateTime, Datelike, Local, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::{CliError, ErrorKind};
use crate::cli::{output, setup};
use crate::driver::sessions::{Store, store};
use crate::host::session::Summary;
use crate::ids::Moment;
use crate::text::{clean, human, wrap};

/// Columns of a name in the list.
const NAME: usize = 48;

/// `mcpdeck sessions ...`
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SessionsCommand,
}

/// The words after `sessions`. An ID may be given by its beginning.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// List the saved conversations, the last one first
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        /// All of them, not only the last 300
        #[arg(long)]
        all: bool,
    },
    /// Print one as Markdown
    Show {
        /// Which
        id: String,
    },
    /// Give one a name
    Rename {
        /// Which
        id: String,
        /// The name
        title: String,
    },
    /// Delete one for good
    Delete {
        /// Which
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Write one as Markdown or as JSON
    Export {
        /// Which
        id: String,
        /// As Markdown, which is what is written without a flag
        #[arg(long, conflicts_with = "json")]
        md: bool,
        /// As one JSON document
        #[arg(long)]
        json: bool,
        /// Into this new file instead of stdout
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// Runs the subcommand.
pub fn run(args: &SessionsArgs) -> Result<ExitCode, CliError> {
    let store = Store::of(&setup::data_dir());
    match &args.command {
        SessionsCommand::List { json, all } => list(&store, *json, *all)?,
        SessionsCommand::Show { id } => output::lines(&exported(&store, id, false)?),
        SessionsCommand::Rename { id, title } => {
            let id = store.find(id).map_err(refused)?;
            store.rename(&id, title).map_err(failed)?;
            output::note(&format!(
                "session {id} is called “{}” now",
                clean::line(title)
            ));
        }
        SessionsCommand::Delete { id, yes } => delete(&store, id, *yes)?,
        SessionsCommand::Export {
            id, json, output, ..
        } => {
            let text = exported(&store, id, *json)?;
            match output {
                Some(file) => write(file, &text)?,
                None => output::lines(&text),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(why: String) -> CliError {
    CliError::new(ErrorKind::Usage, why)
}

fn failed(why: String) -> CliError {
    CliError::new(ErrorKind::Tool, why)
}

fn list(store: &Store, as_json: bool, all: bool) -> Result<(), CliError> {
    let most = if all { usize::MAX } else { store::LISTED };
    let shelf = store.list(most, SystemTime::now());
    if let Some(trouble) = shelf.trouble {
        return Err(failed(trouble));
    }
    if as_json {
        let sessions: Vec<Value> = shelf.sessions.iter().map(summary_json).collect();
        let document = json!({ "sessions": sessions, "more": shelf.more });
        output::json(&document);
        return Ok(());
    }
    if shelf.sessions.is_empty() {
        output::note("no conversation is saved");
    }
    for session in &shelf.sessions {
        output::data(&row(session));
    }
    if shelf.more > 0 {
        output::note(&format!(
            "{} older ones: `mcpdeck sessions list --all`",
            shelf.more
        ));
    }
    Ok(())
}

fn row(session: &Summary) -> String {
    let name = wrap::pad(&wrap::truncate(&clean::line(&session.name), NAME), NAME);
    let s = if session.turns == 1 { "" } else { "s" };
    let mut about = vec![
        format!("{} turn{s}", session.turns),
        human::ago(session.age),
        clean::line(&session.folder.display().to_string()),
    ];
    let (sent, told) = session.tokens;
    if sent + told > 0 {
        let (sent, told) = (human::count(sent), human::count(told));
        about.insert(2, format!("{sent} in, {told} out"));
    }
    about.extend(session.open.then(|| "open in a window".to_owned()));
    about.extend(session.trouble.as_deref().map(clean::line));
    format!("{}  {name}  {}\n", session.id, about.join(" · "))
}

fn summary_json(session: &Summary) -> Value {
    json!({
        "id": session.id,
        "title": session.name,
        "folder": session.folder,
        "config": session.config,
        "started": utc(session.started),
        "last": utc(session.last),
        "turns": session.turns,
        "usage": { "prompt_tokens": session.tokens.0, "completion_tokens": session.tokens.1 },
        "open": session.open,
        "trouble": session.trouble,
    })
}

fn exported(store: &Store, part: &str, as_json: bool) -> Result<String, CliError> {
    let id = store.find(part).map_err(refused)?;
    let record = store.read(&id).map_err(failed)?;
    Ok(match as_json {
        true => clean::json(format!("{:#}\n", record.json(utc))),
        false => record.markdown(local),
    })
}

fn delete(store: &Store, part: &str, yes: bool) -> Result<(), CliError> {
    let id = store.find(part).map_err(refused)?;
    if !yes {
        if !std::io::stdin().is_terminal() {
            let what = format!("session {id} was not deleted: there is nobody to ask");
            return Err(refused(what).hint("--yes deletes it without a question"));
        }
        let name = store.read(&id).map(|record| record.name());
        let name = name.unwrap_or_else(|_| "a session that cannot be read".to_owned());
        output::note(&format!(
            "Delete “{}” ({id}) for good? [y/N]",
            clean::line(&name)
        ));
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
        if read.is_err() || !is_yes {
            return Err(refused(format!("session {id} was not deleted")));
        }
    }
    store.delete(&id).map_err(failed)?;
    output::note(&format!("session {id} is deleted"));
    Ok(())
}

/// Nothing is ever written over.
fn write(file: &Path, text: &str) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options
        .open(file)
        .and_then(|mut out| out.write_all(text.as_bytes()));
    written.map_err(|error| {
        let what = format!("cannot write {}: {error}", file.display());
        CliError::new(ErrorKind::Usage, what).hint("give --output a file that does not exist yet")
    })
}

fn utc(moment: Moment) -> String {
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    time(moment).map_or_else(String::new, text)
}

fn local(moment: Moment) -> String {
    let text = |time: DateTime<Utc>| {
        time.with_timezone(&Local)
            .format("%Y-%m-%d %H:%M")
            .to_string()
    };
    time(moment).map_or_else(|| "at some time".to_owned(), text)
}

/// What a file says may be no time at all.
fn time(moment: Moment) -> Option<DateTime<Utc>> {
    let time = DateTime::from_timestamp_micros(i64::try_from(moment.0).ok()?)?;
    (time.year() <= 9999).then_some(time)
}
