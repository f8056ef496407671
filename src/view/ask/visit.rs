//! An address that a server wants visited: all of it as it would be opened, its host, what is suspicious about it.
//!
//! Pure. The address and the warnings come before the server's words: nobody says yes without having had them in sight first.

use super::{Desk, Sheet, blank};
use crate::app::Context;
use crate::app::dialog::{Address, Visit};
use crate::text::clean;
use crate::view::entry::Part;
use crate::view::memo::digest;
use crate::view::styled::{self, span};

impl Desk<'_> {
    pub(super) fn visit(&mut self, visit: &Visit, server: &str, message: &str) -> Sheet {
        let mut parts = Vec::new();
        if visit.opening {
            parts.push(self.heading("It is being handed to the browser."));
        }
        if let Some(why) = &visit.failed {
            parts.push(self.warned(&format!(
                "It could not be opened here ({}). It was copied: open it elsewhere, then press e.",
                clean::line(why)
            )));
        }
        parts.extend(self.address(&visit.address));
        parts.push(blank());
        parts.push(self.said(&format!("{server} says why:")));
        parts.push(self.quoted(message));
        let foot = self.answers(Context::Visit, self.app.ask.dialog.choices());
        let title = format!("{server} asks you to visit an address");
        Sheet::new(title, parts, foot)
    }

    /// An address with its host in sight, and what is suspicious about it.
    pub(super) fn address(&mut self, address: &Address) -> Vec<Part> {
        let (theme, cols) = (self.theme, self.cols);
        let shown = &address.shown;
        let key = digest(&("address", shown, &address.host, cols, theme.name));
        let lines = self.memo.lines(key, |_| {
            let piece =
                |range: std::ops::Range<usize>| clean::line(shown.get(range).unwrap_or_default());
            let spans = match &address.host {
                Some(host) => vec![
                    span(piece(0..host.start), theme.dim),
                    span(piece(host.clone()), theme.accent),
                    span(piece(host.end..shown.len()), theme.dim),
                ],
                None => vec![span(piece(0..shown.len()), theme.text)],
            };
            styled::broken(&spans, cols)
        });
        let mut parts = Vec::new();
        if let Some(host) = address.host() {
            let name = span("goes to  ", theme.dim);
            let mut host = vec![span(clean::line(host), theme.accent)];
            // They may lie below the fold.
            match address.warnings.len() {
                0 => {}
                1 => host.push(span(" · 1 warning", theme.warn)),
                count => host.push(span(format!(" · {count} warnings"), theme.warn)),
            }
            parts.push(styled::fact(name, host, cols).into());
        }
        parts.push(lines);
        let warnings = address.warnings.iter();
        parts.extend(warnings.map(|warning| self.warned(&clean::line(warning))));
        parts
    }
}
