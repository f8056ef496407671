//! The form for the arguments of a prompt or the variables of a resource template.
//!
//! Pure. Gives the rows of its text and of its area, as everything that lies on top does.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::App;
use crate::app::fields::{Field, Fields, Purpose};
use crate::text::{clean, wrap};
use crate::view::styled::{self, Lines, span};
use crate::view::theme::Theme;
use crate::view::{code, composer, pane};

/// Proposed values on show.
const VALUES: usize = 6;
/// Lines of the server's words on top.
const WORDS: usize = 4;

/// Draws the form.
pub(super) fn draw(
    app: &App,
    fields: &Fields,
    theme: &Theme,
    frame: &mut Frame,
    area: Rect,
) -> (usize, usize) {
    let (out, at) = fitting(app, fields, theme, area);
    let height = u16::try_from(out.len() + 2).unwrap_or(u16::MAX);
    let area = Rect {
        height: area.height.min(height),
        ..area
    };
    pane::clear(frame, area);
    let inner = pane::framed(frame, theme, area, &title(fields), true, true);
    let rows = usize::from(inner.height);
    // The field that has the keys stays in sight, with what is proposed for it.
    let first = (at + VALUES + 1)
        .saturating_sub(rows)
        .min(at.saturating_sub(1));
    let first = first.min(out.len().saturating_sub(rows));
    pane::lines(frame, inner, out.iter().skip(first));
    if let Some(field) = fields.rows.get(fields.at)
        && let Some(y) = at
            .checked_sub(first)
            .and_then(|row| u16::try_from(row).ok())
        && y < inner.height
    {
        let line = Rect {
            y: inner.y + y,
            height: 1,
            ..inner
        };
        composer::text(&field.value, None, theme, frame, line, true);
    }
    (out.len(), rows)
}

/// All of the form, roomy where the area is.
fn fitting(app: &App, fields: &Fields, theme: &Theme, area: Rect) -> (Lines, usize) {
    // The frame takes two columns to each side, and two rows.
    let cols = usize::from(area.width.saturating_sub(4));
    let rows = usize::from(area.height.saturating_sub(2));
    let (out, at) = lines(app, fields, cols, theme, true);
    if out.len() <= rows {
        return (out, at);
    }
    lines(app, fields, cols, theme, false)
}

/// All of the form, and the line of the field that has the keys. Where there is room, the fields stand apart.
fn lines(app: &App, fields: &Fields, cols: usize, theme: &Theme, is_roomy: bool) -> (Lines, usize) {
    let mut out = head(fields, cols, theme);
    let mut at = out.len();
    for (index, field) in fields.rows.iter().enumerate() {
        let has_keys = index == fields.at;
        if is_roomy && index > 0 {
            out.push(Line::default());
        }
        out.extend(label(field, has_keys, cols, theme));
        if has_keys {
            at = out.len();
        }
        out.push(value(field, has_keys, cols, theme));
        if has_keys {
            out.extend(proposals(app, fields, cols, theme));
        }
    }
    out.extend(foot(fields, cols, theme));
    (out, at)
}

fn title(fields: &Fields) -> String {
    match &fields.purpose {
        Purpose::Prompt { server, prompt } => clean::line(&format!("Prompt /{server}:{prompt}")),
        Purpose::Template {
            server,
            uri_template,
            ..
        } => clean::line(&format!("Resource @{server}:{uri_template}")),
    }
}

fn head(fields: &Fields, cols: usize, theme: &Theme) -> Lines {
    let Some(words) = &fields.words else {
        return Vec::new();
    };
    let words: String = words.trim().chars().take(1_000).collect();
    let mut out = code::plain(&clean::block(&words), theme.dim, cols);
    out.truncate(WORDS);
    out.push(Line::default());
    out
}

fn label(field: &Field, has_keys: bool, cols: usize, theme: &Theme) -> Lines {
    let name = if has_keys { theme.accent } else { theme.strong };
    let needed = if field.required { " (required)" } else { "" };
    let words: String = field.words.trim().chars().take(400).collect();
    let spans = [
        span(clean::line(&field.name), name),
        span(needed, theme.warn),
        span(format!("  {}", clean::line(&words)), theme.dim),
    ];
    let mut lines = styled::wrapped(&spans, cols);
    lines.truncate(3);
    lines
}

fn value(field: &Field, has_keys: bool, cols: usize, theme: &Theme) -> Line<'static> {
    if has_keys {
        // The composer draws itself here.
        return Line::default();
    }
    let text = clean::line(field.value.text());
    let text = wrap::truncate(&text, cols.saturating_sub(2));
    Line::from(vec![span("❯ ", theme.dim), span(text, theme.text)])
}

pub(super) fn proposals(app: &App, fields: &Fields, cols: usize, theme: &Theme) -> Lines {
    let values = fields.proposals(&app.reach.asker);
    let marked = fields.marked.unwrap_or(0);
    let first = (marked + 1).saturating_sub(VALUES);
    let mut out = Vec::new();
    for (at, value) in values.iter().enumerate().skip(first).take(VALUES) {
        let is_marked = fields.marked == Some(at);
        let (sign, style) = if is_marked {
            ("  ▸ ", theme.accent)
        } else {
            ("    ", theme.dim)
        };
        let text = wrap::truncate(&clean::line(value), cols.saturating_sub(4));
        let spans = vec![span(sign, theme.accent), span(text, style)];
        out.push(Line::from(styled::cropped(spans, cols)));
    }
    if out.is_empty() && app.reach.asker.is_waiting() {
        out.push(span("    asking the server", theme.dim).into());
    }
    out
}

fn foot(fields: &Fields, cols: usize, theme: &Theme) -> Lines {
    let mut out = vec![Line::default()];
    if let Some(uri) = fields.uri() {
        out.extend(code::plain(
            &format!("→ {}", clean::line(&uri)),
            theme.link,
            cols,
        ));
    }
    if let Some(complaint) = &fields.complaint {
        let complaint = format!("! {}", clean::line(complaint));
        out.extend(code::plain(&complaint, theme.bad, cols));
    }
    let sends = match fields.purpose {
        Purpose::Prompt { .. } => "Enter sends the prompt to the model",
        Purpose::Template { into: Some(_), .. } => "Enter puts the resource into your message",
        Purpose::Template { into: None, .. } => "Enter reads the resource",
    };
    let keys = format!("{sends} · Tab next field · Esc closes");
    out.extend(code::plain(&keys, theme.dim, cols));
    out
}
