//! What servers ask, on a terminal without panes: shown on stderr with the server's name, answered by lines of stdin.
//!
//! The end of stdin closes a question, which is neither yes nor no. Nothing is ever opened.

use serde_json::{Map, Value, json};
use url::Url;

use crate::cli::ask::approve::line;
use crate::cli::output;
use crate::host::form::{self, Choice, Field, Kind};
use crate::host::{Answer, Root};
use crate::ids::ServerName;
use crate::mcp::ask::{Ask, Sampling};
use crate::text::{clean, wrap};

/// Columns of a message that a server wants sent to the model.
const SHORT: usize = 300;

/// Shows the question and waits for the answer.
pub async fn ask(server: &ServerName, what: &Ask) -> Answer {
    match what {
        Ask::Form { message, schema } => fill_in(server, message, schema).await,
        Ask::Url { message, url, .. } => visit(server, message, url).await,
        Ask::Sampling(what) => write(server, what).await,
        Ask::Roots => folders(server).await,
    }
}

async fn fill_in(server: &ServerName, message: &str, schema: &Value) -> Answer {
    output::note(&format!(
        "\nServer {server} asks: {}",
        clean::block(message)
    ));
    output::note("  y fill it in   n no   Enter: close it");
    match line().await.as_deref().map(str::trim) {
        Some("y" | "yes") => {}
        Some("n" | "no") => return Answer::No { reason: None },
        _ => return Answer::Dismissed,
    }
    let mut filled = Map::new();
    for field in form::fields(schema) {
        match value(&field).await {
            Ok(Some(value)) => {
                filled.insert(field.name, value);
            }
            Ok(None) => {}
            Err(Closed) => return Answer::Dismissed,
        }
    }
    let value = Value::Object(filled);
    match form::check(schema, &value) {
        Ok(_) => Answer::Filled { value },
        Err(wrong) => {
            // Beyond the fields' own kinds; nobody is asked the same for ever.
            output::note(&format!(
                "  it does not fit: {}",
                clean::line(&form::sentence(&wrong))
            ));
            Answer::Dismissed
        }
    }
}

/// stdin has ended.
struct Closed;

async fn value(field: &Field) -> Result<Option<Value>, Closed> {
    output::note(&format!("  {}", clean::line(&label(field))));
    loop {
        let typed = line().await.ok_or(Closed)?;
        let typed = typed.trim_end_matches(['\n', '\r']);
        if typed.is_empty() && field.default.is_some() {
            return Ok(field.default.clone());
        }
        match field.read(typed) {
            Ok(value) => return Ok(value),
            Err(why) => output::note(&format!("  it {}", clean::line(&why))),
        }
    }
}

/// `Age (a whole number) [30]: how old you are`
fn label(field: &Field) -> String {
    let mut label = format!("{} ({})", field.label(), kind(&field.kind));
    match &field.default {
        Some(Value::String(text)) => label.push_str(&format!(" [{text}]")),
        Some(other) => label.push_str(&format!(" [{other}]")),
        None if field.required => {}
        None => label.push_str(" [may be left out]"),
    }
    if let Some(about) = &field.description {
        label.push_str(&format!(": {about}"));
    }
    label
}

fn kind(kind: &Kind) -> String {
    let names = |choices: &[Choice]| {
        choices
            .iter()
            .map(Choice::label)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match kind {
        Kind::Text { .. } => "text".to_owned(),
        Kind::Number { whole: true, .. } => "a whole number".to_owned(),
        Kind::Number { .. } => "a number".to_owned(),
        Kind::Boolean => "yes or no".to_owned(),
        Kind::One { choices } => format!("one of: {}", names(choices)),
        Kind::Many { choices, .. } => format!("any of, with commas: {}", names(choices)),
        Kind::Other => "JSON".to_owned(),
    }
}

async fn visit(server: &ServerName, message: &str, url: &str) -> Answer {
    let host = Url::parse(url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| "an address that cannot be read".to_owned());
    output::note(&format!(
        "\nServer {server} sends you to {}: {}",
        clean::line(&host),
        clean::block(message)
    ));
    output::note(&format!("  {}", clean::line(url)));
    output::note("  y I go there myself   n no   Enter: close it");
    yes_or_no().await
}

async fn write(server: &ServerName, what: &Sampling) -> Answer {
    output::note(&format!(
        "\nServer {server} wants the model to write at most {} tokens:",
        what.max_tokens
    ));
    if let Some(system) = &what.system {
        said("system", system);
    }
    for message in &what.messages {
        let words: Vec<String> = message
            .content
            .iter()
            .map(|block| block.as_text())
            .collect();
        said(&message.role, &words.join(" "));
    }
    output::note("  y yes, once   s yes, this session   n no   Enter: close it");
    yes_or_no().await
}

fn said(role: &str, words: &str) {
    let words = wrap::truncate(&clean::line(words), SHORT);
    output::note(&format!("  {}: {words}", clean::line(role)));
}

async fn yes_or_no() -> Answer {
    match line().await.as_deref().map(str::trim) {
        Some("y" | "yes") => Answer::Once,
        Some("s") => Answer::Session,
        Some("n" | "no") => Answer::No { reason: None },
        _ => Answer::Dismissed,
    }
}

async fn folders(server: &ServerName) -> Answer {
    output::note(&format!(
        "\nServer {server} asks which folders it may work in."
    ));
    output::note("  one absolute path a line, Enter ends   n no");
    let mut roots: Vec<Value> = Vec::new();
    loop {
        let typed = line().await;
        match typed.as_deref().map(str::trim) {
            None => return Answer::Dismissed,
            Some("") if roots.is_empty() => return Answer::Dismissed,
            Some("n" | "no") => return Answer::No { reason: None },
            Some("") => {
                return Answer::Filled {
                    value: json!(roots),
                };
            }
            Some(folder) => match Root::parse(folder) {
                Ok(root) => roots.push(json!(root)),
                Err(why) => output::note(&format!("  {}", clean::line(&why))),
            },
        }
    }
}
