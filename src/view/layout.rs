//! Where everything lies: side by side when wide, stacked when narrow, one pane at a time when tiny.
//!
//! Pure. Called once a frame.

use ratatui::layout::Rect;

use crate::app::{App, Pane};
use crate::view::composer;

/// From this many columns on, chat and lists stand side by side.
const WIDE: u16 = 100;
/// The least that side by side and stacked need.
const ROWS: u16 = 16;
const NARROW: u16 = 60;
/// Rows of the input at most.
const INPUT: u16 = 8;

/// The areas of one frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub title: Rect,
    /// The line of tabs; empty when all panes are on show.
    pub tabs: Rect,
    /// Everything between the lines on top and at the bottom.
    pub body: Rect,
    pub bottom: Rect,
    /// Conversation and input together.
    pub chat: Option<Rect>,
    pub messages: Option<Rect>,
    pub input: Option<Rect>,
    pub calls: Option<Rect>,
    pub servers: Option<Rect>,
    /// Panes have a frame around them; else a rule on top.
    pub boxed: bool,
}

/// Lays the frame out.
pub(super) fn areas(app: &App, area: Rect) -> Areas {
    let mut areas = Areas::default();
    let (title, rest) = top(area, u16::from(area.height >= 6));
    let (body, bottom) = foot(rest, u16::from(rest.height >= 3));
    (areas.title, areas.bottom, areas.body) = (title, bottom, body);
    if app.inspector.is_some() {
        return areas;
    }
    if area.width >= WIDE && area.height >= ROWS {
        wide(app, &mut areas);
    } else if area.width >= NARROW && area.height >= ROWS + 4 {
        stacked(app, &mut areas);
    } else {
        tabbed(app, &mut areas);
    }
    areas
}

fn wide(app: &App, areas: &mut Areas) {
    areas.boxed = true;
    let left = u16::try_from(u32::from(areas.body.width) * 11 / 20).unwrap_or(areas.body.width);
    let chat = Rect {
        width: left,
        ..areas.body
    };
    let right = Rect {
        x: areas.body.x + left,
        width: areas.body.width - left,
        ..areas.body
    };
    chat_and_input(app, chat, areas);
    // Each server has its line, the marked one a few more; calls get the rest, and at least half.
    let servers = rows(app.host.servers.len()).saturating_add(8);
    let (calls, servers) = foot(right, servers.min(right.height / 2));
    areas.calls = Some(calls);
    areas.servers = Some(servers);
}

fn stacked(app: &App, areas: &mut Areas) {
    let height = areas.body.height;
    let strip = |pane: Pane, most: u16| {
        if app.focus == pane {
            (height / 3).max(most)
        } else {
            most
        }
    };
    let servers = strip(
        Pane::Servers,
        rows(app.host.servers.len())
            .saturating_add(1)
            .min(height / 5)
            .max(2),
    );
    let calls = strip(Pane::Calls, (height / 5).max(3));
    let (rest, servers) = foot(areas.body, servers);
    let (chat, calls) = foot(rest, calls);
    chat_and_input(app, chat, areas);
    areas.calls = Some(calls);
    areas.servers = Some(servers);
}

fn tabbed(app: &App, areas: &mut Areas) {
    let (tabs, body) = top(areas.body, u16::from(areas.body.height >= 6));
    (areas.tabs, areas.body) = (tabs, body);
    match app.tab {
        Pane::Chat => chat_and_input(app, body, areas),
        Pane::Calls => areas.calls = Some(body),
        Pane::Servers => areas.servers = Some(body),
    }
}

/// The input grows with what is written, and leaves the conversation at least half.
fn chat_and_input(app: &App, area: Rect, areas: &mut Areas) {
    areas.chat = Some(area);
    let frame = composer::frame_rows(areas.boxed);
    let room = area.width.saturating_sub(if areas.boxed { 4 } else { 0 });
    let rows = rows(composer::rows(app, usize::from(room))).min(INPUT);
    let most = (area.height / 2).max(1);
    let (messages, input) = foot(area, rows.saturating_add(frame).min(most));
    areas.messages = Some(messages);
    areas.input = Some(input);
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Cuts rows off the top: (those, the rest).
pub(super) fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let rest = Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    };
    (
        Rect {
            height: rows,
            ..area
        },
        rest,
    )
}

/// Cuts rows off the bottom: (the rest, those).
pub(super) fn foot(area: Rect, rows: u16) -> (Rect, Rect) {
    top(area, area.height - rows.min(area.height))
}
