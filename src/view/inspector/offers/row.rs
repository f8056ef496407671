//! One row of the form of a call: its name, its value, and where it has the keys, what can be chosen and what is meant.
//!
//! Pure.

use ratatui::text::Line;
use serde_json::Value;

use crate::app::form::tree::{Row, RowKind, State};
use crate::app::form::{Choosable, Field, Kind};
use crate::text::clean;
use crate::text::human::plural;
use crate::view::inspector::offers::{WORDS, cut, short};
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::theme::Theme;
use crate::view::{code, composer};

/// Options on show of a field that has the keys.
const OPTIONS: usize = 6;

/// At most so many of the lines.
pub(super) fn first(mut lines: Lines, count: usize) -> Lines {
    lines.truncate(count);
    lines
}

/// A row's name, clean.
pub(super) fn label(row: &Row) -> String {
    match &row.kind {
        RowKind::AddItem => "+ add an item".to_owned(),
        RowKind::AddName(_) => "+ add a name".to_owned(),
        RowKind::More => "…".to_owned(),
        _ if row.way > 0 && !row.path.is_empty() => "value".to_owned(),
        _ if row.path.is_empty() => "arguments".to_owned(),
        _ => short(&row.name, 200),
    }
}

/// One row, and what it is drawn with.
pub(super) struct Drawn<'a> {
    pub theme: &'a Theme,
    pub cols: usize,
    pub column: usize,
    pub row: &'a Row,
    pub has_keys: bool,
    pub option: usize,
}

