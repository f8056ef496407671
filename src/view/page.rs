//! The page that Markdown is laid out on: paragraphs, what they lie in (quotes, lists) and the blank lines between.
//!
//! Pure. `markdown` reads the text and writes here; the signs of quotes and lists, and the room beside them, are known here only.

use pulldown_cmark::HeadingLevel;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::text::wrap;
use crate::view::memo::Memo;
use crate::view::styled::{self, Lines, Spans, span};
use crate::view::table::Table;
use crate::view::theme::Theme;

/// What a block lies in.
pub(super) enum Nest {
    Quote,
    List {
        next: Option<u64>,
    },
    Item {
        marker: Option<String>,
        width: usize,
    },
}

/// A code block while it is read.
pub(super) struct Code {
    pub language: String,
    pub text: String,
    pub closed: bool,
}

pub(super) struct Page<'a> {
    pub source: &'a str,
    pub open: bool,
    pub cols: usize,
    pub theme: &'a Theme,
    pub memo: &'a mut Memo,
    pub out: Lines,
    pub inline: Spans,
    pub styles: Vec<Style>,
    pub nests: Vec<Nest>,
    /// The next block is parted from the last by a blank line.
    pub gap: bool,
    pub code: Option<Code>,
    pub table: Option<Table>,
    pub links: Vec<String>,
}

impl Page<'_> {
    pub(super) fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or(self.theme.text)
    }

    pub(super) fn nest(&mut self, with: Style) {
        self.styles.push(self.style().patch(with));
    }

    pub(super) fn unnest(&mut self) {
        if self.styles.len() > 1 {
            self.styles.pop();
        }
    }

    pub(super) fn push(&mut self, text: &str, style: Style) {
        self.inline.push(span(text, style));
    }

    /// Ends the running paragraph, if there is one.
    pub(super) fn flush(&mut self) {
        let spans = std::mem::take(&mut self.inline);
        if spans.iter().all(|part| part.content.trim().is_empty()) {
            return;
        }
        self.part();
        let room = self.room();
        let lines = styled::wrapped(&trimmed(spans), room);
        self.emit(lines);
    }

    /// The blank line before a block.
    pub(super) fn part(&mut self) {
        if std::mem::take(&mut self.gap) && !self.out.is_empty() {
            let quotes = self
                .nests
                .iter()
                .filter(|b| matches!(b, Nest::Quote))
                .count();
            self.out
                .push(span("▎ ".repeat(quotes), self.theme.border).into());
        }
    }

    pub(super) fn room(&self) -> usize {
        let width = |nest: &Nest| match nest {
            Nest::Quote => 2,
            Nest::List { .. } => 0,
            Nest::Item { width, .. } => *width,
        };
        let taken: usize = self.nests.iter().map(width).sum();
        self.cols - taken.min(self.cols / 2)
    }

    /// Writes the lines of one block behind the signs of what it lies in.
    pub(super) fn emit(&mut self, lines: Lines) {
        let (mut first, mut rest): (Spans, Spans) = (Vec::new(), Vec::new());
        for nest in &mut self.nests {
            match nest {
                Nest::Quote => {
                    first.push(span("▎ ", self.theme.border));
                    rest.push(span("▎ ", self.theme.border));
                }
                Nest::List { .. } => {}
                Nest::Item { marker, width } => {
                    let blank = || Span::raw(" ".repeat(*width));
                    let marker = marker.take().map(|marker| span(marker, self.theme.accent));
                    first.push(marker.unwrap_or_else(blank));
                    rest.push(blank());
                }
            }
        }
        let most = self.cols / 2;
        let (first, rest) = (styled::cropped(first, most), styled::cropped(rest, most));
        self.out.extend(styled::prefixed(lines, &first, &rest));
    }

    pub(super) fn heading(&mut self, level: HeadingLevel) {
        self.flush();
        self.gap |= !self.out.is_empty();
        let style = match level {
            HeadingLevel::H1 => self.theme.accent.add_modifier(Modifier::UNDERLINED),
            HeadingLevel::H2 => self.theme.accent,
            HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => {
                self.theme.strong
            }
        };
        self.styles.push(style);
    }

    pub(super) fn rule(&mut self) {
        self.flush();
        self.part();
        let line = span("─".repeat(self.room()), self.theme.border);
        self.emit(vec![Line::from(line)]);
        self.gap = true;
    }

    pub(super) fn start_item(&mut self) {
        self.flush();
        let depth = self
            .nests
            .iter()
            .filter(|b| matches!(b, Nest::List { .. }))
            .count();
        let marker = match self.nests.last_mut() {
            Some(Nest::List { next: Some(number) }) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ if depth > 1 => "◦ ".to_owned(),
            _ => "• ".to_owned(),
        };
        // A list that follows a paragraph or a list that is loose keeps its blank line; it belongs before the marker.
        self.part();
        self.nests.push(Nest::Item {
            width: wrap::width(&marker),
            marker: Some(marker),
        });
    }

    pub(super) fn end_item(&mut self) {
        self.flush();
        if let Some(Nest::Item {
            marker: Some(_), ..
        }) = self.nests.last()
        {
            self.emit(vec![Line::default()]);
        }
        self.nests.pop();
    }
}

/// Without line breaks at the ends.
fn trimmed(mut spans: Spans) -> Spans {
    while spans
        .last()
        .is_some_and(|part| part.content.trim().is_empty())
    {
        spans.pop();
    }
    if let Some(last) = spans.last_mut() {
        let end = last.content.trim_end().len();
        last.content.to_mut().truncate(end);
    }
    spans
}
