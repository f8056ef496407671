//! What happens when keys are pressed: whole stories, state and effects.

use mcpdeck::app::composer::LIMIT;
use mcpdeck::app::{
    Anchor, AppEffect, AppEvent, Code, Context, Detail, Key, Measured, Mouse, MouseKind, Overlay,
    Pane,
};
use mcpdeck::config::ThemeChoice;
use mcpdeck::host::About;
use mcpdeck::host::Keep;
use mcpdeck::host::{CallEnd, Effect, Question};
use mcpdeck::ids::{CallId, QuestionId};

use crate::support::{Play, host_effects};

fn asks_model(effects: &[AppEffect]) -> bool {
    host_effects(effects)
        .iter()
        .any(|effect| matches!(effect, Effect::StreamModel { .. }))
}

fn sends_call(effects: &[AppEffect]) -> bool {
    host_effects(effects)
        .iter()
        .any(|effect| matches!(effect, Effect::Call { .. }))
}

#[test]
fn a_prompt_is_typed_sent_answered_and_copied() {
    let mut play = Play::ready();
    play.type_text("xin chào");
    let effects = play.press(Code::Enter);
    assert!(asks_model(&effects));
    assert!(play.app.composer.is_empty());
    assert_eq!(play.app.last_prompt(), Some("xin chào"));
    play.model_says("Hello,\tyou\u{1b}[2J");
    assert!(!play.app.host.is_busy());
    let effects = play.ctrl('y');
    assert_eq!(effects, [AppEffect::Copy("Hello,\tyou".to_owned())]);
    play.update(AppEvent::Copied(Ok(10)));
    assert_eq!(play.toast(), "Copied 10 characters.");
    play.wait(3_000);
    assert_eq!(play.toast(), "");
}

#[test]
fn a_new_line_has_three_keys_and_enter_sends_all_lines() {
    let mut play = Play::ready();
    play.type_text("a");
    play.ctrl('j');
    play.type_text("b");
    play.key(Key::new(Code::Enter).alt());
    play.type_text("c");
    play.key(Key::new(Code::Enter).shift());
    play.type_text("d");
    play.press(Code::Enter);
    assert_eq!(play.app.last_prompt(), Some("a\nb\nc\nd"));
}

#[test]
fn up_and_down_go_through_the_history_from_the_first_and_the_last_row_only() {
    let mut play = Play::ready();
    play.type_text("first");
    play.press(Code::Enter);
    play.model_says("ok");
    play.type_text("a");
    play.ctrl('j');
    play.type_text("b");
    play.press(Code::Up);
    assert_eq!(play.app.composer.text(), "a\nb");
    play.press(Code::Up);
    assert_eq!(play.app.composer.text(), "first");
    play.press(Code::Down);
    assert_eq!(play.app.composer.text(), "a\nb");
}

#[test]
fn the_proposed_prompt_is_sent_by_enter_and_taken_by_tab() {
    let mut play = Play::ready();
    play.update(AppEvent::Suggestion(Some("list the files".to_owned())));
    play.press(Code::Tab);
    assert_eq!(play.app.composer.text(), "list the files");
    assert_eq!(play.app.focus, Pane::Chat);
    play.ctrl('u');
    let effects = play.press(Code::Enter);
    assert!(asks_model(&effects));
    assert_eq!(play.app.last_prompt(), Some("list the files"));
    assert_eq!(play.app.suggestion, None);
    play.press(Code::Tab);
    assert_eq!(play.app.focus, Pane::Calls);
}

#[test]
fn escape_closes_then_interrupts_then_leaves_the_list() {
    let mut play = Play::ready();
    play.type_text("go");
    play.press(Code::Enter);
    play.press(Code::F(3));
    play.press(Code::F(1));
    assert_eq!(play.app.context(), Context::Help);
    assert_eq!(play.press(Code::Esc), []);
    assert!(play.app.host.is_busy());
    let effects = play.press(Code::Esc);
    assert!(!play.app.host.is_busy());
    assert!(
        host_effects(&effects)
            .iter()
            .any(|effect| matches!(effect, Effect::AbortModel { .. }))
    );
    assert_eq!(play.app.focus, Pane::Calls);
    play.press(Code::Esc);
    assert_eq!(play.app.focus, Pane::Chat);
}

