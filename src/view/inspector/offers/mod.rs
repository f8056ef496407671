//! The tabs of what a server offers: the list at the left, what is marked or open at the right; in a narrow terminal one of them.
//!
//! Pure. Rows and columns that keys go by are measured here.

mod details;
mod form;
mod result;
mod row;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::App;
use crate::app::inspector::offers::{
    Face, Filling, Offer, OfferKind, Offered, OffersTab, Scene, Shelf, list,
};
use crate::host::Server;
use crate::text::{clean, wrap};
use crate::view::inspector::{Room, clickable};
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{composer, layout, pane};

/// Columns below which the list and what is open share their place.
const BESIDE: u16 = 72;
/// Characters of a server's words about one place of a form.
const WORDS: usize = 600;

/// What is drawn, and with what.
struct Desk<'a> {
    app: &'a App,
    tab: &'a OffersTab,
    at: Scene<'a>,
    server: &'a Server,
    theme: &'a Theme,
}

/// What the keys go by: rows of what is scrolled and of its area, and the columns of a text of the form.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    area: (usize, usize),
    cols: usize,
}

/// The list as it stands: where, how many of its rows, and the marked one among them.
#[derive(Debug, Clone, Copy)]
struct Stood {
    area: Rect,
    rows: usize,
    marked: usize,
}

/// Draws the tab.
pub(super) fn draw(room: &mut Room<'_>, frame: &mut Frame, area: Rect) {
    let Some(at) = room.app.scene() else {
        return;
    };
    let Some(server) = room.app.host.server(at.server) else {
        let gone = span("The server is gone from the configuration.", room.theme.bad).into();
        return pane::line(frame, area, 0, &gone);
    };
    let desk = Desk {
        app: room.app,
        tab: &room.inspector.offers,
        at,
        server,
        theme: room.theme,
    };
    let (seen, list) = desk.draw(frame, room.memo, area);
    if let Some(list) = list {
        clickable(room.measured, list.area, list.rows, list.marked, true);
    }
    room.measured.detail = seen.area;
    room.measured.field = seen.cols;
}

impl Desk<'_> {
    /// What was measured, and the list where it has the keys.
    fn draw(&self, frame: &mut Frame, memo: &mut Memo, area: Rect) -> (Seen, Option<Stood>) {
        let shelf = self.tab.shelf(self.at.kind);
        let offers = list::offers(self.server, self.at.kind, shelf.query.text());
        let has_face = shelf.face().is_some();
        if area.width < BESIDE && has_face {
            return (self.right(&shelf, frame, memo, area), None);
        }
        let [left, right] = split(area);
        let list = self.left(&shelf, &offers, frame, left, !has_face);
        let seen = self.right(&shelf, frame, memo, right);
        (seen, (!has_face).then_some(list))
    }

    fn left(
        &self,
        shelf: &Shelf,
        offers: &[Offer],
        frame: &mut Frame,
        area: Rect,
        has_keys: bool,
    ) -> Stood {
        let theme = self.theme;
        let title = self.count(offers.len());
        let mut inner = pane::ruled(frame, theme, area, &title, has_keys);
        if shelf.searching || !shelf.query.is_empty() {
            inner = searched(shelf, theme, frame, inner);
        }
        let rows = usize::from(inner.height);
        let marked = shelf.marked.min(offers.len().saturating_sub(1));
        let first = (marked + 1).saturating_sub(rows);
        for (row, offer) in offers.iter().enumerate().skip(first).take(rows) {
            let line = self.row(offer, row == marked, usize::from(inner.width));
            pane::line(frame, inner, row - first, &line);
            if row == marked {
                pane::mark(frame, theme, inner, row - first);
            }
        }
        if offers.is_empty() {
            let words = self.nothing(!shelf.query.is_empty());
            let lines = styled::wrapped(&[span(words, theme.dim)], usize::from(inner.width));
            pane::lines(frame, inner, &lines);
        }
        Stood {
            area: inner,
            rows: offers.len().saturating_sub(first).min(rows),
            marked: marked - first.min(marked),
        }
    }

    /// The list's title, with how many there are.
    fn count(&self, fitting: usize) -> String {
        let all = list::offers(self.server, self.at.kind, "").len();
        let word = title(self.at.kind);
        match fitting == all {
            true => format!("{word} · {all}"),
            false => format!("{word} · {fitting} of {all}"),
        }
    }

    fn row(&self, offer: &Offer, marked: bool, cols: usize) -> Line<'static> {
        let theme = self.theme;
        let style = if marked { theme.strong } else { theme.text };
        let sign = span(if marked { "▸ " } else { "  " }, theme.accent);
        let mut spans: Spans = vec![sign];
        let name = offer.of.name();
        // Where a name has nothing to clean, the letters that were found are shown.
        if clean::line(name) == name {
            for (at, c) in name.chars().enumerate() {
                let hit = u32::try_from(at).is_ok_and(|at| offer.hits.contains(&at));
                let style = if hit { theme.accent } else { style };
                match spans.last_mut() {
                    Some(last) if last.style == style && spans_on(&last.content) => {
                        last.content.to_mut().push(c);
                    }
                    _ => spans.push(span(c, style)),
                }
            }
        } else {
            spans.push(span(clean::line(name), style));
        }
        if let Some(words) = &offer.words {
            let words: String = words.chars().take(200).collect();
            spans.push(span(format!("  {}", clean::line(&words)), theme.dim));
        }
        Line::from(styled::cropped(spans, cols))
    }

    fn nothing(&self, searched: bool) -> String {
        let what = title(self.at.kind).to_lowercase();
        match (searched, self.server.status.is_ready()) {
            (true, _) => "Nothing fits. Esc takes the search back.".to_owned(),
            (false, true) => format!("{} lists no {what}.", self.at.server),
            (false, false) => format!(
                "{} is not ready: nothing is known of its {what}.",
                self.at.server
            ),
        }
    }

    fn right(&self, shelf: &Shelf, frame: &mut Frame, memo: &mut Memo, area: Rect) -> Seen {
        let (theme, has_keys) = (self.theme, shelf.face().is_some());
        let of = self.tab.marked(&self.at);
        let name = of.as_ref().map_or("", Offered::name);
        let title = |what: &str| clean::line(&format!("{name}{what}"));
        match shelf.face() {
            Some(Face::Form) => {
                let inner = pane::ruled(frame, theme, area, &title(" · fill in"), has_keys);
                self.form(frame, inner)
            }
            Some(Face::Result(id)) => {
                let inner = pane::ruled(
                    frame,
                    theme,
                    area,
                    &title(&format!(" · call {id}")),
                    has_keys,
                );
                let cols = usize::from(inner.width.saturating_sub(1));
                let lines = result::lines(self, shelf, id, cols, memo);
                scrolled(frame, theme, inner, &lines, shelf.scroll)
            }
            Some(Face::History(marked)) => {
                let inner = pane::ruled(frame, theme, area, &title(" · calls"), has_keys);
                result::history(self, of.as_ref(), marked, frame, inner)
            }
            Some(Face::Compare(a, b)) => {
                let what = format!(" · call {a} against {b}");
                let inner = pane::ruled(frame, theme, area, &title(&what), has_keys);
                let lines =
                    result::compared(self, (a, b), usize::from(inner.width.saturating_sub(1)));
                scrolled(frame, theme, inner, &lines, shelf.scroll)
            }
            None => {
                let inner = pane::ruled(frame, theme, area, &title(""), has_keys);
                let cols = usize::from(inner.width.saturating_sub(1));
                let lines = of.map_or_else(Vec::new, |of| details::lines(self, &of, cols));
                scrolled(frame, theme, inner, &lines, shelf.scroll)
            }
        }
    }
}

