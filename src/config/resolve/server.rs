//! One `[mcp_servers.NAME]` table to a [`ServerSpec`], or to a [`BrokenServer`] with everything that is wrong with it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::error::{Problem, lines, sort};
use crate::config::file::{Entry, Table, Value};
use crate::config::policy::Policy;
use crate::config::reader::{Context, Reader};
use crate::config::resolve::{launch, policy, seconds};
use crate::config::server::{ApprovePolicy, LOG_LEVELS, ProtocolChoice, ServerSpec};
use crate::config::settings::{BrokenServer, Config};
use crate::ids::ServerName;

/// Every key of a server's table: ours, and those that the convention has too.
const KEYS: [&str; 32] = [
    "command",
    "args",
    "env",
    "env_vars",
    "cwd",
    "url",
    "bearer_token_env_var",
    "http_headers",
    "env_http_headers",
    "transport",
    "oauth",
    "bundled",
    "roots",
    "data_dir",
    "access",
    "enabled",
    "required",
    "startup_timeout_sec",
    "startup_timeout_ms",
    "tool_timeout_sec",
    "enabled_tools",
    "disabled_tools",
    "log_level",
    "protocol",
    "approve",
    "tools",
    "description",
    "calls_at_once",
    "calls_per_minute",
    "call_limit_sec",
    "list_ttl_sec",
    "confine",
];

/// Keys of other programs that people paste and that change nothing here: read past with a warning.
const IGNORED: [&str; 6] = [
    "type",
    "scopes",
    "oauth_resource",
    "supports_parallel_tool_calls",
    "default_tools_approval_mode",
    "experimental_environment",
];

/// What other programs call them.
const ELSEWHERE: [(&str, &str); 12] = [
    ("headers", "http_headers"),
    ("timeout", "tool_timeout_sec"),
    ("timeout_sec", "tool_timeout_sec"),
    ("disabled", "enabled"),
    ("bearer_token", "bearer_token_env_var"),
    ("token", "bearer_token_env_var"),
    ("cmd", "command"),
    ("environment", "env"),
    ("root", "roots"),
    ("directory", "cwd"),
    ("autoApprove", "approve"),
    ("alwaysAllow", "approve"),
];

const POLICIES: [(&str, ApprovePolicy); 3] = [
    ("always", ApprovePolicy::Always),
    ("writes", ApprovePolicy::Writes),
    ("never", ApprovePolicy::Never),
];

/// Whether a table says how its server is started or reached.
pub(super) fn says_launch(table: &Table) -> bool {
    launch::WAYS.iter().any(|key| table.get(key).is_some())
}

/// Reads every server on its own. Returns what is wrong with those that are on, for when the rest of the file is wrong too.
pub(super) fn servers(context: Context<'_>, table: &Table, config: &mut Config) -> Vec<Problem> {
    let mut wrong = Vec::new();
    for entry in &table.entries {
        match server(context, entry, &mut config.warnings) {
            Ok(spec) => {
                config.servers.push(spec);
            }
            Err(mut problems) => {
                sort(&mut problems);
                let error = lines(&problems);
                // What is off needs no variable; anything else that is wrong is a slip all the same.
                let harmless = says(entry, "enabled", false) && problems.iter().all(|p| p.unset);
                if harmless {
                    config.warnings.push(error.clone());
                }
                config.broken.push(BrokenServer {
                    name: ServerName::new(&entry.key),
                    error,
                    required: says(entry, "required", true),
                    enabled: !harmless,
                });
                if !harmless {
                    wrong.extend(problems);
                }
            }
        }
    }
    wrong
}

/// Whether a server's table says this of a key, where that can be read.
fn says(entry: &Entry, key: &str, truth: bool) -> bool {
    let Value::Table(table) = &entry.node.value else {
        return false;
    };
    let said = table.get(key).map(|said| &said.node.value);
    said == Some(&Value::Boolean(truth))
}

/// The reader of one server's table.
fn reader<'c>(context: Context<'c>, entry: &'c Entry) -> Result<Reader<'c>, Vec<Problem>> {
    let full = format!("mcp_servers.{}", entry.key);
    let Value::Table(table) = &entry.node.value else {
        let message = format!("wrong type: {}", entry.node.value.kind());
        let mut problem = context.problem(entry.node.at, &full, message);
        problem.expected = Some(format!("a table: `[{full}]`"));
        return Err(vec![problem]);
    };
    Ok(Reader::new(context, table, full))
}