#[test]
fn ctrl_c_clears_and_only_twice_in_two_seconds_quits() {
    let mut play = Play::ready();
    play.type_text("draft");
    assert_eq!(play.ctrl('c'), []);
    assert!(play.app.composer.is_empty());
    play.ctrl('_');
    assert_eq!(play.app.composer.text(), "draft");
    assert_eq!(play.ctrl('c'), []);
    play.wait(2_100);
    assert_eq!(play.ctrl('c'), []);
    assert!(play.toast().contains("again"));
    play.wait(1_900);
    assert_eq!(play.ctrl('c'), [AppEffect::Quit]);
    assert!(play.app.quitting);
}

#[test]
fn ctrl_c_interrupts_a_turn_first() {
    let mut play = Play::ready();
    play.type_text("go");
    play.press(Code::Enter);
    play.ctrl('c');
    assert!(!play.app.host.is_busy());
    assert!(!play.app.quitting);
}

#[test]
fn ctrl_d_deletes_in_a_text_and_quits_without_one() {
    let mut play = Play::ready();
    play.type_text("ab");
    play.press(Code::Home);
    assert_eq!(play.ctrl('d'), []);
    assert_eq!(play.app.composer.text(), "b");
    play.ctrl('d');
    assert_eq!(play.ctrl('d'), [AppEffect::Quit]);
}

#[test]
fn a_question_takes_the_keys_and_what_was_typed_ahead_answers_nothing() {
    let mut play = Play::asked();
    assert_eq!(play.app.context(), Context::Question);
    // Typing goes on for a second, faster than anyone reads.
    for letter in "yes yes say any".chars() {
        assert_eq!(play.key(Key::char(letter)), []);
        play.wait(100);
    }
    assert_eq!(play.press(Code::Enter), []);
    assert_eq!(play.app.host.questions.len(), 1);
    assert!(play.app.composer.is_empty());
    play.wait(399);
    assert_eq!(play.key(Key::char('y')), []);
    play.wait(400);
    let effects = play.key(Key::char('y'));
    assert!(sends_call(&effects));
    assert!(play.app.host.questions.is_empty());
    assert_eq!(play.app.context(), Context::Chat);
}

#[test]
fn the_marked_answer_is_given_by_enter() {
    let mut play = Play::asked();
    play.wait(500);
    for _ in 0..3 {
        play.press(Code::Right);
    }
    play.press(Code::Left);
    play.press(Code::Down);
    assert_eq!(play.app.ask.marked, 3);
    let effects = play.press(Code::Enter);
    assert!(!sends_call(&effects));
    let call = play.app.host.call(CallId(1)).and_then(|call| call.end());
    assert_eq!(call, Some(&CallEnd::Denied { reason: None }));
}

#[test]
fn a_no_can_have_a_reason() {
    let mut play = Play::asked();
    play.wait(500);
    play.key(Key::char('r'));
    assert_eq!(play.app.context(), Context::Reason);
    play.type_text("thu\u{309} b.txt");
    play.press(Code::Esc);
    assert_eq!(play.app.context(), Context::Question);
    play.wait(500);
    play.key(Key::char('w'));
    play.update(AppEvent::Paste("use b.txt\u{7}".to_owned()));
    play.press(Code::Enter);
    let call = play.app.host.call(CallId(1)).and_then(|call| call.end());
    let reason = Some("use b.txt".to_owned());
    assert_eq!(call, Some(&CallEnd::Denied { reason }));
    assert!(play.app.composer.is_empty());
}

#[test]
fn escape_in_a_question_interrupts_the_turn() {
    let mut play = Play::asked();
    play.press(Code::Esc);
    assert!(!play.app.host.is_busy());
    assert!(play.app.host.questions.is_empty());
    assert_eq!(play.app.context(), Context::Chat);
}

#[test]
fn a_question_that_was_covered_is_new_when_it_is_seen() {
    let mut play = Play::ready();
    play.type_text("write it");
    play.press(Code::Enter);
    play.press(Code::F(1));
    play.model_calls("write_file", serde_json::json!({"path": "a.txt"}));
    assert_eq!(play.app.context(), Context::Help);
    play.wait(5_000);
    assert_eq!(play.key(Key::char('q')), []);
    assert_eq!(play.app.context(), Context::Question);
    assert_eq!(play.key(Key::char('y')), []);
    play.wait(500);
    assert!(sends_call(&play.key(Key::char('y'))));
}

