//! One file's text to a [`Suite`]: the server and the model through `resolve`, the cases key by key.

use std::path::Path;

use serde_json::Value as Json;

use crate::config::cases::expect::expect;
use crate::config::cases::value::{JSON_VALUES, json_of, tables};
use crate::config::cases::{Act, Case, OWN_NAME, Suite, Under};
use crate::config::environment::{Environment, Flags};
use crate::config::error::{ConfigError, Problem, sort};
use crate::config::file::{self, At, Entry, Node, Source, Table, Value};
use crate::config::reader::{Context, Reader, one_of};
use crate::config::resolve::{Files, resolve};
use crate::ids::ServerName;

/// The keys of a file.
const TOP: [&str; 4] = ["server", "model", "approve", "case"];
/// What people call them.
const TOP_ELSEWHERE: [(&str, &str); 4] = [
    ("cases", "case"),
    ("test", "case"),
    ("tests", "case"),
    ("mcp_servers", "server"),
];
/// The keys of a case.
const CASE: [&str; 8] = [
    "name",
    "call",
    "read",
    "prompt",
    "ask",
    "arguments",
    "expect",
    "skip",
];
const CASE_ELSEWHERE: [(&str, &str); 4] = [
    ("tool", "call"),
    ("args", "arguments"),
    ("uri", "read"),
    ("resource", "read"),
];
/// What a case does: exactly one of them.
const ACTS: [&str; 4] = ["call", "read", "prompt", "ask"];

pub(super) fn suite(
    text: &str,
    path: &Path,
    flags: &Flags,
    environment: &Environment,
) -> Result<Suite, Vec<String>> {
    let shown = path.strip_prefix(&environment.cwd).unwrap_or(path);
    let sources = [source(path, shown)];
    let table = file::parse(text, 0, &sources).map_err(|problem| vec![problem.to_string()])?;
    let context = Context {
        sources: &sources,
        environment,
    };
    let model = table.get("model").is_some() || flags.model_url.is_some();
    let mut reader = Reader::new(context, &table, "");
    let said = said(&mut reader, model);
    let mut problems = reader.problems;
    let (resolved, broken) = surroundings(&table, &sources, flags, environment, &mut problems);
    sort(&mut problems);
    let mut found: Vec<String> = problems.iter().map(Problem::to_string).collect();
    found.extend(broken);
    let (Some(config), true) = (resolved, found.is_empty()) else {
        return Err(found);
    };
    let own = config.servers.into_iter().next().map(Box::new);
    let Some(server) = said.named.map(Under::Named).or(own.map(Under::Own)) else {
        return Err(vec![format!("{}: server: missing", shown.display())]);
    };
    Ok(Suite {
        shown: shown.to_path_buf(),
        server,
        model: model.then(|| Box::new(config.model)),
        approve: said.approve,
        warnings: config.warnings,
        cases: said.cases,
    })
}

/// Whoever names a file by hand means it, as with `--config`.
fn source(path: &Path, shown: &Path) -> Source {
    Source {
        shown: shown.to_path_buf(),
        folder: path.parent().unwrap_or(Path::new("")).to_path_buf(),
        trusted: true,
    }
}

/// What only a test file says.
struct Said {
    named: Option<ServerName>,
    approve: Vec<String>,
    cases: Vec<Case>,
}

fn said(reader: &mut Reader<'_>, model: bool) -> Said {
    reader.only(&TOP, &TOP_ELSEWHERE);
    let said = Said {
        named: named(reader),
        approve: reader.words("approve").unwrap_or_default(),
        cases: cases(reader),
    };
    let mut acts = said.cases.iter().map(|case| &case.act);
    if !model && acts.any(|act| matches!(act, Act::Ask { .. })) {
        let expected =
            "a table `[model]`, such as one with `provider = \"scripted\"` and `script = \"FILE\"`";
        let message = "missing, and a case asks a model";
        reader.complain(first(), "model", message, expected);
    }
    said
}

/// The beginning of the file, for what is missing in it.
fn first() -> At {
    At {
        line: 1,
        column: 1,
        ..At::default()
    }
}

/// `server = "NAME"`; a table is read by [`surroundings`], and anything else is complained about here.
fn named(reader: &mut Reader<'_>) -> Option<ServerName> {
    let expected = "the name of a server of mcp.toml, or a table `[server]` with `command`, `url` or `bundled`";
    let Some(entry) = reader.entry("server") else {
        reader.complain(first(), "server", "missing", expected);
        return None;
    };
    match &entry.node.value {
        Value::String(name) => Some(ServerName::new(name)),
        Value::Table(_) => None,
        other => {
            let message = format!("wrong type: {}", other.kind());
            reader.complain(entry.node.at, "server", message, expected);
            None
        }
    }
}

