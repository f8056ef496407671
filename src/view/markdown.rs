//! Markdown as lines: headings, lists, quotes, code, tables, links as text.
//!
//! Pure. Called for what the model says, whole at each change: parsing is a hundred times faster than reading. The text is
//! cleaned before and after parsing, because an entity (`&#27;`) may hide a control character from the first pass.

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};

use crate::text::clean;
use crate::view::code;
use crate::view::memo::Memo;
use crate::view::page::{Code, Nest, Page};
use crate::view::styled::Lines;
use crate::view::table::{self, Align, Cells, Table};
use crate::view::theme::Theme;

/// Lays out Markdown in `cols` columns. `open`: more text will come, so that code at its end is not closed yet.
pub(super) fn lay(text: &str, open: bool, cols: usize, theme: &Theme, memo: &mut Memo) -> Lines {
    let source = clean::block(text);
    let source = if open { settled(&source) } else { &source };
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page {
        source,
        open,
        cols: cols.max(1),
        theme,
        memo,
        out: Vec::new(),
        inline: Vec::new(),
        styles: vec![theme.text],
        nests: Vec::new(),
        gap: false,
        code: None,
        table: None,
        links: Vec::new(),
    };
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        page.event(event, &range);
    }
    page.flush();
    page.out
}

/// The text without what a table at its end is not sure of: the head whose rule has not come yet, the row that is not whole. For
/// an instant they would be seen as the signs they are made of.
fn settled(text: &str) -> &str {
    let at = text.rfind("\n\n").map_or(0, |at| at + 2);
    let (before, last) = text.split_at(at);
    if !last.starts_with('|') {
        return text;
    }
    match last.rfind('\n') {
        Some(end) if last.matches('\n').count() >= 2 => &text[..at + end + 1],
        _ => before,
    }
}

impl Page<'_> {
    fn event(&mut self, event: Event<'_>, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                let style = self.style().patch(self.theme.code);
                self.push(&clean::line(&text), style);
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                let style = self.theme.dim;
                self.push(&clean::block(&text), style);
            }
            Event::FootnoteReference(name) => self.text(&format!("[{name}]")),
            Event::SoftBreak | Event::HardBreak => self.push("\n", self.theme.text),
            Event::Rule => self.rule(),
            Event::TaskListMarker(done) => {
                let (sign, style) = if done {
                    ("[x] ", self.theme.good)
                } else {
                    ("[ ] ", self.theme.dim)
                };
                self.push(sign, style);
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.flush(),
            Tag::Heading { level, .. } => self.heading(level),
            Tag::BlockQuote(_) => {
                self.flush();
                self.part();
                self.nests.push(Nest::Quote);
            }
            Tag::CodeBlock(kind) => self.start_code(&kind, range),
            Tag::List(next) => {
                self.flush();
                self.nests.push(Nest::List { next });
            }
            Tag::Item => self.start_item(),
            Tag::Table(aligns) => {
                self.flush();
                self.table = Some(Table {
                    align: aligns.into_iter().map(align).collect(),
                    ..Table::default()
                });
            }
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.nest(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.nest(Style::new().add_modifier(Modifier::BOLD)),
            Tag::Strikethrough => self.nest(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } => {
                self.links.push(clean::line(&dest_url));
                self.nest(self.theme.link);
            }
            Tag::Image { dest_url, .. } => {
                self.push("image: ", self.theme.dim);
                self.links.push(clean::line(&dest_url));
                self.nest(self.theme.link);
            }
            // Their contents come as further events; what is not switched on never comes.
            Tag::TableHead
            | Tag::TableCell
            | Tag::Superscript
            | Tag::Subscript
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.flush();
                self.gap = true;
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
                self.gap = false;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.nests.pop();
                self.gap = true;
            }
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::List(_) => {
                self.flush();
                self.nests.pop();
                self.gap |= !self
                    .nests
                    .iter()
                    .any(|nest| matches!(nest, Nest::List { .. }));
            }
            TagEnd::Item => self.end_item(),
            TagEnd::Table => self.end_table(),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.unnest(),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            // See `start`.
            TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.text.push_str(&clean::block(text));
            return;
        }
        self.push(&clean::line(text), self.style());
    }

    fn start_code(&mut self, kind: &CodeBlockKind<'_>, range: &Range<usize>) {
        self.flush();
        let source = self.source.get(range.clone()).unwrap_or_default();
        let (language, fenced) = match kind {
            CodeBlockKind::Fenced(info) => {
                let word = info.split([' ', ',', '{']).next().unwrap_or_default();
                (clean::line(word), true)
            }
            CodeBlockKind::Indented => (String::new(), false),
        };
        let last = source
            .trim_end()
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start();
        let last = last.trim_start_matches(['>', ' ']);
        let fence = last.starts_with("```") || last.starts_with("~~~");
        let ended = fenced && fence && source.trim_end().lines().count() > 1;
        self.code = Some(Code {
            language,
            text: String::new(),
            closed: ended || !self.open,
        });
    }

    fn end_code(&mut self) {
        let Some(code) = self.code.take() else {
            return;
        };
        self.part();
        let room = self.room();
        let lines = code::block(
            &code.language,
            &code.text,
            code.closed,
            room,
            self.theme,
            self.memo,
        );
        self.emit(lines);
        self.gap = true;
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.inline);
        if let Some(table) = &mut self.table {
            match table.rows.last_mut() {
                Some(row) => row.push(cell),
                None => table.head.push(cell),
            }
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else {
            return;
        };
        self.part();
        let lines = table::lay(&table, Cells::Wrap, self.room(), self.theme);
        self.emit(lines);
        self.gap = true;
    }

    /// A link is its text, then where it leads: nobody is sent to a place that was not shown.
    fn end_link(&mut self) {
        self.unnest();
        let Some(url) = self.links.pop() else {
            return;
        };
        let told = self.inline.last().is_some_and(|part| part.content == url);
        if !told && !url.is_empty() {
            self.push(&format!(" ({url})"), self.theme.dim);
        }
    }
}

