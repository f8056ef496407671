//! What a folder's file would start, reach, pass on and let run without asking: in lines for people.
//!
//! Pure. From the difference that the file makes to the resolved configuration, so that nothing that runs is left out, told in
//! the words of the file itself, so that `${VAR}` stands for the variable and not for what it holds.

use std::collections::BTreeSet;

use crate::config::file::{Entry, Table, Value};
use crate::config::server::{ApprovePolicy, Launch, ServerSpec, quote};
use crate::config::settings::{Config, Provider, UiSettings};
use crate::config::trust::secrets;

/// Keys whose meaning the first line of a server tells.
const LAUNCH: [&str; 4] = ["command", "args", "url", "bundled"];
/// Keys that hold the names of variables.
const NAMES: [&str; 4] = [
    "env_vars",
    "bearer_token_env_var",
    "env_http_headers",
    "api_key_env",
];
/// Columns of a key.
const KEY: usize = 12;

/// What `file` changes about what the person's own files say. Empty where it changes nothing but looks.
pub(crate) fn says(file: &Table, with: &Config, without: &Config) -> Vec<String> {
    if same_but_for_looks(with, without) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for spec in &with.servers {
        let own = without.servers.iter().find(|own| own.name == spec.name);
        if own != Some(spec) {
            let table = file.table("mcp_servers");
            let table = table.and_then(|servers| servers.table(spec.name.as_str()));
            server(spec, own.is_some(), table, &mut lines);
        }
    }
    if with.model != without.model {
        model(with, file.table("model"), &mut lines);
    }
    if with.roots != without.roots {
        lines.push("Folders that servers are told of".to_owned());
        let roots = with.roots.iter().flatten();
        lines.extend(roots.map(|root| fact("folder", &root.to_string_lossy())));
    }
    if let Some(limits) = file
        .table("limits")
        .filter(|_| with.limits != without.limits)
    {
        lines.push("Limits".to_owned());
        lines.extend(
            limits
                .entries
                .iter()
                .map(|entry| fact(&entry.key, &written(entry))),
        );
    }
    if lines.is_empty() {
        // It may take away or break what the person's own files say.
        lines.push("Starts nothing of its own, and changes what your own file starts".to_owned());
    }
    lines
}

fn same_but_for_looks(with: &Config, without: &Config) -> bool {
    let bare = |config: &Config| Config {
        ui: UiSettings::default(),
        files: Vec::new(),
        warnings: Vec::new(),
        ..config.clone()
    };
    bare(with) == bare(without)
}

fn server(spec: &ServerSpec, is_own: bool, table: Option<&Table>, lines: &mut Vec<String>) {
    let mut head = format!("Server {}", spec.name);
    if is_own {
        head.push_str(", in place of or over your own of this name");
    }
    if !spec.enabled {
        head.push_str(", switched off until you switch it on");
    }
    lines.push(head);
    let how = match &spec.launch {
        Launch::Stdio(stdio) => {
            let words = secrets::words(&stdio.shown_words());
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            fact("starts", &words.join(" "))
        }
        Launch::Http(http) => fact("reaches", &secrets::in_url(http.shown_url())),
        Launch::Bundled(_) => fact("starts", &spec.launch.identity()),
    };
    lines.push(how);
    let empty = Table::default();
    let table = table.unwrap_or(&empty);
    for entry in &table.entries {
        if !LAUNCH.contains(&entry.key.as_str()) {
            lines.push(fact(&entry.key, &written(entry)));
        }
    }
    variables(table, lines);
    if spec.approve == ApprovePolicy::Never {
        lines.push("  ! every tool of it runs without asking".to_owned());
    }
    let free = spec.tool_approve.iter();
    let free = free.filter(|(_, policy)| **policy == ApprovePolicy::Never);
    let free: Vec<&str> = free.map(|(tool, _)| tool.as_str()).collect();
    if !free.is_empty() && spec.approve != ApprovePolicy::Never {
        lines.push(format!("  ! run without asking: {}", free.join(", ")));
    }
}

/// A word as a person would type it in a shell; what stands for a hidden value needs no quotes.
fn quoted(word: &str) -> String {
    let bare = word.replace(secrets::MASK, "x");
    match quote(&bare) == bare {
        true => word.to_owned(),
        false => quote(word),
    }
}

fn model(with: &Config, table: Option<&Table>, lines: &mut Vec<String>) {
    lines.push("Model".to_owned());
    let empty = Table::default();
    let table = table.unwrap_or(&empty);
    for entry in &table.entries {
        lines.push(fact(&entry.key, &written(entry)));
    }
    variables(table, lines);
    let model = &with.model;
    match (&model.base_url, &model.api_key) {
        (Some(url), Some(_)) if model.provider == Provider::Openai => {
            let named = table.get("api_key_env").map(written);
            let name = named.unwrap_or_else(|| "OPENAI_API_KEY".to_owned());
            let url = secrets::in_url(url);
            lines.push(format!("  ! your key in {name} goes to {url}"));
        }
        _ => {}
    }
}

/// The variables of the person's environment that the values of a table take in.
fn variables(table: &Table, lines: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    for entry in &table.entries {
        collect(
            &entry.node.value,
            NAMES.contains(&entry.key.as_str()),
            &mut names,
        );
    }
    if !names.is_empty() {
        let names: Vec<String> = names.into_iter().collect();
        lines.push(format!("  ! gets your {}", names.join(", ")));
    }
}

fn collect(value: &Value, is_name: bool, names: &mut BTreeSet<String>) {
    match value {
        Value::String(name) if is_name => {
            names.insert(name.clone());
        }
        Value::String(text) => {
            let mut rest = text.as_str();
            while let Some(at) = rest.find("${") {
                let escaped = rest[..at].ends_with('$');
                rest = &rest[at + 2..];
                let end = rest.find(['}', ':']).unwrap_or(rest.len());
                if !escaped {
                    names.insert(rest[..end].to_owned());
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(&item.value, is_name, names);
            }
        }
        Value::Table(table) => {
            for entry in &table.entries {
                let is_name = is_name || NAMES.contains(&entry.key.as_str());
                collect(&entry.node.value, is_name, names);
            }
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime => {}
    }
}

fn fact(key: &str, value: &str) -> String {
    format!("  {key:<KEY$} {value}")
}

/// A value as the file writes it, without what is not for eyes that pass by.
fn written(entry: &Entry) -> String {
    shown(&entry.key, &entry.node.value)
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => secrets::shown(name, text),
        Value::Integer(Some(number)) => number.to_string(),
        Value::Integer(None) => "a number that is too large".to_owned(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime => "a date or time".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(name, &item.value)).collect();
            items.join(", ")
        }
        Value::Table(table) => {
            let pair = |entry: &Entry| format!("{}={}", entry.key, written(entry));
            let pairs: Vec<String> = table.entries.iter().map(pair).collect();
            pairs.join(" ")
        }
    }
}
