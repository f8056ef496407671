//! Prompts that are sent while a turn runs or a model is looked for: they wait, go out by themselves, or come back.

use mcpdeck::agent::model::{ModelError, ModelErrorKind, ModelEvent};
use mcpdeck::app::{AppEffect, Code};
use mcpdeck::host::{Effect, HostEvent, ModelLabel};

use crate::support::{Play, host_effects};

fn asks_model(effects: &[AppEffect]) -> bool {
    host_effects(effects)
        .iter()
        .any(|effect| matches!(effect, Effect::StreamModel { .. }))
}

/// A turn runs, and these have been sent meanwhile.
fn queued(prompts: &[&str]) -> Play {
    let mut play = Play::ready();
    play.type_text("first");
    play.press(Code::Enter);
    for prompt in prompts {
        play.type_text(prompt);
        assert_eq!(play.press(Code::Enter), [], "nothing goes out now");
        assert!(play.app.composer.is_empty());
    }
    assert_eq!(play.app.last_prompt(), Some("first"));
    play
}

#[test]
fn it_goes_out_when_the_turn_ends() {
    let mut play = queued(&["second"]);
    let turn = play.stream.clone();
    play.model_says("done");
    assert_eq!(play.app.last_prompt(), Some("second"));
    assert_eq!(play.app.queued, None);
    assert!(play.app.host.is_busy());
    assert_ne!(play.stream.map(|of| of.0), turn.map(|of| of.0));
}

#[test]
fn several_go_out_as_one() {
    let mut play = queued(&["second", "third"]);
    play.model_says("done");
    assert_eq!(play.app.last_prompt(), Some("second\nthird"));
}

#[test]
fn up_in_the_empty_input_takes_it_back_before_the_history() {
    let mut play = queued(&["second"]);
    play.press(Code::Up);
    assert_eq!(play.app.composer.text(), "second");
    assert_eq!(play.app.queued, None);
    play.model_says("done");
    assert_eq!(play.app.last_prompt(), Some("first"), "it was taken back");
    assert!(!play.app.host.is_busy());
}

#[test]
fn an_interrupt_gives_it_back_before_what_is_written() {
    for ctrl_c in [false, true] {
        let mut play = queued(&["second"]);
        if !ctrl_c {
            play.type_text("half a th");
        }
        let effects = if ctrl_c {
            play.ctrl('c')
        } else {
            play.press(Code::Esc)
        };
        assert!(!asks_model(&effects));
        assert!(!play.app.host.is_busy());
        assert_eq!(play.app.queued, None);
        let back = if ctrl_c {
            "second"
        } else {
            "second\nhalf a th"
        };
        assert_eq!(play.app.composer.text(), back);
        assert_eq!(play.app.last_prompt(), Some("first"));
    }
}

#[test]
fn a_failed_turn_gives_it_back() {
    let mut play = queued(&["second"]);
    let (stream, _) = play.stream.clone().expect("the model is asked");
    let error = ModelError {
        kind: ModelErrorKind::Key,
        message: "401".to_owned(),
        hint: None,
        retry_after: None,
    };
    let event = ModelEvent::Failed(error);
    let effects = play.host(HostEvent::Model { stream, event });
    assert!(!asks_model(&effects));
    assert_eq!(play.app.composer.text(), "second");
    assert_eq!(play.app.queued, None);
}

#[test]
fn it_waits_for_the_search_for_a_model_too() {
    let mut play = Play::starting();
    play.type_text("hello");
    assert!(!asks_model(&play.press(Code::Enter)));
    assert_eq!(play.app.queued.as_deref(), Some("hello"));
    assert_eq!(play.app.last_prompt(), None);
    play.host(HostEvent::ModelFound(Ok(ModelLabel {
        context: None,
        model: "m".to_owned(),
        place: "here".to_owned(),
        scripted: false,
        notes: Vec::new(),
    })));
    assert_eq!(play.app.queued, None);
    assert_eq!(play.app.last_prompt(), Some("hello"));
}

#[test]
fn commands_do_not_wait() {
    let mut play = queued(&[]);
    play.type_text("/call files read_file path=a");
    let effects = play.press(Code::Enter);
    assert!(
        host_effects(&effects)
            .iter()
            .any(|effect| matches!(effect, Effect::Call { .. }))
    );
    assert_eq!(play.app.queued, None);
}
