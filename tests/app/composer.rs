//! The input: recorded streams of input methods, and what must hold for any sequence of edits.

use std::fs;
use std::path::Path;

use mcpdeck::app::composer::{Composer, Edit, LIMIT, Motion, motion};
use proptest::prelude::*;
use unicode_normalization::is_nfc;
use unicode_segmentation::UnicodeSegmentation;

fn typed(text: &str) -> Composer {
    let mut composer = Composer::default();
    text.chars().for_each(|c| composer.insert(c));
    composer
}

fn edit(composer: &mut Composer, edits: &[Edit]) {
    edits.iter().for_each(|one| composer.edit(*one));
}

const BACKSPACE: Edit = Edit::Delete(Motion::Left);

/// Plays one stream of `tests/fixtures/keys`; answers with the text and what it should be.
fn play(stream: &str) -> (Composer, String) {
    let mut composer = Composer::default();
    let mut expected = String::new();
    for line in stream.lines() {
        if let Some(text) = line.strip_prefix("= ") {
            expected = text.to_owned();
        } else if line == "BS" {
            composer.edit(BACKSPACE);
        } else if let Some(code) = line.strip_prefix("U+") {
            let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            composer.insert(c.expect("a code point"));
        } else {
            assert!(line.starts_with('#'), "unknown token {line:?}");
        }
    }
    (composer, expected)
}

#[test]
fn recorded_streams_of_input_methods_give_the_words_that_were_meant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys");
    let mut played = 0;
    for entry in fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        let (composer, expected) = play(&fs::read_to_string(&path).expect("a stream"));
        assert_eq!(composer.text(), expected, "{}", path.display());
        assert_eq!(composer.caret(), expected.len(), "{}", path.display());
        played += 1;
    }
    assert!(played >= 8, "{played} streams");
}

#[test]
fn undo_takes_a_word_of_an_input_method_back_at_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keys");
    for name in ["telex-nfc", "telex-nfd", "vni-nfc", "vni-nfd"] {
        let stream = fs::read_to_string(folder.join(format!("{name}.txt"))).expect("a stream");
        let (mut composer, whole) = play(&stream);
        composer.edit(Edit::Undo);
        assert_eq!(composer.text(), "Tiếng ", "{name}");
        composer.edit(Edit::Undo);
        assert_eq!(composer.text(), "", "{name}");
        edit(&mut composer, &[Edit::Redo, Edit::Redo]);
        assert_eq!(composer.text(), whole, "{name}");
    }
}

#[test]
fn a_combining_mark_joins_the_letter_before_and_one_backspace_takes_both() {
    let mut composer = typed("xa\u{301}");
    assert_eq!(composer.text(), "xá");
    composer.edit(BACKSPACE);
    assert_eq!(composer.text(), "x");
}

#[test]
fn deleting_what_stood_between_a_letter_and_a_mark_joins_them() {
    let mut composer = typed("a\n\u{301}");
    edit(&mut composer, &[Edit::Move(Motion::LineStart), BACKSPACE]);
    assert_eq!(composer.text(), "á");
    assert_eq!(composer.caret(), "á".len());
}

#[test]
fn a_paste_is_cleaned_composed_and_one_step() {
    let mut composer = typed("a ");
    let lost = composer.paste("Tie\u{302}\u{301}ng\r\n\tViệt\u{1b}[31m!\u{7}\r");
    assert_eq!(lost, 0);
    assert_eq!(composer.text(), "a Tiếng\n    Việt!\n");
    composer.edit(Edit::Undo);
    assert_eq!(composer.text(), "a ");
}

#[test]
fn a_megabyte_is_pasted_and_what_is_beyond_the_limit_is_counted() {
    let mut composer = Composer::default();
    assert_eq!(composer.paste(&"dài \n".repeat(200_000)), 0);
    assert_eq!(composer.text().len(), 1_200_000);
    edit(&mut composer, &[Edit::Move(Motion::Left), BACKSPACE]);
    let lost = composer.paste(&"x".repeat(LIMIT));
    assert!(lost > 0);
    assert_eq!(composer.text().len(), LIMIT);
    composer.insert('y');
    assert_eq!(composer.text().len(), LIMIT);
}

#[test]
fn words_lines_and_kills() {
    let mut composer = typed("one two,  three\nfour");
    edit(&mut composer, &[Edit::Delete(Motion::LineStart)]);
    assert_eq!(composer.text(), "one two,  three\n");
    edit(&mut composer, &[Edit::Delete(Motion::LineStart)]);
    assert_eq!(composer.text(), "one two,  three");
    edit(&mut composer, &[Edit::Delete(Motion::WordLeft)]);
    assert_eq!(composer.text(), "one two,  ");
    edit(&mut composer, &[Edit::Delete(Motion::WordLeft)]);
    assert_eq!(composer.text(), "one ");
    edit(
        &mut composer,
        &[Edit::Move(Motion::Start), Edit::Delete(Motion::WordRight)],
    );
    assert_eq!(composer.text(), " ");
    edit(&mut composer, &[Edit::Undo, Edit::Undo, Edit::Undo]);
    assert_eq!(composer.text(), "one two,  three");
}

