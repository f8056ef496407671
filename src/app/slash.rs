//! Slash commands: the table, and the way from a line to an intent.
//!
//! Pure. The same table fills the palette and the help. A text that begins with `/` and is no command may still be a path:
//! then it is a prompt like any other.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

use crate::app::browse::Shelf;
use crate::app::intent::{Inspecting, Intent, Keeping, Reaching, SessionKey};
use crate::app::reach;
use crate::app::state::Pane;
use crate::app::undo;
use crate::config::ThemeChoice;
use crate::host::Host;
use crate::ids::ServerName;
use crate::text::nearest;

/// One slash command.
#[derive(Debug)]
pub struct SlashCommand {
    /// Its name without the slash.
    pub name: &'static str,
    /// What follows it, as a hint; empty: nothing.
    pub arguments: &'static str,
    /// A sentence without its full stop.
    pub help: &'static str,
}

/// The commands.
#[rustfmt::skip]
pub static COMMANDS: &[SlashCommand] = &[
    SlashCommand { name: "help", arguments: "", help: "Show the keys and commands" },
    SlashCommand { name: "tools", arguments: "", help: "List the tools of all servers" },
    SlashCommand { name: "call", arguments: "SERVER TOOL [key=value ... | JSON]", help: "Call a tool yourself" },
    SlashCommand { name: "resources", arguments: "", help: "List the resources of all servers" },
    SlashCommand { name: "read", arguments: "SERVER URI", help: "Read a resource yourself" },
    SlashCommand { name: "prompts", arguments: "", help: "List the prompts of all servers" },
    SlashCommand { name: "subscribe", arguments: "SERVER URI", help: "Be told when a resource changes" },
    SlashCommand { name: "unsubscribe", arguments: "SERVER URI", help: "Be told no longer" },
    SlashCommand { name: "log", arguments: "SERVER debug|info|notice|warning|error|critical|alert|emergency", help: "Say from which level on a server logs" },
    SlashCommand { name: "resume", arguments: "", help: "Go on with a saved session" },
    SlashCommand { name: "rename", arguments: "NAME", help: "Give this conversation a name" },
    SlashCommand { name: "session", arguments: "", help: "Say where this conversation is saved, and whether it is" },
    SlashCommand { name: "clear", arguments: "", help: "Start a new conversation" },
    SlashCommand { name: "context", arguments: "", help: "Show what the model sees and what it costs" },
    SlashCommand { name: "compact", arguments: "[what to keep]", help: "Let the model sum up the conversation, to make room" },
    SlashCommand { name: "cache", arguments: "[clear [SERVER]]", help: "Show the answers and lists that are kept, or forget them" },
    SlashCommand { name: "model", arguments: "", help: "Look for a model again" },
    SlashCommand { name: "servers", arguments: "", help: "Go to the servers" },
    SlashCommand { name: "inspect", arguments: "SERVER", help: "Look at a server from all sides: the wire, calls, faults" },
    SlashCommand { name: "pins", arguments: "[SERVER]", help: "Look at what a server has changed in its tools, and accept it" },
    SlashCommand { name: "restart", arguments: "SERVER", help: "Start a server anew" },
    SlashCommand { name: "enable", arguments: "SERVER", help: "Switch a server on" },
    SlashCommand { name: "disable", arguments: "SERVER", help: "Switch a server off" },
    SlashCommand { name: "login", arguments: "SERVER", help: "Sign in at a server" },
    SlashCommand { name: "logout", arguments: "SERVER", help: "Forget the credentials for a server" },
    SlashCommand { name: "roots", arguments: "", help: "Edit the folders that servers may be told of" },
    SlashCommand { name: "undo", arguments: "[SERVER] [CHANGE]", help: "Take back the last change of the file server, or this one" },
    SlashCommand { name: "copy", arguments: "", help: "Copy the model's last answer" },
    SlashCommand { name: "theme", arguments: "auto|dark|light|mono", help: "Change the colours" },
    SlashCommand { name: "quit", arguments: "", help: "Quit" },
];

/// The themes by name.
pub const THEMES: [(&str, ThemeChoice); 4] = [
    ("auto", ThemeChoice::Auto),
    ("dark", ThemeChoice::Dark),
    ("light", ThemeChoice::Light),
    ("mono", ThemeChoice::Mono),
];

