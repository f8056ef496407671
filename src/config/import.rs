//! The JSON of other programs to our TOML: `mcpServers` (Claude Desktop, Cursor and their kin) and VS Code's `servers`.
//!
//! Pure text to text. What cannot be taken over is said in a comment beside it, never dropped without a word.

mod json;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use thiserror::Error;
use toml_edit::Key;

use crate::text::clean;

/// Why there is nothing to import.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImportError {
    /// Not JSON, even with comments and trailing commas allowed.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON, but without servers.
    #[error(
        "no servers in it: expected an object `mcpServers` (Claude Desktop, Cursor) or `servers` (VS Code)"
    )]
    NoServers,
}

/// Turns another program's JSON into TOML that `mcp.toml` takes as it is.
///
/// # Errors
/// When the text is no JSON, or names no servers.
pub fn import(text: &str) -> Result<String, ImportError> {
    let plain = json::plain(text);
    let root: Value =
        serde_json::from_str(&plain).map_err(|error| ImportError::Json(error.to_string()))?;
    let servers = servers(&root).ok_or(ImportError::NoServers)?;
    let inputs = Inputs::new(&root);
    let mut names = BTreeSet::new();
    let blocks: Vec<String> = servers
        .iter()
        .map(|(name, value)| block(name, value, &inputs, &mut names))
        .collect();
    Ok(blocks.join("\n"))
}

fn servers(root: &Value) -> Option<&Map<String, Value>> {
    let places = ["/mcpServers", "/servers", "/mcp/servers", "/mcp/mcpServers"];
    places
        .iter()
        .find_map(|place| root.pointer(place)?.as_object())
}

/// VS Code's `inputs`: what `${input:ID}` asks the person for.
struct Inputs<'j>(&'j [Value]);

impl<'j> Inputs<'j> {
    fn new(root: &'j Value) -> Self {
        let found = ["/inputs", "/mcp/inputs"]
            .iter()
            .find_map(|place| root.pointer(place)?.as_array());
        Self(found.map_or(&[], Vec::as_slice))
    }

    fn description(&self, id: &str) -> Option<&'j str> {
        let input = self.0.iter().find(|input| input["id"] == id)?;
        input["description"].as_str()
    }
}

/// One server's table as it grows.
struct Block<'j> {
    inputs: &'j Inputs<'j>,
    comments: Vec<String>,
    lines: Vec<String>,
}

fn block(name: &str, server: &Value, inputs: &Inputs<'_>, names: &mut BTreeSet<String>) -> String {
    let mut block = Block {
        inputs,
        comments: Vec::new(),
        lines: Vec::new(),
    };
    let ours = unique(name, names);
    if ours != name {
        block.comment(&format!("Called \"{name}\" there."));
    }
    match server.as_object() {
        Some(server) => block.server(server),
        None => block.comment("Not imported: it is not an object."),
    }
    let mut out = String::new();
    for comment in &block.comments {
        let _infallible = writeln!(out, "# {comment}");
    }
    // A table that says nothing of its start would not load: it stays as a comment.
    let whole = block.lines.iter().any(|line| is_launch(line));
    let hash = if whole { "" } else { "# " };
    let _infallible = writeln!(out, "{hash}[mcp_servers.{}]", Key::new(ours));
    for line in &block.lines {
        let _infallible = writeln!(out, "{hash}{line}");
    }
    out
}

fn is_launch(line: &str) -> bool {
    line.starts_with("command = ") || line.starts_with("url = ")
}

/// A name that `mcp.toml` takes, and that no server before it has.
fn unique(name: &str, names: &mut BTreeSet<String>) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let mapped: String = name.chars().take(56).map(plain).collect();
    let trimmed = mapped.trim_matches('-');
    let stem = if name.chars().count() <= 56 && mapped == name && !name.is_empty() {
        name
    } else if trimmed.is_empty() {
        "server"
    } else {
        trimmed
    };
    let mut ours = stem.to_owned();
    let mut number = 2;
    while !names.insert(ours.clone()) {
        ours = format!("{stem}-{number}");
        number += 1;
    }
    ours
}

