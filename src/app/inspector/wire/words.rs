//! One frame in a few words: what its row says.
//!
//! Pure. Raw text of servers is in it: the view cleans it.

use crate::ids::Moment;
use crate::mcp::wire::log::Entry;
use crate::mcp::wire::record::{Direction, WireKind};

/// How much of a text a row looks at: more is never seen.
const SEEN: usize = 400;

/// The sign of its direction. The word that it stands for is in the text.
pub fn sign(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "→",
        Direction::In => "←",
        Direction::Stderr => "!",
    }
}

/// What it says.
pub fn what(entry: &Entry) -> String {
    let record = &entry.record;
    let asked = entry.about.as_deref().map(|about| match &about.name {
        Some(name) => format!("{} {name}", about.method),
        None => about.method.to_string(),
    });
    match &record.kind {
        WireKind::Request { id, .. } => format!("{} #{id}", asked.unwrap_or_default()),
        WireKind::Notification { .. } => asked.unwrap_or_default(),
        WireKind::Response { id } => match asked {
            Some(asked) => format!("result of {asked} #{id}"),
            None => format!("result of an unknown request #{id}"),
        },
        WireKind::Error { id, code } => {
            let message = message(&record.text);
            let of = asked.map(|asked| format!(" of {asked}"));
            format!("error {code}{message}{} #{id}", of.unwrap_or_default())
        }
        WireKind::NotMessage => format!("no message: {}", seen(&record.text)),
        WireKind::NotJson => format!("noise: {}", seen(&record.text)),
        WireKind::Fault { .. } => format!("! fault {}", seen(&record.text)),
        WireKind::Stderr => format!("stderr: {}", seen(&record.text)),
        WireKind::Http { .. } => format!("http: {}", seen(&record.text)),
    }
}

fn seen(text: &str) -> String {
    text.chars().take(SEEN).collect()
}

/// The words of an error, behind a blank.
fn message(text: &str) -> String {
    let words = serde_json::from_str::<serde_json::Value>(text).ok();
    let words = words
        .as_ref()
        .and_then(|it| it.get("error")?.get("message")?.as_str());
    words.map_or_else(String::new, |words| format!(" {}", seen(words)))
}

/// A moment since the start: `00:12.345`, `1:02:03.456`.
pub fn clock(at: Moment) -> String {
    let millis = at.0 / 1000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{minutes:02}:{seconds:02}.{millis:03}"),
        hours => format!("{hours}:{:02}:{seconds:02}.{millis:03}", minutes % 60),
    }
}