#[test]
fn another_pane_can_be_looked_at_while_a_question_waits() {
    let mut play = Play::asked();
    play.wait(500);
    play.press(Code::F(4));
    assert_eq!(play.app.context(), Context::Servers);
    play.press(Code::Down);
    assert_eq!(play.app.servers.marked, 1);
    play.press(Code::F(2));
    assert_eq!(play.app.context(), Context::Question);
    assert_eq!(play.key(Key::char('y')), [], "it has just come back");
}

#[test]
fn the_next_question_is_not_answered_by_the_key_for_the_first() {
    let mut play = Play::asked();
    let second = Question {
        id: QuestionId(99),
        about: About::Call {
            call: CallId(1),
            why: "may change something".to_owned(),
        },
        since: play.now,
    };
    play.app.host.questions.push_back(second);
    play.wait(500);
    play.key(Key::char('y'));
    assert_eq!(play.app.ask.question, Some(QuestionId(99)));
    assert_eq!(play.key(Key::char('y')), []);
    assert_eq!(play.app.host.questions.len(), 1);
}

#[test]
fn the_newest_call_is_followed_until_another_is_marked() {
    let mut play = Play::ready();
    for path in ["a", "b", "c"] {
        play.type_text(&format!("/call files read_file path={path}"));
        assert!(sends_call(&play.press(Code::Enter)));
    }
    play.press(Code::F(3));
    play.press(Code::Enter);
    assert!(is_open(&play, 3));
    play.press(Code::Esc);
    play.press(Code::Up);
    assert_eq!(play.app.calls.marked, Some(CallId(2)));
    play.press(Code::Enter);
    assert!(is_open(&play, 2));
    assert_eq!(play.key(Key::char('y')), []);
    assert_eq!(play.toast(), "There is no result yet.");
    play.press(Code::Enter);
    play.press(Code::Down);
    assert_eq!(play.app.calls.marked, Some(CallId(3)));
    play.press(Code::Down);
    assert_eq!(play.app.calls.marked, None);
    play.press(Code::Home);
    assert_eq!(play.app.calls.marked, Some(CallId(1)));
    play.press(Code::End);
    assert_eq!(play.app.calls.marked, None);
}

fn is_open(play: &Play, call: u64) -> bool {
    matches!(&play.app.overlay, Overlay::Detail { of: Detail::Call(id), .. } if *id == CallId(call))
}

#[test]
fn servers_are_switched_off_and_on_from_the_list_and_from_the_details() {
    let mut play = Play::ready();
    play.press(Code::F(4));
    play.press(Code::Down);
    let effects = play.key(Key::char('d'));
    let closes = |effect: &&Effect| matches!(effect, Effect::Close { server, .. } if server.as_str() == "shop");
    assert!(host_effects(&effects).iter().any(closes));
    assert_eq!(play.app.host.servers[1].status.word(), "disabled");
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::Detail);
    let effects = play.key(Key::char('e'));
    let dials = |effect: &&Effect| matches!(effect, Effect::Dial { server, .. } if server.as_str() == "shop");
    assert!(host_effects(&effects).iter().any(dials));
}

#[test]
fn the_chat_scrolls_by_keys_and_wheel_and_sending_follows_again() {
    let mut play = Play::ready();
    play.update(AppEvent::Drawn(Measured {
        first: (0, 40),
        rows: 20,
        heights: vec![(0, 60)],
        panes: vec![(Pane::Chat, (0, 0, 60, 30)), (Pane::Calls, (60, 0, 60, 20))],
        ..Measured::default()
    }));
    play.type_text("x");
    play.press(Code::Enter);
    play.press(Code::PageUp);
    assert_eq!(play.app.chat.anchor, Anchor::At { entry: 0, line: 21 });
    let wheel = |kind| AppEvent::Mouse(Mouse { kind, x: 3, y: 3 });
    play.update(wheel(MouseKind::WheelUp));
    assert_eq!(play.app.chat.anchor, Anchor::At { entry: 0, line: 18 });
    play.update(wheel(MouseKind::WheelDown));
    assert_eq!(play.app.chat.anchor, Anchor::At { entry: 0, line: 21 });
    play.key(Key::new(Code::End).ctrl());
    assert_eq!(play.app.chat.anchor, Anchor::Follow);
    play.update(AppEvent::Mouse(Mouse {
        kind: MouseKind::Click,
        x: 70,
        y: 3,
    }));
    assert_eq!(play.app.focus, Pane::Calls);
}