impl Block<'_> {
    fn comment(&mut self, text: &str) {
        self.comments.push(clean::line(text));
    }

    fn line(&mut self, key: &str, value: impl Into<toml_edit::Value>) {
        self.lines.push(format!("{key} = {}", value.into()));
    }

    fn server(&mut self, server: &Map<String, Value>) {
        let text = |key: &str| server.get(key).and_then(Value::as_str);
        let url = ["url", "serverUrl", "httpUrl"]
            .iter()
            .find_map(|key| text(key));
        let command = text("command").filter(|command| !command.trim().is_empty());
        match (command, url) {
            (Some(command), _) => self.stdio(command, server),
            (None, Some(url)) => self.network(url, server),
            (None, None) => self.comment("Not imported: neither `command` nor `url` is given."),
        }
        let off = server.get("disabled") == Some(&Value::Bool(true))
            || server.get("enabled") == Some(&Value::Bool(false));
        if off {
            self.line("enabled", false);
        }
        self.left(server, command.is_some());
    }

    fn stdio(&mut self, command: &str, server: &Map<String, Value>) {
        let command = self.expandable(command);
        self.line("command", command);
        if let Some(Value::Array(args)) = server.get("args") {
            let args: toml_edit::Array = args
                .iter()
                .map(|arg| self.expandable(&scalar(arg)))
                .collect();
            self.line("args", args);
        }
        if let Some(cwd) = server.get("cwd").and_then(Value::as_str) {
            let cwd = self.expandable(cwd);
            self.line("cwd", cwd);
        }
        if let Some(file) = server.get("envFile").and_then(Value::as_str) {
            self.comment(&format!(
                "It read variables from the file \"{file}\"; mcp.toml has no such key: add them to `env`."
            ));
        }
        if let Some(Value::Object(env)) = server.get("env") {
            self.map("env", env);
        }
    }

    fn network(&mut self, url: &str, server: &Map<String, Value>) {
        let url = self.expandable(url);
        self.line("url", url);
        match server.get("type").and_then(Value::as_str) {
            Some("sse") => self.line("transport", "sse"),
            Some("http" | "streamable-http" | "streamableHttp") => {
                self.line("transport", "streamable-http");
            }
            _ => {}
        }
        if let Some(Value::Object(headers)) = server.get("headers") {
            self.map("http_headers", headers);
        }
    }

    /// A table of strings on one line. VS Code's `null` unsets a variable, which ours does by not naming it.
    fn map(&mut self, key: &str, map: &Map<String, Value>) {
        let mut table = toml_edit::InlineTable::new();
        for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            let value = scalar(value);
            let expandable = self.expandable(&value);
            if looks_secret(name) && expandable == value && !value.contains("${") {
                self.comment(&format!(
                    "`{name}` is written out here: \"${{NAME}}\" would take it from the environment and keep it out of the file."
                ));
            }
            table.insert(name, expandable.into());
        }
        if !table.is_empty() {
            self.line(key, table);
        }
    }

    /// Says what was not taken over.
    fn left(&mut self, server: &Map<String, Value>, stdio: bool) {
        let mut taken = vec!["type", "disabled", "enabled"];
        if stdio {
            taken.extend(["command", "args", "cwd", "env", "envFile"]);
        } else {
            taken.extend(["url", "serverUrl", "httpUrl", "headers"]);
        }
        for key in server.keys().filter(|key| !taken.contains(&key.as_str())) {
            self.comment(&format!("Not imported: \"{key}\"."));
        }
    }

    /// Their variables as ours; a `${` of no known meaning becomes the literal that it would have been.
    fn expandable(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            out.push_str(&rest[..at]);
            let after = &rest[at + 2..];
            let Some(end) = after.find('}') else {
                rest = &rest[at..];
                break;
            };
            let inside = &after[..end];
            match self.variable(inside) {
                Some(ours) => out.push_str(&ours),
                None => {
                    self.comment(&format!(
                        "`${{{inside}}}` has no meaning here and stays as text."
                    ));
                    out.push_str("$${");
                    out.push_str(inside);
                    out.push('}');
                }
            }
            rest = &after[end + 1..];
        }
        out.push_str(&rest.replace("${", "$${"));
        out
    }

    fn variable(&mut self, inside: &str) -> Option<String> {
        let plain = inside.strip_prefix("env:").unwrap_or(inside);
        if let Some(id) = inside.strip_prefix("input:") {
            let name = variable_name(id);
            let asks = self
                .inputs
                .description(id)
                .map_or_else(String::new, |text| format!(" ({text})"));
            self.comment(&format!(
                "Set the variable {name}: there the value is asked for as \"{id}\"{asks}."
            ));
            return Some(format!("${{{name}}}"));
        }
        match inside {
            "userHome" => return Some("${HOME}".to_owned()),
            "/" | "pathSeparator" => return Some("/".to_owned()),
            "workspaceFolder" => {
                self.comment("The workspace folder became `.`, the folder that mcpdeck starts in.");
                return Some(".".to_owned());
            }
            _ => {}
        }
        let name = plain.split_once(":-").map_or(plain, |(name, _)| name);
        crate::config::expand::is_variable(name).then(|| format!("${{{plain}}}"))
    }
}

/// A string as it is; numbers and booleans, which some people write in `args` and `env`, as their text.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "AUTHORIZATION",
        "CREDENTIAL",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// `github-token` to `GITHUB_TOKEN`.
fn variable_name(id: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = id.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("INPUT_{name}")
    }
}