/// What a line means: nothing of ours (a prompt), an intent, or a complaint as a sentence.
pub fn parse(text: &str, host: &Host) -> Option<Result<Intent, String>> {
    let line = text.trim().strip_prefix('/')?;
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if COMMANDS.iter().any(|command| command.name == name) {
        return Some(command(name, rest, host));
    }
    if let Some(meant) = reach::prompt(name, rest, host) {
        return Some(meant);
    }
    // `/etc/passwd` and `//` are no slips of a command's name.
    if name.contains(|c: char| !c.is_ascii_alphabetic()) {
        return None;
    }
    let hint = nearest(name, COMMANDS.iter().map(|command| command.name));
    Some(Err(match hint {
        Some(near) => format!("There is no command `/{name}`; did you mean `/{near}`?"),
        None => format!("There is no command `/{name}`; `/help` lists them."),
    }))
}

fn command(name: &str, rest: &str, host: &Host) -> Result<Intent, String> {
    let plain = match name {
        "help" => Intent::Help,
        "tools" => Intent::Tools,
        "resources" => Intent::Reach(Reaching::Browse(Shelf::Resources)),
        "prompts" => Intent::Reach(Reaching::Browse(Shelf::Prompts)),
        "read" | "subscribe" | "unsubscribe" => return reach::with_uri(name, rest, host),
        "log" => return reach::log(rest, host),
        "resume" => Intent::Session(SessionKey::Browse),
        "session" => Intent::Session(SessionKey::Tell),
        "rename" if rest.is_empty() => return Err("`/rename` needs the name.".to_owned()),
        "rename" => return Ok(Intent::Session(SessionKey::Rename(rest.to_owned()))),
        "clear" => Intent::Clear,
        "context" => Intent::Keeping(Keeping::Context),
        "compact" => return Ok(Intent::Keeping(Keeping::Compact(rest.to_owned()))),
        "cache" => return cache(rest, host),
        "model" => Intent::FindModel,
        "servers" => Intent::Focus(Pane::Servers),
        "copy" => Intent::CopyAnswer,
        "roots" => Intent::Folders,
        "quit" => Intent::Quit,
        "restart" => return Ok(Intent::Restart(Some(server(name, rest, host)?))),
        "inspect" => {
            let server = server(name, rest, host)?;
            return Ok(Intent::Inspect(Inspecting::Open(Some(server))));
        }
        "enable" => return Ok(Intent::Enable(Some(server(name, rest, host)?))),
        "disable" => return Ok(Intent::Disable(Some(server(name, rest, host)?))),
        "login" => return Ok(Intent::SignIn(Some(server(name, rest, host)?))),
        "logout" => return Ok(Intent::SignOut(server(name, rest, host)?)),
        "theme" => return theme(rest),
        "pins" => return pins(rest, host),
        "undo" => return undo::undo(rest, host),
        _ => return call(rest, host),
    };
    if rest.is_empty() {
        Ok(plain)
    } else {
        Err(format!("`/{name}` takes no argument."))
    }
}

pub(super) fn server(command: &str, name: &str, host: &Host) -> Result<ServerName, String> {
    if name.is_empty() {
        return Err(format!("`/{command}` needs the name of a server."));
    }
    let names = || host.servers.iter().map(|server| server.name.as_str());
    if names().any(|known| known == name) {
        return Ok(ServerName::new(name));
    }
    Err(match nearest(name, names()) {
        Some(near) => format!("There is no server `{name}`; did you mean `{near}`?"),
        None if host.servers.is_empty() => "No server is configured.".to_owned(),
        None => format!(
            "There is no server `{name}`; there are {}.",
            names().collect::<Vec<_>>().join(", ")
        ),
    })
}

fn cache(rest: &str, host: &Host) -> Result<Intent, String> {
    let wish = match word(rest) {
        ("", _) => Keeping::Cache,
        ("clear", "") => Keeping::ClearCache(None),
        ("clear", name) => Keeping::ClearCache(Some(server("cache clear", name.trim(), host)?)),
        _ => return Err("`/cache` alone shows it; `/cache clear [SERVER]` forgets it.".to_owned()),
    };
    Ok(Intent::Keeping(wish))
}

fn theme(name: &str) -> Result<Intent, String> {
    THEMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, choice)| Intent::Theme(*choice))
        .ok_or_else(|| "`/theme` takes `auto`, `dark`, `light` or `mono`.".to_owned())
}

/// The server that is named, or the first that has changed something.
fn pins(rest: &str, host: &Host) -> Result<Intent, String> {
    if !rest.is_empty() {
        return Ok(Intent::Pins(Some(server("pins", rest, host)?)));
    }
    let changed = host.servers.iter().find(|server| !server.held.is_empty());
    match changed {
        Some(server) => Ok(Intent::Pins(Some(server.name.clone()))),
        None => {
            Err("No server has changed anything in its tools since you accepted them.".to_owned())
        }
    }
}

