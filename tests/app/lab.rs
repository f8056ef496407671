//! Keys of the Lab and Follow tabs: what they ask of the host, and that nothing of it happens without them.

use mcpdeck::app::inspector::LabPart;
use mcpdeck::app::{App, AppEffect, AppEvent, Code, InspectTab, Inspector, Key};
use mcpdeck::config::{Config, HttpLaunch, Launch, ThemeChoice, TransportChoice};
use mcpdeck::host::trail::From;
use mcpdeck::host::{Effect, Host, Settings};
use mcpdeck::ids::{CallId, Moment, ServerName};
use mcpdeck::mcp::fault::{Cadence, FaultKind, Faults, Scope};

use crate::support::server_spec;

/// A child process and a server at a URL, and the inspector's Lab tab for one of them.
fn app(server: &str) -> App {
    let mut remote = server_spec("remote");
    remote.launch = Launch::Http(HttpLaunch {
        shown: String::new(),
        url: "http://127.0.0.1:9/mcp".into(),
        headers: Default::default(),
        transport: TransportChoice::Auto,
        oauth: Box::default(),
    });
    let config = Config {
        servers: vec![server_spec("child"), remote],
        ..Config::default()
    };
    let host = Host::new(&config, Settings::default());
    let mut app = App::new(host, (120, 40), ThemeChoice::Mono);
    let mut inspector = Inspector::new(server.into());
    inspector.tab = InspectTab::Lab;
    app.inspector = Some(Box::new(inspector));
    app
}

fn press(app: &mut App, keys: &[Key]) -> Vec<AppEffect> {
    let mut effects = Vec::new();
    for key in keys {
        let at = Moment(app.now.0 + 1_000_000);
        effects.extend(app.update(AppEvent::Key(*key), at));
    }
    effects
}

fn faults(effects: &[AppEffect]) -> Vec<(ServerName, Faults)> {
    let set = effects.iter().filter_map(|effect| match effect {
        AppEffect::Host(Effect::SetFaults { server, faults }) => {
            Some((server.clone(), faults.clone()))
        }
        _ => None,
    });
    set.collect()
}

fn mark(app: &mut App, kind: FaultKind) {
    let place = FaultKind::ALL.iter().position(|it| *it == kind);
    app.inspector.as_mut().expect("open").lab.fault = place.expect("a place");
}

#[test]
fn a_fault_is_set_before_it_is_switched_on_and_while_it_is() {
    let mut app = app("child");
    mark(&mut app, FaultKind::Delay);
    // Set while it is off: nothing is told to anybody.
    assert_eq!(
        faults(&press(&mut app, &[Key::char('a'), Key::char('n')])),
        []
    );
    let on = faults(&press(&mut app, &[Key::char(' ')]));
    assert_eq!(on.len(), 1);
    let delay = on[0].1.0[&FaultKind::Delay];
    assert_eq!(
        (delay.amount, delay.cadence, delay.scope),
        (2_000, Cadence::Every(2), Scope::Calls)
    );
    let changed = faults(&press(&mut app, &[Key::char('s')]));
    assert_eq!(changed[0].1.0[&FaultKind::Delay].scope, Scope::Everything);
    mark(&mut app, FaultKind::Kill);
    press(&mut app, &[Key::new(Code::Enter)]);
    let name = ServerName::new("child");
    let words = app.host.lab.on_at(&name).map(Faults::words);
    let expected = "delay 2000 ms every 2nd (all messages), kill once";
    assert_eq!(words.as_deref(), Some(expected));
    // Pressed once more it is off; `o` takes all away.
    press(&mut app, &[Key::new(Code::Enter)]);
    assert_eq!(app.host.lab.on_at(&name).map(|on| on.0.len()), Some(1));
    let off = faults(&press(&mut app, &[Key::char('o')]));
    assert_eq!(off, [(name.clone(), Faults::default())]);
    assert_eq!(app.host.lab.on_at(&name), None);
}

#[test]
fn a_fault_that_the_server_cannot_have_is_said_and_not_set() {
    for (server, kind) in [
        ("child", FaultKind::Unauthorized),
        ("child", FaultKind::Expired),
        ("remote", FaultKind::Kill),
    ] {
        let mut app = app(server);
        mark(&mut app, kind);
        assert_eq!(faults(&press(&mut app, &[Key::char(' ')])), []);
        let said = app.toast.as_ref().expect("a word").text.clone();
        assert!(said.contains("only with"), "{said}");
    }
}

#[test]
fn the_three_eras_are_started_by_their_key_alone() {
    let mut app = app("child");
    let dials = |effects: &[AppEffect]| {
        let dial = |effect: &&AppEffect| matches!(effect, AppEffect::Host(Effect::Dial { .. }));
        effects.iter().filter(dial).count()
    };
    let others = [
        Key::new(Code::Tab),
        Key::new(Code::Down),
        Key::new(Code::Enter),
        Key::char(' '),
        Key::char('x'),
        Key::new(Code::Tab),
    ];
    assert_eq!(dials(&press(&mut app, &others)), 0);
    assert_eq!(dials(&press(&mut app, &[Key::char('c')])), 1);
    assert_eq!(
        app.inspector.as_ref().expect("open").lab.part,
        LabPart::Eras
    );
    // A second one does not begin beside it.
    assert_eq!(dials(&press(&mut app, &[Key::char('c')])), 0);
    press(&mut app, &[Key::char('x')]);
    let comparison = app.host.lab.comparison.as_ref().expect("one");
    assert!(!comparison.is_running());
}

#[test]
fn one_key_follows_a_call_from_wherever_it_is_in_view() {
    let mut app = app("child");
    app.inspector = None;
    let follow = Key::new(Code::F(5));
    press(&mut app, &[follow]);
    assert!(app.inspector.is_none(), "there is no call yet");
    for text in ["/call child.first {}", "/call child.second {}"] {
        app.composer.set(text);
        press(&mut app, &[Key::new(Code::Enter)]);
    }
    assert_eq!(app.host.calls.len(), 2, "{:?}", app.toast);
    let followed = |app: &App| {
        let inspector = app.inspector.as_ref().expect("open");
        (
            inspector.tab,
            inspector.server.clone(),
            inspector.follow.from,
        )
    };
    let expected = |call| {
        let from = Some(From::Call(CallId(call)));
        (InspectTab::Follow, "child".into(), from)
    };
    // From the chat, at its end, the newest; from the list of calls, the marked one; from there to its neighbours.
    press(&mut app, &[follow]);
    assert_eq!(followed(&app), expected(2));
    press(&mut app, &[Key::char('p')]);
    assert_eq!(followed(&app), expected(1));
    press(&mut app, &[Key::char('n')]);
    assert_eq!(followed(&app), expected(2));
    press(
        &mut app,
        &[
            Key::new(Code::Esc),
            Key::new(Code::F(3)),
            Key::new(Code::Home),
            follow,
        ],
    );
    assert_eq!(followed(&app), expected(1));
    // Enter opens a row, Esc closes it, and then the inspector.
    press(&mut app, &[Key::new(Code::Enter)]);
    assert_eq!(app.inspector.as_ref().expect("open").follow.open, Some(0));
    press(&mut app, &[Key::new(Code::Esc)]);
    assert_eq!(app.inspector.as_ref().expect("open").follow.open, None);
    press(&mut app, &[Key::new(Code::Esc)]);
    assert!(app.inspector.is_none());
    // From the open detail of a call.
    press(&mut app, &[Key::new(Code::Enter), follow]);
    assert_eq!(followed(&app), expected(1));
}