#[test]
fn long_texts_scroll_within_what_was_measured() {
    let mut play = Play::ready();
    play.press(Code::F(1));
    let measured = |rows| {
        AppEvent::Drawn(Measured {
            detail: (rows, 20),
            ..Measured::default()
        })
    };
    play.update(measured(50));
    play.press(Code::End);
    let scroll = |play: &Play| match play.app.overlay {
        Overlay::Help { scroll } => scroll,
        _ => usize::MAX,
    };
    assert_eq!(scroll(&play), 30);
    play.press(Code::Down);
    assert_eq!(scroll(&play), 30);
    play.press(Code::PageUp);
    assert_eq!(scroll(&play), 11);
    play.update(measured(25));
    assert_eq!(scroll(&play), 5);
}

#[test]
fn the_terminal_is_asked_for_what_only_it_can_do() {
    let mut play = Play::ready();
    assert_eq!(play.ctrl('z'), [AppEffect::Suspend]);
    assert_eq!(play.ctrl('l'), [AppEffect::Redraw]);
    assert_eq!(play.update(AppEvent::Resumed), [AppEffect::Redraw]);
    play.type_text("/theme auto");
    assert_eq!(play.press(Code::Enter), [AppEffect::DetectTheme]);
    play.update(AppEvent::Theme(ThemeChoice::Light));
    assert_eq!(play.app.theme, ThemeChoice::Light);
    assert_eq!(play.update(AppEvent::Terminate), [AppEffect::Quit]);
}

#[test]
fn a_paste_that_is_too_long_says_what_was_left_out() {
    let mut play = Play::ready();
    play.update(AppEvent::Paste("x".repeat(LIMIT + 1_000)));
    assert_eq!(play.app.composer.text().len(), LIMIT);
    assert!(
        play.toast().contains("1.0 kB") || play.toast().contains("1 kB"),
        "{}",
        play.toast()
    );
}

#[test]
fn a_mistyped_command_stays_written_and_is_explained() {
    let mut play = Play::ready();
    play.type_text("/serverz");
    play.press(Code::Enter);
    assert_eq!(play.app.composer.text(), "/serverz");
    assert!(play.toast().contains("`/servers`"));
    play.press(Code::Backspace);
    play.type_text("s");
    play.press(Code::Enter);
    assert_eq!(play.app.focus, Pane::Servers);
    assert!(play.app.composer.is_empty());
}

#[test]
fn the_program_sleeps_when_nothing_counts() {
    let mut play = Play::ready();
    assert_eq!(play.app.tick(), None);
    play.ctrl('y');
    assert!(
        play.app
            .tick()
            .is_some_and(|soon| soon.as_millis() == 2_500)
    );
    play.wait(2_500);
    assert_eq!(play.app.tick(), None);
    play.type_text("x");
    play.press(Code::Enter);
    assert!(play.app.tick().is_some_and(|soon| soon.as_millis() == 100));
}

#[test]
fn the_hints_are_those_that_have_a_use() {
    let mut play = Play::ready();
    let has = |play: &Play, label: &str| play.app.hints().iter().any(|(_, known)| *known == label);
    assert!(has(&play, "send") && !has(&play, "interrupt"));
    play.type_text("x");
    play.press(Code::Enter);
    assert!(has(&play, "interrupt"));
    play.type_text("/tools");
    play.press(Code::Enter);
    assert!(has(&play, "close") && !has(&play, "restart"));
    assert!(!has(&play, "copy"), "a list of tools is no result");
    play.press(Code::Esc);
    play.press(Code::F(3));
    assert!(!has(&play, "open") && !has(&play, "copy"), "no calls yet");
    play.press(Code::F(4));
    assert!(has(&play, "restart") && has(&play, "disable") && !has(&play, "enable"));
    play.key(Key::char('d'));
    assert!(!has(&play, "disable") && has(&play, "enable"));
}