fn call(rest: &str, host: &Host) -> Result<Intent, String> {
    const USAGE: &str = "`/call SERVER TOOL`, then key=value pairs or a JSON object.";
    let (first, after) = word(rest);
    // `SERVER.TOOL`, as everything else writes it, is good too.
    let dotted = first.split_once('.').filter(|(name, _)| {
        let names = || host.servers.iter().map(|server| server.name.as_str());
        names().any(|known| known == *name) && !names().any(|known| known == first)
    });
    let (name, (tool, arguments)) = match dotted {
        Some((name, tool)) => (name, (tool, after)),
        None => (first, word(after)),
    };
    if name.is_empty() {
        return Err(USAGE.to_owned());
    }
    let name = server("call", name, host)?;
    let Some(server) = host.server(&name) else {
        return Err(USAGE.to_owned());
    };
    let known = server.tool(tool);
    // Without a list of tools (not ready yet, or lenient servers) the server itself says what it thinks of the name.
    if known.is_none() && (tool.is_empty() || !server.tools.is_empty()) {
        let names = || server.tools.iter().map(|tool| tool.name.as_str());
        return Err(match nearest(tool, names()) {
            _ if tool.is_empty() => USAGE.to_owned(),
            Some(near) => format!("`{name}` has no tool `{tool}`; did you mean `{near}`?"),
            None => format!("`{name}` has no tool `{tool}`; `/tools` lists them."),
        });
    }
    Ok(Intent::Call {
        server: name,
        tool: tool.to_owned(),
        arguments: parse_args(arguments, known.map(|tool| &tool.input_schema))?,
    })
}

pub(super) fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

/// Arguments of a call as a person writes them, as one line of JSON: a JSON object as it is, or `key=value` pairs whose values
/// may be quoted, with `key:=JSON` for a value as it is written, as on the command line. A value is a string where the schema says so; elsewhere it is JSON if it can be read as JSON, else a string.
pub fn parse_args(text: &str, schema: Option<&Value>) -> Result<String, String> {
    let text = text.trim();
    if text.starts_with('{') {
        return match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(object) => Ok(Value::Object(object).to_string()),
            Err(error) => Err(format!("The arguments are no JSON object: {error}.")),
        };
    }
    let mut object = Map::new();
    for word in split(text)? {
        let Some((key, value)) = word.split_once('=') else {
            return Err(format!("`{word}` is no key=value pair."));
        };
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => {
                let value = serde_json::from_str(value)
                    .map_err(|error| format!("`{word}`: not valid JSON: {error}."))?;
                (key, value)
            }
            None => {
                let schema = schema.and_then(|s| s.get("properties")?.get(key));
                (key, typed(value, schema))
            }
        };
        if key.is_empty() {
            return Err(format!("`{word}` has no key before `=`."));
        }
        if object.insert(key.to_owned(), value).is_some() {
            return Err(format!("`{key}` is given twice."));
        }
    }
    Ok(Value::Object(object).to_string())
}

fn typed(value: &str, schema: Option<&Value>) -> Value {
    let says_string = schema
        .and_then(|schema| schema.get("type"))
        .is_some_and(|kind| kind == "string");
    let string = || Value::String(value.to_owned());
    if says_string {
        string()
    } else {
        serde_json::from_str(value).unwrap_or_else(|_| string())
    }
}

/// Words as a shell parts them: blanks part, quotes hold together, a backslash takes the next character as it is (within
/// double quotes only a quote or a backslash). A value that begins with a bracket is JSON: it is kept as it is to the bracket
/// that closes it.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        let mut word = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
            match c {
                '"' | '\'' => quoted(c, &mut chars, &mut word)?,
                '\\' => word.extend(chars.next()),
                '[' | '{' if word.ends_with('=') => bracketed(c, &mut chars, &mut word)?,
                c => word.push(c),
            }
        }
        words.push(word);
    }
}

/// What stands in quotes, without them.
fn quoted(quote: char, chars: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                word.push(chars.next_if(|c| matches!(c, '"' | '\\')).unwrap_or('\\'));
            }
            c => word.push(c),
        }
    }
    Err(format!("A quote {quote} is not closed."))
}

/// JSON to the bracket that closes it, with its strings untouched.
fn bracketed(open: char, chars: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), String> {
    let mut depth = 1usize;
    let mut in_string = false;
    word.push(open);
    while let Some(c) = chars.next() {
        word.push(c);
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => word.extend(chars.next()),
            '[' | '{' if !in_string => depth += 1,
            ']' | '}' if !in_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(());
        }
    }
    Err(format!("A bracket {open} is not closed."))
}
