//! Lines that reach into a server: `/server:prompt key=value`, `/read`, `/subscribe`, `/unsubscribe`, `/log`.
//!
//! Pure. Called by `slash`, which knows the other commands.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::app::intent::{Intent, Reaching};
use crate::app::slash::{self, word};
use crate::app::suggest::LEVELS;
use crate::host::{Host, Server};
use crate::ids::ServerName;
use crate::mcp::prompt::Prompt;
use crate::mcp::request::Errand;
use crate::text::nearest;

/// `/read SERVER URI` and its like.
pub(super) fn with_uri(name: &str, rest: &str, host: &Host) -> Result<Intent, String> {
    let (server, uri) = word(rest);
    // As it stands in a message, it is good too.
    let mentioned = server
        .strip_prefix('@')
        .and_then(|both| both.split_once(':'));
    let (server, uri) = match mentioned {
        Some((server, start)) if uri.is_empty() => (server, start),
        _ => (server, uri),
    };
    let server = slash::server(name, server, host)?;
    let uri = uri.trim();
    if uri.is_empty() {
        return Err(format!(
            "`/{name} SERVER URI` needs a URI; `/resources` lists them."
        ));
    }
    let uri = uri.to_owned();
    let what = match name {
        "read" => return Ok(Intent::Reach(Reaching::Read { server, uri })),
        "subscribe" => Errand::Subscribe { uri },
        _ => Errand::Unsubscribe { uri },
    };
    Ok(Intent::Reach(Reaching::Errand { server, what }))
}

/// `/log SERVER LEVEL`.
pub(super) fn log(rest: &str, host: &Host) -> Result<Intent, String> {
    let (server, level) = word(rest);
    let server = slash::server("log", server, host)?;
    let level = level.trim();
    if !LEVELS.split('|').any(|known| known == level) {
        let all = LEVELS.replace('|', ", ");
        return Err(format!("`/log {server} LEVEL` takes one of {all}."));
    }
    let level = level.to_owned();
    Ok(Intent::Reach(Reaching::Errand {
        server,
        what: Errand::SetLogLevel { level },
    }))
}

/// `/server:prompt key=value ...`: nothing where there is no such server, for then it may be a text like any other.
pub(super) fn prompt(name: &str, rest: &str, host: &Host) -> Option<Result<Intent, String>> {
    let (server, prompt) = name.split_once(':')?;
    let server = host.server(&ServerName::new(server))?;
    Some(named(server, prompt).and_then(|prompt| filled(server, prompt, rest)))
}

fn named<'a>(server: &'a Server, name: &str) -> Result<&'a Prompt, String> {
    let of = &server.name;
    if let Some(prompt) = server.prompts.iter().find(|prompt| prompt.name == name) {
        return Ok(prompt);
    }
    let names = server.prompts.iter().map(|prompt| prompt.name.as_str());
    Err(match nearest(name, names) {
        Some(near) => format!("`{of}` has no prompt `{name}`; did you mean `/{of}:{near}`?"),
        None if server.prompts.is_empty() => format!("`{of}` lists no prompts."),
        None => format!("`{of}` has no prompt `{name}`; `/prompts` lists them."),
    })
}

fn filled(server: &Server, prompt: &Prompt, rest: &str) -> Result<Intent, String> {
    // All of them are texts, whatever they look like.
    let text = |argument: &crate::mcp::prompt::PromptArgument| {
        (argument.name.clone(), json!({"type": "string"}))
    };
    let fields: Map<String, Value> = prompt.arguments.iter().map(text).collect();
    let schema = json!({ "properties": fields });
    let arguments = slash::parse_args(rest, Some(&schema))?;
    let object: Map<String, Value> = serde_json::from_str(&arguments).unwrap_or_default();
    let mut given = BTreeMap::new();
    for (key, value) in object {
        if !fields.contains_key(&key) {
            return Err(unknown(server, prompt, &key));
        }
        let Value::String(value) = value else {
            return Err(format!("`{key}` of a prompt is always a text."));
        };
        given.insert(key, value);
    }
    let needed = |argument: &crate::mcp::prompt::PromptArgument| {
        argument.required && !given.contains_key(&argument.name)
    };
    let (server, name) = (server.name.clone(), prompt.name.clone());
    if prompt.arguments.iter().any(needed) {
        return Ok(Intent::Reach(Reaching::FillPrompt {
            server,
            prompt: name,
            given,
        }));
    }
    Ok(Intent::Reach(Reaching::GetPrompt {
        server,
        prompt: name,
        arguments,
    }))
}

fn unknown(server: &Server, prompt: &Prompt, key: &str) -> String {
    let name = format!("/{}:{}", server.name, prompt.name);
    let names = || {
        prompt
            .arguments
            .iter()
            .map(|argument| argument.name.as_str())
    };
    match nearest(key, names()) {
        Some(near) => format!("`{name}` has no argument `{key}`; did you mean `{near}`?"),
        None if prompt.arguments.is_empty() => format!("`{name}` takes no arguments."),
        None => format!(
            "`{name}` has no argument `{key}`; it has {}.",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}