fn click(play: &mut Play, x: u16, y: u16) {
    let kind = MouseKind::Click;
    play.update(AppEvent::Mouse(Mouse { kind, x, y }));
}

#[test]
fn a_click_marks_the_row_it_hits_and_a_second_one_opens_it() {
    let mut play = Play::ready();
    for path in ["a", "b", "c"] {
        play.type_text(&format!("/call files read_file path={path}"));
        play.press(Code::Enter);
    }
    let measured = Measured {
        panes: vec![
            (Pane::Chat, (0, 1, 60, 30)),
            (Pane::Calls, (60, 1, 60, 10)),
            (Pane::Servers, (60, 11, 60, 10)),
        ],
        lists: [(0, 8), (0, 8)],
        ..Measured::default()
    };
    play.update(AppEvent::Drawn(measured));

    click(&mut play, 70, 3);
    assert_eq!(play.app.context(), Context::Calls);
    assert_eq!(play.app.calls.marked, Some(CallId(2)));
    click(&mut play, 70, 2);
    assert_eq!(play.app.calls.marked, Some(CallId(1)));
    assert_eq!(
        play.app.context(),
        Context::Calls,
        "another row opens nothing"
    );
    click(&mut play, 70, 2);
    assert!(is_open(&play, 1));
    play.press(Code::Esc);
    click(&mut play, 70, 4);
    assert_eq!(play.app.calls.marked, None, "the newest is followed");
    for y in [1, 9, 10] {
        click(&mut play, 70, y);
        assert_eq!(play.app.calls.marked, None, "no row at {y}");
        assert_eq!(play.app.context(), Context::Calls);
    }

    // The pane without the keys gets them first, even where the row is the marked one.
    click(&mut play, 70, 12);
    assert_eq!(play.app.context(), Context::Servers);
    click(&mut play, 70, 13);
    assert_eq!(play.app.servers.marked, 1);
    click(&mut play, 70, 14);
    assert_eq!(play.app.servers.marked, 1, "no server there");
    click(&mut play, 70, 13);
    assert_eq!(play.app.context(), Context::Detail);
}

mod any_keys {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = AppEvent> {
        let codes = prop::sample::select(vec![
            Code::Enter,
            Code::Tab,
            Code::Esc,
            Code::Backspace,
            Code::Delete,
            Code::Left,
            Code::Right,
            Code::Up,
            Code::Down,
            Code::Home,
            Code::End,
            Code::PageUp,
            Code::PageDown,
            Code::F(1),
            Code::F(2),
            Code::F(3),
            Code::F(4),
        ]);
        let named = (codes, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(code, ctrl, alt, shift)| Key {
                code,
                ctrl,
                alt,
                shift,
            },
        );
        let letters = (
            prop::char::range(' ', '~'),
            any::<bool>(),
            prop::bool::weighted(0.1),
        )
            .prop_map(|(c, ctrl, alt)| Key {
                code: Code::Char(c),
                ctrl,
                alt,
                shift: false,
            });
        prop_oneof![
            4 => named.prop_map(AppEvent::Key),
            4 => letters.prop_map(AppEvent::Key),
            1 => ".{0,20}".prop_map(AppEvent::Paste),
            1 => (0u16..130, 0u16..45).prop_map(|(x, y)| AppEvent::Mouse(Mouse { kind: MouseKind::WheelUp, x, y })),
            1 => (0u16..130, 0u16..45).prop_map(|(x, y)| AppEvent::Mouse(Mouse { kind: MouseKind::Click, x, y })),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_sequence_of_keys_panics_or_answers_early(events in prop::collection::vec(keys(), 0..120)) {
            let mut play = Play::asked();
            for event in events {
                // No time passes: whatever is pressed, nothing may be let through.
                let effects = play.update(event);
                let lets_through = effects.iter().any(|effect| {
                    let first = CallId(1);
                    matches!(effect, AppEffect::Host(Effect::Call { call, .. }) if *call == first)
                        || matches!(effect, AppEffect::Host(Effect::Keep(Keep::Rule(_))))
                });
                prop_assert!(!lets_through);
            }
        }
    }
}
