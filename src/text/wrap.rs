//! Columns: how wide a text is, cutting it to a width, and wrapping it.
//!
//! The unit is the grapheme, and its width is the one that the terminal's cells use. Expects cleaned text.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The columns that a text takes, grapheme by grapheme, as the cells of the screen count them.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return UnicodeWidthStr::width(text);
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// At most `cols` columns; what is cut off is marked with `…`. Never splits a grapheme.
pub fn truncate(text: &str, cols: usize) -> String {
    if width(text) <= cols {
        return text.to_owned();
    }
    if cols == 0 {
        return String::new();
    }
    format!("{}…", head(text, cols - 1))
}

/// At most `cols` columns, with the beginning and the end kept and `…` between them: for paths and names.
pub fn truncate_middle(text: &str, cols: usize) -> String {
    if width(text) <= cols {
        return text.to_owned();
    }
    if cols == 0 {
        return String::new();
    }
    let before = cols / 2;
    format!("{}…{}", head(text, before), tail(text, cols - 1 - before))
}

/// Exactly `cols` columns: cut with `…` or filled with spaces on the right.
pub fn pad(text: &str, cols: usize) -> String {
    let mut out = truncate(text, cols);
    let missing = cols - width(&out);
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Lines of at most `cols` columns. Breaks between words, inside a word only when it is longer than a line, and between any
/// two characters of Chinese, Japanese and Korean text. A grapheme wider than `cols` becomes `…`; with no columns at all the
/// answer is one empty line.
pub fn wrap(text: &str, cols: usize) -> Vec<String> {
    if cols == 0 {
        return vec![String::new()];
    }
    let mut lines = Vec::new();
    for line in text.split('\n') {
        wrap_line(line, cols, &mut lines);
    }
    lines
}

/// The longest beginning of at most `cols` columns.
fn head(text: &str, cols: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += UnicodeWidthStr::width(grapheme);
        if used > cols {
            return &text[..at];
        }
    }
    text
}

/// The longest end of at most `cols` columns.
fn tail(text: &str, cols: usize) -> &str {
    let mut used = 0;
    let mut from = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += UnicodeWidthStr::width(grapheme);
        if used > cols {
            break;
        }
        from = at;
    }
    &text[from..]
}

/// A stretch that is not broken unless it has to be.
struct Piece<'a> {
    text: &'a str,
    width: usize,
    space: bool,
}

fn wrap_line(line: &str, cols: usize, lines: &mut Vec<String>) {
    let mut current = String::new();
    let mut used = 0;
    // Spaces wait until a word follows them on the same line, so that no line ends in them.
    let mut waiting: Option<Piece<'_>> = None;
    let mut started = false;
    for piece in pieces(line) {
        if piece.space {
            // Spaces at a break are dropped; those at the start are indentation.
            if !started || used > 0 {
                waiting = Some(piece);
            }
            continue;
        }
        let gap = waiting.take();
        let gap_width = gap.as_ref().map_or(0, |gap| gap.width);
        if used + gap_width + piece.width <= cols {
            current.push_str(gap.map_or("", |gap| gap.text));
            used += gap_width;
        } else if used > 0 {
            lines.push(std::mem::take(&mut current));
            used = 0;
        }
        started = true;
        if used + piece.width <= cols {
            current.push_str(piece.text);
            used += piece.width;
        } else {
            used = break_word(piece.text, cols, &mut current, lines);
        }
    }
    lines.push(current);
}

/// Fills lines with a word that is longer than one; gives the columns used on the last, which stays open.
fn break_word(word: &str, cols: usize, current: &mut String, lines: &mut Vec<String>) -> usize {
    let mut used = width(current);
    for grapheme in word.graphemes(true) {
        let wide = UnicodeWidthStr::width(grapheme);
        let (grapheme, wide) = if wide > cols {
            ("…", 1)
        } else {
            (grapheme, wide)
        };
        if used + wide > cols {
            lines.push(std::mem::take(current));
            used = 0;
        }
        current.push_str(grapheme);
        used += wide;
    }
    used
}

