//! A frame as plain text, and its digest: for recordings, whose replay has to draw the same.
//!
//! Pure. Colours have no part in it: they come late, and no theme shows another text.

use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use sha2::{Digest, Sha256};

use crate::app::{App, Measured};
use crate::text::wrap;
use crate::view::{Memo, Theme, draw};

/// The most columns and rows of a frame that is drawn without a terminal.
const MOST: u16 = 1000;

/// The text of a frame, a line for each row, without the blanks at their ends.
pub fn of(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::with_capacity(usize::from(area.width) * usize::from(area.height));
    for y in area.top()..area.bottom() {
        let from = out.len();
        let mut x = area.left();
        while x < area.right() {
            let symbol = buffer[(x, y)].symbol();
            out.push_str(symbol);
            let wide = u16::try_from(wrap::width(symbol)).unwrap_or(1);
            x = x.saturating_add(wide.max(1));
        }
        let end = out[from..].trim_end_matches(' ').len();
        out.truncate(from + end);
        out.push('\n');
    }
    out
}

/// The digest of a frame's text: as much of its SHA-256 as tells the frames of a session apart.
pub fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let mut hex = String::with_capacity(24);
    for byte in &hash[..12] {
        let _infallible = write!(hex, "{byte:02x}");
    }
    hex
}

/// Draws a state without a terminal: the cells, where the cursor stands if it shows, and what was measured.
pub fn cells(
    app: &App,
    theme: &Theme,
    (cols, rows): (u16, u16),
    memo: &mut Memo,
) -> (Buffer, Option<(u16, u16)>, Measured) {
    let backend = TestBackend::new(cols.clamp(1, MOST), rows.clamp(1, MOST));
    let mut measured = Measured::default();
    let Ok(mut terminal) = Terminal::new(backend);
    let Ok(_drawn) = terminal.draw(|frame| measured = draw(app, theme, frame, memo));
    let shows = terminal.backend().cursor_visible();
    let cursor = terminal.backend().cursor_position();
    let buffer = terminal.backend().buffer().clone();
    (buffer, shows.then_some((cursor.x, cursor.y)), measured)
}
