//! The table of keys: one meaning for each key in each context, and nothing that nobody can find.

use std::collections::HashSet;

use mcpdeck::app::intent::{Choice, Intent, Move};
use mcpdeck::app::keymap::{self, Context, lookup, rows};
use mcpdeck::app::{Code, Key, Pane};

#[test]
fn no_key_means_two_things_in_one_context() {
    let mut seen = HashSet::new();
    for row in rows() {
        for context in row.contexts {
            for key in row.keys {
                assert!(seen.insert((*context, *key)), "{key} twice in {context:?}");
            }
        }
    }
}

#[test]
fn no_row_takes_a_letter_away_from_typing() {
    for row in rows() {
        let typing = row.contexts.iter().any(|context| context.types());
        for key in row.keys {
            assert!(!(typing && key.typed().is_some()), "{key} cannot be typed");
        }
    }
}

#[test]
fn every_context_has_a_way_out_a_help_and_a_hint() {
    for context in Context::ALL {
        assert!(
            lookup(context, Key::new(Code::Esc)).is_some(),
            "{context:?}"
        );
        assert!(
            lookup(context, Key::new(Code::F(1))).is_some(),
            "{context:?}"
        );
        let cancel = lookup(context, Key::char('c').ctrl());
        assert_eq!(cancel.map(|row| &row.intent), Some(&Intent::Cancel));
        assert!(keymap::hints(context).count() > 0, "{context:?}");
    }
}

#[test]
fn the_help_is_the_table() {
    let help = keymap::help();
    let sentences: HashSet<&str> = help
        .iter()
        .flat_map(|(_, rows)| rows.iter().map(|(_, sentence)| *sentence))
        .collect();
    for row in rows() {
        assert!(sentences.contains(row.help), "{}", row.help);
        assert!(
            !row.help.is_empty() && !row.help.ends_with('.'),
            "{}",
            row.help
        );
        assert!(row.label.chars().count() <= 11, "{}", row.label);
    }
    let titles: Vec<&str> = help.iter().map(|(title, _)| *title).collect();
    assert_eq!(titles[..3], ["Everywhere", "Chat", "Tool calls"]);
    let everywhere = &help[0].1;
    assert!(everywhere.contains(&("F1".to_owned(), "Show the keys")));
}

#[test]
fn what_the_program_can_do_has_a_key() {
    let by_key: Vec<&Intent> = rows().map(|row| &row.intent).collect();
    for wanted in [
        Intent::Submit,
        Intent::Newline,
        Intent::Open,
        Intent::Run,
        Intent::CopyAnswer,
        Intent::CopyResult,
        Intent::LookAfter,
        Intent::RepeatCall,
        Intent::Reasoning,
        Intent::Suspend,
        Intent::Redraw,
        Intent::EndOfInput,
        Intent::NextPane,
        Intent::PreviousPane,
        Intent::Focus(Pane::Servers),
        Intent::Move(Move::Bottom),
        Intent::Restart(None),
        Intent::Disable(None),
        Intent::Enable(None),
        Intent::Arguments(Move::PageDown),
        Intent::LeaveReason,
    ] {
        assert!(by_key.contains(&&wanted), "{wanted:?}");
    }
    for choice in Choice::ALL {
        assert!(by_key.contains(&&Intent::Answer(choice)), "{choice:?}");
    }
}

#[test]
fn keys_are_written_as_people_write_them() {
    assert_eq!(Key::char('p').ctrl().to_string(), "Ctrl-P");
    assert_eq!(Key::new(Code::Tab).shift().to_string(), "Shift-Tab");
    assert_eq!(Key::char('Z').alt().to_string(), "Alt-Shift-Z");
    assert_eq!(Key::char('y').to_string(), "y");
    assert_eq!(Key::new(Code::F(1)).to_string(), "F1");
}
