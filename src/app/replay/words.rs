//! What happened in a step, on one line, and how much it matters to whoever goes from one to the next.
//!
//! Pure. What servers and models wrote is raw in here: the view cleans it.

use crate::agent::model::ModelEvent;
use crate::app::event::AppEvent;
use crate::app::key::{Code, Key};
use crate::app::replay::session::{Happened, Step};
use crate::host::{Command, HostEvent};
use crate::mcp::event::{CallEvent, ServerEvent};
use crate::mcp::wire::record::{Direction, WireKind, WireRecord};

/// Characters of a text that are shown.
const SHOWN: usize = 60;

/// How much a step matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Time passed, or a frame was drawn: nothing to stop at.
    None,
    /// Something happened.
    Step,
    /// A prompt, a call, an answer, a server that came or went.
    Scene,
}

impl Step {
    /// How much it matters.
    pub fn weight(&self) -> Weight {
        match &self.what {
            Happened::Drawn(_) => Weight::None,
            Happened::Event(event) => of_event(event),
            Happened::Start
            | Happened::Command(_)
            | Happened::Config(_)
            | Happened::Asked(_)
            | Happened::Lost(_)
            | Happened::End => Weight::Scene,
        }
    }

    /// What happened, in some words.
    pub fn words(&self) -> String {
        match &self.what {
            Happened::Start => "the servers are started".to_owned(),
            Happened::Event(event) => event_words(event),
            Happened::Command(command) => command_words(command),
            Happened::Config(_) => "the configuration is read again".to_owned(),
            Happened::Drawn(drawn) => format!("a frame of {}x{}", drawn.size.0, drawn.size.1),
            Happened::Asked(words) => format!("the model is asked: {}", short(words)),
            Happened::Lost(lost) => format!(
                "{} events and {} wire records are missing here: what follows may not be what was seen",
                lost.events, lost.wire
            ),
            Happened::End => "the end of the session".to_owned(),
        }
    }
}

fn of_event(event: &AppEvent) -> Weight {
    match event {
        AppEvent::Tick | AppEvent::Drawn(_) | AppEvent::Theme(_) | AppEvent::Suggestion(_) => {
            Weight::None
        }
        AppEvent::Key(Key {
            code: Code::Enter, ..
        })
        | AppEvent::Paste(_)
        | AppEvent::News(_)
        | AppEvent::Terminate => Weight::Scene,
        AppEvent::Host(event) => of_host(event),
        _ => Weight::Step,
    }
}

fn of_host(event: &HostEvent) -> Weight {
    match event {
        HostEvent::Model { event, .. } => match event {
            ModelEvent::Done(_) | ModelEvent::Failed(_) => Weight::Scene,
            _ => Weight::Step,
        },
        HostEvent::Server { event, .. } => match event {
            ServerEvent::Log { .. }
            | ServerEvent::ResourceUpdated { .. }
            | ServerEvent::Hints(..)
            | ServerEvent::Probed { .. }
            | ServerEvent::Vitals { .. } => Weight::Step,
            ServerEvent::Call(_, CallEvent::Progress(_)) => Weight::Step,
            _ => Weight::Scene,
        },
        HostEvent::Timer(_) | HostEvent::Session(_) => Weight::Step,
        HostEvent::ModelFound(_)
        | HostEvent::SignIn { .. }
        | HostEvent::Woke { .. }
        | HostEvent::SaveFailed { .. } => Weight::Scene,
    }
}

fn event_words(event: &AppEvent) -> String {
    match event {
        AppEvent::Key(key) => format!("key {key}"),
        AppEvent::Paste(text) => format!("pasted: {}", short(text)),
        AppEvent::Mouse(mouse) => format!("mouse {:?} at {},{}", mouse.kind, mouse.x, mouse.y),
        AppEvent::Resize(columns, rows) => format!("the terminal is {columns}x{rows}"),
        AppEvent::Host(event) => host_words(event),
        AppEvent::Wire(record) => wire_words(record),
        AppEvent::Tick => "time passes".to_owned(),
        AppEvent::Drawn(_) => "a frame".to_owned(),
        AppEvent::Suggestion(_) => "the next prompt is proposed".to_owned(),
        AppEvent::Theme(_) => "the theme is known".to_owned(),
        AppEvent::Copied(_) => "copied".to_owned(),
        AppEvent::Opened(..) => "an address was opened".to_owned(),
        AppEvent::News(_) => "the configuration has changed".to_owned(),
        AppEvent::Saved(_) => "files were saved".to_owned(),
        AppEvent::Resumed => "the program came back".to_owned(),
        AppEvent::Terminate => "the program is to end".to_owned(),
        // What others add needs no words of its own: its name says it.
        other => name_of(other),
    }
}

fn host_words(event: &HostEvent) -> String {
    match event {
        HostEvent::Server { server, event, .. } => format!("{server}: {}", server_words(event)),
        HostEvent::Model { event, .. } => match event {
            ModelEvent::Opened => "model: the stream is open".to_owned(),
            ModelEvent::Text(text) => format!("model: {}", short(text)),
            ModelEvent::Reasoning(text) => format!("model thinks: {}", short(text)),
            ModelEvent::Preparing { name, .. } => format!("model: prepares {name}"),
            ModelEvent::Done(done) if done.calls.is_empty() => "model: done".to_owned(),
            ModelEvent::Done(done) => {
                let names = done.calls.iter().map(|call| call.name.as_str());
                format!("model: calls {}", names.collect::<Vec<_>>().join(", "))
            }
            ModelEvent::Failed(error) => format!("model failed: {}", short(&error.message)),
        },
        HostEvent::ModelFound(Ok(label)) => format!("model found: {}", label.model),
        HostEvent::ModelFound(Err(why)) => format!("no model: {}", short(why)),
        HostEvent::Timer(_) => "a timer".to_owned(),
        other => name_of(other),
    }
}

fn server_words(event: &ServerEvent) -> String {
    match event {
        ServerEvent::Call(call, event) => format!("call {call} {}", name_of(event)),
        event => name_of(event),
    }
}

fn command_words(command: &Command) -> String {
    match command {
        Command::Submit(text) => format!("prompt: {}", short(text)),
        Command::Call { server, tool, .. } => format!("call {server}.{tool}"),
        Command::Answer(_, answer) => format!("answer: {}", short(&format!("{answer:?}"))),
        other => name_of(other),
    }
}

fn wire_words(record: &WireRecord) -> String {
    let arrow = match record.direction {
        Direction::Out => "→",
        Direction::In => "←",
        Direction::Stderr => "stderr",
    };
    let what = match &record.kind {
        WireKind::Request { method, .. } => method.clone(),
        WireKind::Notification { method } => method.clone(),
        WireKind::Response { id } => format!("answer {id}"),
        WireKind::Error { id, code } => format!("error {code} to {id}"),
        _ => short(&record.text),
    };
    format!("{} {arrow} {what}", record.server)
}

/// The name of a variant, in lower case: `ListChanged { .. }` is `list changed`.
fn name_of(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let name = text.split(|c: char| !c.is_alphanumeric()).next();
    let mut out = String::new();
    for c in name.unwrap_or_default().chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
