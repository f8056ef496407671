//! Files, flags and environment to one [`Config`]: pure, every default in place.
//!
//! A problem in a server's table makes that server a `BrokenServer`; one anywhere else is a [`ConfigError`].

mod launch;
mod model;
mod oauth;
mod policy;
mod server;

use std::time::Duration;

use crate::config::environment::{Environment, Flags};
use crate::config::error::{ConfigError, Problem, sort};
use crate::config::file::{Entry, Node, Source, Table, Value};
use crate::config::reader::{Context, Reader};
use crate::config::settings::{
    AllowRule, Config, Limits, LogLevel, Notify, ThemeChoice, UiSettings,
};
use crate::config::trust::FolderFile;
use crate::ids::ServerName;

pub use model::ModelOrigin;

/// The tables that a file may have.
const TOP: [&str; 7] = [
    "mcp_servers",
    "model",
    "limits",
    "log",
    "allow",
    "ui",
    "roots",
];

/// What other programs call them.
const TOP_ELSEWHERE: [(&str, &str); 4] = [
    ("mcpServers", "mcp_servers"),
    ("servers", "mcp_servers"),
    ("mcp", "mcp_servers"),
    ("theme", "ui.theme"),
];

/// Files that were read, the weakest first, each as a table.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// What each one is.
    pub sources: Vec<Source>,
    /// What each one says.
    pub tables: Vec<Table>,
}

/// A configuration, and what only `config check` tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The configuration.
    pub config: Config,
    /// Where the model's endpoint comes from.
    pub model_origin: ModelOrigin,
    /// The folder's file, where one was read that is not the person's own word.
    pub folder: Option<FolderFile>,
}

/// Resolves everything. `config.files` and `folder` stay empty: only `load` knows the paths.
pub fn resolve(
    files: Files,
    flags: &Flags,
    environment: &Environment,
) -> Result<Resolved, ConfigError> {
    let sources = files.sources;
    let context = Context {
        sources: &sources,
        environment,
    };
    let mut config = Config::default();
    let mut problems = Vec::new();
    let mut merged = Table::default();
    for (at, mut table) in files.tables.into_iter().enumerate() {
        problems.extend(top_level(context, &table));
        let trusted = sources.get(at).is_some_and(|source| source.trusted);
        if let Some(entry) = table.get("allow") {
            if trusted {
                allow(context, entry, &mut config.allow, &mut problems);
            } else {
                config.warnings.push(untrusted(context, entry));
            }
        }
        table.remove(&["allow"]);
        lay(&mut merged, table, context, &mut config.warnings);
    }
    let servers = merged.table("mcp_servers");
    let broken = servers.map(|table| server::servers(context, table, &mut config));
    limits(context, &merged, &mut config.limits, &mut problems);
    log(context, &merged, &mut config.log, &mut problems);
    looks(context, &merged, &mut config.ui, &mut problems);
    let mut reader = Reader::new(context, &merged, "");
    config.roots = reader.folders("roots");
    problems.extend(reader.problems);
    let model_origin = model::model(context, flags, &merged, &mut config, &mut problems);
    if problems.is_empty() {
        return Ok(Resolved {
            config,
            model_origin,
            folder: None,
        });
    }
    // Nothing can start: whatever is wrong is said at once, so that one reading mends the file.
    problems.extend(broken.unwrap_or_default());
    sort(&mut problems);
    Err(ConfigError::Invalid(problems))
}

/// Unknown tables, and tables that are something else. Per file, before the merge hides which file says it.
fn top_level(context: Context<'_>, table: &Table) -> Vec<Problem> {
    let mut reader = Reader::new(context, table, "");
    reader.only(&TOP, &TOP_ELSEWHERE);
    for key in ["mcp_servers", "model", "limits", "log", "ui"] {
        reader.inner(key);
    }
    reader.problems
}

/// Lays a file over those below it. A server that says anew how it is started, and a model that says anew where it is, stand
/// alone: nobody's token goes to a program or an endpoint that another file put in its place.
fn lay(merged: &mut Table, over: Table, context: Context<'_>, warnings: &mut Vec<String>) {
    let below = |key| match merged.get(key).map(|entry| &entry.node.value) {
        Some(Value::Table(table)) => Some(table.clone()),
        _ => None,
    };
    let (servers, model) = (below("mcp_servers"), below("model"));
    if let (Some(mut below), Some(above)) = (servers, over.table("mcp_servers")) {
        for entry in &above.entries {
            let redefines = below.get(&entry.key).is_some()
                && matches!(&entry.node.value, Value::Table(table) if server::says_launch(table));
            if redefines {
                below.remove(&[&entry.key]);
                let place = entry.at.place(context.sources).map(|p| p.to_string());
                warnings.push(format!(
                    "{}: `mcp_servers.{}` replaces the server of this name in your own file as a whole.",
                    place.unwrap_or_default(),
                    entry.key
                ));
            }
        }
        put(merged, "mcp_servers", below);
    }
    if let (Some(mut below), Some(above)) = (model, over.table("model"))
        && (above.get("base_url").is_some() || above.get("provider").is_some())
    {
        below.remove(&model::ENDPOINT);
        put(merged, "model", below);
    }
    merged.overlay(over);
}

