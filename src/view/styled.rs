//! Styled text in lines: wrapping, cutting and aligning spans by columns.
//!
//! Pure. Expects cleaned text. Where lines break is decided by `text::wrap` alone; here the styles are laid over its answer.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::text::wrap;

/// Laid-out lines.
pub(super) type Lines = Vec<Line<'static>>;

/// Spans of one paragraph.
pub(super) type Spans = Vec<Span<'static>>;

/// A span of owned text.
pub(super) fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// The columns of all spans.
pub(super) fn width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| wrap::width(&span.content)).sum()
}

/// Wraps a paragraph at words; `\n` breaks.
pub(super) fn wrapped(spans: &[Span<'static>], cols: usize) -> Lines {
    if let [only] = spans {
        let lines = wrap::wrap(&only.content, cols).into_iter();
        return lines.map(|text| span(text, only.style).into()).collect();
    }
    let text: String = spans.iter().map(|span| span.content.as_ref()).collect();
    let mut source = Source::new(&text, spans);
    let lines = wrap::wrap(&text, cols);
    lines.iter().map(|line| source.dress(line)).collect()
}

/// The graphemes of the paragraph with the span that each came from.
struct Source<'a> {
    rest: unicode_segmentation::GraphemeIndices<'a>,
    ends: Vec<usize>,
    spans: &'a [Span<'static>],
    at: usize,
}

impl<'a> Source<'a> {
    fn new(text: &'a str, spans: &'a [Span<'static>]) -> Self {
        let mut end = 0;
        let ends = spans.iter().map(|span| {
            end += span.content.len();
            end
        });
        Self {
            ends: ends.collect(),
            rest: text.grapheme_indices(true),
            spans,
            at: 0,
        }
    }

    /// Gives a wrapped line its styles back. Wrapping drops nothing but blanks and puts `…` for what cannot fit.
    fn dress(&mut self, line: &str) -> Line<'static> {
        let mut out: Spans = Vec::new();
        for grapheme in line.graphemes(true) {
            let style = self.style_of(grapheme);
            match out.last_mut() {
                Some(last) if last.style == style => last.content.to_mut().push_str(grapheme),
                _ => out.push(span(grapheme, style)),
            }
        }
        Line::from(out)
    }

    fn style_of(&mut self, grapheme: &str) -> Style {
        for (at, candidate) in self.rest.by_ref() {
            let blank = candidate.chars().all(char::is_whitespace);
            if candidate == grapheme || !blank {
                while self.ends.get(self.at).is_some_and(|end| *end <= at) {
                    self.at += 1;
                }
                break;
            }
        }
        self.spans.get(self.at).map_or(Style::new(), |s| s.style)
    }
}

/// Breaks at the column and nowhere else, keeping every blank: for code.
pub(super) fn broken(spans: &[Span<'static>], cols: usize) -> Lines {
    let cols = cols.max(1);
    let mut lines = Vec::new();
    let (mut current, mut used): (Spans, usize) = (Vec::new(), 0);
    for part in spans {
        let mut text = String::new();
        for grapheme in part.content.graphemes(true) {
            let wide = wrap::width(grapheme);
            let (grapheme, wide) = if wide > cols {
                ("…", 1)
            } else {
                (grapheme, wide)
            };
            if used + wide > cols {
                current.push(span(std::mem::take(&mut text), part.style));
                lines.push(Line::from(std::mem::take(&mut current)));
                used = 0;
            }
            text.push_str(grapheme);
            used += wide;
        }
        if !text.is_empty() {
            current.push(span(text, part.style));
        }
    }
    lines.push(Line::from(current));
    lines
}

/// At most `cols` columns, with `…` where something was cut.
pub(super) fn cropped(spans: Spans, cols: usize) -> Spans {
    if width(&spans) <= cols {
        return spans;
    }
    let mut out = Vec::new();
    let mut left = cols;
    for part in spans {
        let wide = wrap::width(&part.content);
        // One column stays for the sign of the cut.
        if wide < left {
            left -= wide;
            out.push(part);
            continue;
        }
        if left > 0 {
            let marked = format!("{}\u{2026}\u{2026}", part.content);
            out.push(span(wrap::truncate(&marked, left), part.style));
        }
        break;
    }
    out
}

/// One line: `left` cut to the room that `right` leaves, `right` at the right edge. Without room for both, `left` alone.
pub(super) fn spread(left: Spans, right: Spans, cols: usize) -> Line<'static> {
    let right_cols = width(&right);
    if right_cols == 0 || right_cols + 8 > cols {
        return Line::from(cropped(left, cols));
    }
    let mut out = cropped(left, cols - right_cols - 1);
    let gap = cols - right_cols - width(&out);
    out.push(Span::raw(" ".repeat(gap)));
    out.extend(right);
    Line::from(out)
}

/// Puts `first` before the first line and `rest` before the others.
pub(super) fn prefixed(lines: Lines, first: &[Span<'static>], rest: &[Span<'static>]) -> Lines {
    let with = |(at, line): (usize, Line<'static>)| {
        let before = if at == 0 { first } else { rest };
        let mut spans = before.to_vec();
        spans.extend(line.spans);
        Line::from(spans)
    };
    lines.into_iter().enumerate().map(with).collect()
}

/// A name and what is to be said about it, which keeps its column when it is folded.
pub(super) fn fact(name: Span<'static>, value: Spans, cols: usize) -> Lines {
    let wide = wrap::width(&name.content);
    if cols < wide * 2 {
        let spans: Spans = std::iter::once(name).chain(value).collect();
        return wrapped(&spans, cols);
    }
    let below = span(" ".repeat(wide), name.style);
    prefixed(wrapped(&value, cols - wide), &[name], &[below])
}

/// The same with two blank columns before each line: the gutter stays free for signs.
pub(super) fn indented(lines: Lines, cols: usize) -> Lines {
    let blank = [Span::raw(" ".repeat(cols))];
    prefixed(lines, &blank, &blank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::Modifier;

    fn text_of(line: &Line<'_>) -> String {
        line.spans
            .iter()
            .map(|span| span.content.as_ref())
            .collect()
    }

    proptest! {
        #[test]
        fn styles_change_no_break(parts in prop::collection::vec("[a-zé漢 \n👍🏽]{0,12}", 0..6), cols in 0usize..20) {
            let plain: String = parts.concat();
            let styles = [Style::new(), Style::new().add_modifier(Modifier::BOLD)];
            let spans: Spans = parts.iter().enumerate().map(|(at, part)| span(part.clone(), styles[at % 2])).collect();
            let seen: Vec<String> = wrapped(&spans, cols).iter().map(text_of).collect();
            prop_assert_eq!(seen, wrap::wrap(&plain, cols));
        }

        #[test]
        fn nothing_is_wider_than_asked(parts in prop::collection::vec("\\PC{0,12}", 0..6), cols in 0usize..30) {
            let spans: Spans = parts.iter().map(|part| span(crate::text::clean::line(part), Style::new())).collect();
            prop_assert!(width(&cropped(spans.clone(), cols)) <= cols);
            prop_assert!(width(&spread(spans.clone(), spans.clone(), cols).spans) <= cols);
            for line in broken(&spans, cols) {
                prop_assert!(width(&line.spans) <= cols.max(1));
            }
        }
    }

    #[test]
    fn a_bold_word_stays_bold_after_the_break() {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let spans = vec![span("one ", Style::new()), span("two three", bold)];
        let lines = wrapped(&spans, 7);
        assert_eq!(lines[0].spans[1], span("two", bold));
        assert_eq!(lines[1].spans[0], span("three", bold));
    }
}
