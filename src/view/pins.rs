//! What a server has changed in its tools, and what strikes the eye in what it says of them.
//!
//! Pure. A change can be read without colours: `[-what went-]{+what came+}`. Nothing in it can hide: what takes no room is
//! written as its number.

use crate::app::App;
use crate::host::{Held, Server};
use crate::ids::ServerName;
use crate::mcp::flags::Flag;
use crate::mcp::pins::Difference;
use crate::text::clean;
use crate::text::diff::Side;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::value::visible;

/// Characters of an unchanged stretch that stay in sight beside a change.
const AROUND: usize = 160;

/// The lines of the overlay about what a server has changed.
pub(super) fn lines(app: &App, name: &ServerName, cols: usize, theme: &Theme) -> Lines {
    let held = app.host.server(name).map(|server| &server.held);
    let Some(held) = held.filter(|held| !held.is_empty()) else {
        let text = "Nothing has changed in its tools since you accepted them.";
        return styled::wrapped(&[span(text, theme.dim)], cols);
    };
    let text = "These tools are not offered to the model until you accept how they are described now. What went is \
                [-in these-], what came {+in these+}; both are the server's words, not checked.";
    let mut out = styled::wrapped(&[span(text, theme.dim)], cols);
    for (tool, change) in held {
        out.push(Default::default());
        out.push(span(clean::line(tool), theme.strong).into());
        out.extend(styled::indented(
            changed(change, cols.saturating_sub(2).max(1), theme),
            2,
        ));
    }
    out
}

/// What changed in one tool.
pub(super) fn changed(held: &Held, cols: usize, theme: &Theme) -> Lines {
    let mut out = Lines::new();
    for difference in held.differences() {
        match difference {
            Difference::Words { part, words } => {
                out.push(span(clean::line(&part), theme.dim).into());
                out.extend(styled::indented(
                    told(&words, cols.saturating_sub(2).max(1), theme),
                    2,
                ));
            }
            Difference::Value {
                part,
                before,
                after,
            } => {
                out.push(span(clean::line(&part), theme.dim).into());
                let row = |name: &'static str, value: Option<String>, style| {
                    let value = match value {
                        Some(value) => visible(&value, style, theme),
                        None => vec![span("nothing", theme.dim)],
                    };
                    let name = span(name, theme.dim);
                    styled::fact(name, value, cols.saturating_sub(2).max(1))
                };
                out.extend(styled::indented(row("was  ", before, theme.bad), 2));
                out.extend(styled::indented(row("is   ", after, theme.good), 2));
            }
            Difference::Long { before, after } => {
                let text = format!(
                    "its description is too long to be compared: it was {before} bytes, and is {after}"
                );
                out.extend(styled::wrapped(&[span(text, theme.warn)], cols));
            }
            Difference::More(more) => {
                let text = format!("and {more} more differences");
                out.push(span(text, theme.warn).into());
            }
        }
    }
    out
}

/// Words with what went and what came, line by line as they are written.
fn told(words: &[(Side, String)], cols: usize, theme: &Theme) -> Lines {
    let mut spans: Spans = Vec::new();
    let mut out = Lines::new();
    let last = words.len().saturating_sub(1);
    for (at, (side, text)) in words.iter().enumerate() {
        let (open, close, style) = match side {
            Side::Both => ("", "", theme.text),
            Side::Old => ("[-", "-]", theme.bad),
            Side::New => ("{+", "+}", theme.good),
        };
        let text = match side {
            Side::Both => shortened(text, at > 0, at < last),
            Side::Old | Side::New => text.clone(),
        };
        spans.push(span(open, style));
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                out.extend(styled::wrapped(&std::mem::take(&mut spans), cols));
            }
            spans.extend(visible(line, style, theme));
        }
        spans.push(span(close, style));
    }
    spans.retain(|span| !span.content.is_empty());
    out.extend(styled::wrapped(&spans, cols));
    out
}

/// An unchanged stretch without its middle, where it is long.
fn shortened(text: &str, before: bool, after: bool) -> String {
    let count = text.chars().count();
    let keep = usize::from(before) * AROUND + usize::from(after) * AROUND;
    if count <= keep + 20 {
        return text.to_owned();
    }
    let head: String = text.chars().take(usize::from(before) * AROUND).collect();
    let tail = text.chars().skip(count - usize::from(after) * AROUND);
    format!("{head} … {}", tail.collect::<String>())
}

/// What strikes the eye in a tool, a line each.
pub(super) fn flagged(flags: &[Flag], cols: usize, theme: &Theme) -> Lines {
    let one = |flag: &Flag| {
        let mark = span("! ", theme.warn);
        let words = vec![span(
            format!("odd: {}", clean::line(&flag.sentence())),
            theme.warn,
        )];
        styled::fact(mark, words, cols)
    };
    flags.iter().flat_map(one).collect()
}

/// What is to be said of a server as a whole.
pub(super) fn of_server(server: &Server, cols: usize, theme: &Theme) -> Lines {
    let mut out = flagged(&server.flags.server, cols, theme);
    let text = match server.held.len() {
        0 => return out,
        1 => "1 tool has changed since you accepted it (a: look at the change)".to_owned(),
        n => format!("{n} tools have changed since you accepted them (a: look at the changes)"),
    };
    let mark = span("! ", theme.warn);
    out.extend(styled::fact(mark, vec![span(text, theme.warn)], cols));
    out
}

/// What is to be said of a tool of this server wherever it is described.
pub(super) fn remarks(server: &Server, tool: &str, cols: usize, theme: &Theme) -> Lines {
    let mut out = Lines::new();
    if server.held.contains_key(tool) {
        let text =
            "changed since you accepted it: not offered to the model (a: look at the change)";
        out.extend(styled::fact(
            span("! ", theme.warn),
            vec![span(text, theme.warn)],
            cols,
        ));
    }
    out.extend(flagged(server.flags.of(tool), cols, theme));
    out
}
