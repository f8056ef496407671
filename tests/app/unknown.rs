//! What a person does about a call of which nobody knows whether it has run.

use mcpdeck::app::{AppEffect, Code, Pane};
use mcpdeck::host::{Effect, HostEvent};
use mcpdeck::ids::{CallId, Generation, ServerName};
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::result::CallOutcome;

use crate::support::{Play, host_effects};

/// A write by hand, and what came of it.
fn written(outcome: CallOutcome, has_a_look: bool) -> Play {
    let mut play = Play::ready();
    if has_a_look {
        let mut servers = play.app.host.servers.iter_mut();
        let files = servers.find(|server| server.name.as_str() == "files");
        files.expect("a server").tools[0].annotations.read_only = Some(true);
    }
    play.type_text("/call files write_file path=a.txt");
    play.press(Code::Enter);
    play.host(HostEvent::Server {
        server: ServerName::new("files"),
        generation: Generation(1),
        event: ServerEvent::Call(CallId(1), CallEvent::Finished(outcome)),
    });
    play.press(Code::F(3));
    assert_eq!(play.app.focus, Pane::Calls);
    play
}

fn lost() -> CallOutcome {
    CallOutcome::Lost {
        why: "the pipe broke".into(),
    }
}

fn calls(effects: &[AppEffect]) -> Vec<(String, String)> {
    let call = |effect: &Effect| match effect {
        Effect::Call {
            tool, arguments, ..
        } => Some((tool.clone(), arguments.clone())),
        _ => None,
    };
    host_effects(effects).into_iter().filter_map(call).collect()
}

#[test]
fn a_look_is_written_for_the_person_to_send() {
    let mut play = written(lost(), true);
    let effects = play.press(Code::Char('c'));
    assert_eq!(calls(&effects), [], "nothing is sent by the key");
    assert_eq!(
        play.app.composer.text(),
        r#"/call files read_file {"path":"a.txt"}"#
    );
    assert_eq!(play.app.focus, Pane::Chat);
    let sent = calls(&play.press(Code::Enter));
    let expected = ("read_file".to_owned(), r#"{"path":"a.txt"}"#.to_owned());
    assert_eq!(sent, [expected]);
}

#[test]
fn without_a_tool_that_reads_the_model_is_asked_to_look() {
    let mut play = written(lost(), false);
    play.press(Code::Char('c'));
    let text = play.app.composer.text();
    assert!(
        text.contains("files.write_file") && text.contains("do not call it again"),
        "{text}"
    );
}

#[test]
fn it_is_sent_again_by_the_second_press_alone() {
    let mut play = written(lost(), true);
    assert_eq!(calls(&play.press(Code::Char('x'))), []);
    assert!(play.toast().contains("Press again"), "{}", play.toast());
    play.wait(10_000);
    assert_eq!(calls(&play.press(Code::Char('x'))), [], "too late");
    let sent = calls(&play.press(Code::Char('x')));
    let expected = ("write_file".to_owned(), r#"{"path":"a.txt"}"#.to_owned());
    assert_eq!(sent, [expected]);
    assert_eq!(play.app.host.calls.len(), 2, "a call of its own");
}

#[test]
fn a_call_that_never_left_offers_neither() {
    let never = CallOutcome::NotSent {
        why: "the pipe broke".into(),
    };
    let mut play = written(never, true);
    let keys: Vec<_> = play
        .app
        .hints()
        .into_iter()
        .map(|(_, label)| label)
        .collect();
    assert!(
        !keys.contains(&"check") && !keys.contains(&"send again"),
        "{keys:?}"
    );
    assert_eq!(calls(&play.press(Code::Char('x'))), []);
    assert_eq!(calls(&play.press(Code::Char('x'))), []);
    let keys = written(lost(), true).app.hints();
    let keys: Vec<_> = keys.into_iter().map(|(_, label)| label).collect();
    assert!(
        keys.contains(&"check") && keys.contains(&"send again"),
        "a control: {keys:?}"
    );
}