impl Drawn<'_> {
    pub(super) fn lines(&self, tried: bool) -> (Lines, Option<(usize, usize)>) {
        let theme = self.theme;
        let indent = (self.row.depth * 2).min(self.cols / 3);
        let under = self.column == 0;
        let left = if under { indent + 4 } else { self.column };
        let room = self.cols.saturating_sub(left).max(4);
        let (value, cursor) = self.value(room);
        let head = self.head(indent);
        let mut out: Lines = Vec::new();
        let mut shift = 0;
        if under && !value.is_empty() {
            out.push(Line::from(styled::cropped(head, self.cols)));
            shift = 1;
            out.extend(styled::indented(value, left));
        } else {
            let mut head = styled::cropped(head, if under { self.cols } else { left });
            let gap = left.saturating_sub(styled::width(&head));
            head.push(span(" ".repeat(gap), theme.text));
            let below = [span(" ".repeat(left), theme.text)];
            let value = if value.is_empty() {
                vec![Line::default()]
            } else {
                value
            };
            out.extend(styled::prefixed(value, &head, &below));
        }
        let cursor = cursor.map(|(row, col)| (row + shift, col + left));
        if self.has_keys {
            out.extend(styled::indented(self.more(room), left));
        }
        if let Some(why) = self.row.says(tried) {
            let why = format!("! {}", short(why, WORDS));
            let lines = first(styled::wrapped(&[span(why, theme.warn)], room), 3);
            out.extend(styled::indented(lines, left));
        }
        (out, cursor)
    }

    fn head(&self, indent: usize) -> Spans {
        let theme = self.theme;
        let style = match (self.has_keys, self.row.state, &self.row.kind) {
            (true, ..) => theme.accent,
            (false, _, RowKind::AddItem | RowKind::AddName(_) | RowKind::More) => theme.dim,
            (false, State::Absent, _) if !self.row.required => theme.text,
            _ => theme.strong,
        };
        let sign = if self.has_keys { "▸ " } else { "  " };
        let mut spans = vec![
            span(sign, theme.accent),
            span(" ".repeat(indent), theme.text),
            span(label(self.row), style),
        ];
        let is_item = self.row.name.starts_with('[');
        let adds = matches!(
            self.row.kind,
            RowKind::AddItem | RowKind::AddName(_) | RowKind::More
        );
        if self.row.required && !is_item && !adds && !self.row.path.is_empty() {
            spans.push(span("*", theme.warn));
        }
        spans
    }

    /// The value, and where the cursor stands in it.
    fn value(&self, room: usize) -> (Lines, Option<(usize, usize)>) {
        let (theme, row) = (self.theme, self.row);
        let one = |spans: Spans| (vec![Line::from(styled::cropped(spans, room))], None);
        let dim = |text: String| one(vec![span(text, theme.dim)]);
        match &row.kind {
            RowKind::Leaf(field) => self.leaf(field, room),
            RowKind::AddName(input) if self.has_keys => {
                let (lines, at) = composer::laid(input, theme, room, true);
                (lines, Some(at))
            }
            RowKind::Group { open, count } => dim(self.folded("object", "name", *open, *count)),
            RowKind::List { open, count } => dim(self.folded("list", "item", *open, *count)),
            RowKind::Ways { titles, chosen } => {
                let title = chosen.and_then(|at| titles.get(at));
                let count = match chosen {
                    Some(at) => format!("  way {} of {}", at + 1, titles.len()),
                    None => format!("  {} ways", titles.len()),
                };
                let null = if row.state == State::Null {
                    "null"
                } else {
                    "choose"
                };
                let title = title.filter(|_| row.state != State::Null);
                let title = title.map_or(null.to_owned(), |title| short(title, 100));
                one(vec![
                    span(format!("‹ {title} ›"), theme.text),
                    span(count, theme.dim),
                ])
            }
            RowKind::Null => one(vec![span("null", theme.keyword)]),
            RowKind::More => {
                dim("there is more than a form shows: Ctrl-R writes it as JSON".to_owned())
            }
            RowKind::AddItem | RowKind::AddName(_) => (Vec::new(), None),
        }
    }

    fn folded(&self, what: &str, part: &str, open: bool, count: usize) -> String {
        if self.row.state == State::Absent {
            return format!("▸ {what}, not given");
        }
        let s = if count == 1 { "" } else { "s" };
        format!(
            "{} {what} · {count} {part}{s}",
            if open { "▾" } else { "▸" }
        )
    }

    fn leaf(&self, field: &Field, room: usize) -> (Lines, Option<(usize, usize)>) {
        let theme = self.theme;
        if let Some(input) = field.text() {
            if self.has_keys {
                let (lines, at) = composer::laid(input, theme, room, true);
                return (lines, Some(at));
            }
            return (vec![self.written(field, input.text(), room)], None);
        }
        (
            vec![Line::from(styled::cropped(self.chosen(field), room))],
            None,
        )
    }

    /// What is chosen, on one line.
    fn chosen(&self, field: &Field) -> Spans {
        let theme = self.theme;
        match &field.kind {
            Kind::Flag(said) => {
                let (yes, no) = (round(*said == Some(true)), round(*said == Some(false)));
                vec![span(format!("{yes} yes  {no} no"), theme.text)]
            }
            Kind::One { options, chosen } => {
                match chosen.and_then(|at| Some((at, options.get(at)?))) {
                    Some((at, option)) => vec![
                        span(format!("‹ {} ›", named(option)), theme.text),
                        span(format!("  {} of {}", at + 1, options.len()), theme.dim),
                    ],
                    None => {
                        let text = format!("‹ not given ›  {}", plural(options.len(), "option"));
                        vec![span(text, theme.dim)]
                    }
                }
            }
            Kind::Many { options, .. } => {
                let chosen = options.iter().enumerate();
                let chosen = chosen.filter(|(at, _)| field.is_chosen(*at));
                let names: Vec<String> = chosen.map(|(_, option)| named(option)).collect();
                match (names.is_empty(), self.row.state) {
                    (true, State::Absent) => {
                        vec![span(
                            format!("not given  {}", plural(options.len(), "option")),
                            theme.dim,
                        )]
                    }
                    (true, _) => vec![span("none", theme.dim)],
                    (false, _) => vec![span(names.join(", "), theme.text)],
                }
            }
            Kind::Text { .. } | Kind::Number { .. } | Kind::Json(_) => Vec::new(),
        }
    }

    /// A text that has no keys, on one line.
    fn written(&self, field: &Field, text: &str, room: usize) -> Line<'static> {
        let theme = self.theme;
        if text.is_empty() {
            let word = match self.row.state {
                State::Absent if self.row.required => "…",
                State::Absent => "not given",
                State::Null | State::Given => "\"\"",
            };
            return span(cut(word, room), theme.dim).into();
        }
        let style = match field.kind {
            Kind::Number { .. } => theme.number,
            _ => theme.text,
        };
        let mut lines = text.lines();
        let head = lines.next().unwrap_or_default();
        let more = lines.count();
        let mut spans = vec![span(short(head, 2_000), style)];
        if more > 0 {
            spans.push(span(
                format!("  … {} more", plural(more, "line")),
                theme.dim,
            ));
        }
        Line::from(styled::cropped(spans, room))
    }

    /// What is said below the row that has the keys: what can be chosen, what is meant, what is expected.
    fn more(&self, room: usize) -> Lines {
        let (theme, row) = (self.theme, self.row);
        let mut out: Lines = Vec::new();
        match &row.kind {
            RowKind::Leaf(field) => out.extend(self.options(field, room)),
            RowKind::Ways { titles, chosen } => {
                let names: Vec<String> = titles.iter().map(|title| short(title, 60)).collect();
                let row = |at: usize| (*chosen == Some(at), false, names[at].clone());
                out.extend(self.choices(names.len(), chosen.unwrap_or(0), row, room));
            }
            _ => {}
        }
        let words = [&row.title, &row.description];
        let words: Vec<String> = words
            .into_iter()
            .flatten()
            .map(|text| short(text, WORDS))
            .collect();
        if !words.is_empty() {
            out.extend(first(code::plain(&words.join(": "), theme.dim, room), 4));
        }
        let mut facts: Vec<String> = Vec::new();
        facts.extend(row.field().and_then(Field::expected));
        if row.nullable {
            facts.push("null fits too: Ctrl-N".to_owned());
        }
        if row.field().is_some_and(|field| field.secret) {
            facts.push("it speaks of a secret: the server reads it".to_owned());
        }
        if !facts.is_empty() {
            let facts = clean::line(&facts.join(" · "));
            out.extend(first(styled::wrapped(&[span(facts, theme.dim)], room), 2));
        }
        out
    }

    fn options(&self, field: &Field, room: usize) -> Lines {
        let several = matches!(field.kind, Kind::Many { .. });
        let options = field.options();
        if options.len() < 2 && !several {
            return Vec::new();
        }
        let here = if several {
            self.option
        } else {
            (0..options.len())
                .find(|at| field.is_chosen(*at))
                .unwrap_or(0)
        };
        let row = |at: usize| (field.is_chosen(at), several, named(&options[at]));
        self.choices(options.len(), here, row, room)
    }

    /// Some of what can be chosen, around the one that has the keys.
    fn choices(
        &self,
        count: usize,
        here: usize,
        row: impl Fn(usize) -> (bool, bool, String),
        room: usize,
    ) -> Lines {
        let theme = self.theme;
        let start = (here + 1).saturating_sub(OPTIONS);
        let mut out: Lines = Vec::new();
        for at in start..count.min(start + OPTIONS) {
            let (chosen, several, name) = row(at);
            let mark = match (several, chosen) {
                (true, true) => "[x]",
                (true, false) => "[ ]",
                (false, chosen) => round(chosen),
            };
            let is_here = several && at == here;
            let style = if chosen || is_here {
                theme.strong
            } else {
                theme.dim
            };
            let sign = if is_here { "❯ " } else { "  " };
            let spans = vec![
                span(sign, theme.accent),
                span(format!("{mark} {name}"), style),
            ];
            out.push(Line::from(styled::cropped(spans, room)));
        }
        if count > start + OPTIONS {
            let more = format!("  … {} more", count - start - OPTIONS);
            out.push(span(cut(&more, room), theme.dim).into());
        }
        out
    }
}

fn round(chosen: bool) -> &'static str {
    if chosen { "(•)" } else { "( )" }
}

fn named(option: &Choosable) -> String {
    let value = match &option.value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match &option.title {
        Some(title) if *title != value => format!("{title} · {value}"),
        _ => value,
    };
    short(&text, 100)
}