impl Desk<'_> {
    fn form(&self, frame: &mut Frame, area: Rect) -> Seen {
        match self.tab.form(&self.at) {
            Some(Filling::Call(tree)) => form::tree(self, tree, frame, area),
            Some(Filling::Texts(fields)) => form::texts(self, fields, frame, area),
            None => Seen::default(),
        }
    }
}

/// The line of the search, and what is left below it.
fn searched(shelf: &Shelf, theme: &Theme, frame: &mut Frame, area: Rect) -> Rect {
    let (line, rest) = layout::top(area, 1);
    let empty = "a few letters of a name";
    let placeholder = shelf.query.is_empty().then_some(empty);
    let has_cursor = shelf.searching;
    composer::text(&shelf.query, placeholder, theme, frame, line, has_cursor);
    rest
}

/// The list beside what is marked or open; where there is no room for both, above it.
fn split(area: Rect) -> [Rect; 2] {
    if area.width < BESIDE {
        let height = area.height / 2;
        let top = Rect { height, ..area };
        let y = area.y + height;
        let height = area.height - height;
        return [top, Rect { y, height, ..area }];
    }
    let width = (area.width * 3 / 10).clamp(24, 42);
    let left = Rect { width, ..area };
    let x = area.x + width + 1;
    let width = area.width - width - 1;
    [left, Rect { x, width, ..area }]
}

fn spans_on(text: &str) -> bool {
    text != "▸ " && text != "  "
}

fn title(kind: OfferKind) -> &'static str {
    match kind {
        OfferKind::Tools => "Tools",
        OfferKind::Resources => "Resources",
        OfferKind::Prompts => "Prompts",
    }
}

/// Lines from `first` on, with a bar where there are more.
fn scrolled(frame: &mut Frame, theme: &Theme, area: Rect, lines: &Lines, first: usize) -> Seen {
    let rows = usize::from(area.height);
    let first = first.min(lines.len().saturating_sub(rows));
    pane::lines(frame, area, lines.iter().skip(first));
    pane::scrollbar(frame, theme, area, first, lines.len());
    Seen {
        area: (lines.len(), rows),
        cols: 0,
    }
}

/// The first so many characters, clean, with a sign where more were cut.
fn short(text: &str, chars: usize) -> String {
    let text = match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    clean::line(&text)
}

/// A text cut to columns.
fn cut(text: &str, cols: usize) -> String {
    wrap::truncate(text, cols)
}
