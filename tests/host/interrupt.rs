//! Interrupted in every state: everything stops, and the conversation stays well formed.

use mcpdeck::agent::model::{ModelErrorKind, ModelEvent};
use mcpdeck::host::{
    CallEnd, CallState, Command, Effect, HostEvent, Settings, StopReason, TurnState,
};
use mcpdeck::ids::CallId;
use mcpdeck::mcp::event::{CallEvent, ServerEvent};
use mcpdeck::mcp::result::CallOutcome;

use crate::stage::*;

/// What must hold after any interrupt; gives the next turn's request.
fn rests(stage: &mut Stage) -> mcpdeck::agent::model::ModelRequest {
    assert_eq!(stage.host.turn, TurnState::Idle);
    assert_eq!(stage.host.stopped, Some(StopReason::Interrupted));
    assert!(stage.host.questions.is_empty());
    assert!(stage.host.calls.iter().all(|call| call.end().is_some()));
    assert_eq!(
        stage.command(Command::Interrupt),
        [],
        "nothing is left to interrupt"
    );
    let request = request(&stage.submit("go on"));
    assert_well_formed(&request);
    request
}

#[test]
fn while_the_model_speaks() {
    let mut stage = Stage::ready();
    let stream = stream(&stage.submit("hi"));
    stage.model(stream, ModelEvent::Text("half of".into()));
    assert_eq!(
        stage.command(Command::Interrupt),
        [Effect::AbortModel { stream }]
    );
    assert_eq!(stage.model(stream, ModelEvent::Text(" it".into())), []);
    assert_eq!(rests(&mut stage).messages.len(), 4);
}

#[test]
fn while_servers_start() {
    let mut stage = Stage::cold(&config(vec![foreign("other", &[])]), Settings::default());
    stage.start();
    let timer = timers(&stage.submit("hi"))[0].0;
    assert_eq!(stage.command(Command::Interrupt), []);
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
    assert!(!stage.host.is_busy());
    stage.raise("other");
    rests(&mut stage);
}

#[test]
fn while_it_waits_to_try_again() {
    let mut stage = Stage::ready();
    let asked = stage.submit("hi");
    let effects = stage.model(stream(&asked), failed(ModelErrorKind::Server, None));
    let timer = timers(&effects)[0].0;
    assert_eq!(stage.command(Command::Interrupt), []);
    assert_eq!(stage.tell(HostEvent::Timer(timer)), []);
    rests(&mut stage);
}

#[test]
fn while_it_asks_and_calls() {
    let mut stage = Stage::ready();
    let calls = vec![
        call(1, "files__read", &path("a")),
        call(2, "files__read", &path("b")),
        call(3, "other__write", "{}"),
        call(4, "nothing", "{}"),
    ];
    stage.propose(calls);
    stage.outcome(1, answered("A"));
    let generation = stage.generation("files");
    let cancel = Effect::CancelCall {
        call: CallId(2),
        server: "files".into(),
        generation,
    };
    assert_eq!(
        stage.command(Command::Interrupt),
        [cancel],
        "one for each that runs"
    );
    assert_eq!(*stage.end(3), CallEnd::Interrupted);
    let outcome = CallOutcome::Cancelled;
    assert_eq!(*stage.end(2), CallEnd::Outcome { outcome });
    // The answer that was on its way comes too late to count.
    let late = ServerEvent::Call(CallId(2), CallEvent::Finished(answered("B")));
    assert_eq!(stage.server("files", late), []);
    let texts: Vec<_> = results(&rests(&mut stage))
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(texts.len(), 4);
    assert_eq!(texts[0], "A");
    assert!(
        texts[1].starts_with("outcome unknown: the person cancelled it"),
        "{texts:?}"
    );
    assert_eq!(
        texts[2],
        "error: not sent, because the person interrupted the turn"
    );
}

#[test]
fn a_call_by_hand_is_cancelled_without_a_turn() {
    let mut stage = Stage::ready();
    stage.command(Command::Call {
        server: "other".into(),
        tool: "read".into(),
        arguments: "{}".into(),
    });
    assert!(matches!(stage.call(1).state, CallState::Running { .. }));
    let effects = stage.command(Command::Interrupt);
    assert!(matches!(effects[..], [Effect::CancelCall { .. }]));
    assert_eq!(stage.host.stopped, None);
    assert_eq!(stage.command(Command::Interrupt), []);
}
