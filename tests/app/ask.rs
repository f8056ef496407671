//! What servers ask, answered with keys: each dialog gives the answers that it says, and nothing by a slip.

use mcpdeck::app::dialog::Dialog;
use mcpdeck::app::{AppEffect, AppEvent, Code, Context, Key, Overlay};
use mcpdeck::host::{Effect, HostEvent, Root, SignInEvent};
use mcpdeck::ids::{Generation, ServerName};
use mcpdeck::mcp::ask::{Ask, Sampling};
use mcpdeck::mcp::event::ServerEvent;
use mcpdeck::mcp::failure::{Failure, FailureKind};
use mcpdeck::mcp::status::Status;
use serde_json::json;

use crate::support::{Play, host_effects};

/// The server `files` asks this, and the dialog has been on show for long enough.
fn asked(what: Ask) -> Play {
    let mut play = Play::ready();
    play.ask(71, what);
    play.update(AppEvent::Tick);
    play.wait(1_000);
    play
}

fn name_form() -> Ask {
    Ask::Form {
        message: "Who are you?".into(),
        schema: json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}),
    }
}

fn visit(url: &str) -> Ask {
    Ask::Url {
        message: "Please connect.".into(),
        url: url.into(),
        id: Some("e1".into()),
    }
}

fn is_open(play: &Play) -> bool {
    !play.app.host.questions.is_empty()
}

#[test]
fn a_form_takes_what_is_typed_and_is_accepted_once_it_fits() {
    let mut play = asked(name_form());
    assert_eq!(play.app.context(), Context::Form);
    play.press(Code::Enter);
    assert!(is_open(&play), "nothing was filled in");
    play.type_text("yes no");
    play.update(AppEvent::Paste(" Ánh".into()));
    let Dialog::Form(form) = &play.app.ask.dialog else {
        panic!("no form");
    };
    let text = form.fields[0].text().map(|text| text.text().to_owned());
    assert_eq!(text.as_deref(), Some("yes no Ánh"));
    assert!(play.app.composer.is_empty());
    play.press(Code::Enter);
    assert!(!is_open(&play));
    assert_eq!(play.app.context(), Context::Chat);
}

#[test]
fn what_was_typed_for_the_input_neither_answers_nor_fills_in() {
    let mut play = Play::ready();
    play.ask(1, name_form());
    play.update(AppEvent::Tick);
    play.type_text("hello");
    play.update(AppEvent::Paste("there".into()));
    play.press(Code::Enter);
    play.press(Code::Esc);
    play.ctrl('x');
    assert!(is_open(&play));
    let Dialog::Form(form) = &play.app.ask.dialog else {
        panic!("no form");
    };
    assert!(form.fields[0].text().is_some_and(|text| text.is_empty()));
    for ask in [visit("https://example.com/"), Ask::Roots] {
        let mut play = Play::ready();
        play.ask(1, ask);
        play.update(AppEvent::Tick);
        let effects = play.type_text("yoen");
        assert!(effects.is_empty(), "{effects:?}");
        assert!(play.press(Code::Enter).is_empty());
        assert!(is_open(&play));
    }
}

#[test]
fn an_address_is_opened_only_after_a_yes_and_the_server_told_only_when_it_was() {
    let url = "https://example.com/connect?a=b";
    let mut play = asked(visit(url));
    assert_eq!(play.app.context(), Context::Visit);
    assert_eq!(play.key(Key::char('c')), [AppEffect::Copy(url.into())]);
    assert!(is_open(&play));
    assert_eq!(play.key(Key::char('y')), [AppEffect::Open(url.into())]);
    assert!(is_open(&play));
    assert!(play.key(Key::char('y')).is_empty(), "it is opened once");
    play.update(AppEvent::Opened("https://other.example/".into(), Ok(())));
    assert!(is_open(&play), "another address was opened");
    play.update(AppEvent::Opened(url.into(), Ok(())));
    assert!(!is_open(&play));
    assert_eq!(play.app.visits.len(), 1);
    let done = |id: &str| HostEvent::Server {
        server: ServerName::new("files"),
        generation: Generation(1),
        event: ServerEvent::UrlDone { id: id.into() },
    };
    play.host(done("another"));
    assert_eq!(play.app.visits.len(), 1);
    play.host(done("e1"));
    assert!(play.app.visits.is_empty());
}