fn align(of: Alignment) -> Align {
    match of {
        Alignment::None => Align::Auto,
        Alignment::Left => Align::Left,
        Alignment::Right => Align::Right,
        Alignment::Center => Align::Centre,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::styled;
    use proptest::prelude::*;
    use ratatui::text::Line;

    fn shown(text: &str, cols: usize) -> Vec<String> {
        let lines = lay(text, false, cols, &Theme::mono(), &mut Memo::new());
        let text = |line: &Line<'_>| line.spans.iter().map(|s| s.content.as_ref()).collect();
        lines.iter().map(text).collect()
    }

    #[test]
    fn the_usual_blocks_look_as_they_should() {
        let text = "# Kết quả\nMột **đoạn** văn.\n\n- một\n- hai\n  1. a\n  2. b\n- [x] ba\n\n> lời\n> trích\n\n```sql\nselect 1;\n```\nXem [trang](https://e.vn).\n\n---\n";
        insta::assert_snapshot!(shown(text, 40).join("\n"), @r"
        Kết quả
        Một đoạn văn.

        • một
        • hai
          1. a
          2. b
        • [x] ba

        ▎ lời
        ▎ trích

        │ select 1;

        Xem trang (https://e.vn).

        ────────────────────────────────────────
        ");
    }

    #[test]
    fn long_items_hang_and_tables_fit() {
        let text = "1. a rather long item that wraps\n\n   second paragraph\n2. b\n\n| tên | tổng |\n|---|--:|\n| 王小明 | 30 |\n| Ánh | 1,250 |\n";
        insta::assert_snapshot!(shown(text, 20).join("\n"), @r"
        1. a rather long
           item that wraps

           second paragraph

        2. b

        tên    │  tổng
        ───────┼──────
        王小明 │    30
        Ánh    │ 1,250
        ");
    }

    #[test]
    fn an_entity_cannot_smuggle_a_control_character() {
        let seen = shown("a&#27;[31mb &#x202e;c [x](&#27;]0;t) `&#27;`", 80).join("\n");
        assert!(
            !seen.chars().any(|c| c.is_control() && c != '\n'),
            "{seen:?}"
        );
        assert!(!seen.contains('\u{202e}'), "{seen:?}");
    }

    #[test]
    fn code_is_coloured_once_it_is_closed() {
        for (text, open, asked) in [
            ("```rust\nfn a() {}\n", true, 0),
            ("```rust\nfn a() {}\n```", true, 1),
            ("> ```rust\n> fn a() {}\n> ```\n", true, 1),
            ("```rust\nfn a() {}\n", false, 1),
        ] {
            let mut memo = Memo::new();
            lay(text, open, 40, &Theme::dark(), &mut memo);
            assert_eq!(memo.pending().len(), asked, "{text:?} {open}");
        }
    }

    proptest! {
        #[test]
        fn any_text_fits_its_columns(parts in prop::collection::vec(prop::sample::select(vec![
            "# ", "- ", "1. ", "> ", "```", "\n", "\n\n", "    ", "| a | b |\n|--|:-:|\n", "| 漢字 |", "**", "[x](y)", "&#27;", "\u{1b}[2J",
            "dài ", "👨‍👩‍👧 ", "word ", "\u{202e}", "~~", "`", "* ", "---\n", "<b>", "- [ ] ", "\t", "verylongwordwithoutanyblank",
        ]), 0..40), cols in 1usize..50) {
            let text: String = parts.concat();
            for line in lay(&text, true, cols, &Theme::dark(), &mut Memo::new()) {
                prop_assert!(styled::width(&line.spans) <= cols.max(2), "{line:?}");
                prop_assert!(line.spans.iter().all(|s| !s.content.contains(char::is_control)), "{line:?}");
            }
        }
    }
}
