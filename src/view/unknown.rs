//! The card of a call of which nobody knows whether it has run: what was sent, when, why that is so, and what can be done now. And
//! the words for a call that waits in line, as after a lost connection.
//!
//! Pure. Stands in the call's detail; the keys on it are those of the key table.

use ratatui::text::Line;

use crate::app::App;
use crate::app::intent::Intent;
use crate::app::keymap::{self, Context};
use crate::host::{CallState, ToolCall, unknown};
use crate::ids::Moment;
use crate::text::{clean, human};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;

/// Characters of a text of the call's that are shown here.
const SHORT: usize = 160;

/// The card's lines.
pub(super) fn card(app: &App, call: &ToolCall, cols: usize, theme: &Theme) -> Lines {
    let mut out = vec![
        Line::default(),
        span("What became of it is unknown", theme.warn).into(),
    ];
    let mut say = |name: &str, words: String| {
        let name = span(format!("{name:<10}"), theme.dim);
        let words = vec![span(clean::line(&words), theme.text)];
        out.extend(styled::fact(name, words, cols));
    };
    say(
        "sent",
        short(&format!("{} {}", call.title(), call.arguments)),
    );
    say("when", when(app, call));
    say("why", short(&unknown::why(call)));
    say("so", "it may have run, and is not repeated".to_owned());
    let look = match app.host.check_of(call) {
        Some(look) => format!(
            "look: {} {}, which says that it only reads",
            look.tool,
            short(&look.arguments)
        ),
        None => "ask the model to look, with tools that only read".to_owned(),
    };
    say(&key_of(&Intent::LookAfter), look);
    say(
        &key_of(&Intent::RepeatCall),
        "send it again, if you know that it may run twice".to_owned(),
    );
    out
}

fn when(app: &App, call: &ToolCall) -> String {
    let CallState::Done { at, took, .. } = &call.state else {
        return String::new();
    };
    let sent = at.since(Moment::from_start(*took));
    let ago = human::duration(app.now.since(Moment::from_start(sent)));
    match call.resent {
        0 => format!("{ago} ago"),
        times => format!("{ago} ago, {} times in all", times + 1),
    }
}

/// The place of a call in the line of its server, and that it is there a second time.
pub(super) fn in_line(call: &ToolCall, place: usize, theme: &Theme) -> Spans {
    let place = match place {
        0 | 1 => " next in line".to_owned(),
        some => format!(" no. {some} in line"),
    };
    let again = match call.resent {
        0 => "",
        _ => ", sent again",
    };
    vec![span(place, theme.dim), span(again, theme.warn)]
}

/// The key as the table has it.
fn key_of(intent: &Intent) -> String {
    let mut rows = keymap::rows();
    let row = rows.find(|row| row.intent == *intent && row.contexts.contains(&Context::Detail));
    row.map(keymap::Binding::shown_key).unwrap_or_default()
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(SHORT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