#[test]
fn without_a_browser_the_address_is_copied_and_the_person_says_when() {
    let url = "https://example.com/connect";
    let mut play = asked(visit(url));
    play.press(Code::Enter);
    let none = Err("there is no display here".to_owned());
    let effects = play.update(AppEvent::Opened(url.into(), none));
    assert_eq!(effects, [AppEffect::Copy(url.into())]);
    assert!(is_open(&play));
    play.key(Key::char('e'));
    assert!(!is_open(&play));
    assert_eq!(play.app.visits.len(), 1);
}

#[test]
fn what_is_no_page_is_never_opened() {
    for url in ["file:///etc/passwd", "javascript:alert(1)", "x", ""] {
        let mut play = asked(visit(url));
        for key in ['y', 'o', 'e'] {
            let effects = play.key(Key::char(key));
            assert!(effects.is_empty(), "{url} {key}: {effects:?}");
            assert!(is_open(&play), "{url} {key}");
        }
        play.key(Key::char('n'));
        assert!(!is_open(&play), "{url}");
    }
}

#[test]
fn a_question_that_is_withdrawn_goes_and_the_next_one_starts_afresh() {
    let mut play = asked(name_form());
    play.ask(72, visit("https://example.com/"));
    play.type_text("half");
    play.app.host.questions.pop_front();
    play.update(AppEvent::Tick);
    assert_eq!(play.app.context(), Context::Visit);
    assert!(play.toast().contains("no longer waits"), "{}", play.toast());
    // It has just come: the hand may still be typing.
    assert!(play.type_text("y").is_empty());
    play.wait(1_000);
    play.key(Key::char('n'));
    assert!(!is_open(&play));
}

#[test]
fn sampling_is_agreed_to_declined_or_closed() {
    let sampling = || {
        Ask::Sampling(Box::new(Sampling {
            messages: Vec::new(),
            system: None,
            max_tokens: 10,
            temperature: None,
            stop: Vec::new(),
            models: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            context: None,
        }))
    };
    for key in [
        Key::char('y'),
        Key::char('s'),
        Key::char('n'),
        Key::new(Code::Esc),
        Key::new(Code::Enter),
    ] {
        let mut play = asked(sampling());
        assert_eq!(play.app.context(), Context::Sampling);
        play.key(key);
        assert!(!is_open(&play), "{key}");
    }
}

#[test]
fn folders_are_looked_for_before_they_are_told_of() {
    let mut play = Play::ready();
    play.app.here.folder = "/work/dự án".into();
    play.app.here.home = Some("/home/anh".into());
    play.type_text("/roots");
    play.press(Code::Enter);
    assert_eq!(play.app.context(), Context::Form);
    play.press(Code::Down);
    play.type_text("~/ghi chú");
    let effects = play.press(Code::Enter);
    let found = vec!["/work/dự án".into(), "/home/anh/ghi chú".into()];
    assert_eq!(effects, [AppEffect::FindFolders(found.clone())]);
    play.update(AppEvent::Missing(vec![found[1].clone()]));
    let Overlay::Folders(folders) = &play.app.overlay else {
        panic!("closed");
    };
    assert_eq!(folders.at, 1);
    assert!(folders.rows[1].complaint.is_some());
    play.key(Key::char('t').ctrl());
    play.press(Code::Enter);
    play.update(AppEvent::Missing(Vec::new()));
    let root = Root {
        uri: "file:///work/d%E1%BB%B1%20%C3%A1n".into(),
        name: Some("dự án".into()),
    };
    assert_eq!(play.app.host.roots, Some(vec![root]));
    assert!(matches!(play.app.overlay, Overlay::None));
    // A server that asks is proposed the same.
    play.ask(1, Ask::Roots);
    play.update(AppEvent::Tick);
    play.wait(1_000);
    play.press(Code::Enter);
    play.update(AppEvent::Missing(Vec::new()));
    assert!(!is_open(&play));
}

