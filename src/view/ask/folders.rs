//! The folders that servers may be told of, one on a line.
//!
//! Pure.

use ratatui::text::Line;

use super::{Desk, Sheet, blank, warning};
use crate::app::dialog::Folders;
use crate::app::{Choice, Context};
use crate::text::clean;
use crate::view::composer;
use crate::view::styled::{Lines, span};

impl Desk<'_> {
    /// The list; `server` asks for it, or else the person has opened it.
    pub(super) fn folders(&mut self, folders: &Folders, server: Option<&str>) -> Sheet {
        let (title, why, choices): (_, _, &[Choice]) = match server {
            Some(server) => (
                format!("{server} asks for your folders"),
                "It wants to know in which folders it may work. What you accept it is told until the program ends; /roots sets the folders for all servers.",
                self.app.ask.dialog.choices(),
            ),
            None => (
                "Folders that servers are told of".to_owned(),
                "Servers that ask are told of these folders. It is a wish and no lock: a server that runs here can still reach others.",
                &[Choice::Accept, Choice::Dismiss],
            ),
        };
        let parts = vec![
            self.said(why),
            self.said("One on a line, from / or ~ on; the last line adds one."),
            blank(),
        ];
        let foot = self.answers(Context::Form, choices);
        let mut sheet = Sheet::new(title, parts, foot);
        let (theme, cols) = (self.theme, self.cols);
        let mut row = sheet.height();
        for (at, line) in folders.rows.iter().enumerate() {
            let has_keys = at == folders.at;
            let (mut rows, caret) = composer::laid(&line.input, theme, cols, has_keys);
            if line.input.is_empty() && !has_keys {
                rows = add_sign(theme);
            }
            if let Some(why) = &line.complaint {
                rows.extend(warning(&clean::line(why), theme, cols));
            }
            if has_keys {
                sheet.focus = Some(row..row + rows.len());
                sheet.here = row + caret.0;
                sheet.cursor = Some((row + caret.0, caret.1));
            }
            row += rows.len();
            sheet.parts.push(rows.into());
        }
        sheet.field = composer::fold_cols(cols);
        sheet
    }
}

fn add_sign(theme: &crate::view::Theme) -> Lines {
    vec![Line::from(span("+ add a folder", theme.dim))]
}