fn server(
    context: Context<'_>,
    entry: &Entry,
    warnings: &mut Vec<String>,
) -> Result<ServerSpec, Vec<Problem>> {
    let mut reader = reader(context, entry)?;
    name(&mut reader, entry);
    keys(&mut reader, warnings);
    let launch = launch::launch(&mut reader, entry.at);
    let startup = startup(&mut reader);
    let mut policy = policy::policy(&mut reader);
    let spec = ServerSpec {
        name: ServerName::new(&entry.key),
        enabled: reader.boolean("enabled").unwrap_or(true),
        required: reader.boolean("required").unwrap_or(false),
        startup_timeout: startup.unwrap_or(Duration::from_secs(30)),
        tool_timeout: seconds(&mut reader, "tool_timeout_sec").unwrap_or(Duration::from_secs(120)),
        enabled_tools: reader.words("enabled_tools"),
        disabled_tools: reader.words("disabled_tools").unwrap_or_default(),
        roots: match reader.has("bundled") {
            // Beside `bundled`, the key is the launch's own.
            true => None,
            false => reader.folders("roots"),
        },
        log_level: reader
            .choice("log_level", &LOG_LEVELS.map(|level| (level, level)))
            .map(str::to_owned),
        protocol: protocol(&mut reader),
        approve: reader.choice("approve", &POLICIES).unwrap_or_default(),
        tool_approve: tools(&mut reader, &mut policy, warnings),
        policy: Box::new(policy),
        launch: match launch {
            Some(launch) => launch,
            None => return Err(reader.problems),
        },
    };
    if reader.problems.is_empty() {
        Ok(spec)
    } else {
        Err(reader.problems)
    }
}

/// A name becomes part of tool names, of rules and of `SERVER.TOOL` patterns.
fn name(reader: &mut Reader<'_>, entry: &Entry) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let good = (1..=64).contains(&entry.key.len()) && entry.key.chars().all(plain);
    if !good {
        let mut problem = reader.context.problem(
            entry.at,
            "mcp_servers",
            format!("`{}` cannot be a server's name", entry.key),
        );
        problem.expected = Some("1 to 64 letters `a-z`, digits, `-` or `_`".to_owned());
        reader.problems.push(problem);
    }
}

fn keys(reader: &mut Reader<'_>, warnings: &mut Vec<String>) {
    let ignored: Vec<&Entry> = reader
        .table
        .entries
        .iter()
        .filter(|entry| IGNORED.contains(&entry.key.as_str()))
        .collect();
    for entry in &ignored {
        let place = entry.at.place(reader.context.sources);
        warnings.push(format!(
            "{}: `{}` is another program's key and has no effect here.",
            place.map(|place| place.to_string()).unwrap_or_default(),
            reader.full(&entry.key)
        ));
    }
    let known: Vec<&str> = if ignored.is_empty() {
        KEYS.to_vec()
    } else {
        KEYS.iter().chain(&IGNORED).copied().collect()
    };
    reader.only(&known, &ELSEWHERE);
    reader.string("description");
}

fn startup(reader: &mut Reader<'_>) -> Option<Duration> {
    let millis = reader.number("startup_timeout_ms", 100.0, 86_400_000.0);
    seconds(reader, "startup_timeout_sec")
        .or(millis.and_then(|millis| Duration::try_from_secs_f64(millis / 1000.0).ok()))
}

fn protocol(reader: &mut Reader<'_>) -> ProtocolChoice {
    let choices = [
        ("auto", ProtocolChoice::Auto),
        ("modern", ProtocolChoice::Modern),
        ("legacy", ProtocolChoice::Legacy),
    ];
    reader.choice("protocol", &choices).unwrap_or_default()
}

/// `[mcp_servers.NAME.tools.TOOL]`: `approve`, what is of [`policy`], and past `approval_mode`, which the convention has there.
fn tools(
    reader: &mut Reader<'_>,
    rules: &mut Policy,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, ApprovePolicy> {
    let mut out = BTreeMap::new();
    let Some(tools) = reader.inner("tools") else {
        return out;
    };
    for entry in &tools.entries {
        let full = reader.full(&format!("tools.{}", entry.key));
        let Value::Table(table) = &entry.node.value else {
            reader.complain(
                entry.node.at,
                &format!("tools.{}", entry.key),
                format!("wrong type: {}", entry.node.value.kind()),
                format!("a table: `[{full}]`"),
            );
            continue;
        };
        let mut inner = Reader::new(reader.context, table, full);
        if let Some(theirs) = table.get("approval_mode") {
            let place = theirs.at.place(reader.context.sources);
            warnings.push(format!(
                "{}: `{}` is another program's key and has no effect here; ours is `approve`.",
                place.map(|place| place.to_string()).unwrap_or_default(),
                inner.full("approval_mode")
            ));
            inner.only(
                &["approve", "approval_mode", "repeatable", "cache_sec"],
                &[],
            );
        } else {
            inner.only(&["approve", "repeatable", "cache_sec"], &[]);
        }
        policy::tool(&mut inner, &entry.key, rules);
        if let Some(policy) = inner.choice("approve", &POLICIES) {
            out.insert(entry.key.clone(), policy);
        }
        reader.problems.append(&mut inner.problems);
    }
    out
}
