//! State to frame. Pure: decides nothing, remembers nothing.
//!
//! [`draw`] is the only entry; the terminal calls it with the [`Memo`] that it keeps between frames and hands what was
//! [`crate::app::Measured`] back to the app. A memo holds laid-out text by a digest of what went into it, so that a frame costs the same
//! however long the conversation is; it never changes what is drawn. What arrives later is syntax colour and pictures: see
//! [`highlight`] and [`picture`] for how the terminal makes them beside the draw thread.
//!
//! Everything that a server or a model wrote goes through `text::clean` here before it reaches a cell.

mod ask;
mod blocks;
mod call_detail;
mod calls;
mod chat;
mod code;
mod composer;
mod costs;
mod entry;
mod fields;
mod hide;
pub mod highlight;
mod inspector;
mod layout;
mod markdown;
mod meaning;
pub mod memo;
mod overlay;
mod page;
mod pane;
pub mod picture;
mod pins;
mod question;
pub mod replay;
mod resources;
mod server_detail;
mod servers;
mod status;
mod styled;
mod suggest;
mod table;
pub mod text;
pub mod theme;
mod unknown;
mod value;
mod vitals;
mod waiting;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::{App, Measured, Overlay, Pane};

pub use memo::Memo;
pub use theme::Theme;

/// Draws one frame and reports what it measured. Any size, any text; no state is changed but the memo's.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame, memo: &mut Memo) -> Measured {
    memo.begin();
    let areas = layout::areas(app, frame.area());
    let mut measured = Measured::default();
    below(app, theme, frame, memo, &areas, &mut measured);
    suggest::draw(app, theme, frame, &areas);
    status::bottom(app, theme, frame, areas.bottom);
    match &app.overlay {
        Overlay::None => {
            measured.ask = question::draw(app, theme, frame, memo, &areas);
            ask::draw(app, theme, frame, memo, &areas, &mut measured);
        }
        Overlay::Folders(_) | Overlay::SignIn(_) => {
            ask::draw_over(app, theme, frame, memo, areas.body, &mut measured);
        }
        overlay => measured.detail = overlay::draw(app, overlay, theme, frame, memo, areas.body),
    }
    ask::trust::draw(app, theme, frame, memo, areas.body, &mut measured);
    memo.end();
    let panes = measured.panes.iter();
    let panes = panes.map(|(_, (x, y, width, height))| Rect::new(*x, *y, *width, *height));
    let panes = panes.chain(app.inspector.is_some().then_some(areas.body));
    hide::secrets(&app.secrets, frame.buffer_mut(), panes);
    measured
}

/// What lies below all else: the panes, or the inspector in their place.
fn below(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    areas: &layout::Areas,
    measured: &mut Measured,
) {
    status::title(app, theme, frame, areas.title);
    status::tabs(app, theme, frame, areas.tabs);
    if let Some(area) = areas.chat {
        measured.panes.push(pane::measured(Pane::Chat, area));
        chat::draw(app, theme, frame, memo, areas, measured);
    }
    if let Some(area) = areas.calls {
        measured.panes.push(pane::measured(Pane::Calls, area));
        measured.lists[0] = calls::draw(app, theme, frame, area, areas.boxed);
    }
    if let Some(area) = areas.servers {
        measured.panes.push(pane::measured(Pane::Servers, area));
        measured.lists[1] = servers::draw(app, theme, frame, area, areas.boxed);
    }
    if let Some(inspector) = app.inspector.as_deref() {
        let mut room = inspector::Room {
            app,
            inspector,
            theme,
            memo,
            measured,
        };
        inspector::draw(&mut room, frame, areas.body);
    }
}
