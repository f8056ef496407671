//! What the person waits for, for how long, and why: the last lines of the chat. Without a model: how to get one.
//!
//! Pure.

use ratatui::text::Line;

use crate::agent::transcript::{Assistant, Entry};
use crate::agent::turn::TurnState;
use crate::app::App;
use crate::app::dialog::Awaited;
use crate::host::ModelState;
use crate::ids::Moment;
use crate::mcp::status::Status;
use crate::text::{clean, human, wrap};
use crate::view::calls::spinner;
use crate::view::code;
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;

/// How to get a model, on one line of a chat of 60 columns.
const HOW: &str = "Start Ollama and type /model, or set OPENAI_API_KEY.";

/// Rows that a wait takes at most: why something is tried again can be long.
const ROWS: usize = 4;

/// The lines after the last entry; none when nothing is waited for.
pub(super) fn lines(app: &App, cols: usize, theme: &Theme) -> Lines {
    let mut lines = visits(app, cols, theme);
    lines.extend(others(app, cols, theme));
    lines
}

/// Visits that were agreed to, until their servers call them done, or the calls that waited for them have ended: a server need
/// not say anything of a visit.
fn visits(app: &App, cols: usize, theme: &Theme) -> Lines {
    let is_awaited = |visit: &&Awaited| {
        let call = visit.call.and_then(|id| app.host.call(id));
        call.is_none_or(|call| call.end().is_none())
    };
    let visits = app.visits.iter().filter(is_awaited).map(|visit| {
        let text = format!(
            "… waiting for {} to say that the visit to {} is done",
            clean::line(visit.server.as_str()),
            clean::line(&visit.host)
        );
        span(wrap::truncate(&text, cols), theme.busy).into()
    });
    visits.take(ROWS).collect()
}

fn others(app: &App, cols: usize, theme: &Theme) -> Lines {
    let text = app.host.compacting.as_ref().map(|it| {
        let took = human::duration(app.now.since(it.since));
        format!("{} sums up the conversation · {took}", model_at(app))
    });
    if let Some(text) = text.or_else(|| turn(app)) {
        let text = format!("{} {}", spinner(app.now), text);
        let mut lines = styled::wrapped(&[span(text, theme.busy)], cols);
        lines.truncate(ROWS);
        return lines;
    }
    match &app.host.model {
        ModelState::Searching { since } => {
            let took = human::duration(app.now.since(*since));
            let text = format!("{} looking for a model · {took}", spinner(app.now));
            vec![span(wrap::truncate(&text, cols), theme.busy).into()]
        }
        ModelState::Absent { why } => {
            let room = cols.saturating_sub(2).max(1);
            let why = clean::block(why);
            // That none was found needs no list of all that could be: two lines, and the second says what to do.
            let text = match why.lines().next() {
                Some(first) if first.starts_with("No model") => format!("{first}\n{HOW}"),
                _ => format!("No model: {why}"),
            };
            let lines = code::plain(&text, theme.text, room);
            styled::prefixed(lines, &[span("! ", theme.warn)], &[span("  ", theme.warn)])
        }
        ModelState::Ready { .. } => Vec::new(),
    }
}

fn turn(app: &App) -> Option<String> {
    let now = app.now;
    let took = |since: Moment| human::duration(now.since(since));
    match &app.host.turn {
        TurnState::Idle => None,
        TurnState::Gathering { since, .. } => {
            Some(format!("waiting for {} · {}", starting(app), took(*since)))
        }
        TurnState::Streaming {
            since,
            opened,
            retries,
            ..
        } => {
            let step = open_step(app);
            if let Some((name, bytes)) = step.and_then(|step| step.preparing.as_ref()) {
                let size = human::bytes(*bytes as u64);
                return Some(format!("preparing call {} · {size}", clean::line(name)));
            }
            let quiet = step.is_none_or(|step| step.text.is_empty() && step.reasoning.is_empty());
            let what = match (opened, quiet) {
                (_, false) => "answering".to_owned(),
                (true, true) => format!("{} is reading", model(app)),
                (false, true) => format!("waiting for {}", model_at(app)),
            };
            let again = if *retries > 0 {
                format!(" · try {}", retries + 1)
            } else {
                String::new()
            };
            Some(format!("{what} · {}{again}", took(*since)))
        }
        TurnState::Backoff { until, why, .. } => {
            let left = human::duration(until.since(now));
            Some(format!("retrying in {left}: {}", clean::line(why)))
        }
        TurnState::Calling { waiting, .. } => Some(calling(app, waiting.len())),
    }
}

/// The servers that are not there yet.
fn starting(app: &App) -> String {
    let servers = app.host.servers.iter();
    let names: Vec<String> = servers
        .filter(|server| matches!(server.status, Status::Starting { .. }))
        .map(|server| clean::line(server.name.as_str()))
        .collect();
    match names.as_slice() {
        [] => "servers".to_owned(),
        [only] => format!("server {only}"),
        [first, second] => format!("servers {first} and {second}"),
        [first, second, rest @ ..] => {
            format!("servers {first}, {second} and {} more", rest.len())
        }
    }
}

fn calling(app: &App, count: usize) -> String {
    let asked = app.host.questions.len().min(count);
    let running = count - asked;
    let s = if running == 1 { "" } else { "s" };
    match (running, asked) {
        (0, _) => "waiting for your answer".to_owned(),
        (_, 0) => format!("{running} call{s} running"),
        _ => format!("{running} call{s} running, waiting for your answer"),
    }
}

fn open_step(app: &App) -> Option<&Assistant> {
    match app.host.transcript.entries().last() {
        Some(Entry::Assistant(step)) if step.open => Some(step),
        _ => None,
    }
}

fn model(app: &App) -> String {
    match &app.host.model {
        ModelState::Ready { label } => clean::line(&label.model),
        ModelState::Searching { .. } | ModelState::Absent { .. } => "the model".to_owned(),
    }
}

fn model_at(app: &App) -> String {
    match &app.host.model {
        ModelState::Ready { label } if !label.scripted => {
            format!(
                "{} ({})",
                clean::line(&label.model),
                clean::line(&label.place)
            )
        }
        _ => model(app),
    }
}

/// An empty chat: what this is and what can be done.
pub(super) fn welcome(app: &App, cols: usize, theme: &Theme) -> Lines {
    let room = cols.saturating_sub(2).max(1);
    let text = match &app.host.model {
        ModelState::Ready { label } if label.scripted => {
            "This is a script, not an LLM: it plays the model's part, and its tool calls really run."
        }
        ModelState::Ready { .. } => {
            "Ask for something; the model has the tools of the servers that are ready."
        }
        ModelState::Searching { .. } | ModelState::Absent { .. } => {
            "Servers and tools work without a model too: /tools lists them, /call runs one."
        }
    };
    let mut lines = code::plain(text, theme.dim, room);
    lines.push(Line::default());
    styled::indented(lines, 2)
}
