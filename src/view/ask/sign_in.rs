//! A sign-in: where the person has to go, and the line for the address that the browser ended at.
//!
//! Pure.

use ratatui::text::Line;

use super::{Desk, Sheet, blank, in_rows, piece};
use crate::app::dialog::{Address, SignIn};
use crate::app::{Context, Intent, SignKey, keymap};
use crate::host::SignInState;
use crate::text::clean;
use crate::view::composer;
use crate::view::styled::Lines;

impl Desk<'_> {
    pub(super) fn sign_in(&mut self, sign_in: &SignIn) -> Sheet {
        let server = clean::line(sign_in.server.as_str());
        let mut sheet = Sheet::new(format!("Sign in at {server}"), Vec::new(), Lines::new());
        let mut keys = vec![SignKey::Abort];
        match self.app.host.sign_ins.get(&sign_in.server) {
            Some(SignInState::Visit { url, comes_back }) => {
                let words = if *comes_back {
                    "Sign in there. The browser comes back by itself; where it cannot reach this machine, paste the address that it ends at."
                } else {
                    "Sign in there, then paste the address that the browser ends at, even where it shows an error."
                };
                sheet.parts.extend(self.address(&Address::read(url)));
                sheet.parts.push(blank());
                sheet.parts.push(self.said(words));
                keys.splice(0..0, [SignKey::Open, SignKey::Copy, SignKey::Go]);
                self.line_to_paste(sign_in, &mut sheet);
            }
            Some(SignInState::Failed { why }) => {
                let why = format!("It did not come about: {}", clean::block(why));
                sheet.parts.push(self.warned(&why));
                sheet.parts.push(self.said("Enter begins anew."));
                keys.insert(0, SignKey::Go);
            }
            Some(SignInState::Starting) | None => {
                let words = format!("Finding out what {server} wants.");
                sheet.parts.push(self.said(&words));
            }
        }
        if let Some(note) = &sign_in.note {
            sheet.parts.push(self.heading(&clean::line(note)));
        }
        sheet.foot = self.keys(&keys);
        sheet
    }

    fn line_to_paste(&self, sign_in: &SignIn, sheet: &mut Sheet) {
        let (mut rows, caret) = composer::laid(&sign_in.redirect, self.theme, self.cols, true);
        let row = sheet.height();
        // What was pasted is long and says nothing: the end of it is enough.
        let cut = rows.len().saturating_sub(3).min(caret.0);
        rows.drain(..cut);
        sheet.cursor = Some((row + caret.0 - cut, caret.1));
        sheet.parts.push(rows.into());
    }

    fn keys(&self, keys: &[SignKey]) -> Lines {
        let mut pieces = Vec::new();
        for key in keys {
            let wanted = Intent::Sign(*key);
            let binding = keymap::hints(Context::SignIn).find(|row| row.intent == wanted);
            if let Some(row) = binding {
                pieces.push(piece(&row.shown_key(), row.label, false, self.theme));
            }
        }
        if pieces.is_empty() {
            return vec![Line::default()];
        }
        in_rows(pieces, self.cols + 2, self.theme)
    }
}
