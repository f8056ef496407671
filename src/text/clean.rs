//! Foreign text made safe to show: it can no longer move the cursor, set the title, reverse the reading order or hide.
//!
//! Used at the exits (the view, printed output, log files), never on the state. Escape sequences are read by a small scanner
//! of our own rather than by a terminal parser, because a parser swallows everything after an unterminated string sequence,
//! and swallowed text is hidden text: here an unfinished sequence loses its introducer only.

use std::borrow::Cow;
use std::iter::{self, Peekable};
use std::str::Chars;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Blanks in a row, and line breaks in a row, that a model is shown.
const MOST_BLANKS: usize = 64;
const MOST_BREAKS: usize = 4;

/// One line: line breaks and tabs become spaces, control characters and sequences go, hidden characters go or show.
pub fn line(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in reveal(text).chars() {
        out.push(if matches!(c, '\n' | '\t') { ' ' } else { c });
    }
    out
}

/// Several lines: as [`line()`], but `\n` stays (`\r\n`, `\r` and the Unicode separators become it) and a tab is four spaces.
pub fn block(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return text.to_owned();
    }
    reveal(text).replace('\t', "    ")
}

/// Several lines of data for a pipe: as [`block`], but a tab stays a tab, because the text may be a table or a program.
pub fn data(text: &str) -> Cow<'_, str> {
    let is_plain = |byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    match text.bytes().all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(reveal(text)),
    }
}

/// JSON as it was written, with everything in its strings escaped that a terminal acts on or that hides: whoever reads the JSON
/// gets the same text, and whoever looks at it sees what is there. JSON itself asks for the first 32 characters only.
pub fn json(written: String) -> String {
    if written.is_ascii() && !written.contains('\u{7f}') {
        return written;
    }
    let mut out = String::with_capacity(written.len());
    for c in written.chars() {
        let acts = c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if acts || is_hidden(c) || is_tag(c) || matches!(c, '\u{2028}' | '\u{2029}') {
            super::json::escape(c, &mut out);
        } else {
            out.push(c);
        }
    }
    out
}

/// The text as it was meant to be read, for the model: what is hidden goes, what tag characters spell goes with them, and very
/// many blanks in a row become a few.
pub fn unhidden(text: &str) -> String {
    let is_plain = |byte| matches!(byte, b' '..=b'~' | b'\n');
    if text.bytes().all(is_plain) && !has_long_gaps(text) {
        return text.to_owned();
    }
    let without_tags: String = text.chars().filter(|c| !is_tag(*c)).collect();
    let mut out = String::with_capacity(text.len());
    let (mut blanks, mut breaks) = (0, 0);
    for c in data(&without_tags).chars() {
        (blanks, breaks) = match c {
            '\n' => (0, breaks + 1),
            c if c.is_whitespace() => (blanks + 1, breaks),
            _ => (0, 0),
        };
        if blanks <= MOST_BLANKS && breaks <= MOST_BREAKS {
            out.push(c);
        }
    }
    out
}

/// Whether blanks or line breaks stand together of which the model is shown a few only.
fn has_long_gaps(text: &str) -> bool {
    let (mut blanks, mut breaks) = (0, 0);
    text.bytes().any(|byte| {
        (blanks, breaks) = match byte {
            b'\n' => (0, breaks + 1),
            b' ' => (blanks + 1, breaks),
            _ => (0, 0),
        };
        blanks > MOST_BLANKS || breaks > MOST_BREAKS
    })
}

/// The text with everything that takes no room or moves the cursor written as `‹U+200B›`; line breaks stay. For where nothing may
/// hide: what was changed behind someone's back.
pub fn revealed(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for grapheme in text.graphemes(true) {
        let odd = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
        let hides = line(grapheme) != grapheme
            || UnicodeWidthStr::width(grapheme) == 0
            || grapheme.chars().any(odd);
        if grapheme != "\n" && hides {
            out.extend(
                grapheme
                    .chars()
                    .map(|c| format!("‹U+{:04X}›", u32::from(c))),
            );
        } else {
            out.push_str(grapheme);
        }
    }
    out
}

/// A text without escape sequences and control characters; what is left holds only `\n` and `\t` of them.
struct Stripped<'a>(Peekable<Chars<'a>>);

impl Iterator for Stripped<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let chars = &mut self.0;
        loop {
            match chars.next()? {
                '\u{1b}' => escape(chars),
                '\u{9b}' => control_sequence(chars),
                '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => string_sequence(chars),
                '\r' => {
                    chars.next_if_eq(&'\n');
                    return Some('\n');
                }
                '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => return Some('\n'),
                '\t' => return Some('\t'),
                c if c.is_control() => {}
                c => return Some(c),
            }
        }
    }
}

