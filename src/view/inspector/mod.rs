//! The inspector in place of the panes: a line with the server and its tabs, and the tab on show.
//!
//! Pure. Each tab is drawn by its own file.

mod follow;
mod lab;
mod offers;
mod overview;
mod wire;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::inspector::{InspectTab, Inspector};
use crate::app::{App, Measured, Spot};
use crate::text::{clean, wrap};
use crate::view::memo::Memo;
use crate::view::styled::{self, Spans, span};
use crate::view::theme::Theme;
use crate::view::{layout, pane, servers};

/// What a tab is drawn from, and what it reports.
pub(super) struct Room<'a> {
    pub app: &'a App,
    pub inspector: &'a Inspector,
    pub theme: &'a Theme,
    pub memo: &'a mut Memo,
    pub measured: &'a mut Measured,
}

/// Draws the inspector.
pub(super) fn draw(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let (head, body) = layout::top(area, 1);
    let line = tabs(room, head);
    pane::line(frame, head, 0, &line);
    let room_below = if body.height > 8 { 1 } else { 0 };
    let (rule, body) = layout::top(body, room_below);
    pane::ruled(
        frame,
        room.theme,
        Rect {
            height: rule.height * 2,
            ..rule
        },
        "",
        false,
    );
    let body = pane::inset(body, 1);
    match room.inspector.tab {
        InspectTab::Overview => overview::draw(room, frame, body),
        InspectTab::Tools | InspectTab::Resources | InspectTab::Prompts => {
            offers::draw(room, frame, body);
        }
        InspectTab::Wire => wire::draw(room, frame, body),
        InspectTab::Follow => follow::draw(room, frame, body),
        InspectTab::Lab => lab::draw(room, frame, body),
    }
}

/// The server, how it is, and the tabs: with their names where there is room, else the open one with its name.
fn tabs(room: &mut Room<'_>, head: Rect) -> Line<'static> {
    let cols = usize::from(head.width);
    let mut left: Spans = vec![span(" ", room.theme.dim)];
    let named: usize = InspectTab::ALL.iter().map(|tab| tab.name().len() + 5).sum();
    let roomy = named + 12 <= cols;
    for (at, tab) in InspectTab::ALL.iter().enumerate() {
        if room.inspector.attached.is_some() && *tab != InspectTab::Wire {
            continue;
        }
        let open = *tab == room.inspector.tab;
        let text = match (open, roomy) {
            (true, _) => format!("[{} {}]", at + 1, tab.name()),
            (false, true) => format!(" {} {} ", at + 1, tab.name()),
            (false, false) => format!(" {} ", at + 1),
        };
        let style = if open {
            room.theme.accent
        } else {
            room.theme.dim
        };
        let x = head.x.saturating_add(columns(styled::width(&left)));
        let at = (x, head.y, columns(text.len()), head.height);
        room.measured.spots.push((Spot::Tab(*tab), at));
        left.push(span(text, style));
    }
    let used = styled::width(&left);
    styled::spread(left, subject(room, cols.saturating_sub(used + 2)), cols)
}

/// A list on show that keys go through: its first so many rows can be clicked on.
fn clickable(measured: &mut Measured, area: Rect, rows: usize, marked: usize, has_keys: bool) {
    let height = columns(rows).min(area.height);
    let at = (area.x, area.y, area.width, height);
    let spot = Spot::Rows { marked, has_keys };
    measured.spots.push((spot, at));
}

fn columns(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The server's name and state, as far as there is room.
fn subject(room: &Room<'_>, cols: usize) -> Spans {
    let name = clean::line(room.inspector.server.as_str());
    if room.inspector.attached.is_some() {
        let text = format!("{name}, attached ");
        return vec![span(wrap::truncate(&text, cols), room.theme.strong)];
    }
    let Some(server) = room.app.host.server(&room.inspector.server) else {
        return vec![span(
            wrap::truncate(&format!("{name} is gone"), cols),
            room.theme.bad,
        )];
    };
    let (sign, word, style) = servers::state(server, room.theme, room.app.now);
    // In a narrow place the sign stays, which says it all in short.
    let whole = format!(" {sign} {word} ");
    let state = match wrap::width(&name) + wrap::width(&whole) <= cols {
        true => whole,
        false => format!(" {sign} "),
    };
    let name = wrap::truncate(&name, cols.saturating_sub(wrap::width(&state)));
    vec![span(name, room.theme.strong), span(state, style)]
}
