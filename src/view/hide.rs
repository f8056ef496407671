//! The last thing that happens to a frame: what the configuration calls a secret is covered, whoever wrote it there.
//!
//! Pure. Works on the cells, so that no pane can forget it; a secret that was folded into several rows of a pane is found as well.
//! Called by `draw` alone.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::mcp::wire::redact::Redactor;

/// A shorter one is looked for within a row only: rows that happen to meet must not cover words.
const FOLDED: usize = 8;
/// What is left of a secret that was cut is covered from so many characters on.
const SHORTEST_PIECE: usize = 6;
/// What stands in a covered cell.
const COVER: &str = "*";

/// Text and the cells that it came from, by byte.
#[derive(Default)]
struct Run {
    text: String,
    cells: Vec<Position>,
}

impl Run {
    fn push(&mut self, symbol: &str, at: Position) {
        self.text.push_str(symbol);
        self.cells.resize(self.text.len(), at);
    }

    fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.cells.extend(other.cells);
    }

    /// The parts of a row between borders and wide gaps, each without the blanks around it.
    fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut from = 0;
        let ends = ["│", "┃", "|", "   "];
        while from < self.text.len() {
            let rest = &self.text[from..];
            let next = ends
                .iter()
                .filter_map(|end| Some((rest.find(end)?, end.len())));
            let (length, skip) = next.min().unwrap_or((rest.len(), 0));
            let part = Self {
                text: rest[..length].to_owned(),
                cells: self.cells[from..from + length].to_vec(),
            };
            if !part.is_blank() {
                parts.push(part.trimmed());
            }
            from += length + skip;
        }
        parts
    }

    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Without the blanks at both ends.
    fn trimmed(mut self) -> Self {
        let end = self.text.trim_end().len();
        self.text.truncate(end);
        self.cells.truncate(end);
        let start = end - self.text.trim_start().len();
        self.text.drain(..start);
        self.cells.drain(..start);
        self
    }

    fn cover(&self, secret: &str, buffer: &mut Buffer) {
        for (at, found) in self.text.match_indices(secret) {
            self.cover_bytes(at..at + found.len(), buffer);
        }
    }

    /// Covers what is left of a secret where the text was cut: its beginning before an ellipsis or the end, its end at the start.
    fn cover_cut(&self, secret: &str, buffer: &mut Buffer) {
        let Some(least) = secret.char_indices().nth(SHORTEST_PIECE).map(|(at, _)| at) else {
            return;
        };
        for (at, _) in self.text.match_indices(&secret[..least]) {
            let rest = &self.text[at..];
            let same = rest.chars().zip(secret.chars());
            let same = same.take_while(|(here, there)| here == there);
            let end = at + same.map(|(c, _)| c.len_utf8()).sum::<usize>();
            let after = self.text[end..].trim_start();
            if after.is_empty() || after.starts_with(['…', '.']) {
                self.cover_bytes(at..end, buffer);
            }
        }
        let starts = secret.char_indices().map(|(at, _)| at).skip(1);
        let left = starts.map(|at| &secret[at..]);
        let left = left.take_while(|left| left.chars().count() >= SHORTEST_PIECE);
        if let Some(left) = left.into_iter().find(|left| self.text.starts_with(left)) {
            self.cover_bytes(0..left.len(), buffer);
        }
    }

    fn cover_bytes(&self, bytes: std::ops::Range<usize>, buffer: &mut Buffer) {
        for cell in self.cells.get(bytes).unwrap_or_default() {
            if let Some(cell) = buffer.cell_mut(*cell) {
                cell.set_symbol(COVER);
            }
        }
    }
}

/// Covers the secrets in a frame. `panes` are parts of it whose rows belong together.
pub fn secrets(known: &Redactor, buffer: &mut Buffer, panes: impl Iterator<Item = Rect>) {
    let known = known.known();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if known.is_empty() {
        return;
    }
    let whole = buffer.area;
    let folded: Vec<&str> = known
        .iter()
        .copied()
        .filter(|s| s.len() >= FOLDED)
        .collect();
    // Folded ones first: what is covered is no longer found as a part of them.
    for area in panes.chain([whole]) {
        for run in columns(buffer, area.intersection(whole)) {
            for secret in &folded {
                run.cover(secret, buffer);
                run.cover_cut(secret, buffer);
            }
        }
    }
    for y in whole.top()..whole.bottom() {
        let mut row = Run::default();
        (whole.left()..whole.right()).for_each(|x| take(buffer, x, y, &mut row));
        known.iter().for_each(|secret| row.cover(secret, buffer));
        for part in row.parts() {
            folded
                .iter()
                .for_each(|secret| part.cover_cut(secret, buffer));
        }
    }
}

fn take(buffer: &Buffer, x: u16, y: u16, run: &mut Run) {
    if let Some(cell) = buffer.cell((x, y)) {
        run.push(cell.symbol(), Position { x, y });
    }
}

/// The rows between the same borders, one under the other, each without the blanks around it.
fn columns(buffer: &Buffer, area: Rect) -> Vec<Run> {
    let mut done = Vec::new();
    let mut open: BTreeMap<u16, Run> = BTreeMap::new();
    for y in area.top()..area.bottom() {
        let mut rows = BTreeMap::new();
        let mut from = area.left();
        for x in area.left()..area.right() {
            let is_border = |cell: &ratatui::buffer::Cell| matches!(cell.symbol(), "│" | "┃" | "|");
            match buffer.cell((x, y)).is_some_and(is_border) {
                true => from = x + 1,
                false => take(buffer, x, y, rows.entry(from).or_insert_with(Run::default)),
            }
        }
        rows.retain(|_, row: &mut Run| !row.is_blank());
        let ended: Vec<u16> = open
            .keys()
            .copied()
            .filter(|x| !rows.contains_key(x))
            .collect();
        done.extend(ended.iter().filter_map(|x| open.remove(x)));
        for (x, row) in rows {
            open.entry(x).or_default().append(row.trimmed());
        }
    }
    done.extend(open.into_values());
    done
}