/// Words, runs of spaces, and single characters of the scripts that break anywhere.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut out: Vec<Piece<'_>> = Vec::new();
    let mut start = 0;
    let mut last = Kind::Space;
    for (at, grapheme) in line.grapheme_indices(true) {
        let kind = kind(grapheme);
        let joins = matches!(
            (last, kind),
            (Kind::Space, Kind::Space)
                | (Kind::Word, Kind::Word)
                | (Kind::Word | Kind::Any | Kind::Closing, Kind::Closing)
        );
        if at > start && !joins {
            out.push(piece(&line[start..at], last));
            start = at;
        }
        last = kind;
    }
    if start < line.len() {
        out.push(piece(&line[start..], last));
    }
    out
}

fn piece(text: &str, kind: Kind) -> Piece<'_> {
    Piece {
        text,
        width: width(text),
        space: matches!(kind, Kind::Space),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Space,
    Word,
    /// Breaks before and after.
    Any,
    /// Does not begin a line where that can be helped.
    Closing,
}

fn kind(grapheme: &str) -> Kind {
    match grapheme.chars().next() {
        // A no-break space holds its words together.
        Some('\u{a0}' | '\u{202f}') => Kind::Word,
        Some(c) if c.is_whitespace() => Kind::Space,
        Some('、' | '。' | '，' | '．' | '！' | '？' | '）' | '」' | '』' | '】' | '：' | '；') => {
            Kind::Closing
        }
        Some(
            '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff00}'..='\u{ffef}'
            | '\u{20000}'..='\u{3ffff}',
        ) => Kind::Any,
        _ => Kind::Word,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{pad, truncate, truncate_middle, width, wrap};

    #[test]
    fn cuts_are_marked_and_fit() {
        assert_eq!(truncate("hello", 5), "hello");
        assert_eq!(truncate("hello!", 5), "hell…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("日本語", 1), "…");
        assert_eq!(truncate_middle("/home/ana/notes.md", 9), "/hom…s.md");
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(pad("hello", 0), "");
    }

    #[test]
    fn composed_and_decomposed_vietnamese_are_equally_wide() {
        assert_eq!(width("Tiếng Việt"), 10);
        assert_eq!(width("Tie\u{302}\u{301}ng Vie\u{323}\u{302}t"), 10);
        assert_eq!(truncate("Vie\u{323}\u{302}t", 4), "Vie\u{323}\u{302}t");
        assert_eq!(truncate("Vie\u{323}\u{302}tx", 4), "Vie\u{323}\u{302}…");
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("the quick brown fox", 10), ["the quick", "brown fox"]);
        assert_eq!(wrap("  indented line", 10), ["  indented", "line"]);
        assert_eq!(wrap("incomprehensible", 6), ["incomp", "rehens", "ible"]);
        assert_eq!(wrap("a\n\nb", 6), ["a", "", "b"]);
        assert_eq!(wrap("", 6), [""]);
    }

    #[test]
    fn cjk_breaks_anywhere_but_not_before_a_full_stop() {
        assert_eq!(wrap("日本語の文章。", 6), ["日本語", "の文", "章。"]);
        assert_eq!(wrap("abc日本", 5), ["abc日", "本"]);
    }

    #[test]
    fn tiny_widths_end() {
        assert_eq!(wrap("日a", 1), ["…", "a"]);
        assert_eq!(wrap("日a", 0), [""]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "(\\PC|[ a-z日é👩\u{200d}\u{301}]){0,40}", cols in 0usize..20) {
            prop_assert!(width(&truncate(&text, cols)) <= cols);
            prop_assert!(width(&truncate_middle(&text, cols)) <= cols);
            prop_assert_eq!(width(&pad(&text, cols)), cols);
            for line in wrap(&text, cols) {
                prop_assert!(width(&line) <= cols, "{:?} is wider than {}", line, cols);
            }
        }

        #[test]
        fn wrapping_loses_only_spaces(text in "[ a-z日本é。\n]{0,60}", cols in 2usize..20) {
            let ink = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(ink(&wrap(&text, cols).concat()), ink(&text));
        }

        #[test]
        fn what_fits_is_left_alone(text in "[a-z日](([a-z日 ]){0,20}[a-z日])?") {
            prop_assert_eq!(wrap(&text, width(&text)), vec![text.clone()]);
        }
    }
}
