//! The line on top (who answers, what runs), the tabs of a small terminal, and the line at the bottom (keys, a word, tokens).
//!
//! Pure.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::agent::turn::TurnState;
use crate::app::{App, Pane};
use crate::host::{ModelState, Saving};
use crate::text::{clean, human, wrap};
use crate::view::calls::spinner;
use crate::view::pane;
use crate::view::styled::{self, Spans, span};
use crate::view::theme::Theme;

/// The line on top.
pub(super) fn title(app: &App, theme: &Theme, frame: &mut Frame, area: Rect) {
    let cols = usize::from(area.width);
    let mut left = vec![span(" mcpdeck", theme.accent), span("  ", theme.dim)];
    left.extend(faults(app, theme));
    let attached = app
        .inspector
        .as_ref()
        .and_then(|open| open.attached.as_ref());
    match &app.host.model {
        _ if let Some(behind) = attached => {
            left.push(span("looks on at  ", theme.dim));
            left.push(span(clean::line(behind), theme.strong));
        }
        ModelState::Searching { .. } => left.push(span("looking for a model", theme.busy)),
        ModelState::Absent { .. } => left.push(span("no model", theme.warn)),
        ModelState::Ready { label } if label.scripted => {
            left.push(span(clean::line(&label.place), theme.strong));
            left.push(span(" (a script plays the model, no LLM)", theme.dim));
        }
        ModelState::Ready { label } => {
            left.push(span(clean::line(&label.model), theme.strong));
            left.push(span(format!(" · {}", clean::line(&label.place)), theme.dim));
        }
    }
    let mut right = turn(app, theme);
    right.push(span(" ", theme.dim));
    pane::line(frame, area, 0, &styled::spread(left, right, cols));
}

/// That the lab meddles: nobody may take its doing for a server's.
pub(super) fn faults(app: &App, theme: &Theme) -> Spans {
    let names: Vec<String> = app
        .host
        .lab
        .faulty()
        .map(|it| clean::line(it.as_str()))
        .collect();
    match names.as_slice() {
        [] => Spans::new(),
        [one] => vec![span(format!("! fault on at {one}  "), theme.warn)],
        all => vec![span(
            format!("! faults on at {} servers  ", all.len()),
            theme.warn,
        )],
    }
}

fn turn(app: &App, theme: &Theme) -> Spans {
    let since = |since| human::duration(app.now.since(since));
    let (text, style) = match &app.host.turn {
        _ if !app.host.questions.is_empty() => {
            return vec![span("? waits for your answer", theme.warn)];
        }
        TurnState::Idle => return vec![span("idle", theme.dim)],
        TurnState::Gathering { since: at, .. } => {
            (format!("waiting for servers {}", since(*at)), theme.busy)
        }
        TurnState::Streaming {
            since: at, step, ..
        } => (format!("step {step} · {}", since(*at)), theme.busy),
        TurnState::Backoff { until, .. } => (
            format!("retry in {}", human::duration(until.since(app.now))),
            theme.warn,
        ),
        TurnState::Calling { waiting, step, .. } => {
            let count = waiting.len();
            let s = if count == 1 { "" } else { "s" };
            (format!("step {step} · {count} call{s} running"), theme.busy)
        }
    };
    vec![
        span(format!("{} ", spinner(app.now)), style),
        span(text, style),
    ]
}

/// The tabs of a terminal that is too small for all panes.
pub(super) fn tabs(app: &App, theme: &Theme, frame: &mut Frame, area: Rect) {
    let mut spans: Spans = Vec::new();
    for (pane, name) in [
        (Pane::Chat, "Chat"),
        (Pane::Calls, "Calls"),
        (Pane::Servers, "Servers"),
    ] {
        let open = pane == app.tab;
        let text = if open {
            format!("[{name}]")
        } else {
            format!(" {name} ")
        };
        spans.push(span(text, if open { theme.accent } else { theme.dim }));
    }
    let cols = usize::from(area.width);
    pane::line(frame, area, 0, &Line::from(styled::cropped(spans, cols)));
}

/// The line at the bottom.
pub(super) fn bottom(app: &App, theme: &Theme, frame: &mut Frame, area: Rect) {
    let cols = usize::from(area.width);
    let toast = app.toast.as_ref().filter(|toast| toast.until > app.now);
    // Keys matter more than numbers where there is room for one of them only.
    let right = if cols < 60 {
        unsaved(app, theme)
    } else {
        let mut right = saved(app, theme);
        right.extend(tokens(app, theme));
        right
    };
    let left = match toast {
        Some(toast) => vec![span(format!(" {}", clean::line(&toast.text)), theme.accent)],
        None => hints(app, theme, cols.saturating_sub(styled::width(&right) + 2)),
    };
    pane::line(frame, area, 0, &styled::spread(left, right, cols));
}

/// The keys that work now, as many as fit whole.
fn hints(app: &App, theme: &Theme, cols: usize) -> Spans {
    let mut spans: Spans = Vec::new();
    let mut used = 0;
    for (key, label) in app.hints() {
        let wide = wrap::width(&key) + wrap::width(label) + 3;
        if used + wide > cols {
            break;
        }
        used += wide;
        spans.push(span(format!(" {key}"), theme.key));
        spans.push(span(format!(" {label} "), theme.dim));
    }
    spans
}

/// Whether the conversation is on the disk.
fn saved(app: &App, theme: &Theme) -> Spans {
    let (word, style) = match &app.host.session.saving {
        Saving::Off | Saving::Nothing => return Vec::new(),
        Saving::Going => ("saving ", theme.dim),
        Saving::Saved => ("saved ", theme.dim),
        Saving::Failed { .. } => ("not saved ", theme.warn),
    };
    vec![span(word, style)]
}

/// The same where there is room only for what went wrong.
fn unsaved(app: &App, theme: &Theme) -> Spans {
    match &app.host.session.saving {
        Saving::Failed { .. } => saved(app, theme),
        Saving::Off | Saving::Nothing | Saving::Going | Saving::Saved => Vec::new(),
    }
}

fn tokens(app: &App, theme: &Theme) -> Spans {
    let usage = app.host.usage;
    if usage.prompt + usage.completion == 0 {
        return Vec::new();
    }
    let text = format!(
        "· {} in · {} out tokens ",
        human::count(usage.prompt),
        human::count(usage.completion)
    );
    let text = match app.host.session.saving {
        Saving::Off | Saving::Nothing => text.trim_start_matches("· ").to_owned(),
        Saving::Going | Saving::Saved | Saving::Failed { .. } => text,
    };
    vec![span(text, theme.dim)]
}