fn needs_sign_in() -> Play {
    let mut play = Play::ready();
    let failure = Failure::new(FailureKind::NeedsSignIn, "HTTP 401");
    play.app.host.servers[1].status = Status::Failed {
        failure: Box::new(failure),
    };
    play
}

fn sign_in(event: SignInEvent) -> HostEvent {
    HostEvent::SignIn {
        server: ServerName::new("shop"),
        event,
    }
}

#[test]
fn a_sign_in_is_begun_visited_and_finished_by_hand() {
    let mut play = needs_sign_in();
    play.press(Code::F(4));
    let keys = |play: &Play| play.app.hints().iter().any(|(key, _)| key == "s");
    assert!(!keys(&play), "the first server is well");
    play.press(Code::Down);
    assert!(keys(&play));
    let effects = play.key(Key::char('s'));
    let server = ServerName::new("shop");
    let expected = Effect::SignIn {
        server: server.clone(),
    };
    assert_eq!(host_effects(&effects), [&expected]);
    assert_eq!(play.app.context(), Context::SignIn);
    let url = "https://login.example.com/authorize?client_id=x".to_owned();
    play.host(sign_in(SignInEvent::Visit {
        url: url.clone(),
        comes_back: false,
    }));
    assert_eq!(play.ctrl('o'), [AppEffect::Open(url.clone())]);
    let none = Err("there is no display here".to_owned());
    let effects = play.update(AppEvent::Opened(url.clone(), none));
    assert_eq!(effects, [AppEffect::Copy(url.clone())]);
    assert_eq!(play.ctrl('y'), [AppEffect::Copy(url)]);
    assert!(play.press(Code::Enter).is_empty(), "nothing was pasted");
    play.update(AppEvent::Paste(
        "http://127.0.0.1:1/cb?co\n de=1&state=2 ".into(),
    ));
    let effects = play.press(Code::Enter);
    let expected = Effect::FinishSignIn {
        server: server.clone(),
        redirect: "http://127.0.0.1:1/cb?code=1&state=2".into(),
    };
    assert_eq!(host_effects(&effects), [&expected]);
    play.host(sign_in(SignInEvent::Failed {
        why: "the state is another".into(),
    }));
    assert_eq!(play.app.context(), Context::SignIn);
    let effects = play.press(Code::Enter);
    assert_eq!(host_effects(&effects).len(), 1, "it begins anew");
    play.host(sign_in(SignInEvent::Done));
    assert!(matches!(play.app.overlay, Overlay::None));
    assert!(
        play.toast().contains("Signed in at shop"),
        "{}",
        play.toast()
    );
}

#[test]
fn a_sign_in_is_given_up_and_credentials_are_forgotten() {
    let mut play = needs_sign_in();
    play.type_text("/login shop");
    play.press(Code::Enter);
    let effects = play.press(Code::Esc);
    let server = ServerName::new("shop");
    let expected = Effect::AbortSignIn {
        server: server.clone(),
    };
    assert_eq!(host_effects(&effects), [&expected]);
    assert!(matches!(play.app.overlay, Overlay::None));
    play.type_text("/logout shop");
    let effects = play.press(Code::Enter);
    assert_eq!(host_effects(&effects), [&Effect::SignOut { server }]);
    play.type_text("/login ghost");
    play.press(Code::Enter);
    assert!(
        play.toast().contains("no server `ghost`"),
        "{}",
        play.toast()
    );
}

#[test]
fn ctrl_c_closes_a_servers_question_when_nothing_runs() {
    let mut play = asked(name_form());
    play.ctrl('c');
    assert!(!is_open(&play));
}