/// What follows an ESC: a sequence is consumed only when it is whole.
fn escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            string_sequence(chars);
        }
        // ESC, intermediates, one final byte: character sets, keypad modes, save and restore.
        Some(' '..='/') => {
            let mut ahead = chars.clone();
            while ahead.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            if ahead.next_if(|c| matches!(c, '0'..='~')).is_some() {
                *chars = ahead;
            }
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Parameters, intermediates and one final byte, as in `ESC [ 31 m`.
fn control_sequence(chars: &mut Peekable<Chars<'_>>) {
    let mut ahead = chars.clone();
    while ahead.next_if(|c| matches!(c, '0'..='?')).is_some() {}
    while ahead.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    if ahead.next_if(|c| matches!(c, '@'..='~')).is_some() {
        *chars = ahead;
    }
}

/// A title, a link, a clipboard write: up to BEL or ST. Unfinished on its line, its text stays and shows.
fn string_sequence(chars: &mut Peekable<Chars<'_>>) {
    let mut ahead = chars.clone();
    while let Some(c) = ahead.next() {
        match c {
            '\u{7}' | '\u{9c}' => {
                *chars = ahead;
                return;
            }
            '\u{1b}' if ahead.peek() == Some(&'\\') => {
                ahead.next();
                *chars = ahead;
                return;
            }
            '\u{1b}' | '\u{18}' | '\u{1a}' | '\n' | '\r' => return,
            _ => {}
        }
    }
}

/// Takes out what acts on a terminal, turns the reading order or takes no room, and shows what tag characters spell.
///
/// In one pass, because a text may be a whole answer of many megabytes.
fn reveal(text: &str) -> String {
    let kept = Stripped(text.chars().peekable()).filter(|c| !is_hidden(*c));
    let mut kept = kept.peekable();
    let mut out = String::with_capacity(text.len());
    let mut previous = None;
    while let Some(c) = kept.next() {
        if is_tag(c) {
            let mut run = vec![c];
            run.extend(iter::from_fn(|| kept.next_if(|c| is_tag(*c))));
            let shown = tags(&run, previous);
            out.push_str(&shown);
            previous = shown.chars().last().or(previous);
            continue;
        }
        let shown = match c {
            '\u{200c}' | '\u{200d}' => joins(previous, kept.peek().copied()).then_some(c),
            '\u{fe00}'..='\u{fe0f}' => previous.is_some_and(takes_variation).then_some(c),
            '\u{e0100}'..='\u{e01ef}' => previous.is_some_and(is_ideograph).then_some(c),
            // Fillers look like nothing but pass for letters.
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => Some(' '),
            c if (c as u32) & 0xfffe == 0xfffe => Some('\u{fffd}'),
            c => Some(c),
        };
        if let Some(c) = shown {
            out.push(c);
            previous = Some(c);
        }
    }
    out
}

/// Marks of direction, zero-width characters without a use in a terminal, invisible operators and annotations.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0080}'..='\u{e00ff}'
            | '\u{e01f0}'..='\u{e0fff}'
    )
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// What a run of tag characters spells; nothing for the code of a flag such as Scotland's, where they belong.
fn tags(run: &[char], previous: Option<char>) -> String {
    if previous == Some('\u{1f3f4}') && run.len() <= 7 && run.last() == Some(&'\u{e007f}') {
        return String::new();
    }
    let spelled = run.iter().filter_map(|c| {
        let ascii = u8::try_from(u32::from(*c) - 0xe0000).ok()?;
        (b' '..=b'~').contains(&ascii).then_some(char::from(ascii))
    });
    format!("[hidden: {}]", spelled.collect::<String>())
}