#[test]
fn up_and_down_keep_the_column_over_wide_characters_and_short_lines() {
    let mut composer = typed("abcdef\n你好吗\nx\nabcdef");
    assert!(composer.up(80), "to the short line");
    assert_eq!(
        composer.caret(),
        composer.text().find("x\n").map_or(0, |at| at + 1)
    );
    assert!(composer.up(80), "to the wide line");
    assert_eq!(&composer.text()[composer.caret()..][..1], "\n");
    assert!(composer.up(80), "to the first line");
    assert_eq!(composer.caret(), 6);
    assert!(!composer.up(80));
    edit(
        &mut composer,
        &[
            Edit::Move(Motion::LineStart),
            Edit::Move(Motion::Right),
            Edit::Move(Motion::Right),
            Edit::Move(Motion::Right),
        ],
    );
    assert!(composer.down(80));
    // Column 3 lies within the second wide character: the caret goes behind it.
    assert!(composer.text()[composer.caret()..].starts_with('吗'));
}

#[test]
fn up_and_down_go_through_the_rows_of_a_folded_line() {
    let mut composer = typed("abcdefghij");
    assert!(composer.up(4));
    assert_eq!(composer.caret(), 6);
    assert!(composer.up(4));
    assert_eq!(composer.caret(), 2);
    assert!(!composer.up(4));
    assert!(composer.down(4));
    assert_eq!(composer.caret(), 6);
}

#[test]
fn history_keeps_the_draft() {
    let mut composer = typed("first");
    assert_eq!(composer.submit(), "first");
    composer.paste("second");
    composer.submit();
    composer.paste("draft");
    assert!(composer.older());
    assert_eq!(composer.text(), "second");
    assert!(composer.older());
    assert_eq!(composer.text(), "first");
    assert!(!composer.older());
    assert!(composer.newer() && composer.newer());
    assert_eq!(composer.text(), "draft");
    assert!(!composer.newer());
}

#[derive(Debug, Clone)]
enum Op {
    Insert(char),
    Paste(String),
    Edit(Edit),
    Up(usize),
    Down(usize),
    Older,
    Newer,
    Submit,
}

fn motions() -> impl Strategy<Value = Motion> {
    prop::sample::select(vec![
        Motion::Left,
        Motion::Right,
        Motion::WordLeft,
        Motion::WordRight,
        Motion::LineStart,
        Motion::LineEnd,
        Motion::Start,
        Motion::End,
    ])
}

fn characters() -> impl Strategy<Value = char> {
    prop_oneof![
        any::<char>(),
        prop::sample::select(
            "ae \n\r\t\u{301}\u{302}\u{323}\u{200d}👩🇻🇳你ᄒ\u{1161}\u{11ab}\u{fe0f}\u{1f3fd}\u{1b}"
                .chars()
                .collect::<Vec<_>>()
        ),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => characters().prop_map(Op::Insert),
        1 => prop::collection::vec(characters(), 0..12).prop_map(|c| Op::Paste(c.into_iter().collect())),
        3 => motions().prop_map(|m| Op::Edit(Edit::Move(m))),
        3 => motions().prop_map(|m| Op::Edit(Edit::Delete(m))),
        1 => Just(Op::Edit(Edit::Undo)),
        1 => Just(Op::Edit(Edit::Redo)),
        1 => (0usize..9).prop_map(Op::Up),
        1 => (0usize..9).prop_map(Op::Down),
        1 => Just(Op::Older),
        1 => Just(Op::Newer),
        1 => Just(Op::Submit),
    ]
}

fn perform(composer: &mut Composer, op: &Op) {
    match op {
        Op::Insert(c) => composer.insert(*c),
        Op::Paste(text) => drop(composer.paste(text)),
        Op::Edit(one) => composer.edit(*one),
        Op::Up(cols) => drop(composer.up(*cols)),
        Op::Down(cols) => drop(composer.down(*cols)),
        Op::Older => drop(composer.older()),
        Op::Newer => drop(composer.newer()),
        Op::Submit => drop(composer.submit()),
    }
}

proptest! {
    #[test]
    fn the_caret_stays_between_graphemes_and_the_text_clean(ops in prop::collection::vec(ops(), 0..80)) {
        let mut composer = Composer::default();
        for op in &ops {
            perform(&mut composer, op);
            let text = composer.text();
            let between = text
                .grapheme_indices(true)
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| at == composer.caret());
            prop_assert!(between, "{text:?} at {} after {op:?}", composer.caret());
            prop_assert!(is_nfc(text), "{text:?} after {op:?}");
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        }
    }

    #[test]
    fn undoing_everything_gives_the_empty_text_and_redoing_all_gives_it_back(ops in prop::collection::vec(ops(), 0..60)) {
        let mut composer = Composer::default();
        for op in ops.iter().filter(|op| !matches!(op, Op::Submit | Op::Older | Op::Newer)) {
            perform(&mut composer, op);
        }
        (0..ops.len()).for_each(|_| composer.edit(Edit::Redo));
        let whole = composer.text().to_owned();
        (0..=ops.len()).for_each(|_| composer.edit(Edit::Undo));
        prop_assert_eq!(composer.text(), "");
        (0..=ops.len()).for_each(|_| composer.edit(Edit::Redo));
        prop_assert_eq!(composer.text(), whole);
    }

    #[test]
    fn the_rows_of_a_line_hold_all_of_it_within_the_columns(line in "[^\n]{0,40}", cols in 2usize..12) {
        let rows = motion::rows(&line, cols);
        let joined: String = rows.iter().map(|row| &line[row.clone()]).collect();
        prop_assert_eq!(&joined, &line);
        for row in rows {
            let width = mcpdeck::text::wrap::width(&line[row.clone()]);
            prop_assert!(width <= cols || line[row].graphemes(true).count() == 1);
        }
    }
}