fn put(merged: &mut Table, key: &str, table: Table) {
    for entry in &mut merged.entries {
        if entry.key == key {
            entry.node.value = Value::Table(table);
            return;
        }
    }
}

fn untrusted(context: Context<'_>, entry: &Entry) -> String {
    let place = entry.at.place(context.sources).map(|p| p.to_string());
    format!(
        "{}: `[[allow]]` is not honoured in a project's file, because a folder must not allow itself calls; \
         it belongs in your own mcp.toml (see `mcpdeck config path`).",
        place.unwrap_or_default()
    )
}

fn allow(
    context: Context<'_>,
    entry: &Entry,
    rules: &mut Vec<AllowRule>,
    problems: &mut Vec<Problem>,
) {
    let Value::Array(items) = &entry.node.value else {
        let mut problem = context.problem(
            entry.node.at,
            "allow",
            format!("wrong type: {}", entry.node.value.kind()),
        );
        problem.expected = Some("`[[allow]]` tables".to_owned());
        problems.push(problem);
        return;
    };
    for item in items {
        match rule(context, item) {
            Ok(rule) if rules.contains(&rule) => {}
            Ok(rule) => rules.push(rule),
            Err(found) => problems.extend(found),
        }
    }
}

fn rule(context: Context<'_>, item: &Node) -> Result<AllowRule, Vec<Problem>> {
    let Value::Table(table) = &item.value else {
        let mut problem = context.problem(item.at, "allow", "not a table");
        problem.expected = Some("a table with `server`, `tool` and `launch`".to_owned());
        return Err(vec![problem]);
    };
    let mut reader = Reader::new(context, table, "allow");
    let keys = ["server", "tool", "launch"];
    reader.only(&keys, &[]);
    let [server, tool, launch] = keys.map(|key| {
        if !reader.has(key) {
            reader.complain(item.at, key, "missing", "a string");
        }
        reader.literal(key).unwrap_or_default()
    });
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    Ok(AllowRule {
        server: ServerName::new(server),
        tool,
        launch,
    })
}

fn limits(context: Context<'_>, merged: &Table, limits: &mut Limits, problems: &mut Vec<Problem>) {
    let Some(table) = merged.table("limits") else {
        return;
    };
    let mut reader = Reader::new(context, table, "limits");
    let keys = [
        "steps_per_turn",
        "same_call",
        "result_tokens",
        "context_tokens",
        "first_byte_sec",
    ];
    reader.only(&keys, &[]);
    for (key, limit) in [
        ("steps_per_turn", &mut limits.steps_per_turn),
        ("same_call", &mut limits.same_call),
        ("result_tokens", &mut limits.result_tokens),
    ] {
        *limit = reader.whole(key).unwrap_or(*limit);
    }
    let context = reader.whole("context_tokens");
    // Less holds no request at all.
    limits.context_tokens = context
        .map(|tokens| tokens.max(2_000))
        .or(limits.context_tokens);
    if let Some(seconds) = seconds(&mut reader, "first_byte_sec") {
        limits.first_byte = seconds;
    }
    problems.extend(reader.problems);
}

fn log(context: Context<'_>, merged: &Table, level: &mut LogLevel, problems: &mut Vec<Problem>) {
    let Some(table) = merged.table("log") else {
        return;
    };
    let mut reader = Reader::new(context, table, "log");
    reader.only(&["level"], &[]);
    *level = reader.choice("level", &LogLevel::ALL).unwrap_or(*level);
    problems.extend(reader.problems);
}

/// A time in seconds, whole or not; at most a day.
fn seconds(reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
    let seconds = reader.number(key, 0.1, 86_400.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn looks(context: Context<'_>, merged: &Table, ui: &mut UiSettings, problems: &mut Vec<Problem>) {
    let Some(table) = merged.table("ui") else {
        return;
    };
    let mut reader = Reader::new(context, table, "ui");
    reader.only(&["theme", "notify"], &[]);
    let themes = [
        ("auto", ThemeChoice::Auto),
        ("dark", ThemeChoice::Dark),
        ("light", ThemeChoice::Light),
        ("mono", ThemeChoice::Mono),
    ];
    ui.theme = reader.choice("theme", &themes).unwrap_or(ui.theme);
    let ways = [
        ("off", Notify::Off),
        ("bell", Notify::Bell),
        ("desktop", Notify::Desktop),
    ];
    ui.notify = reader.choice("notify", &ways).unwrap_or(ui.notify);
    problems.extend(reader.problems);
}
