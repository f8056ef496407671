//! A form of a server: its fields one below the other, each with what is expected, what is in it, and what is wrong with that.
//!
//! Pure.

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::Value;

use super::{Desk, Sheet, warning};
use crate::app::Context;
use crate::app::form::{Choosable, Field, Form, Kind};
use crate::text::clean;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::{code, composer};

/// Characters of a title and a description that are shown.
const WORDS: usize = 1_000;
/// Columns before what stands below a field's title.
const INDENT: usize = 2;

impl Desk<'_> {
    pub(super) fn form(&mut self, form: &Form, server: &str, message: &str) -> Sheet {
        let mut parts = vec![self.quoted(message)];
        if form.fields.iter().any(|field| field.required) {
            parts.push(self.said("* is needed"));
        }
        let context = if form.types() {
            Context::Form
        } else {
            Context::Pick
        };
        let mut foot = Lines::new();
        if let Some(why) = &form.complaint {
            let why = format!("It does not fit: {}", clean::line(why));
            foot.extend(warning(&why, self.theme, self.cols));
            // The answers must stay in sight, whatever there is to say.
            foot.truncate(2);
        }
        foot.extend(self.answers(context, self.app.ask.dialog.choices()));
        let title = format!("{server} asks you to fill in a form");
        let mut sheet = Sheet::new(title, parts, foot);
        let mut row = sheet.height();
        for (at, field) in form.fields.iter().enumerate() {
            let option = (at == form.at).then_some(form.option);
            let laid = self.field(field, option, form.tried, server);
            if let (Some(_), true) = (option, laid.lines.len() > 1) {
                sheet.focus = Some(row + 1..row + laid.lines.len());
                sheet.here = row + laid.here;
                sheet.cursor = laid.cursor.map(|(at, col)| (row + at, col));
            }
            row += laid.lines.len();
            sheet.parts.push(laid.lines.into());
        }
        sheet.field = composer::fold_cols(self.cols.saturating_sub(INDENT));
        sheet
    }

    /// One field with a blank row before it. `option`: it has the keys, at this option.
    fn field(&self, field: &Field, option: Option<usize>, tried: bool, server: &str) -> Laid {
        let (theme, cols) = (self.theme, self.cols);
        let room = cols.saturating_sub(INDENT).max(1);
        let mut lines: Lines = vec![Line::default()];
        lines.extend(self.named(field, option.is_some()));
        if let Some(text) = &field.description {
            let text = clean::block(&short(text));
            lines.extend(styled::indented(
                code::plain(&text, theme.dim, room),
                INDENT,
            ));
        }
        if field.secret {
            let words = format!(
                "It seems to ask for a secret. Servers must not ask for secrets in a form: {server} would read it."
            );
            lines.extend(styled::indented(warning(&words, theme, room), INDENT));
        }
        let (mut here, mut cursor) = (lines.len(), None);
        if let Some(input) = field.text() {
            let has_keys = option.is_some();
            let (rows, at) = composer::laid(input, theme, room, has_keys);
            here += at.0;
            cursor = has_keys.then_some((here, at.1 + INDENT));
            lines.extend(styled::indented(rows, INDENT));
        } else {
            here += option.unwrap_or(0);
            lines.extend(self.choices(field, option));
        }
        if let Some(why) = field.says(tried) {
            let why = clean::line(&short(why));
            lines.extend(styled::indented(warning(&why, theme, room), INDENT));
        }
        Laid {
            lines,
            here,
            cursor,
        }
    }

    fn named(&self, field: &Field, has_keys: bool) -> Lines {
        let theme = self.theme;
        let name = field.title.as_deref().unwrap_or(&field.name);
        let style = if has_keys { theme.accent } else { theme.strong };
        let mut spans = vec![span(clean::line(&short(name)), style)];
        if field.required {
            spans.push(span(" *", theme.warn));
        }
        if let Some(expected) = field.expected() {
            spans.push(span(format!(" · {expected}"), theme.dim));
        }
        let sign = span(if has_keys { "▸ " } else { "  " }, theme.accent);
        let room = self.cols.saturating_sub(INDENT).max(1);
        styled::prefixed(
            styled::wrapped(&spans, room),
            &[sign],
            &[span("  ", theme.text)],
        )
    }

    /// What can be chosen, each on a row of its own; yes and no on one.
    fn choices(&self, field: &Field, option: Option<usize>) -> Lines {
        let theme = self.theme;
        if let Kind::Flag(said) = &field.kind {
            let sign = if option.is_some() { "❯ " } else { "  " };
            let text = format!(
                "{} yes  {} no",
                round(*said == Some(true)),
                round(*said == Some(false))
            );
            let spans = vec![
                span(format!("  {sign}"), theme.accent),
                span(text, theme.text),
            ];
            return vec![Line::from(styled::cropped(spans, self.cols))];
        }
        let several = matches!(field.kind, Kind::Many { .. });
        let row = |(at, of): (usize, &Choosable)| {
            let has_keys = option == Some(at);
            let sign = if has_keys { "❯ " } else { "  " };
            let chosen = field.is_chosen(at);
            let mark = match (several, chosen) {
                (true, true) => "[x]",
                (true, false) => "[ ]",
                (false, chosen) => round(chosen),
            };
            let style = if has_keys { theme.strong } else { theme.text };
            let mut spans = vec![
                span(format!("  {sign}"), theme.accent),
                span(format!("{mark} "), style),
            ];
            spans.extend(named_value(
                of.title.as_deref(),
                &of.value,
                style,
                theme.dim,
            ));
            Line::from(styled::cropped(spans, self.cols))
        };
        field.options().iter().enumerate().map(row).collect()
    }
}

/// A field, laid out.
struct Laid {
    lines: Lines,
    /// The row that has the keys.
    here: usize,
    cursor: Option<(usize, usize)>,
}

fn round(chosen: bool) -> &'static str {
    if chosen { "(•)" } else { "( )" }
}

fn named_value(title: Option<&str>, value: &Value, style: Style, dim: Style) -> Spans {
    let value = match value {
        Value::String(text) => clean::line(&short(text)),
        other => clean::line(&short(&other.to_string())),
    };
    match title.map(|title| clean::line(&short(title))) {
        Some(title) if title != value => {
            vec![span(title, style), span(format!(" · {value}"), dim)]
        }
        _ => vec![span(value, style)],
    }
}

/// At most so many characters, with a sign where more were cut.
fn short(text: &str) -> String {
    match text.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