/// `[server]` and `[model]` as the configuration reads them. What it finds wrong with the server comes as text.
fn surroundings(
    table: &Table,
    sources: &[Source],
    flags: &Flags,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> (Option<crate::config::Config>, Vec<String>) {
    let mut entries = Vec::new();
    for entry in &table.entries {
        match (entry.key.as_str(), &entry.node.value) {
            ("server", Value::Table(_)) => entries.push(servers(entry)),
            ("model", _) => entries.push(entry.clone()),
            _ => {}
        }
    }
    let files = Files {
        sources: sources.to_vec(),
        tables: vec![Table { entries }],
    };
    match resolve(files, flags, environment) {
        Ok(resolved) => {
            let broken = &resolved.config.broken;
            let broken = broken.iter().map(|broken| renamed(&broken.error)).collect();
            (Some(resolved.config), broken)
        }
        Err(ConfigError::Invalid(found)) => {
            problems.extend(found.into_iter().map(|problem| Problem {
                key: renamed(&problem.key),
                ..problem
            }));
            (None, Vec::new())
        }
        Err(error) => (None, vec![error.to_string()]),
    }
}

/// The table `[server]` as `[mcp_servers.server]`.
fn servers(entry: &Entry) -> Entry {
    let inner = Entry {
        key: OWN_NAME.to_owned(),
        ..entry.clone()
    };
    let value = Value::Table(Table {
        entries: vec![inner],
    });
    Entry {
        key: "mcp_servers".to_owned(),
        at: entry.at,
        node: Node {
            at: entry.node.at,
            value,
        },
    }
}

/// The keys as this file has them.
fn renamed(text: &str) -> String {
    text.replace("mcp_servers.server", "server")
}

fn cases(reader: &mut Reader<'_>) -> Vec<Case> {
    let Some(entry) = reader.entry("case") else {
        reader.complain(first(), "case", "missing", "at least one table `[[case]]`");
        return Vec::new();
    };
    let mut cases: Vec<Case> = Vec::new();
    for (at, table) in tables(reader, entry, "case") {
        let mut inner = Reader::new(reader.context, table, "case");
        let case = case(&mut inner, at);
        reader.problems.append(&mut inner.problems);
        let Some(mut case) = case else {
            continue;
        };
        if cases.iter().any(|other| other.name == case.name) {
            let line = case.place.as_ref().map_or(0, |place| place.line);
            case.name = format!("{} (line {line})", case.name);
        }
        cases.push(case);
    }
    cases
}

fn case(reader: &mut Reader<'_>, at: At) -> Option<Case> {
    reader.only(&CASE, &CASE_ELSEWHERE);
    let act = act(reader, at);
    let skip = reader.literal("skip");
    let name = reader.literal("name");
    let is_ask = matches!(act, Some(Act::Ask { .. }));
    let expect = expect(reader, is_ask);
    let act = act?;
    Some(Case {
        name: name.unwrap_or_else(|| act.title()),
        place: at.place(reader.context.sources),
        act,
        skip,
        expect,
    })
}

fn act(reader: &mut Reader<'_>, at: At) -> Option<Act> {
    let said: Vec<&str> = ACTS.into_iter().filter(|key| reader.has(key)).collect();
    let expected = format!("exactly {}", one_of(ACTS));
    let key = match said.as_slice() {
        [key] => *key,
        [] => {
            reader.complain(at, "", "does nothing", expected);
            return None;
        }
        [first, second, ..] => {
            let message = format!("both `{first}` and `{second}`");
            reader.complain(at, "", message, expected);
            return None;
        }
    };
    if let (Some(entry), "read" | "ask") = (reader.entry("arguments"), key) {
        let message = format!("has no meaning beside `{key}`");
        reader.complain(
            entry.at,
            "arguments",
            message,
            "this key only beside `call` or `prompt`",
        );
    }
    let arguments = arguments(reader, key == "prompt");
    let what = reader.literal(key)?;
    Some(match key {
        "call" => Act::Call {
            tool: what,
            arguments,
        },
        "read" => Act::Read { uri: what },
        "prompt" => Act::Prompt {
            prompt: what,
            arguments,
        },
        _ => Act::Ask { text: what },
    })
}

/// The arguments: a table, or a text that holds a JSON object. Those of a prompt are texts.
fn arguments(reader: &mut Reader<'_>, are_texts: bool) -> String {
    let nothing = || "{}".to_owned();
    let Some(entry) = reader.entry("arguments") else {
        return nothing();
    };
    let expected = "a table, or a text with a JSON object";
    let value = match &entry.node.value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                let message = format!("not valid JSON: {error}");
                reader.complain(entry.node.at, "arguments", message, expected);
                return nothing();
            }
        },
        _ => match json_of(&entry.node) {
            Ok(value) => value,
            Err((at, why)) => {
                reader.complain(at, "arguments", why, JSON_VALUES);
                return nothing();
            }
        },
    };
    let Json::Object(object) = &value else {
        reader.complain(entry.node.at, "arguments", "no object", expected);
        return nothing();
    };
    if are_texts && object.values().any(|value| !value.is_string()) {
        let expected = "texts: a prompt takes nothing else";
        reader.complain(entry.node.at, "arguments", "a value is no text", expected);
    }
    value.to_string()
}

impl Act {
    /// What is done, for a case without a name.
    pub fn title(&self) -> String {
        match self {
            Self::Call { tool, .. } => format!("call {tool}"),
            Self::Read { uri } => format!("read {uri}"),
            Self::Prompt { prompt, .. } => format!("prompt {prompt}"),
            Self::Ask { text } => format!("ask {text}"),
        }
    }
}