/// Whether a joiner between these two has a use: an emoji made of several, or a script that joins its letters.
fn joins(previous: Option<char>, next: Option<char>) -> bool {
    let (Some(previous), Some(next)) = (previous, next) else {
        return false;
    };
    let emoji = |c| is_pictograph(c) || c == '\u{fe0f}';
    emoji(previous) && is_pictograph(next) || is_joining(previous) && is_joining(next)
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Arabic and its kin, the scripts of India and its neighbours, Mongolian: there a joiner changes how a word is written.
fn is_joining(c: char) -> bool {
    matches!(
        c,
        '\u{600}'..='\u{8ff}'
            | '\u{900}'..='\u{dff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{18af}'
            | '\u{fb50}'..='\u{fdff}'
            | '\u{fe70}'..='\u{fefc}'
    )
}

fn takes_variation(c: char) -> bool {
    matches!(c, '0'..='9' | '#' | '*' | '\u{a9}' | '\u{ae}')
        || is_pictograph(c)
        || is_ideograph(c)
        || matches!(c, '\u{2000}'..='\u{218f}' | '\u{3000}'..='\u{32ff}' | '\u{1000}'..='\u{109f}')
            && !matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{block, json, line, unhidden};

    #[test]
    fn sequences_go_and_their_surroundings_stay() {
        assert_eq!(line("a\u{1b}[31mred\u{1b}[0m b"), "ared b");
        assert_eq!(line("x\u{1b}]0;owned\u{7}y"), "xy");
        assert_eq!(line("x\u{1b}]52;c;AAAA\u{1b}\\y"), "xy");
        assert_eq!(
            line("\u{1b}]8;;http://a\u{1b}\\here\u{1b}]8;;\u{1b}\\"),
            "here"
        );
        assert_eq!(line("x\u{9b}2Jy\u{90}q\u{9c}z"), "xyz");
        assert_eq!(line("x\u{1b}(By\u{1b}7z\u{1b}cw"), "xyzw");
        assert_eq!(line("ring\u{7} back\u{8}space"), "ring backspace");
    }

    #[test]
    fn an_unfinished_sequence_hides_nothing() {
        assert_eq!(line("a\u{1b}]0;rm -rf"), "a0;rm -rf");
        assert_eq!(block("a\u{1b}Pfirst\nsecond"), "afirst\nsecond");
        assert_eq!(line("a\u{1b}[31"), "a31");
    }

    #[test]
    fn lines_are_one_and_blocks_keep_theirs() {
        assert_eq!(line("a\nb\tc\r\nd"), "a b c d");
        assert_eq!(block("a\r\nb\rc\td\u{2028}e"), "a\nb\nc    d\ne");
    }

    #[test]
    fn hidden_text_shows_or_goes() {
        assert_eq!(line("abc\u{202e}gpj.exe"), "abcgpj.exe");
        assert_eq!(line("pass\u{200b}word\u{feff}"), "password");
        assert_eq!(line("hi\u{e0072}\u{e006d}"), "hi[hidden: rm]");
        assert_eq!(line("a\u{200d}b\u{fe0f}c\u{e0101}"), "abc");
    }

    #[test]
    fn the_model_gets_what_a_person_can_read() {
        assert_eq!(
            unhidden("Adds.\u{e0072}\u{e006d} Now\u{200b}."),
            "Adds. Now."
        );
        assert_eq!(unhidden("a\u{1b}[8mb\u{1b}[0m\u{202e}c"), "abc");
        let far = format!("a{}b{}c", " ".repeat(500), "\n".repeat(500));
        assert_eq!(
            unhidden(&far),
            format!("a{}b{}c", " ".repeat(64), "\n".repeat(4))
        );
        let honest = "Đọc tệp.\n\n\tTrả về `nội dung` — 👩\u{200d}💻";
        assert_eq!(unhidden(honest), honest);
    }

    #[test]
    fn scripts_and_emoji_that_need_joiners_keep_them() {
        for text in [
            "👩\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "葛\u{e0100}",
            "Tiếng Việt e\u{302}\u{301}",
        ] {
            assert_eq!(line(text), text);
        }
        assert_eq!(line("🏴\u{e0067}\u{e0062}\u{e0065}\u{e007f}"), "🏴");
    }

    /// Text with a lot of what hurts in it.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[a-z \\[\\]0-9;\\\\]{0,4}",
            proptest::char::range('\0', '\u{a0}').prop_map(String::from),
            proptest::char::range('\u{2000}', '\u{2070}').prop_map(String::from),
            proptest::char::range('\u{e0000}', '\u{e01ff}').prop_map(String::from),
            proptest::sample::select(vec![
                "\u{1b}[",
                "\u{1b}]",
                "\u{1b}\\",
                "🏴",
                "❤\u{fe0f}",
                "\u{200d}",
                "ش",
                "\r\n"
            ])
            .prop_map(String::from),
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_is_left(text in hostile()) {
            let acts = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}' | '\u{200b}');
            prop_assert!(!line(&text).chars().any(acts));
            prop_assert!(!block(&text).chars().any(|c| c != '\n' && acts(c)));
        }

        #[test]
        fn json_says_the_same_and_holds_nothing_that_acts(text in hostile()) {
            let written = serde_json::to_string(&text).expect("JSON");
            let shown = json(written.clone());
            prop_assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), text);
            let acts = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}' | '\u{200b}');
            prop_assert!(!shown.chars().any(acts));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in hostile()) {
            let once = line(&text);
            prop_assert_eq!(line(&once), once);
            let once = block(&text);
            prop_assert_eq!(block(&once), once);
        }

        #[test]
        fn plain_words_are_never_lost(text in hostile(), word in "[a-z]{8}") {
            // On a line of its own, so that no sequence before it can claim its letters.
            let cleaned = block(&format!("{text}\n{word}\n{text}"));
            prop_assert!(cleaned.contains(&word), "{:?}", cleaned);
        }
    }
}
