//! May a folder's `mcp.toml` run? What it would start, reach and pass on, and what of that is new since the last yes.
//!
//! Pure.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Desk, Sheet, blank, centred, in_rows, piece};
use crate::app::dialog::Trusting;
use crate::app::{App, Context, Intent, Measured, Overlay, TrustKey, keymap};
use crate::config::PASSED_ON;
use crate::config::trust::Change;
use crate::text::clean;
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;

/// Draws the question whether a folder's file may run, which lies over everything.
pub(in crate::view) fn draw(
    app: &App,
    theme: &Theme,
    frame: &mut Frame,
    memo: &mut Memo,
    body: Rect,
    measured: &mut Measured,
) {
    let is_help = matches!(app.overlay, Overlay::Help { .. });
    let Some(asked) = app.trust.as_ref().filter(|_| !is_help) else {
        return;
    };
    let area = centred(body);
    let sheet = Desk::within(app, theme, memo, area).trust(asked);
    sheet.draw_in((false, asked.scroll), theme, frame, area, measured);
}

impl Desk<'_> {
    fn trust(&mut self, asked: &Trusting) -> Sheet {
        let asks = &asked.asks;
        let path = clean::line(&asks.folder.path.to_string_lossy());
        let state = match (asked.starting, &asks.before) {
            (true, None) => {
                "You have not said yet that this file may run. Nothing was started, and no key was sent anywhere."
            }
            (true, Some(_)) => {
                "It has changed since you said that it may run. Nothing was started, and no key was sent anywhere."
            }
            (false, _) => {
                "It has changed while you work. Nothing of the change was started; what ran before goes on."
            }
        };
        let mut parts = vec![self.heading(&path), self.said(state)];
        if asks.says_the_same() {
            let words =
                "What it says is the same; comments, order, looks or a hidden value have changed.";
            parts.push(self.said(words));
        } else if asks.before.is_some() {
            parts.push(self.said("+ is new, - is gone."));
        }
        parts.push(blank());
        parts.push(self.says(asked).into());
        parts.push(blank());
        parts.push(self.said(&format!(
            "A program that it starts runs as you do. Of your environment it gets {} LC_*, what is named above, and nothing else.",
            PASSED_ON.join(" ")
        )));
        parts.push(self.said(
            "A yes is for this folder and for this file as it is now, not for what its programs become later.",
        ));
        let foot = self.trust_keys(asked.starting);
        Sheet::new("May this folder's mcp.toml run?".to_owned(), parts, foot)
    }

    fn says(&self, asked: &Trusting) -> Lines {
        let theme = self.theme;
        let marks = asked.asks.before.is_some();
        let cols = self.cols.saturating_sub(if marks { 2 } else { 0 }).max(1);
        let mut out = Lines::new();
        for (change, line) in asked.asks.lines() {
            let gone = (change == Change::Gone).then_some(theme.dim);
            let lines = said(&clean::line(line), gone, cols, theme);
            let sign = match change {
                Change::Same => span("  ", theme.dim),
                Change::New => span("+ ", theme.good),
                Change::Gone => span("- ", theme.bad),
            };
            match marks {
                true => out.extend(styled::prefixed(lines, &[sign], &[span("  ", theme.dim)])),
                false => out.extend(lines),
            }
        }
        out
    }

    fn trust_keys(&self, starting: bool) -> Lines {
        let no = if starting {
            "open without it"
        } else {
            "go on as it was"
        };
        let keys = [
            (TrustKey::Yes, "trust it"),
            (TrustKey::No, no),
            (TrustKey::Quit, "quit"),
        ];
        let mut pieces = Vec::new();
        for (key, label) in keys {
            let wanted = Intent::Trust(key);
            let binding = keymap::hints(Context::Trust).find(|row| row.intent == wanted);
            if let Some(row) = binding {
                pieces.push(piece(&row.shown_key(), label, false, self.theme));
            }
        }
        in_rows(pieces, self.cols + 2, self.theme)
    }
}

/// A line at the edge opens a paragraph, one with `! ` wants attention, and in the others a value follows its key.
fn said(line: &str, gone: Option<Style>, cols: usize, theme: &Theme) -> Lines {
    let Some(bare) = line.strip_prefix("  ") else {
        return styled::wrapped(&[span(line.to_owned(), gone.unwrap_or(theme.accent))], cols);
    };
    let (name, value, style) = match (bare.strip_prefix("! "), bare.split_once(' ')) {
        (Some(words), _) => (span("  ! ", gone.unwrap_or(theme.warn)), words, theme.warn),
        (None, Some((key, value))) => {
            let name = span(format!("  {key:<12} "), gone.unwrap_or(theme.dim));
            (name, value.trim_start(), theme.text)
        }
        (None, None) => (span("  ", theme.dim), bare, theme.text),
    };
    styled::fact(
        name,
        vec![span(value.to_owned(), gone.unwrap_or(style))],
        cols,
    )
}
